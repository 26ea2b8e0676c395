/**
 * How a pre-shared key of TLS 1.3 is used (RFC 9846 §4.3.9), as values: with a fresh key exchange, or without one.
 *
 * @module
 */

import type { Row } from './registry.ts';

export interface PskMode extends Row {
  readonly name: 'psk_dhe_ke' | 'psk_ke';
}

/** The key, together with a fresh key exchange: who learns the key later cannot read what was recorded. */
export const pskDheKe: PskMode = { id: 1, name: 'psk_dhe_ke' };

/** The key alone: no forward secrecy. For devices that cannot afford the arithmetic; exported by `@handfast/tls/legacy`. */
export const pskKe: PskMode = { id: 0, name: 'psk_ke' };
