/**
 * Private keys that WebCrypto holds: imported from PKCS#8, generated, or the application's own non-extractable ones.
 *
 * @module
 */

import { concat, copyBytes, wipe } from '../bytes.ts';
import { ecdsaToDer } from '../ecdsa-der.ts';
import {
  type PrivateKeyInfo,
  publicKeyInfo,
  readPkcs8,
  readSpki,
  rsaPublicKey,
  writePkcs8,
} from '../key-containers.ts';
import type { PureKeyType } from '../noble-signature.ts';
import {
  type Bytes,
  CryptoError,
  type KeyType,
  type PublicKeyInfo,
  type SignatureAlgorithm,
  type Signer,
} from '../provider.ts';
import { algorithmsForKey, type SignatureMethod, signatureMethods } from '../signature-methods.ts';
import { curves, importParameters, operationParameters } from './signatures.ts';
import { subtle, wrapError } from './subtle.ts';

/** How to handle the private keys of some types: one row of a web provider. */
export interface PrivateKeyRow {
  readonly types: readonly KeyType[];
  /** A signer over a PKCS#8 that was cut apart; `info.privateKey` is borrowed until the promise settles. */
  import(info: PrivateKeyInfo): Promise<Signer>;
  /** A new key: the content of its PKCS#8's OCTET STRING, the caller's to wipe. */
  generate(type: KeyType, modulusBits: number): Promise<Bytes>;
}

export const rsaKeys: PrivateKeyRow = {
  types: ['rsa', 'rsa-pss'],
  async import(info) {
    const publicKey = publicKeyInfo(info.type, rsaPublicKey(info.privateKey), info.algorithm);
    const algorithms = algorithmsForKey(publicKey);
    // An RSA CryptoKey is bound to padding and hash, so there is one for each algorithm.
    const keys = new Map<SignatureAlgorithm, CryptoKey>(
      await Promise.all(
        algorithms.map(
          async (algorithm) => [algorithm, await importSigningKey(info, signatureMethods[algorithm], false)] as const,
        ),
      ),
    );
    return signer(publicKey, algorithms, (algorithm) => keys.get(algorithm));
  },
  generate: (_type, modulusLength) =>
    generate({
      name: 'RSA-PSS',
      hash: 'SHA-256',
      modulusLength,
      publicExponent: Uint8Array.of(1, 0, 1),
    } satisfies RsaHashedKeyGenParams),
};

export const ecKeys: PrivateKeyRow = {
  types: ['secp256r1', 'secp384r1', 'secp521r1'],
  async import(info) {
    const { x, y } = await publicCoordinates(info, signatureMethods['ecdsa-sha256']);
    const publicKey = publicKeyInfo(info.type, concat(Uint8Array.of(4), fromBase64url(x), fromBase64url(y)));
    const key = await importSigningKey(info, signatureMethods['ecdsa-sha256'], false);
    return signer(publicKey, algorithmsForKey(publicKey), () => key);
  },
  generate: (type) => generate({ name: 'ECDSA', namedCurve: curves[type]?.name ?? type } satisfies EcKeyGenParams),
};

/** A signer over a key of an algorithm that has the key's name. */
export async function importPure(info: PrivateKeyInfo, algorithm: PureKeyType | 'ed25519'): Promise<Signer> {
  const method = signatureMethods[algorithm];
  // "pub" is of keys of type AKP: the library's types do not know them yet.
  const jwk: JsonWebKey & { readonly pub?: string } = await publicCoordinates(info, method);
  const publicKey = publicKeyInfo(algorithm, fromBase64url(jwk.x ?? jwk.pub));
  const key = await importSigningKey(info, method, false);
  return signer(publicKey, [algorithm], () => key);
}

export const ed25519Keys: PrivateKeyRow = {
  types: ['ed25519'],
  import: (info) => importPure(info, 'ed25519'),
  generate: () => generate({ name: 'Ed25519' }),
};

