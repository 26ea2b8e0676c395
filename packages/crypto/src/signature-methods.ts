/**
 * How each signature algorithm is made: its family, hash and kinds of key, as one table; and what a key can sign with.
 *
 * @module
 */

import { hashLength } from './hkdf.ts';
import { algorithmOf, pssHashOf } from './key-containers.ts';
import type { HashName, KeyType, PublicKeyInfo, SignatureAlgorithm } from './provider.ts';

export interface SignatureMethod {
  readonly kind: 'ecdsa' | 'pss' | 'pkcs1' | 'pure';
  /** The hash that the message goes through; null where the algorithm takes the message itself. */
  readonly hash: HashName | null;
  readonly keyTypes: readonly KeyType[];
}

const ec: readonly KeyType[] = ['secp256r1', 'secp384r1', 'secp521r1'];
const pssKeys: readonly KeyType[] = ['rsa', 'rsa-pss'];

/** In the order in which a signer prefers them. */
export const signatureMethods: Readonly<Record<SignatureAlgorithm, SignatureMethod>> = {
  'ecdsa-sha256': { kind: 'ecdsa', hash: 'sha256', keyTypes: ec },
  'ecdsa-sha384': { kind: 'ecdsa', hash: 'sha384', keyTypes: ec },
  'ecdsa-sha512': { kind: 'ecdsa', hash: 'sha512', keyTypes: ec },
  'rsa-pss-sha256': { kind: 'pss', hash: 'sha256', keyTypes: pssKeys },
  'rsa-pss-sha384': { kind: 'pss', hash: 'sha384', keyTypes: pssKeys },
  'rsa-pss-sha512': { kind: 'pss', hash: 'sha512', keyTypes: pssKeys },
  'rsa-pkcs1-sha256': { kind: 'pkcs1', hash: 'sha256', keyTypes: ['rsa'] },
  'rsa-pkcs1-sha384': { kind: 'pkcs1', hash: 'sha384', keyTypes: ['rsa'] },
  'rsa-pkcs1-sha512': { kind: 'pkcs1', hash: 'sha512', keyTypes: ['rsa'] },
  ed25519: { kind: 'pure', hash: null, keyTypes: ['ed25519'] },
  ed448: { kind: 'pure', hash: null, keyTypes: ['ed448'] },
  'ml-dsa-44': { kind: 'pure', hash: null, keyTypes: ['ml-dsa-44'] },
  'ml-dsa-65': { kind: 'pure', hash: null, keyTypes: ['ml-dsa-65'] },
  'ml-dsa-87': { kind: 'pure', hash: null, keyTypes: ['ml-dsa-87'] },
};

/** An EC key's own hash comes first in its signer's list. */
const ownHash: Readonly<Partial<Record<KeyType, HashName>>> = {
  secp256r1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
};

/** Whether the algorithm works with a key of this type, size and parameters. */
export function fitsKey({ kind, hash, keyTypes }: SignatureMethod, key: PublicKeyInfo): boolean {
  if (!keyTypes.includes(key.type)) return false;
  if (kind !== 'pss' || hash === null) return true;
  // EMSA-PSS needs emLen >= hLen + sLen + 2 (RFC 8017 §9.1.1), and our salts are as long as the hash.
  if (Math.ceil((key.bits - 1) / 8) < 2 * hashLength[hash] + 2) return false;
  if (key.type === 'rsa') return true;
  // An id-RSASSA-PSS key may be bound to one hash. WebCrypto would not hold to it: it never sees the parameters.
  const bound = pssHashOf(algorithmOf(key.spki));
  return bound === 'any' || bound === hash;
}

/** What a key can sign with, in order of preference. */
export function algorithmsForKey(key: PublicKeyInfo): readonly SignatureAlgorithm[] {
  const own = ownHash[key.type];
  const fitting: SignatureAlgorithm[] = [];
  for (const [algorithm, method] of Object.entries(signatureMethods)) {
    if (!fitsKey(method, key)) continue;
    // The keys of our own table, which `Object.entries` widens to strings.
    const name = algorithm as SignatureAlgorithm;
    if (own !== undefined && method.hash === own) fitting.unshift(name);
    else fitting.push(name);
  }
  return fitting;
}
