/**
 * The messages of TLS 1.3 (RFC 9846 §4), and what else the engine does for that version.
 *
 * @module
 */

import type { Dialect } from '../dialect.ts';
import { readCertificate } from '../messages/certificate.ts';
import { readCertificateRequest } from '../messages/certificate-request.ts';
import { readCertificateVerify } from '../messages/certificate-verify.ts';
import { readEncryptedExtensions } from '../messages/encrypted-extensions.ts';
import { readEndOfEarlyData } from '../messages/end-of-early-data.ts';
import { readFinished } from '../messages/finished.ts';
import { type MessageTable, messageTable } from '../messages/handshake.ts';
import { readKeyUpdate } from '../messages/key-update.ts';
import { readNewSessionTicket } from '../messages/new-session-ticket.ts';
import { handshakeType as type } from '../registry.ts';

// biome-ignore format: a table
export const messages13: MessageTable = /* @__PURE__ */ messageTable([
  [type.encrypted_extensions, { types: ['encrypted_extensions'], maxLength: 65_537, read: readEncryptedExtensions }],
  [type.certificate_request,  { types: ['certificate_request'], maxLength: 65_793, read: readCertificateRequest }],
  [type.certificate,          { types: ['certificate'], maxLength: 'config', read: readCertificate }],
  [type.certificate_verify,   { types: ['certificate_verify'], maxLength: 65_539, read: readCertificateVerify }],
  [type.finished,             { types: ['finished'], maxLength: 64, read: readFinished }],
  [type.end_of_early_data,    { types: ['end_of_early_data'], maxLength: 0, read: readEndOfEarlyData }],
  [type.new_session_ticket,   { types: ['new_session_ticket'], maxLength: 131_338, read: readNewSessionTicket }],
  [type.key_update,           { types: ['key_update'], maxLength: 1, read: readKeyUpdate }],
]);

export const dialect13: Dialect = {
  messages: messages13,
  passesWarnings: false,
  halfClose: true,
  toWireAlert: (alert) => alert,
};
