/**
 * Errors as Node makes them of OpenSSL's: `code`, `library`, `reason`, and a message of OpenSSL's form. For what is decided
 * here and would be decided there; what OpenSSL itself refuses keeps its own.
 *
 * @module
 */

import { type CodedError, coded } from './argument-errors.ts';

/** Libraries of OpenSSL by the words and the word of the code that Node has for them. */
const libraries = {
  x509: { number: 0x0b, name: 'x509 certificate routines', prefix: 'ERR_OSSL_X509_' },
  ssl: { number: 0x14, name: 'SSL routines', prefix: 'ERR_SSL_' },
} as const;

/** An error that says which of OpenSSL's it stands for. */
export interface OpenSslError extends CodedError {
  readonly library: string;
  readonly reason: string;
}

/**
 * `openSslError('x509', 116, 'key values mismatch')`: `ERR_OSSL_X509_KEY_VALUES_MISMATCH`.
 *
 * @param number OpenSSL's for the reason, which stands in the message
 */
export function openSslError(
  library: keyof typeof libraries,
  number: number,
  reason: string,
  options?: ErrorOptions,
): OpenSslError {
  const { number: libraryNumber, name, prefix } = libraries[library];
  const packed = ((libraryNumber << 23) | number).toString(16).toUpperCase().padStart(8, '0');
  const error = coded(
    new Error(`error:${packed}:${name}::${reason}`, options),
    prefix + reason.toUpperCase().replaceAll(' ', '_'),
  );
  return Object.assign(error, { library: name, reason });
}
