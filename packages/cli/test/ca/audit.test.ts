import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { appendAudit, openSqlite } from '@handfast/ca';
import { AuditFile } from '../../src/ca/audit-file.ts';
import { AuditService } from '../../src/ca/audit-service.ts';
import { readConfig } from '../../src/ca/config.ts';
import { pathsIn } from '../../src/ca/folder.ts';
import { modeOf, Place } from './support.ts';

const place = new Place();
const out = place.path('out');
before(async () => {
  await place.json('init', '--dev');
  await place.json('issue', 'one.test', '--out', out);
});
after(() => place.remove());

/** Statements at the database, behind the CA's back. */
function tamper(...statements: readonly string[]): void {
  const database = new DatabaseSync(place.path('ca', 'ca.db'));
  for (const statement of statements) database.exec(statement);
  database.close();
}

async function keep(
  name: string,
): Promise<{ readonly file: string; readonly value: Readonly<Record<string, unknown>> }> {
  const [value = {}] = await place.json('audit', 'checkpoint');
  return { file: place.file(name, `a line of another kind\n${JSON.stringify(value)}\n`), value };
}

describe('ca audit', () => {
  test('a new CA has an audit key, and nothing is proven before it signs', async () => {
    if (process.platform !== 'win32') assert.equal(modeOf(place.path('ca', 'audit-key.pem')), 0o600);
    assert.match(readFileSync(place.path('ca', 'audit.pem'), 'utf8'), /^-----BEGIN PUBLIC KEY-----/);
    const { stdout, exitCode } = await place.ca('audit', 'verify');
    assert.equal(exitCode, 0);
    assert.match(stdout.text, /^✓ the audit log is whole: 5 entries in 2 chains\n/);
    assert.match(stdout.text, /Proven +nothing: no checkpoint holds/);
    assert.match(stdout.text, /Not proven +5 entries behind no checkpoint/);
  });

  test('says what a checkpoint that was kept proves, and what none does', async () => {
    const { file, value } = await keep('first.jsonl');
    assert.equal(value.event, 'audit checkpoint');
    assert.equal(value.number, 1);
    assert.deepEqual(await place.json('audit', 'checkpoint'), []);
    assert.match((await place.ca('audit', 'checkpoint')).stdout.text, /^There is nothing new/);
    await place.json('issue', 'two.test', '--out', out);
    const [verdict = {}] = await place.json('audit', 'verify', '--checkpoint', file);
    const { whole, entries, provenTo, keptTo, prunedTo, uncovered, checkpoints, known, faults } = verdict;
    const at = `${String(value.at).slice(0, 19)}Z`;
    assert.deepEqual({ whole, entries, prunedTo, faults }, { whole: true, entries: 6, prunedTo: null, faults: [] });
    assert.deepEqual(
      [provenTo, keptTo],
      [
        { number: 1, at },
        { number: 1, at },
      ],
    );
    assert.deepEqual(known, [{ number: 1, at, state: 'contained' }]);
    assert.equal((uncovered as readonly unknown[]).length, 1);
    const covers = (value.heads as readonly Record<string, unknown>[]).map(({ hash: _, ...rest }) => rest);
    assert.deepEqual(checkpoints, [{ number: 1, at, holds: true, covers }]);
    const { stdout } = await place.ca('audit', 'verify', '--checkpoint', file);
    assert.match(stdout.text, /Proven +5 entries of 2 chains, up to checkpoint 1 of/);
    assert.match(stdout.text, /Kept +checkpoint 1 of/);
    assert.match(stdout.text, /Not proven +1 entry behind checkpoint 1: could be cut off/);
  });

  test('a key from elsewhere is what signatures are verified by', async () => {
    const file = place.file('other.pem', readFileSync(place.path('ca', 'root.pem')));
    const [verdict] = (await place.ca('audit', 'verify', '--key', file, '--json')).stdout.values;
    assert.deepEqual(verdict?.faults, [
      {
        writer: null,
        seq: null,
        checkpoint: 1,
        why: 'checkpoint 1: it is signed by another key than the audit key',
        missingTo: null,
      },
    ]);
    const own = place.path('ca', 'audit.pem');
    assert.equal((await place.ca('audit', 'verify', '--key', own)).exitCode, 0);
  });

  test('files without a checkpoint or a key are refused', async () => {
    const file = place.file('nothing', 'nothing\n');
    assert.deepEqual(await place.refusal('audit', 'verify', '--checkpoint', file), {
      exitCode: 2,
      message: `--checkpoint "${file}" has no checkpoint in it`,
      hint: 'handfast ca audit checkpoint --json prints one; handfast ca serve --audit-log FILE writes them',
    });
    const missing = place.path('missing');
    assert.deepEqual(await place.refusal('audit', 'verify', '--checkpoint', missing), {
      exitCode: 2,
      message: `--checkpoint "${missing}" cannot be read: no such file or directory (ENOENT)`,
      hint: null,
    });
    const { exitCode } = await place.refusal('audit', 'verify', '--key', file);
    assert.equal(exitCode, 2);
  });

  test('prune takes a number of days', async () => {
    assert.deepEqual(await place.refusal('audit', 'prune', '--days', '0'), {
      exitCode: 2,
      message: '--days "0" is no number of days',
      hint: 'write how long entries are kept: 730',
    });
    assert.deepEqual(await place.json('audit', 'prune', '--days', '1'), [{ removed: 0, checkpoints: [] }]);
  });

  test('exits with 1 where an entry was changed, or the end cut off', async () => {
    const { file } = await keep('second.jsonl');
    await keep('third.jsonl');
    tamper(`UPDATE audit SET actor = 'nobody' WHERE subject <> '' AND seq = 1 AND action = 'issuer'`);
    const changed = await place.ca('audit', 'verify', '--checkpoint', file);
    assert.equal(changed.exitCode, 1);
    assert.match(
      changed.stdout.text,
      /^✗ the audit log is not what it was\n {2}Broken +chain [0-9a-f]{8}…, at entry 1: it was/,
    );
    tamper('DELETE FROM audit_heads WHERE number = 2', 'DELETE FROM audit_checkpoints WHERE number = 2');
    const { stdout } = await place.ca('audit', 'verify', '--checkpoint', file, '--json');
    const [{ known = [] } = {}] = stdout.values;
    assert.deepEqual(
      (known as readonly Record<string, unknown>[]).map(({ state }) => state),
      ['missing'],
    );
  });
});

