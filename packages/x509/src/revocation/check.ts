/**
 * Whether the certificates of a verified path have been revoked: what is asked, in which order, and what follows. First
 * everything that is at hand (a staple, OCSP responses and CRLs that were given, the cache); then, where a fetcher was
 * given, what the certificates point to, for all of them at once.
 *
 * The path is verified before any of this runs, so nothing is fetched on the word of a certificate that nobody signed.
 * What one source says is for `ocsp.ts` and `crl.ts`; which error or verdict it makes is decided here.
 *
 * @module
 */

import {
  type Bytes,
  type CryptoProvider,
  isThenable,
  type MaybePromise,
  runSettling,
  type Settling,
  settle,
} from '@handfast/crypto';
import { authorityInfoAccessOf, demandsStaple } from '../access.ts';
import { type Certificate, nameOf, readable } from '../certificate.ts';
import { type Crl, parseCrls } from '../crl.ts';
import { type DistributionPoint, distributionPointsOf, httpUrlsOf } from '../distribution-points.ts';
import { CertificateError } from '../errors.ts';
import { type AbortSignalLike, type Fetcher, type FetchRequest, reasonOf } from '../fetch.ts';
import { certIdKey, certIdOf } from '../ocsp/cert-id.ts';
import { ocspRequest } from '../ocsp/request.ts';
import { type OcspResponse, parseOcspResponse } from '../ocsp/response.ts';
import type { PathPolicy } from '../path/check.ts';
import type { Profile } from '../path/profile.ts';
import type { SignatureProvider } from '../path/signature.ts';
import { isoTime } from '../text.ts';
import type { CachedStatus, RevocationCache } from './cache.ts';
import { crlAnswer } from './crl.ts';
import { ocspAnswer } from './ocsp.ts';
import type { RevocationAnswer, RevocationSource, RevocationVerdict } from './status.ts';

