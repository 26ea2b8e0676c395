import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Database, openSqlite } from '../../src/index.ts';
import { countOf, makeTable, storeContract } from './contract.ts';

const constraintForeignKey = 787;
const full = 13;
const busy = 5;

/** A database in a folder of its own. */
async function newFile(t: TestContext): Promise<{ readonly database: Database; readonly file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'ca-store-'));
  const file = join(folder, 'ca.db');
  const database = await openSqlite(file);
  t.after(async () => {
    await database.close();
    rmSync(folder, { recursive: true });
  });
  return { database, file };
}

/** With a table `t`. */
async function inFile(t: TestContext): Promise<{ readonly database: Database; readonly file: string }> {
  const made = await newFile(t);
  await makeTable(made.database);
  return made;
}

storeContract(
  async (t) => {
    const { database, file } = await newFile(t);
    return { database, again: () => openSqlite(file) };
  },
  { keyTaken: 'UNIQUE constraint failed: t.a' },
);

test('a file is for its owner alone, with a write-ahead log, full synchronization and foreign keys', async (t) => {
  const { database, file } = await inFile(t);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(`${file}-wal`).mode & 0o777, 0o600);
  assert.deepEqual(await database.all('PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
  assert.deepEqual(await database.all('PRAGMA synchronous'), [{ synchronous: 2 }]);
  await database.run('CREATE TABLE child (t INTEGER REFERENCES t (a))');
  await assert.rejects(database.run('INSERT INTO child VALUES (1)'), {
    message: 'FOREIGN KEY constraint failed',
    code: 'ERR_SQLITE_ERROR',
    errcode: constraintForeignKey,
  });
});

test('a full disk fails what is on its way, and nothing is half there', async (t) => {
  const { database } = await inFile(t);
  const [{ page_count: pages } = {}] = await database.all('PRAGMA page_count');
  await database.all(`PRAGMA max_page_count = ${Number(pages) + 2}`);
  const large = new Uint8Array(100_000);
  const results = await Promise.allSettled([
    database.transaction((sql) => sql.run('INSERT INTO t (a) VALUES (1)')),
    database.transaction((sql) => sql.run('INSERT INTO t (a, b) VALUES (2, $1)', [large])),
    database.transaction((sql) => sql.run('INSERT INTO t (a) VALUES (3)')),
  ]);
  assert.ok(results.some((result) => result.status === 'rejected' && result.reason.errcode === full));
  const kept = results.flatMap((result, index) => (result.status === 'fulfilled' ? [{ a: index + 1 }] : []));
  assert.deepEqual(await database.all('SELECT a FROM t ORDER BY a'), kept);
  await database.all('PRAGMA max_page_count = 1000000');
  await database.transaction((sql) => sql.run('INSERT INTO t (a, b) VALUES (4, $1)', [large]));
  assert.deepEqual(await database.all('SELECT a FROM t ORDER BY a'), [...kept, { a: 4 }]);
});

test('another process that writes is waited for, and no longer than was said', async (t) => {
  const { database, file } = await inFile(t);
  const other = await openSqlite(file, { busyTimeoutMs: 1 });
  t.after(() => other.close());
  await database.transaction(async (sql) => {
    await sql.run('INSERT INTO t (a) VALUES (1)');
    // As from elsewhere: a new chain of promises would count as inside of this transaction's own database alone.
    await assert.rejects(
      other.transaction((sql) => sql.run('INSERT INTO t (a) VALUES (2)')),
      { message: 'database is locked', errcode: busy },
    );
  });
  await other.transaction((sql) => sql.run('INSERT INTO t (a) VALUES (2)'));
  assert.equal(await countOf(database), 2);
});

for (const atOnce of [false, true]) {
  for (const late of [false, true]) {
    const when = `${late ? 'long after the database refused' : 'before anything is answered'}${atOnce ? ', at once' : ''}`;
    test(`who first asks ${when} is told that another process writes, and nobody else`, async (t) => {
      const { file } = await inFile(t);
      const database = await openSqlite(file, { busyTimeoutMs: 1 });
      const other = new DatabaseSync(file);
      t.after(() => Promise.all([database.close(), other.close()]));
      other.exec('BEGIN IMMEDIATE');
      const answered = Promise.withResolvers<void>();
      const insert = database.transaction(
        async (sql) => {
          if (late) await answered.promise;
          await sql.run('INSERT INTO t (a) VALUES (1)');
        },
        { atOnce },
      );
      const refused = assert.rejects(insert, { message: 'database is locked', errcode: busy });
      // Behind the beginning of the transaction, in the same thread.
      await database.all('SELECT 1');
      await turn();
      answered.resolve();
      await refused;
      other.exec('ROLLBACK');
      await database.transaction((sql) => sql.run('INSERT INTO t (a) VALUES (2)'), { atOnce });
      assert.deepEqual(await database.all('SELECT a FROM t'), [{ a: 2 }]);
    });
  }
}

test('a file that is none is refused with its name', async () => {
  await assert.rejects(openSqlite(join(tmpdir(), 'no-such-folder', 'ca.db')), { code: 'ENOENT' });
});
