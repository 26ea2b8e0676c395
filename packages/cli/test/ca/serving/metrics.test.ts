import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { keyPassphrase } from '../../../src/ca/issuer-key.ts';
import { type OpenCa, openFolder } from '../../../src/ca/open.ts';
import { openMetrics } from '../../../src/ca/serving/metrics.ts';
import type { Tally } from '../../../src/ca/serving/report.ts';
import { issued } from '../rotation-support.ts';
import { Place } from '../support.ts';

const place = new Place();
let ca: OpenCa;

before(async () => {
  const rootKey = ['--root-key', place.path('root-key.pem'), '--no-passphrase'];
  await place.json('init', '--dev', '--name', 'corp.test', ...rootKey);
  ca = await openFolder(place.dir, keyPassphrase({}, {} as never));
});
after(async () => {
  await ca.close();
  place.remove();
});

function tally(): Tally {
  return { errors: 0, unwritten: { stdout: 0, stderr: 0 } };
}

test('certificates are counted once by who asked for them, whoever issued them, half a minute late', async () => {
  let now = Date.now();
  const failed = (error: unknown): void => assert.ifError(error);
  const metrics = openMetrics(ca, { tally: tally(), failed, now: () => now });
  const counted = async (): Promise<readonly string[]> =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('handfast_ca_certificates_total{'));
  assert.deepEqual(await counted(), []);
  for (const name of ['a.corp.test', 'b.corp.test', 'c.corp.test', 'd.corp.test']) await issued(place, name);
  const requesters = ['acme account 1', 'enrolment renewal of 1', 'authority'];
  for (const [index, by] of requesters.entries()) {
    await ca.database.run(
      `UPDATE certificates SET issued_by = $1 WHERE serial IN
         (SELECT serial FROM certificate_names WHERE name = $2)`,
      [by, `${'abc'[index]}.corp.test`],
    );
  }
  assert.deepEqual(await counted(), []);
  now = Date.now() + 30_000;
  const lines = ['acme', 'authority', 'enrolment', 'operator'].map(
    (by) => `handfast_ca_certificates_total{by="${by}",profile="server"} 1`,
  );
  const [first, second] = await Promise.all([counted(), counted()]);
  assert.deepEqual([first.toSorted(), second.toSorted()], [lines, lines]);
  await issued(place, 'e.corp.test');
  now = Date.now() + 30_000;
  assert.ok((await counted()).includes('handfast_ca_certificates_total{by="operator",profile="server"} 2'));
  metrics.close();
});

test('without its database there are the other figures still, and a reader waits for no more than a moment', async () => {
  const told: unknown[] = [];
  const counts = tally();
  let all = (): Promise<never> => Promise.reject(new Error('the connection is lost'));
  const database = { ...ca.database, all: () => all() };
  const metrics = openMetrics(
    { authority: ca.authority, database },
    { tally: counts, failed: (error) => told.push(error), waitMs: 10 },
  );
  const has = async (...lines: readonly string[]): Promise<void> => {
    const text = await metrics.text();
    for (const line of lines) assert.ok(text.includes(`\n${line}\n`), `${line}\n${text}`);
    assert.doesNotMatch(text, /handfast_ca_(crl_left_seconds|certificates_expiring)\{/);
  };
  await has(
    'handfast_ca_database_up 0',
    'handfast_ca_errors_total 0',
    'handfast_ca_unwritten_total{stream="stdout"} 0',
  );
  counts.errors = 2;
  counts.unwritten.stdout = 3;
  all = () => new Promise(() => undefined);
  await has(
    'handfast_ca_database_up 0',
    'handfast_ca_errors_total 2',
    'handfast_ca_unwritten_total{stream="stdout"} 3',
  );
  assert.deepEqual(told.map(String), ['Error: the connection is lost']);
  metrics.close();
});

test('figures that were there are no longer told when the database is gone, and are there again with it', async () => {
  const told: unknown[] = [];
  let lost = false;
  const database = {
    ...ca.database,
    all: (...asked: Parameters<OpenCa['database']['all']>) =>
      lost ? Promise.reject(new Error('it is gone')) : ca.database.all(...asked),
  };
  const metrics = openMetrics(
    { authority: ca.authority, database },
    { tally: tally(), failed: (error) => told.push(error) },
  );
  const expiring = async (): Promise<readonly boolean[]> => {
    const text = await metrics.text();
    return [text.includes('\nhandfast_ca_database_up 1\n'), text.includes('certificates_expiring{days="30"}')];
  };
  assert.deepEqual(await expiring(), [true, true]);
  for (let round = 0; round < 2; round++) {
    lost = true;
    assert.deepEqual(await expiring(), [false, false]);
    assert.deepEqual(await expiring(), [false, false]);
    lost = false;
    assert.deepEqual(await expiring(), [true, true]);
  }
  assert.equal(told.length, 2);
  metrics.close();
});
