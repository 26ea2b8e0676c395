/**
 * Writes TLS's presentation language (RFC 9846 §3). A block patches its own length when its content is written.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';

export class Writer {
  #bytes: Bytes = new Uint8Array(512);
  #length = 0;

  u8(value: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#grow(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  u24(value: number): this {
    return this.u8(value >>> 16).u16(value & 0xffff);
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value & 0xffff);
  }

  bytes(value: Uint8Array): this {
    const at = this.#grow(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  opaque8(value: Uint8Array): this {
    return this.block8(() => this.bytes(value));
  }

  opaque16(value: Uint8Array): this {
    return this.block16(() => this.bytes(value));
  }

  opaque24(value: Uint8Array): this {
    return this.block24(() => this.bytes(value));
  }

  /** A vector whose length takes 1, 2 or 3 bytes, around what `content` writes. */
  block8(content: () => void): this {
    return this.#block(1, content);
  }

  block16(content: () => void): this {
    return this.#block(2, content);
  }

  block24(content: () => void): this {
    return this.#block(3, content);
  }

  /** The bytes so far, in memory of their own. */
  finish(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  #block(size: number, content: () => void): this {
    const at = this.#grow(size);
    content();
    const length = this.#length - at - size;
    if (length >= 2 ** (8 * size))
      throw new RangeError(`${length} bytes do not fit a vector with ${size} length bytes`);
    for (let i = 0; i < size; i++) this.#bytes[at + i] = length >>> (8 * (size - 1 - i));
    return this;
  }

  /** Makes room, and answers where it begins. Called before `#bytes` is read: it may be replaced. */
  #grow(by: number): number {
    const at = this.#length;
    this.#length += by;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}

/** A whole handshake message: type, length of 24 bits, body (RFC 9846 §4). */
export function handshakeMessage(type: number, body: (writer: Writer) => void): Bytes {
  const writer = new Writer();
  writer.u8(type).block24(() => body(writer));
  return writer.finish();
}
