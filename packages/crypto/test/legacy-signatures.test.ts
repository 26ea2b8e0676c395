/**
 * Signatures that are out of use are verified by the node provider, and made by nobody.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { CryptoError, type LegacySignatureAlgorithm, utf8 } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';

const message = utf8('signed long ago');
const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  dsa: generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }),
};

const cases: readonly (readonly [LegacySignatureAlgorithm, keyof typeof pairs, string])[] = [
  ['rsa-pkcs1-sha1', 'rsa', 'sha1'],
  ['ecdsa-sha1', 'ec', 'sha1'],
  ['dsa-sha1', 'dsa', 'sha1'],
  ['dsa-sha256', 'dsa', 'sha256'],
];

for (const [algorithm, type, hash] of cases) {
  test(`node: ${algorithm} is verified`, async () => {
    const verifier = nodeProvider.legacySignatures?.[algorithm];
    assert.ok(verifier);
    const { publicKey, privateKey } = pairs[type];
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const signature = sign(hash, message, privateKey);
    assert.equal(await verifier.verify(spki, message, signature), true);
    assert.equal(await verifier.verify(spki, utf8('something else'), signature), false);
    assert.equal(await verifier.verify(spki, message, signature.subarray(1)), false);
    assert.equal(await verifier.verify(spki, message, new Uint8Array(0)), false);
    const other = pairs[type === 'rsa' ? 'ec' : 'rsa'].publicKey.export({ type: 'spki', format: 'der' });
    assert.equal(await verifier.verify(other, message, signature), false);
    await assert.rejects(
      async () => verifier.verify(spki.subarray(1), message, signature),
      (error) => error instanceof CryptoError && error.code === 'invalid_key',
    );
  });
}
