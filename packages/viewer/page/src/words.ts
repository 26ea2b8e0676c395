/**
 * What the page says of failures, times and sizes. What a refusal means is the library's to say: `refusalOf`.
 *
 * @module
 */

import type { Failure } from '@handfast/viewer';
import { escapeText } from '@handfast/x509';

/** Where in the handshake, and what was said about it to the other side. */
export function placeOf({ error }: Failure): string {
  const state = error.state === undefined ? '' : `, in state ${escapeText(error.state)}`;
  const alert = error.alert === undefined ? 'nothing was said' : `the alert ${escapeText(error.alert)} was sent`;
  return `${error.phase === 'handshake' ? 'during the handshake' : 'after the handshake'}${state}; ${alert}`;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count.toLocaleString('en')} bytes`;
}

export function kilobytes(count: number): string {
  return count < 1000 ? bytes(count) : `${Math.round(count / 1000).toLocaleString('en')} kB`;
}
