/**
 * Keys as people tell them apart: their kind and size, and the SHA-256 of their public half. A private key is opened for
 * as long as that takes, and wiped.
 *
 * @module
 */

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { type Bytes, CryptoError, copyBytes, wipe } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { CertificateError, parseSubjectKey, subjectKeyLabel } from '@handfast/x509';
import { colonHex } from './layout.ts';
import type { KeyAccess, PrivateKeyContent } from './load.ts';

/** SHA-256, on two lines. Of a SubjectPublicKeyInfo it is the same for a key, its certificates and its requests. */
export function digestLines(bytes: Uint8Array): readonly string[] {
  const digest = nodeProvider.digest('sha256', bytes);
  return [`${colonHex(digest.subarray(0, 16))}:`, colonHex(digest.subarray(16))];
}

/** `ECDSA P-256` */
export function spkiLabel(spki: Uint8Array): string {
  return subjectKeyLabel(parseSubjectKey(spki));
}

/**
 * The public half of a private key: a SubjectPublicKeyInfo, DER.
 *
 * @throws CertificateError also where its parts do not belong together
 */
export async function publicHalfOf(key: PrivateKeyContent, access: KeyAccess): Promise<Bytes> {
  const pkcs8 = await key.open(access);
  try {
    return await publicHalf(pkcs8);
  } finally {
    wipe(pkcs8);
  }
}

/** The public half of a PKCS#8. */
export async function publicHalf(pkcs8: Bytes): Promise<Bytes> {
  try {
    return (await nodeProvider.importPrivateKey(pkcs8)).publicKey.spki;
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error;
    return agreementHalf(pkcs8, error);
  }
}

/** Keys that agree and do not sign (X25519) are for Node itself: no signer can be made of them. */
function agreementHalf(pkcs8: Bytes, refusal: CryptoError): Bytes {
  try {
    const key = createPublicKey(
      createPrivateKey({
        key: Buffer.from(pkcs8.buffer, pkcs8.byteOffset, pkcs8.length),
        format: 'der',
        type: 'pkcs8',
      }),
    );
    const spki = copyBytes(key.export({ format: 'der', type: 'spki' }));
    if (['x25519', 'x448'].includes(parseSubjectKey(spki).type)) return spki;
  } catch {
    // What the provider said of it is the better message.
  }
  throw new CertificateError('unsupported_key', `private key: ${refusal.message}`, { cause: refusal });
}