describe('the audit log of a server', () => {
  test('entries and checkpoints go into a file that is opened anew at SIGHUP', async () => {
    const paths = pathsIn(place.dir);
    const database = await openSqlite(':memory:');
    const real = await openSqlite(paths.database);
    for (const { sql } of await real.all(`SELECT sql FROM sqlite_master WHERE sql IS NOT NULL`)) {
      await database.run(String(sql));
    }
    await real.close();
    const append = (subject: string) =>
      database.transaction((sql) => appendAudit(sql, new Date(), { actor: 'a', action: 'look', subject }));
    const file = place.path('stream.jsonl');
    writeFileSync(file, '{"event":"audit","torn');
    const errors: unknown[] = [];
    const checkpoints: number[] = [];
    const start = () =>
      AuditService.start({
        ca: { database, paths, config: readConfig(paths.config) },
        file,
        log: ({ number }) => checkpoints.push(number),
        error: (error) => errors.push(error),
      });
    await append('first');
    const others = process.listenerCount('SIGHUP');
    const service = await start();
    const older = place.path('stream.jsonl.1');
    renameSync(file, older);
    process.emit('SIGHUP');
    await service.close();
    assert.equal(readFileSync(older, 'utf8'), '{"event":"audit","torn');
    await append('second');
    await (await start()).close();
    const told = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; subject?: string; number?: number });
    assert.deepEqual(
      told.map(({ event, subject, number }) => [event, subject ?? number]),
      [
        ['audit', 'first'],
        ['audit checkpoint', 1],
        ['audit', 'second'],
        ['audit checkpoint', 2],
      ],
    );
    assert.deepEqual([checkpoints, errors], [[1, 2], []]);
    assert.equal(process.listenerCount('SIGHUP'), others);
    await database.close();
  });

  test('a line that was torn ends before the next begins', () => {
    const path = place.file('torn.jsonl', '{"a":1}\n{"b"');
    const file = AuditFile.open(path);
    file.write([{ c: 1 }]);
    file.write([{ d: 1 }]);
    file.close();
    assert.equal(readFileSync(path, 'utf8'), '{"a":1}\n{"b"\n{"c":1}\n{"d":1}\n');
  });

  test('a file that cannot be is refused when the server starts', async () => {
    const path = place.path('no', 'such', 'folder');
    const { exitCode, message } = await place.refusal(
      ...['serve', '--port', '0', '--http-port', '0'],
      '--audit-log',
      path,
    );
    assert.equal(exitCode, 2);
    assert.equal(message, `--audit-log "${path}" cannot be written: no such file or directory (ENOENT)`);
  });
});
