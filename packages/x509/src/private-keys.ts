/**
 * Private keys in their containers: PKCS#8 (RFC 5958), SEC1 (RFC 5915), PKCS#1 (RFC 8017), PKCS#8 under a password and (as
 * legacy) the old encrypted PEM, all to one plain PKCS#8; and PKCS#8 under a password written.
 *
 * A key is checked here for form: its algorithm is one we know, an EC key names one curve and not two. Whether its parts
 * belong together is for the provider that imports it. PKCS#12 is in `pkcs12.ts`.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  copyBytes,
  type MaybePromise,
  runSettling,
  type Settling,
  settle,
  wipe,
} from '@handfast/crypto';
import { type AlgorithmIdentifier, readAlgorithmIdentifier, readPssParameters } from './algorithms.ts';
import type { Oid } from './der/oid.ts';
import { looksLikePem, type PemBlock, parsePem } from './der/pem.ts';
import { contextConstructed, contextPrimitive, type DerReader, readDer, tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { CertificateError, malformed } from './errors.ts';
import { ecPublicKey, namedCurve, rawKeys, rsaEncryption, rsaSsaPss, unsupportedKey } from './keys.ts';
import { openUnderPassword, outOfUse, type PasswordEncryption, sealUnderPassword } from './pbe/encryption.ts';
import type { LegacyPbe } from './pbe/legacy.ts';
import { type Password, type PasswordLimits, passwordWork } from './pbe/work.ts';
import { agreementKeys, dsaOid } from './subject-keys.ts';
import { quote } from './text.ts';

/** How each PEM label's private key becomes PKCS#8. */
const privateKeyLabels: ReadonlyMap<string, (bytes: Bytes) => Bytes> = new Map([
  ['PRIVATE KEY', plainPkcs8],
  ['EC PRIVATE KEY', fromSec1],
  ['RSA PRIVATE KEY', fromPkcs1],
]);

/**
 * The one private key of a file, as PKCS#8 DER in fresh memory, for `provider.importPrivateKey`. Other blocks beside it
 * (certificates, `EC PARAMETERS`) are passed over. The result is the caller's to wipe.
 *
 * @param pem PEM text (`PRIVATE KEY`, `EC PRIVATE KEY`, `RSA PRIVATE KEY`), or the DER of one of
 * these
 * @throws CertificateError `encrypted_key` for one under a password (see `decryptPrivateKey`), `unsupported_key`, or
 * `malformed`
 */
export function parsePrivateKey(pem: string | Uint8Array): Bytes {
  const block = privateKeyBlock(pem);
  if (isEncrypted(block)) throw encrypted();
  return privateKeyOf(block);
}

/** How to open a key under a password. */
export interface DecryptOptions {
  /** `legacyPbe` of `@handfast/x509/legacy`, to read what is out of use too. */
  readonly legacy?: LegacyPbe | undefined;
  readonly limits?: PasswordLimits | undefined;
}

/**
 * Like `parsePrivateKey`, and opens a key under a password: PKCS#8 with PBES2 (RFC 8018: PBKDF2 or scrypt, AES-CBC), with
 * `legacy` the older schemes and the old encrypted PEM. A key that is not encrypted is read without the password.
 * Synchronous where the provider is. The result is the caller's to wipe.
 *
 * @param password text, or its UTF-8
 * @throws CertificateError `wrong_password`, `unsupported_algorithm` for an encryption that is not known or is out of use,
 * `budget` where the file asks for more work than `limits`, `unsupported_key`, or `malformed`
 *
 * @example
 * ```ts
 * const pkcs8 = await decryptPrivateKey(provider, await readFile('key.pem'), process.env.KEY_PASSWORD ?? '');
 * const signer = await provider.importPrivateKey(pkcs8);
 * ```
 */
export function decryptPrivateKey(
  provider: CryptoProvider,
  pem: string | Uint8Array,
  password: Password,
  options: DecryptOptions = {},
): MaybePromise<Bytes> {
  return runSettling(decrypt(provider, pem, password, options));
}

