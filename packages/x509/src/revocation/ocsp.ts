/**
 * What an OCSP response says about a certificate (RFC 6960 §3.2), once everything about it has been checked: that it is
 * about that certificate, who signed it and by whose leave, when, and in answer to what.
 *
 * A response is signed by the key that issued the certificate, or by a responder that this key has certified for it
 * (§4.2.2.2); nobody else is believed, and no responder's own path is built. Fetching, caching, and what an unknown status
 * shall mean are elsewhere.
 *
 * @module
 */

import { type CryptoProvider, equalBytes, type MaybePromise, runSettling, type Settling } from '@handfast/crypto';
import { type Certificate, nameOf, readable } from '../certificate.ts';
import { extensionLabel, extensionOids, keyPurposeOids, type Oid } from '../der/oid.ts';
import { readDer } from '../der/reader.ts';
import { CertificateError } from '../errors.ts';
import { keyLabel } from '../keys.ts';
import { sameName } from '../names/directory.ts';
import { CertIdMatcher, digestOf, keyBitsOf } from '../ocsp/cert-id.ts';
import {
  type BasicOcspResponse,
  type OcspErrorStatus,
  type OcspResponse,
  type OcspSingleResponse,
  parseOcspResponse,
} from '../ocsp/response.ts';
import { modulusRefusal, type PathPolicy } from '../path/check.ts';
import type { Profile } from '../path/profile.ts';
import {
  algorithmRefusal,
  type SignatureProvider,
  type Signed,
  verifyLegacySignature,
  verifySignature,
} from '../path/signature.ts';
import { isoTime, quote } from '../text.ts';
import type { RevocationAnswer } from './status.ts';

export interface OcspAnswerOptions {
  readonly provider: SignatureProvider & Pick<CryptoProvider, 'digest' | 'legacyDigests'>;
  /** The certificate whose status is asked. */
  readonly certificate: Certificate;
  /** The certificate of the CA that issued it, from a verified path: who speaks for it is taken from here. */
  readonly issuer: Certificate;
  /** Parsed, or its DER. */
  readonly response: OcspResponse | Uint8Array;
  /** Where it came from: what the answer will say, and how messages call it. */
  readonly source: 'ocsp' | 'staple';
  /** The clock. */
  readonly time: Date;
  /** Milliseconds by which the responder's clock may be off; 5 minutes unless set. */
  readonly clockSkewMs?: number | undefined;
  /**
   * Milliseconds that an answer may be old, by its thisUpdate. Unless set: as long as its nextUpdate says, and 8 hours
   * where it has none.
   */
  readonly maxAgeMs?: number | undefined;
  /** The request's nonce. A response with another is refused. */
  readonly nonce?: Uint8Array | undefined;
  /** Whether a response without nonce is refused too. Off: most responders send what they have signed beforehand. */
  readonly requireNonce?: boolean | undefined;
  /**
   * Whether a delegated responder's certificate must have ocspNoCheck. Its status is never asked for: without the
   * extension, RFC 6960 §4.2.2.2.1 leaves it to the client, and on that ground it is taken unless this is set.
   */
  readonly requireNoCheck?: boolean | undefined;
  /** Which signatures and keys are taken: the same rules as for certificates. */
  readonly policy?: PathPolicy | undefined;
  readonly profile?: Profile | undefined;
}

/** OpenSSL's `ocsp` allows as much (its MAX_VALIDITY_PERIOD). */
const defaultClockSkewMs = 5 * 60_000;

/** The shortest interval that the CA/Browser Forum lets a responder name (Baseline Requirements §4.9.10). */
const defaultMaxAgeMs = 8 * 3_600_000;

/**
 * What a response says about a certificate. A response that may not be used is an answer too: `unknown`, with the reason
 * in words. Synchronous where the provider is. At most 9 candidates for the signer are tried, and two signatures each.
 *
 * @throws CertificateError (or rejects with it): `malformed` where the response's bytes are no response
 * @throws RangeError for a `time` that is none, and where `issuer` does not have the issuer's name
 *
 * @example
 * ```ts
 * const answer = await checkOcspResponse({ provider, certificate, issuer, response, source: 'ocsp', time: new Date() });
 * if (answer.status === 'revoked') throw new Error(`revoked at ${answer.revokedAt}: ${answer.reason}`);
 * ```
 */
