/**
 * CBC with a MAC, record by record: against the specifications written a second time (`reference.ts`), and with every
 * fault that somebody in between can make. Whichever it is, the answer is the same.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CbcName, CryptoProvider } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { TlsError, tls12, type Version } from '../../src/index.ts';
import { cbcWithHmac } from '../../src/legacy/cbc.ts';
import { rsaCipherSuites, ssl30, tls10, tls11 } from '../../src/legacy/index.ts';
import type { MacName } from '../../src/legacy/mac.ts';
import type { RawRecord } from '../../src/record/deframer.ts';
import type { Plaintext, Protection } from '../../src/record/protection.ts';
import { connected, exchange, give } from '../support/pair.ts';
import { recordsIn } from '../support/wire.ts';
import { oldCredential } from './identities.ts';
import {
  bytesOf,
  type CbcOptions,
  cbcRows,
  macLengths,
  paddingOf,
  referenceInner,
  referenceMac,
  referenceOpen,
  referencePayload,
  ssl30Id,
  tls10Id,
  tls11Id,
  tls12Id,
} from './reference.ts';

const providers: readonly CryptoProvider[] = [
  nodeLegacyProvider,
  forcedAsync(nodeLegacyProvider),
  createWebLegacyProvider(fullWebProvider),
];

const ciphers = Object.keys(cbcRows) as readonly CbcName[];
const macs: readonly MacName[] = ['md5', 'sha1', 'sha256', 'sha384'];
const versions = [ssl30Id, tls10Id, tls11Id, tls12Id];
const sizes = [0, 1, 15, 16, 17, 255, 16_384];
const data = 23;

const credential = await oldCredential('rsa');

interface Choice {
  readonly cipher?: CbcName;
  readonly mac?: MacName;
  readonly version?: number;
  readonly encryptThenMac?: boolean;
}

/** Keys for a choice, always the same. */
function optionsOf({ cipher = 'aes-128-cbc', mac = 'sha1', version = tls12Id, encryptThenMac = false }: Choice = {}) {
  const { keyLength, blockLength } = cbcRows[cipher];
  return {
    ...{ cipher, mac, version, encryptThenMac },
    key: bytesOf(keyLength),
    macKey: bytesOf(macLengths[mac], 500),
    iv: bytesOf(blockLength, 900),
  } satisfies CbcOptions;
}

function protectionOf(options: CbcOptions, provider: CryptoProvider = nodeLegacyProvider): Protection {
  const { cipher, mac, key, macKey, iv, version, encryptThenMac } = options;
  const { keyLength, blockLength } = cbcRows[cipher];
  return cbcWithHmac(cipher, keyLength, blockLength, mac).protection(
    provider,
    { key, macKey, iv },
    { version, encryptThenMac },
  );
}

/** Every choice that is legal: SSL 3.0 has neither MACs by SHA-2 nor encrypt_then_mac. */
function* choices(): Generator<Required<Choice>> {
  for (const version of versions) {
    for (const cipher of ciphers) {
      for (const mac of macs) {
        for (const encryptThenMac of [false, true]) {
          if (version === ssl30Id && (encryptThenMac || mac === 'sha256' || mac === 'sha384')) continue;
          yield { cipher, mac, version, encryptThenMac };
        }
      }
    }
  }
}

function named({ cipher, mac, version, encryptThenMac }: Required<Choice>): string {
  return `0x0${version.toString(16)} ${cipher} ${mac}${encryptThenMac ? ', encrypt_then_mac' : ''}`;
}

/** A record as the deframer cuts it. */
function raw(record: Uint8Array): RawRecord {
  return { type: record[0] as number, header: record.subarray(0, 5), payload: record.subarray(5) };
}

function recordOf({ version }: CbcOptions, payload: Uint8Array, type = data): RawRecord {
  return { type, header: Uint8Array.of(type, 3, version & 0xff, payload.length >> 8, payload.length & 0xff), payload };
}

