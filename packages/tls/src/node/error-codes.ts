/**
 * What `error.code` answers on Node: the code that `node:tls` (Node 24, OpenSSL 3.5) has for what happened, so that programs
 * which match on codes go on matching. Our own code stays readable as `error.tlsCode`, and the message is ours.
 *
 * The rule: where Node would fail, its code; where only we do (a stapled response that is broken, a callback that threw), or
 * where it has no code of its own for it, ours. Two places say more than Node on purpose. A server that refuses a client's
 * certificate has the reason as its code, where Node destroys the socket and says `ECONNRESET`; and a connection that is cut
 * without close_notify is an error (`ECONNRESET`), where Node takes it for an orderly end.
 *
 * @module
 */

import { type Certificate, CertificateError, type CertificateErrorCode, type Crl } from '@handfast/x509';
import { TlsError, type TlsErrorCode, type TlsErrorOptions } from '../errors.ts';
import { type AlertName, alerts, isAlertName } from '../registry.ts';
import { checkServerIdentity } from './check-server-identity.ts';
import { peerCertificateOf } from './peer-certificate.ts';
import { crlErrorCode } from './revocation-by-crls.ts';

/** What is known beside the error. */
export interface NodeErrorContext {
  /** Ours. */
  readonly role: 'client' | 'server';
  /** The peer's certificates, as they were sent. Absent: those of the paths that the refusal tells of. */
  readonly chain?: readonly Certificate[] | undefined;
  /** The name or address that the server's certificate had to be for. */
  readonly serverName?: string | undefined;
  /** The lists of the option `crl`, and the time at which they were looked at. */
  readonly crls?: readonly Crl[] | undefined;
  readonly time?: Date | undefined;
  /** A client's, as given to `connect()`: they stand in the error for a connection that ended in its handshake. */
  readonly path?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly localAddress?: string | undefined;
}

/** A `TlsError`, whose `code` is a literal of ours, for a class whose `code` is Node's. The very same constructor. */
const TlsErrorOfAnyCode: new (
  code: TlsErrorCode,
  message: string,
  options?: TlsErrorOptions,
) => Omit<TlsError, 'code'> = TlsError;

/**
 * A `TlsError` (`instanceof` says so too) as programs for `node:tls` know errors.
 *
 * @example
 * ```ts
 * socket.on('error', (error) => {
 *   if (error.code === 'CERT_HAS_EXPIRED') renew();
 * });
 * ```
 */
export class NodeTlsError extends TlsErrorOfAnyCode {
  /** Node's code where there is one, else `tlsCode`. */
  readonly code: string;
  /** With OpenSSL's codes, its name for where they come from. */
  declare readonly library?: string;
  /** With OpenSSL's codes, its words; with `ERR_TLS_CERT_ALTNAME_INVALID`, which names were compared. */
  declare readonly reason?: string;

  constructor(error: TlsError, code: string | undefined, more: object) {
    const { tlsCode, message, alert, origin, hint, cause } = error;
    super(tlsCode, message, { alert, origin, cause, ...(hint !== undefined && { hint }) });
    this.code = code ?? tlsCode;
    this.phase = error.phase;
    this.state = error.state;
    Object.assign(this, more);
    if (error.stack !== undefined) this.stack = error.stack;
  }
}

/** Node's view of a connection's failure; of one that is Node's already, itself. */
export function nodeErrorOf(error: TlsError | NodeTlsError, context: NodeErrorContext): NodeTlsError {
  if (error instanceof NodeTlsError) return error;
  const { code, ...more } = viewOf(error, context);
  return new NodeTlsError(error, code, more);
}

/** What `socket.authorizationError` answers where a certificate was refused and the connection stands all the same. */
export function authorizationErrorOf(
  error: CertificateError,
  context: Pick<NodeErrorContext, 'chain' | 'crls' | 'time'> = {},
): string {
  return verificationCodeOf(error, context) ?? error.code;
}

interface NodeView {
  readonly code: string | undefined;
  readonly [property: string]: unknown;
}

function viewOf(error: TlsError, context: NodeErrorContext): NodeView {
  const { code, cause } = error;
  if (code === 'peer_alert') return alertView(error, context);
  if (code === 'truncated') return disconnected(error, context);
  if (code === 'transport_failed') return { code: codeOf(cause) ?? 'ECONNRESET' };
  if (code === 'handshake_timeout') return { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' };
  // A callback's own failure is none of the certificate's, whatever it threw.
  if (cause instanceof CertificateError && code.includes('certificate_'))
    return verificationView(error, cause, context);
  const reason = reasonOf(error, context);
  return reason === undefined ? { code: undefined } : sslView(reason);
}

/** As Node makes `code` of OpenSSL's words. */
function sslView(reason: string): NodeView {
  return { code: `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`, library: 'SSL routines', reason };
}

function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}

/** The transport ended. A client is told where it was to go, unless it stood already. */
function disconnected({ phase }: TlsError, { role, path, host, port, localAddress }: NodeErrorContext): NodeView {
  const target = role === 'client' && phase === 'handshake' ? { path, host, port, localAddress } : {};
  return { code: 'ECONNRESET', ...target };
}

