/**
 * What the CA has issued, checked: it is for our key, for what it shall be for, and signed by those who lead to the root.
 *
 * @module
 */

import { equalBytes, type PublicKeyInfo } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Certificate,
  CertificateError,
  formatIp,
  type GeneralName,
  parseCertificates,
  trustStore,
  verifyCertificate,
} from '@handfast/x509';
import { CliError, exitCodes } from '../exit.ts';

export interface Wanted {
  readonly key: PublicKeyInfo;
  readonly root: Certificate;
  readonly now: Date;
  /** All that it is for, in any order; `undefined`: whatever the CA says. */
  readonly names: readonly string[] | undefined;
}

/** The chain, leaf first. @throws CliError */
export async function checkIssued(
  pem: unknown,
  { key, root, now, names }: Wanted,
): Promise<readonly [Certificate, ...Certificate[]]> {
  const [leaf, ...intermediates] = certificatesIn(pem);
  if (leaf === undefined) throw refused('no certificate');
  if (!equalBytes(leaf.spki, key.spki)) throw refused('a certificate for another key');
  const given = certifiedNames(leaf);
  const { commonName } = leaf.subject;
  // Who a client is may be said, or left out.
  const fits = [given, [...given, commonName ?? '']].some((all) => names === undefined || sameNames(names, all));
  if (!fits) throw refused(`a certificate for ${given.join(', ')}`);
  try {
    const trust = trustStore([root]);
    await verifyCertificate({ provider, leaf, intermediates, trust, time: now, usage: 'any' });
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw refused(`a certificate that does not verify: ${error.message}`, error);
  }
  return [leaf, ...intermediates];
}

/** Names, addresses and mailboxes; the common name where there are none. */
export function certifiedNames({ subjectAltName, subject }: Certificate): readonly string[] {
  const names = (subjectAltName?.names ?? []).map(nameText).filter((name) => name !== undefined);
  return names.length > 0 ? names : [subject.commonName ?? ''];
}

function nameText(name: GeneralName): string | undefined {
  if (name.kind === 'ip') return formatIp(name.bytes);
  return name.kind === 'dns' || name.kind === 'email' ? name.text : undefined;
}

function sameNames(wanted: readonly string[], given: readonly string[]): boolean {
  const [a, b] = [wanted, given].map((names) => [...new Set(names.map((name) => name.toLowerCase()))].toSorted());
  return JSON.stringify(a) === JSON.stringify(b);
}

function certificatesIn(pem: unknown): readonly Certificate[] {
  try {
    return typeof pem === 'string' ? parseCertificates(pem) : [];
  } catch (error) {
    if (error instanceof CertificateError) return [];
    throw error;
  }
}

function refused(what: string, cause?: unknown): CliError {
  return new CliError(exitCodes.certificateRefused, `the CA has sent ${what}`, { cause, hint: 'nothing was written' });
}
