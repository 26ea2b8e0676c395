import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { AuditStream, auditEventJson, openSqlite } from '@handfast/ca';
import { nodeProvider } from '@handfast/crypto/node';
import { toPem } from '@handfast/x509';
import { writeBackup } from '../../src/ca/backup.ts';
import { pathsIn } from '../../src/ca/folder.ts';
import { finish, start } from '../support/io.ts';
import { modeOf, Place } from './support.ts';

const place = new Place();
before(async () => {
  await place.json('init', '--dev');
  await place.json('issue', 'before.test', '--out', place.path('out'));
});
after(() => place.remove());

const at = (dir: string, ...argv: readonly string[]) => finish(['ca', ...argv, '--json', '--dir', place.path(dir)]);

test('a CA is restored from one file as it was, and goes on', async () => {
  const file = place.path('ca.backup');
  const { exitCode, stderr, stdout } = await place.ca('backup', file, '--json');
  assert.equal(exitCode, 0);
  assert.deepEqual(stdout.values, [{ file, folder: place.dir }]);
  assert.equal(stderr.values[0]?.event, 'warning');
  if (process.platform !== 'win32') assert.equal(modeOf(file), 0o600);
  await place.json('issue', 'later.test', '--out', place.path('out'));

  assert.equal((await at('again', 'restore', file)).exitCode, 0);
  assert.deepEqual(readdirSync(place.path('again')).toSorted(), readdirSync(place.dir).toSorted());
  for (const name of [
    'config.json',
    'root.pem',
    'intermediate.pem',
    'intermediate-key.pem',
    'audit-key.pem',
    'audit.pem',
  ]) {
    assert.deepEqual(readFileSync(place.path('again', name)), readFileSync(place.path('ca', name)), name);
  }
  if (process.platform !== 'win32') {
    assert.equal(modeOf(place.path('again')), 0o700);
    assert.equal(modeOf(place.path('again', 'intermediate-key.pem')), 0o600);
    assert.equal(modeOf(place.path('again', 'audit-key.pem')), 0o600);
    assert.equal(modeOf(place.path('again', 'ca.db')), 0o600);
  }
  const [restored] = (await at('again', 'audit', 'verify')).stdout.values;
  assert.equal(restored?.whole, true);
  const known = (await at('again', 'list')).stdout.values.map(({ names }) => names);
  assert.deepEqual(known, [['before.test']]);
  assert.equal((await at('again', 'audit', 'verify')).exitCode, 0);
  assert.equal((await at('again', 'issue', 'on.test', '--out', place.path('out'))).exitCode, 0);
});

test('numbers of lists do not go back with a restored CA', async () => {
  const file = place.path('numbers.backup');
  await place.json('backup', file);
  const number = async (dir: string): Promise<bigint> => {
    const { stdout } = await at(dir, 'crl', 'export', '--out', place.path('crl.pem'));
    const crls = (stdout.values[0]?.crls ?? []) as readonly { readonly number: string }[];
    return BigInt(crls[0]?.number ?? 0);
  };
  const serial = String((await place.json('list'))[0]?.serial);
  await place.json('revoke', serial);
  const newest = await number('ca');
  await at('numbers', 'restore', file);
  assert.ok((await number('numbers')) >= newest);
});

test('what is no backup, or would be written over, is refused', async () => {
  const text = place.file('text', 'no database');
  const refusals: readonly (readonly [readonly string[], string, string | null])[] = [
    [['backup', text], `"${text}" is there already`, 'name a new file: none is written over'],
    [
      ['restore', text],
      `there is a CA in "${place.dir}" already`,
      'handfast ca list shows what it has issued; --dir makes another one elsewhere',
    ],
  ];
  for (const [argv, message, hint] of refusals) {
    assert.deepEqual(await place.refusal(...argv), { exitCode: 2, message, hint });
  }
  const elsewhere = await at('elsewhere', 'restore', text);
  assert.equal(elsewhere.exitCode, 2);
  assert.equal(elsewhere.stderr.values[0]?.message, `"${text}" is no backup of a CA`);
  const missing = await at('elsewhere', 'restore', place.path('none'));
  assert.equal(missing.stderr.values[0]?.message, `there is no file "${place.path('none')}"`);
});

