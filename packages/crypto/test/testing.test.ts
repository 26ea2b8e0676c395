import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CryptoError, isThenable, utf8 } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';

const provider = forcedAsync(nodeProvider);

async function microtasksUntilSettled(promise: Promise<unknown>): Promise<number> {
  let settled = false;
  const done = () => {
    settled = true;
  };
  promise.then(done, done);
  for (let count = 0; ; count++) {
    if (settled) return count;
    await undefined;
  }
}

function promised<T>(value: T | Promise<T>): Promise<T> {
  assert.ok(isThenable(value), 'the answer is a promise');
  return Promise.resolve(value);
}

test('every operation that may be asynchronous is, and settles some microtasks later', async () => {
  const aead = provider.aeads['aes-128-gcm'];
  const group = provider.groups.x25519;
  const verifier = provider.signatures.ed25519;
  assert.ok(aead && group && verifier);
  const key = aead.key(new Uint8Array(16));
  const sealing = promised(key.seal(new Uint8Array(12), new Uint8Array(), utf8('text')));
  assert.ok((await microtasksUntilSettled(sealing)) >= 3);
  const opening = promised(key.open(new Uint8Array(12), new Uint8Array(), await sealing));
  assert.ok((await microtasksUntilSettled(opening)) >= 3);

  const ephemeral = await promised(group.generate());
  const { share } = await promised(group.encapsulate(ephemeral.share));
  await promised(ephemeral.agree(share));

  const { pkcs8, signer } = await promised(provider.generateKeyPair('ed25519'));
  const signature = await promised(signer.sign('ed25519', utf8('text')));
  assert.equal(await promised(verifier.verify(signer.publicKey, utf8('text'), signature)), true);
  await promised((await promised(provider.importPrivateKey(pkcs8))).sign('ed25519', utf8('text')));
});

test('what throws becomes a rejection, some microtasks later', async () => {
  const group = provider.groups.secp256r1;
  assert.ok(group);
  const refused = promised(group.encapsulate(new Uint8Array(65)));
  assert.ok((await microtasksUntilSettled(refused)) >= 3);
  await assert.rejects(refused, (error) => error instanceof CryptoError && error.code === 'invalid_share');
});

test('randomness, hashes and HMAC stay synchronous', () => {
  assert.ok(!isThenable(provider.random(1)));
  assert.ok(!isThenable(provider.digest('sha256', utf8(''))));
  assert.ok(!isThenable(provider.hmac('sha256', utf8(''))(utf8(''))));
});
