/**
 * Which kind of key a PKCS#8 or SubjectPublicKeyInfo holds, and both containers made anew. WebCrypto is only ever given
 * containers built here: it refuses id-RSASSA-PSS, and some runtimes refuse attributes or version 1 of PKCS#8.
 *
 * EC keys name their curve (RFC 5480 §2.1.1): explicit parameters are refused here, before a library could take them.
 *
 * @module
 */

import { copyBytes, equalBytes, fromHex, toHex } from './bytes.ts';
import { elements, encode, encodeUnsigned, inside, malformed, only, tag } from './der.ts';
import { hashLength } from './hkdf.ts';
import { type Bytes, CryptoError, type HashName, type KeyType, type PublicKeyInfo } from './provider.ts';

const rsaIdentifier = /* @__PURE__ */ fromHex('300d06092a864886f70d0101010500');

/** The AlgorithmIdentifier of each kind of key. */
const algorithmIdentifiers: Readonly<Record<KeyType, Bytes>> = {
  rsa: rsaIdentifier,
  'rsa-pss': /* @__PURE__ */ fromHex('300b06092a864886f70d01010a'),
  secp256r1: /* @__PURE__ */ fromHex('301306072a8648ce3d020106082a8648ce3d030107'),
  secp384r1: /* @__PURE__ */ fromHex('301006072a8648ce3d020106052b81040022'),
  secp521r1: /* @__PURE__ */ fromHex('301006072a8648ce3d020106052b81040023'),
  ed25519: /* @__PURE__ */ fromHex('300506032b6570'),
  ed448: /* @__PURE__ */ fromHex('300506032b6571'),
  'ml-dsa-44': /* @__PURE__ */ fromHex('300b0609608648016503040311'),
  'ml-dsa-65': /* @__PURE__ */ fromHex('300b0609608648016503040312'),
  'ml-dsa-87': /* @__PURE__ */ fromHex('300b0609608648016503040313'),
};

const typesByAlgorithm: ReadonlyMap<string, KeyType> = /* @__PURE__ */ byAlgorithm();

function byAlgorithm(): ReadonlyMap<string, KeyType> {
  // keys of our own table
  return new Map(Object.entries(algorithmIdentifiers).map(([type, algorithm]) => [toHex(algorithm), type as KeyType]));
}

/** The sizes that `PublicKeyInfo.bits` gives where the key's type fixes them. */
const fixedBits: Readonly<Partial<Record<KeyType, number>>> = {
  secp256r1: 256,
  secp384r1: 384,
  secp521r1: 521,
  ed25519: 255,
  ed448: 448,
  'ml-dsa-44': 128,
  'ml-dsa-65': 192,
  'ml-dsa-87': 256,
};

/** A PKCS#8 PrivateKeyInfo, cut apart. */
export interface PrivateKeyInfo {
  readonly type: KeyType;
  /** The AlgorithmIdentifier, DER. */
  readonly algorithm: Bytes;
  /** The content of the OCTET STRING, the caller's to wipe. */
  readonly privateKey: Bytes;
}

/** Throws `CryptoError`: `invalid_key` for malformed DER, `unsupported` for a kind of key that we do not know. */
export function readPkcs8(pkcs8: Uint8Array): PrivateKeyInfo {
  const [version, algorithm, privateKey, ...rest] = inside(pkcs8);
  if (version?.tag !== tag.integer || version.content.length !== 1 || (version.content[0] ?? 2) > 1) throw malformed();
  if (algorithm?.tag !== tag.sequence || privateKey?.tag !== tag.octetString) throw malformed();
  // What may follow are attributes [0] and, in version 1, the public key [1].
  if (!rest.every((element, index) => element.tag === 0xa0 || (element.tag === 0x81 && index === rest.length - 1))) {
    throw malformed();
  }
  const type = typeOf(algorithm.der);
  if (ecTypes.has(type)) checkCurve(privateKey.content, algorithm.content);
  return { type, algorithm: copyBytes(algorithm.der), privateKey: copyBytes(privateKey.content) };
}

const ecTypes: ReadonlySet<KeyType> = new Set(['secp256r1', 'secp384r1', 'secp521r1']);

/** ECPrivateKey (RFC 5915 §3) may repeat the parameters, as [0]: then they are the same named curve. */
function checkCurve(ecPrivateKey: Uint8Array, algorithm: Uint8Array): void {
  const parameters = inside(ecPrivateKey).find((element) => element.tag === 0xa0);
  const [, curve] = elements(algorithm);
  if (parameters !== undefined && curve !== undefined && !equalBytes(parameters.content, curve.der)) {
    throw new CryptoError('invalid_key', 'the EC private key repeats its curve, but another one or not by name');
  }
}

/** A PKCS#8 of version 0. A key of type `rsa-pss` is wrapped as rsaEncryption for WebCrypto by `as`. */
export function writePkcs8(privateKey: Uint8Array, as: KeyType): Bytes {
  const version = Uint8Array.of(tag.integer, 1, 0);
  return encode(tag.sequence, version, algorithmIdentifiers[as], encode(tag.octetString, privateKey));
}

/** A SubjectPublicKeyInfo around the content of its BIT STRING. */
export function writeSpki(raw: Uint8Array, algorithm: KeyType | Uint8Array): Bytes {
  return spkiOf(raw, typeof algorithm === 'string' ? algorithmIdentifiers[algorithm] : algorithm);
}

