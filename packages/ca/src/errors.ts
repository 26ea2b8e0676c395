/**
 * A CA's refusals: what was asked for and cannot be had, and why. What goes wrong with the CA itself (a disk that is full, a
 * database that is gone) is not one of these: it is passed on as it came.
 *
 * @module
 */

export type CaErrorCode =
  /** A name, a key, a lifetime or a usage that the policy does not allow. */
  | 'not_allowed'
  /** A request that is malformed, or signed wrongly. */
  | 'bad_request'
  /** A key that is too weak, or known to be lost. */
  | 'bad_key'
  /** What is asked about is not there. */
  | 'not_found'
  /** It was done before: a serial number that is revoked, say. */
  | 'already_done'
  /** The CA may not sign now: its clock went back, its issuer ends too soon. */
  | 'cannot_sign'
  /** What was about to be signed breaks a rule of form: a fault of the CA's. */
  | 'lint';

export class CaError extends Error {
  override readonly name = 'CaError';
  readonly code: CaErrorCode;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(code: CaErrorCode, message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
  }
}
