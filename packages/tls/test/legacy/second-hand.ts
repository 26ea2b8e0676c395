/**
 * A second hand on a connection's keys, for what neither side would send: it hears the randoms on their way, reads the key
 * log, and protects records as either side does after its Finished.
 *
 * @module
 */

import { type Bytes, fromHex } from '@handfast/crypto';
import { nodeLegacyProvider as provider } from '@handfast/crypto/legacy/node';
import type { Tls12CipherSuite, Version } from '../../src/index.ts';
import { ssl30 } from '../../src/legacy/index.ts';
import { prf10 } from '../../src/legacy/prf10.ts';
import { schedule30 } from '../../src/legacy/ssl30.ts';
import type { Protection } from '../../src/record/protection.ts';
import { TLS12 } from '../../src/registry.ts';
import { type KeySchedule12, prf12, scheduleOf } from '../../src/tls12/prf.ts';
import type { Wire } from '../support/pair.ts';

export class SecondHand {
  readonly #suite: Tls12CipherSuite;
  readonly #version: Version;
  readonly #randoms = { client: fromHex(''), server: fromHex('') };
  readonly #hands = new Map<'client' | 'server', Protection>();
  #master: Bytes = fromHex('');

  /** @param suite one without a chained IV, so that records before need not be seen; no encrypt_then_mac */
  constructor(version: Version, suite: Tls12CipherSuite) {
    this.#version = version;
    this.#suite = suite;
  }

  /** For the config of either side. */
  readonly keyLog = (line: string): void => {
    this.#master = fromHex(line.split(' ')[2] ?? '');
  };

  /** For the exchange that makes the handshake. */
  readonly wire: Wire = (bytes, from) => {
    // Each side's first record begins with its hello: a record's header, a message's, and the version.
    const at = 5 + 4 + 2;
    if (this.#randoms[from].length === 0) this.#randoms[from] = bytes.slice(at, at + 32);
    return [bytes];
  };

  /** The next record of a side, behind its Finished. */
  async record(from: 'client' | 'server', type: number, content: Uint8Array): Promise<Bytes> {
    let hand = this.#hands.get(from);
    if (hand === undefined) {
      hand = this.#protection(from);
      this.#hands.set(from, hand);
      // Its Finished took the first number.
      await hand.protect(type, new Uint8Array(0), 0);
    }
    return (await hand.protect(type, content, 0)) as Bytes;
  }

  #protection(from: 'client' | 'server'): Protection {
    const { cipher } = this.#suite;
    const { macKeyLength, keyLength, ivLength } = cipher;
    const { client, server } = this.#randoms;
    const block = this.#schedule().keyBlock(this.#master, client, server, 2 * (macKeyLength + keyLength + ivLength));
    let at = 0;
    const take = (length: number): Uint8Array => {
      const start = at + (from === 'server' ? length : 0);
      at += 2 * length;
      return block.subarray(start, start + length);
    };
    const keys = { macKey: take(macKeyLength), key: take(keyLength), iv: take(ivLength) };
    return cipher.protection(provider, keys, { version: this.#version.id, encryptThenMac: false });
  }

  #schedule(): KeySchedule12 {
    if (this.#version === ssl30) return schedule30(provider);
    return scheduleOf(this.#version.id >= TLS12 ? prf12(provider, this.#suite.hash) : prf10(provider));
  }
}
