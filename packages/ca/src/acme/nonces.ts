/**
 * Anti-replay nonces (RFC 8555 §6.5). One that is given out is kept nowhere: it is its own expiry and a random part, sealed with
 * HMAC under a key in the database, so that every process takes what another gave. One that comes back is written down in the
 * transaction of its request: sent to two processes at once, it is accepted once. Those that are written down are in the order of their
 * expiry, which a nonce begins with: so they are written, and forgotten, side by side.
 *
 * @module
 */

import { type Bytes, type CryptoProvider, concat, copyBytes, equalConstantTime, type Hmac } from '@handfast/crypto';
import type { Database, Sql } from '../store/database.ts';
import { bytes } from '../store/rows.ts';
import { base64url, fromBase64url } from './encoding.ts';

const purpose = 'nonces';
const length = { expiry: 6, random: 16, seal: 16 };

export interface Nonces {
  issue(now: number): string;
  /** Whether the nonce is one of ours, still good, and not used before; from now on it is used. */
  redeem(sql: Sql, nonce: string | undefined, now: number): Promise<boolean>;
}

export async function openNonces(
  provider: Pick<CryptoProvider, 'random' | 'hmac'>,
  database: Database,
  options: { readonly now: number; readonly lifetimeMs: number },
): Promise<Nonces> {
  const seal: Hmac = provider.hmac('sha256', await sealingKey(provider, database, options.now));
  const sealOf = (content: Uint8Array): Bytes => seal(content).slice(0, length.seal);
  return {
    issue(now) {
      const content = concat(expiryBytes(now + options.lifetimeMs), provider.random(length.random));
      return base64url(concat(content, sealOf(content)));
    },
    async redeem(sql, nonce, now) {
      const whole = nonce === undefined ? undefined : fromBase64url(nonce);
      const end = length.expiry + length.random;
      if (whole?.length !== end + length.seal) return false;
      const content = whole.subarray(0, end);
      if (!equalConstantTime(whole.subarray(end), sealOf(content))) return false;
      if (expiryOf(content) <= now) return false;
      const used = [copyBytes(content)];
      return 1 === (await sql.run('INSERT INTO acme_nonces (nonce) VALUES ($1) ON CONFLICT DO NOTHING', used));
    },
  };
}

/** By which clocks of processes that share a database may differ, and one be set back: what was used is remembered so much longer. */
const clockMarginMs = 3_600_000;

/** Forgets used nonces that have expired, a bounded number of them. */
export async function pruneNonces(sql: Sql, now: number, limit: number): Promise<number> {
  return await sql.run(
    'DELETE FROM acme_nonces WHERE nonce IN (SELECT nonce FROM acme_nonces WHERE nonce < $1 LIMIT $2)',
    [expiryBytes(now + 1 - clockMarginMs), limit],
  );
}

/** The key in the database; the first process to come makes it. */
async function sealingKey(provider: Pick<CryptoProvider, 'random'>, database: Database, now: number): Promise<Bytes> {
  await database.run('INSERT INTO acme_keys (purpose, secret, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
    purpose,
    provider.random(32),
    now,
  ]);
  const [row] = await database.all('SELECT secret FROM acme_keys WHERE purpose = $1', [purpose]);
  if (row === undefined) throw new TypeError('the key of the nonces is gone');
  return bytes(row, 'secret');
}

function expiryBytes(time: number): Bytes {
  const out = new Uint8Array(length.expiry);
  let left = time;
  for (let at = length.expiry - 1; at >= 0; at--) {
    out[at] = left % 256;
    left = Math.floor(left / 256);
  }
  return out;
}

function expiryOf(content: Uint8Array): number {
  return content.subarray(0, length.expiry).reduce((sum, byte) => sum * 256 + byte, 0);
}