// ---- alerts

/** OpenSSL from 3.2 on says `ssl/tls alert` of SSL 3.0's alerts, and `sslv3 alert` before. */
const [major = 0, minor = 0] = (process.versions.openssl ?? '').split('.').map(Number);
const oldest = major > 3 || (major === 3 && minor >= 2) ? 'ssl/tls alert' : 'sslv3 alert';

/** OpenSSL's words for a peer's alert, by its number. Others end the connection there without words. */
const alertReasons: ReadonlyMap<number, string> = new Map([
  [10, `${oldest} unexpected message`],
  [20, `${oldest} bad record mac`],
  [21, 'tlsv1 alert decryption failed'],
  [22, 'tlsv1 alert record overflow'],
  [30, `${oldest} decompression failure`],
  [40, `${oldest} handshake failure`],
  [41, `${oldest} no certificate`],
  [42, `${oldest} bad certificate`],
  [43, `${oldest} unsupported certificate`],
  [44, `${oldest} certificate revoked`],
  [45, `${oldest} certificate expired`],
  [46, `${oldest} certificate unknown`],
  [47, `${oldest} illegal parameter`],
  [48, 'tlsv1 alert unknown ca'],
  [49, 'tlsv1 alert access denied'],
  [50, 'tlsv1 alert decode error'],
  [51, 'tlsv1 alert decrypt error'],
  [60, 'tlsv1 alert export restriction'],
  [70, 'tlsv1 alert protocol version'],
  [71, 'tlsv1 alert insufficient security'],
  [80, 'tlsv1 alert internal error'],
  [86, 'tlsv1 alert inappropriate fallback'],
  [90, 'tlsv1 alert user cancelled'],
  [100, 'tlsv1 alert no renegotiation'],
  [109, 'tlsv13 alert missing extension'],
  [110, 'tlsv1 unsupported extension'],
  [111, 'tlsv1 certificate unobtainable'],
  [112, 'tlsv1 unrecognized name'],
  [113, 'tlsv1 bad certificate status response'],
  [114, 'tlsv1 bad certificate hash value'],
  [115, 'tlsv1 alert unknown psk identity'],
  [116, 'tlsv13 alert certificate required'],
  [120, 'tlsv1 alert no application protocol'],
]);

function alertView(error: TlsError, context: NodeErrorContext): NodeView {
  const reason = error.alert === null ? undefined : alertReasons.get(numberOf(error.alert));
  return reason === undefined ? disconnected(error, context) : sslView(reason);
}

function numberOf(alert: AlertName | `unknown (${number})`): number {
  return isAlertName(alert) ? alerts[alert] : Number(/\d+/.exec(alert));
}

// ---- what we refused

/** OpenSSL's words for what we refused; null: it has none, or not one for all of it. */
const reasons: Readonly<Record<Exclude<TlsErrorCode, 'peer_alert' | 'truncated'>, string | null>> = {
  unexpected_message: 'unexpected message',
  bad_record_mac: 'decryption failed or bad record mac',
  record_overflow: 'data length too long',
  decode_error: 'length mismatch',
  decrypt_error: 'bad signature',
  illegal_parameter: null,
  missing_extension: null,
  unsupported_extension: 'unsolicited extension',
  protocol_version: 'unsupported protocol',
  handshake_failure: null,
  insufficient_security: 'dh key too small',
  inappropriate_fallback: 'inappropriate fallback',
  no_renegotiation: 'no renegotiation',
  no_application_protocol: 'no application protocol',
  unrecognized_name: null,
  certificate_required: 'peer did not return a certificate',
  not_tls: 'wrong version number',
  message_too_large: 'excessive message size',
  too_many_records: 'record too small',
  too_many_alerts: 'too many warn alerts',
  too_many_key_updates: 'too many key updates',
  certificate_malformed: null,
  certificate_bad_signature: null,
  certificate_unsupported: null,
  certificate_expired: null,
  certificate_unknown_issuer: null,
  certificate_name_mismatch: null,
  certificate_revoked: null,
  certificate_status_unknown: null,
  bad_certificate_status_response: null,
  certificate_refused: null,
  callback_failed: null,
  signing_failed: null,
  crypto_failed: null,
  no_certificate: 'no suitable signature algorithm',
  record_limit: null,
  internal: 'internal error',
  transport_failed: null,
  handshake_timeout: null,
  aborted: null,
  closed: null,
  not_supported: null,
};

/** Where OpenSSL tells apart what has one code of ours: by our message. */
const finer: Readonly<Partial<Record<TlsErrorCode, readonly (readonly [message: RegExp, reason: string])[]>>> = {
  decrypt_error: [[/^Finished/, 'digest check failed']],
  handshake_failure: [
    [/^no (cipher suite|key exchange) in common/, 'no shared cipher'],
    [/^no group in common/, 'no suitable key share'],
    // Before TLS 1.3 OpenSSL looks for all at once.
    [/^no signature scheme in common.*, on the curves /, 'no shared cipher'],
    [/^no signature scheme in common/, 'no suitable signature algorithm'],
    // What else it would have had to show.
    [/no pre-shared key of ours is in it/, 'no suitable signature algorithm'],
  ],
  too_many_records: [[/ChangeCipherSpec/, 'unexpected message']],
};