/** How revocation is to be looked at. */
export interface RevocationOptions {
  /**
   * `prefer`: a revoked certificate is refused, and one of which nothing is known passes, its verdict saying why nothing
   * is. `require`: that is refused as well. `off`: nothing is looked at.
   */
  readonly mode: 'off' | 'prefer' | 'require';
  /** Whose status is asked: `chain`, all certificates but the anchor, unless set. */
  readonly scope?: 'leaf' | 'chain' | undefined;
  /** The OCSP response that the peer stapled for the leaf. */
  readonly staple?: Uint8Array | undefined;
  /**
   * Whether a leaf that demands a staple (RFC 7633) is refused without a good one: so unless set to `false`, as where
   * there is no handshake and nobody could have stapled.
   */
  readonly mustStaple?: boolean | undefined;
  readonly crls?: readonly Crl[] | undefined;
  /** OCSP responses that are at hand, DER. */
  readonly ocsp?: readonly Uint8Array[] | undefined;
  /** How to ask for more. Absent: nothing is fetched. */
  readonly fetch?: Fetcher | undefined;
  /** In which order to fetch. Unless set: OCSP first for the leaf, CRLs first for CAs, whose lists are short. */
  readonly sources?: readonly ('ocsp' | 'crl')[] | undefined;
  /** Keeps what was fetched. */
  readonly cache?: RevocationCache | undefined;
  /** Milliseconds by which other clocks may differ from ours; 5 minutes unless set, as OpenSSL's `ocsp` allows. */
  readonly clockSkewMs?: number | undefined;
  /** Milliseconds for one fetch. Unless set, Firefox's: 2 seconds for `prefer`, 10 for `require`. */
  readonly timeoutMs?: number | undefined;
  /** Sends a nonce with OCSP requests (RFC 9654); a response with another is refused, and none is taken from the cache. */
  readonly nonce?: boolean | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

/** What looking at revocation takes of a provider, beside signatures. */
export type RevocationProvider = Pick<CryptoProvider, 'random' | 'digest' | 'legacyDigests'>;

export interface RevocationCheck {
  readonly provider: SignatureProvider & RevocationProvider;
  /** A verified path, from the leaf to the anchor. */
  readonly path: readonly Certificate[];
  /** The clock. */
  readonly time: Date;
  readonly revocation: RevocationOptions;
  /** Which signatures and keys are taken: the same rules as for certificates. */
  readonly policy?: PathPolicy | undefined;
  readonly profile?: Profile | undefined;
  /** Where signers of CRLs are looked for that are not in the path: whatever else was sent. */
  readonly candidates?: readonly Certificate[] | undefined;
  /** The path of such a signer to the anchor of `path`. Absent: lists by others than the path's CAs are not used. */
  readonly pathOf?: ((crlIssuer: Certificate) => Settling<readonly Certificate[] | undefined>) | undefined;
}

/** OpenSSL's `ocsp` allows as much (its MAX_VALIDITY_PERIOD). */
const defaultClockSkewMs = 5 * 60_000;

/** Firefox's `security.OCSP.timeoutMilliseconds.soft` and `.hard`. */
const defaultTimeoutMs = { prefer: 2_000, require: 10_000 } as const;

/** What the parser of responses takes at most. */
const maxOcspBytes = 1 << 16;

/** The largest public CRLs have some 10 MB; whoever needs larger ones gives them as `crls`. */
const maxCrlBytes = 16 << 20;

/** URLs of a kind that are followed for one certificate: real ones have one or two. */
const maxUrls = 4;

/** What a verification that is done with its path asks: everything but how revocation is to be looked at. */
export interface RevocationQuestion extends Omit<RevocationCheck, 'revocation'> {
  readonly staple?: Uint8Array | undefined;
  readonly signal?: AbortSignalLike | undefined;
}

/**
 * How `verifyCertificate` and TLS look at revocation. A value that is passed in, so that a program which does not look has
 * none of this in it.
 */
export interface Revocation {
  (question: RevocationQuestion): Settling<readonly RevocationVerdict[]>;
  /** Whether it may fetch, so that a signal to end that is worth making. */
  readonly fetches: boolean;
}

/**
 * How revocation is to be looked at, for `verifyCertificate` and for TLS.
 *
 * @example
 * ```ts
 * const looking = revocation({ mode: 'require', fetch: httpFetcher(), cache: new RevocationCache() });
 * await verifyCertificate({ provider, leaf, intermediates, trust, time, usage: 'serverAuth', revocation: looking });
 * ```
 */
export function revocation(options: RevocationOptions): Revocation {
  const look = ({ staple = options.staple, signal = options.signal, ...check }: RevocationQuestion) =>
    revocationVerdicts({ ...check, revocation: { ...options, staple, signal } });
  return Object.assign(look, { fetches: options.fetch !== undefined });
}

/**
 * What is known of the revocation of each certificate of a verified path, leaf first, the anchor's left out. Synchronous
 * where nothing is fetched and the provider is.
 *
 * @throws CertificateError (or rejects with it): `revoked`; `revocation_unknown` for mode `require`;
 * `bad_status_response` for a staple that is none, or that the leaf demands and that says nothing good
 * @throws RangeError for a `time` that is none
 *
 * @example
 * ```ts
 * const [verdict] = await checkRevocation({
 *   provider, path, time: new Date(), revocation: { mode: 'require', crls: parseCrls(await readFile('ca.crl')) },
 * });
 * console.log(verdict?.answer.status);
 * ```
 */
export function checkRevocation(check: RevocationCheck): MaybePromise<readonly RevocationVerdict[]> {
  return runSettling(revocationVerdicts(check));
}

/** `checkRevocation` as a computation, for callers that are one themselves. */
export function* revocationVerdicts(check: RevocationCheck): Settling<readonly RevocationVerdict[]> {
  const { path, revocation, time } = check;
  if (Number.isNaN(time.getTime())) throw new RangeError('the time to check revocation at is no date');
  if (revocation.mode === 'off') return [];
  const work = new Work(check);
  const inScope = path.slice(0, revocation.scope === 'leaf' ? 1 : -1).slice(0, path.length - 1);
  const subjects = inScope.map((certificate, index) => new Subject(certificate, index));
  for (const subject of subjects) yield* work.askAtHand(subject);
  refuse(subjects, check, revokedRefusal, stapleRefusal);
  if (revocation.fetch !== undefined) {
    const open = subjects.filter(({ answer }) => answer === undefined);
    yield* allSettled(open.map((subject) => runLater(work.askOutside(subject))));
  }
  refuse(subjects, check, revokedRefusal, unknownRefusal);
  return Object.freeze(subjects.map(verdictOf));
}

/** A certificate whose status is asked for, and what has been found so far. */
class Subject {
  readonly certificate: Certificate;
  /** Its place in the path. */
  readonly index: number;
  /** Why sources could not be used, each in words. */
  readonly tried: string[] = [];
  /** Never unknown: that is what `tried` is for. */
  answer: Known | undefined;

