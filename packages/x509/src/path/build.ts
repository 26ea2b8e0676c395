/**
 * From a leaf to a trust anchor (RFC 4158): a depth-first search over the certificates that a peer sent, in whatever
 * order, and the anchors. Issuers are found by name; key identifiers only decide which is tried first. Cheap rules
 * (`check.ts`) come before the signature; a name with a key stands once in a path, which ends every loop; everything
 * that can multiply is counted (`budget.ts`).
 *
 * Written over `settle`: with a synchronous provider the whole search is synchronous.
 *
 * @module
 */

import {
  CryptoError,
  type CryptoProvider,
  equalBytes,
  type MaybePromise,
  runSettling,
  type Settling,
  type SignatureVerifier,
  settle,
} from '@handfast/crypto';
import { signatureOid, weakSignatureName } from '../algorithms.ts';
import { type Certificate, nameOf, readable, sameCertificate } from '../certificate.ts';
import { CertificateError, type CertificateErrorCode, type RefusedPath } from '../errors.ts';
import { keyFits, keyLabel } from '../keys.ts';
import { sameName } from '../names/directory.ts';
import { quote } from '../text.ts';
import type { TrustStore } from '../trust.ts';
import { type Budget, Spending } from './budget.ts';
import {
  type Context,
  intermediatesIn,
  issuerRefusal,
  leafRefusal,
  nameRefusal,
  type PathPolicy,
  type Purpose,
  type Refusal,
  refusing,
} from './check.ts';
import { type PathCheck, pathChecks } from './report.ts';

export interface VerifyOptions {
  readonly provider: Pick<CryptoProvider, 'name' | 'signatures'>;
  /** The leaf first; the rest in any order, with whatever else was sent. */
  readonly chain: readonly Certificate[];
  readonly trust: TrustStore;
  /** The clock. */
  readonly time: Date;
  readonly purpose: Purpose;
  /** The host name or IP literal that the leaf must be for. Absent: no name is checked. */
  readonly name?: string | undefined;
  readonly budget?: Partial<Budget> | undefined;
  readonly policy?: PathPolicy | undefined;
}

export interface VerifiedPath {
  /** From the leaf to the anchor; one certificate alone where the leaf is itself an anchor. */
  readonly path: readonly Certificate[];
  readonly anchor: Certificate;
  /** What was verified, in words, for people. */
  readonly checks: readonly PathCheck[];
}

/**
 * Verifies that the first certificate of `chain` is good for a purpose (and a name), by a path to a trust anchor.
 * Synchronous where the provider is.
 *
 * Revocation is not looked at.
 *
 * @throws CertificateError (or rejects with it): its `code` is the rule that refused, `paths` all that was tried
 * @throws RangeError for a `time` that is none
 *
 * @example
 * ```ts
 * const { path } = await verifyCertificate({
 *   provider, chain, trust: trustStore([root]), time: new Date(), purpose: 'serverAuth', name: 'db.internal',
 * });
 * ```
 */
export function verifyCertificate(options: VerifyOptions): MaybePromise<VerifiedPath> {
  return runSettling(verify(options));
}

/** `verifyCertificate` as a computation, for callers that are one themselves. */
export function* verify(options: VerifyOptions): Settling<VerifiedPath> {
  const { chain, trust, time, purpose, name, policy = {} } = options;
  if (Number.isNaN(time.getTime())) throw new RangeError('the time to verify at is no date');
  const context: Context = { time, purpose, policy };
  const [leaf, ...others] = chain;
  if (leaf === undefined) throw new CertificateError('no_certificate', 'there is no certificate to verify');
  if (trust.anchors.length === 0) {
    throw new CertificateError('empty_trust', 'the trust store is empty, so no certificate is trusted', {
      certificate: leaf,
      hint: 'give the CA certificates to trust; nothing is trusted by default',
    });
  }
  const pinned = trust.has(leaf);
  const refusal = leafRefusal(leaf, context, pinned);
  if (refusal !== undefined)
    throw refused(refusal, leaf, [
      { certificates: [leaf], rule: refusal.rule, certificate: leaf, message: refusal.message },
    ]);

  const path = pinned ? [leaf] : yield* new Search(options, context, others).run(leaf);

  const mismatch = name === undefined ? undefined : nameRefusal(leaf, name, context);
  if (mismatch !== undefined) throw refused(mismatch, leaf, []);
  const anchor = path.at(-1) ?? leaf;
  return { path, anchor, checks: pathChecks(path, context, name) };
}

