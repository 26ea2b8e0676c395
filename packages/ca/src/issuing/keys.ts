/**
 * Which keys a CA certifies: of a kind that the profile takes, strong enough, on their curve, and not a CA's own. Whether a key is
 * known to be lost is asked of the database where the certificate is put down (`issue.ts`).
 *
 * @module
 */

import { createPublicKey, type KeyObject } from 'node:crypto';
import { type CryptoProvider, equalBytes, type PublicKeyInfo, toHex } from '@handfast/crypto';
import { type Certificate, keyLabel } from '@handfast/x509';
import { CaError } from '../errors.ts';
import type { Sql } from '../store/database.ts';
import type { Profile } from './profiles.ts';
import { weakModulus } from './weak-rsa.ts';

/** SHA-256 of a SubjectPublicKeyInfo, hexadecimal: names a key, and an issuer. */
export function spkiHash(provider: Pick<CryptoProvider, 'digest'>, spki: Uint8Array): string {
  return toHex(provider.digest('sha256', spki));
}

/** @throws CaError `bad_key` */
export function checkKey(key: PublicKeyInfo, profile: Profile, issuers: readonly Certificate[]): void {
  const label = keyLabel(key);
  if (!profile.keyTypes.includes(key.type)) {
    throw badKey(`the profile "${profile.name}" takes no key of ${label}`, `it takes ${profile.keyTypes.join(', ')}`);
  }
  if (issuers.some(({ spki }) => equalBytes(spki, key.spki))) throw badKey("the key is a CA's own");
  const imported = importedKey(key);
  if (key.type === 'rsa' || key.type === 'rsa-pss') checkRsa(key, label, imported, profile);
}

/** @throws CaError `bad_key` where somebody has shown, or said, that the key is lost */
export async function refuseBlocked(sql: Sql, hash: string): Promise<void> {
  const rows = await sql.all('SELECT reason FROM blocked_keys WHERE spki_hash = $1', [hash]);
  if (rows.length > 0) {
    throw badKey('the key is known to be compromised', 'make a new key: this one is blocked for ever');
  }
}

function checkRsa(key: PublicKeyInfo, label: string, imported: KeyObject, { minRsaBits }: Profile): void {
  if (key.bits < minRsaBits) throw badKey(`a key of ${label}: the least is ${minRsaBits} bits`);
  const jwk = imported.export({ format: 'jwk' });
  // BR §6.1.6: from 2^16 + 1 on.
  if (numberOf(jwk.e) < 65537n) throw badKey(`a key of ${label} with the public exponent ${numberOf(jwk.e)}`);
  const weakness = weakModulus(numberOf(jwk.n));
  if (weakness !== undefined) throw badKey(`the key of ${label} is weak: ${weakness}`, 'make it anew by other means');
}

/** OpenSSL takes no point that is not on its curve. */
function importedKey(key: PublicKeyInfo): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(key.spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new CaError('bad_key', `the key of ${keyLabel(key)} is none: it cannot be imported`, { cause });
  }
}

function numberOf(base64url: string | undefined): bigint {
  return BigInt(`0x0${Buffer.from(base64url ?? '', 'base64url').toString('hex')}`);
}

function badKey(message: string, hint?: string): CaError {
  return new CaError('bad_key', message, hint === undefined ? {} : { hint });
}
