/**
 * Whether a certificate that somebody else has signed is one to issue by: it is a CA's, for what is issued, for the names of the
 * configuration, and so is all above it.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { type Certificate, keyPurposeLabel } from '@handfast/x509';
import { usageError } from '../exit.ts';
import type { CaConfig } from './config.ts';
import { beyond } from './constraints.ts';
import { purposesOf } from './hierarchy.ts';
import { listOf } from './names.ts';

/** @param chain the issuer first. @throws CliError that says what it lacks */
export function checkIssuer(chain: readonly Certificate[], config: CaConfig): void {
  const [issuer] = chain;
  if (issuer === undefined) throw new Error('a chain of nothing');
  const wrong = wrongWith(issuer, config, chain);
  if (wrong !== undefined) {
    throw usageError(
      `the certificate cannot be issued by: ${wrong}`,
      'have it signed again, with the extensions that the request asks for',
    );
  }
  for (const certificate of chain) {
    const [outside] = listOf(beyond(certificate, config.allow));
    if (outside === undefined) continue;
    throw usageError(
      `${quote(certificate.subject.toString())} may not certify ${quote(outside)}, which "allow" in config.json has`,
      'have it signed for these names, or take them out of "allow": clients would refuse such certificates',
    );
  }
}

function wrongWith(issuer: Certificate, { ocsp }: CaConfig, chain: readonly Certificate[]): string | undefined {
  const { basicConstraints, keyUsage, notAfter } = issuer;
  if (basicConstraints?.ca !== true) return 'it is no CA’s (basicConstraints)';
  for (const usage of ['keyCertSign', 'cRLSign'] as const) {
    if (keyUsage !== undefined && !keyUsage.has(usage)) return `its key usage has no ${usage}`;
  }
  if (notAfter.getTime() <= Date.now()) return `it ended at ${notAfter.toISOString()}`;
  for (const { extendedKeyUsage, subject } of chain) {
    const purposes = extendedKeyUsage?.map(keyPurposeLabel) ?? ['any'];
    const lacking = purposesOf(ocsp === true).find(
      (purpose) => !purposes.includes('any') && !purposes.includes(purpose),
    );
    if (lacking !== undefined) return `${quote(subject.toString())} is not for ${lacking}`;
  }
  return undefined;
}
