import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex, toHex } from '@handfast/crypto';
import fc from 'fast-check';
import { type DerReader, maxDerLength, readDer } from '../../src/der/reader.ts';
import { CertificateError } from '../../src/errors.ts';

const read = <T>(hex: string, how: (reader: DerReader) => T): T => readDer(fromHex(hex), 'test', how);

function refuses(hex: string, how: (reader: DerReader) => unknown, why: RegExp): void {
  assert.throws(
    () => read(hex, how),
    (error) => error instanceof CertificateError && error.code === 'malformed' && why.test(error.message),
  );
}

const element = (reader: DerReader): unknown => reader.element();
const integer = (reader: DerReader): unknown => reader.integer();
const bits = (reader: DerReader): unknown => reader.bitString();
const oid = (reader: DerReader): unknown => reader.oid();
const time = (reader: DerReader): unknown => reader.time();

/** A time's DER from its text. */
const timeOf = (tag: string, text: string): string =>
  tag + toHex(Uint8Array.of(text.length)) + toHex(new TextEncoder().encode(text));

describe('DER lengths', () => {
  it('are definite', () => refuses('30800000', element, /indefinite/));
  it('are minimal: short form below 128', () => refuses('04817f'.padEnd(6 + 254, '0'), element, /not minimal/));
  it('are minimal: no leading zero', () => refuses(`04820080${'00'.repeat(128)}`, element, /not minimal/));
  it('take at most four bytes', () => refuses('0485010000000000', element, /more than 4 bytes/));
  it('stay within their structure', () => refuses('0402ff', element, /beyond the end/));
  it('in the four-byte form stay within too', () => refuses('0484ffffffff00', element, /beyond the end/));
  it('are not cut short', () => refuses('0482', element, /cut short/));
  it('in long form are read', () => {
    assert.equal(read(`048180${'ab'.repeat(128)}`, (reader) => reader.octetString()).length, 128);
  });
});

describe('DER structure', () => {
  it('has no trailing bytes', () => refuses('050000', (reader) => reader.null(), /1 bytes too many/));
  it('has no tag numbers above 30', () => refuses('1f2a0100', element, /above 30/));
  it('has the tag that the grammar demands', () => refuses('0500', integer, /tag 0x05 where 0x02 belongs/));
  it('ends within what holds it, whatever follows there', () => {
    const inner = (reader: DerReader): DerReader => reader.sequence().sequence();
    refuses('30053001020105', (reader) => inner(reader).integer(), /cut short \(at byte 1 of the 1 there\)/);
    refuses(
      '3006300202010500',
      (reader) => inner(reader).integer(),
      /a length beyond the end \(at byte 2 of the 2 there\)/,
    );
    refuses('3006300101020105', (reader) => inner(reader).boolean(), /cut short \(at byte 1 of the 1 there\)/);
    assert.deepEqual(
      read('300430000500', (reader) => {
        const outer = reader.sequence();
        const empty = outer.sequence();
        const found = [empty.done, empty.nextTag, outer.nextTag];
        outer.null();
        outer.end();
        return found;
      }),
      [true, undefined, 0x05],
    );
  });
  it('hands out a value’s content and all of it, wherever it stands', () => {
    const { tag, content, raw } = read('300602010104010a', (reader) => {
      const list = reader.sequence();
      list.integer();
      return list.element();
    });
    assert.deepEqual([tag, toHex(content), toHex(raw)], [0x04, '0a', '04010a']);
  });
  it('is bounded in size', () => {
    assert.throws(() => readDer(new Uint8Array(maxDerLength + 1), 'test', element), /over the limit/);
  });
  it('is bounded in depth', () => {
    const nest = (reader: DerReader): unknown => nest(reader.sequence());
    let der = '';
    for (let i = 0; i < 60; i++) der = `30${toHex(Uint8Array.of(der.length / 2))}${der}`;
    refuses(der, nest, /nested deeper/);
  });
});

describe('DER INTEGER', () => {
  it('is not empty', () => refuses('0200', integer, /empty INTEGER/));
  it('is minimal when positive', () => refuses('0202007f', integer, /not minimal/));
  it('is minimal when negative', () => refuses('0202ff80', integer, /not minimal/));
  it('keeps the zero that its sign needs', () =>
    assert.equal(toHex(read('02020080', (reader) => reader.integer())), '0080'));
  it('as a magnitude is not negative', () => refuses('0201ff', (reader) => reader.unsigned(), /negative/));
  it('as a small number is in range', () => {
    assert.equal(
      read('02047fffffff', (reader) => reader.smallInteger()),
      0x7fffffff,
    );
    refuses('02050080000000', (reader) => reader.smallInteger(), /out of range/);
    refuses('020180', (reader) => reader.smallInteger(), /out of range/);
  });
});

