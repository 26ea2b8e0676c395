/**
 * What holds of every store, whichever database is behind it.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { type TestContext, test } from 'node:test';
import type { Database } from '../../src/index.ts';
import { lastly } from '../../src/store/database.ts';

/** A new, empty store. It is closed, and gone, when the test ends. */
export type NewStore = (t: TestContext) => Promise<{
  readonly database: Database;
  /** The same once more, as another process has it. */
  again(): Promise<Database>;
}>;

export interface Words {
  /** Of the error for a key of the table `t` that is there. */
  readonly keyTaken: string;
}

export async function countOf(database: Database): Promise<unknown> {
  return (await database.all('SELECT count(*) AS n FROM t'))[0]?.n;
}

/** Makes the table `t`. */
export async function makeTable(database: Database): Promise<void> {
  const [int, bytes] = database.kind === 'sqlite' ? ['INTEGER', 'BLOB'] : ['BIGINT', 'BYTEA'];
  await database.run(`CREATE TABLE t (a ${int} PRIMARY KEY, b ${bytes}, c TEXT)`);
}

export function storeContract(newStore: NewStore, { keyTaken }: Words): void {
  async function store(t: TestContext) {
    const made = await newStore(t);
    await makeTable(made.database);
    return made;
  }

  test('text, whole numbers, bytes and NULL come back as they went in', async (t) => {
    const { database } = await store(t);
    const view = Buffer.from('a pool holds this').subarray(2, 6);
    const insert = 'INSERT INTO t (a, b, c) VALUES ($1, $2, $3)';
    assert.equal(await database.run(insert, [2 ** 53 - 1, view, 'ü"\'\\']), 1);
    assert.equal(await database.run(insert, [-2, new Uint8Array(), null]), 1);
    assert.deepEqual(await database.all('SELECT a, b, c, $1 AS x FROM t ORDER BY a', ['one']), [
      { a: -2, b: new Uint8Array(), c: null, x: 'one' },
      { a: 2 ** 53 - 1, b: new Uint8Array(view), c: 'ü"\'\\', x: 'one' },
    ]);
  });

  test('RETURNING answers rows', async (t) => {
    const { database } = await store(t);
    assert.deepEqual(await database.all('INSERT INTO t (a) VALUES ($1), ($2) RETURNING a', [1, 2]), [
      { a: 1 },
      { a: 2 },
    ]);
  });

  test('a transaction whose work throws leaves nothing, and the error is the same', async (t) => {
    const { database } = await store(t);
    const error = new Error('enough');
    const failed = database.transaction(async (sql) => {
      await sql.run('INSERT INTO t (a) VALUES (1)');
      throw error;
    });
    await assert.rejects(failed, (thrown) => thrown === error);
    assert.equal(await countOf(database), 0);
  });

  test('of transactions at once, one fails alone', async (t) => {
    const { database } = await store(t);
    const results = await Promise.allSettled(
      [1, 2, 2, 3].map((a) =>
        database.transaction(async (sql) => {
          await sql.run('INSERT INTO t (a) VALUES ($1)', [a]);
          return a;
        }),
      ),
    );
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
      [1, 2, keyTaken, 3],
    );
    assert.equal(await countOf(database), 3);
  });

  test('statements that are not waited for go with the commit, which fails where they do', async (t) => {
    const { database } = await store(t);
    const insert = (a: number) =>
      database.transaction(async (sql) => {
        lastly(sql.run('INSERT INTO t (a) VALUES ($1)', [a]), sql.run('INSERT INTO t (a) VALUES ($1)', [a + 1]));
        return 'done';
      });
    assert.equal(await insert(1), 'done');
    assert.equal(await countOf(database), 2);
    await assert.rejects(insert(2), { message: keyTaken });
    await assert.rejects(insert(0), { message: keyTaken });
    assert.equal(await countOf(database), 2);
    assert.equal(await insert(3), 'done');
    // Those that come meanwhile, and are committed together.
    const results = await Promise.allSettled([10, 12, 3, 14].map(insert));
    const there = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [[10, 12, 3, 14][index]] : []));
    assert.ok(!there.includes(3));
    const rows = await database.all('SELECT a FROM t WHERE a >= 10 AND a % 2 = 0 ORDER BY a');
    assert.deepEqual(
      rows.map(({ a }) => a),
      there,
    );
  });

  test('a transaction that asks for all at once is committed with it', async (t) => {
    const { database } = await store(t);
    const own = new Error('enough');
    const both = (a: number, error?: Error) =>
      database.transaction(
        async (sql) => {
          const [, rows] = await Promise.all([
            sql.run('INSERT INTO t (a) VALUES ($1)', [a]),
            sql.all('SELECT a FROM t ORDER BY a'),
          ]);
          if (error !== undefined) throw error;
          return rows;
        },
        { atOnce: true },
      );
    assert.deepEqual(await both(1), [{ a: 1 }]);
    await assert.rejects(both(1), { message: keyTaken });
    assert.equal(await countOf(database), 1);
    const alone = database.transaction(
      async (sql) => {
        await sql.all('SELECT 1');
        await sql.run('INSERT INTO t (a) VALUES (2)');
      },
      { atOnce: true },
    );
    await assert.rejects(alone, { message: 'the transaction is over' });
    // What fails afterwards has been committed by then.
    await assert.rejects(both(3, own), (error) => error === own);
    assert.equal(await countOf(database), 2);
    assert.deepEqual((await Promise.all([both(4), both(5)])).at(-1), [{ a: 1 }, { a: 3 }, { a: 4 }, { a: 5 }]);
  });

  test('two hundred at once are all there', async (t) => {
    const { database } = await store(t);
    const all = Array.from({ length: 200 }, (_, a) =>
      database.transaction((sql) => sql.run('INSERT INTO t (a) VALUES ($1)', [a])),
    );
    await Promise.all(all);
    assert.equal(await countOf(database), 200);
  });

  test('what is not committed is seen by nobody else', async (t) => {
    const { database } = await store(t);
    let seen: unknown;
    const outside = Promise.withResolvers<void>();
    // Begun before the transaction, so that it is not inside of it.
    const look = outside.promise.then(async () => {
      seen = await countOf(database);
    });
    await database.transaction(async (sql) => {
      await sql.run('INSERT INTO t (a) VALUES (1)');
      outside.resolve();
      await look;
    });
    assert.equal(seen, 0);
    assert.equal(await countOf(database), 1);
  });

  test('within a transaction the database itself is refused, as is its sql afterwards', async (t) => {
    const { database } = await store(t);
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

  test('close waits for what was asked, and then nothing more is taken', async (t) => {
    const { database, again } = await store(t);
    const last = database.transaction((sql) => sql.run('INSERT INTO t (a) VALUES (1)'));
    await database.close();
    assert.equal(await last, 1);
    await assert.rejects(database.all('SELECT 1'), { message: 'the database is closed' });
    const second = await again();
    assert.equal(await countOf(second), 1);
    await second.close();
  });
}
