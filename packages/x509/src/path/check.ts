/**
 * The rules of a path (RFC 5280 §6.1), each a function that answers with a refusal or `undefined`: those of the leaf
 * alone, those of an issuer and what stands below it, and the name at the end. Signatures are checked in `build.ts`,
 * which decides when they are worth their cost.
 *
 * Anchors are held to the same rules as issuers in between (validity, constraints, usages), stricter than §6.1, which
 * takes only name and key from them; a version 1 anchor, which could not say that it is a CA, is taken as one.
 *
 * Not here: revocation, and policy processing beyond refusing what would have to be processed.
 *
 * @module
 */

import type { PublicKeyInfo } from '@handfast/crypto';
import { type Certificate, nameOf } from '../certificate.ts';
import { extensionLabel, extensionOids, keyPurposeLabel, keyPurposeOids, type Oid } from '../der/oid.ts';
import { CertificateError, type CertificateErrorCode } from '../errors.ts';
import { checkCertificatePolicies } from '../extensions.ts';
import { keyLabel } from '../keys.ts';
import { constraintViolation } from '../names/constraints.ts';
import type { GeneralName } from '../names/general.ts';
import { matchesHostname, presentedNames } from '../names/match.ts';
import { escapeText, isoTime, quote } from '../text.ts';
import type { Spending } from './budget.ts';
import { type Profile, profileViolation } from './profile.ts';

/** What the leaf is to be used for. `any` asks nothing of key usages. */
export type Purpose = 'serverAuth' | 'clientAuth' | 'any';

/** The verifier's own rules. */
export interface PathPolicy {
  /** Bits of the smallest RSA modulus that is taken; 2048 unless set. */
  readonly minRsaBits?: number;
  /**
   * Refuse what breaks a profile's demands on form, beyond what security needs: every MUST of RFC 5280 (key identifiers,
   * criticality, serial numbers), or those of the CA/Browser Forum on top. Absent: neither, as private CAs often break them.
   */
  readonly profile?: Profile;
}

export interface Context {
  readonly time: Date;
  readonly purpose: Purpose;
  readonly policy: PathPolicy;
}

export interface Refusal {
  readonly rule: CertificateErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
}

export type Position = 'leaf' | 'intermediate' | 'anchor';

const defaultMinRsaBits = 2048;

/** Extensions that are processed here, so that their being critical is no reason to refuse. */
const processed: ReadonlySet<Oid> = new Set<Oid>([
  extensionOids.basicConstraints,
  extensionOids.keyUsage,
  extensionOids.extKeyUsage,
  extensionOids.subjectAltName,
  extensionOids.nameConstraints,
  extensionOids.subjectKeyIdentifier,
  extensionOids.authorityKeyIdentifier,
  // Any policy will do here, so the initial policy set is anyPolicy and only the form matters (§6.1.1 (c)).
  extensionOids.certificatePolicies,
]);

/** The rules of a leaf, before any issuer is looked for. `pinned`: it is a trust anchor itself. */
export function leafRefusal(leaf: Certificate, context: Context, pinned: boolean): Refusal | undefined {
  return refusing(
    () =>
      commonRefusal(leaf, context, 'leaf') ??
      leafKeyUsageRefusal(leaf, context) ??
      extendedKeyUsageRefusal(leaf, context, 'leaf') ??
      (pinned ? undefined : profileRefusal(leaf, context, 'leaf')),
  );
}

/** The rules of an issuer. `below`: the path under it, leaf first. */
export function issuerRefusal(
  issuer: Certificate,
  below: readonly Certificate[],
  position: 'intermediate' | 'anchor',
  context: Context,
  spending: Spending,
): Refusal | undefined {
  return refusing(
    () =>
      commonRefusal(issuer, context, position) ??
      caRefusal(issuer, position) ??
      pathLengthRefusal(issuer, below) ??
      extendedKeyUsageRefusal(issuer, context, position) ??
      profileRefusal(issuer, context, position) ??
      nameConstraintsRefusal(issuer, below, spending),
  );
}

/** Whether the leaf is for the name that was asked for (RFC 9525 §6). */
export function nameRefusal(leaf: Certificate, name: string, context: Context): Refusal | undefined {
  return refusing(() => {
    if (matchesHostname(leaf, name)) return undefined;
    const names = presentedNames(leaf);
    const isFor = names.length > 0 ? `is for ${list(names)}` : 'has no DNS name or IP address in its subjectAltName';
    return {
      rule: 'name_mismatch',
      message: `certificate ${isFor}, not for ${quote(name)}: ${side(context)} another certificate`,
      hint:
        names.length > 0
          ? 'check the name you connect to, or have the certificate issued for it'
          : 'common names are not used for this (RFC 9525 §6.4.4): the certificate needs a subjectAltName',
    };
  });
}

