/**
 * OCSP requests (RFC 6960 §4.1), in the light profile of RFC 5019: one certificate, no signature, and a nonce where it is
 * wanted. What a server reads may hold more: several certificates, a requestor's name, a signature, which is not verified.
 *
 * @module
 */

import { type Bytes, type CryptoProvider, copyBytes } from '@handfast/crypto';
import { readAlgorithmIdentifier } from '../algorithms.ts';
import type { Certificate } from '../certificate.ts';
import { type Oid, ocspOids } from '../der/oid.ts';
import { contextConstructed, type DerReader, readDer, tag } from '../der/reader.ts';
import * as der from '../der/writer.ts';
import { malformed } from '../errors.ts';
import type { Extension } from '../extensions.ts';
import { type GeneralName, readGeneralName } from '../names/general.ts';
import { type CertId, type CertIdHash, certIdOf, readCertId } from './cert-id.ts';
import { encodeNonce, nonceLengths, nonceOf, readOptionalExtensions, unknownCritical } from './extensions.ts';

export interface OcspRequestOptions {
  readonly provider: Pick<CryptoProvider, 'name' | 'random' | 'digest' | 'legacyDigests'>;
  /** The certificate to ask about. */
  readonly certificate: Certificate;
  /** The certificate of the CA that issued it. */
  readonly issuer: Certificate;
  /**
   * Binds the response to this request: `true` for 32 random octets (RFC 9654), or octets of one's own, 1 to 128.
   * Absent: none, so that responders may answer from a cache (RFC 5019 §4); many ignore it anyway.
   */
  readonly nonce?: boolean | Uint8Array | undefined;
  /** For the CertID. Unless set: SHA-1, the one that every responder knows, where the provider has it, else SHA-256. */
  readonly hash?: CertIdHash | undefined;
}

/**
 * A request for the status of one certificate, DER: the body of a POST of `application/ocsp-request`. The nonce, where
 * one was made, is read back from it by `parseOcspRequest`.
 *
 * @throws RangeError where `issuer` does not have the issuer's name, or a nonce is too long
 *
 * @example
 * ```ts
 * const request = ocspRequest({ provider, certificate, issuer });
 * const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/ocsp-request' }, body: request });
 * ```
 */
export function ocspRequest({ provider, certificate, issuer, nonce = false, hash }: OcspRequestOptions): Bytes {
  const { raw } = certIdOf(provider, certificate, issuer, hash);
  const octets = nonce === true ? provider.random(nonceLengths.sent) : nonce;
  return der.sequence(
    der.sequence(
      der.sequence(der.sequence(raw)),
      ...(octets === false ? [] : [der.explicit(2, der.sequence(encodeNonce(octets)))]),
    ),
  );
}

/** What a client asks. */
export interface OcspRequest {
  /** All of its DER. */
  readonly raw: Bytes;
  readonly requests: readonly OcspSingleRequest[];
  readonly nonce: Bytes | undefined;
  readonly requestorName: GeneralName | undefined;
  readonly extensions: readonly Extension[];
  /** Critical extensions, of the request or one certificate, that are not processed here: answer `malformedRequest`. */
  readonly unknownCriticalExtensions: readonly Oid[];
  /** Whether it bears a signature, which says nothing: nobody has verified it. */
  readonly signed: boolean;
}

export interface OcspSingleRequest {
  readonly certId: CertId;
  readonly extensions: readonly Extension[];
}

/** Certificates in one request. RFC 5019 §2.1.1 has one; a responder shall not be made to look up thousands. */
const maxRequests = 256;

const what = 'OCSP request';

/**
 * A request from its DER; the bytes are copied. For servers.
 *
 * @throws CertificateError `malformed`: answer `ocspErrorResponse('malformedRequest')`
 *
 * @example
 * ```ts
 * const { requests, nonce } = parseOcspRequest(body);
 * ```
 */
export function parseOcspRequest(bytes: Uint8Array): OcspRequest {
  const raw = copyBytes(bytes);
  return readDer(raw, what, (reader) => {
    const request = reader.sequence();
    const fields = readTbsRequest(request.sequence());
    const signed = readSignature(request);
    request.end();
    return { raw, ...fields, signed };
  });
}

/**
 * ```
 * TBSRequest      ::=     SEQUENCE {
 *     version             [0]     EXPLICIT Version DEFAULT v1,
 *     requestorName       [1]     EXPLICIT GeneralName OPTIONAL,
 *     requestList                 SEQUENCE OF Request,
 *     requestExtensions   [2]     EXPLICIT Extensions OPTIONAL }
 * ```
 */
function readTbsRequest(tbs: DerReader): Omit<OcspRequest, 'raw' | 'signed'> {
  if (tbs.nextTag === contextConstructed(0))
    throw malformed(what, 'a version, which is 1 by default and may only be 1');
  let requestorName: GeneralName | undefined;
  if (tbs.nextTag === contextConstructed(1)) {
    const wrapper = tbs.inside(contextConstructed(1));
    requestorName = readGeneralName(wrapper, what);
    wrapper.end();
  }
  const list = tbs.sequence();
  const requests = list.list(() => {
    const request = list.sequence();
    const single = { certId: readCertId(request), extensions: readOptionalExtensions(request, 0, what) };
    request.end();
    return single;
  });
  if (requests.length === 0) throw malformed(what, 'no certificate is asked about');
  if (requests.length > maxRequests) {
    throw malformed(what, `${requests.length} certificates, over the limit of ${maxRequests}`);
  }
  const extensions = readOptionalExtensions(tbs, 2, what);
  tbs.end();
  return {
    requests,
    requestorName,
    extensions,
    nonce: nonceOf(extensions, what),
    unknownCriticalExtensions: [
      ...unknownCritical(extensions, [ocspOids.nonce]),
      ...requests.flatMap((single) => unknownCritical(single.extensions, [])),
    ],
  };
}

/**
 * ```
 * optionalSignature   [0]     EXPLICIT Signature OPTIONAL
 * Signature       ::=     SEQUENCE {
 *     signatureAlgorithm      AlgorithmIdentifier,
 *     signature               BIT STRING,
 *     certs               [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
 * ```
 */
function readSignature(request: DerReader): boolean {
  if (request.nextTag !== contextConstructed(0)) return false;
  const wrapper = request.inside(contextConstructed(0));
  const signature = wrapper.sequence();
  readAlgorithmIdentifier(signature, what);
  signature.octetAlignedBitString();
  if (signature.nextTag === contextConstructed(0)) {
    const certificates = signature.inside(contextConstructed(0));
    certificates.element(tag.sequence);
    certificates.end();
  }
  signature.end();
  wrapper.end();
  return true;
}
