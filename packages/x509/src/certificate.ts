/**
 * X.509 certificates (RFC 5280 §4.1). The structure is read at once and strictly; key and extensions are decoded when
 * they are first asked for, and then kept, so that a chain's unused certificates cost little and an extension that does
 * not concern anybody cannot hurt.
 *
 * Whether a certificate is to be believed is for `path/`.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  copyBytes,
  equalBytes,
  type LegacySignatureAlgorithm,
  type PublicKeyInfo,
  type SignatureAlgorithm,
  type SignatureVerifier,
  toHex,
} from '@handfast/crypto';
import {
  type AlgorithmIdentifier,
  legacySignatureAlgorithmOf,
  readAlgorithmIdentifier,
  signatureAlgorithmOf,
} from './algorithms.ts';
import { type ExtensionName, extensionOids, type Oid } from './der/oid.ts';
import { looksLikePem, parsePem } from './der/pem.ts';
import { contextConstructed, contextPrimitive, type DerReader, readDer, tag } from './der/reader.ts';
import { CertificateError, malformed } from './errors.ts';
import {
  type AuthorityKeyIdentifier,
  type BasicConstraints,
  type Extension,
  type KeyUsage,
  parseAuthorityKeyIdentifier,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
  readExtensions,
  type SubjectAltName,
} from './extensions.ts';
import { readPublicKey } from './keys.ts';
import { type NameConstraints, parseNameConstraints } from './names/constraints.ts';
import { type DirectoryName, parseDirectoryName, sameName } from './names/directory.ts';
import {
  type PolicyConstraints,
  type PolicyInformation,
  type PolicyMapping,
  parseCertificatePolicies,
  parseInhibitAnyPolicy,
  parsePolicyConstraints,
  parsePolicyMappings,
} from './policy-extensions.ts';
import { quote } from './text.ts';

/**
 * A certificate. Getters of key and extensions throw `CertificateError` (`malformed`, `unsupported_key`) where their
 * bytes are not what they should be; an extension that is absent is `undefined`.
 */
export interface Certificate {
  /** All of its DER. */
  readonly raw: Bytes;
  /** The TBSCertificate's DER: what the signature is over. */
  readonly tbs: Bytes;
  readonly version: 1 | 2 | 3;
  /** The INTEGER's content: two's complement. */
  readonly serialNumber: Bytes;
  readonly serialNumberHex: string;
  readonly issuer: DirectoryName;
  readonly subject: DirectoryName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The SubjectPublicKeyInfo's DER, also of keys that we cannot use. */
  readonly spki: Bytes;
  readonly publicKey: PublicKeyInfo;
  /** `undefined` for an algorithm, or parameters, that we do not verify. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signatureAlgorithmOid: Oid;
  /** One that only an explicit policy takes. */
  readonly legacySignatureAlgorithm: LegacySignatureAlgorithm | undefined;
  readonly signature: Bytes;
  readonly extensions: readonly Extension[];
  /** Whether subject and issuer are the same name. Says nothing of the key. */
  readonly selfIssued: boolean;

  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Purposes as dotted object identifiers. */
  readonly extendedKeyUsage: readonly Oid[] | undefined;
  readonly subjectAltName: SubjectAltName | undefined;
  readonly nameConstraints: NameConstraints | undefined;
  readonly subjectKeyIdentifier: Bytes | undefined;
  readonly authorityKeyIdentifier: AuthorityKeyIdentifier | undefined;
  /** The policies that it was issued under, with what they say of themselves. */
  readonly certificatePolicies: readonly PolicyInformation[] | undefined;
  readonly policyMappings: readonly PolicyMapping[] | undefined;
  readonly policyConstraints: PolicyConstraints | undefined;
  /** How many more certificates may say "any policy" and be believed. */
  readonly inhibitAnyPolicy: number | undefined;

  extension(name: ExtensionName): Extension | undefined;
}

