/** The store on PostgreSQL: what holds of every store, and what several servers at once make of it. */

import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { appendAudit, type Database, migrate, type Schema } from '@handfast/ca';
import { DatabaseLostError, openPostgres } from '@handfast/ca/postgres';
import { coreSchema } from '../../../../packages/ca/src/store/schema.ts';
import { makeTable, storeContract } from '../../../../packages/ca/test/store/contract.ts';
import { auditFaults } from '../../../../packages/ca/test/support/audit.ts';
import { openStore, schemaFor, serverUrl } from './stores.ts';

async function stores(t: TestContext, count: number): Promise<readonly Database[]> {
  const schema = await schemaFor(':memory:');
  const all = await Promise.all(Array.from({ length: count }, () => openStore(schema)));
  t.after(() => Promise.all(all.map((database) => database.close())));
  return all;
}

async function store(t: TestContext): Promise<Database> {
  const [database] = await stores(t, 1);
  assert.ok(database);
  return database;
}

storeContract(
  async (t) => {
    const schema = await schemaFor(':memory:');
    const database = await openStore(schema);
    t.after(() => database.close());
    return { database, again: () => openStore(schema) };
  },
  { keyTaken: 'duplicate key value violates unique constraint "t_pkey"' },
);

test('a commit is on the disk, everything is serializable, whatever the defaults are', async (t) => {
  const schema = await schemaFor(':memory:');
  const url = new URL(serverUrl());
  url.searchParams.set('options', '-c synchronous_commit=off -c bytea_output=escape -c statement_timeout=0');
  const database = await openPostgres({ url: url.href, schema });
  t.after(() => database.close());
  const show = async (name: string) => Object.values((await database.all(`SHOW ${name}`))[0] ?? {})[0];
  assert.equal(await show('synchronous_commit'), 'on');
  assert.equal(await show('transaction_isolation'), 'serializable');
  assert.equal(await show('statement_timeout'), '30s');
  assert.deepEqual(await database.all(`SELECT '\\x00ff'::bytea AS b`), [{ b: Uint8Array.of(0, 255) }]);
});

test('whole numbers of 2^53 and more are an error, as are types that the CA has not', async (t) => {
  const database = await store(t);
  await assert.rejects(database.all('SELECT 9007199254740992 AS n'), {
    name: 'RangeError',
    message: 'the database answers 9007199254740992, which is no whole number below 2^53',
  });
  await assert.rejects(database.all('SELECT now() AS n'), { name: 'TypeError' });
  assert.deepEqual(await database.all('SELECT sum(n) AS n FROM (SELECT 2::bigint AS n) AS x'), [{ n: 2 }]);
});

test('four servers that begin at once on an empty database make its tables once', async (t) => {
  const databases = await stores(t, 4);
  await Promise.all(databases.map((database) => migrate(database, [coreSchema])));
  assert.deepEqual(await databases[0]?.all('SELECT DISTINCT name FROM schema_migrations'), [{ name: 'core' }]);
});

test('four servers that append to one audit log at once leave a chain each', async (t) => {
  const databases = await stores(t, 4);
  const [first] = databases;
  assert.ok(first);
  await migrate(first, [coreSchema]);
  const entry = { actor: 'a', action: 'issue', subject: 's' };
  const append = (database: Database): Promise<void> =>
    database.transaction((sql) => appendAudit(sql, new Date(0), entry));
  await Promise.all(databases.flatMap((database) => Array.from({ length: 25 }, () => append(database))));
  assert.deepEqual(await auditFaults(first), []);
  const chains = await first.all('SELECT seq FROM audit_chains');
  assert.deepEqual(
    chains.map(({ seq }) => seq),
    [25, 25, 25, 25],
  );
});

test('of two that read the same and write by it, one comes after the other', async (t) => {
  const [one, other] = await stores(t, 2);
  assert.ok(one && other);
  await makeTable(one);
  // Each adds what it has counted: only one may have counted none.
  let arrived = 0;
  const both = Promise.withResolvers<void>();
  const add = (database: Database): Promise<number> =>
    database.transaction(async (sql) => {
      const [row] = await sql.all('SELECT count(*) AS n FROM t');
      if (++arrived === 2) both.resolve();
      await both.promise;
      const n = Number(row?.n);
      await sql.run('INSERT INTO t (a, c) VALUES ($1, $2)', [arrived * 1000, `counted ${n}`]);
      return n;
    });
  assert.deepEqual((await Promise.all([add(one), add(other)])).toSorted(), [0, 1]);
  assert.equal(arrived, 3);
});