export function checkOcspResponse(options: OcspAnswerOptions): MaybePromise<RevocationAnswer> {
  return runSettling(ocspAnswer(options));
}

/** `checkOcspResponse` as a computation, for callers that are one themselves. */
export function* ocspAnswer(options: OcspAnswerOptions): Settling<RevocationAnswer> {
  const { response, certificate, issuer, time } = options;
  if (Number.isNaN(time.getTime())) throw new RangeError('the time to check an OCSP response at is no date');
  if (!sameName(certificate.issuer, issuer.subject)) {
    throw new RangeError('the issuer given is not the one that the certificate names');
  }
  const parsed = response instanceof Uint8Array ? parseOcspResponse(response) : response;
  const who = `${options.source === 'staple' ? 'stapled ' : ''}OCSP response for ${nameOf(certificate)}`;
  if (parsed.status !== 'successful') return unknown(`${who}: ${errorTexts[parsed.status]}`);
  const { basic } = parsed;
  // Everything cheap comes before the signature; nothing is believed before it.
  const found = choose(basic, options);
  const why = wholeRefusal(basic, options) ?? ('why' in found ? found.why : undefined);
  if (why !== undefined || 'why' in found) return unknown(`${who} ${why}`);
  const unsigned = yield* signerRefusal(basic, options, who);
  return unsigned === undefined ? answerOf(found.single, options, who) : unknown(unsigned);
}

const errorTexts: Readonly<Record<OcspErrorStatus, string>> = {
  malformedRequest: 'the responder could not read our request (malformedRequest)',
  internalError: 'the responder has an internal error; ask again later (internalError)',
  tryLater: 'the responder cannot answer now; ask again later (tryLater)',
  sigRequired: 'the responder answers signed requests only, and we do not sign (sigRequired)',
  unauthorized: 'the responder has no answer for this certificate, or not for us (unauthorized)',
};

function unknown(why: string): RevocationAnswer {
  return { status: 'unknown', why };
}

/** With times of its own: a response may be kept, and its dates could be changed. */
function answerOf(single: OcspSingleResponse, { source }: OcspAnswerOptions, who: string): RevocationAnswer {
  const { status } = single;
  if (status.kind === 'unknown') return unknown(`${who}: the responder does not know this certificate`);
  const thisUpdate = new Date(single.thisUpdate);
  const nextUpdate = single.nextUpdate && new Date(single.nextUpdate);
  if (status.kind === 'good') return { status: 'good', source, thisUpdate, nextUpdate };
  const { revokedAt, reason } = status;
  return { status: 'revoked', source, thisUpdate, nextUpdate, revokedAt: new Date(revokedAt), reason };
}

/** What is wrong with the response, whatever it says of the certificate. */
function wholeRefusal(
  basic: BasicOcspResponse,
  { nonce, requireNonce = false }: OcspAnswerOptions,
): string | undefined {
  const [critical] = basic.unknownCriticalExtensions;
  if (critical !== undefined) return `has the critical extension ${critical}, which we do not know`;
  if (nonce === undefined) return undefined;
  if (basic.nonce === undefined) return requireNonce ? 'has no nonce, but our request had one' : undefined;
  return equalBytes(basic.nonce, nonce) ? undefined : "answers another request: its nonce is not our request's";
}