/**
 * A certificate from its DER; the bytes are copied.
 *
 * @throws CertificateError `malformed`
 *
 * @example
 * ```ts
 * const certificate = parseCertificate(der);
 * console.log(certificate.subject.toString(), certificate.notAfter);
 * ```
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const raw = copyBytes(der);
  return readDer(raw, 'certificate', (reader) => new ParsedCertificate(raw, readCertificate(reader)));
}

/**
 * The certificates of a file: PEM with any number of `CERTIFICATE` blocks and other text between, or the DER of one.
 *
 * @throws CertificateError `malformed`, also where there is none
 */
export function parseCertificates(pem: string | Uint8Array): Certificate[] {
  if (typeof pem !== 'string' && !looksLikePem(pem)) return [parseCertificate(pem)];
  const blocks = parsePem(pem);
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE');
  if (certificates.length === 0) {
    const found = blocks.map(({ label }) => quote(label)).join(', ') || 'no PEM block at all';
    throw malformed('certificates', `no PEM block "CERTIFICATE"; the text holds ${found}`);
  }
  return certificates.map(({ bytes }) => parseCertificate(bytes));
}

/** SHA-256 of the certificate: upper-case hexadecimal with colons, as other tools print it. */
export function fingerprintOf(provider: Pick<CryptoProvider, 'digest'>, certificate: Certificate): string {
  return colons(provider.digest('sha256', certificate.raw));
}

/** `AB:CD:…` */
export function colons(bytes: Uint8Array): string {
  return (toHex(bytes).toUpperCase().match(/../g) ?? []).join(':');
}

/** How messages call a certificate: a host by its first DNS name, a CA by its common name. Escaped, in quotes. */
export function nameOf(certificate: Certificate): string {
  const { commonName } = certificate.subject;
  const host = readable(() => certificate.subjectAltName?.dnsNames[0]);
  const isCa = readable(() => certificate.basicConstraints?.ca) === true;
  const name = isCa ? (commonName ?? host) : (host ?? commonName);
  return quote(name ?? (certificate.subject.toString() || `serial ${certificate.serialNumberHex}`));
}

/** Whether two certificates are the same bytes. */
export function sameCertificate(a: Certificate, b: Certificate): boolean {
  return a === b || equalBytes(a.raw, b.raw);
}

/** The structure of a certificate, before anything in it is understood. */
interface CertificateFields {
  readonly tbs: Bytes;
  readonly version: 1 | 2 | 3;
  readonly serialNumber: Bytes;
  readonly issuer: DirectoryName;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: DirectoryName;
  readonly spki: Bytes;
  readonly extensions: readonly Extension[];
  readonly signatureIdentifier: AlgorithmIdentifier;
  readonly signature: Bytes;
}

/**
 * ```
 * Certificate  ::=  SEQUENCE  {
 *      tbsCertificate       TBSCertificate,
 *      signatureAlgorithm   AlgorithmIdentifier,
 *      signatureValue       BIT STRING  }
 * ```
 */
function readCertificate(reader: DerReader): CertificateFields {
  const certificate = reader.sequence();
  const tbs = certificate.element(tag.sequence);
  const { innerIdentifier, ...fields } = readTbs(certificate.within(tbs.content, 'TBSCertificate'));
  const signatureIdentifier = readAlgorithmIdentifier(certificate, 'signatureAlgorithm');
  const signature = certificate.octetAlignedBitString();
  certificate.end();
  // §4.1.1.2: "This field MUST contain the same algorithm identifier as the signature field in the sequence tbsCertificate".
  if (!equalBytes(innerIdentifier.raw, signatureIdentifier.raw)) {
    throw malformed('certificate', 'signed under another algorithm than it says inside');
  }
  return { ...fields, tbs: tbs.raw, signatureIdentifier, signature };
}

/**
 * ```
 * TBSCertificate  ::=  SEQUENCE  {
 *      version         [0]  EXPLICIT Version DEFAULT v1,
 *      serialNumber         CertificateSerialNumber,
 *      signature            AlgorithmIdentifier,
 *      issuer               Name,
 *      validity             Validity,
 *      subject              Name,
 *      subjectPublicKeyInfo SubjectPublicKeyInfo,
 *      issuerUniqueID  [1]  IMPLICIT UniqueIdentifier OPTIONAL,
 *      subjectUniqueID [2]  IMPLICIT UniqueIdentifier OPTIONAL,
 *      extensions      [3]  EXPLICIT Extensions OPTIONAL }
 * ```
 */