function* decrypt(
  provider: CryptoProvider,
  pem: string | Uint8Array,
  password: Password,
  options: DecryptOptions,
): Settling<Bytes> {
  const block = privateKeyBlock(pem);
  if (!isEncrypted(block)) return privateKeyOf(block);
  const { legacy, limits } = options;
  if (block.headers.length === 0) {
    const work = passwordWork(provider, limits);
    return yield* openPkcs8(work, block.bytes, { text: password, emptyIsAbsent: false }, legacy);
  }
  return yield* openOldPem(provider, block, password, options);
}

/**
 * A plain PKCS#8 put under a password: the DER of an EncryptedPrivateKeyInfo with PBES2, for
 * `toPem('ENCRYPTED PRIVATE KEY', …)`. Unless `options` say otherwise: PBKDF2 with HMAC-SHA256 and 600,000 iterations, and
 * AES-256-CBC. Synchronous where the provider is.
 *
 * @throws CertificateError for what is no PKCS#8, RangeError for options that make no sense
 *
 * @example
 * ```ts
 * const { pkcs8 } = await provider.generateKeyPair('ed25519');
 * const pem = toPem('ENCRYPTED PRIVATE KEY', await encryptPrivateKey(provider, pkcs8, 'correct horse'));
 * ```
 */
export function encryptPrivateKey(
  provider: CryptoProvider,
  pkcs8: Uint8Array,
  password: Password,
  options: PasswordEncryption = {},
): MaybePromise<Bytes> {
  return runSettling(sealPkcs8(provider, pkcs8, password, options));
}

/** An EncryptedPrivateKeyInfo, DER. */
export function* sealPkcs8(
  provider: CryptoProvider,
  pkcs8: Uint8Array,
  password: Password,
  options: PasswordEncryption,
): Settling<Bytes> {
  const plain = plainPkcs8(copyBytes(pkcs8));
  try {
    const { algorithm, ciphertext } = yield* sealUnderPassword(provider, password, plain, options);
    return der.sequence(algorithm, der.octetString(ciphertext));
  } finally {
    wipe(plain);
  }
}

/**
 * ```
 * EncryptedPrivateKeyInfo ::= SEQUENCE {
 *     encryptionAlgorithm AlgorithmIdentifier,
 *     encryptedData       OCTET STRING }
 * ```
 */
export function* openPkcs8(
  work: Parameters<typeof openUnderPassword>[0],
  bytes: Bytes,
  password: Parameters<typeof openUnderPassword>[2],
  legacy: LegacyPbe | undefined,
): Settling<Bytes> {
  const what = 'encrypted private key';
  const { algorithm, ciphertext } = readDer(bytes, what, (reader) => {
    const info = reader.sequence();
    const fields = { algorithm: readAlgorithmIdentifier(info, what), ciphertext: info.octetString() };
    info.end();
    return fields;
  });
  const plaintext = yield* openUnderPassword(work, algorithm, password, ciphertext, legacy, what);
  return decrypted(plaintext, plainPkcs8);
}

/** The old PEM (RFC 1421 §4.6, as OpenSSL did it): its key comes from MD5, in one iteration. */
function* openOldPem(
  provider: CryptoProvider,
  block: PemBlock,
  password: Password,
  { legacy, limits }: DecryptOptions,
): Settling<Bytes> {
  const what = 'encrypted PEM';
  const read = privateKeyLabels.get(block.label);
  if (read === undefined) throw unsupportedLabel(block.label);
  const info = block.headers.find((header) => header.startsWith('DEK-Info:'));
  const [, name, ivHex] = /^DEK-Info: ?([A-Z0-9-]{1,32}),((?:[0-9A-Fa-f]{2}){1,32})$/.exec(info ?? '') ?? [];
  if (name === undefined || ivHex === undefined) throw malformed(what, 'no DEK-Info header that can be read');
  if (legacy === undefined) throw outOfUse(`${name} under MD5`, '', legacy, what);
  const cipher = legacy.pemCipher(name);
  if (cipher === undefined) throw outOfUse(name, '', legacy, what);
  const iv = Uint8Array.from({ length: ivHex.length / 2 }, (_, at) =>
    Number.parseInt(ivHex.slice(2 * at, 2 * at + 2), 16),
  );
  const work = passwordWork(provider, limits);
  return decrypted(yield* settle(cipher.open(work, password, iv, block.bytes)), read);
}