  constructor(certificate: Certificate, index: number) {
    this.certificate = certificate;
    this.index = index;
  }

  /** Takes an answer, or why it is none. Whether it was one. */
  take(answer: RevocationAnswer): boolean {
    if (answer.status === 'unknown') {
      this.tried.push(answer.why);
      return false;
    }
    if (this.answer === undefined || outweighs(answer, this.answer)) this.answer = answer;
    return true;
  }
}

type Known = Exclude<RevocationAnswer, { status: 'unknown' }>;

/**
 * Whether an answer counts for more than another: being revoked is for good, whichever source knows; being held is not, so
 * there the newer answer counts.
 */
function outweighs(answer: Known, other: Known): boolean {
  if (isForGood(answer) || isForGood(other)) return isForGood(answer) && !isForGood(other);
  return answer.status !== other.status && answer.thisUpdate.getTime() >= other.thisUpdate.getTime();
}

function isForGood(answer: Known): boolean {
  return answer.status === 'revoked' && answer.reason !== 'certificateHold';
}

function verdictOf({ certificate, answer, tried }: Subject): RevocationVerdict {
  const unknown: RevocationAnswer = { status: 'unknown', why: whyUnknown(tried) };
  return Object.freeze({ certificate, answer: answer ?? unknown });
}

function whyUnknown(tried: readonly string[]): string {
  return tried.length === 0 ? nothingTried : [...new Set(tried)].join('; ');
}

const nothingTried = 'no CRL or OCSP response for it is at hand, and none was fetched';

class Work {
  readonly #check: RevocationCheck;
  readonly #revocation: RevocationOptions;
  readonly #given: readonly Crl[];
  /** CRLs by URL that this check asks for: certificates that share one share its fetch. */
  readonly #fetching = new Map<string, MaybePromise<CachedStatus>>();

  constructor(check: RevocationCheck) {
    this.#check = check;
    this.#revocation = check.revocation;
    this.#given = check.revocation.crls ?? [];
  }

