/**
 * What a verified path was verified for, in words: one line a certificate and rule.
 *
 * @module
 */

import { type Certificate, nameOf, readable } from '../certificate.ts';
import { keyPurposeLabel } from '../der/oid.ts';
import { keyLabel } from '../keys.ts';
import { referenceText } from '../names/match.ts';
import { escapeText, isoTime, quote } from '../text.ts';
import type { VerifiedPath } from './build.ts';

/** What was asked of one certificate. */
export type CheckName = 'name' | 'validity' | 'key' | 'purpose' | 'signature' | 'ca' | 'name_constraints' | 'anchor';

export interface PathCheck {
  readonly certificate: Certificate;
  readonly rule: CheckName;
  /** For people; the certificate's own strings in it are escaped. */
  readonly detail: string;
}

/** The checks that a path (leaf … anchor) has passed: what each certificate was checked for, for people. */
export function pathChecks({ path, asked }: VerifiedPath): readonly PathCheck[] {
  const { time, usage, name } = asked;
  const checks: PathCheck[] = [];
  for (const [index, certificate] of path.entries()) {
    const add = (rule: CheckName, detail: string): void => void checks.push({ certificate, rule, detail });
    const issuer = path[index + 1];
    if (index === 0 && name !== undefined) add('name', `is for ${quote(referenceText(name))} by its subjectAltName`);
    add(
      'validity',
      `valid from ${isoTime(certificate.notBefore)} to ${isoTime(certificate.notAfter)}, at ${isoTime(time)}`,
    );
    add('key', keyText(certificate));
    const purposes =
      certificate.extendedKeyUsage?.map(keyPurposeLabel).join(', ') ?? 'any purpose, having no extended key usage';
    if (usage !== 'any') add('purpose', `${usage}: the certificate is for ${escapeText(purposes)}`);
    if (index > 0)
      add('ca', `is a CA${pathLengthText(certificate)}, with ${index} certificate${index === 1 ? '' : 's'} below it`);
    if (index > 0 && certificate.nameConstraints !== undefined)
      add('name_constraints', 'every name below is in its name space');
    if (issuer !== undefined)
      add(
        'signature',
        `signed by ${nameOf(issuer)} with ${certificate.signatureAlgorithm ?? certificate.legacySignatureAlgorithm ?? 'an unknown algorithm'}`,
      );
    else add('anchor', `${quote(certificate.subject.toString())} is in our trust store`);
  }
  return checks;
}

function pathLengthText(certificate: Certificate): string {
  const length = certificate.basicConstraints?.pathLength;
  return length === undefined ? '' : ` with path length ${length}`;
}

/** A DSA key, which has no `publicKey`, is verified with under RFC 5280's profile. */
function keyText(certificate: Certificate): string {
  return readable(() => keyLabel(certificate.publicKey)) ?? 'DSA';
}
