/**
 * A certificate as text for people: what `--showcerts` prints.
 *
 * @module
 */

import type { CryptoProvider } from '@handfast/crypto';
import { type Certificate, colons, fingerprintOf } from './certificate.ts';
import { keyPurposeLabel } from './der/oid.ts';
import { CertificateError } from './errors.ts';
import { describeGeneralName } from './names/general.ts';
import { parseSubjectKey, subjectKeyLabel } from './subject-keys.ts';
import { escapeText, isoTime } from './text.ts';

/** Names of one certificate that are printed; the rest is a count. */
const maxNames = 100;

/**
 * One line a field, no line feed at the end. Strings of the certificate's are escaped. The fingerprint (SHA-256) needs
 * a provider.
 */
export function describeCertificate(certificate: Certificate, provider?: Pick<CryptoProvider, 'digest'>): string {
  const lines: [string, string | undefined][] = [
    ['Subject', escapeText(certificate.subject.toString()) || '(none)'],
    ['Issuer', escapeText(certificate.issuer.toString()) || '(none)'],
    ['Serial', colons(certificate.serialNumber)],
    ['Valid', `${isoTime(certificate.notBefore)} to ${isoTime(certificate.notAfter)}`],
    ['Names', decoded(() => namesText(certificate))],
    ['Key', decoded(() => subjectKeyLabel(parseSubjectKey(certificate.spki)))],
    ['CA', decoded(() => caText(certificate))],
    ['Key usage', decoded(() => certificate.keyUsage && [...certificate.keyUsage].join(', '))],
    ['Purposes', decoded(() => certificate.extendedKeyUsage?.map(keyPurposeLabel).join(', '))],
    ['Signature', certificate.signatureAlgorithm ?? certificate.signatureAlgorithmOid],
    ['SHA-256', provider && fingerprintOf(provider, certificate)],
  ];
  return lines.flatMap(([label, text]) => (text === undefined ? [] : [`${`${label}:`.padEnd(11)}${text}`])).join('\n');
}

function namesText(certificate: Certificate): string | undefined {
  const names = certificate.subjectAltName?.names;
  if (names === undefined) return undefined;
  const shown = names.slice(0, maxNames).map(describeGeneralName).join(', ');
  return names.length > maxNames ? `${shown} and ${names.length - maxNames} more` : shown;
}

function caText(certificate: Certificate): string | undefined {
  const constraints = certificate.basicConstraints;
  if (constraints?.ca !== true) return undefined;
  return constraints.pathLength === undefined ? 'yes' : `yes, path length ${constraints.pathLength}`;
}

/** A field that does not decode says so in its own line. */
function decoded(read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CertificateError) return `(${error.message})`;
    throw error;
  }
}