function now<T>(value: T | Promise<T>): T {
  if (value instanceof Promise) throw new TypeError('CBC is synchronous');
  return value;
}

function seal(protection: Protection, content: Uint8Array, type = data): Uint8Array<ArrayBuffer> {
  return now(protection.protect(type, content, 0)) as Uint8Array<ArrayBuffer>;
}

function open(protection: Protection, record: RawRecord): Plaintext | undefined {
  return now(protection.unprotect(record));
}

/** What a fresh reader answers to one payload, its first. */
function opened(options: CbcOptions, payload: Uint8Array, provider?: CryptoProvider): Plaintext | undefined {
  return open(protectionOf(options, provider), recordOf(options, payload));
}

/** A payload that is made by the reference, as the first under its keys. */
function forged(options: CbcOptions, inner: Uint8Array): Uint8Array {
  const iv = options.version >= tls11Id ? bytesOf(options.iv.length, 1234) : options.iv;
  return referencePayload(options, 0, data, inner, iv);
}

describe('CBC: what is written', () => {
  it('opens again, in every cipher, MAC and version, at every size', () => {
    for (const choice of choices()) {
      const options = optionsOf(choice);
      const [writer, reader] = [protectionOf(options), protectionOf(options)];
      for (const size of sizes) {
        const content = bytesOf(size);
        const record = seal(writer, content);
        assert.deepEqual(open(reader, raw(record)), { type: data, bytes: content, limitedLength: size }, named(choice));
      }
      assert.deepEqual([writer.records, reader.records], [sizes.length, sizes.length]);
    }
  });

  for (const provider of providers.slice(1)) {
    it(`opens with node's provider, and node's with ${provider.name}'s`, () => {
      for (const choice of choices()) {
        const { blockCiphers } = provider.legacy ?? assert.fail('a legacy provider');
        if (blockCiphers[choice.cipher] === undefined) continue;
        const options = optionsOf(choice);
        for (const [from, to] of [
          [provider, nodeLegacyProvider],
          [nodeLegacyProvider, provider],
        ] as const) {
          const [writer, reader] = [protectionOf(options, from), protectionOf(options, to)];
          for (const size of [0, 17, 255]) {
            const plaintext = open(reader, raw(seal(writer, bytesOf(size))));
            assert.deepEqual(plaintext?.bytes, bytesOf(size), named(choice));
          }
        }
      }
    });
  }

  it('is what the specification says, byte for byte, under the IV that was used', () => {
    for (const choice of choices()) {
      const options = optionsOf(choice);
      const writer = protectionOf(options);
      const { blockLength } = cbcRows[options.cipher];
      let chain: Uint8Array = options.iv;
      for (const [sequence, size] of [0, 1, 16, 300].entries()) {
        const type = sequence === 0 ? 22 : data;
        const record = seal(writer, bytesOf(size), type);
        const payload = record.subarray(5);
        const header = [type, 3, options.version & 0xff, payload.length >> 8, payload.length & 0xff];
        assert.deepEqual([...record.subarray(0, 5)], header, named(choice));
        const iv = options.version >= tls11Id ? payload.slice(0, blockLength) : chain;
        const inner = referenceInner(options, sequence, type, bytesOf(size));
        const expected = referencePayload(options, sequence, type, inner, iv);
        assert.deepEqual(payload, Uint8Array.from(expected), named(choice));
        // The MAC that comes last is no part of the chain (RFC 7366 §3).
        const end = payload.length - (options.encryptThenMac ? macLengths[options.mac] : 0);
        chain = payload.slice(end - blockLength, end);
      }
    }
  });

  it('has the shortest padding that fills the last block, and a whole block of it where nothing is missing', () => {
    // 12 bytes and SHA-1's 20 are two blocks.
    for (const [size, count] of [
      [11, 0],
      [12, 15],
      [13, 14],
    ] as const) {
      const options = optionsOf();
      const inner = referenceOpen(options, seal(protectionOf(options), bytesOf(size)).subarray(5), options.iv);
      assert.deepEqual(inner.subarray(size + 20), paddingOf(size + 20, 16));
      assert.equal(inner.at(-1), count);
    }
  });
});

