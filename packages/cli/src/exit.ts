/**
 * Exit codes: what a script may rely on, and the one place that turns a failure into one.
 *
 * @module
 */

import { TlsConfigError, TlsError } from '@handfast/tls';
import { CertificateError } from '@handfast/x509';

export const exitCodes = {
  ok: 0,
  /** `demo`, `doctor`, `cert chain`, `cert match`: a check failed. Anything: a fault of ours. */
  failed: 1,
  usage: 2,
  cannotConnect: 3,
  handshakeFailed: 4,
  certificateRefused: 5,
  truncated: 6,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodesHelp = `
Exit codes:
  0    all went well
  1    cert chain, cert match, demo, doctor: a check failed; else a fault of handfast itself
  2    usage: an option or a file that cannot be used
  3    cannot connect: name, network, proxy, STARTTLS, or a time-out before TLS
  4    the handshake failed, or the connection broke with an alert
  5    a certificate was refused: the server's by us, or ours by the server
  6    truncated: the peer closed without close_notify, data may be missing
  130  interrupted`;

/** A failure of the command itself: its message is for the reader, without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
    this.hint = options.hint;
  }
}

export function usageError(message: string, hint?: string): CliError {
  return new CliError(exitCodes.usage, message, hint === undefined ? {} : { hint });
}

/** Alerts by which a peer refuses our certificate. */
const certificateAlerts: ReadonlySet<string> = new Set([
  'bad_certificate',
  'unsupported_certificate',
  'certificate_revoked',
  'certificate_expired',
  'certificate_unknown',
  'unknown_ca',
  'access_denied',
]);

/** The code for whatever ended a command. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof TlsConfigError || error instanceof CertificateError) return exitCodes.usage;
  if (!(error instanceof TlsError)) return exitCodes.failed;
  if (error.tlsCode === 'truncated' && error.phase !== 'handshake') return exitCodes.truncated;
  const refused =
    error.origin === 'peer' ? certificateAlerts.has(error.alert ?? '') : error.tlsCode.startsWith('certificate_');
  // certificate_required is about a certificate that is not there.
  return refused && error.tlsCode !== 'certificate_required' ? exitCodes.certificateRefused : exitCodes.handshakeFailed;
}
