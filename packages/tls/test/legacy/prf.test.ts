/**
 * What TLS 1.0 and 1.1 derive by MD5 and SHA-1 side by side, against OpenSSL's vectors and RFC 2246 §5 written a second
 * time; and what SSL 3.0 derives, against RFC 6101 §6 written a second time.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { type CryptoProvider, concat, utf8 } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import fc from 'fast-check';
import { prf10 } from '../../src/legacy/prf10.ts';
import { schedule30 } from '../../src/legacy/ssl30.ts';
import { scheduleOf } from '../../src/tls12/prf.ts';
import { Transcript12 } from '../../src/tls12/transcript.ts';
import { opensslPrf } from '../support/prf-vectors.ts';
import { bytesOf } from './reference.ts';

const providers: readonly CryptoProvider[] = [
  nodeLegacyProvider,
  forcedAsync(nodeLegacyProvider),
  createWebLegacyProvider(fullWebProvider),
];

const vectors = opensslPrf().filter(({ hash }) => hash === 'md5-sha1');

type Name = 'md5' | 'sha1';

/** P_hash (RFC 2246 §5), `length` bytes of it. */
function referencePHash(name: Name, secret: Uint8Array, seed: Uint8Array, length: number): Buffer {
  const hmac = (...parts: readonly Uint8Array[]): Buffer =>
    createHmac(name, secret).update(Buffer.concat(parts)).digest();
  const blocks: Buffer[] = [];
  for (let a = hmac(seed), have = 0; have < length; a = hmac(a)) {
    const block = hmac(a, seed);
    blocks.push(block);
    have += block.length;
  }
  return Buffer.concat(blocks).subarray(0, length);
}

/** PRF(secret, label, seed) = P_MD5(S1, label + seed) XOR P_SHA-1(S2, label + seed). */
function referencePrf(secret: Uint8Array, label: string, seed: Uint8Array, length: number): Uint8Array {
  const half = (secret.length + 1) >> 1;
  const labelled = Buffer.concat([Buffer.from(label), seed]);
  const md5 = referencePHash('md5', secret.subarray(0, half), labelled, length);
  const sha1 = referencePHash('sha1', secret.subarray(secret.length - half), labelled, length);
  return Uint8Array.from(md5, (byte, i) => byte ^ (sha1[i] as number));
}

const hash = (name: Name, ...parts: readonly Uint8Array[]): Buffer =>
  createHash(name).update(Buffer.concat(parts)).digest();

/** RFC 6101 §6.1 and §6.2.2: by 'A', 'BB', 'CCC' and so on. */
function referenceExpand(secret: Uint8Array, seed: Uint8Array, length: number): Uint8Array {
  const blocks = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
    .slice(0, Math.ceil(length / 16))
    .split('')
    .map((letter, i) => hash('md5', secret, hash('sha1', Buffer.from(letter.repeat(i + 1)), secret, seed)));
  return Uint8Array.from(Buffer.concat(blocks).subarray(0, length));
}

/** RFC 6101 §5.6.9. */
function referenceFinished30(master: Uint8Array, sender: 'CLNT' | 'SRVR', messages: Uint8Array): Uint8Array {
  const half = (name: Name, length: number): Buffer => {
    const inner = hash(name, messages, Buffer.from(sender), master, Buffer.alloc(length, 0x36));
    return hash(name, master, Buffer.alloc(length, 0x5c), inner);
  };
  return Uint8Array.from(Buffer.concat([half('md5', 48), half('sha1', 40)]));
}

/** A transcript that holds these messages, hashed as the old versions do. */
function transcriptOf({ legacy }: CryptoProvider, ...messages: readonly Uint8Array[]): Transcript12 {
  if (legacy === undefined) throw new TypeError('a legacy provider');
  const transcript = new Transcript12();
  for (const message of messages) transcript.add(message);
  transcript.hashBy([legacy.createHash('md5'), legacy.createHash('sha1')]);
  return transcript;
}

describe("OpenSSL's vectors", () => {
  it('are two of TLS 1.0 and 1.1', () => {
    assert.equal(vectors.length, 2);
  });
});

