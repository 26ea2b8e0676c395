/**
 * Which key makes which of the old signatures, as one table.
 *
 * @module
 */

import { CryptoError, type KeyType, type LegacyHandshakeSignature } from '../provider.ts';

const ec: readonly KeyType[] = ['secp256r1', 'secp384r1', 'secp521r1'];

/** In the order in which a key prefers them. */
const keyTypes: readonly (readonly [LegacyHandshakeSignature, readonly KeyType[]])[] = [
  ['rsa-pkcs1-sha1', ['rsa']],
  ['rsa-pkcs1-md5-sha1', ['rsa']],
  ['ecdsa-sha1', ec],
];

/** What a key of this type signs with. Throws `CryptoError` `unsupported` for kinds of key that have no old ways. */
export function algorithmsOf(type: KeyType): readonly LegacyHandshakeSignature[] {
  const algorithms = keyTypes.filter(([, types]) => types.includes(type)).map(([algorithm]) => algorithm);
  if (algorithms.length > 0) return algorithms;
  throw new CryptoError('unsupported', `no version before TLS 1.2 knows keys of type ${type}`);
}

export function fitsKey(algorithm: LegacyHandshakeSignature, type: KeyType): boolean {
  return keyTypes.some(([name, types]) => name === algorithm && types.includes(type));
}
