/**
 * The web provider where the web platform is not what it should be.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CryptoError, isThenable } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { createWebProvider, webProvider } from '@handfast/crypto/web';
import { x448 } from '@handfast/crypto/web/full';

async function withCrypto<T>(value: object, work: () => T | Promise<T>): Promise<T> {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  assert.ok(own);
  Object.defineProperty(globalThis, 'crypto', { value, configurable: true });
  try {
    return await work();
  } finally {
    Object.defineProperty(globalThis, 'crypto', own);
  }
}

const needsSecureContext = (error: unknown) =>
  error instanceof CryptoError && error.code === 'unsupported' && /secure context/.test(error.message);

test('without crypto.subtle, every operation that needs it says that a secure context is needed', async () => {
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
  const signature = await signer.sign('ecdsa-sha256', new Uint8Array());
  const insecure = { getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto) };
  await withCrypto(insecure, async () => {
    const { aeads, groups, signatures } = webProvider;
    await assert.rejects(async () => groups.x25519?.generate(), needsSecureContext);
    await assert.rejects(async () => groups.secp256r1?.encapsulate(signer.publicKey.raw), needsSecureContext);
    await assert.rejects(async () => webProvider.importPrivateKey(pkcs8), needsSecureContext);
    await assert.rejects(async () => webProvider.generateKeyPair('rsa'), needsSecureContext);
    const verifier = signatures['ecdsa-sha256'];
    await assert.rejects(
      async () => verifier?.verify(signer.publicKey, new Uint8Array(), signature),
      needsSecureContext,
    );
    const key = aeads['aes-128-gcm']?.key(new Uint8Array(16));
    assert.ok(key);
    await assert.rejects(
      async () => key.seal(new Uint8Array(12), new Uint8Array(), new Uint8Array()),
      needsSecureContext,
    );
    await assert.rejects(
      async () => key.open(new Uint8Array(12), new Uint8Array(), new Uint8Array(16)),
      needsSecureContext,
    );
    // noble's part works on.
    assert.equal((await groups.mlkem768?.generate())?.share.length, 1184);
    assert.equal(webProvider.random(8).length, 8);
  });
});

test('an algorithm that the runtime lacks is unsupported', async () => {
  const notSupported = async () => {
    throw new DOMException('Unrecognized name.', 'NotSupportedError');
  };
  await withCrypto({ subtle: { generateKey: notSupported, importKey: notSupported } }, async () => {
    await assert.rejects(
      async () => webProvider.groups.x25519?.generate(),
      (error) => error instanceof CryptoError && error.code === 'unsupported',
    );
  });
});

test('rows are added to the default ones', () => {
  const provider = createWebProvider({ groups: { x448 } });
  assert.equal(provider.groups.x448, x448);
  assert.equal(provider.groups.x25519, webProvider.groups.x25519);
});

test('AES-GCM is asynchronous on the web, ChaCha20-Poly1305 is not', async () => {
  const parts = [new Uint8Array(12), new Uint8Array(), new Uint8Array()] as const;
  const gcm = webProvider.aeads['aes-256-gcm']?.key(new Uint8Array(32)).seal(...parts);
  assert.ok(isThenable(gcm));
  await gcm;
  assert.ok(!isThenable(webProvider.aeads['chacha20-poly1305']?.key(new Uint8Array(32)).seal(...parts)));
});

test('nothing of the web provider names node:', () => {
  const folder = new URL('../src/web/', import.meta.url);
  const files = readdirSync(folder);
  assert.ok(files.length > 5);
  for (const file of files) assert.doesNotMatch(readFileSync(new URL(file, folder), 'utf8'), /['"]node:|\bBuffer\b/);
});