describe('DER BOOLEAN', () => {
  it('is 00 or FF', () => {
    assert.equal(
      read('0101ff', (reader) => reader.boolean()),
      true,
    );
    assert.equal(
      read('010100', (reader) => reader.boolean()),
      false,
    );
    refuses('010101', (reader) => reader.boolean(), /not 00 or FF/);
    refuses('0102ffff', (reader) => reader.boolean(), /not 00 or FF/);
  });
  it('that is FALSE by default is not written as FALSE', () => {
    refuses('010100', (reader) => reader.booleanDefaultFalse(), /DEFAULT/);
  });
});

describe('DER NULL', () => {
  it('is empty', () => refuses('050100', (reader) => reader.null(), /not empty/));
});

describe('DER BIT STRING', () => {
  it('has its count of unused bits', () => refuses('0300', bits, /empty BIT STRING/));
  it('has at most seven unused bits', () => refuses('03020800', bits, /impossible length/));
  it('has none where it is empty', () => refuses('030101', bits, /impossible length/));
  it('has unused bits of zero', () => refuses('03020101', bits, /unused bits are set/));
  it('holding a key is of whole bytes', () =>
    refuses('03020102', (reader) => reader.octetAlignedBitString(), /whole bytes/));
});

describe('DER OBJECT IDENTIFIER', () => {
  it('is not empty', () => refuses('0600', oid, /empty/));
  it('does not end within an arc', () => refuses('06022a86', oid, /ends within/));
  it('has no overlong arc', () => refuses('06032a8001', oid, /overlong/));
  it('is bounded', () => refuses(`0641${'01'.repeat(65)}`, oid, /65 bytes/));
});

describe('DER time', () => {
  const utc = (text: string): string => timeOf('17', text);
  const generalized = (text: string): string => timeOf('18', text);

  it('is read in its two forms', () => {
    assert.equal(read(utc('491231235959Z'), (reader) => reader.time()).toISOString(), '2049-12-31T23:59:59.000Z');
    assert.equal(read(utc('500101000000Z'), (reader) => reader.time()).toISOString(), '1950-01-01T00:00:00.000Z');
    assert.equal(
      read(generalized('99991231235959Z'), (reader) => reader.time()).toISOString(),
      '9999-12-31T23:59:59.000Z',
    );
    assert.equal(
      read(generalized('00010101000000Z'), (reader) => reader.time()).toISOString(),
      '0001-01-01T00:00:00.000Z',
    );
  });
  for (const [text, why] of [
    ['2611210200Z', 'no seconds'],
    ['261121020000+0000', 'an offset'],
    ['261121020000', 'no zone'],
    ['26112102000 Z', 'a space'],
    ['20261121020000Z', 'four digits of a year'],
  ] as const) {
    it(`as UTCTime has not ${why}`, () => refuses(utc(text), time, /not in its DER form/));
  }
  for (const [text, why] of [
    ['20261121020000.5Z', 'a fraction'],
    ['261121020000Z', 'two digits of a year'],
  ] as const) {
    it(`as GeneralizedTime has not ${why}`, () => refuses(generalized(text), time, /not in its DER form/));
  }
  for (const text of [
    '260230000000Z',
    '261301000000Z',
    '261121240000Z',
    '261121236000Z',
    '261121235960Z',
    '260000000000Z',
  ]) {
    it(`exists: not ${text}`, () => refuses(utc(text), time, /does not exist/));
  }
});

describe('the reader, over any bytes,', () => {
  it('answers or throws CertificateError', () => {
    const readers: readonly ((reader: DerReader) => unknown)[] = [
      element,
      integer,
      bits,
      oid,
      time,
      (reader) => reader.boolean(),
      (reader) => reader.unsigned(),
      (reader) => reader.sequence().list((inner) => inner.element()),
    ];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...readers), (bytes, how) => {
        try {
          readDer(Uint8Array.from(bytes), 'fuzz', how);
        } catch (error) {
          assert.ok(error instanceof CertificateError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
