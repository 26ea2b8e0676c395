/**
 * Every way a certificate can be refused: `CertificateError` and its codes. Nothing in this package throws anything else
 * about a certificate's, a key's or a PEM file's bytes; a caller's own mistake (an option that makes no sense) is a
 * `RangeError`. The alert that a TLS endpoint sends for each code is decided in `@handfast/tls`.
 *
 * @module
 */

import type { Certificate } from './certificate.ts';

/** Why a certificate was refused. Codes are stable: programs match on them, people read `message`. */
export type CertificateErrorCode =
  // The bytes.
  | 'malformed'
  | 'unsupported_key'
  | 'encrypted_key'
  | 'wrong_password'
  // No path leads to a trust anchor.
  | 'empty_trust'
  | 'no_certificate'
  | 'unknown_issuer'
  | 'self_signed'
  | 'budget'
  // A rule refused a certificate of the path.
  | 'expired'
  | 'not_yet_valid'
  | 'bad_signature'
  | 'unsupported_algorithm'
  | 'weak_signature'
  | 'weak_key'
  | 'not_a_ca'
  | 'path_length'
  | 'key_usage'
  | 'extended_key_usage'
  | 'critical_extension'
  | 'name_constraints'
  | 'certificate_policies'
  | 'profile'
  // Its issuer has taken it back, or does not say.
  | 'revoked'
  | 'revocation_unknown'
  | 'bad_status_response'
  | 'certificate_transparency'
  // The path is good, but is somebody else's.
  | 'name_mismatch';

/** One path that was tried, leaf first, and what refused it. */
export interface RefusedPath {
  /** From the leaf up to the certificate that was refused. */
  readonly certificates: readonly Certificate[];
  readonly rule: CertificateErrorCode;
  /** The certificate that the rule refused. */
  readonly certificate: Certificate;
  readonly message: string;
}

export interface CertificateErrorDetails extends ErrorOptions {
  readonly certificate?: Certificate | undefined;
  readonly hint?: string | undefined;
  readonly paths?: readonly RefusedPath[] | undefined;
  readonly pathsNotKept?: number | undefined;
}

/**
 * A certificate, a chain or a key was refused. `message` names the fact, the rule and the side; strings of the
 * certificate's in it are escaped and cut.
 */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code: CertificateErrorCode;
  /** The certificate that was refused, where there is one. */
  readonly certificate: Certificate | undefined;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** Every path that was tried, in the order of trial: the first 32 of them. */
  readonly paths: readonly RefusedPath[];
  /** How many more were tried. */
  readonly pathsNotKept: number;

  constructor(code: CertificateErrorCode, message: string, details: CertificateErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.certificate = details.certificate;
    this.hint = details.hint;
    this.paths = details.paths ?? [];
    this.pathsNotKept = details.pathsNotKept ?? 0;
  }
}

/** For decoders: the bytes of `what` break a rule. */
export function malformed(what: string, why: string): CertificateError {
  return new CertificateError('malformed', `${what}: ${why}`);
}