describe('CBC: initialization vectors', () => {
  it('are chained in SSL 3.0 and TLS 1.0: the first of the key block, then the last block of the record before', () => {
    for (const version of [ssl30Id, tls10Id]) {
      const options = optionsOf({ version });
      const writer = protectionOf(options);
      const [first, second] = [seal(writer, bytesOf(40)), seal(writer, bytesOf(40))];
      assert.equal(first.length, 5 + 64, 'no IV stands in the record');
      const contentOf = (record: Uint8Array, iv: Uint8Array): Uint8Array =>
        Uint8Array.from(referenceOpen(options, record.subarray(5), iv).subarray(0, 40));
      assert.deepEqual(contentOf(first, options.iv), bytesOf(40));
      assert.deepEqual(contentOf(second, first.subarray(-16)), bytesOf(40));
    }
  });

  it('stand in each record from TLS 1.1 on, are random, and owe nothing to the key block', () => {
    for (const version of [tls11Id, tls12Id]) {
      for (const encryptThenMac of [false, true]) {
        const options = optionsOf({ version, encryptThenMac });
        const seen = new Set<string>([Buffer.from(options.iv).toString('hex')]);
        const [writer, reader] = [protectionOf(options), protectionOf({ ...options, iv: bytesOf(16, 7) })];
        for (let i = 0; i < 32; i++) {
          const record = seal(writer, bytesOf(40));
          seen.add(Buffer.from(record.subarray(5, 21)).toString('hex'));
          assert.deepEqual(open(reader, raw(record))?.bytes, bytesOf(40));
        }
        assert.equal(seen.size, 33);
      }
    }
  });

  it('come from the provider, a block each', () => {
    for (const cipher of ['aes-256-cbc', '3des-ede-cbc'] as const) {
      const { blockLength } = cbcRows[cipher];
      const asked: number[] = [];
      const provider: CryptoProvider = {
        ...nodeLegacyProvider,
        legacy: nodeLegacyProvider.legacy ?? assert.fail(),
        random(length) {
          asked.push(length);
          return bytesOf(length, 42);
        },
      };
      const record = seal(protectionOf(optionsOf({ cipher }), provider), bytesOf(3));
      assert.deepEqual(asked, [blockLength]);
      assert.deepEqual(record.slice(5, 5 + blockLength), bytesOf(blockLength, 42));
    }
  });

  it('a first byte is to be split off where they are chained, and nowhere else', () => {
    const firstFragments = versions.map((version) => protectionOf(optionsOf({ version })).firstFragment);
    assert.deepEqual(firstFragments, [1, 1, undefined, undefined]);
  });
});

