import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '@handfast/crypto';
import { ecdsaFromDer, ecdsaToDer } from '../src/ecdsa-der.ts';

const convert = (der: string, fieldLength = 4): string | undefined => {
  const signature = ecdsaFromDer(fromHex(der), fieldLength);
  return signature && toHex(signature);
};

test('numbers are padded to the length of the field, and stripped of their sign byte', () => {
  assert.equal(convert('3006 020101 020102'), '0000000100000002');
  assert.equal(convert('300b 0205 00ffffffff 0202 0080'), 'ffffffff00000080');
  assert.equal(convert('3006 020100 020100'), '0000000000000000');
});

test('both directions are inverse, also where the length needs two bytes', () => {
  for (const fieldLength of [32, 48, 66]) {
    for (const fill of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
      const signature = new Uint8Array(2 * fieldLength).fill(fill);
      signature[3] = 0;
      assert.deepEqual(ecdsaFromDer(ecdsaToDer(signature), fieldLength), signature);
    }
  }
  assert.equal(toHex(ecdsaToDer(new Uint8Array(132).fill(0xff)).subarray(0, 3)), '30818a');
});

test('half a signature is not converted', () => {
  assert.throws(() => ecdsaToDer(new Uint8Array(63)), RangeError);
  assert.throws(() => ecdsaToDer(new Uint8Array()), RangeError);
});

const refused: Readonly<Record<string, string>> = {
  'nothing at all': '',
  'a lone tag': '30',
  'another tag': '3106 020101 020102',
  'another tag inside': '3006 020101 040102',
  'bytes after the end': '3006 020101 020102 00',
  'bytes after the numbers': '3008 020101 020102 0500',
  'a third number': '3009 020101 020102 020103',
  'one number': '3003 020101',
  'a cut-off number': '3006 020101 020202',
  'an empty number': '3005 0200 020102',
  'a negative number': '3006 020180 020102',
  'a number with a needless zero': '3007 02020001 020102',
  'a number longer than the field': '300a 02050100000000 020102',
  'a length that is not the shortest': '308106 020101 020102',
  'a length of two bytes': '30820006 020101 020102',
  'an indefinite length': '3080 020101 020102 0000',
};

for (const [what, der] of Object.entries(refused)) {
  test(`${what} is refused`, () => assert.equal(convert(der), undefined));
}
