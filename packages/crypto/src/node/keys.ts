/**
 * Private keys by `node:crypto`: imported once, then a KeyObject behind a `Signer`.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { wipe } from '../bytes.ts';
import { readPkcs8, readSpki, writePkcs8 } from '../key-containers.ts';
import { nobleSigner } from '../noble-signature.ts';
import { CryptoError, type GeneratedKeyPair, type KeyType, type Signer } from '../provider.ts';
import { algorithmsForKey, signatureMethods } from '../signature-methods.ts';
import { random } from './hash.ts';
import { hasNativeMlDsa, isMlDsa, nobleMlDsa } from './mldsa.ts';
import { asBuffer, plain } from './own-memory.ts';
import { keyInput } from './signatures.ts';

export function importPrivateKey(pkcs8: Uint8Array): Signer {
  // Our own reading first: it refuses explicit curves, and kinds of key that OpenSSL has but TLS does not sign with.
  const { type, privateKey } = readPkcs8(pkcs8);
  try {
    const byNoble = isMlDsa(type) && !hasNativeMlDsa() ? nobleMlDsa()[type] : undefined;
    return byNoble === undefined ? signerOf(importPkcs8(pkcs8, type)) : nobleSigner(byNoble, privateKey);
  } finally {
    wipe(privateKey);
  }
}

function importPkcs8(pkcs8: Uint8Array, type: KeyType): KeyObject {
  try {
    return createPrivateKey({ key: asBuffer(pkcs8), format: 'der', type: 'pkcs8' });
  } catch (cause) {
    if (isMlDsa(type) && !hasNativeMlDsa()) {
      throw new CryptoError('unsupported', `neither this Node's OpenSSL nor noble is there for ${type}`, { cause });
    }
    throw new CryptoError('invalid_key', `OpenSSL refuses this ${type} private key`, { cause });
  }
}

export function generateKeyPair(type: KeyType, options: { readonly modulusBits?: number } = {}): GeneratedKeyPair {
  const byNoble = isMlDsa(type) && !hasNativeMlDsa() ? nobleMlDsa()[type] : undefined;
  if (byNoble !== undefined) {
    const privateKey = byNoble.generate(random);
    try {
      return { signer: nobleSigner(byNoble, privateKey), pkcs8: writePkcs8(privateKey, type) };
    } finally {
      wipe(privateKey);
    }
  }
  const privateKey = generate(type, options.modulusBits ?? 2048);
  return { signer: signerOf(privateKey), pkcs8: plain(privateKey.export({ type: 'pkcs8', format: 'der' })) };
}

function generate(type: KeyType, modulusLength: number): KeyObject {
  try {
    if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength }).privateKey;
    if (type === 'rsa-pss') return generateKeyPairSync('rsa-pss', { modulusLength }).privateKey;
    if (type === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
    if (type === 'ed448') return generateKeyPairSync('ed448').privateKey;
    if (type === 'ml-dsa-44') return generateKeyPairSync('ml-dsa-44').privateKey;
    if (type === 'ml-dsa-65') return generateKeyPairSync('ml-dsa-65').privateKey;
    if (type === 'ml-dsa-87') return generateKeyPairSync('ml-dsa-87').privateKey;
    return generateKeyPairSync('ec', { namedCurve: nodeCurve[type] }).privateKey;
  } catch (cause) {
    throw new CryptoError('unsupported', `this Node cannot make a key of type ${type}`, { cause });
  }
}

const nodeCurve = { secp256r1: 'prime256v1', secp384r1: 'secp384r1', secp521r1: 'secp521r1' } as const;

function signerOf(privateKey: KeyObject): Signer {
  const publicKey = readSpki(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
  const algorithms = algorithmsForKey(publicKey);
  return {
    publicKey,
    algorithms,
    sign(algorithm, data) {
      if (!algorithms.includes(algorithm)) {
        throw new CryptoError('unsupported', `a key of type ${publicKey.type} makes no ${algorithm} signatures`);
      }
      const method = signatureMethods[algorithm];
      return plain(sign(method.hash, data, keyInput(privateKey, method)));
    },
  };
}
