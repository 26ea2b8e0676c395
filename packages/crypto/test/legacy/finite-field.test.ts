/**
 * Diffie-Hellman with parameters that are sent.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Bytes,
  CryptoError,
  type CryptoErrorCode,
  concat,
  type DhExchange,
  fromHex,
  toHex,
} from '@handfast/crypto';
import { nodeLegacy } from '@handfast/crypto/legacy/node';
import { webLegacy } from '@handfast/crypto/legacy/web';

function finiteField(prime: Uint8Array, generator: Uint8Array): DhExchange {
  const { finiteField } = nodeLegacy;
  assert.ok(finiteField);
  return finiteField(prime, generator);
}

function assertCode(work: () => unknown, code: CryptoErrorCode): Promise<void> {
  return assert.rejects(
    async () => work(),
    (error) => error instanceof CryptoError && error.code === code,
  );
}

const numberOf = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % modulus) {
    if (rest & 1n) result = (result * square) % modulus;
  }
  return result;
}

const text = readFileSync(new URL('../vectors/rfc7919-primes.txt', import.meta.url), 'utf8');
const ffdhe2048 = fromHex(text.split('ffdhe2048\n')[1]?.split('\n\n')[0] ?? '');

interface Group {
  readonly prime: Bytes;
  readonly generator: Bytes;
}

const groups: Readonly<Record<string, Group>> = {
  'a safe prime with generator 2 (RFC 7919 ffdhe2048)': { prime: ffdhe2048, generator: Uint8Array.of(2) },
  'the same prime with generator 5': { prime: ffdhe2048, generator: Uint8Array.of(5) },
  'a generator of four bytes': { prime: ffdhe2048, generator: fromHex('7fffffff') },
  'a generator of four bytes that is no signed number': { prime: ffdhe2048, generator: fromHex('80000000') },
  'a prime of a small subgroup, with a generator as long (RFC 5114 §2.1)': {
    prime: fromHex(
      'b10b8f96a080e01dde92de5eae5d54ec52c99fbcfb06a3c69a6a9dca52d23b616073e28675a23d189838ef1e2ee652c013ecb4aea906112324975c3cd49b83bfaccbdd7d90c4bd7098488e9c219a73724effd6fae5644738faa31a4ff55bccc0a151af5f0dc8b4bd45bf37df365c1a65e68cfda76d4da708df1fb2bc2e4a4371',
    ),
    generator: fromHex(
      'a4d1cbd5c3fd34126765a442efb99905f8104dd258ac507fd6406cff14266d31266fea1e5c41564b777e690f5504f213160217b4b01b886a5e91547f9e2749f4d7fbd7d3b9a92ee1909d0d2263f80a76a6a24c087a091f531dbf0a0169b6a28ad662a4d18e73afa32d779d5918d08bc8858f4dcef97c2a24855e6eeb22b3b2e5',
    ),
  },
};

for (const [name, { prime, generator }] of Object.entries(groups)) {
  const { length } = prime;
  const p = numberOf(prime);
  const share = (value: bigint) => fromHex(value.toString(16).padStart(2 * length, '0'));

  test(`${name}: two sides agree, on what each exponent says`, async () => {
    const exchange = finiteField(prime, generator);
    const key = await exchange.generate();
    const answer = await exchange.encapsulate(key.share);
    assert.deepEqual([key.share.length, answer.share.length, answer.secret.length], [length, length, length]);
    assert.equal(toHex(await key.agree(answer.share)), toHex(answer.secret));

    const exponent = 0x1234_5678_9abc_def1n;
    const peerShare = share(power(numberOf(generator), exponent, p));
    assert.equal(toHex(await key.agree(peerShare)), toHex(share(power(numberOf(key.share), exponent, p))));
    const { share: other, secret } = await exchange.encapsulate(peerShare);
    assert.equal(toHex(secret), toHex(share(power(numberOf(other), exponent, p))));
  });

  test(`${name}: every key is another, and none works after dispose`, async () => {
    const exchange = finiteField(prime, generator);
    const [one, two] = [await exchange.generate(), await exchange.generate()];
    assert.notDeepEqual(one.share, two.share);
    one.dispose();
    await assertCode(() => one.agree(two.share), 'failed');
    assert.equal(one.share.buffer.byteLength, length);
  });

  test(`${name}: shares outside 1 < Y < p - 1 are refused, and ones longer than the prime`, async () => {
    const exchange = finiteField(prime, generator);
    const key = await exchange.generate();
    const bad = [0n, 1n, p - 1n, p, p + 1n].map(share);
    for (const bytes of [...bad, new Uint8Array(0), new Uint8Array(1), Uint8Array.of(1), new Uint8Array(length + 1)]) {
      await assertCode(() => key.agree(bytes), 'invalid_share');
      await assertCode(() => exchange.encapsulate(bytes), 'invalid_share');
    }
    const tooLong = concat(fromHex('00'), share(4n));
    await assertCode(() => key.agree(tooLong), 'invalid_share');
    await assertCode(() => exchange.encapsulate(tooLong), 'invalid_share');
  });
}

test('a share without its leading zeros is the same share', async () => {
  const key = await finiteField(ffdhe2048, Uint8Array.of(2)).generate();
  const whole = concat(new Uint8Array(254), fromHex('0104'));
  assert.deepEqual(await key.agree(fromHex('0104')), await key.agree(whole));
  assert.deepEqual(await key.agree(fromHex('000104')), await key.agree(whole));
});

test('leading zeros of prime and generator do not count', async () => {
  const zeros = new Uint8Array(3);
  const here = finiteField(concat(zeros, ffdhe2048), concat(zeros, fromHex('02')));
  const there = finiteField(ffdhe2048, Uint8Array.of(2));
  const key = await here.generate();
  assert.equal(key.share.length, 256);
  const { share, secret } = await there.encapsulate(key.share);
  assert.deepEqual(await key.agree(share), secret);
});

test('parameters that can be no group are refused', async () => {
  const even = ffdhe2048.slice();
  even[255] = 0xfe;
  const two = Uint8Array.of(2);
  for (const prime of [even, new Uint8Array(0), new Uint8Array(256), Uint8Array.of(1), Uint8Array.of(3)]) {
    await assertCode(() => finiteField(prime, two), 'invalid_share');
  }
  const last = ffdhe2048.slice();
  last[255] = 0xfe;
  for (const generator of [new Uint8Array(0), new Uint8Array(5), Uint8Array.of(1), last, ffdhe2048]) {
    await assertCode(() => finiteField(ffdhe2048, generator), 'invalid_share');
  }
});

test('a prime of a size that OpenSSL refuses is unsupported, and nobody waits for it', async () => {
  for (const length of [1, 8, 63, 1251, 8191]) {
    const prime = new Uint8Array(length).fill(0xff);
    const peerShare = concat(new Uint8Array(length - 1), Uint8Array.of(4));
    for (const generator of [Uint8Array.of(2), ...(length > 8 ? [new Uint8Array(length - 1).fill(3)] : [])]) {
      const exchange = finiteField(prime, generator);
      await assertCode(() => exchange.generate(), 'unsupported');
      await assertCode(() => exchange.encapsulate(peerShare), 'unsupported');
    }
  }
});

test('a number that is no prime is not found out in half a minute: nobody looks', async () => {
  const composite = ffdhe2048.slice();
  composite[128] = (composite[128] ?? 0) ^ 1;
  const exchange = finiteField(composite, Uint8Array.of(2));
  const key = await exchange.generate();
  const { share, secret } = await exchange.encapsulate(key.share);
  assert.deepEqual(await key.agree(share), secret);
});

test('the web has none', () => assert.equal(webLegacy.finiteField, undefined));
