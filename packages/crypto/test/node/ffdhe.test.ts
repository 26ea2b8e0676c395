/**
 * The finite-field groups of RFC 7919.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Bytes, CryptoError, fromHex, type KeyExchange, toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { encode, encodeUnsigned, tag } from '../../src/der.ts';
import { ffdhePrime } from '../../src/ffdhe-primes.ts';
import { withNodePkcs8 } from '../support/fixed-keys.ts';

const isInvalidShare = (error: unknown) => error instanceof CryptoError && error.code === 'invalid_share';

const digits = readFileSync(new URL('../vectors/rfc7919-primes.txt', import.meta.url), 'utf8');
const primes = new Map<string, Bytes>();
for (const block of digits.split('\n\n').slice(1)) {
  const [name = '', ...lines] = block.split('\n');
  primes.set(name, fromHex(lines.join('')));
}

function groupOf(name: string): KeyExchange {
  const group = Object.values(nodeProvider.groups).find((row) => row.name === name);
  assert.ok(group, `${name} is a row`);
  return group;
}

/** A number as a share of the group. */
function share(value: bigint, length: number): Bytes {
  return fromHex(value.toString(16).padStart(2 * length, '0'));
}

test('there are five groups', () => assert.equal(primes.size, 5));

for (const [name, prime] of primes) {
  const { length } = prime;
  const p = BigInt(`0x${toHex(prime)}`);

  test(`${name} has the prime of RFC 7919 appendix A`, () => {
    assert.equal(toHex(ffdhePrime(8 * length)), toHex(prime));
  });

  test(`two ${name} keys agree`, async () => {
    const group = groupOf(name);
    const key = await group.generate();
    const answer = await group.encapsulate(key.share);
    assert.deepEqual([key.share.length, answer.share.length, answer.secret.length], [length, length, length]);
    assert.equal(toHex(await key.agree(answer.share)), toHex(answer.secret));
  });

  test(`${name} refuses shares outside 1 < Y < p - 1, on both sides`, async () => {
    const group = groupOf(name);
    const key = await group.generate();
    for (const value of [0n, 1n, p - 1n, p, p + 1n]) {
      await assert.rejects(async () => key.agree(share(value, length)), isInvalidShare);
      await assert.rejects(async () => group.encapsulate(share(value, length)), isInvalidShare);
    }
    assert.equal((await key.agree(share(2n, length))).length, length);
  });

  test(`${name} refuses shares that are not as long as the prime`, async () => {
    const group = groupOf(name);
    const key = await group.generate();
    for (const bad of [new Uint8Array(), Uint8Array.of(2), share(2n, length + 1), key.share.slice(1)]) {
      await assert.rejects(async () => key.agree(bad), isInvalidShare);
      await assert.rejects(async () => group.encapsulate(bad), isInvalidShare);
    }
  });

  test(`${name} pads its shares and secrets with zeros to the prime's length`, async () => {
    const group = groupOf(name);
    const parameters = encode(tag.sequence, encodeUnsigned(prime), encodeUnsigned(Uint8Array.of(2)));
    const algorithm = encode(tag.sequence, fromHex('06092a864886f70d010301'), parameters);
    const exponent = encode(tag.octetString, encodeUnsigned(Uint8Array.of(10)));
    const pkcs8 = encode(tag.sequence, Uint8Array.of(tag.integer, 1, 0), algorithm, exponent);
    const key = await withNodePkcs8(pkcs8, () => group.generate());
    assert.equal(toHex(key.share), toHex(share(2n ** 10n, length)));
    assert.equal(toHex(await key.agree(share(4n, length))), toHex(share(2n ** 20n, length)));
  });
}
