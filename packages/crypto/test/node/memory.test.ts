/**
 * What the node provider hands out: plain byte strings in memory of their own, never Buffers or parts of Node's pool.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GroupName, utf8 } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { plain, releaseMemory } from '../../src/node/own-memory.ts';

function assertOwn(bytes: Uint8Array | undefined, what: string): void {
  assert.ok(bytes, what);
  assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype, `${what} is no Buffer`);
  assert.ok(bytes.buffer instanceof ArrayBuffer, `${what} is not shared`);
  assert.equal(bytes.buffer.byteLength, bytes.length, `${what} has memory of its own`);
}

test('hashes, MACs and records', async () => {
  assertOwn(nodeProvider.digest('sha256', utf8('a')), 'digest');
  assertOwn(nodeProvider.createHash('sha384').update(utf8('a')).digest(), 'incremental digest');
  assertOwn(nodeProvider.hmac('sha256', utf8('key'))(utf8('a')), 'hmac');
  assertOwn(nodeProvider.hmac('sha256', new Uint8Array(100))(utf8('a')), 'hmac of a long key');
  for (const aead of Object.values(nodeProvider.aeads)) {
    const key = aead.key(new Uint8Array(aead.keyLength));
    for (const length of [0, 10, 16384]) {
      const sealed = await key.seal(new Uint8Array(12), new Uint8Array(5), new Uint8Array(length), 5);
      assertOwn(sealed, `${aead.name} sealed`);
      assertOwn(await key.open(new Uint8Array(12), new Uint8Array(5), sealed.subarray(5)), `${aead.name} opened`);
    }
  }
});

test('shares, secrets, signatures and keys', async () => {
  const names: readonly GroupName[] = ['x25519', 'secp256r1', 'ffdhe2048', 'mlkem768', 'x25519mlkem768'];
  for (const name of names) {
    const group = nodeProvider.groups[name];
    assert.ok(group);
    const key = await group.generate();
    const { share, secret } = await group.encapsulate(key.share);
    assertOwn(key.share, `${name} share`);
    assertOwn(share, `${name} answer`);
    assertOwn(secret, `${name} secret`);
    assertOwn(await key.agree(share), `${name} agreed`);
  }
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
  assertOwn(pkcs8, 'PKCS#8');
  assertOwn(signer.publicKey.spki, 'SubjectPublicKeyInfo');
  assertOwn(signer.publicKey.raw, 'raw key');
  assertOwn(await signer.sign('ecdsa-sha256', utf8('a')), 'signature');
});

test('a Buffer that shares its memory is copied, and wiped', () => {
  const shared = Buffer.alloc(64, 7).subarray(3, 5);
  const bytes = plain(shared);
  assertOwn(bytes, 'copy');
  assert.deepEqual(bytes, Uint8Array.of(7, 7));
  assert.deepEqual([...shared], [0, 0]);
});

test("memory that is large and nobody else's goes back at once", () => {
  const large = new Uint8Array(4096);
  releaseMemory(large);
  assert.equal(large.buffer.detached, true);
  const small = new Uint8Array(4095);
  const part = new Uint8Array(new ArrayBuffer(8192), 0, 4096);
  const shared = new Uint8Array(new SharedArrayBuffer(4096));
  for (const kept of [small, part, shared]) {
    const { length } = kept;
    releaseMemory(kept);
    assert.equal(kept.length, length);
  }
});