for (const provider of providers) {
  describe(`PRF of TLS 1.0 and 1.1, provider ${provider.name}`, () => {
    const prf = prf10(provider);

    for (const [index, { secret, seed, output }] of vectors.entries()) {
      it(`vector ${index + 1} of OpenSSL, ${secret.length} bytes of secret`, () => {
        assert.deepEqual(prf(secret, '', seed, output.length), output);
      });

      it(`vector ${index + 1}, with its label apart`, () => {
        const label =
          Buffer.from(seed)
            .toString('latin1')
            .match(/^[a-z ]+/)?.[0] ?? '';
        assert.deepEqual(prf(secret, label, seed.subarray(label.length), output.length), output);
      });
    }

    it('is the two functions XORed, each over its half of a secret of any length', () => {
      for (let length = 1; length <= 67; length++) {
        const secret = bytesOf(length);
        assert.deepEqual(prf(secret, 'a label', bytesOf(64), 48), referencePrf(secret, 'a label', bytesOf(64), 48));
      }
    });

    it('gives as many bytes as are asked for, each length a beginning of the next', () => {
      const whole = referencePrf(bytesOf(48), 'key expansion', bytesOf(64), 200);
      for (const length of [0, 1, 12, 15, 16, 17, 19, 20, 21, 48, 80, 136, 200]) {
        assert.deepEqual(prf(bytesOf(48), 'key expansion', bytesOf(64), length), whole.slice(0, length));
      }
    });

    it('agrees with the reference about anything', () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: 1, maxLength: 130 }),
          fc.constantFrom('', 'master secret', 'server finished'),
          fc.uint8Array({ maxLength: 80 }),
          fc.integer({ min: 0, max: 150 }),
          (secret, label, seed, length) => {
            assert.deepEqual(prf(secret, label, seed, length), referencePrf(secret, label, seed, length));
          },
        ),
        { numRuns: 60 },
      );
    });

    it('leaves its secret and seed as they were', () => {
      const [secret, seed] = [bytesOf(48), bytesOf(64)];
      prf(secret, 'master secret', seed, 48);
      assert.deepEqual([secret, seed], [bytesOf(48), bytesOf(64)]);
    });

    it('makes master secret, key block and Finished as RFC 2246 §8.1, §6.3 and §7.4.9 say', () => {
      const schedule = scheduleOf(prf);
      const [premaster, client, server] = [bytesOf(48), bytesOf(32, 1), bytesOf(32, 2)];
      const master = schedule.masterSecret(premaster, client, server);
      assert.deepEqual(master, referencePrf(premaster, 'master secret', concat(client, server), 48));
      assert.deepEqual(
        schedule.keyBlock(master, client, server, 104),
        referencePrf(master, 'key expansion', concat(server, client), 104),
      );
      const messages = [bytesOf(100), bytesOf(200)];
      const digests = concat(hash('md5', ...messages), hash('sha1', ...messages));
      for (const side of ['client', 'server'] as const) {
        assert.deepEqual(
          schedule.finished(master, side, transcriptOf(provider, ...messages)),
          referencePrf(master, `${side} finished`, digests, 12),
        );
      }
      assert.deepEqual(
        schedule.extendedMasterSecret(premaster, digests),
        referencePrf(premaster, 'extended master secret', digests, 48),
      );
    });
  });

  describe(`SSL 3.0's secrets, provider ${provider.name}`, () => {
    const schedule = schedule30(provider);
    const [premaster, client, server] = [bytesOf(48), bytesOf(32, 1), bytesOf(32, 2)];
    const master = bytesOf(48, 3);

    it('the master secret is three hashes of the premaster secret, however long that is', () => {
      for (const length of [1, 48, 255, 256]) {
        const secret = bytesOf(length);
        const expected = referenceExpand(secret, concat(client, server), 48);
        assert.deepEqual(schedule.masterSecret(secret, client, server), expected);
      }
    });

    it('the key block is as many hashes of the master secret as are needed, the randoms the other way round', () => {
      for (const length of [0, 1, 16, 32, 40, 72, 104, 136]) {
        assert.deepEqual(
          schedule.keyBlock(master, client, server, length),
          referenceExpand(master, concat(server, client), length),
        );
      }
    });

    it('Finished is 36 bytes, says who sends it, and is of every message so far', () => {
      const transcript = transcriptOf(provider, bytesOf(100), bytesOf(200));
      const messages = concat(bytesOf(100), bytesOf(200));
      const fromClient = schedule.finished(master, 'client', transcript);
      assert.equal(fromClient.length, 36);
      assert.deepEqual(fromClient, referenceFinished30(master, 'CLNT', messages));
      // The transcript goes on from where it was.
      transcript.add(fromClient);
      const expected = referenceFinished30(master, 'SRVR', concat(messages, fromClient));
      assert.deepEqual(schedule.finished(master, 'server', transcript), expected);
    });

    it('nothing is written over, and the secrets stay', () => {
      schedule.masterSecret(premaster, client, server);
      schedule.keyBlock(master, client, server, 104);
      schedule.finished(master, 'client', transcriptOf(provider, bytesOf(9)));
      assert.deepEqual([premaster, client, server], [bytesOf(48), bytesOf(32, 1), bytesOf(32, 2)]);
      assert.deepEqual(master, bytesOf(48, 3));
    });

    it('there is no extended master secret, and nothing is exported', () => {
      assert.throws(() => schedule.extendedMasterSecret(premaster, bytesOf(36)), {
        name: 'TlsError',
        code: 'internal',
        message: 'SSL 3.0 has no extended master secret',
      });
      assert.throws(() => schedule.exporter(master, 'a label', concat(client, server), 16), {
        name: 'TlsError',
        code: 'not_supported',
        message: 'SSL 3.0 exports no keying material',
      });
    });

    it('a transcript by another hash is a mistake of the program', () => {
      const transcript = new Transcript12().add(utf8('hello'));
      transcript.hashBy([provider.createHash('sha256')]);
      assert.throws(() => schedule.finished(master, 'client', transcript), TypeError);
    });
  });
}

describe('a provider without what is out of use', () => {
  it('is told so when the functions are made', () => {
    const refusal = { name: 'TlsError', code: 'internal', message: /^the node provider has nothing/ };
    assert.throws(() => prf10(nodeProvider), refusal);
    assert.throws(() => schedule30(nodeProvider), refusal);
  });
});
