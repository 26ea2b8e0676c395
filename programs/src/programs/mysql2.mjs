import assert from 'node:assert/strict';
import { connect } from 'node:net';
import mysql from 'mysql2/promise';
import { checks, clientPair, given, megabyte, pem, refused } from './harness.mjs';

/** mysql2's own code for all that goes wrong in a handshake. */
const failedHandshake = 'HANDSHAKE_SSL_ERROR';
const verified = { ca: pem.ca, verifyIdentity: true };

async function using(options, act) {
  const connection = await mysql.createConnection({
    ...{ host: 'localhost', port: given.port, user: 'pwuser', password: given.password },
    ssl: verified,
    ...options,
  });
  try {
    return await act?.(connection);
  } finally {
    await connection.end();
  }
}

await checks({
  'password, a query with an answer of 1 MB': () =>
    using({}, async (connection) => {
      const [rows] = await connection.query("SELECT REPEAT('0123456789abcdef', 65536) AS answer");
      assert.equal(rows[0].answer, '0123456789abcdef'.repeat(65536));
      const [how] = await connection.query("SHOW STATUS LIKE 'Ssl_version'");
      return how[0].Value;
    }),
  '1 MB in both directions': () =>
    using({}, async (connection) => {
      const [rows] = await connection.query('SELECT ? AS answer', [megabyte]);
      assert.equal(rows[0].answer, megabyte);
    }),
  'a prepared statement': () =>
    using({}, async (connection) => {
      const [rows] = await connection.execute('SELECT ? + 1 AS answer', [41]);
      assert.equal(Number(rows[0].answer), 42);
    }),
  'client certificate': () =>
    using({ user: 'certuser', ssl: { ...verified, ...clientPair } }, async (connection) => {
      const [rows] = await connection.query('SELECT CURRENT_USER() AS name');
      assert.equal(rows[0].name, 'certuser@%');
    }),
  'a pool of 5, 100 queries': async () => {
    const pool = mysql.createPool({
      ...{ host: 'localhost', port: given.port, user: 'pwuser', password: given.password, ssl: verified },
      connectionLimit: 5,
    });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => pool.query('SELECT ? AS n', [index])));
    assert.deepEqual(
      answers.map(([rows]) => rows[0].n),
      Array.from({ length: 100 }, (_, index) => index),
    );
    await pool.end();
  },
  'TLS 1.2 alone': () =>
    using({ ssl: { ...verified, maxVersion: 'TLSv1.2' } }, async (connection) => {
      const [how] = await connection.query("SHOW STATUS LIKE 'Ssl_version'");
      assert.equal(how[0].Value, 'TLSv1.2');
    }),
  'a wrong name is refused': () =>
    refused(
      failedHandshake,
      // An address would not do: mysql2 verifies `localhost` then.
      using({ host: 'wrong.example', stream: () => connect(given.port, 'localhost') }),
    ),
  'another CA is refused': () => refused(failedHandshake, using({ ssl: { ...verified, ca: pem.otherCa } })),
  'without a client certificate the server refuses': () =>
    refused('ER_ACCESS_DENIED_ERROR', using({ user: 'certuser' })),
});
