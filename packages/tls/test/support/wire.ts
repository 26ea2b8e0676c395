/**
 * Records and handshake messages made by hand, for peers that break rules.
 *
 * @module
 */

import { type Bytes, concat } from '@handfast/crypto';

export function u16(value: number): Bytes {
  return Uint8Array.of(value >> 8, value & 0xff);
}

export function opaque8(bytes: Uint8Array): Bytes {
  return concat(Uint8Array.of(bytes.length), bytes);
}

export function opaque16(bytes: Uint8Array): Bytes {
  return concat(u16(bytes.length), bytes);
}

/** A plaintext record. */
export function record(type: number, payload: Uint8Array, version = 0x0303): Bytes {
  return concat(Uint8Array.of(type), u16(version), opaque16(payload));
}

/** A handshake message. */
export function handshake(type: number, body: Uint8Array): Bytes {
  return concat(Uint8Array.of(type, body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff), body);
}

export function extension(type: number, data: Uint8Array = new Uint8Array(0)): Bytes {
  return concat(u16(type), opaque16(data));
}

/** An extension block with its length. */
export function extensions(...list: readonly Uint8Array[]): Bytes {
  return opaque16(concat(...list));
}

/** Cuts a stream into its records. */
export function recordsIn(stream: Uint8Array): readonly Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at + 5 <= stream.length; ) {
    const end = at + 5 + (((stream[at + 3] as number) << 8) | (stream[at + 4] as number));
    out.push(stream.subarray(at, end));
    at = end;
  }
  return out;
}
