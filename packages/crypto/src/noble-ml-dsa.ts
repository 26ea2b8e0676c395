/**
 * ML-DSA (FIPS 204) by noble, with an empty context and the private keys of RFC 9881, for either provider: each loads
 * noble in its own way and passes it in.
 *
 * @module
 */

import { copyBytes, equalConstantTime, wipe } from './bytes.ts';
import { elements, encode, malformed, tag, withLength } from './der.ts';
import type { NobleSignature, PureKeyType } from './noble-signature.ts';
import { type Bytes, CryptoError } from './provider.ts';

export type MlDsaName = Exclude<PureKeyType, 'ed448'>;

/** What is used of `@noble/post-quantum/ml-dsa.js`. */
export interface NobleDsa {
  keygen(seed: Uint8Array): { readonly secretKey: Uint8Array };
  getPublicKey(secretKey: Uint8Array): Uint8Array;
  sign(data: Uint8Array, secretKey: Uint8Array): Uint8Array;
  verify(signature: Uint8Array, data: Uint8Array, publicKey: Uint8Array): boolean;
}

/** Bytes in a public key, a signature and an expanded private key (FIPS 204 §4, table 2). */
const lengths: Readonly<Record<MlDsaName, readonly [publicKey: number, signature: number, secretKey: number]>> = {
  'ml-dsa-44': [1312, 2420, 2560],
  'ml-dsa-65': [1952, 3309, 4032],
  'ml-dsa-87': [2592, 4627, 4896],
};

const seedLength = 32;
const seedTag = 0x80; // [0] IMPLICIT OCTET STRING

export function mlDsaByNoble(type: MlDsaName, dsa: NobleDsa): NobleSignature {
  const [publicKeyLength, signatureLength, secretKeyLength] = lengths[type];
  return {
    type,
    publicKeyLength,
    signatureLength,
    verify: (signature, data, publicKey) => dsa.verify(signature, data, publicKey),
    sign: (data, secretKey) => dsa.sign(data, secretKey),
    publicKey: (secretKey) => dsa.getPublicKey(secretKey),
    // CHOICE { seed [0], expandedKey OCTET STRING, both SEQUENCE { seed, expandedKey } } (RFC 9881 §6)
    readPrivateKey(content) {
      const [choice, ...rest] = elements(content);
      if (choice === undefined || rest.length > 0) throw malformed();
      if (choice.tag === tag.octetString) return withLength(choice.content, secretKeyLength);
      if (choice.tag === seedTag) return expand(choice.content);
      if (choice.tag !== tag.sequence) throw malformed();
      const [seed, expanded, ...more] = elements(choice.content);
      if (seed?.tag !== tag.octetString || expanded?.tag !== tag.octetString || more.length > 0) throw malformed();
      const secretKey = expand(seed.content);
      if (equalConstantTime(secretKey, expanded.content)) return secretKey;
      wipe(secretKey);
      throw new CryptoError('invalid_key', `the ${type} key's seed does not give its expanded key`);
    },
    generate(random) {
      const seed = random(seedLength);
      const content = encode(seedTag, seed);
      wipe(seed);
      return content;
    },
  };

  function expand(seed: Uint8Array): Bytes {
    const own = withLength(seed, seedLength);
    const { secretKey } = dsa.keygen(own);
    wipe(own);
    const copy = copyBytes(secretKey);
    wipe(secretKey);
    return copy;
  }
}