/** A possible issuer of a certificate. */
interface Candidate {
  readonly certificate: Certificate;
  readonly position: 'intermediate' | 'anchor';
  /** Whether its subject key identifier is the child's authority key identifier; `undefined`: one is not given. */
  readonly keyIdentifierFits: boolean | undefined;
}

/** How many refused paths an error keeps. */
const maxRefusedPaths = 32;

/** How much a refusal tells: what broke a rule of the right issuer, before what was never the issuer at all. */
function weight(rule: CertificateErrorCode): number {
  if (rule === 'unknown_issuer' || rule === 'self_signed') return 1;
  if (rule === 'bad_signature') return 2;
  return 3;
}

class Search {
  readonly #options: VerifyOptions;
  readonly #context: Context;
  readonly #pool: readonly Certificate[];
  readonly #spending: Spending;
  readonly #refusedPaths: RefusedPath[] = [];
  /** Signatures that were verified before, by child and issuer: paths that meet again do not pay again. */
  readonly #verdicts = new Map<Certificate, Map<Certificate, Refusal | undefined>>();
  #best: { readonly weight: number; readonly refusal: Refusal; readonly certificate: Certificate } | undefined;

  constructor(options: VerifyOptions, context: Context, others: readonly Certificate[]) {
    this.#options = options;
    this.#context = context;
    this.#spending = new Spending(options.budget);
    this.#pool = distinct(others).filter((certificate) => !options.trust.has(certificate));
  }

