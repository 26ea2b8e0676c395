/**
 * RC4 against every vector of RFC 6229, and its state from call to call.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CryptoError, fromHex, toHex } from '@handfast/crypto';
import { rc4, rc4Key } from '@handfast/crypto/legacy';

const text = readFileSync(new URL('../vectors/rfc6229-rc4.txt', import.meta.url), 'utf8');
const blocks = text.trim().split('\n\n').slice(1);

test('RFC 6229 has two keys of each of seven lengths', () => {
  const lengths = blocks.map((block) => (block.split('\n')[0] ?? '').length / 2);
  assert.deepEqual(
    lengths.toSorted((a, b) => a - b),
    [5, 5, 7, 7, 8, 8, 10, 10, 16, 16, 24, 24, 32, 32],
  );
});

for (const block of blocks) {
  const [key = '', ...offsets] = block.split('\n');
  test(`RFC 6229: the keystream of ${key} at all 18 offsets`, () => {
    const keystream = toHex(rc4Key(fromHex(key)).process(new Uint8Array(4112)));
    assert.equal(offsets.length, 18);
    for (const line of offsets) {
      const [offset = '', bytes = ''] = line.split(' ');
      assert.equal(keystream.slice(2 * Number(offset), 2 * Number(offset) + 32), bytes, `offset ${offset}`);
    }
  });
}

test('the keystream goes on from call to call, through empty ones too', () => {
  const raw = fromHex('0102030405060708090a0b0c0d0e0f10');
  const whole = rc4.key(raw).process(new Uint8Array(600));
  const key = rc4.key(raw);
  const parts = [1, 0, 255, 3, 341].flatMap((length) => [...key.process(new Uint8Array(length))]);
  assert.deepEqual(Uint8Array.from(parts), whole);
});

test('what one key encrypts, another of the same bytes decrypts; the input is left alone', () => {
  const raw = fromHex('00112233445566778899aabbccddeeff');
  const plaintext = fromHex('48616e6466617374');
  const ciphertext = rc4.key(raw).process(plaintext);
  assert.equal(toHex(plaintext), '48616e6466617374');
  assert.notDeepEqual(ciphertext, plaintext);
  assert.deepEqual(rc4.key(raw).process(ciphertext), plaintext);
});

test('the bytes of a key are copied', () => {
  const raw = fromHex('0102030405060708090a0b0c0d0e0f10');
  const key = rc4.key(raw);
  raw.fill(0);
  assert.equal(toHex(key.process(new Uint8Array(4))), '9ac7cc9a');
});

test('TLS has keys of 16 bytes alone; RC4 itself of 1 to 256', () => {
  assert.equal(rc4.keyLength, 16);
  for (const length of [0, 5, 15, 17]) assert.throws(() => rc4.key(new Uint8Array(length)), RangeError);
  for (const length of [0, 257]) assert.throws(() => rc4Key(new Uint8Array(length)), RangeError);
  assert.equal(rc4Key(new Uint8Array(256)).process(new Uint8Array(3)).length, 3);
});

test('a key works no more after dispose', () => {
  const key = rc4.key(new Uint8Array(16));
  key.process(new Uint8Array(9));
  key.dispose();
  key.dispose();
  assert.throws(
    () => key.process(new Uint8Array(1)),
    (error) => error instanceof CryptoError && error.code === 'failed',
  );
});
