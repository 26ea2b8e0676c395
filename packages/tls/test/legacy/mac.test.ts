/**
 * The MACs of records: against the specifications written a second time, and that opening a CBC record costs the same
 * number of compressions wherever its content ends.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CryptoProvider, Hmac } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import fc from 'fast-check';
import { cbcWithHmac } from '../../src/legacy/cbc.ts';
import { hmacOf, type MacName, macRows, type RecordMac, ssl30Mac, ssl30Pads } from '../../src/legacy/mac.ts';
import {
  bytesOf,
  type CbcOptions,
  macLengths,
  referenceInner,
  referenceMac,
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

const macs: readonly MacName[] = ['md5', 'sha1', 'sha256', 'sha384'];

function macOf(provider: CryptoProvider, name: MacName, macKey: Uint8Array, version: number): RecordMac {
  return version === ssl30Id ? ssl30Mac(provider, name, macKey) : hmacOf(provider, name, macKey, version);
}

const oldest: readonly MacName[] = ['md5', 'sha1'];

/** Which MACs a version has. */
function macsOf(version: number): readonly MacName[] {
  return version === ssl30Id ? oldest : macs;
}

for (const provider of providers) {
  describe(`MACs, provider ${provider.name}`, () => {
    it('are as long as their hash', () => {
      for (const mac of macs) {
        const key = bytesOf(macLengths[mac]);
        assert.equal(macRows[mac].length, macLengths[mac]);
        assert.equal(hmacOf(provider, mac, key, tls12Id).length, macLengths[mac]);
        assert.equal(hmacOf(provider, mac, key, tls12Id).compute(0, 23, key).length, macLengths[mac]);
      }
    });

    it("are HMAC of number, type, version, length and content; in SSL 3.0 the specification's own", () => {
      for (const version of [ssl30Id, tls10Id, tls11Id, tls12Id]) {
        for (const mac of macsOf(version)) {
          const macKey = bytesOf(macLengths[mac]);
          const ours = macOf(provider, mac, macKey, version);
          for (const [sequence, length] of [0, 1, 54, 55, 56, 63, 64, 65, 255, 256, 16_384].entries()) {
            const content = bytesOf(length);
            const expected = referenceMac({ mac, macKey, version }, sequence, 23, content);
            assert.deepEqual(ours.compute(sequence, 23, content), Uint8Array.from(expected), `${mac}, ${length} bytes`);
          }
        }
      }
    });

    it('agree with the reference about anything', () => {
      fc.assert(
        fc.property(
          fc.constantFrom(ssl30Id, tls10Id, tls11Id, tls12Id),
          fc.constantFrom(...macs),
          fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
          fc.integer({ min: 20, max: 23 }),
          fc.uint8Array({ maxLength: 300 }),
          (version, mac, sequence, type, content) => {
            if (!macsOf(version).includes(mac)) return;
            const macKey = bytesOf(macLengths[mac], sequence % 1000);
            const expected = referenceMac({ mac, macKey, version }, sequence, type, content);
            assert.deepEqual(
              macOf(provider, mac, macKey, version).compute(sequence, type, content),
              Uint8Array.from(expected),
            );
          },
        ),
      );
    });

    it('count in 64 bits', () => {
      for (const version of [ssl30Id, tls12Id]) {
        const macKey = bytesOf(20);
        const ours = macOf(provider, 'sha1', macKey, version);
        for (const sequence of [255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48 + 7, Number.MAX_SAFE_INTEGER]) {
          const expected = referenceMac({ mac: 'sha1', macKey, version }, sequence, 22, bytesOf(9));
          assert.deepEqual(ours.compute(sequence, 22, bytesOf(9)), Uint8Array.from(expected), `${sequence}`);
        }
      }
    });

    it('are of the first bytes of a content where its length is given apart', () => {
      for (const version of [ssl30Id, tls12Id]) {
        const macKey = bytesOf(20);
        const ours = macOf(provider, 'sha1', macKey, version);
        for (const length of [0, 1, 55, 299, 300]) {
          const expected = referenceMac({ mac: 'sha1', macKey, version }, 3, 23, bytesOf(300).subarray(0, length));
          assert.deepEqual(ours.compute(3, 23, bytesOf(300), length), Uint8Array.from(expected), `${length} bytes`);
        }
      }
    });

    it('depend on number, type, version, content and key, each', () => {
      const compute = (version: number, sequence: number, type: number, content: Uint8Array, key: Uint8Array): string =>
        Buffer.from(macOf(provider, 'sha1', key, version).compute(sequence, type, content)).toString('hex');
      const key = bytesOf(20);
      const all = new Set([
        compute(tls12Id, 1, 23, bytesOf(9), key),
        compute(tls11Id, 1, 23, bytesOf(9), key),
        compute(tls10Id, 1, 23, bytesOf(9), key),
        compute(ssl30Id, 1, 23, bytesOf(9), key),
        compute(tls12Id, 2, 23, bytesOf(9), key),
        compute(tls12Id, 1, 22, bytesOf(9), key),
        compute(tls12Id, 1, 23, bytesOf(10), key),
        compute(tls12Id, 1, 23, bytesOf(9), bytesOf(20, 3)),
      ]);
      assert.equal(all.size, 8);
    });

    it('keep a copy of their key', () => {
      for (const version of [ssl30Id, tls12Id]) {
        const key = bytesOf(20);
        const ours = macOf(provider, 'sha1', key, version);
        key.fill(0);
        const expected = referenceMac({ mac: 'sha1', macKey: bytesOf(20), version }, 0, 23, bytesOf(9));
        assert.deepEqual(ours.compute(0, 23, bytesOf(9)), Uint8Array.from(expected));
      }
    });
  });
}