test('records on a server are for its own tools to copy', async () => {
  const elsewhere = new Place();
  try {
    await elsewhere.json('init', '--dev');
    const config = elsewhere.path('ca', 'config.json');
    const fields = JSON.parse(readFileSync(config, 'utf8'));
    writeFileSync(config, JSON.stringify({ ...fields, database: 'postgres://ca@127.0.0.1:1/ca' }));
    const { exitCode, message, hint } = await elsewhere.refusal('backup', elsewhere.path('copy'));
    assert.equal(exitCode, 2);
    assert.equal(message, 'this CA’s records are on a PostgreSQL server, which has backups of its own');
    assert.equal(hint, 'pg_dump --format=custom makes one; copy the CA’s folder beside it');
    assert.equal(existsSync(elsewhere.path('copy')), false);
  } finally {
    elsewhere.remove();
  }
});

test('what was done since is entered again from the audit stream', async () => {
  const file = place.path('yesterday.backup');
  await place.json('backup', file);
  const stream = place.path('audit.jsonl');
  const session = start([
    ...['ca', 'serve', '--dev', '--json', '--port', '0', '--http-port', '0'],
    ...['--dir', place.dir, '--audit-log', stream],
  ]);
  // Its own certificate is what it issues first.
  await session.stderr.match(/"event":"listening"/);
  session.interrupt.abort();
  assert.equal(await session.exitCode, 0);
  const issued = (await place.json('list')).map(({ serial }) => serial);
  const [checkpoint] = session.stderr.values.filter(({ event }) => event === 'audit checkpoint');
  const lines = readFileSync(stream, 'utf8').trimEnd().split('\n');
  assert.deepEqual(JSON.parse(lines.at(-1) ?? ''), checkpoint);
  if (process.platform !== 'win32') assert.equal(modeOf(stream), 0o600);

  const restored = await at('restored', 'restore', file, '--audit', stream);
  const [told] = restored.stdout.values;
  assert.deepEqual(
    { reentered: told?.reentered, unknown: told?.unknown, torn: told?.torn, faults: told?.faults },
    { reentered: { entries: 1, issued: 1, revoked: 0, blocked: 0, checkpoints: 1 }, unknown: [], torn: 0, faults: [] },
  );
  assert.deepEqual(
    (await at('restored', 'list')).stdout.values.map(({ serial }) => serial),
    issued,
  );
  const [verdict] = (await at('restored', 'audit', 'verify', '--checkpoint', stream)).stdout.values;
  assert.equal(verdict?.whole, true);
  assert.deepEqual(verdict?.keptTo, verdict?.provenTo);

  // Without it, the log says that something is not there; and it can be entered later.
  const [blind] = (await at('blind', 'restore', file)).stdout.values;
  assert.deepEqual(blind?.missing, []);
  const missing = await at('blind', 'audit', 'verify', '--checkpoint', stream);
  assert.equal(missing.exitCode, 1);
  const [entered] = (await at('blind', 'audit', 'reenter', stream)).stdout.values;
  assert.deepEqual(entered?.reentered, told?.reentered);
  assert.equal((await at('blind', 'audit', 'verify', '--checkpoint', stream)).exitCode, 0);
});

test('without the entries a checkpoint tells which ones are missing', async () => {
  const file = place.path('before.backup');
  await place.json('backup', file);
  await place.json('issue', 'unknown.test', '--out', place.path('out'));
  const [checkpoint] = await place.json('audit', 'checkpoint');
  const kept = place.file('kept.jsonl', `${JSON.stringify(checkpoint)}\n`);
  const heads = (checkpoint?.heads ?? []) as readonly { readonly writer: string; readonly last: number }[];
  const [told] = (await at('partial', 'restore', file, '--audit', kept)).stdout.values;
  assert.deepEqual(told?.missing, [{ writer: heads.at(-1)?.writer, first: 1, last: 1 }].slice(0, heads.length));
});

/** Entries that the database has, as `ca serve --audit-log` would write them. */
async function streamed(dir: string): Promise<readonly string[]> {
  const database = await openSqlite(join(dir, 'ca.db'));
  try {
    const lines: string[] = [];
    const write = (events: readonly Parameters<typeof auditEventJson>[0][]): void =>
      void lines.push(...events.map((event) => JSON.stringify(auditEventJson(event))));
    await new AuditStream({ database, write, othersAfterMs: 0 }).send();
    return lines;
  } finally {
    await database.close();
  }
}

