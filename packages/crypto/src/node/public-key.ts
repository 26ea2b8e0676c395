/**
 * Public keys into OpenSSL.
 *
 * @module
 */

import { createPublicKey, type KeyObject } from 'node:crypto';

/**
 * A SubjectPublicKeyInfo as a KeyObject. By way of PEM, which is two to three times as fast as DER or JWK: a string spares
 * Node the question whether its argument is a key (docs/performance.md).
 * @throws what OpenSSL refuses it with.
 */
export function importSpki(spki: Uint8Array): KeyObject {
  const base64 = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength).toString('base64');
  return createPublicKey(`-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----\n`);
}