describe('MACs of SSL 3.0', () => {
  it('are by MD5 and SHA-1 alone', () => {
    for (const mac of ['sha256', 'sha384'] as const) {
      assert.throws(() => ssl30Mac(nodeLegacyProvider, mac, bytesOf(32)), { name: 'TlsError', code: 'internal' });
    }
  });

  it('pad to 48 bytes for MD5, to 40 for SHA-1', () => {
    assert.deepEqual(ssl30Pads('md5'), [new Uint8Array(48).fill(0x36), new Uint8Array(48).fill(0x5c)]);
    assert.deepEqual(ssl30Pads('sha1'), [new Uint8Array(40).fill(0x36), new Uint8Array(40).fill(0x5c)]);
  });

  it('forget their secret when they are disposed of', () => {
    const mac = ssl30Mac(nodeLegacyProvider, 'sha1', bytesOf(20));
    mac.dispose();
    const wiped = referenceMac({ mac: 'sha1', macKey: new Uint8Array(20), version: ssl30Id }, 0, 23, bytesOf(9));
    assert.deepEqual(mac.compute(0, 23, bytesOf(9)), Uint8Array.from(wiped));
  });
});

describe('MACs of a provider without what is out of use', () => {
  it('say so, and what to pass', () => {
    assert.throws(() => hmacOf(nodeProvider, 'sha1', bytesOf(20), tls12Id), {
      name: 'TlsError',
      code: 'internal',
      message: 'the node provider has nothing of what is out of use',
    });
  });
});

/** A provider that counts how often a hash's compression function runs, an HMAC's included. */
class Counting {
  readonly provider: CryptoProvider;
  compressions = 0;

  constructor() {
    const { legacy } = nodeLegacyProvider;
    if (legacy === undefined) throw new TypeError('a legacy provider');
    this.provider = {
      ...nodeLegacyProvider,
      digest: (hash, data) => {
        this.#count(hash, data.length);
        return nodeLegacyProvider.digest(hash, data);
      },
      hmac: (hash, key) => this.#hmac(hash, nodeLegacyProvider.hmac(hash, key)),
      legacy: {
        ...legacy,
        digest: (hash, data) => {
          this.#count(hash, data.length);
          return legacy.digest(hash, data);
        },
        hmac: (hash, key) => this.#hmac(hash, legacy.hmac(hash, key)),
      },
    };
  }

  /** The padding of the hash itself: a bit, and a length of 8 bytes or 16. */
  #count(hash: string, length: number): void {
    this.compressions += hash === 'sha384' ? Math.ceil((length + 17) / 128) : Math.ceil((length + 9) / 64);
  }

  #hmac(hash: string, hmac: Hmac): Hmac {
    return (data) => {
      const block = hash === 'sha384' ? 128 : 64;
      this.#count(hash, block + data.length);
      this.#count(hash, block + (hash === 'sha384' ? 48 : 32));
      return hmac(data);
    };
  }
}

