/**
 * Record protection by a block cipher in CBC mode with a MAC (RFC 5246 §6.2.3.2, RFC 2246, RFC 6101 §5.2.3), MAC first or,
 * where agreed, last (encrypt_then_mac, RFC 7366).
 *
 * MAC-then-encrypt is where padding oracles live (Vaudenay 2002, Lucky 13, POODLE): one answer for every fault, and one
 * time, as far as `constant-time.ts` and `RecordMac.evenOut` can see to it. TLS 1.0's chained IVs are answered by cutting a
 * first byte off (BEAST); SSL 3.0's unchecked padding has no remedy.
 *
 * @module
 */

import {
  type BlockCipherKey,
  type Bytes,
  type CbcName,
  type Cryptography,
  concat,
  copyBytes,
  equalConstantTime,
} from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import type { DirectionKeys, ProtectionOptions, RecordCipher } from '../record/cipher12.ts';
import type { RawRecord } from '../record/deframer.ts';
import type { Plaintext, Protection } from '../record/protection.ts';
import { lastSequence } from '../record/protection13.ts';
import { SSL30, TLS10 } from '../registry.ts';
import { equal, lessThan, macAt, tlsPadding } from './constant-time.ts';
import { hmacOf, type MacName, macRows, type RecordMac, ssl30Mac } from './mac.ts';
import { legacyOf } from './provider.ts';

/**
 * Bytes under one key of a cipher with blocks of 64 bits: 1 GiB, far from the 2^32 blocks at which two are equal by chance,
 * since an attacker needs but some of them (Sweet32; RFC 8429 counts it with what must go).
 */
const smallBlockBytes = 2 ** 30;

export function cbcWithHmac(cipher: CbcName, keyLength: number, blockLength: 8 | 16, mac: MacName): RecordCipher {
  return {
    macKeyLength: macRows[mac].length,
    keyLength,
    // From TLS 1.1 on each record brings its own; the key block's are cut all the same before.
    ivLength: blockLength,
    encryptsThenMacs: true,
    supportedBy: ({ legacy }) => legacy?.blockCiphers[cipher] !== undefined,
    protection: (provider, keys, options) => new CbcProtection(provider, cipher, blockLength, mac, keys, options),
  };
}

class CbcProtection implements Protection {
  readonly hidesType = false;
  readonly maxExpansion = 2048;
  readonly recordLimit: number = lastSequence;
  readonly firstFragment?: number;
  readonly #provider: Cryptography;
  readonly #key: BlockCipherKey;
  readonly #mac: RecordMac;
  readonly #blockLength: number;
  readonly #version: number;
  readonly #encryptThenMac: boolean;
  /** The last block of the record before, where records are chained (TLS 1.0 and SSL 3.0). */
  #chain: Uint8Array | undefined;
  #sequence = 0;
  #bytes = 0;

  constructor(
    provider: Cryptography,
    name: CbcName,
    blockLength: number,
    mac: MacName,
    keys: DirectionKeys,
    { version, encryptThenMac }: ProtectionOptions,
  ) {
    const cipher = legacyOf(provider).blockCiphers[name];
    if (cipher === undefined) throw new TlsError('internal', `the ${provider.name} provider has no ${name}`);
    this.#provider = provider;
    this.#key = cipher.key(keys.key);
    this.#mac = version === SSL30 ? ssl30Mac(provider, mac, keys.macKey) : hmacOf(provider, mac, keys.macKey, version);
    this.#blockLength = blockLength;
    this.#version = version;
    this.#encryptThenMac = encryptThenMac;
    if (version <= TLS10) {
      this.#chain = copyBytes(keys.iv);
      this.firstFragment = 1;
    }
  }

  get records(): number {
    return this.#sequence;
  }

