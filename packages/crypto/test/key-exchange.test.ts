/**
 * Key exchange between providers, and what every group refuses.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryptoError, type CryptoProvider, type GroupName, type KeyExchange, toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { createWebProvider, webProvider } from '@handfast/crypto/web';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { nobleRows } from '@handfast/crypto/web/noble';

const isInvalidShare = (error: unknown) => error instanceof CryptoError && error.code === 'invalid_share';

// The keys of a provider's table are group names.
const groupNames = (provider: CryptoProvider) => Object.keys(provider.groups) as readonly GroupName[];

function groupOf(provider: CryptoProvider, name: GroupName): KeyExchange {
  const group = provider.groups[name];
  assert.ok(group, `${name} is a row of ${provider.name}`);
  return group;
}

const points: ReadonlySet<GroupName> = new Set([
  'secp256r1',
  'secp384r1',
  'secp521r1',
  'secp256r1mlkem768',
  'secp384r1mlkem1024',
]);

const nobleProvider: CryptoProvider = { ...createWebProvider(nobleRows), name: 'noble' };
const providers: readonly CryptoProvider[] = [
  nodeProvider,
  fullWebProvider,
  nobleProvider,
  forcedAsync(nodeProvider),
  forcedAsync(fullWebProvider),
];

for (const client of providers) {
  for (const server of client === nodeProvider ? providers : [nodeProvider, client]) {
    for (const name of groupNames(client).filter((group) => group in server.groups && !group.startsWith('ffdhe'))) {
      test(`a ${client.name} client and a ${server.name} server agree by ${name}`, async () => {
        const key = await groupOf(client, name).generate();
        assert.equal(key.share.length, groupOf(client, name).clientShareLength);
        const { share, secret } = await groupOf(server, name).encapsulate(key.share);
        assert.equal(share.length, groupOf(server, name).serverShareLength);
        assert.equal(toHex(await key.agree(share)), toHex(secret));
      });
    }
  }
}

test('the default web provider has neither CCM, FFDHE, X448, Ed448 nor ML-DSA', () => {
  assert.deepEqual(Object.keys(webProvider.aeads), ['aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305']);
  assert.ok(!groupNames(webProvider).some((name) => name.startsWith('ffdhe') || name === 'x448'));
  assert.ok(!Object.keys(webProvider.signatures).some((name) => name === 'ed448' || name.startsWith('ml-dsa')));
});

for (const provider of providers) {
  for (const name of groupNames(provider).filter((group) => !/ffdhe[3468]/.test(group))) {
    test(`${provider.name}: ${name} refuses shares that are short, long or empty`, async () => {
      const group = groupOf(provider, name);
      const key = await group.generate();
      const { share } = await group.encapsulate(key.share);
      for (const bad of [share.slice(1), Uint8Array.of(...share, 0), new Uint8Array()]) {
        await assert.rejects(async () => key.agree(bad), isInvalidShare);
      }
      for (const bad of [key.share.slice(1), Uint8Array.of(...key.share, 0), new Uint8Array()]) {
        await assert.rejects(async () => group.encapsulate(bad), isInvalidShare);
      }
    });

    test(`${provider.name}: a disposed ${name} key agrees on nothing`, async () => {
      const group = groupOf(provider, name);
      const key = await group.generate();
      const { share } = await group.encapsulate(key.share);
      key.dispose();
      await assert.rejects(
        async () => key.agree(share),
        (error) => error instanceof CryptoError && error.code === 'failed',
      );
    });

    if (!points.has(name)) continue;
    test(`${provider.name}: ${name} refuses compressed and hybrid points, and points off the curve`, async () => {
      const group = groupOf(provider, name);
      const key = await group.generate();
      const point = key.share.slice();
      const coordinate = { secp256r1: 32, secp384r1: 48, secp521r1: 66 }[name.slice(0, 9)] ?? 0;
      const sign = (point[2 * coordinate] ?? 0) & 1;
      const hybrid = point.slice();
      hybrid[0] = 6 + sign;
      const offCurve = point.slice();
      offCurve[coordinate] = (offCurve[coordinate] ?? 0) ^ 1;
      const compressed = point.slice(0, 1 + coordinate);
      compressed[0] = 2 + sign;
      const padded = point.slice();
      padded.fill(0, 1 + coordinate, 1 + 2 * coordinate);
      padded[0] = 2 + sign;
      for (const bad of [hybrid, offCurve, compressed, padded]) {
        await assert.rejects(async () => group.encapsulate(bad), isInvalidShare);
      }
    });
  }

  test(`${provider.name}: an X25519 share of small order is refused on both sides`, async () => {
    const group = groupOf(provider, 'x25519');
    const key = await group.generate();
    await assert.rejects(async () => key.agree(new Uint8Array(32)), isInvalidShare);
    await assert.rejects(async () => group.encapsulate(new Uint8Array(32)), isInvalidShare);
  });

  for (const name of ['x25519', 'secp256r1', 'x25519mlkem768', 'secp256r1mlkem768', 'secp384r1mlkem1024'] as const) {
    test(`${provider.name}: ${name} needs a borrowed share no longer than the call`, async () => {
      const group = groupOf(provider, name);
      const key = await group.generate();
      const clientShare = key.share.slice();
      const encapsulating = group.encapsulate(clientShare);
      clientShare.fill(0xee);
      const { share, secret } = await encapsulating;
      const serverShare = share.slice();
      const agreeing = key.agree(serverShare);
      serverShare.fill(0xee);
      assert.equal(toHex(await agreeing), toHex(secret));
    });
  }

  test(`${provider.name}: a hybrid made from parts shares their keys`, async () => {
    const group = groupOf(provider, 'x25519mlkem768');
    const parts = group.parts;
    assert.ok(parts);
    const [mlkem, x25519] = [await parts[0].generate(), await parts[1].generate()] as const;
    const key = await group.generate([mlkem, x25519]);
    assert.equal(toHex(key.share), toHex(mlkem.share) + toHex(x25519.share));
    const { share, secret } = await groupOf(nodeProvider, 'x25519mlkem768').encapsulate(key.share);
    assert.equal(toHex(await key.agree(share)), toHex(secret));
    const plain = await groupOf(nodeProvider, 'x25519').encapsulate(x25519.share);
    assert.equal(toHex(await x25519.agree(plain.share)), toHex(plain.secret));
  });
}
