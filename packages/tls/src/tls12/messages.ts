/**
 * The messages of TLS 1.2 (RFC 5246 §7.4), and what else the engine does for that version.
 *
 * @module
 */

import type { Dialect } from '../dialect.ts';
import { readCertificateStatus } from '../messages/certificate-status.ts';
import { readFinished } from '../messages/finished.ts';
import { type MessageRow, type MessageTable, messageTable } from '../messages/handshake.ts';
import { readClientKeyExchange, readServerKeyExchange } from '../messages/key-exchange.ts';
import {
  readCertificate12,
  readCertificateRequest12,
  readCertificateVerify12,
  readHelloRequest,
  readNewSessionTicket12,
  readServerHelloDone,
} from '../messages/messages12.ts';
import { type AlertName, handshakeType as type } from '../registry.ts';

/** A message without a body: a few bytes are taken all the same, so that what is wrong with them can be said. */
const empty = 16;

// biome-ignore format: a table
export const rows12: readonly (readonly [number, MessageRow])[] = [
  [type.hello_request,       { types: ['hello_request'], maxLength: empty, read: readHelloRequest }],
  [type.certificate,         { types: ['certificate_12'], maxLength: 'config', read: readCertificate12 }],
  [type.certificate_status,  { types: ['certificate_status'], maxLength: 65_540, read: readCertificateStatus }],
  // The largest parameters are those of finite fields: three numbers of 64 KiB each by their syntax, of 1 KiB in earnest.
  [type.server_key_exchange, { types: ['server_key_exchange'], maxLength: 16_384, read: readServerKeyExchange }],
  [type.certificate_request, { types: ['certificate_request_12'], maxLength: 131_330, read: readCertificateRequest12 }],
  [type.server_hello_done,   { types: ['server_hello_done'], maxLength: empty, read: readServerHelloDone }],
  [type.client_key_exchange, { types: ['client_key_exchange'], maxLength: 16_384, read: readClientKeyExchange }],
  [type.certificate_verify,  { types: ['certificate_verify_12'], maxLength: 65_539, read: readCertificateVerify12 }],
  [type.new_session_ticket,  { types: ['new_session_ticket_12'], maxLength: 65_542, read: readNewSessionTicket12 }],
  [type.finished,            { types: ['finished'], maxLength: 64, read: readFinished }],
];

export const messages12: MessageTable = /* @__PURE__ */ messageTable(rows12);

/** Alerts that TLS 1.3 brought, as TLS 1.2 says them. */
const older: Readonly<Partial<Record<AlertName, AlertName>>> = {
  missing_extension: 'handshake_failure',
  certificate_required: 'handshake_failure',
  general_error: 'internal_error',
};

export const dialect12: Dialect = {
  messages: messages12,
  passesWarnings: true,
  halfClose: false,
  toWireAlert: (alert) => older[alert] ?? alert,
};
