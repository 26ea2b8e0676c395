/**
 * Sequence numbers far out (RFC 9846 §5.3): nonces beyond 32 bits agree with OpenSSL's, and the end of the numbers is
 * the end of the connection.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { type CipherGCMTypes, createCipheriv, createDecipheriv } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Bytes, concat, toHex } from '@handfast/crypto';
import { TlsError } from '../src/index.ts';
import { lastSequence, RecordProtection, recordNonce } from '../src/record/protection13.ts';
import { cipherSuites, TLS_AES_128_GCM_SHA256, type Tls13CipherSuite } from '../src/registry.ts';
import { connected, providers, settled } from './support/pair.ts';

const openssl: Readonly<Record<string, string>> = {
  'aes-128-gcm': 'aes-128-gcm',
  'aes-256-gcm': 'aes-256-gcm',
  'chacha20-poly1305': 'chacha20-poly1305',
  'aes-128-ccm': 'aes-128-ccm',
  'aes-128-ccm-8': 'aes-128-ccm',
};

const iv: Bytes = Uint8Array.from({ length: 12 }, (_, i) => 0xf0 + i);
const keyOf = ({ keyLength }: Tls13CipherSuite): Bytes => Uint8Array.from({ length: keyLength }, (_, i) => i);
const inner: Bytes = Uint8Array.from({ length: 100 }, (_, i) => i + 1);

/** RFC 9846 §5.3 by whole numbers: the sequence number, padded to the IV's length, XOR the IV. */
function nonceOf(sequence: bigint): Buffer {
  const mask = (1n << 96n) - 1n;
  const made = (BigInt(`0x${toHex(iv)}`) ^ sequence) & mask;
  return Buffer.from(made.toString(16).padStart(24, '0'), 'hex');
}

/** OpenSSL's AEAD, by way of node:crypto, under that nonce. */
function openByOpenssl(suite: Tls13CipherSuite, record: Bytes, sequence: bigint): Buffer {
  const algorithm = openssl[suite.aead] as CipherGCMTypes;
  const options = { authTagLength: suite.tagLength };
  const decipher = createDecipheriv(algorithm, keyOf(suite), nonceOf(sequence), options);
  const sealed = record.subarray(5, -suite.tagLength);
  decipher.setAuthTag(record.subarray(-suite.tagLength));
  decipher.setAAD(record.subarray(0, 5), { plaintextLength: sealed.length });
  const opened = decipher.update(sealed);
  decipher.final();
  return opened;
}

function sealByOpenssl(suite: Tls13CipherSuite, sequence: bigint): Bytes {
  const length = inner.length + suite.tagLength;
  const header = Uint8Array.of(23, 3, 3, length >> 8, length & 0xff);
  const cipher = createCipheriv(openssl[suite.aead] as CipherGCMTypes, keyOf(suite), nonceOf(sequence), {
    authTagLength: suite.tagLength,
  });
  cipher.setAAD(header, { plaintextLength: inner.length });
  const sealed = cipher.update(inner);
  cipher.final();
  return concat(header, sealed, cipher.getAuthTag());
}

/** Starts, and two records on: the carries into the next byte and beyond 32 bits. */
const starts: readonly number[] = [
  0,
  255,
  2 ** 16 - 1,
  2 ** 31 - 1,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 40 - 1,
  2 ** 40,
  2 ** 48 - 1,
  lastSequence - 2,
];

describe('sequence numbers', () => {
  it('the nonce is the sequence number XOR the IV, at any number', () => {
    const nonce = new Uint8Array(12);
    for (const start of starts) {
      assert.equal(toHex(recordNonce(iv, start, nonce)), nonceOf(BigInt(start)).toString('hex'), `${start}`);
    }
    assert.equal(toHex(recordNonce(new Uint8Array(12), 2 ** 32 - 1, nonce)), '0000000000000000ffffffff');
    assert.equal(toHex(recordNonce(new Uint8Array(12), 2 ** 40, nonce)), '000000000000010000000000');
    assert.equal(toHex(recordNonce(new Uint8Array(12), lastSequence, nonce)), '00000000001fffffffffffff');
  });

  for (const provider of providers) {
    for (const suite of cipherSuites.filter(({ aead }) => provider.aeads[aead])) {
      it(`${suite.name} agrees with OpenSSL, provider ${provider.name}`, async () => {
        for (const start of starts) {
          const key = { key: keyOf(suite), iv };
          const writer = new RecordProtection(provider, suite, key, start);
          const reader = new RecordProtection(provider, suite, key, start);
          for (const sequence of [BigInt(start), BigInt(start) + 1n]) {
            const record = await writer.seal(inner);
            assert.deepEqual(openByOpenssl(suite, record, sequence), Buffer.from(inner), `${sequence}`);
            const theirs = sealByOpenssl(suite, sequence);
            assert.equal(toHex(theirs), toHex(record));
            // A record that does not authenticate leaves the number where it is.
            const spoilt = theirs.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
            assert.equal(await reader.open(spoilt.subarray(0, 5), spoilt.subarray(5)), undefined);
            assert.deepEqual(await reader.open(theirs.subarray(0, 5), theirs.subarray(5)), inner);
          }
          assert.equal(writer.records, start + 2);
          assert.equal(reader.records, start + 2);
        }
      });
    }

    const atItsEnd = () =>
      new RecordProtection(provider, TLS_AES_128_GCM_SHA256, { key: new Uint8Array(16), iv }, lastSequence);
    const isLimit = (error: unknown): boolean => error instanceof TlsError && error.code === 'record_limit';

    it(`the number 2^53 - 1 is not used, provider ${provider.name}`, () => {
      assert.equal(lastSequence, 2 ** 53 - 1);
      assert.throws(() => atItsEnd().seal(inner), isLimit);
      assert.throws(() => atItsEnd().open(new Uint8Array(5), new Uint8Array(20)), isLimit);
    });

    it(`a connection at 2^53 - 1 ends with record_limit, provider ${provider.name}`, async () => {
      const { protect, open } = RecordProtection.prototype;
      for (const way of ['out', 'in'] as const) {
        const both = await connected({ provider });
        both.server.connection.write(Buffer.from('x'));
        await settled(both.server);
        const [record] = both.server.outbox.splice(0);
        // Nobody comes here by counting: every key is at its end from now on.
        const far = atItsEnd();
        RecordProtection.prototype.protect = (...content) => protect.call(far, ...content);
        RecordProtection.prototype.open = (header, payload) => open.call(far, header, payload);
        try {
          if (way === 'out') both.client.connection.write(Buffer.from('x'));
          else both.client.connection.receive(record ?? assert.fail());
          await settled(both.client);
        } finally {
          Object.assign(RecordProtection.prototype, { protect, open });
        }
        assert.equal(both.client.error?.code, 'record_limit');
        assert.equal(both.client.connection.phase, 'closed');
        assert.deepEqual(both.client.outbox, []);
        assert.equal(both.client.text(), '');
      }
    });
  }
});
