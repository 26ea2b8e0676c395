import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { parseCrl } from '@handfast/x509';
import {
  type AuditCheckpoint,
  type AuditEvent,
  AuditStream,
  auditEventJson,
  checkpointAudit,
  checkpointJson,
  type Database,
  listAudit,
  openAuthority,
  openSqlite,
  type Reentered,
  reenterAudit,
  verifyAudit,
} from '../../src/index.ts';
import {
  Clock,
  day,
  minute,
  newIssuer,
  newKey,
  nodeProvider,
  type Opened,
  opened,
  request,
} from '../support/authority.ts';
import { auditKey } from './support.ts';

/** All that is streamed, as lines. */
async function linesOf({ database, clock }: Opened): Promise<string[]> {
  const lines: string[] = [];
  const write = (events: readonly AuditEvent[]): void =>
    void lines.push(...events.map((event) => JSON.stringify(auditEventJson(event))));
  await new AuditStream({ database, write, clock: clock.read }).send();
  const publish = (checkpoint: AuditCheckpoint): void => void lines.push(JSON.stringify(checkpointJson(checkpoint)));
  await checkpointAudit({ database, signer: auditKey, clock: clock.read, publish });
  return lines;
}

const tables = [
  ...['issuers', 'issuer_urls', 'certificates', 'certificate_names', 'blocked_keys', 'crls'],
  ...['audit', 'audit_chains', 'audit_marks', 'audit_checkpoints', 'audit_heads'],
];

