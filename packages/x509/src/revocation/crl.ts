/**
 * What CRLs say about one certificate of a verified path (RFC 5280 §6.3.3): which lists cover it, by issuer, distribution
 * point and scope; whether each is signed, by whom, and fresh; deltas; and whether together they cover every reason for
 * which a certificate is revoked.
 *
 * Not here: where lists come from (`check.ts`), and what follows from an answer.
 *
 * @module
 */

import type { Settling, SignatureVerifier } from '@handfast/crypto';
import { type Certificate, nameOf } from '../certificate.ts';
import { type Crl, type CrlEntry, crlLabel } from '../crl.ts';
import {
  allReasons,
  type DistributionPoint,
  distributionPointsOf,
  fullNames,
  type ReasonMask,
  shareName,
} from '../distribution-points.ts';
import { CertificateError } from '../errors.ts';
import { sameName } from '../names/directory.ts';
import type { GeneralName } from '../names/general.ts';
import type { Context } from '../path/check.ts';
import { dsaKeyOf, dsaParametersOf, dsaSpki } from '../path/dsa.ts';
import { algorithmRefusal, type SignatureProvider, verifyLegacySignature, verifySignature } from '../path/signature.ts';
import { isoTime, quote } from '../text.ts';
import type { RevocationAnswer } from './status.ts';

export interface CrlCheck {
  readonly provider: SignatureProvider;
  /** The verified path, leaf first, and which of its certificates is asked about: not the anchor. */
  readonly path: readonly Certificate[];
  readonly index: number;
  readonly crls: readonly Crl[];
  readonly time: Date;
  /** Milliseconds by which other clocks may differ from ours. */
  readonly clockSkewMs: number;
  readonly rules: Pick<Context, 'policy' | 'profile'>;
  /**
   * The path, up to the anchor of `path`, of a certificate that may have signed a list: of another key of the issuer's, or
   * of an indirect list. `undefined`: there is none, or something in it is revoked (§6.3.3 (f)).
   */
  readonly pathOf: (crlIssuer: Certificate) => Settling<readonly Certificate[] | undefined>;
  /** Where such certificates are looked for, besides the path itself. */
  readonly candidates: readonly Certificate[];
}

/** What the lists say. Synchronous where provider and `pathOf` are. */
export function* crlAnswer(check: CrlCheck): Settling<RevocationAnswer> {
  const certificate = check.path[check.index];
  if (certificate === undefined || check.path[check.index + 1] === undefined) {
    throw new RangeError('only a certificate with an issuer in its path has a revocation status');
  }
  const search = new CrlSearch(check, certificate);
  try {
    return yield* search.run();
  } catch (error) {
    if (!(error instanceof CertificateError) || error.code === 'budget') throw error;
    return { status: 'unknown', why: error.message };
  }
}

/** A list that covers the certificate, by all that can be said without its signature. */
interface Covering {
  readonly crl: Crl;
  readonly reasons: ReasonMask;
}

class CrlSearch {
  readonly #check: CrlCheck;
  readonly #certificate: Certificate;
  /** Why lists could not be used. */
  readonly #refusals: string[] = [];
  #covered: ReasonMask = 0;
  /** The oldest of the lists that were used. */
  #used: Crl | undefined;

  constructor(check: CrlCheck, certificate: Certificate) {
    this.#check = check;
    this.#certificate = certificate;
  }

