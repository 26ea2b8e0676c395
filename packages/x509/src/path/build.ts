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
  type Bytes,
  equalBytes,
  type LegacySignatureAlgorithm,
  type MaybePromise,
  runSettling,
  type Settling,
  type SignatureVerifier,
} from '@handfast/crypto';
import { type Certificate, findingsOf, keyIdentifierFits, nameOf, sameCertificate } from '../certificate.ts';
import { CertificateError, type CertificateErrorCode, type RefusedPath } from '../errors.ts';
import type { AbortSignalLike } from '../fetch.ts';
import { keyFits, keyLabel } from '../keys.ts';
import { sameName } from '../names/directory.ts';
import type { NameReference } from '../names/match.ts';
import type { Revocation, RevocationProvider } from '../revocation/check.ts';
import type { RevocationVerdict } from '../revocation/status.ts';
import { quote } from '../text.ts';
import type { TrustStore } from '../trust.ts';
import { emptyTrust } from '../trust-nobody.ts';
import { type Budget, Spending } from './budget.ts';
import {
  type CertificateUsage,
  type Context,
  intermediatesIn,
  issuerRefusal,
  leafRefusal,
  limitsRefusal,
  modulusRefusal,
  nameRefusal,
  type PathPolicy,
  type Refusal,
} from './check.ts';
import type { DsaKey, DsaKeys } from './dsa.ts';
import { type BlamedRefusal, type PolicyInputs, type PolicyOutcome, policyOutcome, policyRefusal } from './policies.ts';
import type { Profile } from './profile.ts';
import { algorithmRefusal, type SignatureProvider, verifyLegacySignature, verifySignature } from './signature.ts';

export interface VerifyOptions {
  readonly provider: SignatureProvider & RevocationProvider;
  /** The certificate to verify; `undefined`, as of an empty list, is refused as `no_certificate`. */
  readonly leaf: Certificate | undefined;
  /** What may help to reach an anchor, in any order: whatever else was sent. */
  readonly intermediates?: readonly Certificate[] | undefined;
  readonly trust: TrustStore;
  /** The clock. */
  readonly time: Date;
  /** What the leaf must be for: a host name or IP literal, or another kind of name. Absent: no name is checked. */
  readonly name?: NameReference | undefined;
  readonly usage: CertificateUsage;
  /**
   * Refuses what breaks a profile's demands on form, beyond what security needs: every MUST of RFC 5280 (key identifiers,
   * criticality, serial numbers), or those of the CA/Browser Forum on top. Absent: neither, as private CAs often break
   * them.
   */
  readonly profile?: Profile | undefined;
  readonly policy?: PathPolicy | undefined;
  /** The inputs of certificate policies (RFC 5280 §6.1.1 (c), (e) to (g)). Absent: any policy will do, none is needed. */
  readonly certificatePolicies?: PolicyInputs | undefined;
  /** Looks whether certificates of the path have been taken back: made by `revocation`. Absent: nobody looks. */
  readonly revocation?: Revocation | undefined;
  /** The OCSP response (DER) that came with the leaf. */
  readonly staple?: Uint8Array | undefined;
  /** Ends what is being fetched. */
  readonly signal?: AbortSignalLike | undefined;
  readonly budget?: Partial<Budget> | undefined;
}

/** The leaf first. */
type Path = readonly [Certificate, ...Certificate[]];

export interface VerifiedPath {
  /** From the leaf to the anchor; one certificate alone where the leaf is itself an anchor. */
  readonly path: readonly Certificate[];
  readonly anchor: Certificate;
  /** What it was verified for. `pathChecks` says in words what was checked. */
  readonly asked: Pick<VerifyOptions, 'time' | 'usage' | 'name'>;
  /** The certificate policies under which the path is valid (RFC 5280 §6.1.6). Found when first asked for. */
  readonly policies: PolicyOutcome;
  /** What is known of each certificate's revocation, the anchor's left out; empty where nobody looked. */
  readonly revocation: readonly RevocationVerdict[];
}

