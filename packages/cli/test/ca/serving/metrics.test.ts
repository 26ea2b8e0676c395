import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { keyPassphrase } from '../../../src/ca/issuer-key.ts';
import { type OpenCa, openFolder } from '../../../src/ca/open.ts';
import { openMetrics } from '../../../src/ca/serving/metrics.ts';
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

test('certificates are counted once by who asked for them, whoever issued them, half a minute late', async () => {
  let now = Date.now();
  const metrics = openMetrics(ca, () => now);
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