/** Wrong padding is a wrong password; so is what does not even begin like a key, which one wrong password in 256 makes. */
function decrypted(plaintext: Bytes | undefined, read: (bytes: Bytes) => Bytes): Bytes {
  if (plaintext === undefined) throw wrongPassword();
  try {
    return read(plaintext);
  } catch (error) {
    if (error instanceof CertificateError && error.code === 'malformed' && !isOneSequence(plaintext)) {
      throw wrongPassword();
    }
    throw error;
  } finally {
    wipe(plaintext);
  }
}

function isOneSequence(bytes: Bytes): boolean {
  try {
    return readDer(bytes, '', (reader) => reader.sequence().nextTag === tag.integer);
  } catch {
    return false;
  }
}

function wrongPassword(): CertificateError {
  return new CertificateError('wrong_password', 'private key: the password is wrong, or the file is damaged');
}

/** The one block of a private key; DER is a block under the label that its first values tell. */
function privateKeyBlock(pem: string | Uint8Array): PemBlock {
  if (typeof pem !== 'string' && !looksLikePem(pem)) {
    const bytes = copyBytes(pem);
    return { label: labelOf(bytes), bytes, headers: [] };
  }
  const blocks = parsePem(pem);
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [block, second] = keys;
  if (block === undefined) {
    const found = blocks.map(({ label }) => quote(label)).join(', ') || 'no PEM block at all';
    throw malformed('private key', `no PEM block of a private key; the text holds ${found}`);
  }
  if (second !== undefined) throw malformed('private key', `${keys.length} private keys in one text, not one`);
  return block;
}

/**
 * EncryptedPrivateKeyInfo begins with an AlgorithmIdentifier where the others have a version; behind it, PKCS#8 has an
 * AlgorithmIdentifier, SEC1 an OCTET STRING and PKCS#1 an INTEGER.
 */
function labelOf(bytes: Bytes): string {
  return readDer(bytes, 'private key', (reader) => {
    const key = reader.sequence();
    if (key.nextTag === tag.sequence) return 'ENCRYPTED PRIVATE KEY';
    key.smallInteger();
    return labelsByTag.get(key.nextTag) ?? 'PRIVATE KEY';
  });
}

const labelsByTag: ReadonlyMap<number | undefined, string> = new Map([
  [tag.octetString, 'EC PRIVATE KEY'],
  [tag.integer, 'RSA PRIVATE KEY'],
]);

function isEncrypted({ label, headers }: PemBlock): boolean {
  return label === 'ENCRYPTED PRIVATE KEY' || headers.some((header) => header.includes('ENCRYPTED'));
}

function privateKeyOf({ label, bytes }: PemBlock): Bytes {
  const read = privateKeyLabels.get(label);
  if (read === undefined) throw unsupportedLabel(label);
  return read(bytes);
}

function unsupportedLabel(label: string): CertificateError {
  return new CertificateError('unsupported_key', `a ${quote(label)} is not supported`, {
    hint:
      label === 'OPENSSH PRIVATE KEY'
        ? 'convert a copy of it: ssh-keygen -p -m PKCS8 -f key'
        : 'supported are PKCS#8, SEC1 and PKCS#1',
  });
}

function encrypted(): CertificateError {
  return new CertificateError('encrypted_key', 'the private key is encrypted under a password', {
    hint: 'open it with decryptPrivateKey, or on the command line: openssl pkey -in key.pem -out plain.pem',
  });
}

