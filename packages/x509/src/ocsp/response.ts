/**
 * OCSP responses (RFC 6960 §4.2): read strictly, and at once but for the certificates in them, which are parsed when they
 * are first asked for. Whether a response is to be believed, and about which certificate, is for `revocation/ocsp.ts`.
 *
 * @module
 */

import { type Bytes, copyBytes, type LegacySignatureAlgorithm, type SignatureAlgorithm } from '@handfast/crypto';
import { legacySignatureAlgorithmOf, readAlgorithmIdentifier, signatureAlgorithmOf } from '../algorithms.ts';
import { type Certificate, parseCertificate } from '../certificate.ts';
import { type Oid, ocspOids } from '../der/oid.ts';
import { contextConstructed, contextPrimitive, type DerReader, readDer, tag } from '../der/reader.ts';
import { malformed } from '../errors.ts';
import type { Extension } from '../extensions.ts';
import { type DirectoryName, parseDirectoryName } from '../names/directory.ts';
import { type RevocationReason, revocationReasons } from '../revocation/status.ts';
import { type CertId, readCertId } from './cert-id.ts';
import { nonceOf, readGeneralizedTime, readOptionalExtensions, unknownCritical } from './extensions.ts';

/** OCSPResponseStatus (RFC 6960 §4.2.1) by its number; 4 is not used. */
export const ocspResponseStatuses = {
  successful: 0,
  malformedRequest: 1,
  internalError: 2,
  tryLater: 3,
  sigRequired: 5,
  unauthorized: 6,
} as const;

export type OcspResponseStatus = keyof typeof ocspResponseStatuses;

/** The statuses without an answer: errors, which nobody signs. */
export type OcspErrorStatus = Exclude<OcspResponseStatus, 'successful'>;

/** A response: an answer, or the reason why there is none. */
export type OcspResponse =
  | { readonly raw: Bytes; readonly status: 'successful'; readonly basic: BasicOcspResponse }
  | { readonly raw: Bytes; readonly status: OcspErrorStatus; readonly basic: undefined };

/** A BasicOCSPResponse: what a responder signed. */
export interface BasicOcspResponse {
  /** The ResponseData's DER: what the signature is over. */
  readonly tbs: Bytes;
  readonly responderId: ResponderId;
  readonly producedAt: Date;
  readonly responses: readonly OcspSingleResponse[];
  readonly nonce: Bytes | undefined;
  readonly extensions: readonly Extension[];
  /** Critical extensions of the whole that are not processed here: the response is not to be used. */
  readonly unknownCriticalExtensions: readonly Oid[];
  /** `undefined` for an algorithm, or parameters, that we do not verify. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signatureAlgorithmOid: Oid;
  /** One that only an explicit policy takes. */
  readonly legacySignatureAlgorithm: LegacySignatureAlgorithm | undefined;
  readonly signature: Bytes;
  /** What may help to verify the signature. Parsed when asked for: throws `CertificateError` `malformed`. */
  readonly certificates: readonly Certificate[];
}

/** Who signed: by the subject of the signer's certificate, or by SHA-1 of its key. */
export type ResponderId =
  | { readonly kind: 'name'; readonly name: DirectoryName }
  | { readonly kind: 'key'; readonly keyHash: Bytes };

/** What is said of one certificate. */
export interface OcspSingleResponse {
  readonly certId: CertId;
  readonly status: OcspCertStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: readonly Extension[];
  /** Critical extensions that are not processed here: this answer is not to be used. */
  readonly unknownCriticalExtensions: readonly Oid[];
}

/** CertStatus. `unknown`: the responder does not know of such a certificate. A reason that is absent is `unspecified`. */
export type OcspCertStatus =
  | { readonly kind: 'good' }
  | { readonly kind: 'revoked'; readonly revokedAt: Date; readonly reason: RevocationReason }
  | { readonly kind: 'unknown' };

/** Answers in one response. RFC 5019 §2.2.1 wants one; responders that answer for more bundle a few. */
const maxResponses = 256;

/** Certificates in one response. The signer's alone is of use; responders send up to their whole chain. */
const maxCertificates = 8;

/** The web's have 0.5 to 4 KiB; one signed with ML-DSA-87, by a responder whose certificate is too, has some 17. */
const maxResponseLength = 1 << 16;

const keyHashLength = 20;
const what = 'OCSP response';

/**
 * A response from its DER; the bytes are copied.
 *
 * @throws CertificateError `malformed`
 *
 * @example
 * ```ts
 * const response = parseOcspResponse(body);
 * if (response.status === 'successful') console.log(response.basic.responses[0]?.status);
 * ```
 */
export function parseOcspResponse(bytes: Uint8Array): OcspResponse {
  if (bytes.length > maxResponseLength) {
    throw malformed(what, `${bytes.length} bytes, over the limit of ${maxResponseLength}`);
  }
  const raw = copyBytes(bytes);
  return readDer(raw, what, (reader) => readResponse(raw, reader.sequence()));
}

