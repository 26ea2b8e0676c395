/**
 * Certification requests, PKCS#10 (RFC 2986): parse, verify that the requester holds the key, issue. The structure is read
 * at once; extensions that are asked for (`extensionRequest`, RFC 2985 §5.4.2) are decoded when they are first looked at.
 *
 * Which of a request's wishes a CA grants is its policy, and not here.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  copyBytes,
  type LegacySignatureAlgorithm,
  type MaybePromise,
  type PublicKeyInfo,
  runSettling,
  type Settling,
  type SignatureAlgorithm,
  type Signer,
  settle,
} from '@handfast/crypto';
import {
  encodeSignatureAlgorithm,
  legacySignatureAlgorithmOf,
  readAlgorithmIdentifier,
  signatureAlgorithmOf,
} from './algorithms.ts';
import { type ExtensionName, extensionLabel, extensionOids, type Oid } from './der/oid.ts';
import { looksLikePem, parsePem } from './der/pem.ts';
import { contextConstructed, DerReader, readDer, tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { CertificateError, malformed } from './errors.ts';
import {
  type BasicConstraints,
  type Extension,
  type KeyUsage,
  parseBasicConstraints,
  parseExtendedKeyUsage,
  parseKeyUsage,
  parseSubjectAltName,
  parseSubjectKeyIdentifier,
  readExtensions,
  type SubjectAltName,
} from './extensions.ts';
import { defaultAlgorithm } from './issue.ts';
import { keyFits, parsePublicKey } from './keys.ts';
import { type DirectoryName, directoryName, type NameFields, parseDirectoryName } from './names/directory.ts';
import { algorithmRefusal, type SignatureProvider, verifySignature } from './path/signature.ts';
import { type ExtensionTemplate, keyIdentifierOf, templateExtensions } from './template.ts';
import { ascii, codeUnitText, latin1, quote, utf8Text } from './text.ts';

const extensionRequest: Oid = '1.2.840.113549.1.9.14';
const challengePassword: Oid = '1.2.840.113549.1.9.7';

/** An attribute of a request, as it stood. */
export interface RequestAttribute {
  readonly oid: Oid;
  /** The DER of each value. */
  readonly values: readonly Bytes[];
}

/**
 * A request for a certificate. Getters of key, attributes and extensions throw `CertificateError` (`malformed`,
 * `unsupported_key`) where their bytes are not what they should be; what is absent is `undefined`.
 */
export interface CertificateRequest {
  /** All of its DER. */
  readonly raw: Bytes;
  /** The CertificationRequestInfo's DER: what the signature is over. */
  readonly tbs: Bytes;
  readonly subject: DirectoryName;
  /** The SubjectPublicKeyInfo's DER, also of keys that we cannot use. */
  readonly spki: Bytes;
  readonly publicKey: PublicKeyInfo;
  readonly attributes: readonly RequestAttribute[];
  /** `undefined` for an algorithm, or parameters, that we do not verify. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signatureAlgorithmOid: Oid;
  readonly legacySignatureAlgorithm: LegacySignatureAlgorithm | undefined;
  readonly signature: Bytes;

  /** The extensions that are asked for; none where there is no such attribute. */
  readonly extensions: readonly Extension[];
  readonly basicConstraints: BasicConstraints | undefined;
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Purposes as dotted object identifiers. */
  readonly extendedKeyUsage: readonly Oid[] | undefined;
  readonly subjectAltName: SubjectAltName | undefined;
  readonly subjectKeyIdentifier: Bytes | undefined;
  /** A password to revoke by, in plain sight: of use to nobody who has not asked for it. */
  readonly challengePassword: string | undefined;

  extension(name: ExtensionName): Extension | undefined;
}

/**
 * A request from its DER; the bytes are copied. Nothing is verified: see `verifyRequest`.
 *
 * @throws CertificateError `malformed`
 */
export function parseRequest(der: Uint8Array): CertificateRequest {
  const raw = copyBytes(der);
  return readDer(raw, what, (reader) => new ParsedRequest(raw, readRequest(reader)));
}

/**
 * The requests of a file: PEM with any number of `CERTIFICATE REQUEST` blocks and other text between, or the DER of one.
 *
 * @throws CertificateError `malformed`, also where there is none
 */
export function parseRequests(pem: string | Uint8Array): CertificateRequest[] {
  if (typeof pem !== 'string' && !looksLikePem(pem)) return [parseRequest(pem)];
  const blocks = parsePem(pem);
  const requests = blocks.filter(({ label }) => label === 'CERTIFICATE REQUEST' || label === 'NEW CERTIFICATE REQUEST');
  if (requests.length === 0) {
    const found = blocks.map(({ label }) => quote(label)).join(', ') || 'no PEM block at all';
    throw malformed('certificate requests', `no PEM block "CERTIFICATE REQUEST"; the text holds ${found}`);
  }
  return requests.map(({ bytes }) => parseRequest(bytes));
}

