/**
 * PKCS#12 (RFC 7292): keys and certificates in one file under one password, reading. The MAC is verified before anything
 * is decrypted; encryption is in `pbe/`. Writing is in `pkcs12-write.ts`.
 *
 * Files protected by public keys (signed, enveloped) are refused by name. BER is taken outside, as the format allows.
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
  wipe,
} from '@handfast/crypto';
import { readAlgorithmIdentifier } from './algorithms.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { berToDer, joinedString } from './der/ber.ts';
import type { Oid } from './der/oid.ts';
import { contextConstructed, contextPrimitive, type DerReader, readDer, tag } from './der/reader.ts';
import { CertificateError, malformed } from './errors.ts';
import { openUnderPassword } from './pbe/encryption.ts';
import type { LegacyPbe, PasswordForms } from './pbe/legacy.ts';
import { type MacData, readMacData, verifyMac } from './pbe/mac.ts';
import { type Password, type PasswordLimits, type PasswordWork, passwordWork } from './pbe/work.ts';
import { contentLabel, contentTypes, readContentInfo } from './pkcs7.ts';
import { openPkcs8, plainPkcs8 } from './private-keys.ts';
import { codeUnitText } from './text.ts';

/** RFC 7292 §4.2, and the certificate type of RFC 2985 §5.2. */
export const bagOids = {
  key: '1.2.840.113549.1.12.10.1.1',
  shroudedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
  crl: '1.2.840.113549.1.12.10.1.4',
  secret: '1.2.840.113549.1.12.10.1.5',
  safeContents: '1.2.840.113549.1.12.10.1.6',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  x509Crl: '1.2.840.113549.1.9.23.1',
} as const;

/** Attributes of bags: RFC 2985 §5.5, and Oracle's mark of a certificate that is a trust anchor. */
export const bagAttributes = {
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
} as const;

/** What a bag says of its content. */
export interface BagNames {
  /** Java's alias. */
  readonly friendlyName?: string | undefined;
  /** The same bytes on a key and on its certificate. */
  readonly localKeyId?: Bytes | undefined;
}

export interface Pkcs12Key extends BagNames {
  /** Plain PKCS#8, DER, in memory of its own: the caller's to wipe. */
  readonly pkcs8: Bytes;
}

export interface Pkcs12Certificate extends BagNames {
  readonly certificate: Certificate;
  /** Java's mark: a trust anchor, not a certificate of a chain. */
  readonly trusted: boolean;
}

/** Something in the file that could not be read, and is no reason to refuse the rest. */
export interface SkippedBag extends BagNames {
  readonly reason: string;
}

/** What a file holds, in its order. */
export interface Pkcs12 {
  readonly keys: readonly Pkcs12Key[];
  readonly certificates: readonly Pkcs12Certificate[];
  /** CRLs, DER. */
  readonly crls: readonly Bytes[];
  /** Secrets, and keys and certificates of kinds that we do not take. */
  readonly skipped: readonly SkippedBag[];
}

export interface Pkcs12Options {
  /** `legacyPbe` of `@handfast/x509/legacy`, to read files encrypted with RC2 or triple DES. */
  readonly legacy?: LegacyPbe | undefined;
  readonly limits?: PasswordLimits | undefined;
  /** Take a file without a MAC: nothing says then that it is the file that was written. */
  readonly allowNoMac?: boolean | undefined;
}

/**
 * Reads a PKCS#12 file (`.p12`, `.pfx`). An empty password also opens files that were written without one. Synchronous
 * where the provider is.
 *
 * @param password text, or its UTF-8
 * @throws CertificateError `wrong_password`, `unsupported_algorithm` for an encryption that is not known or is out of use
 * (see `legacy`), `budget` where the file asks for more work than `limits`, or `malformed`
 *
 * @example
 * ```ts
 * const { keys, certificates } = await readPkcs12(provider, await readFile('server.p12'), 'correct horse');
 * ```
 */
export function readPkcs12(
  provider: CryptoProvider,
  file: Uint8Array,
  password: Password,
  options: Pkcs12Options = {},
): MaybePromise<Pkcs12> {
  return runSettling(read(provider, file, password, options));
}

const what = 'PKCS#12';

function* read(
  provider: CryptoProvider,
  file: Uint8Array,
  password: Password,
  { legacy, limits, allowNoMac = false }: Pkcs12Options,
): Settling<Pkcs12> {
  const { content, mac } = readPfx(berToDer(copyBytes(file), what));
  const work = passwordWork(provider, limits);
  let forms: PasswordForms | undefined = { text: password, emptyIsAbsent: false };
  if (mac === undefined) {
    if (!allowNoMac) {
      throw new CertificateError('malformed', `${what}: no MAC, so that anybody may have changed the file`, {
        hint: 'if you trust the file all the same, say allowNoMac',
      });
    }
  } else {
    forms = yield* verifyMac(work, mac, content, password);
    if (forms === undefined) throw wrongPassword(`${what}: the password is wrong, or the file is damaged`);
  }
  const bags = new Bags();
  for (const part of readAuthenticatedSafe(content)) {
    const safe = 'plain' in part ? part.plain : yield* openPart(work, part, forms, legacy);
    try {
      for (const shrouded of readSafe(safe, bags)) yield* openShrouded(work, shrouded, forms, legacy, bags);
    } finally {
      // Whatever is kept of it was copied.
      wipe(safe);
    }
  }
  return bags;
}

