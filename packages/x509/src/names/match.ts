/**
 * Whether a certificate is for the host that the application asked for (RFC 9525 §6): DNS names against DNS names, IP
 * addresses octet by octet, and nothing else of the certificate.
 *
 * @module
 */

import { equalBytes } from '@handfast/crypto';
import type { Certificate } from '../certificate.ts';
import { dnsNameMatches, normaliseDnsName } from './dns.ts';
import { formatIp, parseIp } from './ip.ts';

/**
 * Whether the certificate's subjectAltName covers `name`: a host name, or an IP literal (in brackets or not), as the
 * application gave it. An international name must be given as A-labels (`xn--…`).
 *
 * @throws CertificateError `malformed` where the subjectAltName does not decode
 */
export function matchesHostname(certificate: Certificate, name: string): boolean {
  const names = certificate.subjectAltName;
  if (names === undefined) return false;
  const address = parseIp(name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name);
  if (address !== undefined) return names.ipAddresses.some((presented) => equalBytes(presented, address));
  const reference = normaliseDnsName(name);
  return reference !== undefined && names.dnsNames.some((presented) => dnsNameMatches(presented, reference));
}

/** The names that `matchesHostname` looks at, as text, for people. Not escaped. */
export function presentedNames(certificate: Certificate): readonly string[] {
  const names = certificate.subjectAltName;
  if (names === undefined) return [];
  // A DNS name that reads as an address matches nothing, and the reader of a message should see why.
  const dnsNames = names.dnsNames.map((name) => (parseIp(name) === undefined ? name : `${name} (as a DNS name)`));
  const addresses = names.ipAddresses.filter(({ length }) => length === 4 || length === 16).map(formatIp);
  return [...dnsNames, ...addresses];
}
