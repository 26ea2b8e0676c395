/**
 * Every way a connection can fail: `TlsError`, its codes, and the one table from code to alert.
 *
 * Errors are thrown where they are found and caught once, by the engine (`connection.ts`), which sends the alert and
 * ends the connection. A code without a row in `alertOf` does not compile; there is no default.
 *
 * @module
 */

import type { AlertName } from './registry.ts';

/** What went wrong. Codes are stable: programs match on them, people read `message`. */
export type TlsErrorCode =
  // What a peer's bytes can be guilty of, named as the alert is.
  | 'unexpected_message'
  | 'bad_record_mac'
  | 'record_overflow'
  | 'decode_error'
  | 'decrypt_error'
  | 'illegal_parameter'
  | 'missing_extension'
  | 'unsupported_extension'
  | 'protocol_version'
  | 'handshake_failure'
  | 'insufficient_security'
  | 'inappropriate_fallback'
  | 'no_renegotiation'
  | 'no_application_protocol'
  | 'unrecognized_name'
  | 'certificate_required'
  // Bytes that are another protocol's.
  | 'not_tls'
  // A limit of ours was reached by what the peer sent.
  | 'message_too_large'
  | 'too_many_records'
  | 'too_many_alerts'
  | 'too_many_key_updates'
  // The peer's certificate was refused. `cause` is the CertificateError.
  | 'certificate_malformed'
  | 'certificate_bad_signature'
  | 'certificate_unsupported'
  | 'certificate_expired'
  | 'certificate_unknown_issuer'
  | 'certificate_name_mismatch'
  | 'certificate_revoked'
  | 'certificate_status_unknown'
  | 'bad_certificate_status_response'
  | 'certificate_refused'
  // Ours.
  | 'callback_failed'
  | 'signing_failed'
  | 'crypto_failed'
  | 'no_certificate'
  | 'record_limit'
  | 'internal'
  // The end of a connection that nobody sends an alert for.
  | 'peer_alert'
  | 'truncated'
  | 'transport_failed'
  | 'handshake_timeout'
  | 'aborted'
  | 'closed'
  // Something that the version which was agreed on does not have.
  | 'not_supported';

/** The alert that a failure sends; null: nothing is sent. */
export const alertOf: Readonly<Record<TlsErrorCode, AlertName | null>> = {
  unexpected_message: 'unexpected_message',
  bad_record_mac: 'bad_record_mac',
  record_overflow: 'record_overflow',
  decode_error: 'decode_error',
  decrypt_error: 'decrypt_error',
  illegal_parameter: 'illegal_parameter',
  missing_extension: 'missing_extension',
  unsupported_extension: 'unsupported_extension',
  protocol_version: 'protocol_version',
  handshake_failure: 'handshake_failure',
  insufficient_security: 'insufficient_security',
  inappropriate_fallback: 'inappropriate_fallback',
  no_renegotiation: 'handshake_failure',
  no_application_protocol: 'no_application_protocol',
  unrecognized_name: 'unrecognized_name',
  certificate_required: 'certificate_required',
  not_tls: 'unexpected_message',
  message_too_large: 'illegal_parameter',
  too_many_records: 'unexpected_message',
  too_many_alerts: 'unexpected_message',
  too_many_key_updates: 'unexpected_message',
  certificate_malformed: 'bad_certificate',
  certificate_bad_signature: 'bad_certificate',
  certificate_unsupported: 'unsupported_certificate',
  certificate_expired: 'certificate_expired',
  certificate_unknown_issuer: 'unknown_ca',
  certificate_name_mismatch: 'bad_certificate',
  certificate_revoked: 'certificate_revoked',
  certificate_status_unknown: 'certificate_unknown',
  bad_certificate_status_response: 'bad_certificate_status_response',
  certificate_refused: 'certificate_unknown',
  callback_failed: 'internal_error',
  signing_failed: 'internal_error',
  crypto_failed: 'internal_error',
  no_certificate: 'internal_error',
  record_limit: 'internal_error',
  internal: 'internal_error',
  peer_alert: null,
  truncated: null,
  transport_failed: null,
  handshake_timeout: null,
  aborted: 'user_canceled',
  closed: null,
  not_supported: null,
};

/** Where in its life a connection was. */
export type Phase = 'handshake' | 'connected' | 'closing' | 'closed';

export interface TlsErrorOptions extends ErrorOptions {
  /** What the reader can do about it. */
  readonly hint?: string;
  /** The alert, where it is not the code's own: what the peer sent, or a verdict that names one. */
  readonly alert?: AlertName | `unknown (${number})` | null;
  /** Who found the fault: `local` (we refused what we saw) or `peer` (an alert told us). */
  readonly origin?: 'local' | 'peer';
}

/**
 * Why a connection failed: what, where, and which side.
 *
 * @example
 * ```ts
 * socket.on('error', (error) => {
 *   if (error instanceof TlsError && error.code === 'certificate_expired') renew();
 * });
 * ```
 */
export class TlsError extends Error {
  override readonly name: string = 'TlsError';
  readonly code: TlsErrorCode;
  /** The same, also where an adapter answers another `code` (on Node, what `node:tls` would say). */
  readonly tlsCode: TlsErrorCode;
  /** The alert sent, or (with origin `peer`) received; null where none was. */
  alert: AlertName | `unknown (${number})` | null;
  /** `local`: this side refused what it saw. `peer`: the other side said so in an alert. */
  readonly origin: 'local' | 'peer';
  readonly hint: string | undefined;
  /** The phase and the state of the handshake when it happened, filled in by the engine. */
  phase: Phase = 'handshake';
  /** The state of RFC 9846 appendix A in which it happened: `WAIT_SH`, `CONNECTED`. */
  state: string | undefined;

  constructor(code: TlsErrorCode, message: string, options: TlsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.tlsCode = code;
    this.alert = options.alert === undefined ? alertOf[code] : options.alert;
    this.origin = options.origin ?? 'local';
    this.hint = options.hint;
  }
}

/** A configuration that cannot work: thrown when it is made, never during a connection. */
export class TlsConfigError extends TypeError {
  override readonly name = 'TlsConfigError';
  readonly code = 'ERR_TLS_CONFIG';
  /** The option that is at fault: `cipherSuites`, `certificates[0].signer`. */
  readonly option: string;

  constructor(option: string, message: string) {
    super(`${option}: ${message}`);
    this.option = option;
  }
}

/** What a thrown value says, whatever a user's callback threw: an error, a string, an object without a prototype. */
export function reasonOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    return 'a value that has no words';
  }
}

const longestQuote = 256;

/**
 * A peer's string, made safe for an error, a trace or a terminal: control and non-ASCII characters escaped, cut at 256
 * characters, in double quotes.
 */
export function quote(text: string): string {
  let out = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const plain = code >= 0x20 && code < 0x7f && character !== '"' && character !== '\\';
    out += plain ? character : `\\u{${code.toString(16)}}`;
    if (out.length > longestQuote) return `"${out.slice(0, longestQuote)}…"`;
  }
  return `"${out}"`;
}
