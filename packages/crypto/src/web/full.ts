/**
 * Rows for a web provider that WebCrypto does not have everywhere, by noble and synchronous: X448, Ed448 and ML-DSA
 * (FIPS 204). Import the ones that are wanted, or `fullWebProvider` for all.
 *
 * @module
 */

import { ed448 as nobleEd448, x448 as nobleX448 } from '@noble/curves/ed448.js';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { copyBytes, equalConstantTime, wipe } from '../bytes.ts';
import {
  type Bytes,
  CryptoError,
  type CryptoProvider,
  type EphemeralKey,
  type KeyExchange,
  type KeyType,
  type PublicKeyInfo,
  type SignatureVerifier,
  type Signer,
} from '../provider.ts';
import { elements, encode, malformed, only, tag } from '../der.ts';
import { createWebProvider, type WebRows } from './index.ts';
import { publicKeyInfo } from '../key-containers.ts';
import { checkShareLength, checkSharedSecret } from './shares.ts';
import type { PrivateKeyRow } from './signers.ts';
import { random } from './subtle.ts';

/** X448 (RFC 7748). */
export const x448: KeyExchange = {
  name: 'x448',
  clientShareLength: 56,
  serverShareLength: 56,
  generate(): EphemeralKey {
    const pair = nobleX448.keygen();
    let secretKey: Uint8Array | undefined = pair.secretKey;
    return {
      share: copyBytes(pair.publicKey),
      agree(serverShare) {
        if (secretKey === undefined) throw new CryptoError('failed', 'this x448 key has been disposed of');
        return x448Secret(secretKey, serverShare);
      },
      dispose() {
        wipe(secretKey);
        secretKey = undefined;
      },
    };
  },
  encapsulate(clientShare) {
    const { publicKey, secretKey } = nobleX448.keygen();
    try {
      return { secret: x448Secret(secretKey, clientShare), share: copyBytes(publicKey) };
    } finally {
      wipe(secretKey);
    }
  },
};

function x448Secret(secretKey: Uint8Array, share: Uint8Array): Bytes {
  checkShareLength('x448', share, 56);
  let secret: Bytes;
  try {
    secret = copyBytes(nobleX448.getSharedSecret(secretKey, share));
  } catch (cause) {
    throw new CryptoError('invalid_share', 'the x448 share is not a point that can be used', { cause });
  }
  return checkSharedSecret('x448', secret);
}

type NobleKeyType = Extract<KeyType, 'ed448' | `ml-dsa-${string}`>;

/** What a signature algorithm of noble's needs to become a row: its own two functions, and its PKCS#8 content. */
interface NobleSignature {
  readonly type: NobleKeyType;
  readonly publicKeyLength: number;
  readonly signatureLength: number;
  verify(signature: Uint8Array, data: Uint8Array, publicKey: Uint8Array): boolean;
  sign(data: Uint8Array, secretKey: Uint8Array): Uint8Array;
  publicKey(secretKey: Uint8Array): Uint8Array;
  /** The secret key in the content of a PKCS#8's OCTET STRING, in memory of its own. */
  readPrivateKey(content: Uint8Array): Bytes;
  /** The content for a new key. */
  generate(): Bytes;
}

const ed448Signature: NobleSignature = {
  type: 'ed448',
  publicKeyLength: 57,
  signatureLength: 114,
  // RFC 8032 encodings alone: noble's default takes the looser ones of ZIP 215.
  verify: (signature, data, publicKey) => nobleEd448.verify(signature, data, publicKey, { zip215: false }),
  sign: (data, secretKey) => nobleEd448.sign(data, secretKey),
  publicKey: (secretKey) => nobleEd448.getPublicKey(secretKey),
  // CurvePrivateKey ::= OCTET STRING (RFC 8410 §7)
  readPrivateKey: (content) => withLength(only(elements(content), tag.octetString).content, 57),
  generate() {
    const secretKey = random(57);
    const content = encode(tag.octetString, secretKey);
    wipe(secretKey);
    return content;
  },
};

const seedLength = 32;
const seedTag = 0x80; // [0] IMPLICIT OCTET STRING

function mlDsa(type: Exclude<NobleKeyType, 'ed448'>, dsa: typeof ml_dsa44, publicKeyLength: number, signatureLength: number, secretKeyLength: number): NobleSignature {
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
    generate() {
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
    return copyBytes(secretKey);
  }
}

const mlDsa44Signature = mlDsa('ml-dsa-44', ml_dsa44, 1312, 2420, 2560);
const mlDsa65Signature = mlDsa('ml-dsa-65', ml_dsa65, 1952, 3309, 4032);
const mlDsa87Signature = mlDsa('ml-dsa-87', ml_dsa87, 2592, 4627, 4896);

function withLength(bytes: Uint8Array, length: number): Bytes {
  if (bytes.length !== length) throw malformed();
  return copyBytes(bytes);
}

function verifier({ type, publicKeyLength, signatureLength, verify }: NobleSignature): SignatureVerifier {
  return {
    verify(key: PublicKeyInfo, data, signature) {
      if (key.type !== type || signature.length !== signatureLength) return false;
      if (key.raw.length !== publicKeyLength) {
        throw new CryptoError('invalid_key', `a ${type} public key has ${publicKeyLength} bytes, not ${key.raw.length}`);
      }
      try {
        return verify(signature, data, key.raw);
      } catch {
        return false; // noble throws for some malformed signatures
      }
    },
  };
}

function privateKeys(signature: NobleSignature): PrivateKeyRow {
  const { type } = signature;
  return {
    types: [type],
    async import({ privateKey }): Promise<Signer> {
      const secretKey = signature.readPrivateKey(privateKey);
      const publicKey = publicKeyInfo(type, copyBytes(signature.publicKey(secretKey)));
      return {
        publicKey,
        algorithms: [type],
        sign(algorithm, data) {
          if (algorithm !== type) throw new CryptoError('unsupported', `this ${type} key makes no ${algorithm} signatures`);
          return copyBytes(signature.sign(data, secretKey));
        },
      };
    },
    generate: async () => signature.generate(),
  };
}

/** Ed448 (RFC 8032, with an empty context). */
export const ed448: SignatureVerifier = verifier(ed448Signature);
export const ed448Keys: PrivateKeyRow = privateKeys(ed448Signature);

/** ML-DSA (FIPS 204, with an empty context; RFC 9881 keys). */
export const mlDsa44: SignatureVerifier = verifier(mlDsa44Signature);
export const mlDsa44Keys: PrivateKeyRow = privateKeys(mlDsa44Signature);
export const mlDsa65: SignatureVerifier = verifier(mlDsa65Signature);
export const mlDsa65Keys: PrivateKeyRow = privateKeys(mlDsa65Signature);
export const mlDsa87: SignatureVerifier = verifier(mlDsa87Signature);
export const mlDsa87Keys: PrivateKeyRow = privateKeys(mlDsa87Signature);

/** Every row of this module, for `createWebProvider`. */
export const fullRows: Required<Omit<WebRows, 'aeads'>> = {
  groups: { x448 },
  signatures: { ed448, 'ml-dsa-44': mlDsa44, 'ml-dsa-65': mlDsa65, 'ml-dsa-87': mlDsa87 },
  privateKeys: [ed448Keys, mlDsa44Keys, mlDsa65Keys, mlDsa87Keys],
};

/** A web provider with every row. */
export const fullWebProvider: CryptoProvider = createWebProvider(fullRows);