/** What is looked at of a `CryptoKey`: spelt out, so that users' compilers need no DOM types. */
export interface SigningCryptoKey {
  readonly type: string;
  readonly extractable: boolean;
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

/**
 * A signer over a key that the application holds, non-extractable as it may be. `publicHalf` is a
 * SubjectPublicKeyInfo in DER, or what `@handfast/x509` parsed of one. An RSA key signs with the one padding and hash that it
 * was made for, an EC key with any hash. Handshakes of TLS 1.3 want RSA-PSS; RSASSA-PKCS1-v1_5 is of TLS 1.2.
 *
 * @throws CryptoError `invalid_key` where the key cannot sign, or is not of `publicHalf`'s type
 * @example
 * ```ts
 * const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
 * const spki = new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey));
 * const signer = signerFromCryptoKey(pair.privateKey, spki);
 * ```
 */
export function signerFromCryptoKey(privateKey: SigningCryptoKey, publicHalf: PublicKeyInfo | Uint8Array): Signer {
  const publicKey = publicHalf instanceof Uint8Array ? readSpki(publicHalf) : publicHalf;
  const { type, usages, algorithm } = privateKey;
  if (type !== 'private' || !usages.includes('sign')) {
    const is = type === 'private' ? `may ${usages.join(' and ') || 'do nothing'}` : `is ${type}`;
    throw new CryptoError('invalid_key', `the CryptoKey is not a private key that may sign: it ${is}`);
  }
  const algorithms = algorithmsForKey(publicKey).filter((name) =>
    sameParameters(algorithm, importParameters(signatureMethods[name], publicKey.type)),
  );
  if (algorithms.length === 0) {
    throw new CryptoError(
      'invalid_key',
      `a CryptoKey for ${described(algorithm)} does not sign for this ${publicKey.type} key`,
    );
  }
  // It is a CryptoKey: the platform itself refuses anything else.
  return signer(publicKey, algorithms, () => privateKey as CryptoKey);
}

function signer(
  publicKey: PublicKeyInfo,
  algorithms: readonly SignatureAlgorithm[],
  keyFor: (algorithm: SignatureAlgorithm) => CryptoKey | undefined,
): Signer {
  async function sign(algorithm: SignatureAlgorithm, data: Bytes): Promise<Bytes> {
    const key = algorithms.includes(algorithm) ? keyFor(algorithm) : undefined;
    if (key === undefined) {
      throw new CryptoError('unsupported', `this ${publicKey.type} key makes no ${algorithm} signatures`);
    }
    const method = signatureMethods[algorithm];
    try {
      const signature = new Uint8Array(await subtle().sign(operationParameters(method), key, data));
      return method.kind === 'ecdsa' ? ecdsaToDer(signature) : signature;
    } catch (cause) {
      throw wrapError(cause, 'failed', `WebCrypto made no ${algorithm} signature`);
    }
  }
  return { publicKey, algorithms, sign: (algorithm, data) => sign(algorithm, copyBytes(data)) };
}

async function importSigningKey(
  info: PrivateKeyInfo,
  method: SignatureMethod,
  extractable: boolean,
): Promise<CryptoKey> {
  const pkcs8 = writePkcs8(info.privateKey, info.type === 'rsa-pss' ? 'rsa' : info.type);
  try {
    return await subtle().importKey('pkcs8', pkcs8, importParameters(method, info.type), extractable, ['sign']);
  } catch (cause) {
    throw wrapError(cause, 'invalid_key', `WebCrypto does not import this ${info.type} private key`);
  } finally {
    wipe(pkcs8);
  }
}

/** The public half: PKCS#8 need not hold it, and WebCrypto computes it for a JWK alone. */
async function publicCoordinates(info: PrivateKeyInfo, method: SignatureMethod): Promise<JsonWebKey> {
  const extractable = await importSigningKey(info, method, true);
  try {
    return await subtle().exportKey('jwk', extractable);
  } catch (cause) {
    throw wrapError(cause, 'failed', `WebCrypto does not tell the public half of this ${info.type} key`);
  }
}

async function generate(parameters: RsaHashedKeyGenParams | EcKeyGenParams | Algorithm): Promise<Bytes> {
  try {
    const pair = await subtle().generateKey(parameters, true, ['sign', 'verify']);
    if (!('privateKey' in pair)) throw new CryptoError('failed', `WebCrypto made no ${parameters.name} key pair`);
    const pkcs8 = new Uint8Array(await subtle().exportKey('pkcs8', pair.privateKey));
    const { privateKey } = readPkcs8(pkcs8);
    wipe(pkcs8);
    return privateKey;
  } catch (cause) {
    throw wrapError(cause, 'failed', `WebCrypto made no ${parameters.name} key`);
  }
}

function sameParameters(has: KeyAlgorithm, wants: RsaHashedImportParams | EcKeyImportParams | Algorithm): boolean {
  if (has.name !== wants.name) return false;
  if ('namedCurve' in wants) return 'namedCurve' in has && has.namedCurve === wants.namedCurve;
  if (!('hash' in wants)) return true;
  const { hash } = wants;
  return (
    'hash' in has && typeof has.hash === 'object' && has.hash !== null && 'name' in has.hash && has.hash.name === hash
  );
}

/** Its name, and what it is bound to. */
function described(algorithm: KeyAlgorithm): string {
  const { name, namedCurve, hash }: { name: string; namedCurve?: unknown; hash?: { name?: unknown } } = algorithm;
  return [name, namedCurve, hash?.name].filter((part) => part !== undefined).join(', ');
}

function fromBase64url(text: string | undefined): Bytes {
  if (text === undefined) throw new CryptoError('failed', 'a JWK lacks a coordinate');
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
