/**
 * What a trust anchor is trusted for, beyond what its own certificate says: RFC 5280 §6.1.1 leaves it to the verifier
 * which constraints an anchor brings along, and a CA of a company's network need not vouch for the rest of the world.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { type Certificate, nameOf } from './certificate.ts';
import type { CertificateErrorCode } from './errors.ts';
import { constraintViolation, type NameConstraints } from './names/constraints.ts';
import { isDnsName } from './names/dns.ts';
import type { GeneralName } from './names/general.ts';
import { parseIp } from './names/ip.ts';
import type { CertificateUsage } from './path/check.ts';
import { isoTime, quote } from './text.ts';

/** Limits of an anchor; each absent one limits nothing. */
export interface AnchorLimits {
  /** Applied to every certificate below the anchor, as if the anchor's own certificate had them. */
  readonly nameConstraints?: NameConstraints | undefined;
  /** The purposes that paths to it are good for. */
  readonly purposes?: readonly Exclude<CertificateUsage, 'any'>[] | undefined;
  /** Leaves whose notBefore is later are refused: a CA on its way out. */
  readonly distrustAfter?: Date | undefined;
}

/** An anchor with its limits: what `anchor()` makes. */
export interface TrustAnchor extends AnchorLimits {
  readonly certificate: Certificate;
}

export interface AnchorOptions extends AnchorLimits {
  readonly certificate: Certificate;
  /**
   * The only names that it may vouch for: `corp.internal` (and all below), `.corp.internal` (only what is below),
   * `10.0.0.0/8`, `192.0.2.1`, `example.com` for mailboxes as `@example.com`. Host names, addresses, mailboxes and URIs
   * of a form that is not listed are refused altogether, unlike what RFC 5280 says of a certificate's own constraints.
   */
  readonly permitted?: readonly string[];
  /** Names that it may not vouch for, in the same forms. */
  readonly excluded?: readonly string[];
}

/**
 * An anchor with limits, for `trustStore`.
 *
 * @throws RangeError for a name that is none of the forms, or where names are given both as text and as a structure
 *
 * @example
 * ```ts
 * const trust = trustStore([anchor({ certificate: companyCa, permitted: ['.corp.internal', '10.0.0.0/8'] })]);
 * ```
 */
export function anchor(options: AnchorOptions): TrustAnchor {
  const { certificate, permitted, excluded, purposes, distrustAfter } = options;
  const named = permitted !== undefined || excluded !== undefined;
  if (named && options.nameConstraints !== undefined) {
    throw new RangeError('give nameConstraints, or permitted and excluded names; not both');
  }
  if (distrustAfter !== undefined && Number.isNaN(distrustAfter.getTime())) {
    throw new RangeError('distrustAfter is no date');
  }
  const nameConstraints = named ? constraintsOf(permitted, excluded ?? []) : options.nameConstraints;
  return Object.freeze({
    certificate,
    nameConstraints,
    purposes: purposes === undefined ? undefined : Object.freeze([...purposes]),
    distrustAfter: distrustAfter === undefined ? undefined : new Date(distrustAfter),
  });
}

/** What a limit is checked against. */
export interface LimitedPath {
  readonly anchor: Certificate;
  /** The path under the anchor, leaf first. Empty where the anchor is itself the leaf. */
  readonly below: readonly Certificate[];
  readonly purpose: CertificateUsage;
  /** The names of a certificate that constraints apply to (RFC 5280 §4.2.1.10). */
  readonly namesOf: (certificate: Certificate) => readonly GeneralName[];
  /** Called once a comparison of names; throws where the budget is used up. */
  readonly count: () => void;
}

