/**
 * Checks that client and server make alike.
 *
 * @module
 */

import { CryptoError } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import type { NamedGroup } from '../registry.ts';

/** A provider's refusal of a share is the peer's fault; anything else is ours. */
export function badShare(error: unknown, message: string, group: NamedGroup): unknown {
  if (!(error instanceof CryptoError) || error.code !== 'invalid_share') return error;
  return new TlsError('illegal_parameter', `${message}: the ${group.name} share is invalid: ${error.message}`, {
    cause: error,
  });
}

/** RFC 8449 §4: below 64 is illegal. */
export function checkRecordSizeLimit(limit: number, message: string): void {
  if (limit < 64) {
    throw new TlsError('illegal_parameter', `${message}: record_size_limit is ${limit}, where 64 is the least`);
  }
}