/**
 * Verifies that a certificate is good for a usage (and a name), by a path to a trust anchor. Synchronous where the
 * provider is.
 *
 * Asynchronous also where something is fetched.
 *
 * @throws CertificateError (or rejects with it): its `code` is the rule that refused, `paths` all that was tried
 * @throws RangeError for a `time` that is none, and for a policy that contradicts the profile
 *
 * @example
 * ```ts
 * const [leaf, ...intermediates] = parseCertificates(pem);
 * const { path } = await verifyCertificate({
 *   provider, leaf, intermediates, trust: trustStore([root]), time: new Date(), usage: 'serverAuth', name: 'db.internal',
 * });
 * ```
 */
export function verifyCertificate(options: VerifyOptions): MaybePromise<VerifiedPath> {
  return runSettling(verify(options));
}

/** `verifyCertificate` as a computation, for callers that are one themselves. */
export function* verify(options: VerifyOptions): Settling<VerifiedPath> {
  const { leaf, trust, name } = options;
  const context = contextOf(options);
  if (leaf === undefined || trust.size === 0) throw emptyTrust(leaf);
  const pinned = trust.has(leaf);
  const spending = new Spending(options.budget);
  const refusal =
    leafRefusal(leaf, context, pinned) ??
    (pinned
      ? (limitsRefusal(trust, leaf, [], context, spending) ??
        policyRefusal([leaf], context.certificatePolicies, spending))
      : undefined);
  if (refusal !== undefined) throw refused(refusal, leaf, [refusedPath([leaf], leaf, refusal)]);
  const path: Path = pinned ? [leaf] : yield* new Search(options, context, spending).run(leaf);
  const mismatch = name === undefined ? undefined : nameRefusal(leaf, name, context);
  if (mismatch !== undefined) throw refused(mismatch, leaf, []);
  const verdicts = options.revocation === undefined ? [] : yield* revocationOf(path, options.revocation, options);
  return new Verified(path, context, name, verdicts);
}

/** What is known of the path's revocation. A signer of CRLs outside the path has to have one that ends in the same anchor. */
function* revocationOf(
  path: Path,
  revocation: Revocation,
  options: VerifyOptions,
): Settling<readonly RevocationVerdict[]> {
  const { provider, time, policy, profile, intermediates, staple, signal } = options;
  return yield* revocation({
    ...{ provider, path, time, policy, profile, candidates: intermediates, staple, signal },
    *pathOf(leaf) {
      try {
        const bare = { name: undefined, certificatePolicies: undefined, revocation: undefined } as const;
        const found = yield* verify({ ...options, ...bare, leaf, usage: 'any' });
        return found.anchor === path.at(-1) ? found.path : undefined;
      } catch (error) {
        if (error instanceof CertificateError) return undefined;
        throw error;
      }
    },
  });
}

function contextOf({ time, usage, profile, policy = {}, certificatePolicies = {} }: VerifyOptions): Context {
  if (Number.isNaN(time.getTime())) throw new RangeError('the time to verify at is no date');
  for (const allowance of ['allowSha1', 'allowNonconforming'] as const) {
    if (profile?.name === 'webpki' && policy[allowance] === true)
      throw new RangeError(`${allowance} contradicts the profile webpki`);
  }
  return { time, now: Math.floor(time.getTime() / 1000) * 1000, usage, profile, policy, certificatePolicies };
}

/** What is for few is worked out when it is asked for. */
class Verified implements VerifiedPath {
  readonly path: readonly Certificate[];
  readonly anchor: Certificate;
  readonly revocation: readonly RevocationVerdict[];
  readonly asked: Pick<VerifyOptions, 'time' | 'usage' | 'name'>;
  readonly #policyInputs: PolicyInputs;
  #policies: PolicyOutcome | undefined;

  constructor(path: Path, context: Context, name: NameReference | undefined, revocation: readonly RevocationVerdict[]) {
    this.path = path;
    this.anchor = path.at(-1) ?? path[0];
    this.asked = { time: context.time, usage: context.usage, name };
    this.#policyInputs = context.certificatePolicies;
    this.revocation = revocation;
  }

  get policies(): PolicyOutcome {
    this.#policies ??= policyOutcome(this.path, this.#policyInputs);
    return this.#policies;
  }
}

/** A possible issuer of a certificate. */
interface Candidate {
  readonly certificate: Certificate;
  readonly position: 'intermediate' | 'anchor';
  /** Whether its subject key identifier is the child's authority key identifier; `undefined`: one is not given. */
  readonly keyIdentifierFits: boolean | undefined;
}

