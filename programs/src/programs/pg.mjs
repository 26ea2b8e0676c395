import assert from 'node:assert/strict';
import pg from 'pg';
import { checks, clientPair, given, megabyte, pem, refused, untrusted, wrongName } from './harness.mjs';

const verified = { ca: pem.ca, rejectUnauthorized: true };
const base = { host: 'localhost', port: given.port, database: 'postgres', user: 'pwuser', password: given.password };

async function using(options, act) {
  const client = new pg.Client({ ...base, ssl: verified, ...options });
  // What comes after the refusal is of no interest, and not thrown.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await act?.(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

await checks({
  'password, a query with an answer of 1 MB': () =>
    using({}, async (client) => {
      const { rows } = await client.query('SELECT repeat($1, 65536) AS answer', ['0123456789abcdef']);
      assert.equal(rows[0].answer, '0123456789abcdef'.repeat(65536));
      const { rows: how } = await client.query('SELECT version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      return `${how[0].version} ${how[0].cipher}`;
    }),
  '1 MB in both directions': () =>
    using({}, async (client) => {
      const { rows } = await client.query('SELECT $1::text AS answer', [megabyte]);
      assert.equal(rows[0].answer, megabyte);
    }),
  'client certificate': () =>
    using({ user: 'certuser', password: undefined, ssl: { ...verified, ...clientPair } }, async (client) => {
      const { rows } = await client.query(
        'SELECT current_user AS name, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      );
      assert.deepEqual(rows[0], { name: 'certuser', client_dn: '/CN=certuser' });
    }),
  'sslmode=verify-full by a connection string': () =>
    using(
      {
        connectionString: `postgres://pwuser:${encodeURIComponent(given.password)}@localhost:${given.port}/postgres?sslmode=verify-full&sslrootcert=${given.files.ca}`,
        ssl: undefined,
      },
      async (client) => assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1),
    ),
  'a pool of 10, 200 queries': async () => {
    const pool = new pg.Pool({ ...base, ssl: verified, max: 10 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => pool.query('SELECT $1::int AS n', [index])),
    );
    assert.deepEqual(
      answers.map(({ rows }) => rows[0].n),
      Array.from({ length: 200 }, (_, index) => index),
    );
    await pool.end();
  },
  'LISTEN and NOTIFY between two connections': () =>
    using({}, (listener) =>
      using({}, async (speaker) => {
        const heard = new Promise((resolve) => listener.once('notification', resolve));
        await listener.query('LISTEN news');
        await speaker.query("NOTIFY news, 'spoken'");
        assert.equal((await heard).payload, 'spoken');
      }),
    ),
  'TLS 1.2 alone': () =>
    using({ ssl: { ...verified, maxVersion: 'TLSv1.2' } }, async (client) => {
      const { rows } = await client.query('SELECT version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      assert.equal(rows[0].version, 'TLSv1.2');
      return rows[0].cipher;
    }),
  'a connection that the server ends': () =>
    using({}, (other) =>
      using({}, async (client) => {
        const ended = new Promise((resolve) => client.once('end', resolve));
        const sleeping = client.query('SELECT pg_sleep(30)');
        await Promise.all([
          refused('57P01', sleeping),
          other.query('SELECT pg_terminate_backend($1)', [client.processID]),
          ended,
        ]);
      }),
    ),
  'a wrong name is refused': () => refused(wrongName, using({ host: '127.0.0.1' })),
  'another CA is refused': () => refused(untrusted, using({ ssl: { ca: pem.otherCa } })),
  'without a client certificate the server refuses': () =>
    refused('28000', using({ user: 'certuser', password: undefined })),
});