describe('CBC: padding of a peer', () => {
  it('may be up to 255 bytes long from TLS 1.0 on', () => {
    for (const version of [tls10Id, tls11Id, tls12Id]) {
      for (const encryptThenMac of [false, true]) {
        const options = optionsOf({ version, encryptThenMac });
        const content = bytesOf(encryptThenMac ? 32 : 12);
        for (let count = 15; count <= 255; count += 16) {
          const payload = forged(options, referenceInner(options, 0, data, content, count));
          assert.deepEqual(opened(options, payload)?.bytes, content, `${count} bytes`);
        }
      }
    }
  });

  it('may fill a record to its end behind an empty content', () => {
    for (const version of [tls10Id, tls11Id, tls12Id]) {
      const options = optionsOf({ version });
      for (const count of [11, 27, 251]) {
        const payload = forged(options, referenceInner(options, 0, data, new Uint8Array(0), count));
        assert.deepEqual(opened(options, payload)?.bytes, new Uint8Array(0));
      }
    }
  });

  it('is refused with any of its bytes wrong', () => {
    for (const version of [tls10Id, tls11Id, tls12Id]) {
      for (const encryptThenMac of [false, true]) {
        const options = optionsOf({ version, encryptThenMac });
        const content = bytesOf(encryptThenMac ? 32 : 12);
        for (const count of [15, 127, 255]) {
          const inner = referenceInner(options, 0, data, content, count);
          for (let back = 2; back <= count + 1; back += 1 + (back >> 4)) {
            const bad = Uint8Array.from(inner);
            bad[bad.length - back] = count ^ (1 << (back % 8));
            assert.equal(opened(options, forged(options, bad)), undefined, `${count}, ${back} from the end`);
          }
        }
      }
    }
  });

  it('is refused where it says to be longer than the record', () => {
    for (const version of versions) {
      for (const encryptThenMac of version === ssl30Id ? [false] : [false, true]) {
        const options = optionsOf({ version, encryptThenMac });
        // All bytes say the same, so that nothing is wrong but the length.
        for (const count of [64, 80, 255]) {
          assert.equal(opened(options, forged(options, new Uint8Array(64).fill(count))), undefined, `${count}`);
        }
        assert.equal(
          opened(options, forged(options, new Uint8Array(64).fill(63)))?.bytes.length,
          encryptThenMac ? 0 : undefined,
        );
      }
    }
  });

  it('in SSL 3.0 is any bytes, as long as the last says less than a block', () => {
    const options = optionsOf({ version: ssl30Id });
    for (let count = 0; count < 16; count++) {
      const content = bytesOf(28 + 15 - count);
      const inner = Buffer.concat([
        content,
        referenceMac(options, 0, data, content),
        bytesOf(count, 77),
        Uint8Array.of(count),
      ]);
      assert.deepEqual(opened(options, forged(options, inner))?.bytes, content, `${count} bytes`);
    }
  });

  it('in SSL 3.0 is refused where it is a block or more', () => {
    for (const cipher of ['aes-128-cbc', '3des-ede-cbc'] as const) {
      const options = optionsOf({ cipher, version: ssl30Id });
      const { blockLength } = cbcRows[cipher];
      for (const count of [blockLength, 2 * blockLength - 1, 63, 127, 255]) {
        const content = bytesOf(12 + 2 * blockLength - ((count + 1) % blockLength));
        assert.equal(opened(options, forged(options, referenceInner(options, 0, data, content, count))), undefined);
      }
    }
  });
});

