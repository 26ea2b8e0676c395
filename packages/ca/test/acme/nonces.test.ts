/** Nonces that were given out by the form of the tables before: they are good no more, and none of them counts twice. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { openNonces, pruneNonces } from '../../src/acme/nonces.ts';
import { acmeSchema } from '../../src/acme/schema.ts';
import { openSqlite } from '../../src/index.ts';
import { coreSchema, migrate } from '../../src/store/schema.ts';

const now = Date.parse('2026-11-22T00:00:00Z');
const hour = 3_600_000;
const options = { now, lifetimeMs: 60_000 };

test('nonces of before the tables had another form are refused, and what was used then is forgotten', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'handfast-nonces-'));
  const database = await openSqlite(join(folder, 'ca.db'));
  try {
    const [first = ''] = acmeSchema.migrations;
    await migrate(database, [coreSchema, { ...acmeSchema, migrations: [first] }]);
    const old = (await openNonces(provider, database, options)).issue(now);
    await database.run('INSERT INTO acme_nonces (nonce, expires_at) VALUES ($1, $2)', [Uint8Array.of(1), now + 1]);

    await migrate(database, [coreSchema, acmeSchema]);
    const nonces = await openNonces(provider, database, options);
    assert.deepEqual(await database.all('SELECT nonce FROM acme_nonces', []), []);
    assert.equal(await nonces.redeem(database, old, now), false);
    const fresh = nonces.issue(now);
    assert.equal(await nonces.redeem(database, fresh, now), true);
    assert.equal(await nonces.redeem(database, fresh, now), false);
  } finally {
    await database.close();
    await rm(folder, { recursive: true });
  }
});

test('a used nonce is kept for an hour longer than it is good, for the sake of clocks that differ', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'handfast-nonces-'));
  const database = await openSqlite(join(folder, 'ca.db'));
  try {
    await migrate(database, [coreSchema, acmeSchema]);
    const nonces = await openNonces(provider, database, options);
    const nonce = nonces.issue(now);
    const ends = now + options.lifetimeMs;
    assert.equal(await nonces.redeem(database, nonce, ends - 1), true);
    assert.equal(await nonces.redeem(database, nonce, ends), false);
    // Whoever prunes has a clock that is ahead of who redeems.
    assert.equal(await pruneNonces(database, ends + hour - 1, 10), 0);
    assert.equal(await nonces.redeem(database, nonce, ends - 1), false);
    assert.equal(await pruneNonces(database, ends + hour, 10), 1);
  } finally {
    await database.close();
    await rm(folder, { recursive: true });
  }
});
