/**
 * Client certificates that may sign in: of this CA, for clients, handed out by an operator or by enrolment, and with a name that the
 * configuration gives a role. ACME gives nobody a role, whatever it certifies.
 *
 * @module
 */

import { equalBytes } from '@handfast/crypto';
import { type Certificate, keyPurposeLabel } from '@handfast/x509';
import type { CertificateRecord } from '../authority.ts';
import { enrolled } from '../enrolment/service.ts';
import type { OpenAuthority } from '../open.ts';
import type { AdminRole } from './roles.ts';

export interface AdminClient {
  /**
   * A name of the certificate (DNS name, mailbox), or its common name, whatever the case. A `*` at its beginning stands for characters
   * other than `.` and `@`: `*@ops.example`, `*.ops.example`.
   */
  readonly name: string;
  readonly role: AdminRole;
}

export interface ClientIdentity {
  readonly who: string;
  readonly role: AdminRole;
  readonly serial: string;
}

/** The role of the first rule that fits one of some names. */
export function roleOfNames(
  clients: readonly AdminClient[],
  names: readonly string[],
): { readonly who: string; readonly role: AdminRole } | undefined {
  for (const { name: pattern, role } of clients) {
    const who = names.find((name) => fits(pattern.toLowerCase(), name.toLowerCase()));
    if (who !== undefined) return { who, role };
  }
  return undefined;
}

function fits(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*')) return pattern === name;
  const end = pattern.slice(1);
  // `*` alone would be everybody.
  return end.length > 1 && name.endsWith(end) && /^[^.@]+$/.test(name.slice(0, -end.length));
}

/** Whoever shows it has proven in TLS to hold its key. */
export async function clientIdentity(
  authority: Pick<OpenAuthority, 'find'>,
  clients: readonly AdminClient[],
  certificate: Certificate | undefined,
): Promise<ClientIdentity | undefined> {
  if (certificate === undefined || clients.length === 0) return undefined;
  const record = await authority.find(certificate.serialNumberHex);
  // What is on the disk was signed here: no other certificate is the same.
  if (record === undefined || record.status !== 'valid' || !equalBytes(record.der, certificate.raw)) return undefined;
  if (!byOperator(record) || !forClients(certificate)) return undefined;
  const found = roleOfNames(clients, [
    ...record.names,
    ...(record.commonName === undefined ? [] : [record.commonName]),
  ]);
  return found && { ...found, serial: record.serial };
}

function byOperator({ origin, by }: CertificateRecord): boolean {
  return origin === undefined ? by.startsWith('operator ') : origin.startsWith(enrolled);
}

function forClients({ extendedKeyUsage }: Certificate): boolean {
  return extendedKeyUsage?.some((purpose) => keyPurposeLabel(purpose) === 'clientAuth') === true;
}