  protect(type: number, content: Uint8Array): Bytes {
    const sequence = this.#next(content.length);
    const inner = this.#encryptThenMac ? content : concat(content, this.#mac.compute(sequence, type, content));
    const padded = pad(inner, this.#blockLength);
    const iv = this.#chain ?? this.#provider.random(this.#blockLength);
    const ciphertext = this.#key.encrypt(iv, padded);
    padded.fill(0);
    const payload = this.#chain === undefined ? concat(iv, ciphertext) : ciphertext;
    if (this.#chain !== undefined) this.#chain = ciphertext.slice(-this.#blockLength);
    const whole = this.#encryptThenMac ? concat(payload, this.#mac.compute(sequence, type, payload)) : payload;
    const header = Uint8Array.of(
      type,
      this.#version >> 8,
      this.#version & 0xff,
      whole.length >> 8,
      whole.length & 0xff,
    );
    return concat(header, whole);
  }

  unprotect({ type, payload }: RawRecord): Plaintext | undefined {
    const sequence = this.#next(payload.length);
    const sealed = this.#encryptThenMac ? this.#authenticated(sequence, type, payload) : payload;
    if (sealed === undefined) return undefined;
    const ivLength = this.#chain === undefined ? this.#blockLength : 0;
    const length = sealed.length - ivLength;
    // Lengths are public: a record too short for its parts, or no whole number of blocks, cannot be told from others.
    const least = (this.#encryptThenMac ? 0 : this.#mac.length) + 1;
    if (length < least || length % this.#blockLength !== 0) return undefined;
    const plaintext = this.#key.decrypt(this.#chain ?? sealed.subarray(0, ivLength), sealed.subarray(ivLength));
    if (this.#chain !== undefined) this.#chain = sealed.slice(-this.#blockLength);
    const end = this.#encryptThenMac ? unpadded(plaintext) : this.#checked(sequence, type, plaintext);
    if (end === undefined) return undefined;
    const bytes = plaintext.subarray(0, end);
    return { type, bytes, limitedLength: bytes.length };
  }

  dispose(): void {
    this.#key.dispose();
    this.#mac.dispose();
  }

  #next(length: number): number {
    this.#bytes += length;
    if (this.#blockLength === 8 && this.#bytes > smallBlockBytes) {
      throw new TlsError('record_limit', 'more than 1 GiB under one key of a cipher with blocks of 64 bits', {
        hint: 'reconnect, or better: bring the peer to a suite of this century',
      });
    }
    if (this.#sequence >= lastSequence) {
      throw new TlsError('record_limit', 'the record sequence number has reached its end under one key');
    }
    return this.#sequence++;
  }

  /** encrypt_then_mac: the MAC is looked at before anything is decrypted. */
  #authenticated(sequence: number, type: number, payload: Uint8Array): Uint8Array | undefined {
    const end = payload.length - this.#mac.length;
    if (end < 0) return undefined;
    const sealed = payload.subarray(0, end);
    const good = equalConstantTime(this.#mac.compute(sequence, type, sealed), payload.subarray(end));
    return good ? sealed : undefined;
  }

  /** MAC-then-encrypt: where the content ends; undefined for a fault, whichever it is. */
  #checked(sequence: number, type: number, plaintext: Uint8Array): number | undefined {
    const macLength = this.#mac.length;
    const padding =
      this.#version === SSL30
        ? ssl30Padding(plaintext, macLength, this.#blockLength)
        : tlsPadding(plaintext, macLength);
    const most = plaintext.length - macLength - 1;
    const end = most + 1 - padding.length;
    const mac = this.#mac.compute(sequence, type, plaintext.subarray(0, most), end);
    this.#mac.evenOut(end, most);
    const first = Math.max(0, most - 255);
    const good = padding.good & macAt(plaintext, end, first, mac);
    return good === 0 ? undefined : end;
  }
}

/** SSL 3.0 looks at the length byte alone, which is shorter than a block (RFC 6101 §5.2.3.2). */
function ssl30Padding(
  plaintext: Uint8Array,
  macLength: number,
  blockLength: number,
): { readonly good: number; readonly length: number } {
  const count = plaintext[plaintext.length - 1] as number;
  const good = lessThan(count, blockLength) & ~lessThan(plaintext.length - macLength, count + 1);
  return { good: equal(good, -1), length: (good & count) + 1 };
}

/** At least one byte, to whole blocks; each says how many others there are. */
function pad(inner: Uint8Array, blockLength: number): Bytes {
  const count = blockLength - (inner.length % blockLength);
  const out = new Uint8Array(inner.length + count);
  out.set(inner);
  out.fill(count - 1, inner.length);
  return out;
}

/** Where the content ends, in a record that has been authenticated: its padding is no secret. */
function unpadded(plaintext: Uint8Array): number | undefined {
  const { good, length } = tlsPadding(plaintext, 0);
  return good === 0 ? undefined : plaintext.length - length;
}
