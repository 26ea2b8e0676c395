/**
 * Record protection and hashes: agreement between providers, and the traps.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AeadName, type CryptoProvider, fromHex, type HashName, toHex, utf8 } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { createWebProvider } from '@handfast/crypto/web';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { nobleRows } from '@handfast/crypto/web/noble';

const providers: readonly CryptoProvider[] = [
  nodeProvider,
  fullWebProvider,
  { ...createWebProvider(nobleRows), name: 'noble' },
  forcedAsync(nodeProvider),
  forcedAsync(fullWebProvider),
];
const nonce = fromHex('000102030405060708090a0b');
const data = fromHex('1703030020');
const plaintext = utf8('GET / HTTP/1.1\r\n\r\n');

// The keys of a provider's table are AEAD names.
const namesOf = (provider: CryptoProvider) => Object.keys(provider.aeads) as readonly AeadName[];

function aeadOf(provider: CryptoProvider, name: AeadName) {
  const aead = provider.aeads[name];
  assert.ok(aead, `${name} is a row of ${provider.name}`);
  return aead;
}

const rawKey = (length: number) => Uint8Array.from({ length }, (_, index) => index);

for (const provider of providers) {
  for (const name of namesOf(provider)) {
    const aead = aeadOf(provider, name);

    test(`${provider.name}: ${name} seals what node opens, and the other way`, async () => {
      const here = aead.key(rawKey(aead.keyLength));
      const there = aeadOf(nodeProvider, name).key(rawKey(aead.keyLength));
      const sealed = await here.seal(nonce, data, plaintext);
      assert.equal(sealed.length, plaintext.length + aead.tagLength);
      assert.equal(toHex(sealed), toHex(await there.seal(nonce, data, plaintext)));
      assert.deepEqual(await here.open(nonce, data, sealed), plaintext);
      assert.equal((await here.open(nonce, data, await there.seal(nonce, data, new Uint8Array())))?.length, 0);
    });

    test(`${provider.name}: ${name} borrows its arguments no longer than the call`, async () => {
      const raw = rawKey(aead.keyLength);
      const key = aead.key(raw);
      raw.fill(0);
      const [ownNonce, ownData, ownText] = [nonce.slice(), data.slice(), plaintext.slice()] as const;
      const sealing = key.seal(ownNonce, ownData, ownText, 5);
      for (const bytes of [ownNonce, ownData, ownText]) bytes.fill(0xee);
      const sealed = await sealing;
      assert.deepEqual(sealed.subarray(0, 5), new Uint8Array(5));
      const [openNonce, openData, openSealed] = [nonce.slice(), data.slice(), sealed.slice(5)] as const;
      const opening = key.open(openNonce, openData, openSealed);
      for (const bytes of [openNonce, openData, openSealed]) bytes.fill(0xee);
      assert.deepEqual(await opening, plaintext);
    });

    test(`${provider.name}: ${name} opens nothing that was changed, cut short or too short for a tag`, async () => {
      const key = aead.key(rawKey(aead.keyLength));
      const sealed = await key.seal(nonce, data, plaintext);
      for (const at of [0, plaintext.length - 1, plaintext.length, sealed.length - 1]) {
        const changed = sealed.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        assert.equal(await key.open(nonce, data, changed), undefined);
      }
      for (let length = 0; length < sealed.length; length++) {
        assert.equal(await key.open(nonce, data, sealed.slice(0, length)), undefined);
      }
      assert.equal(await key.open(nonce, data.slice(1), sealed), undefined);
      assert.equal(await key.open(fromHex('ff0102030405060708090a0b'), data, sealed), undefined);
    });

    test(`${provider.name}: ${name} refuses keys of another length, and works no more after dispose`, async () => {
      assert.throws(() => aead.key(new Uint8Array(aead.keyLength + 1)), RangeError);
      assert.throws(() => aead.key(new Uint8Array(5)), RangeError);
      const key = aead.key(rawKey(aead.keyLength));
      const underWay = key.seal(nonce, data, plaintext);
      key.dispose();
      assert.equal((await underWay).length, plaintext.length + aead.tagLength);
      await assert.rejects(async () => key.seal(nonce, data, plaintext));
      await assert.rejects(async () => key.open(nonce, data, new Uint8Array(32)));
    });

    test(`${provider.name}: ${name} takes nonces of 12 bytes alone`, async () => {
      const key = aead.key(rawKey(aead.keyLength));
      for (const length of [0, 8, 11, 13, 16]) {
        await assert.rejects(async () => key.seal(new Uint8Array(length), data, plaintext), RangeError);
        await assert.rejects(async () => key.open(new Uint8Array(length), data, new Uint8Array(32)), RangeError);
      }
    });
  }

  const hashes: readonly HashName[] = ['sha256', 'sha384', 'sha512'];
  for (const hash of hashes) {
    test(`${provider.name}: a ${hash} cloned half-way goes on by itself`, () => {
      const whole = provider.createHash(hash).update(utf8('client hello'));
      const clone = whole.clone();
      whole.update(utf8('server hello'));
      assert.deepEqual(clone.digest(), provider.digest(hash, utf8('client hello')));
      assert.deepEqual(whole.digest(), nodeProvider.digest(hash, utf8('client helloserver hello')));
    });
  }

  test(`${provider.name}: random bytes are in memory of their own, also many`, () => {
    for (const length of [0, 1, 32, 65537, 200_000]) {
      const bytes = provider.random(length);
      assert.equal(bytes.length, length);
      assert.equal(bytes.buffer.byteLength, length);
    }
    assert.notDeepEqual(provider.random(32), provider.random(32));
    assert.ok(
      provider
        .random(200_000)
        .subarray(-64)
        .some((byte) => byte !== 0),
    );
  });
}

test('SHA-2 and HMAC agree with FIPS 180-4 and RFC 4231', () => {
  for (const provider of providers) {
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    assert.equal(toHex(provider.digest('sha256', utf8('abc'))), abc);
    const jefe = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843';
    assert.equal(toHex(provider.hmac('sha256', utf8('Jefe'))(utf8('what do ya want for nothing?'))), jefe);
  }
});
