/**
 * Certificates that are parsed once: the same bytes give the same object, other bytes never do, and memory is bounded.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, copyBytes } from '@handfast/crypto';
import { type Certificate, CertificateError, trustStore } from '@handfast/x509';
import { CertificateCache, certificateCacheOf } from '../src/certificate-cache.ts';
import { makeCredential, pki } from './support/identities.ts';

async function leaf(names?: readonly string[]): Promise<Bytes> {
  const { chain } = await makeCredential(names === undefined ? {} : { names });
  return (chain[0] as Certificate).raw;
}

const der = await leaf();

describe('a cache of certificates', () => {
  it('gives the same object for the same bytes', () => {
    const cache = new CertificateCache();
    const first = cache.parse(copyBytes(der));
    assert.deepEqual(first.raw, der);
    assert.equal(cache.parse(copyBytes(der)), first);
  });

  it('never takes one for another that ends alike', () => {
    const cache = new CertificateCache();
    const first = cache.parse(der);
    const other = copyBytes(der);
    // In the serial number, which stands some fifteen bytes in.
    other[20] = (other[20] ?? 0) ^ 1;
    const second = cache.parse(other);
    assert.notEqual(second, first);
    assert.notEqual(second.serialNumberHex, first.serialNumberHex);
    assert.deepEqual(cache.parse(der).raw, der);
  });

  it('refuses what does not parse, every time', () => {
    const cache = new CertificateCache();
    const cut = copyBytes(der.subarray(0, -1));
    for (let time = 0; time < 2; time++) {
      assert.throws(
        () => cache.parse(cut),
        (error) => error instanceof CertificateError && error.code === 'malformed',
      );
    }
  });

  it('forgets the one that was used longest ago', async () => {
    const cache = new CertificateCache();
    const all = await Promise.all(Array.from({ length: 65 }, () => leaf()));
    const [first, second] = all.map((raw) => cache.parse(raw));
    // 65 are one too many: the first is gone, and coming back it takes the second's place.
    assert.notEqual(cache.parse(all[0] as Bytes), first);
    assert.notEqual(cache.parse(all[1] as Bytes), second);
  });

  it('holds no more than 256 KiB', async () => {
    const cache = new CertificateCache();
    const names = Array.from({ length: 4_000 }, (_, index) => `host-${index}.a-rather-long-name.example`);
    const large = await Promise.all([0, 1].map(() => leaf(names)));
    assert.ok(large.every(({ length }) => length > 128 * 1024));
    const [first] = large.map((raw) => cache.parse(raw));
    assert.notEqual(cache.parse(large[0] as Bytes), first);
  });

  it('belongs to a trust store', () => {
    const one = trustStore([pki.root]);
    assert.equal(certificateCacheOf(one), certificateCacheOf(one));
    assert.notEqual(certificateCacheOf(trustStore([pki.root])), certificateCacheOf(one));
  });
});
