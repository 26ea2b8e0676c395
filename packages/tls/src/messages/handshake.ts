/**
 * Handshake messages (RFC 9846 §4): the union of all, which type number is which, how large each may be, and the one
 * function that decodes a message whose type is welcome.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import { type CertificateMessage, readCertificate } from './certificate.ts';
import { type CertificateRequest, readCertificateRequest } from './certificate-request.ts';
import { type CertificateVerify, readCertificateVerify } from './certificate-verify.ts';
import { type ClientHello, readClientHello } from './client-hello.ts';
import { type EncryptedExtensions, readEncryptedExtensions } from './encrypted-extensions.ts';
import { type Finished, readFinished } from './finished.ts';
import { type KeyUpdate, readKeyUpdate } from './key-update.ts';
import { type NewSessionTicket, readNewSessionTicket } from './new-session-ticket.ts';
import { Reader } from './reader.ts';
import { type HelloRetryRequest, type LegacyServerHello, readServerHello, type ServerHello } from './server-hello.ts';

export type HandshakeMessage =
  | ClientHello
  | ServerHello
  | HelloRetryRequest
  | LegacyServerHello
  | EncryptedExtensions
  | CertificateRequest
  | CertificateMessage
  | CertificateVerify
  | Finished
  | NewSessionTicket
  | KeyUpdate;

export type MessageType = HandshakeMessage['type'];

/** The message of a type: `MessageOf<'finished' | 'certificate'>` is their union. */
export type MessageOf<T extends MessageType> = Extract<HandshakeMessage, { type: T }>;

interface MessageRow {
  /** Its name in the RFC, for people. */
  readonly title: string;
  /**
   * The largest body taken, in bytes: nothing larger is buffered. Certificate's is the config's.
   */
  readonly maxLength: number | 'config';
  readonly read: (reader: Reader, raw: Bytes, offered: ReadonlySet<number>) => HandshakeMessage;
}

const rows: ReadonlyMap<number, MessageRow> = new Map<number, MessageRow>([
  // 2 + 32 + 33 + (2 + 65,534) + 256 + (2 + 65,535) = 131,396: the largest that its syntax allows.
  [handshakeType.client_hello, { title: 'ClientHello', maxLength: 131_396, read: readClientHello }],
  // 2 + 32 + 33 + 2 + 1 + (2 + 65,535)
  [handshakeType.server_hello, { title: 'ServerHello', maxLength: 65_607, read: readServerHello }],
  [
    handshakeType.encrypted_extensions,
    { title: 'EncryptedExtensions', maxLength: 65_537, read: readEncryptedExtensions },
  ],
  [handshakeType.certificate_request, { title: 'CertificateRequest', maxLength: 65_793, read: readCertificateRequest }],
  [handshakeType.certificate, { title: 'Certificate', maxLength: 'config', read: readCertificate }],
  [handshakeType.certificate_verify, { title: 'CertificateVerify', maxLength: 65_539, read: readCertificateVerify }],
  [handshakeType.finished, { title: 'Finished', maxLength: 64, read: readFinished }],
  [handshakeType.new_session_ticket, { title: 'NewSessionTicket', maxLength: 131_338, read: readNewSessionTicket }],
  [handshakeType.key_update, { title: 'KeyUpdate', maxLength: 1, read: readKeyUpdate }],
]);

/** Which wire types a flow's expectation covers: a HelloRetryRequest has ServerHello's number. */
export const wireType: Readonly<Record<MessageType, number>> = {
  client_hello: handshakeType.client_hello,
  server_hello: handshakeType.server_hello,
  hello_retry_request: handshakeType.server_hello,
  legacy_server_hello: handshakeType.server_hello,
  encrypted_extensions: handshakeType.encrypted_extensions,
  certificate_request: handshakeType.certificate_request,
  certificate: handshakeType.certificate,
  certificate_verify: handshakeType.certificate_verify,
  finished: handshakeType.finished,
  new_session_ticket: handshakeType.new_session_ticket,
  key_update: handshakeType.key_update,
};

/** The RFC's name of a message type, or `message of type N`. */
export function messageTitle(type: number): string {
  return rows.get(type)?.title ?? `message of type ${type}`;
}

/** The largest body that is buffered for a type; an unknown type's is 0, as it will be refused. */
export function maxMessageLength(type: number, maxCertificateLength: number): number {
  const limit = rows.get(type)?.maxLength ?? 0;
  return limit === 'config' ? maxCertificateLength : limit;
}

/**
 * Decodes a whole message (header included) whose type the flow has welcomed.
 * @param offered the extensions that its own may answer.
 */
export function readHandshake(raw: Bytes, offered: ReadonlySet<number>): HandshakeMessage {
  const type = raw[0] as number;
  const row = rows.get(type);
  if (row === undefined) throw new TypeError(`no codec for handshake type ${type}`);
  return row.read(new Reader(raw, row.title, 4), raw, offered);
}
