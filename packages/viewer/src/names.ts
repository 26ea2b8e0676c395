/**
 * Numbers of the wire as names for people, and the notes that go with them.
 *
 * @module
 */

import type { TraceEvent } from '@handfast/tls';
import { cipherSuites, defaultCipherSuites12, isGrease, namedGroups, signatureSchemes } from '@handfast/tls';
import { legacySuiteNames } from '@handfast/tls/legacy';
import { escapeText } from '@handfast/x509';
import { otherCipherSuites } from './iana/cipher-suites.ts';
import { otherGroups, otherSchemes, pairedSchemes } from './iana/names.ts';

export type HandshakeMessage = Extract<TraceEvent, { readonly type: 'message' }>['message'];

type Row = { readonly id: number; readonly name: string };

/** Values that stand among a hello's suites and are none (RFC 5746 §3.3, RFC 7507). */
const signals: readonly Row[] = [
  { id: 0x00ff, name: 'TLS_EMPTY_RENEGOTIATION_INFO_SCSV' },
  { id: 0x5600, name: 'TLS_FALLBACK_SCSV' },
];

const suites = namesById(
  [...cipherSuites, ...defaultCipherSuites12, ...legacySuiteNames(), ...signals],
  otherCipherSuites,
);
const groups = namesById(namedGroups, otherGroups);
const schemes = namesById(signatureSchemes, [...pairedSchemes, ...otherSchemes]);

export function suiteName(id: number): string {
  return suites.get(id) ?? unknownName(id);
}

export function groupName(id: number): string {
  return groups.get(id) ?? unknownName(id);
}

export function schemeName(id: number): string {
  return schemes.get(id) ?? unknownName(id);
}

/** The curve that a ServerKeyExchange of ECDHE names (RFC 8422 §5.4); undefined for other exchanges. */
export function curveOf(body: Uint8Array): string | undefined {
  const [type, high, low] = body;
  return type === 3 && high !== undefined && low !== undefined ? groups.get((high << 8) | low) : undefined;
}

const versions: ReadonlyMap<number, string> = new Map([
  [0x0304, 'TLS 1.3'],
  [0x0303, 'TLS 1.2'],
  [0x0302, 'TLS 1.1'],
  [0x0301, 'TLS 1.0'],
  [0x0300, 'SSL 3.0'],
]);

export function versionName(id: number): string {
  return versions.get(id) ?? unknownName(id);
}

/** What a group is, in three words. */
export function groupNote(name: string): string {
  if (name.includes('MLKEM')) return 'post-quantum hybrid';
  return name.startsWith('ffdhe') ? 'finite-field Diffie-Hellman' : 'elliptic-curve Diffie-Hellman';
}

const titles: Readonly<Record<HandshakeMessage['type'], string>> = {
  client_hello: 'ClientHello',
  server_hello: 'ServerHello',
  hello_retry_request: 'HelloRetryRequest',
  legacy_server_hello: 'ServerHello',
  encrypted_extensions: 'EncryptedExtensions',
  certificate_request: 'CertificateRequest',
  certificate: 'Certificate',
  certificate_verify: 'CertificateVerify',
  finished: 'Finished',
  end_of_early_data: 'EndOfEarlyData',
  new_session_ticket: 'NewSessionTicket',
  new_session_ticket_12: 'NewSessionTicket',
  key_update: 'KeyUpdate',
  hello_request: 'HelloRequest',
  certificate_12: 'Certificate',
  certificate_status: 'CertificateStatus',
  server_key_exchange: 'ServerKeyExchange',
  certificate_request_12: 'CertificateRequest',
  server_hello_done: 'ServerHelloDone',
  client_key_exchange: 'ClientKeyExchange',
  certificate_verify_12: 'CertificateVerify',
};

/** The RFC's name of a handshake message. */
export function messageTitle(message: HandshakeMessage): string {
  return titles[message.type];
}

/** The same of what the engine calls it, `certificate_12`; a name that it does not know stays as it is, escaped. */
export function titleOfType(type: string): string {
  return Object.hasOwn(titles, type) ? titles[type as HandshakeMessage['type']] : escapeText(type);
}

/** Of what this stack speaks, and of what it does not. */
function namesById(rows: readonly Row[], others: readonly (readonly [number, string])[]): ReadonlyMap<number, string> {
  return new Map([...others, ...rows.map(({ id, name }) => [id, name] as const)]);
}

function unknownName(id: number): string {
  const hex = `0x${id.toString(16).padStart(4, '0')}`;
  return isGrease(id) ? `GREASE (${hex})` : hex;
}