/**
 * ```
 * OCSPResponse ::= SEQUENCE {
 *    responseStatus         OCSPResponseStatus,
 *    responseBytes          [0] EXPLICIT ResponseBytes OPTIONAL }
 * ResponseBytes ::=       SEQUENCE {
 *    responseType   OBJECT IDENTIFIER,
 *    response       OCTET STRING }
 * ```
 */
function readResponse(raw: Bytes, response: DerReader): OcspResponse {
  const status = nameOfNumber(ocspResponseStatuses, response.smallInteger(tag.enumerated));
  if (status === undefined) throw malformed(what, 'a status that is not defined');
  if (status !== 'successful') {
    // §4.2.1: "If the value of responseStatus is one of the error conditions, the responseBytes field is not set."
    response.end();
    return { raw, status, basic: undefined };
  }
  const wrapper = response.inside(contextConstructed(0));
  const fields = wrapper.sequence();
  const type = fields.oid();
  const content = fields.octetString();
  fields.end();
  wrapper.end();
  response.end();
  if (type !== ocspOids.basicResponse) throw malformed(what, `of type ${type}, which is not id-pkix-ocsp-basic`);
  return { raw, status, basic: readDer(content, what, readBasic) };
}

/**
 * ```
 * BasicOCSPResponse       ::= SEQUENCE {
 *    tbsResponseData      ResponseData,
 *    signatureAlgorithm   AlgorithmIdentifier,
 *    signature            BIT STRING,
 *    certs            [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
 * ```
 */
function readBasic(reader: DerReader): BasicOcspResponse {
  const basic = reader.sequence();
  const tbs = basic.element(tag.sequence);
  const data = readResponseData(basic.within(tbs.content, 'ResponseData'));
  const identifier = readAlgorithmIdentifier(basic, 'signatureAlgorithm');
  const signature = basic.octetAlignedBitString();
  const certificates = readCertificates(basic);
  basic.end();
  const signatureAlgorithm = signatureAlgorithmOf(identifier);
  return new ParsedBasic(data, {
    tbs: tbs.raw,
    signatureAlgorithm,
    signatureAlgorithmOid: identifier.oid,
    legacySignatureAlgorithm: signatureAlgorithm === undefined ? legacySignatureAlgorithmOf(identifier) : undefined,
    signature,
    certificates,
  });
}

/** The certificates' DER, not yet looked into. */
function readCertificates(basic: DerReader): readonly Bytes[] {
  if (basic.nextTag !== contextConstructed(0)) return [];
  const wrapper = basic.inside(contextConstructed(0));
  const list = wrapper.sequence();
  wrapper.end();
  const certificates = list.list(() => list.element(tag.sequence).raw);
  if (certificates.length > maxCertificates) {
    throw malformed(what, `${certificates.length} certificates, over the limit of ${maxCertificates}`);
  }
  return certificates;
}

interface ResponseData {
  readonly responderId: ResponderId;
  readonly producedAt: Date;
  readonly responses: readonly OcspSingleResponse[];
  readonly extensions: readonly Extension[];
  readonly nonce: Bytes | undefined;
}

/**
 * ```
 * ResponseData ::= SEQUENCE {
 *    version              [0] EXPLICIT Version DEFAULT v1,
 *    responderID              ResponderID,
 *    producedAt               GeneralizedTime,
 *    responses                SEQUENCE OF SingleResponse,
 *    responseExtensions   [1] EXPLICIT Extensions OPTIONAL }
 * ```
 */
function readResponseData(data: DerReader): ResponseData {
  if (data.nextTag === contextConstructed(0))
    throw malformed(what, 'a version, which is 1 by default and may only be 1');
  const responderId = readResponderId(data);
  const producedAt = readGeneralizedTime(data, what);
  const list = data.sequence();
  const responses = list.list(() => readSingleResponse(list.sequence()));
  if (responses.length > maxResponses) {
    throw malformed(what, `${responses.length} answers, over the limit of ${maxResponses}`);
  }
  const extensions = readOptionalExtensions(data, 1, what);
  data.end();
  return { responderId, producedAt, responses, extensions, nonce: nonceOf(extensions, what) };
}

/** `ResponderID ::= CHOICE { byName [1] Name, byKey [2] KeyHash }`, both tags EXPLICIT. */
function readResponderId(data: DerReader): ResponderId {
  if (data.nextTag === contextConstructed(1)) {
    const wrapper = data.inside(contextConstructed(1));
    const name = parseDirectoryName(wrapper.element(tag.sequence).raw, 'responderID');
    wrapper.end();
    return { kind: 'name', name };
  }
  const wrapper = data.inside(contextConstructed(2));
  const keyHash = wrapper.octetString();
  wrapper.end();
  if (keyHash.length !== keyHashLength) {
    throw malformed(what, `a responder named by a key hash of ${keyHash.length} bytes, not ${keyHashLength}`);
  }
  return { kind: 'key', keyHash };
}

