/**
 * Failures that are the transport's, the runtime's or the caller's, as `TlsError`s.
 *
 * @module
 */

import { CryptoError } from '@handfast/crypto';
import { reasonOf, TlsError } from '../errors.ts';

/** @param deed `reading from` or `writing to` */
export function transportError(deed: string, cause: unknown): TlsError {
  // An adapter's own. Others may be another connection's, at the other end of a transport in memory.
  if (cause instanceof TlsError && cause.code === 'transport_failed') return cause;
  return new TlsError('transport_failed', `${deed} the transport failed: ${reasonOf(cause)}`, { cause });
}

export function closedError(): TlsError {
  return new TlsError('closed', 'the connection has ended: nothing can be written to it any more');
}

/** What a runtime lacks, said as such. */
export function withHint(error: TlsError): TlsError {
  const { cause } = error;
  if (error.code !== 'internal' || !(cause instanceof CryptoError) || cause.code !== 'unsupported') return error;
  const better = new TlsError('crypto_failed', cause.message, {
    cause,
    alert: error.alert,
    hint: 'serve the page over https: or from localhost, or choose groups, suites and certificates that this runtime has',
  });
  better.phase = error.phase;
  better.state = error.state;
  return better;
}