/** Signatures' rules that need no arithmetic: the key is strong enough. */
export function keyStrengthRefusal(
  certificate: Certificate,
  key: PublicKeyInfo,
  policy: PathPolicy,
): Refusal | undefined {
  const minimum = policy.minRsaBits ?? defaultMinRsaBits;
  if ((key.type !== 'rsa' && key.type !== 'rsa-pss') || key.bits >= minimum) return undefined;
  return {
    rule: 'weak_key',
    message: `certificate for ${nameOf(certificate)} has a key of ${keyLabel(key)}; the least we take is ${minimum} bits`,
  };
}

/** Runs rules; a `CertificateError` on the way (an extension that does not decode) is the refusal. */
export function refusing(rules: () => Refusal | undefined): Refusal | undefined {
  try {
    return rules();
  } catch (error) {
    if (!(error instanceof CertificateError) || error.code === 'budget') throw error;
    return { rule: error.code, message: error.message, hint: error.hint };
  }
}

function commonRefusal(certificate: Certificate, context: Context, position: Position): Refusal | undefined {
  return (
    validityRefusal(certificate, context, position) ??
    criticalExtensionRefusal(certificate) ??
    keyStrengthRefusal(certificate, certificate.publicKey, context.policy)
  );
}

/** §6.1.3 (a)(2). Both ends belong to the period; our clock counts in whole seconds, as certificates do. */
function validityRefusal(certificate: Certificate, context: Context, position: Position): Refusal | undefined {
  const now = Math.floor(context.time.getTime() / 1000) * 1000;
  const { notBefore, notAfter } = certificate;
  const clock = `our clock says ${isoTime(context.time)}`;
  const who = `certificate for ${nameOf(certificate)}`;
  if (now < notBefore.getTime()) {
    return {
      rule: 'not_yet_valid',
      message: `${who} is not valid for another ${duration(notBefore.getTime() - now)} (notBefore ${isoTime(notBefore)}); ${clock}`,
      hint: 'one of the two clocks is wrong, or the certificate is in use too early',
    };
  }
  if (now > notAfter.getTime()) {
    const remedy = position === 'anchor' ? 'the trust anchor must be replaced' : `${side(context)} a renewed one`;
    return {
      rule: 'expired',
      message: `${who} expired ${duration(now - notAfter.getTime())} ago (notAfter ${isoTime(notAfter)}); ${clock} — ${remedy}`,
    };
  }
  return undefined;
}

/** §4.2: "A certificate-using system MUST reject the certificate if it encounters a critical extension it does not recognize". */
function criticalExtensionRefusal(certificate: Certificate): Refusal | undefined {
  const unknown = certificate.extensions.find(({ oid, critical }) => critical && !processed.has(oid));
  if (unknown !== undefined) {
    return {
      rule: 'critical_extension',
      message: `certificate for ${nameOf(certificate)} has the critical extension ${extensionLabel(unknown.oid)}, which we do not process`,
    };
  }
  // What is processed must decode, also where no rule below would look at it.
  const policies = certificate.extension('certificatePolicies');
  if (policies !== undefined) checkCertificatePolicies(policies.value, 'certificatePolicies');
  void [
    certificate.basicConstraints,
    certificate.keyUsage,
    certificate.extendedKeyUsage,
    certificate.subjectAltName,
    certificate.nameConstraints,
    certificate.subjectKeyIdentifier,
    certificate.authorityKeyIdentifier,
  ];
  return undefined;
}

/** A TLS key signs (RFC 9846 §4.4.2.2): where KeyUsage is there, it must have digitalSignature. */
function leafKeyUsageRefusal(leaf: Certificate, context: Context): Refusal | undefined {
  const usage = leaf.keyUsage;
  if (context.purpose === 'any' || usage === undefined || usage.has('digitalSignature')) return undefined;
  return {
    rule: 'key_usage',
    message: `certificate for ${nameOf(leaf)} may not sign a TLS handshake: its KeyUsage is ${[...usage].join(', ')}, without digitalSignature`,
  };
}

