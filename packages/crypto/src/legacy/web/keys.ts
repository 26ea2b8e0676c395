/**
 * Signatures over SHA-1 and static ECDH by WebCrypto, asynchronous. It has neither MD5 nor RSA without a hash, so `rsa-pkcs1-md5-sha1` and
 * RSA key transport are not to be had here.
 *
 * @module
 */

import { copyBytes, wipe } from '../../bytes.ts';
import { ecdsaFromDer, ecdsaToDer } from '../../ecdsa-der.ts';
import {
  type PrivateKeyInfo,
  publicKeyInfo,
  readPkcs8,
  rsaPublicKey,
  writePkcs8,
  writeSpki,
} from '../../key-containers.ts';
import {
  type Bytes,
  CryptoError,
  type GroupName,
  type KeyType,
  type LegacyHandshakeSignature,
  type LegacyKey,
  type PublicKeyInfo,
} from '../../provider.ts';
import { agreeOn } from '../../web/groups.ts';
import { curves } from '../../web/signatures.ts';
import { ecKeys } from '../../web/signers.ts';
import { subtle, wrapError } from '../../web/subtle.ts';
import { algorithmsOf, fitsKey } from '../signatures.ts';

const sha1 = 'SHA-1';
const md5Sha1: LegacyHandshakeSignature = 'rsa-pkcs1-md5-sha1';

export async function verify(
  algorithm: LegacyHandshakeSignature,
  key: PublicKeyInfo,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (algorithm === md5Sha1) throw new CryptoError('unsupported', 'WebCrypto has no MD5');
  if (!fitsKey(algorithm, key.type)) return false;
  // Copies: the arguments are borrowed until the first wait alone.
  const message = copyBytes(data);
  const encoded = signatureForWebCrypto(key, signature);
  if (encoded === undefined) return false;
  const publicKey = await importPublicKey(key);
  try {
    return await subtle().verify(operationParameters(key.type), publicKey, encoded, message);
  } catch (cause) {
    throw wrapError(cause, 'failed', `WebCrypto does not verify ${algorithm}`);
  }
}

export async function importPrivateKey(pkcs8: Uint8Array): Promise<LegacyKey> {
  const info = readPkcs8(pkcs8);
  try {
    const algorithms = algorithmsOf(info.type).filter((algorithm) => algorithm !== md5Sha1);
    const publicKey = await publicHalf(info);
    const key = await importSigningKey(info);
    const agree = await agreement(info);
    return {
      ...(agree && { agree }),
      publicKey,
      algorithms,
      async sign(algorithm, data) {
        const message = copyBytes(data);
        if (!algorithms.includes(algorithm)) {
          throw new CryptoError('unsupported', `this ${info.type} key makes no ${algorithm} signatures`);
        }
        return await signWith(key, info.type, message);
      },
    };
  } finally {
    wipe(info.privateKey);
  }
}

/** ECDH by a key on a P curve: WebCrypto wants the key imported for that. */
async function agreement(info: PrivateKeyInfo): Promise<LegacyKey['agree']> {
  const { type } = info;
  const curve = curves[type];
  if (curve === undefined || !isGroup(type)) return undefined;
  const pkcs8 = writePkcs8(info.privateKey, type);
  try {
    const parameters = { name: 'ECDH', namedCurve: curve.name };
    const key = await subtle().importKey('pkcs8', pkcs8, parameters, false, ['deriveBits']);
    return async (share) => await agreeOn(type, curve, key, share);
  } catch (cause) {
    throw wrapError(cause, 'invalid_key', `WebCrypto does not import this ${type} private key`);
  } finally {
    wipe(pkcs8);
  }
}

function isGroup(type: KeyType): type is KeyType & GroupName {
  return type.startsWith('secp');
}

async function signWith(key: CryptoKey, type: KeyType, message: Bytes): Promise<Bytes> {
  try {
    const signature = new Uint8Array(await subtle().sign(operationParameters(type), key, message));
    return type === 'rsa' ? signature : ecdsaToDer(signature);
  } catch (cause) {
    throw wrapError(cause, 'failed', 'WebCrypto made no signature over SHA-1');
  }
}

async function publicHalf(info: PrivateKeyInfo): Promise<PublicKeyInfo> {
  if (info.type === 'rsa') return publicKeyInfo(info.type, rsaPublicKey(info.privateKey), info.algorithm);
  const { publicKey } = await ecKeys.import(info);
  return publicKey;
}

async function importSigningKey({ type, privateKey }: PrivateKeyInfo): Promise<CryptoKey> {
  const pkcs8 = writePkcs8(privateKey, type);
  try {
    return await subtle().importKey('pkcs8', pkcs8, importParameters(type), false, ['sign']);
  } catch (cause) {
    throw wrapError(cause, 'invalid_key', `WebCrypto does not import this ${type} private key`);
  } finally {
    wipe(pkcs8);
  }
}

async function importPublicKey({ type, raw }: PublicKeyInfo): Promise<CryptoKey> {
  const curve = curves[type];
  if (curve !== undefined && (raw.length !== 1 + 2 * curve.length || raw[0] !== 4)) {
    throw new CryptoError('invalid_key', `a ${type} public key has ${1 + 2 * curve.length} bytes, uncompressed`);
  }
  try {
    return await subtle().importKey('spki', writeSpki(raw, type), importParameters(type), false, ['verify']);
  } catch (cause) {
    throw wrapError(cause, 'invalid_key', `WebCrypto does not import this ${type} public key`);
  }
}

function importParameters(type: KeyType): RsaHashedImportParams | EcKeyImportParams {
  const curve = curves[type];
  return curve === undefined ? { name: 'RSASSA-PKCS1-v1_5', hash: sha1 } : { name: 'ECDSA', namedCurve: curve.name };
}

function operationParameters(type: KeyType): Algorithm | EcdsaParams {
  return type === 'rsa' ? { name: 'RSASSA-PKCS1-v1_5' } : { name: 'ECDSA', hash: sha1 };
}

/** The signature as WebCrypto wants it, or `undefined` where its form is wrong already. */
function signatureForWebCrypto(key: PublicKeyInfo, signature: Uint8Array): Bytes | undefined {
  const curve = curves[key.type];
  if (curve !== undefined) return ecdsaFromDer(signature, curve.length);
  return signature.length === Math.ceil(key.bits / 8) ? copyBytes(signature) : undefined;
}
