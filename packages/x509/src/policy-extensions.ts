/**
 * The extensions of certificate policies (RFC 5280 §4.2.1.4, §4.2.1.5, §4.2.1.11, §4.2.1.14), read and written. What
 * they mean along a path is in `path/policies.ts`.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import type { Oid } from './der/oid.ts';
import { contextPrimitive, type DerReader, readDer, tag } from './der/reader.ts';
import * as der from './der/writer.ts';
import { malformed } from './errors.ts';
import { ascii, codeUnitText, utf8Text } from './text.ts';

/** "Any policy" (§4.2.1.4). */
export const anyPolicy: Oid = '2.5.29.32.0';

const cpsOid: Oid = '1.3.6.1.5.5.7.2.1';
const userNoticeOid: Oid = '1.3.6.1.5.5.7.2.2';

/** One policy under which a certificate was issued. */
export interface PolicyInformation {
  readonly policy: Oid;
  readonly qualifiers: readonly PolicyQualifier[];
}

/** What a policy says of itself, for people: nothing is decided by it. */
export type PolicyQualifier =
  /** The URI of a certification practice statement. */
  | { readonly kind: 'cps'; readonly uri: string }
  | {
      readonly kind: 'userNotice';
      /** `undefined`: there is none, or it is in no string that we read. */
      readonly text: string | undefined;
      readonly organization: string | undefined;
      readonly noticeNumbers: readonly bigint[];
    }
  | { readonly kind: 'other'; readonly oid: Oid; readonly raw: Bytes };

/** An issuer's policy that its subject has under another name. */
export interface PolicyMapping {
  readonly issuerDomainPolicy: Oid;
  readonly subjectDomainPolicy: Oid;
}

/** How many more certificates may follow before a policy must be explicit, or mapping ends. Absent: no such demand. */
export interface PolicyConstraints {
  readonly requireExplicitPolicy?: number;
  readonly inhibitPolicyMapping?: number;
}

/**
 * ```
 * certificatePolicies ::= SEQUENCE SIZE (1..MAX) OF PolicyInformation
 * PolicyInformation ::= SEQUENCE {
 *      policyIdentifier   CertPolicyId,
 *      policyQualifiers   SEQUENCE SIZE (1..MAX) OF PolicyQualifierInfo OPTIONAL }
 * ```
 *
 * A policy that stands twice is refused (§4.2.1.4).
 */
export function parseCertificatePolicies(value: Bytes, what: string): readonly PolicyInformation[] {
  return readDer(value, what, (reader) => {
    const list = reader.sequence();
    const seen = new Set<Oid>();
    const policies = list.list(() => {
      const information = list.sequence();
      const policy = information.oid();
      const qualifiers = information.done ? [] : readQualifiers(information.sequence(), what);
      information.end();
      if (seen.has(policy)) throw malformed(what, `policy ${policy} stands twice`);
      seen.add(policy);
      return { policy, qualifiers };
    });
    if (policies.length === 0) throw malformed(what, 'an empty list');
    return policies;
  });
}

/** The extension's value, without qualifiers. */
export function encodeCertificatePolicies(policies: readonly Oid[]): Bytes {
  return der.sequence(...policies.map((policy) => der.sequence(der.oid(policy))));
}

/**
 * ```
 * PolicyMappings ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE {
 *      issuerDomainPolicy      CertPolicyId,
 *      subjectDomainPolicy     CertPolicyId }
 * ```
 */
export function parsePolicyMappings(value: Bytes, what: string): readonly PolicyMapping[] {
  return readDer(value, what, (reader) => {
    const list = reader.sequence();
    const mappings = list.list(() => {
      const mapping = list.sequence();
      const issuerDomainPolicy = mapping.oid();
      const subjectDomainPolicy = mapping.oid();
      mapping.end();
      return { issuerDomainPolicy, subjectDomainPolicy };
    });
    if (mappings.length === 0) throw malformed(what, 'an empty list');
    return mappings;
  });
}

export function encodePolicyMappings(mappings: readonly PolicyMapping[]): Bytes {
  return der.sequence(
    ...mappings.map(({ issuerDomainPolicy, subjectDomainPolicy }) =>
      der.sequence(der.oid(issuerDomainPolicy), der.oid(subjectDomainPolicy)),
    ),
  );
}

