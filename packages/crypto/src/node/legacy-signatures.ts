/**
 * Verification of signatures that are out of use: over SHA-1, and DSA. Nothing here signs.
 *
 * @module
 */

import { type KeyObject, verify } from 'node:crypto';
import {
  CryptoError,
  type CryptoProvider,
  type LegacySignatureAlgorithm,
  type LegacySignatureVerifier,
} from '../provider.ts';
import { importSpki } from './public-key.ts';

const rows: readonly (readonly [LegacySignatureAlgorithm, string, KeyObject['asymmetricKeyType']])[] = [
  ['rsa-pkcs1-sha1', 'sha1', 'rsa'],
  ['ecdsa-sha1', 'sha1', 'ec'],
  ['dsa-sha1', 'sha1', 'dsa'],
  ['dsa-sha256', 'sha256', 'dsa'],
];

export const legacySignatures: NonNullable<CryptoProvider['legacySignatures']> = Object.fromEntries(
  rows.map(([algorithm, hash, type]) => [algorithm, verifier(hash, type)]),
);

function verifier(hash: string, type: KeyObject['asymmetricKeyType']): LegacySignatureVerifier {
  return {
    verify(spki, data, signature) {
      const key = publicKey(spki);
      if (key.asymmetricKeyType !== type) return false;
      try {
        return verify(hash, data, key, signature);
      } catch {
        // Some malformed signatures are exceptions in OpenSSL, others are false; so is a hash that its policy forbids.
        return false;
      }
    },
  };
}

function publicKey(spki: Uint8Array): KeyObject {
  try {
    return importSpki(spki);
  } catch (cause) {
    throw new CryptoError('invalid_key', 'OpenSSL refuses this public key', { cause });
  }
}
