/**
 * Handshake messages (RFC 9846 §4, RFC 5246 §7.4): the union of all, and tables that say for a version which type number
 * is which message, how large each may be, and how it is read. Some numbers mean another structure from version to
 * version, so there is a table for each (`tls13/messages.ts`, `tls12/messages.ts`); hellos stand in all of them.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { handshakeType } from '../registry.ts';
import type { CertificateMessage } from './certificate.ts';
import type { CertificateRequest } from './certificate-request.ts';
import type { CertificateStatus } from './certificate-status.ts';
import type { CertificateVerify } from './certificate-verify.ts';
import { type ClientHello, readClientHello } from './client-hello.ts';
import type { EncryptedExtensions } from './encrypted-extensions.ts';
import type { EndOfEarlyData } from './end-of-early-data.ts';
import type { Finished } from './finished.ts';
import type { ClientKeyExchange, ServerKeyExchange } from './key-exchange.ts';
import type { KeyUpdate } from './key-update.ts';
import type {
  Certificate12,
  CertificateRequest12,
  CertificateVerify12,
  HelloRequest,
  NewSessionTicket12,
  ServerHelloDone,
} from './messages12.ts';
import type { NewSessionTicket } from './new-session-ticket.ts';
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
  | EndOfEarlyData
  | NewSessionTicket
  | KeyUpdate
  | Certificate12
  | CertificateStatus
  | ServerKeyExchange
  | CertificateRequest12
  | CertificateVerify12
  | ServerHelloDone
  | ClientKeyExchange
  | HelloRequest
  | NewSessionTicket12;

/** Before TLS 1.3 a flow waits for this record as it does for a message. */
export interface ChangeCipherSpec {
  readonly type: 'change_cipher_spec';
}

/** Our own side wants another handshake, before TLS 1.3. */
export interface Renegotiate {
  readonly type: 'renegotiate';
}

/** The peer's warning of that name, which answers our wish for another handshake. */
export interface NoRenegotiation {
  readonly type: 'no_renegotiation';
}

type Awaited = HandshakeMessage | ChangeCipherSpec | Renegotiate | NoRenegotiation;

/** Everything that a flow can wait for. */
export type MessageType = Awaited['type'];

/** The message of a type: `MessageOf<'finished' | 'certificate'>` is their union. */
export type MessageOf<T extends MessageType> = Extract<Awaited, { type: T }>;

export interface MessageRow {
  /** What it is read as. A HelloRetryRequest has ServerHello's number. */
  readonly types: readonly HandshakeMessage['type'][];
  /** The largest body taken, in bytes: nothing larger is buffered. Certificate's is the config's. */
  readonly maxLength: number | 'config';
  readonly read: (reader: Reader, raw: Bytes, offered: ReadonlySet<number>) => HandshakeMessage;
}

/** By wire number. */
export type MessageTable = ReadonlyMap<number, MessageRow>;

const hellos: readonly (readonly [number, MessageRow])[] = [
  // 2 + 32 + 33 + (2 + 65,534) + 256 + (2 + 65,535) = 131,396: the largest that its syntax allows.
  [handshakeType.client_hello, { types: ['client_hello'], maxLength: 131_396, read: readClientHello }],
  // 2 + 32 + 33 + 2 + 1 + (2 + 65,535)
  [
    handshakeType.server_hello,
    {
      types: ['server_hello', 'hello_retry_request', 'legacy_server_hello'],
      maxLength: 65_607,
      read: readServerHello,
    },
  ],
];

/** Hellos, and a version's own messages. */
export function messageTable(own: readonly (readonly [number, MessageRow])[]): MessageTable {
  return new Map([...hellos, ...own]);
}

export const helloMessages: MessageTable = /* @__PURE__ */ messageTable([]);

const titles: ReadonlyMap<number, string> = new Map(
  Object.entries(handshakeType).map(([name, id]) => [id, name.replace(/(^|_)([a-z])/g, (_, __, c) => c.toUpperCase())]),
);

/** The RFC's name of a message type, or `message of type N`. */
export function messageTitle(type: number): string {
  return titles.get(type) ?? `message of type ${type}`;
}

/** The largest body that is buffered for a type; an unknown type's is 0, as it will be refused. */
export function maxMessageLength(table: MessageTable, type: number, maxCertificateLength: number): number {
  const limit = table.get(type)?.maxLength ?? 0;
  return limit === 'config' ? maxCertificateLength : limit;
}

/** For messages that are told of and not answered, our own among them: they need no offer to be decoded. */
export const everyExtension: ReadonlySet<number> = /* @__PURE__ */ Object.assign(new Set<number>(), {
  has: () => true,
});

/**
 * Decodes a whole message (header included) whose type the flow has welcomed.
 * @param offered the extensions that its own may answer.
 */
export function readHandshake(table: MessageTable, raw: Bytes, offered: ReadonlySet<number>): HandshakeMessage {
  const type = raw[0] as number;
  const row = table.get(type);
  if (row === undefined) throw new TypeError(`no codec for handshake type ${type}`);
  return row.read(new Reader(raw, messageTitle(type), 4), raw, offered);
}