describe('CBC: what is refused, always with the same answer', () => {
  it('one bit changed anywhere, in every version, with and without encrypt_then_mac', () => {
    for (const version of versions) {
      for (const cipher of ['aes-128-cbc', '3des-ede-cbc'] as const) {
        for (const encryptThenMac of version === ssl30Id ? [false] : [false, true]) {
          const options = optionsOf({ version, cipher, encryptThenMac });
          // The last block holds MAC and padding both: SSL 3.0 would miss some changes in a block of padding alone.
          const payload = forged(options, referenceInner(options, 0, data, bytesOf(15)));
          assert.deepEqual(opened(options, payload)?.bytes, bytesOf(15));
          for (let bit = 0; bit < 8 * payload.length; bit++) {
            const bad = Uint8Array.from(payload);
            bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
            assert.equal(opened(options, bad), undefined, `0x0${version.toString(16)} ${cipher}, bit ${bit}`);
          }
        }
      }
    }
  });

  it('every length from nothing to four blocks that holds no record, without throwing', () => {
    for (const choice of choices()) {
      const options = optionsOf(choice);
      for (let length = 0; length <= 64 + macLengths[choice.mac]; length++) {
        assert.equal(opened(options, bytesOf(length)), undefined, `${named(choice)}, ${length} bytes`);
      }
    }
  });

  it('a record that was cut or lengthened, by a byte or by a block', () => {
    for (const version of versions) {
      for (const encryptThenMac of version === ssl30Id ? [false] : [false, true]) {
        const options = optionsOf({ version, encryptThenMac });
        const payload = forged(options, referenceInner(options, 0, data, bytesOf(100)));
        for (let length = 0; length < payload.length; length++) {
          assert.equal(opened(options, payload.subarray(0, length)), undefined, `${length} bytes`);
        }
        for (const more of [1, 15, 16, 32]) {
          assert.equal(opened(options, Buffer.concat([payload, bytesOf(more)])), undefined);
        }
        assert.equal(opened(options, payload.subarray(16)), undefined, 'a block less in front');
      }
    }
  });

  it('a wrong MAC under right padding', () => {
    for (const choice of choices()) {
      if (choice.encryptThenMac) continue;
      const options = optionsOf(choice);
      for (const at of [0, macLengths[choice.mac] - 1]) {
        const inner = referenceInner(options, 0, data, bytesOf(33));
        inner[33 + at] = (inner[33 + at] as number) ^ 1;
        assert.equal(opened(options, forged(options, inner)), undefined, named(choice));
      }
    }
  });

  it('a wrong MAC under right padding of every length, with nothing between them and with much', () => {
    for (const version of [tls10Id, tls12Id]) {
      const options = optionsOf({ version });
      for (let count = 0; count < 256; count++) {
        // As little content as fills the blocks, and 160 bytes more.
        for (const size of [(4096 - 21 - count) % 16, ((4096 - 21 - count) % 16) + 160]) {
          const inner = referenceInner(options, 0, data, bytesOf(size), count);
          assert.deepEqual(opened(options, forged(options, inner))?.bytes, bytesOf(size), `${count}`);
          inner[size + (count % 20)] = (inner[size + (count % 20)] as number) ^ 0x10;
          assert.equal(opened(options, forged(options, inner)), undefined, `${count}`);
        }
      }
    }
  });

  it('encrypt_then_mac: a wrong MAC over right ciphertext, and nothing is decrypted', () => {
    const options = optionsOf({ encryptThenMac: true });
    let decrypted = 0;
    const legacy = nodeLegacyProvider.legacy ?? assert.fail();
    const row = legacy.blockCiphers['aes-128-cbc'] ?? assert.fail();
    const provider: CryptoProvider = {
      ...nodeLegacyProvider,
      legacy: {
        ...legacy,
        blockCiphers: {
          'aes-128-cbc': {
            ...row,
            key(keyBytes) {
              const key = row.key(keyBytes);
              return {
                ...key,
                decrypt(iv, ciphertext) {
                  decrypted += 1;
                  return key.decrypt(iv, ciphertext);
                },
              };
            },
          },
        },
      },
    };
    const payload = forged(options, referenceInner(options, 0, data, bytesOf(33)));
    for (let at = payload.length - 20; at < payload.length; at++) {
      const bad = Uint8Array.from(payload);
      bad[at] = (bad[at] as number) ^ 0x80;
      assert.equal(opened(options, bad, provider), undefined);
    }
    assert.equal(decrypted, 0);
    assert.deepEqual(opened(options, payload, provider)?.bytes, bytesOf(33));
    assert.equal(decrypted, 1);
  });

  it('another type, version or length in what the MAC is of', () => {
    for (const version of versions) {
      for (const encryptThenMac of version === ssl30Id ? [false] : [false, true]) {
        const options = optionsOf({ version, encryptThenMac });
        const payload = forged(options, referenceInner(options, 0, data, bytesOf(33)));
        assert.equal(open(protectionOf(options), recordOf(options, payload, 22)), undefined, 'type');
        for (const other of [tls10Id, tls11Id, tls12Id]) {
          if (other === version || other >= tls11Id !== version >= tls11Id) continue;
          assert.equal(opened({ ...options, version: other }, payload), undefined, 'version');
        }
      }
    }
  });

  it('a record that comes twice, and one that comes before its turn', () => {
    for (const version of versions) {
      for (const encryptThenMac of version === ssl30Id ? [false] : [false, true]) {
        const options = optionsOf({ version, encryptThenMac });
        const writer = protectionOf(options);
        const [first, second] = [seal(writer, bytesOf(33)), seal(writer, bytesOf(33))];
        const replayed = protectionOf(options);
        assert.deepEqual(open(replayed, raw(first))?.bytes, bytesOf(33));
        assert.equal(open(replayed, raw(first)), undefined, 'twice');
        assert.equal(open(protectionOf(options), raw(second)), undefined, 'before its turn');
      }
    }
  });

  it('a record under another key of any kind', () => {
    for (const version of versions) {
      for (const encryptThenMac of version === ssl30Id ? [false] : [false, true]) {
        const options = optionsOf({ version, encryptThenMac });
        const payload = forged(options, referenceInner(options, 0, data, bytesOf(33)));
        assert.equal(opened({ ...options, macKey: bytesOf(20, 1) }, payload), undefined);
        assert.equal(opened({ ...options, key: bytesOf(16, 1) }, payload), undefined);
      }
    }
  });
});

