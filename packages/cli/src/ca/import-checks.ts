/**
 * Whether a certificate that somebody else has signed is one to issue by: it is a CA's, for what is issued, for the names of the
 * configuration, and so is all above it.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { type Certificate, keyPurposeLabel } from '@handfast/x509';
import { timeText } from '../cert/layout.ts';
import { usageError } from '../exit.ts';
import type { CaConfig } from './config.ts';
import { beyond } from './constraints.ts';
import { purposesOf } from './hierarchy.ts';
import { listOf } from './names.ts';

/** @param chain the issuer first. @throws CliError that says what it lacks */
export function checkIssuer(chain: readonly Certificate[], config: CaConfig): void {
  const [issuer] = chain;
  if (issuer === undefined) throw new Error('a chain of nothing');
  for (const certificate of chain) refuseNotNow(certificate, new Date());
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

/** The CA would be out of service: nobody believes a chain before all of it has begun, nor when any of it has ended. */
function refuseNotNow({ subject, notBefore, notAfter }: Certificate, now: Date): void {
  const hasBegun = notBefore <= now;
  if (hasBegun && now < notAfter) return;
  throw usageError(
    `${quote(subject.toString())} is not valid now, but from ${timeText(notBefore)} until ${timeText(notAfter)}`,
    hasBegun
      ? 'have another signed: nothing was imported'
      : 'import it once it is, or have another signed if the clock here is right: nothing was imported',
  );
}

function wrongWith(issuer: Certificate, { ocsp }: CaConfig, chain: readonly Certificate[]): string | undefined {
  const { basicConstraints, keyUsage } = issuer;
  if (basicConstraints?.ca !== true) return 'it is no CA’s (basicConstraints)';
  for (const usage of ['keyCertSign', 'cRLSign'] as const) {
    if (keyUsage !== undefined && !keyUsage.has(usage)) return `its key usage has no ${usage}`;
  }
  for (const { extendedKeyUsage, subject } of chain) {
    const purposes = extendedKeyUsage?.map(keyPurposeLabel) ?? ['any'];
    const lacking = purposesOf(ocsp === true).find(
      (purpose) => !purposes.includes('any') && !purposes.includes(purpose),
    );
    if (lacking !== undefined) return `${quote(subject.toString())} is not for ${lacking}`;
  }
  return undefined;
}
