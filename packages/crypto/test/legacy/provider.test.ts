/**
 * The weak primitives as part of a provider: only where somebody imports them, and asynchronous where they may be.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { CryptoError, concat, fromHex, isThenable, utf8 } from '@handfast/crypto';
import { nodeLegacy, nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider, webLegacy } from '@handfast/crypto/legacy/web';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { webProvider } from '@handfast/crypto/web';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { ffdhePrime } from '../../src/ffdhe-primes.ts';

test('the usual providers have nothing of it', () => {
  for (const provider of [nodeProvider, webProvider, fullWebProvider, forcedAsync(nodeProvider)]) {
    assert.equal('legacy' in provider, false);
  }
});

test('node: the legacy provider is the node provider and one field more, its lazy tables still lazy', () => {
  assert.deepEqual(Object.keys(nodeLegacyProvider), [...Object.keys(nodeProvider), 'legacy']);
  for (const name of ['groups', 'signatures']) {
    const { get } = Object.getOwnPropertyDescriptor(nodeLegacyProvider, name) ?? {};
    assert.equal(typeof get, 'function');
    assert.equal(get, Object.getOwnPropertyDescriptor(nodeProvider, name)?.get);
  }
  assert.equal(nodeLegacyProvider.groups, nodeProvider.groups);
  assert.equal(nodeLegacyProvider.legacy, nodeLegacy);
  assert.equal({ ...nodeLegacyProvider }.legacy, nodeLegacy);
  assert.equal(nodeLegacy.blockCiphers, nodeLegacy.blockCiphers);
  assert.equal(nodeLegacy.aeads, nodeLegacy.aeads);
});

test('web: any web provider can have it', () => {
  const provider = createWebLegacyProvider(fullWebProvider);
  assert.deepEqual(provider, { ...fullWebProvider, legacy: webLegacy });
});

function promised<T>(value: T | Promise<T>): Promise<T> {
  assert.ok(isThenable(value), 'the answer is a promise');
  return Promise.resolve(value);
}

test('forcedAsync makes signatures, keys, AEADs and exchanges wait, and leaves hashes and ciphers as they are', async () => {
  const { legacy } = forcedAsync(nodeLegacyProvider);
  assert.ok(legacy?.rsaEncrypt && legacy.finiteField);
  assert.deepEqual(legacy.digest('md5', utf8('a')), nodeLegacy.digest('md5', utf8('a')));
  assert.deepEqual(legacy.createHash('sha1').update(utf8('a')).digest(), nodeLegacy.digest('sha1', utf8('a')));
  assert.deepEqual(legacy.hmac('md5', utf8('k'))(utf8('a')), nodeLegacy.hmac('md5', utf8('k'))(utf8('a')));
  assert.equal(legacy.blockCiphers, nodeLegacy.blockCiphers);
  assert.equal(legacy.streamCiphers, nodeLegacy.streamCiphers);

  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const key = await promised(legacy.importPrivateKey(privateKey.export({ type: 'pkcs8', format: 'der' })));
  const signature = await promised(key.sign('rsa-pkcs1-md5-sha1', utf8('text')));
  assert.equal(await promised(legacy.verify('rsa-pkcs1-md5-sha1', key.publicKey, utf8('text'), signature)), true);
  const ciphertext = await promised(legacy.rsaEncrypt(key.publicKey, utf8('text')));
  assert.ok(key.decryptRaw);
  const block = await promised(key.decryptRaw(ciphertext));
  assert.deepEqual(block.subarray(-5), concat(fromHex('00'), utf8('text')));

  const aead = legacy.aeads['aria-128-gcm'];
  assert.ok(aead);
  const aeadKey = aead.key(new Uint8Array(16));
  const sealed = await promised(aeadKey.seal(new Uint8Array(12), new Uint8Array(), utf8('text')));
  assert.deepEqual(await promised(aeadKey.open(new Uint8Array(12), new Uint8Array(), sealed)), utf8('text'));

  const exchange = legacy.finiteField(ffdhePrime(2048), Uint8Array.of(2));
  const ephemeral = await promised(exchange.generate());
  const { share, secret } = await promised(exchange.encapsulate(ephemeral.share));
  assert.deepEqual(await promised(ephemeral.agree(share)), secret);
  await assert.rejects(
    promised(ephemeral.agree(new Uint8Array(256))),
    (error) => error instanceof CryptoError && error.code === 'invalid_share',
  );
});

test('forcedAsync leaves out what a provider leaves out', async () => {
  const { legacy } = forcedAsync(createWebLegacyProvider(webProvider));
  assert.ok(legacy);
  assert.equal('rsaEncrypt' in legacy, false);
  assert.equal('finiteField' in legacy, false);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const key = await legacy.importPrivateKey(privateKey.export({ type: 'pkcs8', format: 'der' }));
  assert.equal('decryptRaw' in key, false);
});