/**
 * ```
 * SingleResponse ::= SEQUENCE {
 *    certID                       CertID,
 *    certStatus                   CertStatus,
 *    thisUpdate                   GeneralizedTime,
 *    nextUpdate         [0]       EXPLICIT GeneralizedTime OPTIONAL,
 *    singleExtensions   [1]       EXPLICIT Extensions OPTIONAL }
 * ```
 */
function readSingleResponse(single: DerReader): OcspSingleResponse {
  const certId = readCertId(single);
  const status = readStatus(single);
  const thisUpdate = readGeneralizedTime(single, what);
  let nextUpdate: Date | undefined;
  if (single.nextTag === contextConstructed(0)) {
    const wrapper = single.inside(contextConstructed(0));
    nextUpdate = readGeneralizedTime(wrapper, what);
    wrapper.end();
  }
  const extensions = readOptionalExtensions(single, 1, what);
  single.end();
  const unknownCriticalExtensions = unknownCritical(extensions, [ocspOids.signedCertificateTimestamps]);
  return { certId, status, thisUpdate, nextUpdate, extensions, unknownCriticalExtensions };
}

/**
 * ```
 * CertStatus ::= CHOICE {
 *    good        [0]     IMPLICIT NULL,
 *    revoked     [1]     IMPLICIT RevokedInfo,
 *    unknown     [2]     IMPLICIT UnknownInfo }
 * RevokedInfo ::= SEQUENCE {
 *    revocationTime              GeneralizedTime,
 *    revocationReason    [0]     EXPLICIT CRLReason OPTIONAL }
 * ```
 */
function readStatus(single: DerReader): OcspCertStatus {
  if (single.nextTag === contextConstructed(1)) {
    const info = single.inside(contextConstructed(1));
    const revokedAt = readGeneralizedTime(info, what);
    const reason = info.done ? 'unspecified' : readReason(info.inside(contextConstructed(0)));
    info.end();
    return { kind: 'revoked', revokedAt, reason };
  }
  const isGood = single.nextTag === contextPrimitive(0);
  const { content } = single.element(contextPrimitive(isGood ? 0 : 2));
  if (content.length > 0) throw malformed(what, 'a NULL that is not empty');
  return { kind: isGood ? 'good' : 'unknown' };
}

function readReason(wrapper: DerReader): RevocationReason {
  const reason = nameOfNumber(revocationReasons, wrapper.smallInteger(tag.enumerated));
  wrapper.end();
  if (reason === undefined) throw malformed(what, 'a reason of revocation that is not defined');
  return reason;
}

class ParsedBasic implements BasicOcspResponse {
  readonly tbs: Bytes;
  readonly responderId: ResponderId;
  readonly producedAt: Date;
  readonly responses: readonly OcspSingleResponse[];
  readonly nonce: Bytes | undefined;
  readonly extensions: readonly Extension[];
  readonly unknownCriticalExtensions: readonly Oid[];
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signatureAlgorithmOid: Oid;
  readonly legacySignatureAlgorithm: LegacySignatureAlgorithm | undefined;
  readonly signature: Bytes;
  readonly #encoded: readonly Bytes[];
  #certificates: readonly Certificate[] | undefined;

  constructor(
    data: ResponseData,
    signed: Pick<
      BasicOcspResponse,
      'tbs' | 'signatureAlgorithm' | 'signatureAlgorithmOid' | 'legacySignatureAlgorithm' | 'signature'
    > & { readonly certificates: readonly Bytes[] },
  ) {
    this.tbs = signed.tbs;
    this.responderId = data.responderId;
    this.producedAt = data.producedAt;
    this.responses = data.responses;
    this.nonce = data.nonce;
    this.extensions = data.extensions;
    this.unknownCriticalExtensions = unknownCritical(data.extensions, [ocspOids.nonce]);
    this.signatureAlgorithm = signed.signatureAlgorithm;
    this.signatureAlgorithmOid = signed.signatureAlgorithmOid;
    this.legacySignatureAlgorithm = signed.legacySignatureAlgorithm;
    this.signature = signed.signature;
    this.#encoded = signed.certificates;
  }

  get certificates(): readonly Certificate[] {
    this.#certificates ??= this.#encoded.map(parseCertificate);
    return this.#certificates;
  }
}

function nameOfNumber<T extends string>(numbers: Readonly<Record<T, number>>, wanted: number): T | undefined {
  // The keys of such a table are its names: `Object.keys` does not know.
  return (Object.keys(numbers) as T[]).find((name) => numbers[name] === wanted);
}
