/**
 * `premasterOf` is compared with a reference that reads as the specification does, and branches as it likes.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex, toHex, wipe } from '@handfast/crypto';
import { premasterLength, premasterOf } from '@handfast/crypto/legacy';
import fc from 'fast-check';

const modulusLength = 256;
const version = 0x0303;
const fallback = new Uint8Array(premasterLength).fill(0xf0);
const premaster = concat(
  fromHex('0303'),
  Uint8Array.from({ length: 46 }, (_, index) => index),
);

/** RFC 8017 §7.2.2, step 3, and RFC 5246 §7.4.7.1. */
function reference(block: Uint8Array, clientVersion: number): Uint8Array | undefined {
  if (block[0] !== 0 || block[1] !== 2) return undefined;
  const end = block.indexOf(0, 2);
  if (end < 10) return undefined;
  const message = block.subarray(end + 1);
  if (message.length !== 48) return undefined;
  return message[0] === clientVersion >> 8 && message[1] === (clientVersion & 0xff) ? message : undefined;
}

function padded(message: Uint8Array, length: number = modulusLength, fill = 0xaa): Uint8Array {
  return concat(fromHex('0002'), new Uint8Array(length - 3 - message.length).fill(fill), fromHex('00'), message);
}

function changed(block: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = block.slice();
  copy[at] = byte;
  return copy;
}

function check(block: Uint8Array, clientVersion: number = version): void {
  const expected = reference(block, clientVersion) ?? fallback;
  assert.equal(toHex(premasterOf(block, clientVersion, fallback)), toHex(expected));
}

test('a well-padded premaster secret of the version is the answer', () => {
  assert.deepEqual(premasterOf(padded(premaster), version, fallback), premaster);
});

test('every value of every byte before the secret, and of its version, counts as the specification says', () => {
  const good = padded(premaster, 80);
  for (let at = 0; at < 80 - 46; at++) {
    for (let byte = 0; byte < 256; byte++) check(changed(good, at, byte));
  }
});

test('no byte of the random part decides anything', () => {
  const good = padded(premaster, 80);
  for (let at = 80 - 46; at < 80; at++) {
    for (const byte of [0, 1, 2, 0x7f, 0x80, 0xff]) {
      const block = changed(good, at, byte);
      assert.deepEqual(premasterOf(block, version, fallback), block.slice(-48));
    }
  }
});

test('a message of another length is refused, whatever it is', () => {
  for (let length = 0; length <= modulusLength - 11; length++) {
    const message = new Uint8Array(length).fill(3);
    const answer = premasterOf(padded(message), 0x0303, fallback);
    assert.deepEqual(answer, length === 48 ? message : fallback, `${length} bytes`);
  }
});

test('each version is compared in both bytes', () => {
  for (const offered of [0x0300, 0x0301, 0x0302, 0x0303]) {
    const block = padded(concat(Uint8Array.of(offered >> 8, offered & 0xff), new Uint8Array(46).fill(7)));
    for (const asked of [0x0300, 0x0301, 0x0302, 0x0303, 0x0203, 0x0003, 0x0304]) {
      const expected = asked === offered ? block.slice(-48) : fallback;
      assert.deepEqual(premasterOf(block, asked, fallback), expected);
    }
  }
});

test('padding of eight bytes is enough, and less does not fit', () => {
  assert.deepEqual(premasterOf(padded(premaster, 59), version, fallback), premaster);
  assert.throws(() => premasterOf(new Uint8Array(58), version, fallback), RangeError);
  assert.throws(() => premasterOf(new Uint8Array(0), version, fallback), RangeError);
});

test('a fallback of another length is refused', () => {
  for (const length of [0, 46, 47, 49]) {
    assert.throws(() => premasterOf(padded(premaster), version, new Uint8Array(length)), RangeError);
  }
});

test('the answer is fresh, and nothing given is written to', () => {
  for (const block of [padded(premaster), new Uint8Array(modulusLength)]) {
    const before = [toHex(block), toHex(fallback)];
    const answer = premasterOf(block, version, fallback);
    assert.equal(answer.buffer.byteLength, 48);
    wipe(answer);
    assert.deepEqual([toHex(block), toHex(fallback)], before);
  }
});

test('a block inside a larger memory is read where it lies', () => {
  const memory = concat(fromHex('ffff'), padded(premaster), fromHex('ffff'));
  const inner = new Uint8Array(memory.buffer, 2, modulusLength);
  const secret = concat(fromHex('00'), fallback).subarray(1);
  assert.deepEqual(premasterOf(inner, version, secret), premaster);
  assert.deepEqual(premasterOf(memory.subarray(1, 257), version, secret), fallback);
});

test('it equals the reference on random blocks, and on good ones with a few bytes changed', () => {
  const change = fc.tuple(fc.nat(modulusLength - 1), fc.oneof(fc.constantFrom(0, 1, 2, 3, 255), fc.nat(255)));
  const mutated = fc
    .tuple(fc.nat(modulusLength - 11), fc.integer({ min: 1, max: 255 }), fc.array(change, { maxLength: 4 }))
    .map(([length, fill, changes]) => {
      const message = new Uint8Array(length).fill(3);
      return changes.reduce((block, [at, byte]) => changed(block, at, byte), padded(message, modulusLength, fill));
    });
  const nearly = fc
    .array(change, { maxLength: 3 })
    .map((changes) => changes.reduce((block, [at, byte]) => changed(block, at, byte), padded(premaster)));
  const random = fc.uint8Array({ minLength: 59, maxLength: 300 });
  const versions = fc.constantFrom(0x0300, 0x0301, 0x0302, 0x0303);
  fc.assert(
    fc.property(fc.oneof(mutated, nearly, random), versions, (block, clientVersion) => check(block, clientVersion)),
    { numRuns: 1500 },
  );
});
