/**
 * TLS 1.2's PRF and what is derived by it (RFC 5246 §5, §6.3, §7.4.9, §8.1, RFC 7627 §4), against published vectors.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Bytes, concat, type HashName, toHex, utf8 } from '@handfast/crypto';
import { prf12, scheduleOf } from '../../src/tls12/prf.ts';
import { Transcript12 } from '../../src/tls12/transcript.ts';
import { providers } from '../support/pair.ts';
import { acvpTls12, opensslPrf, type PrfVector } from '../support/prf-vectors.ts';

interface Vector12 extends PrfVector {
  readonly hash: Exclude<PrfVector['hash'], 'md5-sha1'>;
}

const vectors = opensslPrf().filter((vector): vector is Vector12 => vector.hash !== 'md5-sha1');
const randomLength = 32;

/** What follows the label in a vector's seed; undefined where it has another. */
function afterLabel({ seed }: PrfVector, label: string): Bytes | undefined {
  const length = label.length;
  return toHex(seed.subarray(0, length)) === toHex(utf8(label)) ? seed.slice(length) : undefined;
}

/** Those vectors that have this label, with their two randoms in order. */
function withRandoms(label: string): readonly (Vector12 & { readonly first: Bytes; readonly second: Bytes })[] {
  return vectors.flatMap((vector) => {
    const randoms = afterLabel(vector, label);
    if (randoms === undefined) return [];
    assert.equal(randoms.length, 2 * randomLength);
    return { ...vector, first: randoms.slice(0, randomLength), second: randoms.slice(randomLength) };
  });
}

/** RFC 5246 §5, spelled out for an output no longer than the hash's. */
function oneBlock(hash: HashName, secret: Uint8Array, seed: Uint8Array, length: number): string {
  const hmac = (data: Uint8Array): Buffer => createHmac(hash, secret).update(data).digest();
  return hmac(concat(hmac(seed), seed))
    .subarray(0, length)
    .toString('hex');
}

for (const provider of providers) {
  describe(`the PRF of TLS 1.2, provider ${provider.name}`, () => {
    it('answers what OpenSSL’s vectors say', () => {
      assert.equal(vectors.length, 5);
      for (const { hash, secret, seed, output } of vectors) {
        assert.equal(toHex(prf12(provider, hash)(secret, '', seed, output.length)), toHex(output));
      }
    });

    it('takes a label and a seed as one', () => {
      for (const { hash, secret, seed, output } of vectors) {
        const label = String.fromCharCode(...seed.subarray(0, 6));
        assert.equal(toHex(prf12(provider, hash)(secret, label, seed.subarray(6), output.length)), toHex(output));
      }
    });

    it('answers the beginning of the same stream, whatever the length', () => {
      for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
        const prf = prf12(provider, hash);
        const whole = toHex(prf(Uint8Array.of(1), 'label', Uint8Array.of(2), 200));
        for (const length of [0, 1, 31, 32, 33, 48, 63, 64, 65, 128]) {
          assert.equal(toHex(prf(Uint8Array.of(1), 'label', Uint8Array.of(2), length)), whole.slice(0, 2 * length));
        }
      }
    });

    it('derives the master secret: the client’s random first', () => {
      const masters = withRandoms('master secret');
      assert.equal(masters.length, 2);
      for (const { hash, secret, first, second, output } of masters) {
        const { masterSecret } = scheduleOf(prf12(provider, hash));
        assert.equal(toHex(masterSecret(secret, first, second)), toHex(output));
      }
    });

    it('derives the key block: the server’s random first', () => {
      const blocks = withRandoms('key expansion');
      assert.equal(blocks.length, 2);
      for (const { hash, secret, first, second, output } of blocks) {
        const { keyBlock } = scheduleOf(prf12(provider, hash));
        assert.equal(toHex(keyBlock(secret, second, first, output.length)), toHex(output));
      }
    });

    it('derives the extended master secret (RFC 7627 §4) as OpenSSL’s vector says', () => {
      const label = 'extended master secret';
      const extended = vectors.flatMap((vector) => {
        const sessionHash = afterLabel(vector, label);
        return sessionHash === undefined ? [] : { ...vector, sessionHash };
      });
      assert.equal(extended.length, 1);
      for (const { hash, secret, sessionHash, output } of extended) {
        const { extendedMasterSecret } = scheduleOf(prf12(provider, hash));
        assert.equal(toHex(extendedMasterSecret(secret, sessionHash)), toHex(output));
      }
    });

    it('derives the extended master secret and its key block as ACVP’s vectors say', () => {
      const tests = acvpTls12();
      assert.equal(tests.length, 14);
      assert.deepEqual([...new Set(tests.map(({ hash }) => hash))], ['sha256', 'sha384', 'sha512']);
      for (const { hash, premaster, sessionHash, clientRandom, serverRandom, masterSecret, keyBlock } of tests) {
        const schedule = scheduleOf(prf12(provider, hash));
        const master = schedule.extendedMasterSecret(premaster, sessionHash);
        assert.equal(toHex(master), toHex(masterSecret));
        const block = schedule.keyBlock(master, clientRandom, serverRandom, keyBlock.length);
        assert.equal(toHex(block), toHex(keyBlock));
      }
    });

    it('derives twelve bytes of verify_data for each side, over the transcript so far', () => {
      for (const hash of ['sha256', 'sha384'] as const) {
        const schedule = scheduleOf(prf12(provider, hash));
        const master = new Uint8Array(48).fill(5);
        const transcript = new Transcript12().add(utf8('one'));
        transcript.hashBy([provider.createHash(hash)]);
        transcript.add(utf8('two'));
        const digest = provider.digest(hash, utf8('onetwo'));
        for (const side of ['client', 'server'] as const) {
          const expected = oneBlock(hash, master, concat(utf8(`${side} finished`), digest), 12);
          assert.equal(toHex(schedule.finished(master, side, transcript)), expected);
          // What is added later is in the next one.
          assert.equal(toHex(schedule.finished(master, side, transcript)), expected);
        }
      }
    });

    it('derives exports by label and seed (RFC 5705 §4)', () => {
      const schedule = scheduleOf(prf12(provider, 'sha256'));
      const master = new Uint8Array(48).fill(6);
      const seed = new Uint8Array(64).fill(7);
      const expected = oneBlock('sha256', master, concat(utf8('EXPORTER-x'), seed), 20);
      assert.equal(toHex(schedule.exporter(master, 'EXPORTER-x', seed, 20)), expected);
    });
  });
}