/**
 * Verifies that whoever made the request holds the key in it (proof of possession): returns, or throws. Synchronous where
 * the provider is. It says nothing of the names.
 *
 * @throws CertificateError `bad_signature`, `weak_signature`, `unsupported_algorithm`, or `unsupported_key`
 *
 * @example
 * ```ts
 * const [request] = parseRequests(await readFile('server.csr'));
 * await verifyRequest(provider, request);
 * const certificate = await issueServerCertificate({ ...ca, subject: request.subject, publicKey: request.publicKey, names });
 * ```
 */
export function verifyRequest(provider: SignatureProvider, request: CertificateRequest): MaybePromise<void> {
  return runSettling(verify(provider, request));
}

export interface RequestOptions extends ExtensionTemplate {
  readonly provider: Pick<CryptoProvider, 'digest'>;
  /** The key that the certificate shall be about. */
  readonly signer: Signer;
  readonly subject: NameFields | DirectoryName;
  /** Unless set: PKCS #1 v1.5 with SHA-256 for an RSA key, else the signer's first. */
  readonly signatureAlgorithm?: SignatureAlgorithm | undefined;
}

/**
 * A request for a certificate with these names and extensions, signed with the key itself. Synchronous where the signer is.
 *
 * @throws RangeError for options that make no sense together
 *
 * @example
 * ```ts
 * const { signer } = await provider.generateKeyPair('secp256r1');
 * const request = await issueRequest({ provider, signer, subject: { commonName: 'db' }, names: ['db.internal'] });
 * const pem = toPem('CERTIFICATE REQUEST', request.raw);
 * ```
 */
export function issueRequest(options: RequestOptions): MaybePromise<CertificateRequest> {
  return runSettling(issue(options));
}

const what = 'certificate request';

interface RequestFields {
  readonly tbs: Bytes;
  readonly subject: DirectoryName;
  readonly spki: Bytes;
  readonly attributes: readonly RequestAttribute[];
  readonly signatureIdentifier: ReturnType<typeof readAlgorithmIdentifier>;
  readonly signature: Bytes;
}

/**
 * ```
 * CertificationRequest ::= SEQUENCE {
 *     certificationRequestInfo CertificationRequestInfo,
 *     signatureAlgorithm       AlgorithmIdentifier,
 *     signature                BIT STRING }
 * CertificationRequestInfo ::= SEQUENCE {
 *     version       INTEGER { v1(0) },
 *     subject       Name,
 *     subjectPKInfo SubjectPublicKeyInfo,
 *     attributes    [0] IMPLICIT SET OF Attribute }
 * ```
 */
function readRequest(reader: DerReader): RequestFields {
  const request = reader.sequence();
  const tbs = request.element(tag.sequence);
  const signatureIdentifier = readAlgorithmIdentifier(request, 'signatureAlgorithm');
  const signature = request.octetAlignedBitString();
  request.end();
  const info = request.within(tbs.content, 'certificationRequestInfo');
  const version = info.smallInteger();
  if (version !== 0) throw malformed(what, `version ${version + 1}, not 1`);
  const subject = parseDirectoryName(info.element(tag.sequence).raw, 'subject');
  const spki = info.element(tag.sequence).raw;
  // Some old writers leave out an empty set.
  const attributes = info.done ? [] : readAttributes(info.inside(contextConstructed(0), 'attributes'));
  info.end();
  return { tbs: tbs.raw, subject, spki, attributes, signatureIdentifier, signature };
}

function readAttributes(set: DerReader): readonly RequestAttribute[] {
  const seen = new Set<Oid>();
  return set.list(() => {
    const attribute = set.sequence();
    const oid = attribute.oid();
    const values = attribute.inside(tag.set);
    attribute.end();
    if (seen.has(oid)) throw malformed(what, `attribute ${oid} stands twice`);
    seen.add(oid);
    return { oid, values: values.list(() => values.element().raw) };
  });
}

class ParsedRequest implements CertificateRequest {
  readonly raw: Bytes;
  readonly tbs: Bytes;
  readonly subject: DirectoryName;
  readonly spki: Bytes;
  readonly attributes: readonly RequestAttribute[];
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signatureAlgorithmOid: Oid;
  readonly legacySignatureAlgorithm: LegacySignatureAlgorithm | undefined;
  readonly signature: Bytes;
  #publicKey: PublicKeyInfo | undefined;
  #extensions: readonly Extension[] | undefined;

  constructor(raw: Bytes, fields: RequestFields) {
    this.raw = raw;
    this.tbs = fields.tbs;
    this.subject = fields.subject;
    this.spki = fields.spki;
    this.attributes = fields.attributes;
    this.signatureAlgorithm = signatureAlgorithmOf(fields.signatureIdentifier);
    this.signatureAlgorithmOid = fields.signatureIdentifier.oid;
    this.legacySignatureAlgorithm =
      this.signatureAlgorithm === undefined ? legacySignatureAlgorithmOf(fields.signatureIdentifier) : undefined;
    this.signature = fields.signature;
  }