export interface LimitRefusal {
  readonly rule: CertificateErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** The first limit of an anchor that a path breaks, or `undefined`. */
export function limitRefusal(limits: readonly AnchorLimits[], path: LimitedPath): LimitRefusal | undefined {
  for (const limit of limits) {
    const refusal = purposeRefusal(limit, path) ?? distrustRefusal(limit, path) ?? namesRefusal(limit, path);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

const hint = 'our trust store limits this anchor; widen the limit if the certificate is meant to be good';

function purposeRefusal({ purposes }: AnchorLimits, { anchor, purpose }: LimitedPath): LimitRefusal | undefined {
  if (purposes === undefined || purpose === 'any' || purposes.includes(purpose)) return undefined;
  const allowed = purposes.join(', ') || 'nothing';
  return {
    rule: 'extended_key_usage',
    message: `we trust ${nameOf(anchor)} for ${allowed}, not for ${purpose}`,
    hint,
  };
}

function distrustRefusal({ distrustAfter }: AnchorLimits, path: LimitedPath): LimitRefusal | undefined {
  const leaf = path.below[0] ?? path.anchor;
  if (distrustAfter === undefined || leaf.notBefore.getTime() <= distrustAfter.getTime()) return undefined;
  return {
    rule: 'unknown_issuer',
    message: `we trust ${nameOf(path.anchor)} for certificates issued until ${isoTime(distrustAfter)}, and that for ${nameOf(leaf)} is of ${isoTime(leaf.notBefore)}`,
    hint,
  };
}

/** As §6.1.3 (b), (c): every certificate below but self-issued intermediates; an anchor alone is held to its own limits. */
function namesRefusal({ nameConstraints }: AnchorLimits, path: LimitedPath): LimitRefusal | undefined {
  if (nameConstraints === undefined) return undefined;
  const confined = path.below.length === 0 ? [path.anchor] : path.below;
  for (const [index, certificate] of confined.entries()) {
    if (index > 0 && certificate.selfIssued) continue;
    const violation = constraintViolation(nameConstraints, path.namesOf(certificate), path.count);
    if (violation === undefined) continue;
    return {
      rule: 'name_constraints',
      message: `we do not trust ${nameOf(path.anchor)} to vouch for certificate ${nameOf(certificate)}: ${violation}`,
      hint,
    };
  }
  return undefined;
}

function constraintsOf(permitted: readonly string[] | undefined, excluded: readonly string[]): NameConstraints {
  const inside = (permitted ?? []).map(baseOf);
  const outside = excluded.map(baseOf);
  if (permitted === undefined) return { permitted: [], excluded: outside };
  const unlisted = everything.filter(({ kind }) => !inside.some((base) => base.kind === kind));
  return { permitted: inside, excluded: [...outside, ...unlisted] };
}

/** All names of each form. */
const everything: readonly GeneralName[] = [
  { kind: 'dns', text: '' },
  { kind: 'email', text: '' },
  { kind: 'uri', text: '' },
  { kind: 'ip', bytes: /* @__PURE__ */ new Uint8Array(8) },
  { kind: 'ip', bytes: /* @__PURE__ */ new Uint8Array(32) },
];

function baseOf(text: string): GeneralName {
  const range = ipRange(text);
  if (range !== undefined) return { kind: 'ip', bytes: range };
  const [, local, host] = /^([^@]*)@([^@]+)$/.exec(text) ?? [];
  if (host !== undefined && isDnsName(host)) return { kind: 'email', text: local === '' ? host : text };
  const name = text.startsWith('.') ? text.slice(1) : text;
  if (!isDnsName(name)) throw new RangeError(`no DNS name, IP range or mailbox: ${quote(text)}`);
  return { kind: 'dns', text };
}

/** Address and mask of `10.0.0.0/8` or of a single address; bits of the address behind the mask must be zero. */
function ipRange(text: string): Bytes | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const bytes = parseIp(address);
  if (bytes === undefined || rest.length > 0) return undefined;
  const bits = 8 * bytes.length;
  if (prefix !== undefined && !/^\d{1,3}$/.test(prefix)) return undefined;
  const length = prefix === undefined ? bits : Number(prefix);
  if (length > bits) throw new RangeError(`${quote(text)} has a prefix longer than its address`);
  const range = new Uint8Array(2 * bytes.length);
  for (const [at, byte] of bytes.entries()) {
    const mask = (0xff00 >> Math.max(0, Math.min(8, length - 8 * at))) & 0xff;
    if ((byte & ~mask & 0xff) !== 0) throw new RangeError(`${quote(text)} has bits behind its prefix`);
    range[at] = byte;
    range[bytes.length + at] = mask;
  }
  return range;
}