class Bags implements Pkcs12 {
  readonly keys: Pkcs12Key[] = [];
  readonly certificates: Pkcs12Certificate[] = [];
  readonly crls: Bytes[] = [];
  readonly skipped: SkippedBag[] = [];
}

/**
 * ```
 * PFX ::= SEQUENCE {
 *     version  INTEGER { v3(3) },
 *     authSafe ContentInfo,
 *     macData  MacData OPTIONAL }
 * ```
 */
function readPfx(bytes: Bytes): { readonly content: Bytes; readonly mac: MacData | undefined } {
  return readDer(bytes, what, (reader) => {
    const pfx = reader.sequence();
    const version = pfx.smallInteger();
    if (version !== 3) throw malformed(what, `version ${version}, not 3`);
    const { type, content: inner } = readContentInfo(pfx, what);
    if (type !== contentTypes.data) throw byPublicKey(type);
    if (inner === undefined) throw malformed(what, 'no content');
    const content = inner.octetString();
    inner.end();
    const mac = pfx.done ? undefined : readMacData(pfx);
    pfx.end();
    return { content, mac };
  });
}

function byPublicKey(type: Oid): CertificateError {
  const label = contentLabel(type);
  return new CertificateError('unsupported_algorithm', `${what}: ${label} is not supported, only a password is`);
}

/** A part of the file under encryption. */
interface SealedPart {
  readonly algorithm: ReturnType<typeof readAlgorithmIdentifier>;
  readonly ciphertext: Bytes;
}

/** AuthenticatedSafe ::= SEQUENCE OF ContentInfo: plain, or under the password. */
function readAuthenticatedSafe(content: Bytes): readonly (SealedPart | { readonly plain: Bytes })[] {
  return readDer(berToDer(content, what), what, (reader) => {
    const list = reader.sequence();
    return list.list(() => {
      const { type, content: inner } = readContentInfo(list, what);
      if (inner === undefined) throw malformed(what, 'a part without content');
      if (type !== contentTypes.data && type !== contentTypes.encryptedData) throw byPublicKey(type);
      const part = type === contentTypes.data ? { plain: inner.octetString() } : readEncryptedData(inner);
      inner.end();
      return part;
    });
  });
}

/**
 * ```
 * EncryptedData ::= SEQUENCE {
 *     version              INTEGER,
 *     encryptedContentInfo SEQUENCE {
 *         contentType                ContentType,
 *         contentEncryptionAlgorithm AlgorithmIdentifier,
 *         encryptedContent       [0] IMPLICIT OCTET STRING OPTIONAL },
 *     unprotectedAttrs [1] IMPLICIT SET OF Attribute OPTIONAL }
 * ```
 */
function readEncryptedData(reader: DerReader): SealedPart {
  const data = reader.sequence();
  data.smallInteger();
  const info = data.sequence();
  const type = info.oid();
  if (type !== contentTypes.data) throw malformed(what, `encrypted ${contentLabel(type)}`);
  const algorithm = readAlgorithmIdentifier(info, what);
  const { content, tag: tagByte } = info.element();
  info.end();
  data.optional(contextConstructed(1));
  data.end();
  if (tagByte === contextPrimitive(0)) return { algorithm, ciphertext: content };
  if (tagByte === contextConstructed(0)) return { algorithm, ciphertext: joinedString(content, what) };
  throw malformed(what, 'an encrypted part without its content');
}

function* openPart(
  work: PasswordWork,
  { algorithm, ciphertext }: SealedPart,
  forms: PasswordForms,
  legacy: LegacyPbe | undefined,
): Settling<Bytes> {
  const plain = yield* openUnderPassword(work, algorithm, forms, ciphertext, legacy, what);
  // One wrong password in 256 passes for padding; SafeContents is a SEQUENCE, in BER as in DER.
  if (plain === undefined || plain[0] !== tag.sequence) {
    throw wrongPassword(`${what}: a part of the file is under another password`);
  }
  return plain;
}

interface ShroudedKey extends BagNames {
  readonly bytes: Bytes;
}