function candidateOf(certificate: Certificate, child: Certificate, position: Candidate['position']): Candidate {
  return { certificate, position, keyIdentifierFits: keyIdentifierFits(certificate, child) };
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
  #pathsNotKept = 0;
  /** Signatures that were verified before, by child and issuer: paths that meet again do not pay again. */
  readonly #verdicts = new Map<Certificate, Map<Certificate, Refusal | undefined>>();
  #best: { readonly weight: number; readonly refusal: Refusal; readonly certificate: Certificate } | undefined;

  constructor(options: VerifyOptions, context: Context, spending: Spending) {
    this.#options = options;
    this.#context = context;
    this.#spending = spending;
    this.#pool = distinct(options.intermediates ?? []).filter((certificate) => !options.trust.has(certificate));
  }

  *run(leaf: Certificate): Settling<Path> {
    let path: Path | undefined;
    try {
      path = yield* this.#extend([leaf], leaf);
    } catch (error) {
      if (!(error instanceof CertificateError) || error.code !== 'budget') throw error;
      throw this.#refusal({ rule: 'budget', message: error.message, hint: error.hint }, leaf);
    }
    if (path !== undefined) return path;
    const best = this.#best ?? {
      refusal: { rule: 'unknown_issuer', message: 'no path was found' } as const,
      certificate: leaf,
    };
    throw this.#refusal(best.refusal, best.certificate);
  }

  /** A path that begins with `path`, whose last certificate is `child`, and ends in an anchor; `undefined`: there is none. */
  *#extend(path: Path, child: Certificate): Settling<Path | undefined> {
    const candidates = this.#issuersOf(child, path);
    if (candidates.length === 0) this.#refuse(path, child, noIssuer(child, path, this.#context));
    for (const candidate of candidates) {
      this.#spending.spend('candidates');
      const { certificate: issuer, position } = candidate;
      const longer: Path = [...path, issuer];
      const refusal =
        this.#depthRefusal(longer, position) ??
        issuerRefusal(issuer, path, position, this.#context, this.#spending) ??
        (position === 'anchor'
          ? limitsRefusal(this.#options.trust, issuer, path, this.#context, this.#spending)
          : undefined) ??
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
      const found = position === 'anchor' ? yield* this.#whole(longer) : yield* this.#extend(longer, issuer);
      if (found !== undefined) return found;
      // Until now this signature could not be met again: its certificate stands in the path.
      this.#keepVerdict(child, issuer, undefined);
    }
    return undefined;
  }

  /** The path where it passes the rules that need all of it. */
  *#whole(path: Path): Settling<Path | undefined> {
    const refusal =
      (yield* this.#inheritedKeysRefusal(path)) ??
      policyRefusal(path, this.#context.certificatePolicies, this.#spending);
    if (refusal === undefined) return path;
    this.#refuse(path, refusal.certificate, refusal);
    return undefined;
  }

  /** Anchors first, then by key identifier, then what is valid now; otherwise as they were given. */
  #issuersOf(child: Certificate, path: readonly Certificate[]): readonly Candidate[] {
    const candidates: Candidate[] = [];
    for (const certificate of this.#options.trust.bySubject(child.issuer)) {
      if (!path.some((known) => sameEntity(known, certificate)))
        candidates.push(candidateOf(certificate, child, 'anchor'));
    }
    const helpers = this.#options.trust.helpersBySubject?.(child.issuer) ?? [];
    const sent = this.#pool.filter(({ subject }) => sameName(subject, child.issuer));
    for (const certificate of helpers.length === 0 ? sent : distinct([...helpers, ...sent])) {
      if (!path.some((known) => sameEntity(known, certificate)))
        candidates.push(candidateOf(certificate, child, 'intermediate'));
    }
    return candidates.length < 2 ? candidates : candidates.toSorted((a, b) => this.#order(a) - this.#order(b));
  }

  #order({ certificate, position, keyIdentifierFits }: Candidate): number {
    const { now } = this.#context;
    return (
      (position === 'anchor' ? 0 : 1) +
      (keyIdentifierFits === true ? 0 : keyIdentifierFits === undefined ? 2 : 4) +
      (now >= certificate.notBefore.getTime() && now <= certificate.notAfter.getTime() ? 0 : 8)
    );
  }

  #depthRefusal(path: readonly Certificate[], position: Candidate['position']): Refusal | undefined {
    const limit = this.#spending.limits.intermediates;
    const count = intermediatesIn(position === 'anchor' ? path.slice(0, -1) : path);
    return count > limit
      ? { rule: 'budget', message: `the path needs more intermediate CAs than the ${limit} that we follow` }
      : undefined;
  }

  *#signatureRefusal(child: Certificate, candidate: Candidate): Settling<Refusal | undefined> {
    const verdicts = this.#verdicts.get(child);
    if (verdicts?.has(candidate.certificate)) return verdicts.get(candidate.certificate);
    const refusal = yield* this.#verifySignature(child, candidate);
    if (refusal !== undefined) this.#keepVerdict(child, candidate.certificate, refusal);
    return refusal;
  }

  #keepVerdict(child: Certificate, issuer: Certificate, refusal: Refusal | undefined): void {
    let verdicts = this.#verdicts.get(child);
    if (verdicts === undefined) {
      verdicts = new Map();
      this.#verdicts.set(child, verdicts);
    }
    verdicts.set(issuer, refusal);
  }

  *#verifySignature(child: Certificate, candidate: Candidate): Settling<Refusal | undefined> {
    const { provider } = this.#options;
    const unsupported = algorithmRefusal(() => `certificate for ${nameOf(child)}`, child, provider, this.#context);
    if (unsupported !== undefined) return unsupported;
    const { signatureAlgorithm: algorithm, legacySignatureAlgorithm: legacy } = child;
    if (algorithm === undefined) {
      return legacy === undefined ? undefined : yield* this.#verifyLegacy(child, candidate, legacy);
    }
    const { certificate: issuer } = candidate;
    const key = issuer.publicKey;
    if (!keyFits(algorithm, key)) return unfit(child, issuer, algorithm, keyLabel(key));
    // Counted also where it is remembered: what a budget allows must not depend on history.
    this.#spending.spend('signatures');
    const verifier = provider.signatures[algorithm];
    if (verifier !== undefined && findingsOf(child).signedBy?.get(issuer) === verifier) return undefined;
    const verdict = yield* judged(issuer, verifySignature(provider, key, algorithm, child.tbs, child.signature));
    if (verdict !== true) return verdict === false ? notSigned(child, candidate) : verdict;
    if (verifier !== undefined) remember(child, issuer, verifier);
    return undefined;
  }

  /** A signature that only a policy takes. Under a DSA key that has its issuer's parameters, it waits for the whole path. */
  *#verifyLegacy(
    child: Certificate,
    candidate: Candidate,
    algorithm: LegacySignatureAlgorithm,
  ): Settling<Refusal | undefined> {
    const { certificate: issuer } = candidate;
    const dsa = this.#context.profile?.dsa?.keyOf(issuer);
    if (algorithm.startsWith('dsa') !== (dsa !== undefined)) {
      return unfit(child, issuer, algorithm, dsa === undefined ? keyLabel(issuer.publicKey) : 'DSA');
    }
    if (dsa !== undefined && dsa.parameters === undefined) return undefined;
    return yield* this.#verifyUnder(child, candidate, algorithm, issuer.spki);
  }

  *#verifyUnder(
    child: Certificate,
    candidate: Candidate,
    algorithm: LegacySignatureAlgorithm,
    spki: Uint8Array,
  ): Settling<Refusal | undefined> {
    this.#spending.spend('signatures');
    const { provider } = this.#options;
    const verdict = yield* judged(
      candidate.certificate,
      verifyLegacySignature(provider, spki, algorithm, child.tbs, child.signature),
    );
    if (verdict === true) return undefined;
    return verdict === false ? notSigned(child, candidate) : verdict;
  }

  /** The signatures that waited: under DSA keys with the parameters of an issuer (RFC 5280 §6.1.4 (d) to (f)). */
  *#inheritedKeysRefusal(path: Path): Settling<BlamedRefusal | undefined> {
    const dsa = this.#context.profile?.dsa;
    if (dsa === undefined) return undefined;
    for (const [index, child] of path.entries()) {
      const issuer = path[index + 1];
      const key = issuer === undefined ? undefined : dsa.keyOf(issuer);
      if (issuer === undefined || key === undefined || key.parameters !== undefined) continue;
      const refusal = yield* this.#inheritedKeyRefusal(child, issuer, dsa, dsa.parametersOf(path, index + 1), key);
      if (refusal !== undefined) return { ...refusal, certificate: child };
    }
    return undefined;
  }

  *#inheritedKeyRefusal(
    child: Certificate,
    issuer: Certificate,
    dsa: DsaKeys,
    parameters: Bytes | undefined,
    key: DsaKey,
  ): Settling<Refusal | undefined> {
    const algorithm = child.legacySignatureAlgorithm;
    if (algorithm === undefined) return undefined;
    if (parameters === undefined) {
      return {
        rule: 'unsupported_key',
        message: `the DSA key of ${nameOf(issuer)} has no parameters, and no issuer of its own that has any`,
      };
    }
    const weak = modulusRefusal(issuer, 'DSA', dsa.bits(parameters), this.#context.policy);
    if (weak !== undefined) return weak;
    const candidate: Candidate = { certificate: issuer, position: 'intermediate', keyIdentifierFits: undefined };
    return yield* this.#verifyUnder(child, candidate, algorithm, dsa.spki(key, parameters));
  }

  #refuse(
    certificates: readonly Certificate[],
    certificate: Certificate,
    refusal: Refusal,
    candidate?: Candidate,
  ): void {
    if (this.#refusedPaths.length < maxRefusedPaths) {
      this.#refusedPaths.push(refusedPath(certificates, certificate, refusal));
    } else {
      this.#pathsNotKept++;
    }
    const telling = candidate?.keyIdentifierFits === false ? 0 : weight(refusal.rule);
    if (this.#best === undefined || telling > this.#best.weight) this.#best = { weight: telling, refusal, certificate };
  }

  #refusal(refusal: Refusal, certificate: Certificate): CertificateError {
    return refused(refusal, certificate, this.#refusedPaths, this.#pathsNotKept);
  }
}

