/**
 * Whether a certificate that somebody else has signed is one to issue by: it is a CA's, for what is issued, for the names of the
 * configuration, and so is all above it.
 *
 * @module
 */

import { quote } from '@handfast/tls';
import { type Certificate, keyPurposeLabel, type NameConstraints, parseIp } from '@handfast/x509';
import { usageError } from '../exit.ts';
import type { CaConfig } from './config.ts';
import { purposesOf } from './hierarchy.ts';
import { maskedBy } from './names.ts';

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
    const outside = outsideOf(certificate.nameConstraints, config);
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

/** The first name of the policy that is not within. */
function outsideOf(constraints: NameConstraints | undefined, { allow }: CaConfig): string | undefined {
  if (constraints === undefined) return undefined;
  return (
    allow.domains.find((domain) => !permitsDomain(constraints, domain)) ??
    allow.networks.find((network) => !permitsNetwork(constraints, network))
  );
}

/** All that is at and below a domain; of what is excluded nothing. */
function permitsDomain({ permitted, excluded }: NameConstraints, domain: string): boolean {
  const bases = (names: NameConstraints['permitted']): readonly string[] =>
    names.flatMap((name) => (name.kind === 'dns' ? [name.text.toLowerCase()] : []));
  const within = (base: string): boolean => base === '' || domain === base || domain.endsWith(`.${base}`);
  const touches = (base: string): boolean => within(base) || base.endsWith(`.${domain}`);
  const [inside, outside] = [bases(permitted), bases(excluded)];
  return (inside.length === 0 || inside.some(within)) && !outside.some(touches);
}

function permitsNetwork({ permitted, excluded }: NameConstraints, network: string): boolean {
  const [text = '', bits = ''] = network.split('/');
  const address = parseIp(text);
  if (address === undefined) return false;
  const bases = (names: NameConstraints['permitted']) =>
    names.flatMap((name) => (name.kind === 'ip' && name.bytes.length === 2 * address.length ? [name.bytes] : []));
  const holds = (base: Uint8Array, length: number): boolean => {
    const [start, mask] = [base.subarray(0, address.length), base.subarray(address.length)];
    return bitsOf(mask) <= length && maskedBy(address, bitsOf(mask)).every((byte, at) => byte === start[at]);
  };
  const touches = (base: Uint8Array): boolean => {
    const length = bitsOf(base.subarray(address.length));
    const shorter = Math.min(length, Number(bits));
    const start = maskedBy(base.subarray(0, address.length), shorter);
    return maskedBy(address, shorter).every((byte, at) => byte === start[at]);
  };
  const ofKind = permitted.some(({ kind }) => kind === 'ip');
  return (!ofKind || bases(permitted).some((base) => holds(base, Number(bits)))) && !bases(excluded).some(touches);
}

function bitsOf(mask: Uint8Array): number {
  return mask.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
}