  *run(leaf: Certificate): Settling<readonly Certificate[]> {
    let path: readonly Certificate[] | undefined;
    try {
      path = yield* this.#extend([leaf], leaf);
    } catch (error) {
      if (!(error instanceof CertificateError) || error.code !== 'budget') throw error;
      throw refused({ rule: 'budget', message: error.message, hint: error.hint }, leaf, this.#refusedPaths);
    }
    if (path !== undefined) return path;
    const best = this.#best ?? {
      refusal: { rule: 'unknown_issuer', message: 'no path was found' } as const,
      certificate: leaf,
    };
    throw refused(best.refusal, best.certificate, this.#refusedPaths);
  }

  /** A path that begins with `path`, whose last certificate is `child`, and ends in an anchor; `undefined`: there is none. */
  *#extend(path: readonly Certificate[], child: Certificate): Settling<readonly Certificate[] | undefined> {
    const candidates = this.#issuersOf(child, path);
    if (candidates.length === 0) this.#refuse(path, child, noIssuer(child, path, this.#context));
    for (const candidate of candidates) {
      this.#spending.spend('candidates');
      const { certificate: issuer, position } = candidate;
      const longer = [...path, issuer];
      const refusal =
        this.#depthRefusal(longer, position) ??
        issuerRefusal(issuer, path, position, this.#context, this.#spending) ??
        (yield* this.#signatureRefusal(child, candidate));
      if (refusal !== undefined) {
        this.#refuse(
          longer,
          refusal.rule === 'bad_signature' || refusal.rule === 'unknown_issuer' ? child : issuer,
          refusal,
          candidate,
        );
        continue;
      }
      if (position === 'anchor') return longer;
      const found = yield* this.#extend(longer, issuer);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Anchors first, then by key identifier, then what is valid now; otherwise as they were given. */
  #issuersOf(child: Certificate, path: readonly Certificate[]): readonly Candidate[] {
    const identifier = readable(() => child.authorityKeyIdentifier?.keyIdentifier);
    const candidateOf =
      (position: Candidate['position']) =>
      (certificate: Certificate): Candidate => {
        const own = readable(() => certificate.subjectKeyIdentifier);
        const keyIdentifierFits =
          own === undefined || identifier === undefined ? undefined : equalBytes(own, identifier);
        return { certificate, position, keyIdentifierFits };
      };
    const now = this.#context.time.getTime();
    const order = ({ certificate, position, keyIdentifierFits }: Candidate): number =>
      (position === 'anchor' ? 0 : 1) +
      (keyIdentifierFits === true ? 0 : keyIdentifierFits === undefined ? 2 : 4) +
      (now >= certificate.notBefore.getTime() && now <= certificate.notAfter.getTime() ? 0 : 8);
    return [
      ...this.#options.trust.bySubject(child.issuer).map(candidateOf('anchor')),
      ...this.#pool.filter(({ subject }) => sameName(subject, child.issuer)).map(candidateOf('intermediate')),
    ]
      .filter(({ certificate }) => !path.some((known) => sameEntity(known, certificate)))
      .toSorted((a, b) => order(a) - order(b));
  }

  #depthRefusal(path: readonly Certificate[], position: Candidate['position']): Refusal | undefined {
    const limit = this.#spending.limits.intermediates;
    const count = intermediatesIn(position === 'anchor' ? path.slice(0, -1) : path);
    return count > limit
      ? { rule: 'budget', message: `the path needs more intermediate CAs than the ${limit} that we follow` }
      : undefined;
  }

  *#signatureRefusal(child: Certificate, candidate: Candidate): Settling<Refusal | undefined> {
    const verdicts = this.#verdicts.get(child) ?? new Map<Certificate, Refusal | undefined>();
    this.#verdicts.set(child, verdicts);
    if (verdicts.has(candidate.certificate)) return verdicts.get(candidate.certificate);
    const refusal = yield* this.#verifySignature(child, candidate);
    verdicts.set(candidate.certificate, refusal);
    return refusal;
  }