/** The answer to go by: one that revokes before any other, else the first that may be used. */
function choose(
  { responses }: BasicOcspResponse,
  options: OcspAnswerOptions,
): { readonly single: OcspSingleResponse } | { readonly why: string } {
  const matcher = new CertIdMatcher(options.provider, options.certificate, options.issuer);
  const about = responses.filter(({ certId }) => matcher.matches(certId));
  const usable = about.filter((single) => singleRefusal(single, options) === undefined);
  const single = usable.find(({ status }) => status.kind === 'revoked') ?? usable[0];
  if (single !== undefined) return { single };
  const [first] = about;
  const why = first === undefined ? undefined : singleRefusal(first, options);
  return { why: why ?? `is about ${responses.length === 1 ? 'another certificate' : 'other certificates'}` };
}

/** RFC 6960 §4.2.2.1. */
function singleRefusal(
  { thisUpdate, nextUpdate, unknownCriticalExtensions: [critical] }: OcspSingleResponse,
  { time, clockSkewMs = defaultClockSkewMs, maxAgeMs }: OcspAnswerOptions,
): string | undefined {
  if (critical !== undefined) return `has the critical extension ${critical}, which we do not know`;
  const now = time.getTime();
  const from = thisUpdate.getTime();
  if (from > now + clockSkewMs) {
    return `is not valid yet: it begins at ${isoTime(thisUpdate)}, and our clock says ${isoTime(time)}`;
  }
  if (nextUpdate !== undefined && nextUpdate.getTime() < from) {
    return `ends at ${isoTime(nextUpdate)}, before it begins at ${isoTime(thisUpdate)}`;
  }
  if (nextUpdate !== undefined && nextUpdate.getTime() + clockSkewMs < now) {
    return `is too old: a newer one was due at ${isoTime(nextUpdate)}, and our clock says ${isoTime(time)}`;
  }
  const limitMs = maxAgeMs ?? (nextUpdate === undefined ? defaultMaxAgeMs : undefined);
  if (limitMs === undefined || now - from <= limitMs + clockSkewMs) return undefined;
  const without = nextUpdate === undefined && maxAgeMs === undefined ? ' from one that does not say when it ends' : '';
  return `is too old: it is of ${isoTime(thisUpdate)}, and we take ${limitMs / 1000} seconds${without}`;
}

/** Why the response is not signed by who may sign it, in a sentence; `undefined` where it is. */
function* signerRefusal(
  basic: BasicOcspResponse,
  options: OcspAnswerOptions,
  who: string,
): Settling<string | undefined> {
  const { issuer, provider, policy = {}, profile } = options;
  const algorithm = algorithmRefusal(() => who, basic, provider, { policy, profile });
  if (algorithm !== undefined) return algorithm.message;
  // The issuer first: then the certificates of the response are not even parsed.
  let why: string | undefined;
  if (mayBeNamed(basic, issuer, options)) {
    why = yield* signatureRefusal(who, basic, issuer, options);
    if (why === undefined) return undefined;
  }
  const delegates = readable(() => basic.certificates);
  if (delegates === undefined) return why ?? `${who} has certificates in it that cannot be read`;
  for (const delegate of delegates) {
    if (!mayBeNamed(basic, delegate, options) || equalBytes(delegate.spki, issuer.spki)) continue;
    why =
      delegateRefusal(who, delegate, options) ??
      (yield* certificateRefusal(who, delegate, options)) ??
      (yield* signatureRefusal(who, basic, delegate, options));
    if (why === undefined) return undefined;
  }
  return (
    why ?? `${who} is signed by a responder whose certificate is not in it, and who is not ${nameOf(issuer)} itself`
  );
}

/** Whether the response's responder may be this one; a name by key says nothing where the provider has no SHA-1. */
function mayBeNamed({ responderId }: BasicOcspResponse, signer: Certificate, { provider }: OcspAnswerOptions): boolean {
  if (responderId.kind === 'name') return sameName(responderId.name, signer.subject);
  const sha1 = digestOf(provider, 'sha1');
  return sha1 === undefined || equalBytes(sha1(keyBitsOf(signer.spki)), responderId.keyHash);
}

