/**
 * Certificates that the CA has issued, as it knows them: found by what people have at hand, told to people and programs.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import type { CertificateRecord } from '@handfast/ca';
import { quote } from '@handfast/tls';
import { escapeText, parseCertificate, parseCertificates, subjectKeyLabel } from '@handfast/x509';
import { timeText, whenText } from '../cert/layout.ts';
import { usageError } from '../exit.ts';
import { parsingFile, readFileFor } from '../options.ts';
import type { OpenCa } from './open.ts';

/**
 * The certificate that is meant: by its serial number, with colons or without, or by a file that it is in.
 * @throws CliError where the CA has not issued it
 */
export async function findRecord(text: string, { authority }: OpenCa): Promise<CertificateRecord> {
  const serial = serialOf(text);
  const record = await authority.find(serial);
  if (record !== undefined) return record;
  throw usageError(`this CA has issued no certificate with the serial number ${serial}`, 'handfast ca list shows all');
}

function serialOf(text: string): string {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{1,40}$/.test(hex)) return hex;
  if (!existsSync(text)) {
    throw usageError(
      `${quote(text)} is neither a serial number nor a file`,
      'handfast ca list shows serial numbers; the certificate’s file will do as well',
    );
  }
  const bytes = readFileFor('SERIAL', text);
  const [leaf] = parsingFile('SERIAL', text, () => parseCertificates(bytes));
  return leaf?.serialNumberHex ?? '';
}

/** Names that stay; times are ISO 8601; what is not there is `null`. */
export function recordJson(record: CertificateRecord): object {
  return {
    serial: record.serial,
    status: record.status,
    commonName: record.commonName ?? null,
    names: record.names,
    profile: record.profile,
    issuer: record.issuerId,
    notBefore: timeText(record.notBefore),
    notAfter: timeText(record.notAfter),
    issuedAt: timeText(record.issuedAt),
    by: record.by,
    revokedAt: record.revokedAt === undefined ? null : timeText(record.revokedAt),
    reason: record.reason ?? null,
  };
}

/** What it is called: its names, else its subject's. */
export function recordName({ names, commonName }: CertificateRecord): string {
  const all = names.length > 0 ? names : [commonName ?? '(no name)'];
  return all.map(escapeText).join(', ');
}

/** `valid, ends in 89 days`; `revoked 3 hours ago: superseded` */
export function statusText({ status, notAfter, revokedAt, reason }: CertificateRecord, now: Date): string {
  if (status === 'expired') return `expired ${whenText(notAfter, now)}`;
  if (status === 'valid') return `valid, ends ${whenText(notAfter, now)}`;
  const when = revokedAt === undefined ? '' : ` ${whenText(revokedAt, now)}`;
  return `revoked${when}${reason === undefined ? '' : `: ${reason}`}`;
}

/** `ECDSA P-256` */
export function keyText({ der }: CertificateRecord): string {
  return subjectKeyLabel(parseCertificate(der).publicKey);
}
