/**
 * Signatures and keys by `node:crypto`.
 *
 * @module
 */

import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  verify,
} from 'node:crypto';
import { copyBytes } from '../bytes.ts';
import {
  CryptoError,
  type GeneratedKeyPair,
  type HashName,
  type KeyType,
  type PublicKeyInfo,
  type SignatureAlgorithm,
  type SignatureVerifier,
  type Signer,
} from '../provider.ts';
import { bitStringOf } from './der.ts';
import { importSpki } from './public-key.ts';

interface Method {
  readonly hash: HashName | null;
  readonly kind: 'ecdsa' | 'pss' | 'pkcs1' | 'pure';
  readonly keyTypes: readonly KeyType[];
}

const ec: readonly KeyType[] = ['secp256r1', 'secp384r1', 'secp521r1'];
const pssKeys: readonly KeyType[] = ['rsa', 'rsa-pss'];

/** In the order in which a signer prefers them. */
const methods: Readonly<Record<SignatureAlgorithm, Method>> = {
  'ecdsa-sha256': { hash: 'sha256', kind: 'ecdsa', keyTypes: ec },
  'ecdsa-sha384': { hash: 'sha384', kind: 'ecdsa', keyTypes: ec },
  'ecdsa-sha512': { hash: 'sha512', kind: 'ecdsa', keyTypes: ec },
  'rsa-pss-sha256': { hash: 'sha256', kind: 'pss', keyTypes: pssKeys },
  'rsa-pss-sha384': { hash: 'sha384', kind: 'pss', keyTypes: pssKeys },
  'rsa-pss-sha512': { hash: 'sha512', kind: 'pss', keyTypes: pssKeys },
  'rsa-pkcs1-sha256': { hash: 'sha256', kind: 'pkcs1', keyTypes: ['rsa'] },
  'rsa-pkcs1-sha384': { hash: 'sha384', kind: 'pkcs1', keyTypes: ['rsa'] },
  'rsa-pkcs1-sha512': { hash: 'sha512', kind: 'pkcs1', keyTypes: ['rsa'] },
  ed25519: { hash: null, kind: 'pure', keyTypes: ['ed25519'] },
  ed448: { hash: null, kind: 'pure', keyTypes: ['ed448'] },
  'ml-dsa-44': { hash: null, kind: 'pure', keyTypes: ['ml-dsa-44'] },
  'ml-dsa-65': { hash: null, kind: 'pure', keyTypes: ['ml-dsa-65'] },
  'ml-dsa-87': { hash: null, kind: 'pure', keyTypes: ['ml-dsa-87'] },
};

/** An EC key's own hash comes first in its signer's list. */
const ownHash: Readonly<Partial<Record<KeyType, HashName>>> = {
  secp256r1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
};

/**
 * The key as `sign` and `verify` take it. A bare KeyObject, where the defaults are right (ECDSA in DER, pure schemes), is
 * much cheaper than an object around it.
 */
function keyInput(key: KeyObject, { kind }: Method): KeyObject | SignKeyObjectInput {
  // The default would sign with the longest salt and verify any.
  if (kind === 'pss') {
    return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  }
  return kind === 'pkcs1' ? { key, padding: constants.RSA_PKCS1_PADDING } : key;
}

const imported = new WeakMap<PublicKeyInfo, KeyObject>();

function publicKeyOf(info: PublicKeyInfo): KeyObject {
  const known = imported.get(info);
  if (known !== undefined) return known;
  try {
    const key = importSpki(info.spki);
    imported.set(info, key);
    return key;
  } catch (cause) {
    throw new CryptoError('invalid_key', `OpenSSL refuses this ${info.type} public key`, { cause });
  }
}

function verifier(method: Method): SignatureVerifier {
  return {
    verify(key, data, signature) {
      if (!method.keyTypes.includes(key.type)) return false;
      const publicKey = publicKeyOf(key);
      try {
        return verify(method.hash, data, keyInput(publicKey, method), signature);
      } catch {
        // Some malformed signatures are exceptions in OpenSSL, others are false.
        return false;
      }
    },
  };
}

