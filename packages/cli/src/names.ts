/**
 * Sizes, times and key exchanges in words.
 *
 * @module
 */

import type { NamedGroup } from '@handfast/tls';

/** The key exchange of a connection, by its group; before TLS 1.3 it may have none. */
export function keyExchangeName(group: NamedGroup | undefined): string {
  return group?.name ?? 'without a group';
}

/** `1,234 bytes` */
export function byteCount(length: number): string {
  return `${length.toLocaleString('en-US')} byte${length === 1 ? '' : 's'}`;
}

/** `3.4 ms`, `1.2 s` */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