/** §4.2.1.12, and down a path as every TLS stack reads it: each certificate that names purposes must name ours. */
function extendedKeyUsageRefusal(certificate: Certificate, context: Context, position: Position): Refusal | undefined {
  const purposes = certificate.extendedKeyUsage;
  if (context.purpose === 'any' || purposes === undefined) return undefined;
  if (purposes.includes(keyPurposeOids[context.purpose]) || purposes.includes(keyPurposeOids.any)) return undefined;
  const what = position === 'leaf' ? 'is not' : 'is not a CA';
  return {
    rule: 'extended_key_usage',
    message: `certificate for ${nameOf(certificate)} ${what} for ${context.purpose}: its extended key usage is ${escapeText(purposes.map(keyPurposeLabel).join(', '))}`,
  };
}

/** §6.1.4 (k) and (n). */
function caRefusal(issuer: Certificate, position: 'intermediate' | 'anchor'): Refusal | undefined {
  if (issuer.version !== 3 && position === 'anchor') return undefined;
  const constraints = issuer.basicConstraints;
  if (constraints?.ca !== true) {
    const why = constraints === undefined ? 'it has no basicConstraints' : 'its basicConstraints say so';
    return {
      rule: 'not_a_ca',
      message: `certificate for ${nameOf(issuer)} has issued another, but is not a CA: ${why}`,
    };
  }
  if (issuer.keyUsage !== undefined && !issuer.keyUsage.has('keyCertSign')) {
    return {
      rule: 'key_usage',
      message: `CA ${nameOf(issuer)} may not sign certificates: its KeyUsage is ${[...issuer.keyUsage].join(', ')}, without keyCertSign`,
    };
  }
  return undefined;
}

/** §6.1.4 (l), (m): intermediates below, self-issued ones not counted, the leaf neither. */
function pathLengthRefusal(issuer: Certificate, below: readonly Certificate[]): Refusal | undefined {
  const allowed = issuer.basicConstraints?.pathLength;
  const count = intermediatesIn(below);
  if (allowed === undefined || count <= allowed) return undefined;
  return {
    rule: 'path_length',
    message: `CA ${nameOf(issuer)} allows ${allowed} intermediate CAs below it, and the path has ${count}`,
  };
}

/** Certificates of a path but the leaf (the first) that count against a path length. */
export function intermediatesIn(path: readonly Certificate[]): number {
  return path.slice(1).filter((certificate) => !certificate.selfIssued).length;
}

/** §6.1.3 (b), (c): every certificate below but self-issued intermediates. */
function nameConstraintsRefusal(
  issuer: Certificate,
  below: readonly Certificate[],
  spending: Spending,
): Refusal | undefined {
  const constraints = issuer.nameConstraints;
  if (constraints === undefined) return undefined;
  for (const [index, certificate] of below.entries()) {
    if (index > 0 && certificate.selfIssued) continue;
    const violation = constraintViolation(constraints, constrainedNames(certificate), () =>
      spending.spend('nameComparisons'),
    );
    if (violation === undefined) continue;
    return {
      rule: 'name_constraints',
      message: `CA ${nameOf(issuer)} may not vouch for certificate ${nameOf(certificate)}: ${violation}`,
    };
  }
  return undefined;
}

/** §4.2.1.10: the alternative names, the subject, and mailboxes in the subject where the alternative names have none. */
function constrainedNames(certificate: Certificate): readonly GeneralName[] {
  const { subject, subjectAltName } = certificate;
  const names: GeneralName[] = [...(subjectAltName?.names ?? [])];
  if (subject.rdns.length > 0) names.push({ kind: 'directory', name: subject });
  if (names.some(({ kind }) => kind === 'email')) return names;
  for (const { type, text } of subject.rdns.flat()) {
    if (type === '1.2.840.113549.1.9.1' && text !== undefined) names.push({ kind: 'email', text });
  }
  return names;
}

function profileRefusal(certificate: Certificate, context: Context, position: Position): Refusal | undefined {
  const { profile } = context.policy;
  const violation = profile === undefined ? undefined : profileViolation(profile, certificate, position);
  return violation === undefined
    ? undefined
    : { rule: 'profile', message: `certificate for ${nameOf(certificate)} ${violation}` };
}

/** Who has to act, by whose certificate it is. */
function side(context: Context): string {
  return `the ${context.purpose === 'clientAuth' ? 'client' : 'server'} must present`;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 8).map(escapeText).join(', ');
  return escapeText(names.length > 8 ? `${shown} and ${names.length - 8} more` : shown);
}

function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const [unit, size] = durations.find(([, length]) => seconds >= length) ?? ['second', 1];
  const count = Math.floor(seconds / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

const durations: readonly (readonly [string, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];