/** SafeContents ::= SEQUENCE OF SafeBag. What is plain goes to `bags`; what is not is answered, to be opened. */
function readSafe(safe: Bytes, bags: Bags): readonly ShroudedKey[] {
  const shrouded: ShroudedKey[] = [];
  readDer(berToDer(safe, what), what, (reader) => readBags(reader, bags, shrouded));
  return shrouded;
}

function readBags(reader: DerReader, bags: Bags, shrouded: ShroudedKey[]): void {
  const list = reader.sequence();
  while (!list.done) readBag(list, bags, shrouded);
}

/**
 * ```
 * SafeBag ::= SEQUENCE {
 *     bagId         BAG-TYPE.&id,
 *     bagValue  [0] EXPLICIT BAG-TYPE.&Type,
 *     bagAttributes SET OF PKCS12Attribute OPTIONAL }
 * ```
 */
function readBag(list: DerReader, bags: Bags, shrouded: ShroudedKey[]): void {
  const bag = list.sequence();
  const type = bag.oid();
  const value = bag.inside(contextConstructed(0));
  const { trusted, ...names } = bag.done ? { trusted: false } : readAttributes(bag.inside(tag.set));
  bag.end();
  switch (type) {
    case bagOids.key:
      takeKey(bags, names, () => copyBytes(plainPkcs8(value.element(tag.sequence).raw)));
      break;
    case bagOids.shroudedKey:
      shrouded.push({ bytes: value.element(tag.sequence).raw, ...names });
      break;
    case bagOids.certificate: {
      const raw = readTypedValue(value, bagOids.x509Certificate);
      take(bags, names, () => {
        if (raw === undefined) throw new CertificateError('malformed', 'a certificate that is not of X.509');
        bags.certificates.push({ certificate: parseCertificate(raw), trusted, ...names });
      });
      break;
    }
    case bagOids.crl: {
      const raw = readTypedValue(value, bagOids.x509Crl);
      if (raw !== undefined) bags.crls.push(copyBytes(raw));
      break;
    }
    case bagOids.safeContents:
      readBags(value, bags, shrouded);
      break;
    default:
      bags.skipped.push({ reason: type === bagOids.secret ? 'a secret' : `a bag of type ${type}`, ...names });
      value.element();
  }
  value.end();
}

/** CertBag and CRLBag: SEQUENCE { id OID, value [0] EXPLICIT OCTET STRING }; `undefined` for another id. */
function readTypedValue(reader: DerReader, wanted: Oid): Bytes | undefined {
  const bag = reader.sequence();
  const type = bag.oid();
  const wrapper = bag.inside(contextConstructed(0));
  const raw = type === wanted ? wrapper.octetString() : undefined;
  if (raw === undefined) wrapper.element();
  wrapper.end();
  bag.end();
  return raw;
}

function* openShrouded(
  work: PasswordWork,
  { bytes, ...names }: ShroudedKey,
  forms: PasswordForms,
  legacy: LegacyPbe | undefined,
  bags: Bags,
): Settling<void> {
  try {
    bags.keys.push({ pkcs8: yield* openPkcs8(work, bytes, forms, legacy), ...names });
  } catch (error) {
    skip(error, bags, names);
  }
}

function takeKey(bags: Bags, names: BagNames, decode: () => Bytes): void {
  take(bags, names, () => {
    bags.keys.push({ pkcs8: decode(), ...names });
  });
}

function take(bags: Bags, names: BagNames, decode: () => void): void {
  try {
    decode();
  } catch (error) {
    skip(error, bags, names);
  }
}

/** What one bag's content is wrong with; a wrong password or too much work is everybody's concern. */
function skip(error: unknown, bags: Bags, names: BagNames): void {
  if (!(error instanceof CertificateError) || (error.code !== 'malformed' && error.code !== 'unsupported_key')) {
    throw error;
  }
  bags.skipped.push({ reason: error.message, ...names });
}

/** Attributes of one bag: a name given twice is refused by none, and the first counts. */
function readAttributes(set: DerReader): BagNames & { readonly trusted: boolean } {
  let friendlyName: string | undefined;
  let localKeyId: Bytes | undefined;
  let trusted = false;
  while (!set.done) {
    const attribute = set.sequence();
    const type = attribute.oid();
    const values = attribute.inside(tag.set);
    attribute.end();
    if (type === bagAttributes.friendlyName && !values.done) {
      friendlyName ??= codeUnitText(values.element(tag.bmpString).content, 2);
    } else if (type === bagAttributes.localKeyId && !values.done) {
      localKeyId ??= copyBytes(values.octetString());
    } else if (type === bagAttributes.trustedKeyUsage) {
      trusted = true;
    }
  }
  return {
    trusted,
    ...(friendlyName === undefined ? {} : { friendlyName }),
    ...(localKeyId === undefined ? {} : { localKeyId }),
  };
}

function wrongPassword(message: string): CertificateError {
  return new CertificateError('wrong_password', message);
}