test('transactions that wait for another are committed together, but for those that fail', async (t) => {
  const database = await store(t);
  await makeTable(database);
  const results = await Promise.allSettled(
    [1, 2, 3, 4].map((a) =>
      database.transaction(async (sql) => {
        const [row] = await sql.all('SELECT txid_current() AS id');
        await sql.run('INSERT INTO t (a) VALUES ($1)', [a]);
        if (a % 2 === 0) throw new Error(`not ${a}`);
        return row?.id;
      }),
    ),
  );
  const [first, second, third, fourth] = results.map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as Error).message,
  );
  assert.equal(typeof first, 'number');
  assert.deepEqual([second, third, fourth], ['not 2', first, 'not 4']);
  assert.deepEqual(await database.all('SELECT a FROM t ORDER BY a'), [{ a: 1 }, { a: 3 }]);
});

test('transactions that were to be committed together, and collide with another server, are each done once', async (t) => {
  const [one, other] = await stores(t, 2);
  assert.ok(one && other);
  await makeTable(one);
  await one.run('INSERT INTO t (a, c) VALUES (1, $1)', ['']);
  const add = (database: Database, letter: string): Promise<unknown> =>
    database.transaction(async (sql) => {
      const [row] = await sql.all('SELECT c FROM t WHERE a = 1');
      await sql.run('UPDATE t SET c = $1 WHERE a = 1', [`${row?.c}${letter}`]);
    });
  const letters = [...'abcdefghijklmnopqrst'];
  await Promise.all(letters.map((letter, index) => add(index % 2 === 0 ? one : other, letter)));
  const [row] = await one.all('SELECT c FROM t');
  assert.deepEqual([...String(row?.c)].toSorted(), letters);
});

test('transactions that were to be committed together end together where the connection is lost', async (t) => {
  const [one, other] = await stores(t, 2);
  assert.ok(one && other);
  await makeTable(one);
  const results = await Promise.allSettled(
    [1, 2, 3].map((a) =>
      one.transaction(async (sql) => {
        await sql.run('INSERT INTO t (a) VALUES ($1)', [a]);
        const [row] = await sql.all('SELECT pg_backend_pid() AS pid');
        if (a === 2) await other.all('SELECT pg_terminate_backend($1, 5000)', [Number(row?.pid)]);
        await sql.run('INSERT INTO t (a) VALUES ($1)', [10 * a]);
      }),
    ),
  );
  const lost = results.map((result) => result.status === 'rejected' && result.reason instanceof DatabaseLostError);
  // The third had not begun.
  assert.deepEqual(lost, [true, true, false]);
  assert.deepEqual(await other.all('SELECT a FROM t ORDER BY a'), [{ a: 3 }, { a: 30 }]);
});

test('a table that another server has changed since a statement was prepared', async (t) => {
  const [one, other] = await stores(t, 2);
  assert.ok(one && other);
  await makeTable(one);
  await one.run('INSERT INTO t (a) VALUES (1)');
  const read = (): Promise<unknown> => one.transaction((sql) => sql.all('SELECT * FROM t'));
  assert.deepEqual(await read(), [{ a: 1, b: null, c: null }]);
  await other.run('ALTER TABLE t ADD COLUMN d TEXT');
  assert.deepEqual(await read(), [{ a: 1, b: null, c: null, d: null }]);
  assert.deepEqual(await one.all('SELECT * FROM t'), [{ a: 1, b: null, c: null, d: null }]);
});

test('work that goes on after a statement has failed commits nothing', async (t) => {
  const database = await store(t);
  await makeTable(database);
  const swallowing = database.transaction(async (sql) => {
    await sql.run('INSERT INTO t (a) VALUES (1)');
    await sql.run('INSERT INTO nowhere VALUES (1)').catch(() => undefined);
  });
  await assert.rejects(swallowing, { code: '42P01', message: 'relation "nowhere" does not exist' });
  assert.deepEqual(await database.all('SELECT a FROM t'), []);
});

