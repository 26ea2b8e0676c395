/**
 * Keys for the old ways by `node:crypto`: signatures over MD5 and SHA-1, RSA key transport, and static ECDH.
 *
 * OpenSSL knows `md5-sha1` as one digest of 36 bytes, and signs it without a DigestInfo, as TLS 1.1 wants. Verifying, it
 * takes the padding off strictly (at least eight bytes of ff, all of them) and compares all 36 bytes that must be left:
 * what is forged for lenient parsers (CVE-2006-4339) fails, which the tests hold it to.
 *
 * @module
 */

import {
  constants,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  sign,
  verify as verifySignature,
} from 'node:crypto';
import { copyBytes, wipe } from '../../bytes.ts';
import { readPkcs8, readSpki, writeSpki } from '../../key-containers.ts';
import { asBuffer, plain } from '../../node/own-memory.ts';
import { importSpki } from '../../node/public-key.ts';
import {
  type Bytes,
  CryptoError,
  type LegacyHandshakeSignature,
  type LegacyKey,
  type PublicKeyInfo,
} from '../../provider.ts';
import { algorithmsOf, fitsKey } from '../signatures.ts';

/** OpenSSL's name of what each algorithm hashes with. */
const digests: Readonly<Record<LegacyHandshakeSignature, string>> = {
  'rsa-pkcs1-md5-sha1': 'md5-sha1',
  'rsa-pkcs1-sha1': 'sha1',
  'ecdsa-sha1': 'sha1',
};

export function verify(
  algorithm: LegacyHandshakeSignature,
  key: PublicKeyInfo,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (!fitsKey(algorithm, key.type)) return false;
  const publicKey = importPublicKey(key);
  try {
    return verifySignature(digests[algorithm], data, publicKey, signature);
  } catch {
    // Some malformed signatures are exceptions in OpenSSL, others are false.
    return false;
  }
}

export function rsaEncrypt(key: PublicKeyInfo, plaintext: Uint8Array): Bytes {
  if (key.type !== 'rsa') throw new CryptoError('unsupported', `a key of type ${key.type} encrypts nothing`);
  const publicKey = importPublicKey(key);
  try {
    return plain(publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, plaintext));
  } catch (cause) {
    throw new CryptoError('failed', `OpenSSL does not encrypt ${plaintext.length} bytes to this RSA key`, { cause });
  }
}

export function importPrivateKey(pkcs8: Uint8Array): LegacyKey {
  // Our own reading first: it refuses explicit curves, and kinds of key that OpenSSL has but TLS does not sign with.
  const { type, privateKey: secret } = readPkcs8(pkcs8);
  wipe(secret);
  const algorithms = algorithmsOf(type);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: asBuffer(pkcs8), format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new CryptoError('invalid_key', `OpenSSL refuses this ${type} private key`, { cause });
  }
  const publicKey = readSpki(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
  return {
    publicKey,
    algorithms,
    sign(algorithm, data) {
      if (!algorithms.includes(algorithm)) {
        throw new CryptoError('unsupported', `a key of type ${type} makes no ${algorithm} signatures`);
      }
      try {
        return plain(sign(digests[algorithm], data, privateKey));
      } catch (cause) {
        throw new CryptoError('failed', `OpenSSL made no ${algorithm} signature`, { cause });
      }
    },
    ...(type === 'rsa' && { decryptRaw: (ciphertext) => decryptRaw(privateKey, publicKey.bits, ciphertext) }),
    ...(type.startsWith('secp') && { agree: (share) => agree(privateKey, publicKey, share) }),
  };
}

/** OpenSSL refuses coordinates out of range, and points off the curve (Jager, Schwenk, Somorovsky 2015). */
function agree(privateKey: KeyObject, { type, raw }: PublicKeyInfo, share: Uint8Array): Bytes {
  if (share.length !== raw.length || share[0] !== 4) {
    throw new CryptoError('invalid_share', `a ${type} point has ${raw.length} bytes here, and is uncompressed`);
  }
  try {
    const publicKey = importPublicKey({ type, raw: copyBytes(share) });
    return plain(diffieHellman({ privateKey, publicKey }));
  } catch (cause) {
    throw new CryptoError('invalid_share', `the ${type} share is not a point that can be used`, { cause });
  }
}

/** Without padding, OpenSSL (which blinds) fails for nothing but the range: it has nothing else to look at. */
function decryptRaw(key: KeyObject, bits: number, ciphertext: Uint8Array): Bytes {
  const length = Math.ceil(bits / 8);
  if (ciphertext.length !== length) {
    throw new CryptoError('failed', `an RSA ciphertext has ${length} bytes here, not ${ciphertext.length}`);
  }
  try {
    return plain(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, ciphertext));
  } catch (cause) {
    throw new CryptoError('failed', 'the RSA ciphertext is not less than the modulus', { cause });
  }
}

/** From type and raw key, not from the SubjectPublicKeyInfo as it came: OpenSSL would take explicit parameters. */
function importPublicKey({ type, raw }: Pick<PublicKeyInfo, 'type' | 'raw'>): KeyObject {
  // It would take compressed and hybrid points too.
  if (type.startsWith('secp') && raw[0] !== 4) {
    throw new CryptoError('invalid_key', `the point of a ${type} public key must be uncompressed`);
  }
  try {
    return importSpki(writeSpki(raw, type));
  } catch (cause) {
    throw new CryptoError('invalid_key', `OpenSSL refuses this ${type} public key`, { cause });
  }
}