/** The database as it is now, as a backup has it. */
async function copyOf(database: Database): Promise<(into: Database) => Promise<void>> {
  const rows = await Promise.all(tables.map((table) => database.all(`SELECT * FROM ${table}`)));
  return async (into) => {
    for (const table of tables.toReversed()) await into.run(`DELETE FROM ${table}`);
    for (const [at, table] of tables.entries()) {
      for (const row of rows[at] ?? []) {
        const names = Object.keys(row);
        const places = names.map((_, index) => `$${index + 1}`).join(', ');
        await into.run(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${places})`, Object.values(row));
      }
    }
  };
}

function reenter(database: Database, lines: readonly string[]): Promise<Reentered> {
  return reenterAudit({ database, provider: nodeProvider, keys: [auditKey.publicKey], lines });
}

test('yesterday’s database is brought to today’s by the audit stream', async (t) => {
  const issuer = await newIssuer();
  const before = await opened(t, { issuer });
  const { authority, clock } = before;
  const old = await authority.issue(await request({ names: ['old.example.test'] }));
  const serialOf = ({ certificate }: typeof old): string => certificate.serialNumberHex;
  const yesterdays = await linesOf(before);
  const putBack = await copyOf(before.database);

  // Today: two are issued, an old one and a new one revoked, a key lost, lists made.
  clock.time += day;
  const names = ['new.example.test', '10.0.0.7'];
  const fresh = await authority.issue(await request({ names, origin: 'acme order 9' }));
  const gone = await authority.issue(await request({ names: ['gone.example.test'] }));
  await authority.revoke({ serial: serialOf(old), reason: 'superseded', by: 'operator bob' });
  await authority.revoke({ serial: serialOf(gone), reason: 'keyCompromise', by: 'operator bob' });
  const lost = await newKey();
  await authority.blockKey({ key: lost, by: 'operator bob' });
  clock.time += minute;
  const newest = parseCrl(await authority.crl(authority.issuerId));
  const records = await authority.list();
  const numbers = await before.database.all('SELECT id, crl_number FROM issuers ORDER BY id');
  const lines = [...yesterdays, ...(await linesOf(before))];
  const kept = await before.database.all('SELECT max(number) AS number FROM audit_checkpoints');

  const database = await openSqlite(':memory:');
  const later = new Clock();
  later.time = clock.time;
  const options = { provider: nodeProvider, issuer, policy: { domains: ['example.test'] }, clock: later.read };
  const restored = await openAuthority({ ...options, database });
  t.after(() => restored.close());
  await putBack(database);
  assert.equal((await restored.list()).length, 1);

  // As a log has them: torn, told twice, and between other lines.
  const damaged = ['{"event":"audit","writer":"', '{"event":"request","status":200}', ...lines, ...lines];
  const done = await reenter(database, damaged);
  const { issued, revoked, blocked, checkpoints, unknown, refused, torn, notDone } = done;
  assert.deepEqual(
    { issued, revoked, blocked, checkpoints, unknown, refused, torn, notDone },
    { issued: 2, revoked: 2, blocked: 2, checkpoints: 1, unknown: [], refused: 0, torn: 1, notDone: new Map() },
  );
  assert.deepEqual(await restored.list(), records);
  assert.equal((await restored.find(serialOf(fresh)))?.names.join(), names.join());
  assert.deepEqual((await restored.findByOrigin('acme order 9'))?.certificate.raw, fresh.certificate.raw);
  await assert.rejects(restored.checkKey(lost), { code: 'bad_key' });

  later.time += minute;
  // Numbers go on above what was signed, and lists tell of all that was revoked.
  assert.deepEqual(await database.all('SELECT id, crl_number FROM issuers ORDER BY id'), numbers);
  const list = parseCrl(await restored.crl(restored.issuerId));
  assert.ok((list.number ?? 0n) > (newest.number ?? 0n));
  assert.deepEqual(
    [...list.entries()].map(({ serialNumber }) => Buffer.from(serialNumber).toString('hex')).toSorted(),
    [serialOf(old), serialOf(gone)].toSorted(),
  );
  const serials = new Set(records.map(({ serial }) => serial));
  const next = await restored.issue(await request());
  assert.equal(serials.has(serialOf(next)), false);

  // The log is the one that was kept, and goes on.
  await checkpointAudit({ database, signer: auditKey, clock: later.read });
  const verdict = await verifyAudit({
    database,
    provider: nodeProvider,
    keys: [auditKey.publicKey],
    known: done.known,
  });
  assert.deepEqual(verdict.faults, []);
  assert.equal(verdict.keptTo?.number, kept[0]?.number);
  assert.equal((await listAudit(database, { limit: 1 }))[0]?.writer, database.writer);
});

test('without entries a checkpoint tells how many are missing', async (t) => {
  const before = await opened(t);
  await linesOf(before);
  const putBack = await copyOf(before.database);
  before.clock.time += day;
  await before.authority.issue(await request());
  const checkpoints = (await linesOf(before)).filter((line) => line.includes('"audit checkpoint"'));
  await putBack(before.database);
  const done = await reenter(before.database, checkpoints);
  assert.deepEqual([done.entries, done.checkpoints, done.known.length], [0, 0, 1]);
  const { database } = before;
  const keys = [auditKey.publicKey];
  const { faults } = await verifyAudit({ database, provider: nodeProvider, keys, known: done.known });
  assert.deepEqual(
    faults.map(({ checkpoint, seq, missingTo }) => [checkpoint, seq, missingTo]),
    [
      [2, undefined, undefined],
      [2, 3, 3],
    ],
  );
});

test('nothing is believed that chain and issuer do not bear out', async (t) => {
  const before = await opened(t);
  await linesOf(before);
  const putBack = await copyOf(before.database);
  before.clock.time += day;
  const { certificate } = await before.authority.issue(await request());
  await before.authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  const [issue = '', revoke = ''] = await linesOf(before);
  const { database, authority } = before;
  const count = async (): Promise<number> => (await authority.list()).length;
  const stranger = await (await opened(t)).authority.issue(await request());
  const other = Buffer.from(stranger.certificate.raw).toString('base64');

  await t.test('an entry that was changed', async () => {
    await putBack(database);
    const done = await reenter(database, [issue.replace('operator alice', 'operator eve'), revoke]);
    assert.deepEqual([done.entries, done.refused, await count()], [0, 2, 0]);
  });
  await t.test('an entry without the one before it', async () => {
    await putBack(database);
    const done = await reenter(database, [revoke]);
    assert.deepEqual([done.entries, done.refused, await count()], [0, 1, 0]);
  });
  await t.test('another certificate than the entry’s', async () => {
    await putBack(database);
    const done = await reenter(database, [issue.replace(/"certificate":"[^"]*"/, `"certificate":"${other}"`), revoke]);
    assert.deepEqual([done.entries, done.issued, done.unknown], [2, 0, [certificate.serialNumberHex]]);
    assert.deepEqual(
      done.notDone,
      new Map([
        ['issue', 1],
        ['revoke', 1],
      ]),
    );
    assert.equal(await count(), 0);
  });
  await t.test('all as it was is', async () => {
    await putBack(database);
    const done = await reenter(database, [issue, revoke]);
    assert.deepEqual([done.issued, done.revoked, await count()], [1, 1, 1]);
  });
});
