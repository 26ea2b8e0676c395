/**
 * The presentation language (RFC 9846 §3): what is written is read again, and nothing else is.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TlsError } from '../../src/index.ts';
import { Reader } from '../../src/messages/reader.ts';
import { handshakeMessage, Writer } from '../../src/messages/writer.ts';

const decodeError =
  (message: RegExp) =>
  (error: unknown): boolean =>
    error instanceof TlsError && error.code === 'decode_error' && message.test(error.message);

const read = (...bytes: readonly number[]): Reader => new Reader(Uint8Array.from(bytes), 'Thing');

/** A value of the language: how it is written, read and compared. */
type Value =
  | { readonly kind: 'u8' | 'u16' | 'u24' | 'u32'; readonly value: number }
  | { readonly kind: 'opaque8' | 'opaque16' | 'opaque24' | 'bytes'; readonly value: Uint8Array }
  | { readonly kind: 'block8' | 'block16' | 'block24'; readonly value: readonly Value[] };

const number = (kind: 'u8' | 'u16' | 'u24' | 'u32', max: number): fc.Arbitrary<Value> =>
  fc.integer({ min: 0, max }).map((value) => ({ kind, value }));
const opaque = (kind: 'opaque8' | 'opaque16' | 'opaque24' | 'bytes', maxLength: number): fc.Arbitrary<Value> =>
  fc.uint8Array({ maxLength }).map((value) => ({ kind, value }));
const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    number('u8', 0xff),
    number('u16', 0xffff),
    number('u24', 0xff_ffff),
    number('u32', 0xffff_ffff),
    opaque('opaque8', 20),
    opaque('opaque16', 700),
    opaque('opaque24', 700),
    opaque('bytes', 20),
    fc.array(tie('value'), { maxLength: 4 }).map((value): Value => ({ kind: 'block16', value })),
    fc.array(tie('value'), { maxLength: 4 }).map((value): Value => ({ kind: 'block24', value })),
  ),
}));

function write(writer: Writer, value: Value): void {
  if (typeof value.value === 'number') writer[value.kind as 'u8'](value.value);
  else if (value.value instanceof Uint8Array) writer[value.kind as 'bytes'](value.value);
  else {
    const items = value.value;
    writer[value.kind as 'block8'](() => {
      for (const item of items) write(writer, item);
    });
  }
}

function readAs(reader: Reader, value: Value): void {
  if (typeof value.value === 'number') assert.equal(reader[value.kind as 'u8'](), value.value);
  else if (value.value instanceof Uint8Array) {
    const got = value.kind === 'bytes' ? reader.bytes(value.value.length) : reader[value.kind as 'opaque8']();
    assert.deepEqual([...got], [...value.value]);
  } else {
    const sub = value.kind === 'block16' ? reader.vector16() : reader.vector24();
    for (const item of value.value) readAs(sub, item);
    sub.end();
  }
}

describe('the presentation language', () => {
  it('reads again what it wrote, at any nesting', () => {
    fc.assert(
      fc.property(fc.array(values, { maxLength: 6 }), (list) => {
        const writer = new Writer();
        for (const value of list) write(writer, value);
        const reader = new Reader(writer.finish(), 'list');
        for (const value of list) readAs(reader, value);
        reader.end();
      }),
      { numRuns: 150 },
    );
  });

  it('reads numbers, most significant byte first', () => {
    const reader = read(1, 2, 3, 4, 5, 6, 0xff, 0xff, 0xff, 0xff);
    assert.deepEqual([reader.u8(), reader.u16(), reader.u24(), reader.u32()], [1, 0x0203, 0x040506, 0xffff_ffff]);
    reader.end();
  });

  it('a field beyond the end is a decode_error that names the structure', () => {
    assert.throws(() => read(1).u16(), decodeError(/^Thing: ends after 1 bytes where a field of 2 was due$/));
    assert.throws(() => read(1, 2).u24(), decodeError(/ends after 1 bytes/));
    assert.throws(() => read(1, 2, 3).u32(), decodeError(/ends after 1 bytes/));
    assert.throws(() => read(5, 1).opaque8(), decodeError(/ends after 1 bytes where a field of 5/));
    assert.throws(() => read(0xff, 0xff, 0xff, 0).opaque24(), decodeError(/a field of 16777215/));
    assert.throws(() => read().u8(), decodeError(/ends after 0 bytes/));
  });

  it('a vector shorter or longer than its bounds is a decode_error', () => {
    assert.throws(() => read(0).opaque8(1), decodeError(/a vector of 0 bytes, where 1 to 255 are legal/));
    assert.throws(() => read(3, 1, 2, 3).opaque8(0, 2), decodeError(/where 0 to 2/));
    assert.throws(() => read(0, 1, 1).vector16(2), decodeError(/where 2 to 65535/));
    assert.throws(() => read(0, 0, 0).opaque24(1), decodeError(/where 1 to 16777215/));
  });

  it('bytes left over are a decode_error', () => {
    assert.throws(() => read(1).end(), decodeError(/^Thing: 1 bytes left over after its last field$/));
  });

  it('a vector cannot be read beyond its end into what follows', () => {
    const reader = read(1, 7, 8, 9);
    const vector = reader.vector8();
    assert.equal(vector.u8(), 7);
    assert.throws(() => vector.u8(), decodeError(/ends after 0 bytes/));
    assert.equal(reader.u8(), 8);
  });

  it('`each` reads to the end and fails where an element is cut', () => {
    assert.deepEqual(
      read(4, 0, 1, 0, 2)
        .vector8()
        .each((item) => item.u16()),
      [1, 2],
    );
    assert.throws(
      () =>
        read(3, 0, 1, 0)
          .vector8()
          .each((item) => item.u16()),
      decodeError(/ends after 1 bytes/),
    );
  });

  it('`view` aliases the input, `bytes` and `rest` do not', () => {
    const input = Uint8Array.of(1, 2, 3, 4);
    const reader = new Reader(input, 'Thing');
    const view = reader.view(1);
    const copy = reader.bytes(1);
    const rest = reader.rest();
    input.fill(9);
    assert.deepEqual([view[0], copy[0], ...rest], [9, 2, 3, 4]);
  });

  it('a clone reads on its own, within the same bounds', () => {
    const vector = read(2, 5, 6, 7).vector8();
    const clone = vector.clone();
    assert.equal(clone.u16(), 0x0506);
    assert.throws(() => clone.u8(), decodeError(/ends/));
    assert.equal(vector.offset, 1);
    assert.equal(vector.remaining, 2);
  });

  it('a block that outgrows its length bytes is refused', () => {
    assert.throws(() => new Writer().opaque8(new Uint8Array(256)), RangeError);
    assert.throws(() => new Writer().opaque16(new Uint8Array(65_536)), RangeError);
    assert.equal(new Writer().opaque8(new Uint8Array(255)).finish().length, 256);
    assert.equal(new Writer().opaque16(new Uint8Array(65_535)).finish().length, 65_537);
  });

  it('what `finish` gives is nobody else’s memory', () => {
    const writer = new Writer().u8(1);
    const first = writer.finish();
    writer.u8(2);
    first[0] = 9;
    assert.deepEqual([...writer.finish()], [1, 2]);
  });

  it('a handshake message has type and a length of 24 bits before it', () => {
    const message = handshakeMessage(11, (writer) => writer.bytes(new Uint8Array(70_000)));
    assert.deepEqual([...message.subarray(0, 4)], [11, 1, 0x11, 0x70]);
  });
});
