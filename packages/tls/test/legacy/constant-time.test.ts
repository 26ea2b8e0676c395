/**
 * The constant-time arithmetic says what naive code says. That it takes as long for all is `bench/constant-time`'s to
 * measure.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { equal, lessThan, macAt, select, tlsPadding } from '../../src/legacy/constant-time.ts';

const mask = (condition: boolean): number => (condition ? -1 : 0);

const largest = 2 ** 31 - 1;
const boundaries = [0, 1, 2, 15, 16, 127, 128, 255, 256, 257, 16_383, 16_384, 65_535, 65_536, largest - 1, largest];
const operand = fc.oneof(fc.integer({ min: 0, max: largest }), fc.constantFrom(...boundaries));

/** What `tlsPadding` computes, with branches. */
function naivePadding(plaintext: Uint8Array, macLength: number): { good: number; length: number } {
  const count = plaintext.at(-1) as number;
  const fits = count + 1 <= plaintext.length - macLength;
  const good = fits && plaintext.subarray(plaintext.length - count - 1).every((byte) => byte === count);
  return { good: mask(good), length: good ? count + 1 : 1 };
}

/** A record of `length` bytes whose last `count + 1` are padding; the others are zero. */
function padded(length: number, count: number): Uint8Array {
  return new Uint8Array(length).fill(count, Math.max(0, length - count - 1));
}

describe('lessThan, equal and select', () => {
  it('agree with < and === at every pair of boundaries', () => {
    for (const a of boundaries) {
      for (const b of boundaries) {
        assert.equal(lessThan(a, b), mask(a < b), `${a} < ${b}`);
        assert.equal(equal(a, b), mask(a === b), `${a} === ${b}`);
      }
    }
  });

  it('agree with < and === for any operands below 2^31', () => {
    fc.assert(
      fc.property(operand, operand, (a, b) => {
        assert.equal(lessThan(a, b), mask(a < b));
        assert.equal(equal(a, b), mask(a === b));
        assert.equal(equal(a, a), -1);
      }),
    );
  });

  it('equal tells masks apart', () => {
    assert.equal(equal(-1, -1), -1);
    assert.equal(equal(0, -1), 0);
    assert.equal(equal(-1, 0), 0);
  });

  it('select takes the first where the mask is all ones, the second where it is zero', () => {
    fc.assert(
      fc.property(operand, operand, (a, b) => {
        assert.equal(select(-1, a, b), a);
        assert.equal(select(0, a, b), b);
      }),
    );
  });
});

