/**
 * Signatures that take the message itself, and that not every WebCrypto has: Ed448 and ML-DSA. By WebCrypto where the runtime has
 * the algorithm, else by noble. Forms are checked in one way, whoever does the arithmetic.
 *
 * @module
 */

import { copyBytes } from '../bytes.ts';
import { type NobleSignature, nobleSigner, nobleVerifier } from '../noble-signature.ts';
import type { Bytes, MaybePromise, PublicKeyInfo, SignatureVerifier, Signer } from '../provider.ts';
import { signatureMethods } from '../signature-methods.ts';
import { has } from './features.ts';
import { operationParameters, verify } from './signatures.ts';
import { importPure, type PrivateKeyRow } from './signers.ts';
import { random } from './subtle.ts';

function isNative({ type }: NobleSignature): MaybePromise<boolean> {
  return has(operationParameters(signatureMethods[type]).name, ['sign', 'verify']);
}

export function pureVerifier(signature: NobleSignature): SignatureVerifier {
  const { type, publicKeyLength, signatureLength } = signature;
  const byNoble = nobleVerifier(signature);

  async function verifyLater(key: PublicKeyInfo, data: Bytes, signed: Bytes): Promise<boolean> {
    return (await isNative(signature))
      ? verify(signatureMethods[type], type, key, data, signed)
      : byNoble.verify(key, data, signed);
  }

  return {
    verify(key, data, signed) {
      const isWellFormed = key.type === type && key.raw.length === publicKeyLength && signed.length === signatureLength;
      if (!isWellFormed || isNative(signature) === false) return byNoble.verify(key, data, signed);
      return verifyLater(key, copyBytes(data), copyBytes(signed));
    },
  };
}

export function pureKeys(signature: NobleSignature): PrivateKeyRow {
  const { type } = signature;
  return {
    types: [type],
    async import(info): Promise<Signer> {
      // Whoever holds an expanded key, or one beside its seed, has it checked by what reads it for noble.
      const isPlain = type === 'ed448' || info.privateKey[0] === seedTag;
      if (isPlain && (await isNative(signature))) {
        try {
          return await importPure(info, type);
        } catch {
          // Formats differ between runtimes, and so does what they find wrong: noble says what it is.
        }
      }
      return nobleSigner(signature, info.privateKey);
    },
    generate: async () => signature.generate(random),
  };
}

/** ML-DSA-PrivateKey.seed (RFC 9881 §6). */
const seedTag = 0x80;
