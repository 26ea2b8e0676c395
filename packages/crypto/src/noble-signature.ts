/**
 * Signatures whose arithmetic is noble's, for either provider: what such an algorithm must bring, and a verifier and a
 * signer made of it.
 *
 * @module
 */

import { copyBytes, wipe } from './bytes.ts';
import { publicKeyInfo } from './key-containers.ts';
import {
  type Bytes,
  CryptoError,
  type CryptoProvider,
  type KeyType,
  type SignatureVerifier,
  type Signer,
} from './provider.ts';

/** Kinds of key whose one signature algorithm has the key's name. */
export type PureKeyType = Extract<KeyType, 'ed448' | `ml-dsa-${string}`>;

export interface NobleSignature {
  readonly type: PureKeyType;
  readonly publicKeyLength: number;
  readonly signatureLength: number;
  verify(signature: Uint8Array, data: Uint8Array, publicKey: Uint8Array): boolean;
  sign(data: Uint8Array, secretKey: Uint8Array): Uint8Array;
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** The secret key in the content of a PKCS#8's OCTET STRING, in memory of its own. */
  readPrivateKey(content: Uint8Array): Bytes;
  /** That content for a new key, the caller's to wipe. */
  generate(random: CryptoProvider['random']): Bytes;
}

export function nobleVerifier({ type, publicKeyLength, signatureLength, verify }: NobleSignature): SignatureVerifier {
  return {
    verify(key, data, signature) {
      if (key.type !== type || signature.length !== signatureLength) return false;
      if (key.raw.length !== publicKeyLength) {
        throw new CryptoError(
          'invalid_key',
          `a ${type} public key has ${publicKeyLength} bytes, not ${key.raw.length}`,
        );
      }
      try {
        return verify(signature, data, key.raw);
      } catch {
        return false; // noble throws for some malformed signatures
      }
    },
  };
}

/** A signer over the content of a PKCS#8's OCTET STRING, which is borrowed. Throws `CryptoError` `invalid_key`. */
export function nobleSigner(signature: NobleSignature, privateKey: Uint8Array): Signer {
  const { type } = signature;
  const secretKey = signature.readPrivateKey(privateKey);
  let raw: Bytes;
  try {
    raw = copyBytes(signature.publicKey(secretKey));
  } catch (cause) {
    wipe(secretKey);
    throw new CryptoError('invalid_key', `this is no ${type} private key`, { cause });
  }
  return {
    publicKey: publicKeyInfo(type, raw),
    algorithms: [type],
    sign(algorithm, data) {
      if (algorithm !== type) {
        throw new CryptoError('unsupported', `a key of type ${type} makes no ${algorithm} signatures`);
      }
      return copyBytes(signature.sign(data, secretKey));
    },
  };
}