describe('tlsPadding', () => {
  it('takes right padding of every length, 0 to 255', () => {
    for (let count = 0; count < 256; count++) {
      assert.deepEqual(tlsPadding(padded(320, count), 20), { good: -1, length: count + 1 });
    }
  });

  it('takes padding that ends exactly where the MAC does, and none that is a byte longer', () => {
    for (const macLength of [0, 16, 20, 32, 48]) {
      for (const count of [0, 1, 7, 15, 16, 254, 255]) {
        assert.deepEqual(tlsPadding(padded(macLength + count + 1, count), macLength), { good: -1, length: count + 1 });
        if (count === 0) continue;
        assert.deepEqual(tlsPadding(padded(macLength + count, count), macLength), { good: 0, length: 1 });
      }
    }
  });

  it('reads one byte of padding in a record of a MAC and a byte', () => {
    for (const macLength of [16, 20, 32, 48]) {
      const record = new Uint8Array(macLength + 1);
      assert.deepEqual(tlsPadding(record, macLength), { good: -1, length: 1 });
      for (let last = 1; last < 256; last++) {
        // Every byte says the same: only the length can refuse it.
        assert.deepEqual(tlsPadding(record.fill(last), macLength), { good: 0, length: 1 });
      }
    }
  });

  it('refuses padding of which one byte is wrong, whichever it is and whichever bit', () => {
    for (const count of [1, 7, 15, 16, 127, 128, 254, 255]) {
      for (let back = 1; back <= count; back++) {
        const record = padded(288, count);
        record[288 - 1 - back] = count ^ (1 << (back % 8));
        assert.deepEqual(tlsPadding(record, 20), { good: 0, length: 1 }, `${count}, ${back} from the end`);
      }
    }
  });

  it('does not look at the byte before the padding', () => {
    for (const count of [0, 1, 15, 254]) {
      const record = padded(288, count);
      record[288 - count - 2] = count ^ 0xff;
      assert.deepEqual(tlsPadding(record, 20), { good: -1, length: count + 1 });
    }
  });

  it('sees all 256 bytes in a record of 256 bytes, and in a longer one', () => {
    assert.deepEqual(tlsPadding(padded(256, 255), 0), { good: -1, length: 256 });
    assert.deepEqual(tlsPadding(padded(256, 255), 1), { good: 0, length: 1 });
    assert.deepEqual(tlsPadding(padded(257, 255), 1), { good: -1, length: 256 });
    assert.deepEqual(tlsPadding(padded(16_384, 255), 20), { good: -1, length: 256 });
  });

  it('agrees with naive code about anything', () => {
    const plaintext = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      // Few values, so that runs of one byte come up.
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 40 }).map((bytes) => Uint8Array.from(bytes)),
      fc
        .record({ length: fc.integer({ min: 1, max: 320 }), count: fc.integer({ min: 0, max: 255 }), flip: fc.nat() })
        .map(({ length, count, flip }) => {
          const bytes = padded(length, count);
          const at = flip % (2 * length);
          if (at < length) bytes[at] = (bytes[at] as number) ^ 0x80;
          return bytes;
        }),
    );
    fc.assert(
      fc.property(plaintext, fc.constantFrom(0, 16, 20, 32, 48), (bytes, macLength) => {
        if (bytes.length < macLength + 1) return;
        assert.deepEqual(tlsPadding(bytes, macLength), naivePadding(bytes, macLength));
      }),
      { numRuns: 500 },
    );
  });
});

describe('macAt', () => {
  const mac = Uint8Array.from({ length: 20 }, (_, i) => i + 1);

  it('finds the MAC at every place where it can stand', () => {
    const length = 300;
    const first = length - 20 - 256;
    for (let start = first; start <= length - 20; start++) {
      const record = new Uint8Array(length);
      record.set(mac, start);
      assert.equal(macAt(record, start, first, mac), -1, `at ${start}`);
    }
  });

  it('refuses a MAC that stands a byte beside the place', () => {
    for (const start of [1, 20, 79]) {
      const record = new Uint8Array(100);
      record.set(mac, start);
      assert.equal(macAt(record, start - 1, 0, mac), 0);
      assert.equal(macAt(record, Math.min(80, start + 1), 0, mac), 0);
    }
  });

  it('refuses a MAC with any one bit wrong', () => {
    for (let bit = 0; bit < 8 * mac.length; bit++) {
      const record = new Uint8Array(64);
      record.set(mac, 13);
      const at = 13 + (bit >> 3);
      record[at] = (record[at] as number) ^ (1 << (bit & 7));
      assert.equal(macAt(record, 13, 0, mac), 0, `bit ${bit}`);
    }
  });

  it('finds it in a record that has nothing but the MAC and a byte', () => {
    const record = new Uint8Array(21);
    record.set(mac);
    assert.equal(macAt(record, 0, 0, mac), -1);
    assert.equal(macAt(record, 1, 0, mac), 0);
  });

  it('agrees with naive code about anything', () => {
    const byte = fc.integer({ min: 0, max: 1 });
    const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
      fc.array(byte, { minLength, maxLength }).map((values) => Uint8Array.from(values));
    fc.assert(
      fc.property(bytes(8, 40), bytes(1, 4), fc.nat(), fc.nat(), (record, tag, from, to) => {
        const last = record.length - tag.length;
        const first = from % (last + 1);
        const start = first + (to % (last + 1 - first));
        const there = Buffer.compare(record.subarray(start, start + tag.length), tag) === 0;
        assert.equal(macAt(record, start, first, tag), mask(there));
      }),
      { numRuns: 500 },
    );
  });
});