  get publicKey(): PublicKeyInfo {
    this.#publicKey ??= parsePublicKey(this.spki);
    return this.#publicKey;
  }

  get extensions(): readonly Extension[] {
    this.#extensions ??= this.#readExtensions();
    return this.#extensions;
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

  get subjectKeyIdentifier(): Bytes | undefined {
    return this.#decode('subjectKeyIdentifier', parseSubjectKeyIdentifier);
  }

  get challengePassword(): string | undefined {
    const value = this.#singleValue(challengePassword);
    return value === undefined ? undefined : readDirectoryString(value);
  }

  extension(name: ExtensionName): Extension | undefined {
    return this.extensions.find(({ oid }) => oid === extensionOids[name]);
  }

  #decode<T>(name: ExtensionName, parse: (value: Bytes, what: string) => T): T | undefined {
    const extension = this.extension(name);
    return extension && parse(extension.value, `${what}, ${extensionLabel(extension.oid)}`);
  }

  #readExtensions(): readonly Extension[] {
    const value = this.#singleValue(extensionRequest);
    return value === undefined ? [] : readDer(value, what, (reader) => readExtensions(reader, `${what}, extensions`));
  }

  /** RFC 2985 §5.4: both attributes are SINGLE VALUE. */
  #singleValue(wanted: Oid): Bytes | undefined {
    const attribute = this.attributes.find(({ oid }) => oid === wanted);
    if (attribute === undefined) return undefined;
    const [value, second] = attribute.values;
    if (value === undefined || second !== undefined) {
      throw malformed(what, `${attribute.values.length} values of attribute ${wanted}, which has one`);
    }
    return value;
  }
}

/** DirectoryString (RFC 5280 §4.1.2.4), and the IA5String that some write. */
function readDirectoryString(value: Bytes): string {
  const { tag: tagByte, content } = readDer(value, what, (reader) => reader.element());
  const decode = stringDecoders.get(tagByte);
  const text = decode?.(content);
  if (text === undefined) throw malformed(what, 'a challenge password that is no string');
  return text;
}

const stringDecoders: ReadonlyMap<number, (content: Bytes) => string | undefined> = new Map([
  [tag.utf8String, utf8Text],
  [tag.printableString, ascii],
  [tag.ia5String, ascii],
  [tag.teletexString, latin1],
  [tag.bmpString, (content: Bytes) => codeUnitText(content, 2)],
  [tag.universalString, (content: Bytes) => codeUnitText(content, 4)],
]);

function* verify(provider: SignatureProvider, request: CertificateRequest): Settling<void> {
  const name = request.subject.commonName ?? request.subject.toString();
  const who = name === '' ? 'the certificate request' : `the certificate request for ${quote(name)}`;
  const refusal = algorithmRefusal(() => who, request, provider, { policy: {}, profile: undefined });
  if (refusal !== undefined) throw new CertificateError(refusal.rule, refusal.message);
  const { signatureAlgorithm: algorithm } = request;
  if (algorithm === undefined)
    throw new CertificateError('unsupported_algorithm', `${who} has no signature that we verify`);
  if (!(yield* verifySignature(provider, request.publicKey, algorithm, request.tbs, request.signature))) {
    throw new CertificateError('bad_signature', `${who} is not signed with the key that it is about`, {
      hint: 'it was changed after it was signed, or its maker does not have the key',
    });
  }
}

function* issue(options: RequestOptions): Settling<CertificateRequest> {
  const { signer } = options;
  const algorithm = options.signatureAlgorithm ?? defaultAlgorithm(signer);
  if (!keyFits(algorithm, signer.publicKey)) {
    throw new RangeError(`a key of type ${signer.publicKey.type} makes no ${algorithm} signatures`);
  }
  const subject = 'raw' in options.subject ? options.subject : directoryName(options.subject);
  const extensions = der.sequence(...requestedExtensions(options, subject));
  const tbs = der.sequence(
    der.smallInteger(0),
    subject.raw,
    signer.publicKey.spki,
    der.explicit(0, der.sequence(der.oid(extensionRequest), der.setOf(extensions))),
  );
  const signature = yield* settle(signer.sign(algorithm, tbs));
  return parseRequest(der.sequence(tbs, encodeSignatureAlgorithm(algorithm), der.bitString(signature)));
}

/** Those of a certificate, but for the issuer's key, which is not the requester's to say. */
function requestedExtensions(options: RequestOptions, subject: DirectoryName): readonly Bytes[] {
  const subjectKeyIdentifier = keyIdentifierOf(options.provider, options.signer.publicKey);
  const context = { subject, subjectKeyIdentifier, authorityKeyIdentifier: subjectKeyIdentifier };
  return templateExtensions(options, context).filter(
    (extension) => new DerReader(extension, 'extension').sequence().oid() !== extensionOids.authorityKeyIdentifier,
  );
}
