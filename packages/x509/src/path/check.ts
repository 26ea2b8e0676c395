/**
 * The rules of a path (RFC 5280 §6.1), each a function that answers with a refusal or `undefined`: those of the leaf
 * alone, those of an issuer and what stands below it, and the name at the end. Signatures are checked in `build.ts`,
 * which decides when they are worth their cost.
 *
 * Anchors are held to the same rules as issuers in between (validity, constraints, usages), stricter than §6.1, which
 * takes only name and key from them; a version 1 anchor, which could not say that it is a CA, is taken as one.
 *
 * Not here: revocation, and certificate policies (`policies.ts`).
 *
 * @module
 */

import type { SignatureAlgorithm } from '@handfast/crypto';
import { type Certificate, findingsOf, nameOf } from '../certificate.ts';
import { extensionLabel, extensionOids, keyPurposeLabel, keyPurposeOids, type Oid } from '../der/oid.ts';
import { readDer } from '../der/reader.ts';
import { CertificateError, type CertificateErrorCode } from '../errors.ts';
import type { KeyUsage } from '../extensions.ts';
import { keyLabel } from '../keys.ts';
import { constraintViolation } from '../names/constraints.ts';
import type { GeneralName } from '../names/general.ts';
import {
  isAscii,
  matchesName,
  type NameOptions,
  type NameReference,
  presentedNames,
  referenceText,
} from '../names/match.ts';
import { escapeText, isoTime, quote } from '../text.ts';
import type { TrustStore } from '../trust.ts';
import { limitRefusal } from '../trust-limits.ts';
import type { Spending } from './budget.ts';
import type { PolicyInputs } from './policies.ts';
import type { Profile } from './profile.ts';

/** What the leaf is to be used for: an extended key usage (RFC 5280 §4.2.1.12). `any` asks for none. */
export type CertificateUsage = Exclude<keyof typeof keyPurposeOids, 'any'> | 'any';

/** The verifier's own rules, between the profiles. */
export interface PathPolicy extends NameOptions {
  /** Bits of the smallest RSA (or DSA) modulus that is taken; 2048 unless set. */
  readonly minRsaBits?: number;
  /** The least `bits` of a key on a curve: secp256r1 and Ed25519 have 256, Ed448 has 456. Any of ours unless set. */
  readonly minCurveBits?: number;
  /**
   * Take signatures over SHA-1, where the provider has them (`legacySignatures`): for archives and test suites, never for
   * the profile `webpki`. MD5 is refused always.
   */
  readonly allowSha1?: boolean;
  /**
   * Under the profile `rfc5280`: validate paths as §6 says, without holding CAs to what §4 demands of the form of what
   * they issue. For certificates older than that text.
   */
  readonly allowNonconforming?: boolean;
  /** The signature algorithms that are taken; all that the provider verifies, where absent. */
  readonly signatureAlgorithms?: readonly SignatureAlgorithm[];
  /**
   * What the leaf's KeyUsage must have, where it has that extension. `digitalSignature` unless set, for servers and
   * clients: a TLS key signs (RFC 9846 §4.4.2.2); else nothing.
   */
  readonly keyUsage?: readonly KeyUsage[];
}

/** What all rules of one verification know. */
export interface Context {
  readonly time: Date;
  /** The same in milliseconds, cut to whole seconds, which certificates count in. */
  readonly now: number;
  readonly usage: CertificateUsage;
  readonly profile: Profile | undefined;
  readonly policy: PathPolicy;
  readonly certificatePolicies: PolicyInputs;
}

export interface Refusal {
  readonly rule: CertificateErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
}

export type Position = 'leaf' | 'intermediate' | 'anchor';

const defaultMinRsaBits = 2048;

type Decode = (certificate: Certificate) => unknown;