function reasonOf({ code, message }: TlsError, { role }: NodeErrorContext): string | undefined {
  if (code === 'peer_alert' || code === 'truncated') return undefined;
  if (code === 'not_tls' && role === 'server' && message.includes('an HTTP request')) return 'http request';
  const [, reason] = finer[code]?.find(([words]) => words.test(message)) ?? [];
  return reason ?? reasons[code] ?? undefined;
}

// ---- certificates

/** Node's codes of verification. `UNSPECIFIED` stands for each of OpenSSL's that Node has no name for. */
const verificationCodes: Readonly<
  Record<Exclude<CertificateErrorCode, 'unknown_issuer' | 'empty_trust'>, string | null>
> = {
  malformed: null,
  unsupported_key: null,
  encrypted_key: null,
  wrong_password: null,
  no_certificate: 'UNABLE_TO_GET_ISSUER_CERT',
  self_signed: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  budget: 'CERT_CHAIN_TOO_LONG',
  expired: 'CERT_HAS_EXPIRED',
  not_yet_valid: 'CERT_NOT_YET_VALID',
  bad_signature: 'CERT_SIGNATURE_FAILURE',
  unsupported_algorithm: 'UNSPECIFIED',
  weak_signature: 'UNSPECIFIED',
  weak_key: 'UNSPECIFIED',
  not_a_ca: 'INVALID_PURPOSE',
  path_length: 'PATH_LENGTH_EXCEEDED',
  key_usage: 'UNSPECIFIED',
  extended_key_usage: 'INVALID_PURPOSE',
  critical_extension: 'UNSPECIFIED',
  name_constraints: 'UNSPECIFIED',
  certificate_policies: 'UNSPECIFIED',
  profile: null,
  revoked: 'CERT_REVOKED',
  revocation_unknown: null,
  bad_status_response: null,
  certificate_transparency: null,
  name_mismatch: 'ERR_TLS_CERT_ALTNAME_INVALID',
};

function verificationView(error: TlsError, cause: CertificateError, context: NodeErrorContext): NodeView {
  const code = verificationCodeOf(cause, context);
  const { serverName } = context;
  const { certificate } = cause;
  if (cause.code !== 'name_mismatch' || certificate === undefined || serverName === undefined) return { code };
  const cert = peerCertificateOf(context.chain ?? [certificate], true);
  const { reason = error.message } = checkServerIdentity(serverName, cert) ?? {};
  return { code, reason, host: serverName, cert };
}

function verificationCodeOf(
  error: CertificateError,
  { chain = chainOf(error), crls, time }: Pick<NodeErrorContext, 'chain' | 'crls' | 'time'>,
): string | undefined {
  const { code } = error;
  if (code === 'unknown_issuer' || code === 'empty_trust') return noPathCode(chain);
  if (code === 'key_usage' && error.certificate === chain[0]) return 'INVALID_PURPOSE';
  if (code === 'not_a_ca' && saysWhatItsKeyMayDo(error.certificate)) return verificationCodes.key_usage ?? undefined;
  const ofList = crls === undefined ? undefined : crlErrorCode(error, crls, time ?? new Date());
  return ofList ?? verificationCodes[code] ?? undefined;
}

/** OpenSSL looks at key usage last, and its last word counts. */
function saysWhatItsKeyMayDo(certificate: Certificate | undefined): boolean {
  return certificate?.extension('keyUsage') !== undefined;
}

/** The longest of the paths that were tried. */
function chainOf({ certificate, paths }: CertificateError): readonly Certificate[] {
  const [longest] = paths.map(({ certificates }) => certificates).toSorted((a, b) => b.length - a.length);
  return longest ?? (certificate === undefined ? [] : [certificate]);
}

/** Why there is no path to anybody trusted: how far the certificates lead that were sent. */
function noPathCode(chain: readonly Certificate[]): string {
  const path = climb(chain);
  const last = path.at(-1);
  if (last === undefined) return 'UNABLE_TO_GET_ISSUER_CERT';
  if (last.selfIssued) return path.length === 1 ? 'DEPTH_ZERO_SELF_SIGNED_CERT' : 'SELF_SIGNED_CERT_IN_CHAIN';
  return path.length === 1 ? 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' : 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY';
}

/** From the leaf by names, to the first whose issuer was not sent. */
function climb([leaf, ...others]: readonly Certificate[]): readonly Certificate[] {
  const path: Certificate[] = [];
  for (let next = leaf; next !== undefined && !path.includes(next); ) {
    path.push(next);
    if (next.selfIssued) break;
    const issuer = next.issuer.toString();
    next = others.find(({ subject }) => subject.toString() === issuer);
  }
  return path;
}