/**
 * PrivateKeyInfo without attributes or public key: the form that every importer takes.
 *
 * ```
 * OneAsymmetricKey ::= SEQUENCE {
 *     version             INTEGER { v1(0), v2(1) },
 *     privateKeyAlgorithm AlgorithmIdentifier,
 *     privateKey          OCTET STRING,
 *     attributes      [0] IMPLICIT SET OF Attribute OPTIONAL,
 *     publicKey       [1] IMPLICIT BIT STRING OPTIONAL }
 * ```
 */
export function plainPkcs8(bytes: Bytes): Bytes {
  const what = 'PKCS#8 private key';
  return readDer(bytes, what, (reader) => {
    const info = reader.sequence();
    if (info.nextTag === tag.sequence) throw encrypted();
    const version = info.smallInteger();
    if (version > 1) throw malformed(what, `version ${version}`);
    const algorithm = readAlgorithmIdentifier(info, what);
    const key = info.octetString();
    info.optional(contextConstructed(0));
    const publicKey = info.optional(contextPrimitive(1));
    info.end();
    // RFC 5958 §2: "If publicKey is present, then version is set to v2 else version is set to v1."
    if ((version === 1) !== (publicKey !== undefined)) {
      throw malformed(what, version === 1 ? 'version 2 without a public key' : 'version 1 with a public key');
    }
    const checked = checkedKey(algorithm, key);
    const identifier = algorithm.oid === rsaEncryption ? rsaIdentifier() : algorithm.raw;
    return der.sequence(der.smallInteger(0), identifier, der.octetString(checked));
  });
}

/** The content of the OCTET STRING, after a look at its form. */
function checkedKey(algorithm: AlgorithmIdentifier, key: Bytes): Bytes {
  const { oid, parameters } = algorithm;
  if (oid === rsaEncryption) {
    // NULL, which some old tools left out; it is written anew.
    if (parameters !== undefined) readDer(parameters, 'parameters of an RSA private key', (reader) => reader.null());
    return checkedRsa(key);
  }
  if (oid === rsaSsaPss) {
    if (parameters !== undefined && readPssParameters(parameters) === undefined) {
      throw unsupportedKey(
        'an RSA-PSS key bound to other parameters than one of our hashes, the same in MGF1, and as long a salt',
      );
    }
    return checkedRsa(key);
  }
  if (oid === ecPublicKey) return checkedEc(parameters, key);
  const row = rawPrivateKeys.get(oid);
  if (row === undefined) throw unsupportedKey(oid === dsaOid ? 'a DSA key' : `a key of algorithm ${oid}`);
  const what = `${row.type} private key`;
  if (parameters !== undefined) throw malformed(what, 'parameters, which must be absent');
  readDer(key, what, (reader) => row.read(reader, what));
  return key;
}

interface RawPrivateKey {
  readonly type: string;
  readonly read: (reader: DerReader, what: string) => void;
}

/** FIPS 204 §4, table 2: bytes of an expanded private key. */
const mlDsaExpandedLengths: ReadonlyMap<string, number> = new Map([
  ['ml-dsa-44', 2560],
  ['ml-dsa-65', 4032],
  ['ml-dsa-87', 4896],
]);

/** RFC 8410 §7: CurvePrivateKey ::= OCTET STRING, as long as the public key. RFC 9881 §6: ML-DSA. */
const rawPrivateKeys: ReadonlyMap<Oid, RawPrivateKey> = new Map(
  [...rawKeys, ...agreementKeys].map(({ type, oid, length }): [Oid, RawPrivateKey] => {
    const expanded = mlDsaExpandedLengths.get(type);
    return [
      oid,
      {
        type,
        read(reader, what) {
          if (expanded === undefined) exactly(reader.octetString(), length, what);
          else readMlDsa(reader, expanded, what);
        },
      },
    ];
  }),
);

/**
 * ```
 * ML-DSA-PrivateKey ::= CHOICE {
 *     seed [0] OCTET STRING (SIZE (32)),
 *     expandedKey OCTET STRING,
 *     both SEQUENCE { seed OCTET STRING (SIZE (32)), expandedKey OCTET STRING } }
 * ```
 */
