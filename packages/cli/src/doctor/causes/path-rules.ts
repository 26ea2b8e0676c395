/**
 * What the rows about certificates share: the refusals of the path, as found.
 *
 * @module
 */

import type { Certificate, CertificateError, CertificateErrorCode } from '@handfast/x509';
import { nameOf } from '../../transcript.ts';
import type { ChainEvidence, Evidence } from '../evidence.ts';
import type { Cause, Found } from './cause.ts';

export function called(certificate: Certificate | undefined): string {
  return certificate === undefined ? 'the certificate' : `"${nameOf(certificate)}"`;
}

/** Every refusal of the path: now, and at a time when the leaf is valid. */
export function refusals({ chain }: Evidence): readonly CertificateError[] {
  return [chain?.refusal, chain?.refusalInTime].filter((one) => one !== undefined);
}

export function refusalBy(evidence: Evidence, rules: readonly CertificateErrorCode[]): CertificateError | undefined {
  return refusals(evidence).find(({ code }) => rules.includes(code));
}

export function byRule(
  rules: readonly CertificateErrorCode[],
  says: (error: CertificateError, evidence: Evidence, chain: ChainEvidence) => Found | undefined,
): Pick<Cause, 'rules' | 'find'> {
  return {
    rules,
    find: (evidence) => {
      const error = refusalBy(evidence, rules);
      return error && evidence.chain && says(error, evidence, evidence.chain);
    },
  };
}

export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** What the rule says is all there is to say. */
export function plainly(rules: readonly CertificateErrorCode[]): Pick<Cause, 'rules' | 'find'> {
  return byRule(rules, ({ message }) => ({ certainty: 'certain', says: sentence(message) }));
}
