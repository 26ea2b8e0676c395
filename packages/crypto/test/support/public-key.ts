/**
 * `PublicKeyInfo` out of a well-formed SubjectPublicKeyInfo, for tests: the strict parser is `@handfast/x509`'s.
 *
 * @module
 */

import { copyBytes, type PublicKeyInfo } from '@handfast/crypto';
import { encode, inside } from '../../src/der.ts';
import { publicKeyInfo, readPkcs8 } from '../../src/key-containers.ts';

export function publicKeyOf(spki: Uint8Array): PublicKeyInfo {
  const [algorithm, bits] = inside(spki);
  if (algorithm === undefined || bits === undefined) throw new Error('not a SubjectPublicKeyInfo');
  // The type by the one table of AlgorithmIdentifiers, which reads PKCS#8.
  const { type } = readPkcs8(encode(0x30, Uint8Array.of(2, 1, 0), algorithm.der, Uint8Array.of(4, 0)));
  return { ...publicKeyInfo(type, copyBytes(bits.content.subarray(1)), algorithm.der), spki: copyBytes(spki) };
}
