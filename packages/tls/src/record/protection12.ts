/**
 * Record protection by TLS 1.2's AEADs (RFC 5246 §6.2.3.3): AES-GCM (RFC 5288) and AES-CCM (RFC 6655), whose nonces are
 * a salt and eight bytes that every record carries; ChaCha20-Poly1305 (RFC 7905), whose nonces are made as in TLS 1.3.
 *
 * The eight bytes are the sequence number, so that no nonce comes twice under a key (RFC 9325 §7.2.1).
 *
 * @module
 */

import {
  type Aead,
  type AeadKey,
  type AeadName,
  type Bytes,
  type Cryptography,
  type MaybePromise,
  wipe,
} from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import type { DirectionKeys, ProtectionOptions, RecordCipher } from './cipher12.ts';
import { headerLength, type RawRecord } from './deframer.ts';
import type { Plaintext, Protection, SealedRecord } from './protection.ts';
import { lastSequence, recordNonce } from './protection13.ts';

/** Where an AEAD's nonces come from: bytes of the key block, and bytes in each record. */
interface NonceRule {
  readonly ivLength: 4 | 12;
  readonly explicitLength: 0 | 8;
}

const saltAndExplicit: NonceRule = { ivLength: 4, explicitLength: 8 };
const sequenceAndIv: NonceRule = { ivLength: 12, explicitLength: 0 };

/** Where a provider has an AEAD. */
export interface AeadSource {
  readonly name: string;
  readonly of: (provider: Cryptography) => Aead | undefined;
}

/** An AEAD that stands in a provider's table. */
export function aeadNamed(name: AeadName): AeadSource {
  return { name, of: ({ aeads }) => aeads[name] };
}

/** AES-GCM and AES-CCM. */
export function explicitNonceAead(aead: AeadSource, keyLength: number): RecordCipher {
  return row(aead, keyLength, saltAndExplicit);
}

/** ChaCha20-Poly1305. */
export function implicitNonceAead(aead: AeadSource, keyLength: number): RecordCipher {
  return row(aead, keyLength, sequenceAndIv);
}

function row(source: AeadSource, keyLength: number, rule: NonceRule): RecordCipher {
  return {
    macKeyLength: 0,
    keyLength,
    ivLength: rule.ivLength,
    encryptsThenMacs: false,
    supportedBy: (provider) => source.of(provider) !== undefined,
    protection: (provider, keys, options) => new AeadProtection12(provider, source, rule, keys, options),
  };
}

// AEADs borrow their arguments for the length of a call alone: all connections write them into the same memory.
const nonce: Uint8Array = new Uint8Array(12);
const additionalData: Uint8Array = new Uint8Array(13);

class AeadProtection12 implements Protection {
  readonly hidesType = false;
  readonly maxExpansion = 2048;
  /** TLS 1.2 has no key update to make room with; the sequence number's end is far beyond any connection's life. */
  readonly recordLimit: number = lastSequence;
  readonly #aead: AeadKey;
  readonly #tagLength: number;
  readonly #apart: boolean;
  readonly #rule: NonceRule;
  readonly #iv: Bytes;
  readonly #version: number;
  #sequence = 0;

  constructor(
    provider: Cryptography,
    source: AeadSource,
    rule: NonceRule,
    { key, iv }: DirectionKeys,
    { version }: ProtectionOptions,
  ) {
    const aead = source.of(provider);
    if (aead === undefined) throw new TlsError('internal', `the ${provider.name} provider has no ${source.name}`);
    this.#aead = aead.key(key);
    this.#tagLength = aead.tagLength;
    this.#apart = aead.reserveCopies === true;
    this.#rule = rule;
    this.#iv = new Uint8Array(iv);
    this.#version = version;
  }

  get records(): number {
    return this.#sequence;
  }

  protect(type: number, content: Uint8Array): MaybePromise<SealedRecord> {
    const { explicitLength } = this.#rule;
    const data = this.#nextData(type, content.length);
    const explicit = data.slice(0, explicitLength);
    const front = headerLength + explicitLength;
    const reserve = this.#apart ? 0 : front;
    const sealed = this.#aead.seal(this.#nonceOf(explicit), data, content, reserve);
    const finish = (payload: Bytes): SealedRecord => {
      const length = payload.length - reserve + explicitLength;
      const header = this.#apart ? new Uint8Array(front) : payload;
      header.set([type, this.#version >> 8, this.#version & 0xff, length >> 8, length & 0xff]);
      header.set(explicit, headerLength);
      return this.#apart ? [header, payload] : payload;
    };
    return sealed instanceof Uint8Array ? finish(sealed) : sealed.then(finish);
  }

  unprotect({ type, payload }: RawRecord): MaybePromise<Plaintext | undefined> {
    const { explicitLength } = this.#rule;
    const length = payload.length - explicitLength - this.#tagLength;
    if (length < 0) return undefined;
    const data = this.#nextData(type, length);
    const explicit = payload.subarray(0, explicitLength);
    const finish = (bytes: Bytes | undefined): Plaintext | undefined =>
      bytes && { type, bytes, limitedLength: bytes.length };
    const opened = this.#aead.open(this.#nonceOf(explicit), data, payload.subarray(explicitLength));
    return opened === undefined || opened instanceof Uint8Array ? finish(opened) : opened.then(finish);
  }

  dispose(): void {
    this.#aead.dispose();
    wipe(this.#iv);
  }

  /** additional_data: seq_num, type, version, length. The sequence number moves on. */
  #nextData(type: number, length: number): Uint8Array {
    if (this.#sequence >= lastSequence) {
      throw new TlsError('record_limit', 'the record sequence number has reached its end under one key');
    }
    writeSequence(this.#sequence++, additionalData);
    additionalData.set([type, this.#version >> 8, this.#version & 0xff, length >> 8, length & 0xff], 8);
    return additionalData;
  }

  /** By the bytes in the record, or by the sequence number that has just been used. */
  #nonceOf(explicit: Uint8Array): Uint8Array {
    if (this.#rule.explicitLength === 0) return recordNonce(this.#iv, this.#sequence - 1, nonce);
    nonce.set(this.#iv);
    nonce.set(explicit, this.#iv.length);
    return nonce;
  }
}

/** A 64-bit number, most significant byte first, at the beginning of `out`. */
export function writeSequence(sequence: number, out: Uint8Array): void {
  // By division: a sequence number beyond 2^32 never meets a 32-bit operator.
  let rest = sequence;
  for (let i = 7; i >= 0; i--) {
    out[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
