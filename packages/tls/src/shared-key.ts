/**
 * What the `preSharedKey` callbacks answer, looked at alike in all versions. A key that names a hash is of TLS 1.3 alone, one
 * that names none of the versions before it.
 *
 * @module
 */

import type { SharedKey } from './config.ts';
import { TlsError } from './errors.ts';

/** The hash that an answer names, if it names one. */
export function hashOf(answer: unknown): unknown {
  return (answer as Partial<SharedKey> | null | undefined)?.hash;
}

/** @throws TlsError `callback_failed` where it is no key. */
export function checkedKey(key: unknown): Uint8Array {
  if (key instanceof Uint8Array && key.length > 0 && key.length <= 0xffff) return key;
  throw new TlsError('callback_failed', 'the preSharedKey callback answered no key of 1 to 65,535 bytes');
}
