import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '@handfast/crypto';
import fc from 'fast-check';
import { decodeOid, encodeOid } from '../../src/der/oid.ts';
import { readDer } from '../../src/der/reader.ts';
import * as der from '../../src/der/writer.ts';

describe('what the writer writes, the reader reads:', () => {
  it('octet strings of every length form', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 127, 128, 255, 256, 65535, 65536), fc.nat(255), (length, byte) => {
        const content = new Uint8Array(length).fill(byte);
        assert.deepEqual(
          readDer(der.octetString(content), 'x', (reader) => reader.octetString()),
          content,
        );
      }),
    );
  });
  it('unsigned integers, minimal whatever their leading zeros', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (magnitude) => {
        const value = readDer(der.unsigned(magnitude), 'x', (reader) => reader.unsigned());
        assert.equal(toHex(value), toHex(magnitude).replace(/^(00)+/, ''));
      }),
    );
  });
  it('small integers', () => {
    fc.assert(
      fc.property(fc.nat(), (number) => {
        assert.equal(
          readDer(der.smallInteger(number), 'x', (reader) => reader.smallInteger()),
          number,
        );
      }),
    );
  });
  it('object identifiers', () => {
    const arc = fc.oneof(fc.nat(200), fc.bigInt(0n, 2n ** 100n).map(String));
    fc.assert(
      fc.property(
        fc.constantFrom('0.0', '0.39', '1.0', '1.39', '2.0', '2.5', '2.999'),
        fc.array(arc, { maxLength: 3 }),
        (top, rest) => {
          const oid = [top, ...rest].join('.');
          assert.equal(decodeOid(encodeOid(oid), 'x'), oid);
        },
      ),
    );
  });
  it('times from 1950 to 9999', () => {
    const min = new Date('1950-01-01T00:00:00Z');
    fc.assert(
      fc.property(fc.date({ min, max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), (date) => {
        const seconds = Math.floor(date.getTime() / 1000) * 1000;
        assert.equal(readDer(der.time(date), 'x', (reader) => reader.time()).getTime(), seconds);
      }),
    );
  });
  it('named bits', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(20)), (bits) => {
        const { bytes } = readDer(der.namedBits(bits), 'x', (reader) => reader.bitString());
        const found = Array.from({ length: bytes.length * 8 }, (_, bit) => bit).filter(
          (bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0,
        );
        assert.deepEqual(
          found,
          bits.toSorted((a, b) => a - b),
        );
      }),
    );
  });
});

describe('the writer', () => {
  it('sorts a SET OF', () => {
    assert.equal(
      toHex(der.setOf(der.smallInteger(2), der.boolean(true), der.smallInteger(1))),
      '31090101ff020101020102',
    );
  });
  it('writes UTCTime through 2049 and GeneralizedTime after', () => {
    assert.equal(der.time(new Date('2049-12-31T23:59:59Z'))[0], 0x17);
    assert.equal(der.time(new Date('2050-01-01T00:00:00Z'))[0], 0x18);
    assert.equal(der.time(new Date('1949-12-31T23:59:59Z'))[0], 0x18);
  });
  it('refuses what it cannot write', () => {
    assert.throws(() => der.time(new Date(Number.NaN)), RangeError);
    assert.throws(() => der.time(new Date('+010000-01-01T00:00:00Z')), RangeError);
    assert.throws(() => der.smallInteger(-1), RangeError);
    for (const oid of ['', '3.1', '1.40', '1', '1..2', '1.02', '2.5.x'])
      assert.throws(() => encodeOid(oid), RangeError, oid);
  });
});