/** The SubjectPublicKeyInfo of an RSA key, under rsaEncryption. */
export function writeRsaSpki(raw: Uint8Array): Bytes {
  return spkiOf(raw, rsaIdentifier);
}

function spkiOf(raw: Uint8Array, identifier: Uint8Array): Bytes {
  return encode(tag.sequence, identifier, encode(tag.bitString, Uint8Array.of(0), raw));
}

/** A SubjectPublicKeyInfo cut apart. Throws as `readPkcs8` does. */
export function readSpki(spki: Uint8Array): PublicKeyInfo {
  const [algorithm, bits, ...rest] = inside(spki);
  if (algorithm?.tag !== tag.sequence || bits?.tag !== tag.bitString || rest.length > 0) throw malformed();
  if (bits.content[0] !== 0) throw malformed(); // unused bits
  const type = typeOf(algorithm.der);
  const raw = copyBytes(bits.content.subarray(1));
  return { type, raw, spki: copyBytes(spki), bits: fixedBits[type] ?? modulusBits(raw) };
}

/** What a signer says of its public key. `algorithm` is for keys whose identifier has parameters of their own. */
export function publicKeyInfo(type: KeyType, raw: Bytes, algorithm?: Uint8Array): PublicKeyInfo {
  return { type, raw, spki: writeSpki(raw, algorithm ?? type), bits: fixedBits[type] ?? modulusBits(raw) };
}

/** RSAPublicKey out of an RSAPrivateKey (RFC 8017 §A.1): its version, modulus and public exponent come first. */
export function rsaPublicKey(rsaPrivateKey: Uint8Array): Bytes {
  const [version, modulus, exponent] = inside(rsaPrivateKey);
  if (version?.tag !== tag.integer || modulus?.tag !== tag.integer || exponent?.tag !== tag.integer) throw malformed();
  return encode(tag.sequence, encodeUnsigned(modulus.content), encodeUnsigned(exponent.content));
}

/**
 * The hash that an id-RSASSA-PSS key is bound to by its parameters (RFC 4055 §1.2), `any` where it has none, `none` where
 * it is bound to what we do not do: another hash, another hash in MGF1, a longer salt.
 */
export function pssHashOf(algorithm: Uint8Array): HashName | 'any' | 'none' {
  const [, parameters, ...rest] = inside(algorithm);
  if (parameters === undefined) return 'any';
  if (rest.length > 0 || parameters.tag !== tag.sequence) throw malformed();
  const fields = new Map(elements(parameters.content).map(({ tag, content }) => [tag, content]));
  const hashField = fields.get(0xa0);
  const maskField = fields.get(0xa1);
  const saltField = fields.get(0xa2);
  // The defaults are SHA-1 and a salt of 20 bytes.
  if (hashField === undefined || maskField === undefined || fields.has(0xa3)) return 'none';
  const hash = hashOf(hashField);
  const [mask, maskHash] = inside(maskField);
  if (hash === undefined || mask === undefined || maskHash === undefined) return 'none';
  if (!equalBytes(mask.content, mgf1) || hashOf(maskHash.der) !== hash) return 'none';
  const salt = saltField === undefined ? 20 : numberOf(only(elements(saltField), tag.integer).content);
  return salt <= hashLength[hash] ? hash : 'none';
}

/** The AlgorithmIdentifier of a SubjectPublicKeyInfo. */
export function algorithmOf(spki: Uint8Array): Uint8Array {
  const [algorithm] = inside(spki);
  if (algorithm?.tag !== tag.sequence) throw malformed();
  return algorithm.der;
}

const pssOid = '2a864886f70d01010a';
const ecOid = '2a8648ce3d0201';
const mgf1: Bytes = /* @__PURE__ */ fromHex('2a864886f70d010108');
const hashOids: ReadonlyMap<string, HashName> = new Map([
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
]);

function typeOf(algorithm: Uint8Array): KeyType {
  const known = typesByAlgorithm.get(toHex(algorithm));
  if (known !== undefined) return known;
  const [oid, parameters] = inside(algorithm);
  const name = oid?.tag === tag.oid ? toHex(oid.content) : '';
  if (name === pssOid) return 'rsa-pss';
  if (name === ecOid && parameters?.tag !== tag.oid) {
    throw new CryptoError('invalid_key', 'the EC key has explicit parameters instead of a named curve');
  }
  throw new CryptoError('unsupported', 'this is a kind of key that cannot sign in TLS');
}

function modulusBits(rsaPublicKey: Uint8Array): number {
  const [modulus] = inside(rsaPublicKey);
  if (modulus?.tag !== tag.integer) throw malformed();
  const at = modulus.content.findIndex((byte) => byte !== 0);
  if (at < 0) throw malformed();
  return 8 * (modulus.content.length - at) - (Math.clz32(modulus.content[at] ?? 0) - 24);
}

function hashOf(algorithm: Uint8Array): HashName | undefined {
  const [oid] = inside(algorithm);
  return oid?.tag === tag.oid ? hashOids.get(toHex(oid.content)) : undefined;
}

function numberOf(integer: Uint8Array): number {
  return integer.reduce((number, byte) => number * 256 + byte, 0);
}
