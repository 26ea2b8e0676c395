import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '@handfast/crypto';
import fc from 'fast-check';
import { formatIp, parseIp } from '../../src/index.ts';

describe('IP literals', () => {
  for (const [text, octets] of [
    ['192.0.2.1', 'c0000201'],
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['2001:DB8::8:800:200c:417a', '20010db80000000000080800200c417a'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['::ffff:192.0.2.1', '00000000000000000000ffffc0000201'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
  ] as const) {
    it(`are read: ${text}`, () => assert.equal(toHex(parseIp(text) ?? new Uint8Array(0)), octets));
  }
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.256',
    '0x7f.0.0.1',
    '1.2.3.4 ',
    '1.2.3.4.',
    '127.1',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '1:2:3:4::5:6:7:8',
    '12345::',
    'g::',
    'fe80::1%eth0',
    '[::1]',
    '::1.2.3',
    '1.2.3.4::',
    ':1::2',
    '1::2:',
  ]) {
    it(`are nothing else: ${JSON.stringify(text)}`, () => assert.equal(parseIp(text), undefined));
  }
  for (const [given, printed] of [
    ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['FE80::1', 'fe80::1'],
  ] as const) {
    it(`are printed as RFC 5952 §4 says: ${given}`, () =>
      assert.equal(formatIp(parseIp(given) ?? new Uint8Array(0)), printed));
  }
  it('come back as they were', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
        (octets) => {
          assert.equal(toHex(parseIp(formatIp(octets)) ?? new Uint8Array(0)), toHex(octets));
        },
      ),
    );
  });
});
