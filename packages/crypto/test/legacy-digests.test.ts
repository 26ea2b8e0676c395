import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex, utf8 } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { webProvider } from '@handfast/crypto/web';

for (const provider of [nodeProvider, webProvider]) {
  test(`${provider.name}: SHA-1, for identifiers, is that of FIPS 180's example`, () => {
    const digest = provider.legacyDigests?.sha1?.(utf8('abc'));
    assert.ok(digest);
    assert.equal(toHex(digest), 'a9993e364706816aba3e25717850c26c9cd0d89d');
    assert.equal(digest.byteLength, digest.buffer.byteLength, 'in memory of its own');
    assert.equal(digest.constructor, Uint8Array);
  });
}