/** What this runtime's OpenSSL can do. ML-DSA came with OpenSSL 3.5 in Node 24.7. */
export function signatureRows(): Readonly<Partial<Record<SignatureAlgorithm, SignatureVerifier>>> {
  return Object.fromEntries(
    Object.entries(methods)
      .filter(([algorithm]) => !algorithm.startsWith('ml-dsa') || hasMlDsa())
      .map(([algorithm, method]) => [algorithm, verifier(method)]),
  );
}

let mlDsa: boolean | undefined;

function hasMlDsa(): boolean {
  if (mlDsa === undefined) {
    try {
      generateKeyPairSync('ml-dsa-44');
      mlDsa = true;
    } catch {
      mlDsa = false;
    }
  }
  return mlDsa;
}

export function importPrivateKey(pkcs8: Uint8Array): Signer {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new CryptoError('invalid_key', 'OpenSSL refuses this PKCS#8 private key', { cause });
  }
  return signerOf(key);
}

export function generateKeyPair(type: KeyType, options: { readonly modulusBits?: number } = {}): GeneratedKeyPair {
  const privateKey = generate(type, options.modulusBits ?? 2048);
  return {
    signer: signerOf(privateKey),
    pkcs8: copyBytes(privateKey.export({ type: 'pkcs8', format: 'der' })),
  };
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
  const publicKey = publicInfo(privateKey);
  const algorithms = algorithmsFor(publicKey, privateKey);
  return {
    publicKey,
    algorithms,
    sign(algorithm, data) {
      const method = methods[algorithm];
      if (!algorithms.includes(algorithm)) {
        throw new CryptoError('unsupported', `a key of type ${publicKey.type} makes no ${algorithm} signatures`);
      }
      const signature = sign(method.hash, data, keyInput(privateKey, method));
      return new Uint8Array(signature);
    },
  };
}

function algorithmsFor({ type, bits }: PublicKeyInfo, key: KeyObject): readonly SignatureAlgorithm[] {
  const fixedHash = type === 'rsa-pss' ? key.asymmetricKeyDetails?.hashAlgorithm : undefined;
  const fits = ([, { kind, hash, keyTypes }]: [string, Method]): boolean => {
    if (!keyTypes.includes(type)) return false;
    // EMSA-PSS needs emLen >= hLen + sLen + 2 (RFC 8017 §9.1.1).
    if (kind === 'pss' && hash !== null && Math.ceil((bits - 1) / 8) < 2 * hashBytes[hash] + 2) return false;
    return fixedHash === undefined || fixedHash === hash;
  };
  const own = ownHash[type];
  return Object.entries(methods)
    .filter(fits)
    .sort(([, a], [, b]) => Number(b.hash === own) - Number(a.hash === own))
    .map(([algorithm]) => algorithm as SignatureAlgorithm);
}

const hashBytes: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

function publicInfo(privateKey: KeyObject): PublicKeyInfo {
  const key = createPublicKey(privateKey);
  const spki = copyBytes(key.export({ type: 'spki', format: 'der' }));
  const [type, bits] = describe(key);
  return { type, spki, raw: bitStringOf(spki), bits };
}

const curves: Readonly<Record<string, readonly [KeyType, number]>> = {
  prime256v1: ['secp256r1', 256],
  secp384r1: ['secp384r1', 384],
  secp521r1: ['secp521r1', 521],
};

const fixed: Readonly<Record<string, readonly [KeyType, number]>> = {
  ed25519: ['ed25519', 255],
  ed448: ['ed448', 448],
  'ml-dsa-44': ['ml-dsa-44', 128],
  'ml-dsa-65': ['ml-dsa-65', 192],
  'ml-dsa-87': ['ml-dsa-87', 256],
};

function describe(key: KeyObject): readonly [KeyType, number] {
  const type: string = key.asymmetricKeyType ?? 'unknown';
  const details = key.asymmetricKeyDetails ?? {};
  if (type === 'rsa' || type === 'rsa-pss') return [type, details.modulusLength ?? 0];
  const row = type === 'ec' ? curves[details.namedCurve ?? ''] : fixed[type];
  if (row === undefined) throw new CryptoError('invalid_key', `a key of type ${type} cannot sign in TLS`);
  return row;
}