/** Extensions that matter to a responder's certificate, or cannot: that they are critical is no reason to refuse. */
const processed: ReadonlySet<Oid> = new Set<Oid>([
  extensionOids.basicConstraints,
  extensionOids.keyUsage,
  extensionOids.extKeyUsage,
  extensionOids.subjectAltName,
  extensionOids.subjectKeyIdentifier,
  extensionOids.authorityKeyIdentifier,
  extensionOids.certificatePolicies,
  extensionOids.ocspNoCheck,
]);

/** RFC 6960 §4.2.2.2: what a delegated responder's certificate must be, before its signature is looked at. */
function delegateRefusal(who: string, delegate: Certificate, options: OcspAnswerOptions): string | undefined {
  const { issuer, time, policy = {}, requireNoCheck = false } = options;
  const responder = `${who} is signed by the responder ${nameOf(delegate)}, whose certificate`;
  try {
    const now = Math.floor(time.getTime() / 1000) * 1000;
    if (!sameName(delegate.issuer, issuer.subject)) {
      return `${responder} was issued by ${quote(delegate.issuer.toString())}, not by ${nameOf(issuer)} itself`;
    }
    if (delegate.extendedKeyUsage?.includes(keyPurposeOids.ocspSigning) !== true) {
      return `${responder} is not for ocspSigning`;
    }
    if (delegate.keyUsage?.has('digitalSignature') === false) return `${responder} is not for digitalSignature`;
    if (now < delegate.notBefore.getTime()) return `${responder} is not valid before ${isoTime(delegate.notBefore)}`;
    if (now > delegate.notAfter.getTime()) return `${responder} expired at ${isoTime(delegate.notAfter)}`;
    const critical = delegate.extensions.find((extension) => extension.critical && !processed.has(extension.oid));
    if (critical !== undefined) {
      return `${responder} has the critical extension ${extensionLabel(critical.oid)}, which we do not process`;
    }
    if (requireNoCheck && !hasNoCheck(delegate)) {
      return `${responder} has no ocspNoCheck, so that its own status would have to be asked`;
    }
    const { type, bits } = delegate.publicKey;
    if (type !== 'rsa' && type !== 'rsa-pss') return undefined;
    const weak = modulusRefusal(delegate, type === 'rsa' ? 'RSA' : 'RSA-PSS', bits, policy);
    return weak === undefined ? undefined : `${responder} has a weak key: ${keyLabel(delegate.publicKey)}`;
  } catch (error) {
    if (error instanceof CertificateError) return `${responder} cannot be used: ${error.message}`;
    throw error;
  }
}

/** id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1), whose "value … SHALL be NULL". */
function hasNoCheck(delegate: Certificate): boolean {
  const extension = delegate.extension('ocspNoCheck');
  if (extension === undefined) return false;
  readDer(extension.value, extensionLabel(extension.oid), (reader) => reader.null());
  return true;
}

/** Why a delegated responder's certificate is not the issuer's. */
function* certificateRefusal(
  who: string,
  delegate: Certificate,
  options: OcspAnswerOptions,
): Settling<string | undefined> {
  const { issuer, provider, policy = {}, profile } = options;
  const responder = `certificate of the responder ${nameOf(delegate)}`;
  const algorithm = algorithmRefusal(() => responder, delegate, provider, { policy, profile });
  if (algorithm !== undefined) return `${who}: ${algorithm.message}`;
  return yield* signatureRefusal(`${who}: the ${responder}`, delegate, issuer, options);
}

function* signatureRefusal(
  what: string,
  { tbs, signature, signatureAlgorithm: algorithm, legacySignatureAlgorithm: legacy }: Signed,
  signer: Certificate,
  { provider }: OcspAnswerOptions,
): Settling<string | undefined> {
  try {
    const good =
      algorithm !== undefined
        ? yield* verifySignature(provider, signer.publicKey, algorithm, tbs, signature)
        : legacy !== undefined && (yield* verifyLegacySignature(provider, signer.spki, legacy, tbs, signature));
    return good ? undefined : `${what} is not signed by the key of ${nameOf(signer)}: the signature does not verify`;
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return `${what}: its signature cannot be checked: ${error.message}`;
  }
}
