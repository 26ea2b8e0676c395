/**
 * External account binding (RFC 8555 §7.3.4): an operator makes a key and hands it to somebody, and a new account shows that it
 * is theirs.
 *
 * @module
 */

import { type CryptoProvider, equalBytes, equalConstantTime, type HashName, toHex } from '@handfast/crypto';
import { appendAudit } from '../audit.ts';
import type { Database, Sql } from '../store/database.ts';
import { bytes, integer, optional, text } from '../store/rows.ts';
import { base64url, jsonValue } from './encoding.ts';
import { parseJwk } from './jwk.ts';
import { innerJws } from './jws.ts';
import { malformed, Problem } from './problems.ts';
import type { Call } from './requests.ts';

export interface ExternalKey {
  readonly id: string;
  /** Whose it is. */
  readonly label: string;
  readonly createdAt: Date;
  readonly revokedAt: Date | undefined;
}

const hashes: ReadonlyMap<string, HashName> = new Map([
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
]);

/** Who did it, for the audit log, where nobody says. */
const somebody = 'operator';

/** A new key. `secret` is base64url, as clients take it, and shown this once; `by`, who makes it, is for the audit log. */
export async function createExternalKey(
  database: Database,
  provider: Pick<CryptoProvider, 'random'>,
  label: string,
  now: Date,
  by: string = somebody,
): Promise<{ readonly id: string; readonly secret: string }> {
  // Hexadecimal: none that begins with a hyphen, which a command line would take for an option.
  const id = toHex(provider.random(16));
  const secret = provider.random(32);
  await database.transaction(async (sql) => {
    const values = [id, secret, label, now.getTime()];
    await sql.run('INSERT INTO acme_external_keys (id, secret, label, created_at) VALUES ($1, $2, $3, $4)', values);
    await appendAudit(sql, now, { actor: by, action: 'create external key', subject: id, note: label });
  });
  return { id, secret: base64url(secret) };
}

export async function listExternalKeys(sql: Sql): Promise<readonly ExternalKey[]> {
  const rows = await sql.all(
    'SELECT id, label, created_at, revoked_at FROM acme_external_keys ORDER BY created_at, id',
  );
  return rows.map((row) => {
    const revokedAt = optional(row, 'revoked_at', integer);
    return {
      id: text(row, 'id'),
      label: text(row, 'label'),
      createdAt: new Date(integer(row, 'created_at')),
      revokedAt: revokedAt === undefined ? undefined : new Date(revokedAt),
    };
  });
}

/** From now on it binds no new account. Whether there was such a key, not revoked before. */
export async function revokeExternalKey(
  database: Database,
  id: string,
  now: Date,
  by: string = somebody,
): Promise<boolean> {
  return await database.transaction(async (sql) => {
    const [row] = await sql.all(
      'UPDATE acme_external_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING label',
      [id, now.getTime()],
    );
    if (row === undefined) return false;
    await appendAudit(sql, now, { actor: by, action: 'revoke external key', subject: id, note: text(row, 'label') });
    return true;
  });
}

/**
 * The id of the external key that a new account's binding is made with.
 *
 * @throws Problem `malformed`, `unauthorized`, `badSignatureAlgorithm`
 */
export async function verifyExternalBinding(call: Call, sql: Sql, binding: unknown): Promise<string> {
  const { service, url, key } = call;
  const jws = innerJws(binding, 'the external account binding');
  if (jws.kid === undefined) throw malformed('the external account binding names no key ("kid")');
  if (jws.url !== url) throw malformed('the external account binding is made for another URL');
  const hash = hashes.get(jws.alg);
  if (hash === undefined) {
    throw new Problem('badSignatureAlgorithm', {
      detail: 'external account bindings are made with HS256, HS384 or HS512',
      algorithms: [...hashes.keys()],
    });
  }
  const [row] = await sql.all('SELECT secret FROM acme_external_keys WHERE id = $1 AND revoked_at IS NULL', [jws.kid]);
  // A key that is unknown and a MAC that is wrong look the same.
  const secret = row === undefined ? service.provider.random(32) : bytes(row, 'secret');
  const good = equalConstantTime(service.provider.hmac(hash, secret)(jws.signed), jws.signature);
  secret.fill(0);
  if (row === undefined || !good)
    throw new Problem('unauthorized', { detail: 'the external account binding does not verify' });
  const bound = parseJwk(jsonValue(jws.payload, 'the bound key'));
  if (!equalBytes(bound.spki, key.spki)) throw malformed('the external account binding is for another key');
  return jws.kid;
}
