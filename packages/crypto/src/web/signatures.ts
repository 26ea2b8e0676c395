/**
 * Signatures by WebCrypto: RSA-PSS, RSASSA-PKCS1-v1_5, ECDSA over the P curves, and Ed25519.
 *
 * @module
 */

import { copyBytes } from '../bytes.ts';
import { ecdsaFromDer } from '../ecdsa-der.ts';
import { hashLength } from '../hkdf.ts';
import { writeRsaSpki } from '../key-containers.ts';
import {
  type Bytes,
  CryptoError,
  type HashName,
  type KeyType,
  type PublicKeyInfo,
  type SignatureAlgorithm,
  type SignatureVerifier,
} from '../provider.ts';
import { fitsKey, type SignatureMethod, signatureMethods } from '../signature-methods.ts';
import { subtle, wrapError } from './subtle.ts';

/** The algorithms of the default web rows. */
export type WebCryptoAlgorithm = Exclude<SignatureAlgorithm, 'ed448' | `ml-dsa-${string}`>;

/** WebCrypto's name of a hash. */
export const hashNames: Readonly<Record<HashName, string>> = {
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
};

/** WebCrypto's name of a curve, and the bytes in a coordinate. */
export const curves: Readonly<Partial<Record<KeyType, { readonly name: string; readonly length: number }>>> = {
  secp256r1: { name: 'P-256', length: 32 },
  secp384r1: { name: 'P-384', length: 48 },
  secp521r1: { name: 'P-521', length: 66 },
};

/** What `importKey` is told of a key for an algorithm. */
export function importParameters(
  method: SignatureMethod,
  type: KeyType,
): RsaHashedImportParams | EcKeyImportParams | Algorithm {
  if (method.kind === 'ecdsa') return { name: 'ECDSA', namedCurve: curves[type]?.name ?? type };
  if (method.hash === null) return pure(method);
  return { name: method.kind === 'pss' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: hashNames[method.hash] };
}

/** Ed25519, Ed448, ML-DSA-44 and so on: the names of their keys, in other letters. */
function pure({ keyTypes }: SignatureMethod): Algorithm {
  const type = keyTypes.join();
  return { name: type.startsWith('ed') ? `Ed${type.slice(2)}` : type.toUpperCase() };
}

/** What `sign` and `verify` are told. */
export function operationParameters(method: SignatureMethod): RsaPssParams | EcdsaParams | Algorithm {
  const { kind, hash } = method;
  if (hash === null) return pure(method);
  if (kind === 'ecdsa') return { name: 'ECDSA', hash: hashNames[hash] };
  // Without a length, runtimes differ in which salts they take.
  if (kind === 'pss') return { name: 'RSA-PSS', saltLength: hashLength[hash] };
  return { name: 'RSASSA-PKCS1-v1_5' };
}

export const verifiers: Readonly<Record<WebCryptoAlgorithm, SignatureVerifier>> = {
  'ecdsa-sha256': /* @__PURE__ */ verifier('ecdsa-sha256'),
  'ecdsa-sha384': /* @__PURE__ */ verifier('ecdsa-sha384'),
  'ecdsa-sha512': /* @__PURE__ */ verifier('ecdsa-sha512'),
  'rsa-pss-sha256': /* @__PURE__ */ verifier('rsa-pss-sha256'),
  'rsa-pss-sha384': /* @__PURE__ */ verifier('rsa-pss-sha384'),
  'rsa-pss-sha512': /* @__PURE__ */ verifier('rsa-pss-sha512'),
  'rsa-pkcs1-sha256': /* @__PURE__ */ verifier('rsa-pkcs1-sha256'),
  'rsa-pkcs1-sha384': /* @__PURE__ */ verifier('rsa-pkcs1-sha384'),
  'rsa-pkcs1-sha512': /* @__PURE__ */ verifier('rsa-pkcs1-sha512'),
  ed25519: /* @__PURE__ */ verifier('ed25519'),
};

function verifier(algorithm: WebCryptoAlgorithm): SignatureVerifier {
  const method = signatureMethods[algorithm];
  return {
    verify(key, data, signature) {
      if (!fitsKey(method, key)) return false;
      const encoded = signatureForWebCrypto(method, key, signature);
      return encoded !== undefined && verify(method, algorithm, key, copyBytes(data), encoded);
    },
  };
}

/** Whether WebCrypto finds it good. The signature's form, and that of a pure algorithm's key, have been checked. */
export async function verify(
  method: SignatureMethod,
  algorithm: SignatureAlgorithm,
  key: PublicKeyInfo,
  data: Bytes,
  signature: Bytes,
): Promise<boolean> {
  const publicKey = await importedKey(method, algorithm, key);
  try {
    return await subtle().verify(operationParameters(method), publicKey, signature, data);
  } catch (cause) {
    throw wrapError(cause, 'failed', `WebCrypto does not verify ${algorithm}`);
  }
}

/** The signature as WebCrypto wants it, or `undefined` where its form is wrong already. */
function signatureForWebCrypto(
  { kind }: SignatureMethod,
  key: PublicKeyInfo,
  signature: Uint8Array,
): Bytes | undefined {
  if (kind === 'ecdsa') return ecdsaFromDer(signature, curves[key.type]?.length ?? 0);
  const length = kind === 'pure' ? 64 : Math.ceil(key.bits / 8);
  return signature.length === length ? copyBytes(signature) : undefined;
}

const imported = new WeakMap<PublicKeyInfo, Map<string, Promise<CryptoKey>>>();

/** The key in WebCrypto's hands, remembered as long as its `PublicKeyInfo` lives. */
function importedKey(method: SignatureMethod, algorithm: SignatureAlgorithm, key: PublicKeyInfo): Promise<CryptoKey> {
  // An RSA CryptoKey is bound to padding and hash; an EC one serves every hash.
  const use = method.kind === 'ecdsa' ? 'ecdsa' : algorithm;
  const known = imported.get(key) ?? new Map<string, Promise<CryptoKey>>();
  imported.set(key, known);
  const found = known.get(use) ?? importPublicKey(method, key);
  known.set(use, found);
  return found;
}

async function importPublicKey(method: SignatureMethod, key: PublicKeyInfo): Promise<CryptoKey> {
  const parameters = importParameters(method, key.type);
  try {
    if (method.kind === 'pss' || method.kind === 'pkcs1') {
      // As rsaEncryption whatever it was: WebCrypto refuses id-RSASSA-PSS.
      return await subtle().importKey('spki', writeRsaSpki(key.raw), parameters, false, ['verify']);
    }
    checkRawKey(key);
    // Keys of the younger algorithms have a format of this name alone.
    const format = key.type.startsWith('ml-dsa') ? 'raw-public' : 'raw';
    return await subtle().importKey(format as 'raw', key.raw, parameters, false, ['verify']);
  } catch (cause) {
    throw wrapError(cause, 'invalid_key', `WebCrypto does not import this ${key.type} public key`);
  }
}

/** The length, and for a point the uncompressed form, before WebCrypto sees it: it takes compressed points too. */
function checkRawKey({ type, raw }: PublicKeyInfo): void {
  const curve = curves[type];
  if (curve === undefined && type !== 'ed25519') return;
  const length = curve === undefined ? 32 : 1 + 2 * curve.length;
  if (raw.length !== length || (curve !== undefined && raw[0] !== 4)) {
    throw new CryptoError('invalid_key', `a ${type} public key has ${length} bytes, uncompressed where it is a point`);
  }
}
