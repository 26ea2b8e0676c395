/**
 * Reads TLS's presentation language (RFC 9846 §3): bounded, strict, without copies. What it hands out as `view` aliases
 * the input; `bytes` is a copy that may be kept.
 *
 * @module
 */

import { type Bytes, copyBytes } from '@handfast/crypto';
import { TlsError } from '../errors.ts';

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at: number;
  readonly #end: number;

  /** `what` names the structure in errors: `ServerHello`, `key_share of ClientHello`. */
  constructor(bytes: Uint8Array, what: string, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#what = what;
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** The offset in the underlying message, for traces. */
  get offset(): number {
    return this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  u24(): number {
    return (this.u8() << 16) | this.u16();
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** `length` bytes of the input itself: valid as long as the input is. */
  view(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A copy of `length` bytes. */
  bytes(length: number): Bytes {
    return copyBytes(this.view(length));
  }

  /** A copy of everything that is left. */
  rest(): Bytes {
    return this.bytes(this.remaining);
  }

  /** An `opaque<min..max>` with a length of 1, 2 or 3 bytes, copied. */
  opaque8(min = 0, max = 0xff): Bytes {
    return this.bytes(this.#length(this.u8(), min, max));
  }

  opaque16(min = 0, max = 0xffff): Bytes {
    return this.bytes(this.#length(this.u16(), min, max));
  }

  opaque24(min = 0, max = 0xff_ffff): Bytes {
    return this.bytes(this.#length(this.u24(), min, max));
  }

  /** A vector as a reader of its own. */
  vector8(min = 0, max = 0xff): Reader {
    return this.#sub(this.#length(this.u8(), min, max));
  }

  vector16(min = 0, max = 0xffff): Reader {
    return this.#sub(this.#length(this.u16(), min, max));
  }

  vector24(min = 0, max = 0xff_ffff): Reader {
    return this.#sub(this.#length(this.u24(), min, max));
  }

  /** Every element to the end of this reader. */
  each<T>(read: (reader: this) => T): T[] {
    const out: T[] = [];
    while (this.#at < this.#end) out.push(read(this));
    return out;
  }

  /** A second reader from here to this one's end. */
  clone(): Reader {
    return new Reader(this.#bytes, this.#what, this.#at, this.#end);
  }

  /** Throws where bytes are left over. */
  end(): void {
    if (this.#at !== this.#end) {
      throw new TlsError('decode_error', `${this.#what}: ${this.remaining} bytes left over after its last field`);
    }
  }

  /** A failure at this place, with the structure's name before it. */
  fail(message: string): TlsError {
    return new TlsError('decode_error', `${this.#what}: ${message}`);
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) {
      throw new TlsError(
        'decode_error',
        `${this.#what}: ends after ${this.remaining} bytes where a field of ${length} was due`,
      );
    }
    this.#at = at + length;
    return at;
  }

  #length(length: number, min: number, max: number): number {
    if (length < min || length > max) {
      throw new TlsError(
        'decode_error',
        `${this.#what}: a vector of ${length} bytes, where ${min} to ${max} are legal`,
      );
    }
    return length;
  }

  #sub(length: number): Reader {
    const at = this.#take(length);
    return new Reader(this.#bytes, this.#what, at, at + length);
  }
}