function readMlDsa(reader: DerReader, expandedLength: number, what: string): void {
  if (reader.nextTag === contextPrimitive(0)) {
    exactly(reader.element().content, 32, what);
  } else if (reader.nextTag === tag.octetString) {
    exactly(reader.octetString(), expandedLength, what);
  } else {
    const both = reader.sequence();
    exactly(both.octetString(), 32, what);
    exactly(both.octetString(), expandedLength, what);
    both.end();
  }
}

function exactly(bytes: Bytes, length: number, what: string): void {
  if (bytes.length !== length) throw malformed(what, `${bytes.length} bytes, not ${length}`);
}

function checkedRsa(bytes: Bytes): Bytes {
  const what = 'RSA private key';
  readDer(bytes, what, (reader) => {
    const key = reader.sequence();
    // PKCS#8 under PKCS#1's label: some old tools wrote it.
    const version = key.smallInteger();
    if (key.nextTag === tag.sequence) throw malformed(what, 'it is PKCS#8, whose label is "PRIVATE KEY"');
    // Version 1 has more than two primes, which no importer takes.
    if (version !== 0) throw malformed(what, 'more than two primes');
    const numbers = key.list(() => key.unsigned());
    if (numbers.length !== 8) throw malformed(what, `${numbers.length} numbers, not 8`);
  });
  return bytes;
}

function fromPkcs1(bytes: Bytes): Bytes {
  return der.sequence(der.smallInteger(0), rsaIdentifier(), der.octetString(checkedRsa(bytes)));
}

function rsaIdentifier(): Bytes {
  return der.sequence(der.oid(rsaEncryption), der.nothing());
}

function fromSec1(bytes: Bytes): Bytes {
  const { curve, key } = readEcPrivateKey(bytes, undefined);
  return der.sequence(der.smallInteger(0), der.sequence(der.oid(ecPublicKey), der.oid(curve)), der.octetString(key));
}

function checkedEc(parameters: Bytes | undefined, bytes: Bytes): Bytes {
  return readEcPrivateKey(bytes, parameters).key;
}

/**
 * An ECPrivateKey, and the same without its parameters, which PKCS#8 has outside (`outer`; SEC1 has none).
 *
 * ```
 * ECPrivateKey ::= SEQUENCE {
 *     version        INTEGER { ecPrivkeyVer1(1) },
 *     privateKey     OCTET STRING,
 *     parameters [0] ECParameters OPTIONAL,
 *     publicKey  [1] BIT STRING OPTIONAL }
 * ```
 */
function readEcPrivateKey(bytes: Bytes, outer: Bytes | undefined): { readonly curve: Oid; readonly key: Bytes } {
  const what = 'EC private key';
  return readDer(bytes, what, (reader) => {
    // The curve first: a key on explicit parameters is refused for them, whatever else is wrong.
    const outerCurve = outer === undefined ? undefined : namedCurve(outer);
    const key = reader.sequence();
    if (key.smallInteger() !== 1) throw malformed(what, 'a version that is not 1');
    const scalar = key.octetString();
    const parameters = key.optional(contextConstructed(0))?.content;
    const publicKey = key.optional(contextConstructed(1))?.raw ?? new Uint8Array(0);
    key.end();
    const curve = outerCurve === undefined || parameters !== undefined ? namedCurve(parameters) : outerCurve;
    if (outerCurve !== undefined && curve !== outerCurve) {
      throw malformed(what, `curve ${outerCurve.oid} outside, and ${curve.oid} inside`);
    }
    // RFC 5915 §3: as long as the order of the curve's base point.
    const length = Math.ceil(curve.bits / 8);
    if (scalar.length !== length) throw malformed(what, `a private key of ${scalar.length} bytes, not ${length}`);
    return {
      curve: curve.oid,
      key: der.sequence(der.smallInteger(1), der.octetString(scalar), publicKey),
    };
  });
}
