/**
 * AES-256-GCM under a key that is used once, derived from a secret and a random salt:
 *
 * ```
 * key || nonce = HKDF-SHA-256(salt, secret, info, 32 + 12)
 * ```
 *
 * So no nonce can come twice under one key, however much how many machines seal under the secret.
 *
 * @module
 */

import {
  type Aead,
  type AeadKey,
  type Bytes,
  type Cryptography,
  hkdfExpand,
  hkdfExtract,
  wipe,
} from '@handfast/crypto';
import { TlsConfigError } from '../errors.ts';

export const saltLength = 32;
const keyLength = 32;
const nonceLength = 12;

export interface DerivedCipher {
  /** The caller's to dispose of. */
  readonly cipher: AeadKey;
  readonly nonce: Bytes;
}

/** @throws TlsConfigError where the provider has no AES-256-GCM. */
export function sealingAead({ aeads, name }: Cryptography): Aead {
  const aead = aeads['aes-256-gcm'];
  if (aead === undefined) throw new TlsConfigError('provider', `${name} has no aes-256-gcm to seal with`);
  return aead;
}

/**
 * @param info what the secret is used for here.
 * @throws Error where the secret was wiped: what everybody knows must seal nothing.
 */
export function derivedCipher(
  provider: Cryptography,
  secret: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
): DerivedCipher {
  if (secret.every((byte) => byte === 0)) throw new Error('the secret to seal under was wiped');
  const pseudorandom = hkdfExtract(provider, 'sha256', salt, secret);
  const material = hkdfExpand('sha256', provider.hmac('sha256', pseudorandom), info, keyLength + nonceLength);
  const cipher = sealingAead(provider).key(material.subarray(0, keyLength));
  const nonce = material.slice(keyLength);
  wipe(pseudorandom, material);
  return { cipher, nonce };
}