describe('what opening a record costs', () => {
  it('is the same after evenOut, wherever the content ends within 256 bytes of the most', () => {
    for (const version of [ssl30Id, tls10Id, tls12Id]) {
      for (const name of macsOf(version)) {
        const counting = new Counting();
        const mac = macOf(counting.provider, name, bytesOf(macLengths[name]), version);
        for (const most of [0, 11, 255, 256, 300, 1023, 16_383]) {
          const costs = new Set<number>();
          for (let length = Math.max(0, most - 255); length <= most; length++) {
            counting.compressions = 0;
            mac.compute(7, 23, new Uint8Array(length));
            mac.evenOut(length, most);
            costs.add(counting.compressions);
          }
          assert.equal(costs.size, 1, `${name}, version ${version}, ${most} at most: ${[...costs].join(', ')}`);
        }
      }
    }
  });

  it('is the same for right records of any padding, wrong padding, and a wrong MAC', () => {
    for (const version of [tls10Id, tls11Id, tls12Id]) {
      for (const mac of macs) {
        const options: CbcOptions = {
          ...{ cipher: 'aes-128-cbc', mac, version, encryptThenMac: false },
          ...{ key: bytesOf(16), macKey: bytesOf(macLengths[mac]), iv: bytesOf(16, 5) },
        };
        const counting = new Counting();
        const cipher = cbcWithHmac('aes-128-cbc', 16, 16, mac);
        const cost = (inner: Uint8Array): readonly [number, boolean] => {
          const reader = cipher.protection(counting.provider, options, { version, encryptThenMac: false });
          const payload = referencePayload(options, 0, 23, inner, options.iv);
          counting.compressions = 0;
          const opened = reader.unprotect({ type: 23, header: new Uint8Array(5), payload });
          return [counting.compressions, opened !== undefined];
        };
        const length = 384;
        const costs = new Set<number>();
        for (let count = 0; count < 256; count++) {
          const content = bytesOf(length - macLengths[mac] - count - 1);
          const right = referenceInner(options, 0, 23, content, count);
          const [rightCost, rightOpens] = cost(right);
          assert.equal(rightOpens, true);
          costs.add(rightCost);
          if (count % 17 > 1) continue;
          for (const at of [length - 2, content.length]) {
            const wrong = Uint8Array.from(right);
            wrong[at] = (wrong[at] as number) ^ 1;
            const [wrongCost, wrongOpens] = cost(wrong);
            assert.equal(wrongOpens, false);
            costs.add(wrongCost);
          }
        }
        assert.equal(costs.size, 1, `${mac}, version ${version}: ${[...costs].join(', ')}`);
      }
    }
  });

  it('is the same in SSL 3.0 for padding of any length that it knows, and of one that it refuses', () => {
    for (const mac of oldest) {
      const options: CbcOptions = {
        ...{ cipher: 'aes-128-cbc', mac, version: ssl30Id, encryptThenMac: false },
        ...{ key: bytesOf(16), macKey: bytesOf(macLengths[mac]), iv: bytesOf(16, 5) },
      };
      const counting = new Counting();
      const cipher = cbcWithHmac('aes-128-cbc', 16, 16, mac);
      for (const length of [64, 80, 96, 112, 128]) {
        const costs = new Set<number>();
        for (let count = 0; count < 32; count++) {
          const inner = referenceInner(options, 0, 23, bytesOf(length - macLengths[mac] - count - 1), count);
          const reader = cipher.protection(counting.provider, options, { version: ssl30Id, encryptThenMac: false });
          const payload = referencePayload(options, 0, 23, inner, options.iv);
          counting.compressions = 0;
          const opened = reader.unprotect({ type: 23, header: new Uint8Array(5), payload });
          assert.equal(opened !== undefined, count < 16);
          costs.add(counting.compressions);
        }
        assert.equal(costs.size, 1, `${mac}, ${length} bytes: ${[...costs].join(', ')}`);
      }
    }
  });
});
