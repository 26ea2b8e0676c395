/**
 * Client certificates that may sign in: of this CA, for clients, handed out by an operator or by enrolment, and with a name that the
 * configuration gives a role. ACME gives nobody a role, whatever it certifies.
 *
 * @module
 */

import { equalBytes } from '@handfast/crypto';
import { type Certificate, formatIp, keyPurposeLabel, parseIp } from '@handfast/x509';
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

/** Why a certificate that was shown signs nobody in: only who holds its key is told. */
export interface ClientRefusal {
  readonly detail: string;
  readonly hint: string;
}

/** The role of the first rule that fits one of some names. */
export function roleOfNames(
  clients: readonly AdminClient[],
  names: readonly string[],
): { readonly who: string; readonly role: AdminRole } | undefined {
  for (const { name: pattern, role } of clients) {
    const who = names.find((name) => fits(oneForm(pattern), oneForm(name)));
    if (who !== undefined) return { who, role };
  }
  return undefined;
}

/** In which names are compared: an address is written in many ways. */
function oneForm(name: string): string {
  const address = parseIp(name);
  return address === undefined ? name.toLowerCase() : formatIp(address);
}

function fits(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*')) return pattern === name;
  const end = pattern.slice(1);
  // `*` alone would be everybody.
  return end.length > 1 && name.endsWith(end) && /^[^.@]+$/.test(name.slice(0, -end.length));
}

/** Whoever shows it has proven in TLS to hold its key. `undefined`: none was shown. */
export async function judgeClient(
  authority: Pick<OpenAuthority, 'find'>,
  clients: readonly AdminClient[],
  certificate: Certificate | undefined,
): Promise<ClientIdentity | ClientRefusal | undefined> {
  if (certificate === undefined) return undefined;
  const record = await authority.find(certificate.serialNumberHex);
  // What is on the disk was signed here: no other certificate is the same.
  if (record === undefined || !equalBytes(record.der, certificate.raw)) {
    return { detail: 'the certificate that the browser has shown is not of this CA', hint: another };
  }
  const names = [...record.names, ...(record.commonName === undefined ? [] : [record.commonName])];
  const what = `the certificate of ${names[0] ?? record.serial}`;
  if (record.status === 'revoked') return { detail: `${what} is revoked`, hint: another };
  if (record.status === 'expired') {
    return { detail: `${what} ended at ${record.notAfter.toISOString().slice(0, 16)}Z`, hint: another };
  }
  if (!forClients(certificate)) return { detail: `${what} is not for clients`, hint: another };
  if (!byOperator(record)) return { detail: `${what} was made by ACME, which gives nobody a role`, hint: another };
  const found = roleOfNames(clients, names);
  if (found !== undefined) return { ...found, serial: record.serial };
  return { detail: `${what} has no role here`, hint: '"dashboard" in config.json of the CA gives names a role' };
}

const another = 'another one (handfast ca issue NAME --client) signs in, and so does a token';

/** Whose it is, if it has a role. */
export async function clientIdentity(...asked: Parameters<typeof judgeClient>): Promise<ClientIdentity | undefined> {
  const client = await judgeClient(...asked);
  return client !== undefined && 'role' in client ? client : undefined;
}

function byOperator({ origin, by }: CertificateRecord): boolean {
  return origin === undefined ? by.startsWith('operator ') : origin.startsWith(enrolled);
}

function forClients({ extendedKeyUsage }: Certificate): boolean {
  return extendedKeyUsage?.some((purpose) => keyPurposeLabel(purpose) === 'clientAuth') === true;
}