describe('CBC: what it leaves alone', () => {
  it('neither what is protected nor what is opened is written over', () => {
    for (const version of versions) {
      const options = optionsOf({ version });
      const content = bytesOf(100);
      const record = seal(protectionOf(options), content);
      assert.deepEqual(content, bytesOf(100));
      const before = record.slice();
      open(protectionOf(options), raw(record));
      assert.deepEqual(record, before);
    }
  });

  it('the keys it was given may be wiped at once', () => {
    for (const version of versions) {
      const options = optionsOf({ version });
      const given = { ...options, key: options.key.slice(), macKey: options.macKey.slice(), iv: options.iv.slice() };
      const writer = protectionOf(given);
      for (const bytes of [given.key, given.macKey, given.iv]) bytes.fill(0);
      assert.deepEqual(open(protectionOf(options), raw(seal(writer, bytesOf(9))))?.bytes, bytesOf(9));
    }
  });

  it('a provider without the cipher is told so, and its suites are not supported', () => {
    const { supportedBy } = cbcWithHmac('aes-128-cbc', 16, 16, 'sha1');
    assert.equal(supportedBy(nodeLegacyProvider), true);
    assert.equal(supportedBy(nodeProvider), false);
    const legacy = { ...(nodeLegacyProvider.legacy ?? assert.fail()), blockCiphers: {} };
    const bare: CryptoProvider = { ...nodeLegacyProvider, legacy };
    assert.equal(supportedBy(bare), false);
    assert.throws(
      () => protectionOf(optionsOf(), bare),
      (error) => error instanceof TlsError && error.code === 'internal' && /has no aes-128-cbc/.test(error.message),
    );
  });

  it('nothing is written or read after the keys are disposed of', () => {
    const options = optionsOf();
    const record = seal(protectionOf(options), bytesOf(9));
    const protection = protectionOf(options);
    protection.dispose();
    assert.throws(() => seal(protection, bytesOf(9)), { name: 'CryptoError', code: 'failed' });
    assert.throws(() => open(protection, raw(record)), { name: 'CryptoError', code: 'failed' });
  });
});

describe('CBC: how much goes under one key', () => {
  const halfOfIt = new Uint8Array(2 ** 29);

  it('is 1 GiB where blocks have 64 bits, and refused beyond', () => {
    const reader = protectionOf(optionsOf({ cipher: '3des-ede-cbc' }));
    // No whole number of blocks: each is refused at once, and counts all the same.
    for (let i = 0; i < 2; i++) assert.equal(open(reader, raw(halfOfIt.subarray(0, 2 ** 29 - 1))), undefined);
    assert.throws(() => open(reader, raw(halfOfIt.subarray(0, 1024))), { name: 'TlsError', code: 'record_limit' });
  });

  it('is not counted where they have 128', () => {
    const reader = protectionOf(optionsOf({ cipher: 'aes-128-cbc' }));
    for (let i = 0; i < 4; i++) assert.equal(open(reader, raw(halfOfIt.subarray(0, 2 ** 29 - 1))), undefined);
  });
});

