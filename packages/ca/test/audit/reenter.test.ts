import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { issueCrl, parseCrl } from '@handfast/x509';
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

/** A server with its stream, commands beside it, and a copy of the database from before all of it. */
async function withStream(t: TestContext, baseUrl?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'ca-reenter-'));
  const issuer = await newIssuer();
  const clock = new Clock();
  const open = async (): Promise<Opened> => {
    const database = await openSqlite(join(folder, 'ca.db'));
    const options = { provider: nodeProvider, issuer, policy: { domains: ['example.test'] }, clock: clock.read };
    const authority = await openAuthority({ ...options, database, ...(baseUrl !== undefined && { baseUrl }) });
    t.after(() => authority.close());
    return { authority, database, clock, issuer };
  };
  const server = await open();
  t.after(() => rmSync(folder, { recursive: true }));
  const putBack = await copyOf(server.database);
  const lines: string[] = [];
  const write = (events: readonly AuditEvent[]): void =>
    void lines.push(...events.map((event) => JSON.stringify(auditEventJson(event))));
  const stream = new AuditStream({ database: server.database, write, clock: clock.read });
  await stream.send();
  lines.splice(0);
  return {
    server,
    command: await open(),
    /** As each second, until others' entries are told, too. */
    async told(): Promise<readonly string[]> {
      await stream.send();
      clock.time += 2 * minute;
      await stream.send();
      return lines;
    },
    again: (given: readonly string[]) => reenter(server.database, given),
    putBack: () => putBack(server.database),
  };
}

function actionsIn(lines: readonly string[]): readonly string[] {
  return lines.map((line) => JSON.parse(line).action);
}

test('what a command issued and the server revoked at once is revoked when it is entered again', async (t) => {
  const { server, command, told, again, putBack } = await withStream(t);
  const { certificate } = await command.authority.issue(await request());
  const serial = certificate.serialNumberHex;
  server.clock.time += minute / 2;
  const revoked = await server.authority.revoke({ serial, reason: 'superseded', by: 'dashboard' });
  await server.authority.revoke({ serial, reason: 'keyCompromise', by: 'dashboard' });
  const lines = await told();
  assert.deepEqual(actionsIn(lines), ['revoke', 'revoke', 'block key', 'issue']);
  await putBack();
  const { issued, revoked: count, notRevoked, unknown, notDone } = await again(lines);
  assert.deepEqual({ issued, count, notRevoked, unknown }, { issued: 1, count: 1, notRevoked: [], unknown: [] });
  assert.deepEqual(notDone, new Map());
  const found = await server.authority.find(serial);
  assert.deepEqual([found?.status, found?.reason, found?.revokedAt], ['revoked', 'keyCompromise', revoked.revokedAt]);
  assert.equal(parseCrl(await server.authority.crl(server.authority.issuerId)).size, 1);
});

test('who revoked first says when, whose word ever comes first', async (t) => {
  const { server, command, told, again, putBack } = await withStream(t);
  const { certificate } = await server.authority.issue(await request());
  const serial = certificate.serialNumberHex;
  const { revokedAt } = await command.authority.revoke({ serial, reason: 'superseded', by: 'operator bob' });
  server.clock.time += minute / 2;
  await server.authority.revoke({ serial, reason: 'keyCompromise', by: 'dashboard' });
  const lines = await told();
  assert.deepEqual(actionsIn(lines), ['issue', 'revoke', 'block key', 'revoke']);
  await putBack();
  assert.deepEqual((await again(lines)).notRevoked, []);
  const found = await server.authority.find(serial);
  assert.deepEqual([found?.reason, found?.revokedAt], ['keyCompromise', revokedAt]);
});

test('a certificate whose key is blocked is entered as a revoked one', async (t) => {
  const { server, command, told, again, putBack } = await withStream(t);
  const publicKey = await newKey();
  const { certificate } = await server.authority.issue(await request({ publicKey }));
  const lines = await told();
  await putBack();
  await command.authority.blockKey({ key: publicKey, by: 'operator bob' });
  const done = await again(lines);
  assert.deepEqual([done.issued, done.revoked], [1, 1]);
  const found = await server.authority.find(certificate.serialNumberHex);
  assert.deepEqual([found?.reason, found?.revokedAt], ['keyCompromise', server.clock.read()]);
});

test('a certificate is in the list that it names, whatever the stream says', async (t) => {
  const { server, told, again, putBack } = await withStream(t, 'http://ca.example.test');
  const { certificate } = await server.authority.issue(await request());
  const lines = await told();
  const [row] = await server.database.all('SELECT crl_shard FROM certificates');
  const shard = Number(row?.crl_shard);
  assert.match(lines.join(), new RegExp(`"shard":${shard},`));
  await putBack();
  await again(lines.map((line) => line.replace(/"shard":\d+/, `"shard":${(shard + 1) % 16}`)));
  assert.deepEqual(await server.database.all('SELECT serial, crl_shard FROM certificates'), [
    { serial: certificate.serialNumberHex, crl_shard: shard },
  ]);
});

test('what stands behind a gap is named', async (t) => {
  const { server, told, again, putBack } = await withStream(t);
  const { authority } = server;
  const serials: string[] = [];
  for (let count = 0; count < 3; count++) {
    serials.push((await authority.issue(await request())).certificate.serialNumberHex);
  }
  const [, second = '', third = ''] = serials;
  await authority.revoke({ serial: third, by: 'x' });
  const [first = '', ...lines] = await told();
  await putBack();
  const { refused, issued, unknown, notRevoked, notDone } = await again(lines);
  assert.deepEqual({ refused, issued, notDone }, { refused: 3, issued: 0, notDone: new Map() });
  assert.deepEqual([unknown, notRevoked], [[second, third], [third]]);
  // One that was changed names nothing.
  const forged = await again(lines.map((line) => line.replace(third, 'ff'.repeat(16))));
  assert.deepEqual([forged.unknown, forged.notRevoked], [[second], []]);
  // Nothing is missing once the first is there, however often the others were refused before.
  const whole = await again([...lines, first, ...lines]);
  assert.deepEqual([whole.issued, whole.revoked, whole.unknown, whole.notRevoked], [3, 1, [], []]);
});

test('a list of the root that was imported is not there, and its number is not given again', async (t) => {
  const { server, told, again, putBack } = await withStream(t);
  const { issuer, authority } = server;
  const dates = { thisUpdate: server.clock.read(), nextUpdate: new Date(server.clock.time + day), revoked: [] };
  const signed = { certificate: issuer.root, signer: issuer.rootSigner };
  const seven = await issueCrl({ ...dates, issuer: signed, number: 7n });
  await authority.importCrl({ crl: seven.raw, by: 'operator bob' });
  const lines = await told();
  await putBack();
  assert.deepEqual((await again(lines)).notDone, new Map([['import crl', 1]]));
  const other = await issueCrl({ ...dates, issuer: signed, number: 6n });
  await assert.rejects(authority.importCrl({ crl: other.raw, by: 'x' }), {
    message: 'the CRL cannot be taken: its number 6 is not above those before it',
  });
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
