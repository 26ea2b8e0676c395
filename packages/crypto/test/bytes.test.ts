import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, copyBytes, equalBytes, equalConstantTime, fromHex, toHex, utf8, wipe } from '@handfast/crypto';

test('utf8 encodes as the platform does, lone surrogates included', () => {
  const texts = [
    '',
    'tls13 derived',
    'ä\u0080\u07ff',
    '\u0800€\uffff',
    '🤝\u{10ffff}',
    'a\ud800b',
    '\udc00',
    '\ud83e\udd1d\ud83e',
  ];
  for (const text of texts) assert.deepEqual(utf8(text), copyBytes(new TextEncoder().encode(text)));
});

test('utf8 fills memory of its own', () => {
  const bytes = utf8('grüß');
  assert.equal(bytes.buffer.byteLength, bytes.length);
});

test('hexadecimal goes both ways, and refuses anything else', () => {
  assert.equal(toHex(fromHex('00 fF\n1a')), '00ff1a');
  for (const bad of ['0', '0g', '0x00', '-1']) assert.throws(() => fromHex(bad), RangeError);
});

test('equality takes length into account', () => {
  for (const equal of [equalBytes, equalConstantTime]) {
    assert.equal(equal(fromHex('0102'), fromHex('0102')), true);
    assert.equal(equal(fromHex('0102'), fromHex('0103')), false);
    assert.equal(equal(fromHex('0102'), fromHex('010200')), false);
    assert.equal(equal(new Uint8Array(), new Uint8Array()), true);
  }
});

test('copyBytes never aliases a Buffer', () => {
  const buffer = Buffer.from([1, 2, 3]);
  const copy = copyBytes(buffer.subarray(1));
  buffer.fill(9);
  assert.deepEqual(copy, Uint8Array.of(2, 3));
});

test('concat joins and wipe zeroes', () => {
  const joined = concat(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3));
  assert.deepEqual(joined, Uint8Array.of(1, 2, 3));
  wipe(joined, undefined);
  assert.deepEqual(joined, new Uint8Array(3));
});
