/**
 * Makes a provider's next ephemeral key a known one, so that known-answer tests run through the provider's own code,
 * which takes no private keys from outside. Tests only: it replaces the runtime's functions while `work` runs.
 *
 * @module
 */

import crypto, { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { type Bytes, concat, fromHex } from '@handfast/crypto';
import { encode, tag } from '../../src/der.ts';

export type FixedGroup = 'x25519' | 'x448' | 'secp256r1' | 'secp384r1' | 'secp521r1' | 'mlkem768' | 'mlkem1024';

/** What stands between version and private key in PKCS#8, and how the key's bytes are wrapped there. */
const containers: Readonly<Record<FixedGroup, readonly [algorithm: string, wrap: (key: Bytes) => Bytes]>> = {
  x25519: ['300506032b656e', (key) => encode(tag.octetString, key)],
  x448: ['300506032b656f', (key) => encode(tag.octetString, key)],
  secp256r1: ['301306072a8648ce3d020106082a8648ce3d030107', (key) => ecPrivateKey(key, 32)],
  secp384r1: ['301006072a8648ce3d020106052b81040022', (key) => ecPrivateKey(key, 48)],
  secp521r1: ['301006072a8648ce3d020106052b81040023', (key) => ecPrivateKey(key, 66)],
  mlkem768: ['300b0609608648016503040402', (seed) => encode(0x80, seed)],
  mlkem1024: ['300b0609608648016503040403', (seed) => encode(0x80, seed)],
};

/** ECPrivateKey (RFC 5915) with neither parameters nor public key. The scalar comes as a signed number, in any length. */
function ecPrivateKey(scalar: Bytes, length: number): Bytes {
  const padded = concat(new Uint8Array(length), scalar).slice(-length);
  return encode(tag.sequence, Uint8Array.of(tag.integer, 1, 1), encode(tag.octetString, padded));
}

function pkcs8Of(group: FixedGroup, key: Bytes): Bytes {
  const [algorithm, wrap] = containers[group];
  return encode(tag.sequence, Uint8Array.of(tag.integer, 1, 0), fromHex(algorithm), encode(tag.octetString, wrap(key)));
}

/** Runs `work` while every key that `node:crypto` generates is this one. */
export function withNodeKey<T>(group: FixedGroup, key: Bytes, work: () => T | Promise<T>): Promise<T> {
  return withNodePkcs8(pkcs8Of(group, key), work);
}

/** The same for any key, in PKCS#8. */
export async function withNodePkcs8<T>(pkcs8: Bytes, work: () => T | Promise<T>): Promise<T> {
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const generate = (): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } => ({ publicKey, privateKey });
  crypto.generateKeyPairSync = generate as unknown as typeof generateKeyPairSync; // its overloads are of no use here
  syncBuiltinESMExports();
  try {
    return await work();
  } finally {
    crypto.generateKeyPairSync = generateKeyPair;
    syncBuiltinESMExports();
  }
}

const generateKeyPair = generateKeyPairSync;

/**
 * Runs `work` while every key pair that WebCrypto generates has this private half. Its public half is another's, but for ML-KEM,
 * where both sides' agreement is looked at.
 */
export async function withSubtleKey<T>(group: FixedGroup, key: Bytes, work: () => Promise<T>): Promise<T> {
  const curves: Readonly<Partial<Record<FixedGroup, string>>> = {
    secp256r1: 'P-256',
    secp384r1: 'P-384',
    secp521r1: 'P-521',
  };
  const namedCurve = curves[group];
  const { subtle } = globalThis.crypto;
  const isKem = group.startsWith('mlkem');
  const algorithm = namedCurve === undefined ? { name: webNames[group] ?? group } : { name: 'ECDH', namedCurve };
  const pkcs8 = pkcs8Of(group, key);
  // The library's types do not know the usages of ML-KEM.
  const usages = [isKem ? 'decapsulateBits' : 'deriveBits'] as KeyUsage[];
  const privateKey = await subtle.importKey('pkcs8', pkcs8, algorithm, false, usages);
  const publicKey = isKem ? await publicHalf(pkcs8, algorithm) : await anyPublicKey(algorithm);
  Object.defineProperty(subtle, 'generateKey', { value: async () => ({ privateKey, publicKey }), configurable: true });
  try {
    return await work();
  } finally {
    Reflect.deleteProperty(subtle, 'generateKey');
  }
}

const webNames: Readonly<Partial<Record<FixedGroup, string>>> = {
  x25519: 'X25519',
  x448: 'X448',
  mlkem768: 'ML-KEM-768',
  mlkem1024: 'ML-KEM-1024',
};

function publicHalf(pkcs8: Bytes, algorithm: { readonly name: string }): Promise<CryptoKey> {
  const key = createPublicKey(createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }));
  const spki = new Uint8Array(key.export({ format: 'der', type: 'spki' }));
  return globalThis.crypto.subtle.importKey('spki', spki, algorithm, true, [
    'encapsulateBits',
  ] as unknown as KeyUsage[]);
}

const publicKeys = new Map<string, Promise<CryptoKey>>();

function anyPublicKey(algorithm: { readonly name: string; readonly namedCurve?: string }): Promise<CryptoKey> {
  const id = algorithm.namedCurve ?? algorithm.name;
  const made = publicKeys.get(id) ?? makePublicKey(algorithm);
  publicKeys.set(id, made);
  return made;
}

async function makePublicKey(algorithm: { readonly name: string }): Promise<CryptoKey> {
  const pair = await globalThis.crypto.subtle.generateKey(algorithm, true, ['deriveBits']);
  if (!('publicKey' in pair)) throw new Error('no key pair');
  return pair.publicKey;
}

/** Runs `work` while `crypto.getRandomValues` gives these bytes: noble's keys and ML-KEM messages are made of them. */
export async function withRandom<T>(bytes: Bytes, work: () => T | Promise<T>): Promise<T> {
  const { crypto: web } = globalThis;
  const original = web.getRandomValues.bind(web);
  let given = false;
  const give = (out: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    // Other lengths are not the key's: noble also blinds with random numbers.
    if (out.length !== bytes.length) return original(out);
    given = true;
    out.set(bytes);
    return out;
  };
  Object.defineProperty(web, 'getRandomValues', { value: give, configurable: true });
  try {
    const result = await work();
    if (!given) throw new Error('nobody asked for the random bytes');
    return result;
  } finally {
    Reflect.deleteProperty(web, 'getRandomValues');
  }
}