  /** Staple, responses, lists: all of them, since one may know of a revocation that another is too old for. */
  *askAtHand(subject: Subject): Settling<void> {
    const { staple, ocsp = [], fetch } = this.#revocation;
    if (subject.index === 0 && staple !== undefined) {
      const response = parsedStaple(staple, subject.certificate);
      subject.take(yield* this.#ocspAnswer(subject, response, 'staple'));
    }
    for (const response of ocsp) subject.take(yield* this.#ocspAnswer(subject, response, 'ocsp'));
    if (this.#given.length > 0) subject.take(yield* this.#crlAnswer(subject, this.#given));
    if (subject.answer === undefined && fetch === undefined) yield* this.#askCache(subject);
  }

  /** OCSP responders and distribution points, by the network; what the cache has costs none. */
  *askOutside(subject: Subject): Settling<void> {
    const order = this.#revocation.sources ?? (subject.index === 0 ? ['ocsp', 'crl'] : ['crl', 'ocsp']);
    for (const source of order) {
      if (subject.answer === undefined)
        yield* source === 'ocsp' ? this.#askResponder(subject) : this.#askPoints(subject);
    }
  }

  /** What an earlier check fetched, for a check that may not fetch itself. */
  *#askCache(subject: Subject): Settling<void> {
    const { cache } = this.#revocation;
    if (cache === undefined) return;
    const kept = cache.get(this.#ocspKey(subject), this.#check.time);
    if (kept?.kind === 'ocsp' && subject.take(yield* this.#ocspAnswer(subject, kept.response, 'ocsp'))) return;
    const crls = crlUrls(subject.certificate).flatMap((url) => {
      const found = cache.get(url, this.#check.time);
      return found?.kind === 'crl' ? found.crl : [];
    });
    if (crls.length > 0) subject.take(yield* this.#crlAnswer(subject, crls));
  }

  *#askResponder(subject: Subject): Settling<void> {
    const { certificate } = subject;
    const { cache, nonce: withNonce = false } = this.#revocation;
    const urls = (readable(() => authorityInfoAccessOf(certificate).ocspUrls) ?? []).filter(isHttp).slice(0, maxUrls);
    if (urls.length === 0) return;
    const key = this.#ocspKey(subject);
    const kept = withNonce ? undefined : cache?.get(key, this.#check.time);
    if (kept?.kind === 'ocsp' && subject.take(yield* this.#ocspAnswer(subject, kept.response, 'ocsp'))) return;
    if (kept?.kind === 'failure') {
      subject.tried.push(kept.why);
      return;
    }
    const before = subject.tried.length;
    for (const url of urls) {
      const found = yield* this.#askUrl(subject, url);
      if (found === undefined) continue;
      cache?.keep(key, { kind: 'ocsp', response: found }, subject.answer?.nextUpdate);
      return;
    }
    if (this.#revocation.signal?.aborted === true) return;
    cache?.fail(key, whyUnknown(subject.tried.slice(before)), this.#check.time);
  }

  /** The response that answered, after the subject has taken its answer. */
  *#askUrl(subject: Subject, url: string): Settling<OcspResponse | undefined> {
    const { provider, path } = this.#check;
    const issuer = issuerIn(path, subject);
    const nonce = this.#revocation.nonce === true ? provider.random(32) : undefined;
    const body = ocspRequest({ provider, certificate: subject.certificate, issuer, nonce });
    const type = 'application/ocsp-request';
    const accept = 'application/ocsp-response';
    try {
      const bytes = yield* this.#fetch({
        url,
        method: 'POST',
        body,
        contentType: type,
        accept,
        maxBytes: maxOcspBytes,
      });
      const response = parseOcspResponse(bytes);
      return subject.take(yield* this.#ocspAnswer(subject, response, 'ocsp', nonce)) ? response : undefined;
    } catch (error) {
      subject.tried.push(reasonOf(error));
      return undefined;
    }
  }

  /** Every point's list, with what was given (deltas to it, say), and then the lists' deltas. */
  *#askPoints(subject: Subject): Settling<void> {
    const points = readable(() => distributionPointsOf(subject.certificate)) ?? [];
    const lists: Crl[] = [];
    let answer: RevocationAnswer | undefined;
    for (const point of points.slice(0, maxUrls)) {
      const crl = yield* this.#listOf(point, subject);
      if (crl === undefined) continue;
      lists.push(crl);
      const [freshest] = readable(() => crl.freshestCrl) ?? [];
      const delta = freshest && (yield* this.#listOf(freshest, subject));
      if (delta !== undefined) lists.push(delta);
      // Most certificates need one list; several share out the reasons.
      answer = yield* this.#crlAnswer(subject, [...lists, ...this.#given]);
      if (answer.status !== 'unknown') break;
    }
    if (answer !== undefined) subject.take(answer);
  }

  /** The list at one of a point's URLs, which are alternatives. */
  *#listOf(point: DistributionPoint, subject: Subject): Settling<Crl | undefined> {
    for (const url of httpUrlsOf([point]).slice(0, maxUrls)) {
      const found = this.#fetching.get(url) ?? runSettling(this.#fetchCrl(url));
      this.#fetching.set(url, found);
      const status = yield* settle(found);
      if (status.kind === 'crl') return status.crl;
      if (status.kind === 'failure') subject.tried.push(status.why);
    }
    return undefined;
  }

  *#fetchCrl(url: string): Settling<CachedStatus> {
    const { cache } = this.#revocation;
    const { time } = this.#check;
    const kept = cache?.get(url, time);
    if (kept !== undefined) return kept;
    try {
      const accept = 'application/pkix-crl';
      const bytes = yield* this.#fetch({ url, method: 'GET', accept, maxBytes: maxCrlBytes });
      const [crl] = parseCrls(bytes);
      if (crl === undefined) throw new CertificateError('malformed', 'an empty list of CRLs');
      cache?.keep(url, { kind: 'crl', crl }, crl.nextUpdate);
      return { kind: 'crl', crl };
    } catch (error) {
      const why = reasonOf(error);
      // That we were told to stop says nothing about the server.
      if (this.#revocation.signal?.aborted !== true) cache?.fail(url, why, time);
      return { kind: 'failure', why };
    }
  }

  *#fetch(request: Omit<FetchRequest, 'timeoutMs' | 'signal'>): Settling<Bytes> {
    const {
      fetch,
      mode,
      signal,
      timeoutMs = defaultTimeoutMs[mode === 'require' ? 'require' : 'prefer'],
    } = this.#revocation;
    if (fetch === undefined) throw new RangeError('nothing is fetched without a fetcher');
    return yield* settle(fetch({ ...request, timeoutMs, signal }));
  }

  #ocspKey({ certificate, index }: Subject): string {
    const { provider, path } = this.#check;
    return `ocsp:${certIdKey(certIdOf(provider, certificate, issuerIn(path, { index }), 'sha256'))}`;
  }

  *#ocspAnswer(
    { certificate, index }: Subject,
    response: OcspResponse | Uint8Array,
    source: 'ocsp' | 'staple',
    nonce?: Uint8Array,
  ): Settling<RevocationAnswer> {
    const { provider, path, time, policy, profile } = this.#check;
    const { clockSkewMs = defaultClockSkewMs } = this.#revocation;
    const issuer = issuerIn(path, { index });
    const options = { provider, certificate, issuer, response, source, time, clockSkewMs, nonce, policy, profile };
    try {
      return yield* ocspAnswer(options);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      return { status: 'unknown', why: error.message };
    }
  }

  *#crlAnswer({ index }: Subject, crls: readonly Crl[]): Settling<RevocationAnswer> {
    const { provider, path, time, policy = {}, profile, candidates = [] } = this.#check;
    const pathOf = (signer: Certificate): Settling<readonly Certificate[] | undefined> =>
      this.#unrevokedPathOf(signer, crls);
    const { clockSkewMs = defaultClockSkewMs } = this.#revocation;
    const rules = { policy, profile };
    return yield* crlAnswer({ provider, path, index, crls, time, clockSkewMs, rules, pathOf, candidates });
  }

  /**
   * The path of a signer of lists that stands outside the path. Nothing in it may be revoked, as far as the same lists tell
   * by the signatures of its own CAs: no list is looked for on its behalf (RFC 5280 §6.3.3 (f)).
   */
  *#unrevokedPathOf(signer: Certificate, crls: readonly Crl[]): Settling<readonly Certificate[] | undefined> {
    const { pathOf } = this.#check;
    const path = pathOf && (yield* pathOf(signer));
    if (path === undefined) return undefined;
    const { provider, time, policy = {}, profile } = this.#check;
    const { clockSkewMs = defaultClockSkewMs } = this.#revocation;
    const common = { provider, path, crls, time, clockSkewMs, rules: { policy, profile }, candidates: [] };
    for (let index = 0; index + 1 < path.length; index++) {
      const answer = yield* crlAnswer({ ...common, index, pathOf: nowhere });
      if (answer.status === 'revoked') return undefined;
    }
    return path;
  }
}

/** Nobody but the path's own certificates signs lists. */
function nowhere(): Settling<readonly Certificate[] | undefined> {
  return settle<readonly Certificate[] | undefined>(undefined);
}

function issuerIn(path: readonly Certificate[], { index }: Pick<Subject, 'index'>): Certificate {
  const issuer = path[index + 1];
  if (issuer === undefined) throw new RangeError('an anchor has no revocation status');
  return issuer;
}

function parsedStaple(staple: Uint8Array, leaf: Certificate): OcspResponse {
  try {
    return parseOcspResponse(staple);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new CertificateError(
      'bad_status_response',
      `what is stapled to ${certificateFor(leaf)} is no OCSP response: ${error.message}`,
      {
        certificate: leaf,
        hint: 'the server staples something broken: have it fetch a new response',
        cause: error,
      },
    );
  }
}

function crlUrls(certificate: Certificate): readonly string[] {
  return httpUrlsOf(readable(() => distributionPointsOf(certificate)) ?? []).slice(0, maxUrls);
}

function isHttp(url: string): boolean {
  return /^http:/i.test(url);
}

type Refuse = (subject: Subject, check: RevocationCheck) => CertificateError | undefined;

/** Throws the first refusal, by its kind and then from the leaf up. */
function refuse(subjects: readonly Subject[], check: RevocationCheck, ...kinds: readonly Refuse[]): void {
  for (const kind of kinds) {
    for (const subject of subjects) {
      const refusal = kind(subject, check);
      if (refusal !== undefined) throw refusal;
    }
  }
}

function revokedRefusal({ certificate, answer }: Subject, { time }: RevocationCheck): CertificateError | undefined {
  if (answer?.status !== 'revoked') return undefined;
  const { revokedAt, reason, source, thisUpdate } = answer;
  const held = reason === 'certificateHold' ? 'put on hold' : 'revoked';
  const why = reason === 'unspecified' ? 'for a reason that is not given' : `(${reason})`;
  const message = `${certificateFor(certificate)} was ${held} at ${isoTime(revokedAt)} ${why}, says ${sourceTexts[source]} of ${ageOf(thisUpdate, time)}`;
  return new CertificateError('revoked', message, {
    certificate,
    hint: 'its issuer has taken it back: it must be replaced, and whoever still uses it may not be its owner',
  });
}

const sourceTexts: Readonly<Record<RevocationSource, string>> = {
  crl: 'the CRL',
  ocsp: 'the OCSP response',
  staple: 'the stapled OCSP response',
};

function ageOf(thisUpdate: Date, time: Date): string {
  const minutes = Math.floor((time.getTime() - thisUpdate.getTime()) / 60_000);
  if (minutes < 1) return 'just now';
  const [count, unit] =
    minutes < 60
      ? [minutes, 'minute']
      : minutes < 2880
        ? [Math.floor(minutes / 60), 'hour']
        : [Math.floor(minutes / 1440), 'day'];
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}

/** RFC 7633 §4.2.2: a leaf that demands a staple is refused without one, whatever else would speak for it. */
function stapleRefusal(
  { certificate, index, answer, tried }: Subject,
  { revocation }: RevocationCheck,
): CertificateError | undefined {
  const { staple, mustStaple = true } = revocation;
  if (index > 0 || !mustStaple || answer?.source === 'staple' || !demandsStaple(certificate)) return undefined;
  const fact = staple === undefined ? 'none was' : `that which was is not usable: ${tried[0] ?? 'it says nothing'}`;
  return new CertificateError(
    'bad_status_response',
    `${certificateFor(certificate)} demands a stapled OCSP response (RFC 7633), and ${fact}${staple === undefined ? ' sent' : ''}`,
    { certificate, hint: 'have the server staple a current OCSP response' },
  );
}

function unknownRefusal(
  { certificate, answer, tried }: Subject,
  { revocation }: RevocationCheck,
): CertificateError | undefined {
  if (revocation.mode !== 'require' || answer !== undefined) return undefined;
  return new CertificateError(
    'revocation_unknown',
    `it is not known whether ${certificateFor(certificate)} was revoked, and we require to know: ${whyUnknown(tried)}`,
    {
      certificate,
      hint:
        revocation.fetch === undefined
          ? 'give its CRL or OCSP response, or a function that fetches them'
          : 'give its CRL or OCSP response, or look at why they cannot be fetched',
    },
  );
}

function certificateFor(certificate: Certificate): string {
  const isCa = readable(() => certificate.basicConstraints?.ca) === true;
  return `${isCa ? 'the certificate of CA' : 'certificate for'} ${nameOf(certificate)}`;
}

/** Runs a computation until its first promise; what it throws at once it rejects with, so that others are waited for. */
function runLater(computation: Settling<void>): MaybePromise<void> {
  try {
    return runSettling(computation);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Waits for all that are promises, together. */
function* allSettled(values: readonly MaybePromise<void>[]): Settling<void> {
  if (values.some(isThenable)) yield* settle(Promise.all(values));
}