test('a connection that is lost is an error that says so, and the next one is new', async (t) => {
  const [one, other] = await stores(t, 2);
  assert.ok(one && other);
  await makeTable(one);
  const lost = one.transaction(async (sql) => {
    await sql.run('INSERT INTO t (a) VALUES (1)');
    const [row] = await sql.all('SELECT pg_backend_pid() AS pid');
    await other.all('SELECT pg_terminate_backend($1)', [Number(row?.pid)]);
    await sql.run('INSERT INTO t (a) VALUES (2)');
  });
  await assert.rejects(lost, (error) => {
    assert.ok(error instanceof DatabaseLostError);
    assert.match(
      error.message,
      /^the connection to the database is lost during a transaction, of which nothing was done: /,
    );
    return true;
  });
  assert.equal(await one.transaction((sql) => sql.run('INSERT INTO t (a) VALUES (3)')), 1);
  assert.deepEqual(await other.all('SELECT a FROM t'), [{ a: 3 }]);
});

test('a connection that is lost while nobody uses it is noticed by nobody', async (t) => {
  const [one, other] = await stores(t, 2);
  assert.ok(one && other);
  const [row] = await one.all('SELECT pg_backend_pid() AS pid');
  await other.all('SELECT pg_terminate_backend($1, 5000)', [Number(row?.pid)]);
  await new Promise((resolve) => setImmediate(resolve));
  await one.all('SELECT 1').catch((error: unknown) => assert.ok(error instanceof DatabaseLostError));
  assert.deepEqual(await one.all('SELECT 1 AS n'), [{ n: 1 }]);
});

test('a statement that takes too long ends, and so does its transaction', async (t) => {
  const database = await openPostgres({ url: serverUrl(), statementTimeoutMs: 50 });
  t.after(() => database.close());
  await assert.rejects(
    database.transaction((sql) => sql.run('DO $x$ BEGIN PERFORM pg_sleep(20); END $x$')),
    { code: '57014', message: 'canceling statement due to statement timeout' },
  );
  assert.deepEqual(await database.all('SELECT 1 AS n'), [{ n: 1 }]);
});

test('a network that swallows packets ends what waits for an answer, and all that waits behind it', async (t) => {
  const url = new URL(serverUrl());
  const schema = await schemaFor(':memory:');
  const way = await swallowing(t, Number(url.port));
  url.port = String(way.port);
  const options = { schema, connectTimeoutMs: 100, statementTimeoutMs: 10_000, answerTimeoutMs: 100 };
  const database = await openPostgres({ url: url.href, ...options });
  t.after(() => database.close());
  await makeTable(database);
  await database.all('SELECT 1');
  way.swallow(true);
  const waiting = [1, 2, 3, 4].map((a) =>
    database.transaction(async (sql) => {
      await sql.run('INSERT INTO t (a) VALUES ($1)', [a]);
    }),
  );
  const messages = (await Promise.allSettled(waiting)).map((result) => {
    assert.ok(result.status === 'rejected' && result.reason instanceof DatabaseLostError);
    return result.reason.message;
  });
  const lost = 'the connection to the database is lost';
  const behind = `${lost} before a transaction, of which nothing was done: Connection terminated due to connection timeout`;
  assert.deepEqual(messages, [
    `${lost} during a transaction, of which nothing was done: Query read timeout`,
    ...[behind, behind, behind],
  ]);
  way.swallow(false);
  await database.transaction((sql) => sql.run('INSERT INTO t (a) VALUES (5)'));
  assert.deepEqual(await database.all('SELECT a FROM t'), [{ a: 5 }]);
});

/** A way to a port of this machine that passes nothing on for as long as it is told so, and says nothing of it. */
async function swallowing(t: TestContext, target: number) {
  let swallows = false;
  const sockets: Socket[] = [];
  const pass = (from: Socket, to: Socket): void => {
    sockets.push(from);
    from.on('error', () => undefined);
    from.on('data', (data) => {
      if (!swallows) to.write(data);
    });
  };
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    pass(client, upstream);
    pass(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' ? address?.port : undefined,
    swallow(on: boolean): void {
      swallows = on;
    },
  };
}

test('where no server is, the error says that there is no connection', async () => {
  await assert.rejects(openPostgres('postgres://ca:secret@127.0.0.1:1/ca'), (error) => {
    assert.ok(error instanceof DatabaseLostError);
    assert.equal(error.message, 'the database cannot be reached: connect ECONNREFUSED 127.0.0.1:1');
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

test('a migration that fails on its way leaves nothing, although it was tried more than once', async (t) => {
  const database = await store(t);
  const schema: Schema = { name: 'x', migrations: ['CREATE TABLE a (i {int});\nCREATE TABLE a (i {int});'] };
  await assert.rejects(migrate(database, [schema]), { message: 'relation "a" already exists' });
  assert.deepEqual(await database.all('SELECT name FROM sqlite_master'), []);
});
