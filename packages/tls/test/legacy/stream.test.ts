/**
 * RC4 and NULL with a MAC, record by record: against the specifications written a second time, and with every fault that
 * somebody in between can make.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CryptoProvider } from '@handfast/crypto';
import { rc4Key } from '@handfast/crypto/legacy';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import type { MacName } from '../../src/legacy/mac.ts';
import { nullWithHmac, rc4WithHmac } from '../../src/legacy/stream.ts';
import type { RecordCipher } from '../../src/record/cipher12.ts';
import type { RawRecord } from '../../src/record/deframer.ts';
import type { Plaintext, Protection } from '../../src/record/protection.ts';
import { bytesOf, macLengths, referenceMac, ssl30Id, tls10Id, tls11Id, tls12Id } from './reference.ts';

const providers: readonly CryptoProvider[] = [
  nodeLegacyProvider,
  forcedAsync(nodeLegacyProvider),
  createWebLegacyProvider(fullWebProvider),
];

interface Kind {
  readonly name: 'rc4' | 'null';
  readonly make: (mac: MacName) => RecordCipher;
}

const kinds: readonly Kind[] = [
  { name: 'rc4', make: rc4WithHmac },
  { name: 'null', make: nullWithHmac },
];

const versions = [ssl30Id, tls10Id, tls11Id, tls12Id];
const sizes = [0, 1, 15, 16, 17, 255, 16_384];
const data = 23;

interface Options {
  readonly kind: Kind;
  readonly mac: MacName;
  readonly version: number;
  readonly key: Uint8Array;
  readonly macKey: Uint8Array;
}

function* choices(): Generator<Options> {
  for (const kind of kinds) {
    for (const version of versions) {
      for (const mac of ['md5', 'sha1', 'sha256', 'sha384'] as const) {
        if (version === ssl30Id && (mac === 'sha256' || mac === 'sha384')) continue;
        yield { kind, mac, version, key: bytesOf(kind.name === 'rc4' ? 16 : 0), macKey: bytesOf(macLengths[mac], 500) };
      }
    }
  }
}

const named = ({ kind, mac, version }: Options): string => `0x0${version.toString(16)} ${kind.name} ${mac}`;

function protectionOf(
  { kind, mac, version, key, macKey }: Options,
  provider: CryptoProvider = nodeLegacyProvider,
): Protection {
  const keys = { key, macKey, iv: new Uint8Array(0) };
  return kind.make(mac).protection(provider, keys, { version, encryptThenMac: false });
}

function now<T>(value: T | Promise<T>): T {
  if (value instanceof Promise) throw new TypeError('stream ciphers are synchronous');
  return value;
}

function seal(protection: Protection, content: Uint8Array, type = data): Uint8Array<ArrayBuffer> {
  return now(protection.protect(type, content, 0)) as Uint8Array<ArrayBuffer>;
}

function raw(record: Uint8Array): RawRecord {
  return { type: record[0] as number, header: record.subarray(0, 5), payload: record.subarray(5) };
}

function open(protection: Protection, record: RawRecord): Plaintext | undefined {
  return now(protection.unprotect(record));
}

function opened(options: Options, payload: Uint8Array, type = data): Plaintext | undefined {
  return open(protectionOf(options), { type, header: new Uint8Array(5), payload });
}

for (const provider of providers) {
  describe(`RC4 and NULL, provider ${provider.name}`, () => {
    it('what is written opens again, in every MAC and version, at every size', () => {
      for (const options of choices()) {
        const [writer, reader] = [protectionOf(options, provider), protectionOf(options, provider)];
        for (const size of sizes) {
          const plaintext = open(reader, raw(seal(writer, bytesOf(size))));
          assert.deepEqual(plaintext, { type: data, bytes: bytesOf(size), limitedLength: size }, named(options));
        }
        assert.deepEqual([writer.records, reader.records], [sizes.length, sizes.length]);
      }
    });

    it('what is written is what the specification says, with one key stream over all records', () => {
      for (const options of choices()) {
        const writer = protectionOf(options, provider);
        const stream = options.kind.name === 'rc4' ? rc4Key(options.key) : undefined;
        for (const [sequence, size] of [0, 1, 300, 0].entries()) {
          const type = sequence === 0 ? 22 : data;
          const content = bytesOf(size);
          const inner = Buffer.concat([content, referenceMac(options, sequence, type, content)]);
          const payload = stream?.process(inner) ?? inner;
          const header = [type, 3, options.version & 0xff, payload.length >> 8, payload.length & 0xff];
          assert.deepEqual([...seal(writer, content, type)], [...header, ...payload], named(options));
        }
      }
    });
  });
}

describe('RC4 and NULL: what is refused, always with the same answer', () => {
  it('one bit changed anywhere', () => {
    for (const options of choices()) {
      const payload = seal(protectionOf(options), bytesOf(15)).subarray(5);
      assert.deepEqual(opened(options, payload)?.bytes, bytesOf(15));
      for (let bit = 0; bit < 8 * payload.length; bit += 3) {
        const bad = Uint8Array.from(payload);
        bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
        assert.equal(opened(options, bad), undefined, `${named(options)}, bit ${bit}`);
      }
    }
  });

  it('every length that is too short for a MAC, and every other that holds no record', () => {
    for (const options of choices()) {
      for (let length = 0; length <= 64 + macLengths[options.mac]; length++) {
        assert.equal(opened(options, bytesOf(length)), undefined, `${named(options)}, ${length} bytes`);
      }
    }
  });

  it('a record that was cut or lengthened', () => {
    for (const options of choices()) {
      const payload = seal(protectionOf(options), bytesOf(33)).subarray(5);
      for (let length = 0; length < payload.length; length++) {
        assert.equal(opened(options, payload.subarray(0, length)), undefined);
      }
      assert.equal(opened(options, Buffer.concat([payload, Uint8Array.of(0)])), undefined);
    }
  });

  it('another type or version in what the MAC is of', () => {
    for (const options of choices()) {
      const payload = seal(protectionOf(options), bytesOf(33)).subarray(5);
      assert.equal(opened(options, payload, 22), undefined);
      for (const version of [tls10Id, tls11Id, tls12Id]) {
        if (version !== options.version) assert.equal(opened({ ...options, version }, payload), undefined);
      }
    }
  });

  it('a record that comes twice, and one that comes before its turn', () => {
    for (const options of choices()) {
      const writer = protectionOf(options);
      const [first, second] = [seal(writer, bytesOf(33)), seal(writer, bytesOf(33))];
      const replayed = protectionOf(options);
      assert.deepEqual(open(replayed, raw(first))?.bytes, bytesOf(33));
      assert.equal(open(replayed, raw(first)), undefined, 'twice');
      assert.equal(open(protectionOf(options), raw(second)), undefined, 'before its turn');
    }
  });

  it('a record under another key of either kind', () => {
    for (const options of choices()) {
      const payload = seal(protectionOf(options), bytesOf(33)).subarray(5);
      assert.equal(opened({ ...options, macKey: bytesOf(macLengths[options.mac], 1) }, payload), undefined);
      if (options.kind.name === 'rc4') assert.equal(opened({ ...options, key: bytesOf(16, 1) }, payload), undefined);
    }
  });
});

describe('RC4 and NULL: what they are', () => {
  it('NULL hides nothing, and has no key; RC4 has one of 16 bytes; neither has an IV', () => {
    const content = bytesOf(40);
    for (const mac of ['md5', 'sha1', 'sha256'] as const) {
      const none = nullWithHmac(mac);
      assert.deepEqual([none.macKeyLength, none.keyLength, none.ivLength], [macLengths[mac], 0, 0]);
      const rc4 = rc4WithHmac(mac);
      assert.deepEqual([rc4.macKeyLength, rc4.keyLength, rc4.ivLength], [macLengths[mac], 16, 0]);
      assert.deepEqual([none.encryptsThenMacs, rc4.encryptsThenMacs], [false, false]);
    }
    for (const options of choices()) {
      const written = seal(protectionOf(options), content).slice(5, 45);
      assert[options.kind.name === 'null' ? 'deepEqual' : 'notDeepEqual'](written, content);
    }
  });

  it('they split nothing off, in any version', () => {
    for (const options of choices()) assert.equal(protectionOf(options).firstFragment, undefined);
  });

  it('they want a provider with what is out of use', () => {
    for (const { make } of kinds) {
      assert.equal(make('sha1').supportedBy(nodeLegacyProvider), true);
      assert.equal(make('sha1').supportedBy(nodeProvider), false);
    }
  });

  it('neither what is protected nor what is opened is written over, and what is opened is memory of its own', () => {
    for (const options of choices()) {
      const content = bytesOf(100);
      const record = seal(protectionOf(options), content);
      assert.deepEqual(content, bytesOf(100));
      const before = record.slice();
      const plaintext = open(protectionOf(options), raw(record));
      assert.deepEqual(record, before);
      record.fill(0);
      assert.deepEqual(plaintext?.bytes, bytesOf(100));
    }
  });

  it('RC4 neither writes nor reads after its key is disposed of', () => {
    for (const options of choices()) {
      if (options.kind.name !== 'rc4') continue;
      const record = seal(protectionOf(options), bytesOf(9));
      const protection = protectionOf(options);
      protection.dispose();
      assert.throws(() => seal(protection, bytesOf(9)), { name: 'CryptoError', code: 'failed' });
      assert.throws(() => open(protection, raw(record)), { name: 'CryptoError', code: 'failed' });
    }
  });
});