/**
 * A signature that was found good, by the certificate's object and its issuer's. What was true of them once stays true: a
 * server's own certificate, which comes with every connection, costs one verification.
 */
function remember(child: Certificate, issuer: Certificate, verifier: SignatureVerifier): void {
  const findings = findingsOf(child);
  findings.signedBy ??= new WeakMap<Certificate, SignatureVerifier>();
  findings.signedBy.set(issuer, verifier);
}

/** The verdict on a signature; a key that cannot be used is a refusal. */
function* judged(issuer: Certificate, verification: Settling<boolean>): Settling<boolean | Refusal> {
  try {
    return yield* verification;
  } catch (error) {
    if (!(error instanceof CertificateError) || error.code !== 'unsupported_key') throw error;
    return { rule: 'unsupported_key', message: `the key of ${nameOf(issuer)} cannot be used: ${error.message}` };
  }
}

function unfit(child: Certificate, issuer: Certificate, algorithm: string, key: string): Refusal {
  return {
    rule: 'bad_signature',
    message: `${notSignedBy(child, issuer)}: the signature is ${algorithm}, the key ${key}`,
  };
}

function notSigned(child: Certificate, { certificate: issuer, keyIdentifierFits }: Candidate): Refusal {
  // The right name with another key is another issuer: a CA that was made anew, say.
  return keyIdentifierFits === false
    ? {
        rule: 'unknown_issuer',
        message: `${notSignedBy(child, issuer)}, which has the issuer's name, but is another key`,
        hint: `the CA ${quote(issuer.subject.toString())} was probably made anew: trust the one that issued the certificate`,
      }
    : { rule: 'bad_signature', message: `${notSignedBy(child, issuer)}: the signature does not verify` };
}

function notSignedBy(child: Certificate, issuer: Certificate): string {
  return `certificate for ${nameOf(child)} is not signed by the key of ${nameOf(issuer)}`;
}

function refusedPath(certificates: readonly Certificate[], certificate: Certificate, refusal: Refusal): RefusedPath {
  return { certificates, rule: refusal.rule, certificate, message: refusal.message };
}

function refused(
  refusal: Refusal,
  certificate: Certificate,
  paths: readonly RefusedPath[],
  pathsNotKept = 0,
): CertificateError {
  return new CertificateError(refusal.rule, refusal.message, { certificate, hint: refusal.hint, paths, pathsNotKept });
}

/** Nobody with the issuer's name is at hand. */
function noIssuer(child: Certificate, path: readonly Certificate[], { usage }: Context): Refusal {
  const peer = usage === 'clientAuth' ? 'client' : 'server';
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