function readTbs(tbs: DerReader): Omit<CertificateFields, 'tbs' | 'signatureIdentifier' | 'signature'> & {
  readonly innerIdentifier: AlgorithmIdentifier;
} {
  const version = readVersion(tbs);
  const serialNumber = tbs.integer();
  const innerIdentifier = readAlgorithmIdentifier(tbs, 'signature');
  const issuer = parseDirectoryName(tbs.element(tag.sequence).raw, 'issuer');
  const validity = tbs.sequence('validity');
  const notBefore = validity.time();
  const notAfter = validity.time();
  validity.end();
  const subject = parseDirectoryName(tbs.element(tag.sequence).raw, 'subject');
  const spki = tbs.element(tag.sequence).raw;
  if (version >= 2) {
    if (tbs.nextTag === contextPrimitive(1)) tbs.bitString(contextPrimitive(1));
    if (tbs.nextTag === contextPrimitive(2)) tbs.bitString(contextPrimitive(2));
  }
  let extensions: readonly Extension[] = [];
  if (version === 3 && tbs.nextTag === contextConstructed(3)) {
    const wrapper = tbs.inside(contextConstructed(3), 'extensions');
    extensions = readExtensions(wrapper, 'extensions');
    wrapper.end();
  }
  tbs.end();
  return { version, serialNumber, innerIdentifier, issuer, notBefore, notAfter, subject, spki, extensions };
}

function readVersion(tbs: DerReader): 1 | 2 | 3 {
  if (tbs.nextTag !== contextConstructed(0)) return 1;
  const wrapper = tbs.inside(contextConstructed(0), 'version');
  const version = wrapper.smallInteger();
  wrapper.end();
  if (version === 1) return 2;
  if (version === 2) return 3;
  throw malformed(
    'certificate',
    version === 0 ? 'version 1 written out, which is the default' : `version ${version + 1}`,
  );
}

/** What verifications found out of a certificate, and do not ask it again: certificates do not change. */
export interface Findings {
  /** Whether its extensions were all found to be in form. */
  inForm: boolean;
  /** Who found its signature good, by the issuer's object. */
  signedBy: WeakMap<Certificate, SignatureVerifier> | undefined;
}

/** In the object itself, as an entry of a `WeakMap` costs a microsecond; of another's object nothing is kept. */
export function findingsOf(certificate: Certificate): Findings {
  return ParsedCertificate.findingsOf(certificate);
}

function noFindings(): Findings {
  return { inForm: false, signedBy: undefined };
}

const absent = Symbol('absent');

class ParsedCertificate implements Certificate {
  readonly raw: Bytes;
  readonly tbs: Bytes;
  readonly version: 1 | 2 | 3;
  readonly serialNumber: Bytes;
  readonly issuer: DirectoryName;
  readonly subject: DirectoryName;
  readonly spki: Bytes;
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signatureAlgorithmOid: Oid;
  readonly legacySignatureAlgorithm: LegacySignatureAlgorithm | undefined;
  readonly signature: Bytes;
  readonly extensions: readonly Extension[];
  /** Milliseconds: a Date can be changed, and certificates are shared. */
  readonly #notBefore: number;
  readonly #notAfter: number;
  /** Decoded extensions by name, and `absent` for those that were asked for and are not there. */
  readonly #decoded = new Map<ExtensionName, unknown>();
  #publicKey: PublicKeyInfo | undefined;
  #selfIssued: boolean | undefined;
  #findings: Findings | undefined;

