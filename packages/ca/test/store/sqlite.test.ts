import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Database, openSqlite } from '../../src/index.ts';

const constraintForeignKey = 787;
const full = 13;
const busy = 5;

async function inMemory(t: TestContext): Promise<Database> {
  const database = await openSqlite(':memory:');
  t.after(() => database.close());
  return database;
}

/** A database in a folder of its own, with a table `t`. */
async function inFile(t: TestContext): Promise<{ readonly database: Database; readonly file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'ca-store-'));
  const file = join(folder, 'ca.db');
  const database = await openSqlite(file);
  t.after(async () => {
    await database.close();
    rmSync(folder, { recursive: true });
  });
  await database.run('CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)');
  return { database, file };
}

async function countOf(database: Database): Promise<unknown> {
  return (await database.all('SELECT count(*) AS n FROM t'))[0]?.n;
}

test('text, whole numbers, bytes and NULL come back as they went in', async (t) => {
  const database = await inMemory(t);
  await database.run('CREATE TABLE v (t TEXT, i INTEGER, b BLOB, n INTEGER) STRICT');
  const view = Buffer.from('a pool holds this').subarray(2, 6);
  const changed = await database.run('INSERT INTO v VALUES ($1, $2, $3, $4)', ['ü"\'', 2 ** 53 - 1, view, null]);
  assert.equal(changed, 1);
  assert.deepEqual(await database.all('SELECT t, i, b, n, $2 AS x, $1 AS y FROM v', ['one', -2]), [
    { t: 'ü"\'', i: 2 ** 53 - 1, b: new Uint8Array(view), n: null, x: -2, y: 'one' },
  ]);
});

test('RETURNING answers rows', async (t) => {
  const { database } = await inFile(t);
  assert.deepEqual(await database.all('INSERT INTO t VALUES ($1, NULL), ($2, NULL) RETURNING a', [1, 2]), [
    { a: 1 },
    { a: 2 },
  ]);
});

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

test('a transaction whose work throws leaves nothing, and the error is the same', async (t) => {
  const { database } = await inFile(t);
  const error = new Error('enough');
  const failed = database.transaction(async (sql) => {
    await sql.run('INSERT INTO t VALUES (1, NULL)');
    throw error;
  });
  await assert.rejects(failed, (thrown) => thrown === error);
  assert.equal(await countOf(database), 0);
});

test('of transactions that are committed together, one fails alone', async (t) => {
  const { database } = await inFile(t);
  const results = await Promise.allSettled(
    [1, 2, 2, 3].map((a) =>
      database.transaction(async (sql) => {
        await sql.run('INSERT INTO t VALUES ($1, NULL)', [a]);
        return a;
      }),
    ),
  );
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
    [1, 2, 'UNIQUE constraint failed: t.a', 3],
  );
  assert.equal(await countOf(database), 3);
});

test('two hundred at once are all there', async (t) => {
  const { database } = await inFile(t);
  const all = Array.from({ length: 200 }, (_, a) =>
    database.transaction((sql) => sql.run('INSERT INTO t VALUES ($1, NULL)', [a])),
  );
  await Promise.all(all);
  assert.equal(await countOf(database), 200);
});

test('what is not committed is seen by nobody else', async (t) => {
  const { database } = await inFile(t);
  let seen: unknown;
  let look: Promise<void> | undefined;
  const outside = Promise.withResolvers<void>();
  // Begun before the transaction, so that it is not inside of it.
  look = outside.promise.then(async () => {
    seen = await countOf(database);
  });
  await database.transaction(async (sql) => {
    await sql.run('INSERT INTO t VALUES (1, NULL)');
    outside.resolve();
    await look;
  });
  assert.equal(seen, 0);
  assert.equal(await countOf(database), 1);
});

test('a full disk fails what is on its way, and nothing is half there', async (t) => {
  const { database } = await inFile(t);
  const [{ page_count: pages } = {}] = await database.all('PRAGMA page_count');
  await database.all(`PRAGMA max_page_count = ${Number(pages) + 2}`);
  const large = new Uint8Array(100_000);
  const results = await Promise.allSettled([
    database.transaction((sql) => sql.run('INSERT INTO t VALUES (1, NULL)')),
    database.transaction((sql) => sql.run('INSERT INTO t VALUES (2, $1)', [large])),
    database.transaction((sql) => sql.run('INSERT INTO t VALUES (3, NULL)')),
  ]);
  assert.ok(results.some((result) => result.status === 'rejected' && result.reason.errcode === full));
  const kept = results.flatMap((result, index) => (result.status === 'fulfilled' ? [{ a: index + 1 }] : []));
  assert.deepEqual(await database.all('SELECT a FROM t ORDER BY a'), kept);
  await database.all('PRAGMA max_page_count = 1000000');
  await database.transaction((sql) => sql.run('INSERT INTO t VALUES (4, $1)', [large]));
  assert.deepEqual(await database.all('SELECT a FROM t ORDER BY a'), [...kept, { a: 4 }]);
});

test('within a transaction the database itself is refused, as is its sql afterwards', async (t) => {
  const { database } = await inFile(t);
  const message = 'within a transaction, statements go by the `sql` that its work is given';
  let kept: { run(text: string): Promise<number> } | undefined;
  await database.transaction(async (sql) => {
    kept = sql;
    await assert.rejects(database.all('SELECT 1'), { message });
    await assert.rejects(database.run('DELETE FROM t'), { message });
    await assert.rejects(
      database.transaction(async () => undefined),
      { message },
    );
  });
  await assert.rejects(async () => kept?.run('DELETE FROM t'), { message: 'the transaction is over' });
});

test('another process that writes is waited for, and no longer than was said', async (t) => {
  const { database, file } = await inFile(t);
  const other = await openSqlite(file, { busyTimeoutMs: 1 });
  t.after(() => other.close());
  await database.transaction(async (sql) => {
    await sql.run('INSERT INTO t VALUES (1, NULL)');
    // As from elsewhere: a new chain of promises would count as inside of this transaction's own database alone.
    await assert.rejects(
      other.transaction((sql) => sql.run('INSERT INTO t VALUES (2, NULL)')),
      { message: 'database is locked', errcode: busy },
    );
  });
  await other.transaction((sql) => sql.run('INSERT INTO t VALUES (2, NULL)'));
  assert.equal(await countOf(database), 2);
});

test('close waits for what was asked, and then nothing more is taken', async (t) => {
  const { database, file } = await inFile(t);
  const last = database.transaction((sql) => sql.run('INSERT INTO t VALUES (1, NULL)'));
  await database.close();
  assert.equal(await last, 1);
  await assert.rejects(database.all('SELECT 1'), { message: 'the database is closed' });
  const again = await openSqlite(file);
  assert.equal(await countOf(again), 1);
  await again.close();
});

test('a file that is none is refused with its name', async () => {
  await assert.rejects(openSqlite(join(tmpdir(), 'no-such-folder', 'ca.db')), { code: 'ENOENT' });
});