/** Extensions that are processed, so that their being critical is no reason to refuse, and how they are decoded. */
const processed: ReadonlyMap<Oid, Decode> = new Map<Oid, Decode>([
  [extensionOids.basicConstraints, (certificate) => certificate.basicConstraints],
  [extensionOids.keyUsage, (certificate) => certificate.keyUsage],
  [extensionOids.extKeyUsage, (certificate) => certificate.extendedKeyUsage],
  [extensionOids.subjectAltName, (certificate) => certificate.subjectAltName],
  [extensionOids.nameConstraints, (certificate) => certificate.nameConstraints],
  [extensionOids.subjectKeyIdentifier, (certificate) => certificate.subjectKeyIdentifier],
  [extensionOids.authorityKeyIdentifier, (certificate) => certificate.authorityKeyIdentifier],
  [extensionOids.certificatePolicies, (certificate) => certificate.certificatePolicies],
  [extensionOids.policyMappings, (certificate) => certificate.policyMappings],
  [extensionOids.policyConstraints, (certificate) => certificate.policyConstraints],
  [extensionOids.inhibitAnyPolicy, (certificate) => certificate.inhibitAnyPolicy],
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

/** What our trust in an anchor is limited to. `below`: the path under it, leaf first; empty where it is the leaf. */
export function limitsRefusal(
  trust: TrustStore,
  anchor: Certificate,
  below: readonly Certificate[],
  { usage }: Context,
  spending: Spending,
): Refusal | undefined {
  const limits = trust.limitsOf(anchor);
  if (limits.length === 0) return undefined;
  const count = (): void => spending.spend('nameComparisons');
  return refusing(() => limitRefusal(limits, { anchor, below, purpose: usage, namesOf: constrainedNames, count }));
}

/** Whether the leaf is for the name that was asked for (RFC 9525 §6). */
export function nameRefusal(leaf: Certificate, name: NameReference, context: Context): Refusal | undefined {
  return refusing(() => {
    if (matchesName(leaf, name, context.policy)) return undefined;
    const names = presentedNames(leaf, name);
    const text = referenceText(name);
    const isFor = names.length > 0 ? `is for ${list(names)}` : `has no ${formOf(name)} in its subjectAltName`;
    return {
      rule: 'name_mismatch',
      message: `certificate ${isFor}, not for ${quote(text)}: ${side(context)} another certificate`,
      hint: nameHint(names, text, context.policy),
    };
  });
}

function formOf(name: NameReference): string {
  if (typeof name === 'string') return 'DNS name or IP address';
  if ('dns' in name) return 'DNS name';
  if ('ip' in name) return 'IP address';
  return 'email' in name ? 'mailbox' : 'URI';
}

function nameHint(names: readonly string[], text: string, policy: PathPolicy): string {
  if (!isAscii(text) && policy.toAscii === undefined) return 'write the name as A-labels (xn--…), or set toAscii';
  return names.length > 0
    ? 'check the name you connect to, or have the certificate issued for it'
    : 'common names are not used for this (RFC 9525 §6.4.4): the certificate needs a subjectAltName';
}

/** Whether the key is of a kind that is taken, and strong enough. */
export function keyStrengthRefusal(certificate: Certificate, { profile, policy }: Context): Refusal | undefined {
  const dsa = profile?.dsa;
  const dsaKey = dsa?.keyOf(certificate);
  if (dsa !== undefined && dsaKey !== undefined) {
    // A key with its issuer's parameters has their strength, and is looked at when they are known.
    return dsaKey.parameters && modulusRefusal(certificate, 'DSA', dsa.bits(dsaKey.parameters), policy);
  }
  const key = certificate.publicKey;
  if (key.type === 'rsa' || key.type === 'rsa-pss') {
    return modulusRefusal(certificate, key.type === 'rsa' ? 'RSA' : 'RSA-PSS', key.bits, policy);
  }
  const minimum = policy.minCurveBits ?? 0;
  if (key.bits >= minimum || key.type.startsWith('ml-dsa')) return undefined;
  return weakKey(certificate, keyLabel(key), key.bits, minimum);
}

/** Whether a modulus is long enough. */
export function modulusRefusal(
  certificate: Certificate,
  kind: string,
  bits: number,
  policy: PathPolicy,
): Refusal | undefined {
  const minimum = policy.minRsaBits ?? defaultMinRsaBits;
  return bits >= minimum ? undefined : weakKey(certificate, kind, bits, minimum);
}

function weakKey(certificate: Certificate, kind: string, bits: number, minimum: number): Refusal {
  return {
    rule: 'weak_key',
    message: `certificate for ${nameOf(certificate)} has a key of ${kind}, ${bits} bits; the least we take is ${minimum} bits`,
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
    keyStrengthRefusal(certificate, context)
  );
}

/** §6.1.3 (a)(2). Both ends belong to the period; our clock counts in whole seconds, as certificates do. */
function validityRefusal(certificate: Certificate, context: Context, position: Position): Refusal | undefined {
  const { now } = context;
  const { notBefore, notAfter } = certificate;
  if (now >= notBefore.getTime() && now <= notAfter.getTime()) return undefined;
  const clock = `our clock says ${isoTime(context.time)}`;
  const who = `certificate for ${nameOf(certificate)}`;
  if (now < notBefore.getTime()) {
    return {
      rule: 'not_yet_valid',
      message: `${who} is not valid for another ${duration(notBefore.getTime() - now)} (notBefore ${isoTime(notBefore)}); ${clock}`,
      hint: 'one of the two clocks is wrong, or the certificate is in use too early',
    };
  }
  const remedy = position === 'anchor' ? 'the trust anchor must be replaced' : `${side(context)} a renewed one`;
  return {
    rule: 'expired',
    message: `${who} expired ${duration(now - notAfter.getTime())} ago (notAfter ${isoTime(notAfter)}); ${clock} — ${remedy}`,
  };
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
  checkForm(certificate);
  return undefined;
}

/**
 * Every extension that has a name here is one DER value with nothing behind it, and what is processed decodes: also where
 * no rule below would look at it. Certificates do not change, so once is enough.
 *
 * @throws CertificateError `malformed`
 */
function checkForm(certificate: Certificate): void {
  const findings = findingsOf(certificate);
  if (findings.inForm) return;
  for (const { oid, value } of certificate.extensions) {
    const decode = processed.get(oid);
    if (decode !== undefined) {
      decode(certificate);
      continue;
    }
    const label = extensionLabel(oid);
    if (label === oid) continue;
    try {
      readDer(value, label, (reader) => reader.element());
    } catch (error) {
      // The name is put together for who fails: that takes as long as all the rest here.
      if (!(error instanceof CertificateError)) throw error;
      throw new CertificateError(error.code, `certificate for ${nameOf(certificate)}: ${error.message}`);
    }
  }
  findings.inForm = true;
}

/** Where KeyUsage is there, it must have what the leaf's key is needed for. */
function leafKeyUsageRefusal(leaf: Certificate, { usage, policy }: Context): Refusal | undefined {
  const found = leaf.keyUsage;
  if (found === undefined) return undefined;
  const signsHandshakes = usage === 'serverAuth' || usage === 'clientAuth';
  const wanted = policy.keyUsage ?? (signsHandshakes ? handshakeUsage : []);
  const missing = wanted.find((bit) => !found.has(bit));
  if (missing === undefined) return undefined;
  const deed = wanted === handshakeUsage ? 'may not sign a TLS handshake' : `is not for ${missing}`;
  return {
    rule: 'key_usage',
    message: `certificate for ${nameOf(leaf)} ${deed}: its KeyUsage is ${[...found].join(', ')}, without ${missing}`,
  };
}

/** A TLS key signs (RFC 9846 §4.4.2.2). */
const handshakeUsage: readonly KeyUsage[] = ['digitalSignature'];

/** §4.2.1.12, and down a path as every TLS stack reads it: each certificate that names purposes must name ours. */
function extendedKeyUsageRefusal(certificate: Certificate, context: Context, position: Position): Refusal | undefined {
  const purposes = certificate.extendedKeyUsage;
  if (context.usage === 'any' || purposes === undefined) return undefined;
  if (purposes.includes(keyPurposeOids[context.usage]) || purposes.includes(keyPurposeOids.any)) return undefined;
  const what = position === 'leaf' ? 'is not' : 'is not a CA';
  return {
    rule: 'extended_key_usage',
    message: `certificate for ${nameOf(certificate)} ${what} for ${context.usage}: its extended key usage is ${escapeText(purposes.map(keyPurposeLabel).join(', '))}`,
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
  let count = 0;
  for (let index = 1; index < path.length; index++) if (path[index]?.selfIssued === false) count++;
  return count;
}

/** §6.1.3 (b), (c): every certificate below but self-issued intermediates. */
function nameConstraintsRefusal(
  issuer: Certificate,
  below: readonly Certificate[],
  spending: Spending,
): Refusal | undefined {
  const constraints = issuer.nameConstraints;
  if (constraints === undefined) return undefined;
  const count = (): void => spending.spend('nameComparisons');
  for (const [index, certificate] of below.entries()) {
    if (index > 0 && certificate.selfIssued) continue;
    const violation = constraintViolation(constraints, constrainedNames(certificate), count);
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
  for (const rdn of subject.rdns) {
    for (const { type, text } of rdn) {
      if (type === '1.2.840.113549.1.9.1' && text !== undefined) names.push({ kind: 'email', text });
    }
  }
  return names;
}

function profileRefusal(certificate: Certificate, context: Context, position: Position): Refusal | undefined {
  const { profile, policy } = context;
  const violation =
    profile === undefined || policy.allowNonconforming === true ? undefined : profile.violation(certificate, position);
  return violation === undefined
    ? undefined
    : { rule: 'profile', message: `certificate for ${nameOf(certificate)} ${violation}` };
}

/** Who has to act, by whose certificate it is. */
function side({ usage }: Context): string {
  if (usage === 'clientAuth') return 'the client must present';
  return usage === 'serverAuth' || usage === 'any' ? 'the server must present' : 'its owner must present';
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
