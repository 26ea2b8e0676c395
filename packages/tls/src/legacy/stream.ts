/**
 * Record protection by a MAC, and a stream cipher or nothing (RFC 5246 §6.2.3.1): RC4, which leaks what is sent often
 * (RFC 7465), and NULL, which hides nothing.
 *
 * @module
 */

import { type Bytes, type Cryptography, concat, equalConstantTime, type StreamCipherKey } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import type { DirectionKeys, ProtectionOptions, RecordCipher } from '../record/cipher12.ts';
import type { RawRecord } from '../record/deframer.ts';
import type { Plaintext, Protection } from '../record/protection.ts';
import { lastSequence } from '../record/protection13.ts';
import { SSL30 } from '../registry.ts';
import { hmacOf, type MacName, macRows, type RecordMac, ssl30Mac } from './mac.ts';
import { legacyOf } from './provider.ts';

export function rc4WithHmac(mac: MacName): RecordCipher {
  return row(16, mac, (provider, key) => legacyOf(provider).streamCiphers.rc4.key(key));
}

/** Authenticated, and read by everybody. */
export function nullWithHmac(mac: MacName): RecordCipher {
  return row(0, mac, () => ({ process: (data) => new Uint8Array(data), dispose: () => undefined }));
}

type MakeCipher = (provider: Cryptography, key: Uint8Array) => StreamCipherKey;

function row(keyLength: number, mac: MacName, make: MakeCipher): RecordCipher {
  return {
    macKeyLength: macRows[mac].length,
    keyLength,
    ivLength: 0,
    encryptsThenMacs: false,
    supportedBy: ({ legacy }) => legacy !== undefined,
    protection: (provider, keys, options) =>
      new StreamProtection(make(provider, keys.key), macOf(provider, mac, keys, options), options.version),
  };
}

function macOf(
  provider: Cryptography,
  name: MacName,
  { macKey }: DirectionKeys,
  { version }: ProtectionOptions,
): RecordMac {
  return version === SSL30 ? ssl30Mac(provider, name, macKey) : hmacOf(provider, name, macKey, version);
}

class StreamProtection implements Protection {
  readonly hidesType = false;
  readonly maxExpansion = 2048;
  readonly recordLimit: number = lastSequence;
  readonly #cipher: StreamCipherKey;
  readonly #mac: RecordMac;
  readonly #version: number;
  #sequence = 0;

  constructor(cipher: StreamCipherKey, mac: RecordMac, version: number) {
    this.#cipher = cipher;
    this.#mac = mac;
    this.#version = version;
  }

  get records(): number {
    return this.#sequence;
  }

  protect(type: number, content: Uint8Array): Bytes {
    const payload = this.#cipher.process(concat(content, this.#mac.compute(this.#next(), type, content)));
    const { length } = payload;
    return concat(Uint8Array.of(type, this.#version >> 8, this.#version & 0xff, length >> 8, length & 0xff), payload);
  }

  unprotect({ type, payload }: RawRecord): Plaintext | undefined {
    const end = payload.length - this.#mac.length;
    if (end < 0) return undefined;
    const opened = this.#cipher.process(payload);
    const bytes = opened.subarray(0, end);
    const good = equalConstantTime(this.#mac.compute(this.#next(), type, bytes), opened.subarray(end));
    return good ? { type, bytes, limitedLength: end } : undefined;
  }

  dispose(): void {
    this.#cipher.dispose();
    this.#mac.dispose();
  }

  #next(): number {
    if (this.#sequence >= lastSequence) {
      throw new TlsError('record_limit', 'the record sequence number has reached its end under one key');
    }
    return this.#sequence++;
  }
}