  static findingsOf(certificate: Certificate): Findings {
    if (!(#findings in certificate)) return noFindings();
    certificate.#findings ??= noFindings();
    return certificate.#findings;
  }

  constructor(raw: Bytes, fields: CertificateFields) {
    this.raw = raw;
    this.tbs = fields.tbs;
    this.version = fields.version;
    this.serialNumber = fields.serialNumber;
    this.issuer = fields.issuer;
    this.subject = fields.subject;
    this.#notBefore = fields.notBefore.getTime();
    this.#notAfter = fields.notAfter.getTime();
    this.spki = fields.spki;
    this.signatureAlgorithm = signatureAlgorithmOf(fields.signatureIdentifier);
    this.signatureAlgorithmOid = fields.signatureIdentifier.oid;
    this.legacySignatureAlgorithm =
      this.signatureAlgorithm === undefined ? legacySignatureAlgorithmOf(fields.signatureIdentifier) : undefined;
    this.signature = fields.signature;
    this.extensions = fields.extensions;
  }

  get notBefore(): Date {
    return new Date(this.#notBefore);
  }

  get notAfter(): Date {
    return new Date(this.#notAfter);
  }

  get serialNumberHex(): string {
    return toHex(this.serialNumber);
  }

  get selfIssued(): boolean {
    this.#selfIssued ??= sameName(this.subject, this.issuer);
    return this.#selfIssued;
  }

  get publicKey(): PublicKeyInfo {
    this.#publicKey ??= this.#attribute(() => readPublicKey(this.spki));
    return this.#publicKey;
  }

  get basicConstraints(): BasicConstraints | undefined {
    return this.#decode('basicConstraints', parseBasicConstraints);
  }

  get keyUsage(): ReadonlySet<KeyUsage> | undefined {
    return this.#decode('keyUsage', parseKeyUsage);
  }

  get extendedKeyUsage(): readonly Oid[] | undefined {
    return this.#decode('extKeyUsage', parseExtendedKeyUsage);
  }

  get subjectAltName(): SubjectAltName | undefined {
    return this.#decode('subjectAltName', parseSubjectAltName);
  }

  get nameConstraints(): NameConstraints | undefined {
    return this.#decode('nameConstraints', parseNameConstraints);
  }

  get subjectKeyIdentifier(): Bytes | undefined {
    return this.#decode('subjectKeyIdentifier', parseSubjectKeyIdentifier);
  }

  get authorityKeyIdentifier(): AuthorityKeyIdentifier | undefined {
    return this.#decode('authorityKeyIdentifier', parseAuthorityKeyIdentifier);
  }

  get certificatePolicies(): readonly PolicyInformation[] | undefined {
    return this.#decode('certificatePolicies', parseCertificatePolicies);
  }

  get policyMappings(): readonly PolicyMapping[] | undefined {
    return this.#decode('policyMappings', parsePolicyMappings);
  }

  get policyConstraints(): PolicyConstraints | undefined {
    return this.#decode('policyConstraints', parsePolicyConstraints);
  }

  get inhibitAnyPolicy(): number | undefined {
    return this.#decode('inhibitAnyPolicy', parseInhibitAnyPolicy);
  }

  extension(name: ExtensionName): Extension | undefined {
    return this.extensions.find(({ oid }) => oid === extensionOids[name]);
  }

  #decode<T>(name: ExtensionName, parse: (value: Bytes, what: string) => T): T | undefined {
    const known = this.#decoded.get(name);
    // A name is always decoded by the same parser: this map's one reader and writer.
    if (known !== undefined) return known === absent ? undefined : (known as T);
    const extension = this.extension(name);
    const value = extension && this.#attribute(() => parse(extension.value, name));
    this.#decoded.set(name, value ?? absent);
    return value;
  }

  /** Errors of a decoder, with the certificate that they are about. */
  #attribute<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      const name = quote(this.subject.commonName ?? this.subject.toString());
      throw new CertificateError(error.code, `certificate for ${name}: ${error.message}`, {
        certificate: this,
        hint: error.hint,
        cause: error,
      });
    }
  }
}

/**
 * Whether a certificate's subject key identifier is the one that `child` has for its authority; `undefined`: one of the two is not
 * given.
 */
export function keyIdentifierFits(certificate: Certificate, child: Certificate): boolean | undefined {
  const own = readable(() => certificate.subjectKeyIdentifier);
  const identifier = readable(() => child.authorityKeyIdentifier?.keyIdentifier);
  return own === undefined || identifier === undefined ? undefined : equalBytes(own, identifier);
}

/**
 * For messages and for hints to path building: an extension that does not decode says nothing here, and is refused where
 * its certificate is checked.
 */
export function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return undefined;
    throw error;
  }
}