  *#verifySignature(
    child: Certificate,
    { certificate: issuer, keyIdentifierFits }: Candidate,
  ): Settling<Refusal | undefined> {
    const unsupported = refusing(() => algorithmRefusal(child, this.#options.provider));
    if (unsupported !== undefined) return unsupported;
    const { signatureAlgorithm: algorithm } = child;
    const verifier = algorithm === undefined ? undefined : this.#options.provider.signatures[algorithm];
    if (algorithm === undefined || verifier === undefined) return undefined;
    const mismatch = `certificate for ${nameOf(child)} is not signed by the key of ${nameOf(issuer)}`;
    if (!keyFits(algorithm, issuer.publicKey)) {
      return {
        rule: 'bad_signature',
        message: `${mismatch}: the signature is ${algorithm}, the key ${keyLabel(issuer.publicKey)}`,
      };
    }
    // Counted also where it is remembered: what a budget allows must not depend on history.
    this.#spending.spend('signatures');
    if (signedBy.get(child)?.get(issuer) === verifier) return undefined;
    let good: boolean;
    try {
      good = yield* settle(verifier.verify(issuer.publicKey, child.tbs, child.signature));
    } catch (error) {
      if (!(error instanceof CryptoError) || error.code !== 'invalid_key') throw error;
      return { rule: 'unsupported_key', message: `the key of ${nameOf(issuer)} cannot be used: ${error.message}` };
    }
    if (good === true) {
      remember(child, issuer, verifier);
      return undefined;
    }
    // The right name with another key is another issuer: a CA that was made anew, say.
    return keyIdentifierFits === false
      ? {
          rule: 'unknown_issuer',
          message: `${mismatch}, which has the issuer's name, but is another key`,
          hint: `the CA ${quote(issuer.subject.toString())} was probably made anew: trust the one that issued the certificate`,
        }
      : { rule: 'bad_signature', message: `${mismatch}: the signature does not verify` };
  }

  #refuse(
    certificates: readonly Certificate[],
    certificate: Certificate,
    refusal: Refusal,
    candidate?: Candidate,
  ): void {
    if (this.#refusedPaths.length < maxRefusedPaths) {
      this.#refusedPaths.push({ certificates, rule: refusal.rule, certificate, message: refusal.message });
    }
    const telling = candidate?.keyIdentifierFits === false ? 0 : weight(refusal.rule);
    if (this.#best === undefined || telling > this.#best.weight) this.#best = { weight: telling, refusal, certificate };
  }
}

/**
 * Signatures that were found good, by the certificate's object, its issuer's, and who found it. Certificates do not
 * change, so what was true of them once stays true: a server's own, which comes with every connection, costs one
 * verification.
 */
const signedBy = new WeakMap<Certificate, WeakMap<Certificate, SignatureVerifier>>();

function remember(child: Certificate, issuer: Certificate, verifier: SignatureVerifier): void {
  const issuers = signedBy.get(child) ?? new WeakMap<Certificate, SignatureVerifier>();
  signedBy.set(child, issuers.set(issuer, verifier));
}

function refused(refusal: Refusal, certificate: Certificate, paths: readonly RefusedPath[]): CertificateError {
  return new CertificateError(refusal.rule, refusal.message, { certificate, hint: refusal.hint, paths });
}

function algorithmRefusal(child: Certificate, provider: VerifyOptions['provider']): Refusal | undefined {
  const { signatureAlgorithm: algorithm, signatureAlgorithmOid: oid } = child;
  const who = `certificate for ${nameOf(child)}`;
  const weak = weakSignatureName(oid);
  if (weak !== undefined)
    return { rule: 'weak_signature', message: `${who} is signed with ${weak}, which is too weak to trust` };
  if (algorithm === undefined) {
    return {
      rule: 'unsupported_algorithm',
      message: `${who} is signed with algorithm ${oid}, or parameters of it, that we do not verify`,
    };
  }
  if (provider.signatures[algorithm] !== undefined) return undefined;
  return {
    rule: 'unsupported_algorithm',
    message: `${who} is signed with ${algorithm} (${signatureOid(algorithm)}), which the crypto provider "${provider.name}" does not verify`,
  };
}

/** Nobody with the issuer's name is at hand. */
function noIssuer(child: Certificate, path: readonly Certificate[], { purpose }: Context): Refusal {
  const peer = purpose === 'clientAuth' ? 'client' : 'server';
  if (child.selfIssued && path.length === 1) {
    return {
      rule: 'self_signed',
      message: `certificate for ${nameOf(child)} is signed by itself, and is not in our trust store`,
      hint: 'if it is really theirs, trust this certificate itself; or have one issued by a CA that you trust',
    };
  }
  if (child.selfIssued) {
    return {
      rule: 'unknown_issuer',
      message: `the chain ends in root ${quote(child.subject.toString())}, which is not in our trust store`,
      hint: 'trust this root, if you mean to',
    };
  }
  return {
    rule: 'unknown_issuer',
    message: `certificate for ${nameOf(child)} was issued by ${quote(child.issuer.toString())}, which is neither in our trust store nor among the certificates that the ${peer} sent`,
    hint: `trust that CA; or, if it is an intermediate, have the ${peer} send it`,
  };
}

/** The same name with the same key: meeting it again in a path is a loop (RFC 4158 §5.2). */
function sameEntity(a: Certificate, b: Certificate): boolean {
  return equalBytes(a.spki, b.spki) && sameName(a.subject, b.subject);
}

function distinct(certificates: readonly Certificate[]): Certificate[] {
  const kept: Certificate[] = [];
  for (const certificate of certificates) {
    if (!kept.some((known) => sameCertificate(known, certificate))) kept.push(certificate);
  }
  return kept;
}
