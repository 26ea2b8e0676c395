/**
 * The messages of TLS 1.1, TLS 1.0 and SSL 3.0, where they differ from TLS 1.2's, and what else the engine does for these
 * versions.
 *
 * @module
 */

import type { Dialect } from '../dialect.ts';
import { type MessageRow, messageTable } from '../messages/handshake.ts';
import { readCertificateRequest11, readCertificateVerify11 } from '../messages/messages12.ts';
import { type AlertName, handshakeType as type } from '../registry.ts';
import { dialect12, rows12 } from '../tls12/messages.ts';

// biome-ignore format: a table
const rows11: readonly (readonly [number, MessageRow])[] = [
  ...rows12,
  [type.certificate_request, { types: ['certificate_request_12'], maxLength: 65_795, read: readCertificateRequest11 }],
  [type.certificate_verify,  { types: ['certificate_verify_12'], maxLength: 65_537, read: readCertificateVerify11 }],
];

export const dialect11: Dialect = { ...dialect12, messages: /* @__PURE__ */ messageTable(rows11) };

/** Alerts that TLS brought, as SSL 3.0 says them (RFC 6101 §5.4). */
const in30: Readonly<Partial<Record<AlertName, AlertName>>> = {
  record_overflow: 'illegal_parameter',
  unknown_ca: 'bad_certificate',
  access_denied: 'handshake_failure',
  decode_error: 'illegal_parameter',
  decrypt_error: 'handshake_failure',
  protocol_version: 'handshake_failure',
  insufficient_security: 'handshake_failure',
  internal_error: 'handshake_failure',
  inappropriate_fallback: 'handshake_failure',
  user_canceled: 'handshake_failure',
  no_renegotiation: 'handshake_failure',
  missing_extension: 'handshake_failure',
  unsupported_extension: 'illegal_parameter',
  unrecognized_name: 'handshake_failure',
  bad_certificate_status_response: 'bad_certificate',
  unknown_psk_identity: 'handshake_failure',
  certificate_required: 'handshake_failure',
  general_error: 'handshake_failure',
  no_application_protocol: 'handshake_failure',
};

export const dialect30: Dialect = { ...dialect11, toWireAlert: (alert) => in30[alert] ?? alert };