test('who restores with a stream that has a gap is told what stands behind it', async () => {
  const elsewhere = new Place();
  try {
    await elsewhere.json('init', '--dev');
    await elsewhere.json('issue', 'lost.test', '--out', elsewhere.path('out'));
    const serial = String((await elsewhere.json('list'))[0]?.serial);
    await streamed(elsewhere.dir);
    const file = elsewhere.path('ca.backup');
    await elsewhere.json('backup', file);
    await elsewhere.json('revoke', serial, '--reason', 'keyCompromise');
    const lines = await streamed(elsewhere.dir);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).action),
      ['block key', 'revoke'],
    );
    const stream = elsewhere.file('audit.jsonl', `${lines[1]}\n`);
    const dir = elsewhere.path('restored');
    const restored = await finish(['ca', 'restore', file, '--audit', stream, '--json', '--dir', dir]);
    const [told] = restored.stdout.values;
    assert.equal(restored.exitCode, 1);
    assert.deepEqual(
      { refused: told?.refused, unknown: told?.unknown, notRevoked: told?.notRevoked, faults: told?.faults },
      { refused: 1, unknown: [], notRevoked: [serial], faults: [] },
    );
    const text = (await finish(['ca', 'audit', 'reenter', stream, '--dir', dir])).stdout.text;
    assert.match(text, new RegExp(`Not revoked +revoked, and not by what is in it:\\n +${serial}\\n`));
    const whole = elsewhere.file('whole.jsonl', `${lines.join('\n')}\n`);
    const again = await finish(['ca', 'audit', 'reenter', whole, '--json', '--dir', dir]);
    assert.equal(again.exitCode, 0);
    assert.deepEqual([again.stdout.values[0]?.refused, again.stdout.values[0]?.notRevoked], [0, []]);
  } finally {
    elsewhere.remove();
  }
});

test('nonces of ACME that were given out before are no good in a restored CA', async () => {
  const elsewhere = new Place();
  try {
    await elsewhere.json('init', '--dev');
    const database = new DatabaseSync(elsewhere.path('ca', 'ca.db'));
    database.exec(`CREATE TABLE acme_keys (purpose TEXT PRIMARY KEY, secret BLOB NOT NULL, created_at INTEGER NOT NULL);
      INSERT INTO acme_keys VALUES ('nonces', x'00', 0), ('other', x'00', 0)`);
    database.close();
    const file = elsewhere.path('ca.backup');
    await elsewhere.json('backup', file);
    assert.equal((await finish(['ca', 'restore', file, '--dir', elsewhere.path('restored')])).exitCode, 0);
    const restored = new DatabaseSync(elsewhere.path('restored', 'ca.db'));
    assert.deepEqual(
      restored
        .prepare('SELECT purpose FROM acme_keys')
        .all()
        .map(({ purpose }) => purpose),
      ['other'],
    );
    restored.close();
  } finally {
    elsewhere.remove();
  }
});

/** Files of a backup, as it has them. */
function filesIn(file: string): ReadonlyMap<unknown, string> {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database.prepare('SELECT name, content FROM backup_files').all();
    return new Map(rows.map(({ name, content }) => [name, Buffer.from(content as Uint8Array).toString()]));
  } finally {
    database.close();
  }
}

test('a backup beside a change of the folder has all of the files from before it, or all from behind', async () => {
  const [elsewhere, other] = [new Place(), new Place()];
  try {
    for (const one of [elsewhere, other]) await one.json('init', '--dev');
    const changed = ['intermediate-key.pem', 'intermediate.pem'];
    const next = elsewhere.path('ca', 'next');
    mkdirSync(next);
    for (const name of changed) cpSync(join(other.dir, name), join(next, name));
    writeFileSync(join(next, 'removed.json'), '[]');
    // As far as another process has come with it.
    renameSync(join(next, 'intermediate-key.pem'), elsewhere.path('ca', 'intermediate-key.pem'));
    const file = elsewhere.path('ca.backup');
    await writeBackup(pathsIn(elsewhere.dir), file);
    const files = filesIn(file);
    for (const name of changed) assert.equal(files.get(name), readFileSync(join(other.dir, name), 'utf8'), name);
  } finally {
    elsewhere.remove();
    other.remove();
  }
});

test('a key that is not its certificate’s is in no backup', async () => {
  const elsewhere = new Place();
  try {
    await elsewhere.json('init', '--dev');
    const { pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
    writeFileSync(elsewhere.path('ca', 'intermediate-key.pem'), toPem('PRIVATE KEY', pkcs8));
    const before = readdirSync(elsewhere.directory);
    await assert.rejects(writeBackup(pathsIn(elsewhere.dir), elsewhere.path('ca.backup')), {
      exitCode: 2,
      message: `the CA’s file "${elsewhere.path('ca', 'intermediate-key.pem')}" is not the key of its certificate`,
      hint: 'restore both from a backup',
    });
    assert.deepEqual(readdirSync(elsewhere.directory), before);
  } finally {
    elsewhere.remove();
  }
});