/**
 * ```
 * PolicyConstraints ::= SEQUENCE {
 *      requireExplicitPolicy   [0] SkipCerts OPTIONAL,
 *      inhibitPolicyMapping    [1] SkipCerts OPTIONAL }
 * ```
 */
export function parsePolicyConstraints(value: Bytes, what: string): PolicyConstraints {
  return readDer(value, what, (reader) => {
    const constraints = reader.sequence();
    const requireExplicitPolicy = readSkip(constraints, 0);
    const inhibitPolicyMapping = readSkip(constraints, 1);
    constraints.end();
    // §4.2.1.11: "Conforming CAs MUST NOT issue certificates where policy constraints is an empty sequence."
    if (requireExplicitPolicy === undefined && inhibitPolicyMapping === undefined)
      throw malformed(what, 'neither of the two constraints');
    return {
      ...(requireExplicitPolicy === undefined ? {} : { requireExplicitPolicy }),
      ...(inhibitPolicyMapping === undefined ? {} : { inhibitPolicyMapping }),
    };
  });
}

export function encodePolicyConstraints({ requireExplicitPolicy, inhibitPolicyMapping }: PolicyConstraints): Bytes {
  const skip = (number: number, count: number | undefined): Uint8Array[] =>
    count === undefined ? [] : [der.implicit(number, der.smallInteger(count).subarray(2))];
  return der.sequence(...skip(0, requireExplicitPolicy), ...skip(1, inhibitPolicyMapping));
}

/** How many more certificates may say "any policy" and be believed. */
export function parseInhibitAnyPolicy(value: Bytes, what: string): number {
  return readDer(value, what, (reader) => reader.smallInteger());
}

function readSkip(reader: DerReader, number: number): number | undefined {
  const expected = contextPrimitive(number);
  return reader.nextTag === expected ? reader.smallInteger(expected) : undefined;
}

function readQualifiers(list: DerReader, what: string): readonly PolicyQualifier[] {
  const qualifiers = list.list(() => readQualifier(list.sequence(), what));
  if (qualifiers.length === 0) throw malformed(what, 'an empty list of qualifiers');
  return qualifiers;
}

/** `PolicyQualifierInfo ::= SEQUENCE { policyQualifierId OBJECT IDENTIFIER, qualifier ANY }` */
function readQualifier(info: DerReader, what: string): PolicyQualifier {
  const oid = info.oid();
  const qualifier =
    oid === cpsOid
      ? readCps(info, what)
      : oid === userNoticeOid
        ? readUserNotice(info.sequence())
        : ({ kind: 'other', oid, raw: info.element().raw } as const);
  info.end();
  return qualifier;
}

function readCps(info: DerReader, what: string): PolicyQualifier {
  const uri = ascii(info.element(tag.ia5String).content);
  if (uri === undefined) throw malformed(what, 'a CPS URI that is not ASCII');
  return { kind: 'cps', uri };
}

/**
 * ```
 * UserNotice ::= SEQUENCE {
 *      noticeRef        NoticeReference OPTIONAL,
 *      explicitText     DisplayText OPTIONAL }
 * NoticeReference ::= SEQUENCE { organization DisplayText, noticeNumbers SEQUENCE OF INTEGER }
 * ```
 */
function readUserNotice(notice: DerReader): PolicyQualifier {
  let organization: string | undefined;
  let noticeNumbers: readonly bigint[] = [];
  if (notice.nextTag === tag.sequence) {
    const reference = notice.sequence();
    organization = readDisplayText(reference);
    const numbers = reference.sequence();
    noticeNumbers = numbers.list(() => signed(numbers.integer()));
    reference.end();
  }
  const text = notice.done ? undefined : readDisplayText(notice);
  notice.end();
  return { kind: 'userNotice', text, organization, noticeNumbers };
}

/** Longer than §4.2.1.4's 200 characters is read too: it is only for display. */
function readDisplayText(reader: DerReader): string | undefined {
  const { tag: kind, content } = reader.element();
  if (kind === tag.utf8String) return utf8Text(content);
  if (kind === tag.bmpString) return codeUnitText(content, 2);
  return kind === tag.ia5String || kind === tag.visibleString ? ascii(content) : undefined;
}

function signed(content: Bytes): bigint {
  let value = 0n;
  for (const byte of content) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * content.length, value);
}