  *run(): Settling<RevocationAnswer> {
    const complete = this.#check.crls.filter(({ baseNumber }) => baseNumber === undefined);
    for (const point of this.#points()) {
      for (const crl of complete) {
        const reasons = this.#reasonsCovered(crl, point);
        // Nothing that is not covered yet: (e).
        if ((reasons & ~this.#covered) === 0) continue;
        const revoked = yield* this.#consult({ crl, reasons });
        if (revoked !== undefined) return revoked;
        if (this.#covered === allReasons && this.#used !== undefined) return good(this.#used);
      }
    }
    return { status: 'unknown', why: this.#why() };
  }

  /** The certificate's own points, then the list of its issuer that no point names (§6.3.3, at its end). */
  #points(): readonly DistributionPoint[] {
    const issuerName: GeneralName = { kind: 'directory', name: this.#certificate.issuer };
    const implied = { name: { fullName: [issuerName] }, reasons: allReasons, crlIssuer: undefined };
    return [...distributionPointsOf(this.#certificate), implied];
  }

  /** (b), (d): the reasons for which a list covers the certificate under a point; 0 where it is another's. */
  #reasonsCovered(crl: Crl, point: DistributionPoint): ReasonMask {
    const scope = crl.issuingDistributionPoint;
    const isCa = this.#certificate.basicConstraints?.ca === true;
    if (point.crlIssuer === undefined) {
      if (!sameName(crl.issuer, this.#certificate.issuer)) return 0;
    } else if (!shareName(point.crlIssuer, [{ kind: 'directory', name: crl.issuer }]) || scope?.indirectCrl !== true) {
      return 0;
    }
    if (scope === undefined) return point.reasons;
    if (scope.onlyContainsAttributeCerts) return 0;
    if (scope.onlyContainsUserCerts && isCa) return 0;
    if (scope.onlyContainsCaCerts && !isCa) return 0;
    if (scope.name !== undefined) {
      const names = point.name === undefined ? (point.crlIssuer ?? []) : fullNames(point.name, crl.issuer);
      if (!shareName(fullNames(scope.name, crl.issuer), names)) return 0;
    }
    return point.reasons & (scope.onlySomeReasons ?? allReasons);
  }

  /** Looks the certificate up in a list that covers it. Answers only where it is revoked. */
  *#consult({ crl, reasons }: Covering): Settling<RevocationAnswer | undefined> {
    const refusal = this.#staleness(crl) ?? unusable(crl) ?? (yield* this.#signatureRefusal(crl));
    if (refusal !== undefined) {
      this.#refusals.push(refusal);
      return undefined;
    }
    const delta = yield* this.#deltaOf(crl);
    const { serialNumber, issuer } = this.#certificate;
    const inDelta = delta?.entry(serialNumber, issuer);
    // (i) to (k): the newer list has the last word; removeFromCRL stands in deltas alone.
    const entry = inDelta ?? crl.entry(serialNumber, issuer);
    const newest = delta ?? crl;
    if (entry !== undefined && entry.reason !== 'removeFromCRL') return revoked(entry, newest);
    this.#covered |= reasons;
    if (this.#used === undefined || newest.thisUpdate < this.#used.thisUpdate) this.#used = newest;
    return undefined;
  }

  /** (c), (h): the newest delta that adds to a list, is in its scope, and verifies. */
  *#deltaOf(crl: Crl): Settling<Crl | undefined> {
    const { number } = crl;
    if (number === undefined) return undefined;
    const deltas = this.#check.crls
      .filter((other) => other.baseNumber !== undefined && sameName(other.issuer, crl.issuer) && sameScope(other, crl))
      .filter((other) => (other.baseNumber ?? 0n) <= number && (other.number ?? 0n) > number)
      .toSorted((a, b) => Number((b.number ?? 0n) - (a.number ?? 0n)));
    for (const delta of deltas) {
      const refusal = this.#staleness(delta) ?? unusable(delta) ?? (yield* this.#signatureRefusal(delta));
      if (refusal === undefined) return delta;
      this.#refusals.push(refusal);
    }
    return undefined;
  }

  #staleness(crl: Crl): string | undefined {
    const { time, clockSkewMs, rules } = this.#check;
    const now = time.getTime();
    if (crl.thisUpdate.getTime() > now + clockSkewMs) {
      return `${crlLabel(crl)} is not valid before ${isoTime(crl.thisUpdate)}; our clock says ${isoTime(time)}`;
    }
    const { nextUpdate } = crl;
    // §5.1.2.5: conforming issuers always say when the next list is due.
    if (nextUpdate === undefined) return `${crlLabel(crl)} does not say when the next one is due`;
    if (nextUpdate.getTime() < now - clockSkewMs) {
      return `${crlLabel(crl)} is out of date: the next one was due ${isoTime(nextUpdate)}; our clock says ${isoTime(time)}`;
    }
    if (rules.profile === undefined || crl.version === 1) return undefined;
    // §5.2.3: "CRL issuers conforming to this profile MUST include this extension in all CRLs and MUST mark it non-critical".
    const number = crl.extensions.find(({ oid }) => oid === crlNumberOid);
    if (number === undefined) return `${crlLabel(crl)} has no number (RFC 5280 §5.2.3)`;
    return number.critical ? `${crlLabel(crl)} has a critical number (RFC 5280 §5.2.3)` : undefined;
  }

  /** (f), (g): who signed it, and may. */
  *#signatureRefusal(crl: Crl): Settling<string | undefined> {
    const { provider, rules } = this.#check;
    const unsupported = algorithmRefusal(() => crlLabel(crl), crl, provider, rules);
    if (unsupported !== undefined) return unsupported.message;
    let why = `nobody is known who may have signed ${crlLabel(crl)}`;
    for (const signer of this.#signersOf(crl)) {
      const path = yield* this.#pathOf(signer);
      if (path === undefined) {
        why = `${crlLabel(crl)} may be signed by ${nameOf(signer)}, which no path leads from to our anchor`;
        continue;
      }
      if (signer.keyUsage?.has('cRLSign') === false) {
        why = `${nameOf(signer)} may not sign ${crlLabel(crl)}: its KeyUsage lacks cRLSign`;
        continue;
      }
      if (yield* this.#isSignedBy(crl, path)) return undefined;
      why = `the signature of ${crlLabel(crl)} does not verify under the key of ${nameOf(signer)}`;
    }
    return why;
  }

  /** Certificates of the list's issuer: of the path first, since theirs is verified. */
  #signersOf(crl: Crl): readonly Certificate[] {
    const { path, candidates } = this.#check;
    const named = [...path.slice(1), ...candidates].filter(({ subject }) => sameName(subject, crl.issuer));
    return [...new Set(named)];
  }

  /** The path above a signer: part of the verified one, or one of its own. */
  *#pathOf(signer: Certificate): Settling<readonly Certificate[] | undefined> {
    const { path, pathOf } = this.#check;
    const at = path.indexOf(signer);
    return at > 0 ? path.slice(at) : yield* pathOf(signer);
  }

  *#isSignedBy(crl: Crl, path: readonly Certificate[]): Settling<boolean> {
    const [signer] = path;
    if (signer === undefined) return false;
    const { provider } = this.#check;
    const { signatureAlgorithm: algorithm, legacySignatureAlgorithm: legacy, tbs, signature } = crl;
    if (algorithm !== undefined) {
      const verifier = provider.signatures[algorithm];
      if (verifier !== undefined && signedBy.get(crl)?.get(signer) === verifier) return true;
      if (!(yield* verifySignature(provider, signer.publicKey, algorithm, tbs, signature))) return false;
      if (verifier !== undefined) remember(crl, signer, verifier);
      return true;
    }
    if (legacy === undefined) return false;
    const dsa = dsaKeyOf(signer);
    if (legacy.startsWith('dsa') !== (dsa !== undefined)) return false;
    const parameters = dsa && dsaParametersOf(path, 0);
    if (dsa !== undefined && parameters === undefined) return false;
    const spki = dsa === undefined || parameters === undefined ? signer.spki : dsaSpki(dsa, parameters);
    return yield* verifyLegacySignature(provider, spki, legacy, tbs, signature);
  }

  #why(): string {
    const [first] = this.#refusals;
    if (first !== undefined) return first;
    if (this.#used !== undefined) return 'the CRLs at hand do not cover every reason for revocation';
    return `no CRL at hand covers certificates issued by ${quote(this.#certificate.issuer.toString())}`;
  }
}

/**
 * Signatures that were found good, by the list's object, its signer's, and who found it: a list serves for hours, and none
 * of them changes.
 */
const signedBy = new WeakMap<Crl, WeakMap<Certificate, SignatureVerifier>>();

function remember(crl: Crl, signer: Certificate, verifier: SignatureVerifier): void {
  const signers = signedBy.get(crl) ?? new WeakMap<Certificate, SignatureVerifier>();
  signedBy.set(crl, signers.set(signer, verifier));
}

const crlNumberOid = '2.5.29.20';

function unusable(crl: Crl): string | undefined {
  const { unprocessed } = crl;
  return unprocessed && `${crlLabel(crl)} has the critical extension ${unprocessed}, which we do not process`;
}

/** (c)(2): the same scope, or none both. */
function sameScope(a: Crl, b: Crl): boolean {
  const [one, other] = [a.issuingDistributionPoint, b.issuingDistributionPoint];
  if (one === undefined || other === undefined) return one === other;
  const sameNames =
    one.name === undefined || other.name === undefined
      ? one.name === other.name
      : shareName(fullNames(one.name, a.issuer), fullNames(other.name, b.issuer));
  return (
    sameNames &&
    one.onlyContainsUserCerts === other.onlyContainsUserCerts &&
    one.onlyContainsCaCerts === other.onlyContainsCaCerts &&
    one.onlyContainsAttributeCerts === other.onlyContainsAttributeCerts &&
    one.indirectCrl === other.indirectCrl &&
    one.onlySomeReasons === other.onlySomeReasons
  );
}

function revoked({ revokedAt, reason }: CrlEntry, { thisUpdate, nextUpdate }: Crl): RevocationAnswer {
  return { status: 'revoked', source: 'crl', thisUpdate, nextUpdate, revokedAt, reason };
}

function good({ thisUpdate, nextUpdate }: Crl): RevocationAnswer {
  return { status: 'good', source: 'crl', thisUpdate, nextUpdate };
}
