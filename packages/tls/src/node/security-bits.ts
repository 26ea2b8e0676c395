/**
 * How strong a public key is, in bits of security, as OpenSSL counts them for its security levels (`security-level.ts`). For
 * RSA by NIST's estimate of the number field sieve (FIPS 140-2 IG 7.5), rounded and limited as OpenSSL does it, so
 * that a modulus a little shorter than 2,048 bits still counts as 112.
 *
 * @module
 */

import { createPublicKey, type KeyObject } from 'node:crypto';

// biome-ignore format: a table
const fixedBits: ReadonlyMap<string, number> = new Map([
  ['ed25519', 128], ['ed448', 224], ['x25519', 128], ['x448', 224],
  ['ml-dsa-44', 128], ['ml-dsa-65', 192], ['ml-dsa-87', 256],
]);

/** Half the order of each curve that is in use, where that is not what its name says. */
const curveBits: ReadonlyMap<string, number> = new Map([
  ['prime256v1', 128],
  ['secp384r1', 192],
  ['secp521r1', 256],
]);

/** Bits of security of a SubjectPublicKeyInfo's key; of a kind that OpenSSL does not know, as many as can be. */
export function keySecurityBits(spki: Uint8Array): number {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  const { asymmetricKeyType: kind, asymmetricKeyDetails: { modulusLength, namedCurve = '' } = {} } = key;
  // Node 22 has ML-DSA keys without a name for them.
  if (kind === undefined) return Number.POSITIVE_INFINITY;
  if (modulusLength !== undefined) return sieveBits(modulusLength);
  return fixedBits.get(kind) ?? curveBits.get(namedCurve) ?? Math.floor(Number(/\d+/.exec(namedCurve)?.[0] ?? 0) / 2);
}

/** Sizes whose strength is laid down (SP 800-56B, SP 800-57). */
const laidDown: ReadonlyMap<number, number> = new Map([
  [2048, 112],
  [3072, 128],
  [4096, 152],
  [6144, 176],
  [7680, 192],
  [8192, 200],
  [15360, 256],
]);

function sieveBits(modulusLength: number): number {
  const known = laidDown.get(modulusLength);
  if (known !== undefined) return known;
  const x = modulusLength * Math.LN2;
  const estimate = (1.923 * Math.cbrt(x * Math.log(x) ** 2) - 4.69) / Math.LN2;
  const rounded = 8 * Math.floor((estimate + 4) / 8);
  return Math.min(rounded, modulusLength <= 7680 ? 192 : modulusLength <= 15_360 ? 256 : 1200);
}