describe('CBC: on a connection', () => {
  /** The contents' lengths of the records that carry one write of so many bytes. */
  async function fragmentsOf(version: Version, length: number): Promise<readonly number[]> {
    const cipherSuites = rsaCipherSuites.filter(({ name }) => name === 'TLS_RSA_WITH_AES_128_CBC_SHA');
    const fragments: number[] = [];
    const both = await connected({
      provider: nodeLegacyProvider,
      client: {
        ...{ versions: [version], cipherSuites },
        trace(event) {
          if (event.type === 'record' && event.direction === 'out' && event.contentType === data) {
            fragments.push(event.length);
          }
        },
      },
      server: { versions: [version], cipherSuites, credentials: [credential] },
    });
    both.client.connection.write(bytesOf(length));
    const records = recordsIn(Buffer.concat(both.client.outbox));
    assert.equal(records.length, fragments.length);
    for (const [i, record] of records.entries()) {
      const inner = fragments[i] as number;
      const blocks = (bytes: number): number => 16 * Math.ceil((bytes + 1) / 16);
      // From TLS 1.0 on the two agree on encrypt_then_mac.
      const sealed = version === ssl30 ? blocks(inner + 20) : blocks(inner) + 20;
      assert.deepEqual([...record.subarray(0, 3)], [data, 3, version.id & 0xff]);
      assert.equal(record.length, 5 + (version.id >= tls11Id ? 16 : 0) + sealed);
    }
    await exchange(both);
    assert.deepEqual(Uint8Array.from(Buffer.concat(both.server.data)), bytesOf(length));
    return fragments;
  }

  it('each write begins with a record of one byte in SSL 3.0 and TLS 1.0, and in no other version', async () => {
    for (const version of [ssl30, tls10]) {
      assert.deepEqual(await fragmentsOf(version, 1), [1]);
      assert.deepEqual(await fragmentsOf(version, 2), [1, 1]);
      assert.deepEqual(await fragmentsOf(version, 100), [1, 99]);
      assert.deepEqual(await fragmentsOf(version, 16_384), [1, 16_383]);
    }
    for (const version of [tls11, tls12]) {
      assert.deepEqual(await fragmentsOf(version, 100), [100]);
      assert.deepEqual(await fragmentsOf(version, 16_385), [16_384, 1]);
    }
  });

  it('each record of a long write is split in SSL 3.0 and TLS 1.0', async () => {
    for (const version of [ssl30, tls10]) {
      assert.deepEqual(await fragmentsOf(version, 40_000), [1, 16_383, 1, 16_383, 1, 7231]);
    }
  });

  it('a record that was changed, replayed, dropped or put after its turn ends it with bad_record_mac', async () => {
    const changes: readonly (readonly [string, (records: readonly Uint8Array[]) => readonly Uint8Array[]])[] = [
      [
        'changed',
        ([first, ...more]) => [(first ?? assert.fail()).with(20, ((first?.[20] as number) ^ 1) & 0xff), ...more],
      ],
      ['replayed', ([first, ...more]) => [first ?? assert.fail(), first ?? assert.fail(), ...more]],
      ['dropped', ([_, ...more]) => more],
      ['reordered', ([first, second]) => [second ?? assert.fail(), first ?? assert.fail()]],
    ];
    for (const version of [ssl30, tls10, tls11, tls12]) {
      for (const [what, change] of changes) {
        const cipherSuites = rsaCipherSuites.filter(({ name }) => name === 'TLS_RSA_WITH_AES_128_CBC_SHA');
        const both = await connected({
          provider: nodeLegacyProvider,
          client: { versions: [version], cipherSuites },
          server: { versions: [version], cipherSuites, credentials: [credential] },
        });
        both.client.connection.write(Uint8Array.of(1));
        both.client.connection.write(Uint8Array.of(2));
        const records = recordsIn(Buffer.concat(both.client.outbox.splice(0)));
        for (const record of change(records)) await give(both.server, record);
        assert.deepEqual(
          [both.server.error?.code, both.server.error?.alert],
          ['bad_record_mac', 'bad_record_mac'],
          `${version.name}: ${what}`,
        );
      }
    }
  });
});
