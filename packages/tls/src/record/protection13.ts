/**
 * Record protection of TLS 1.3 (RFC 9846 §5.2 to §5.5): one key, one direction; nonces from a 64-bit sequence number.
 *
 * @module
 */

import { type AeadKey, type Bytes, type Cryptography, isThenable, type MaybePromise, wipe } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import { contentType, TLS12, type Tls13CipherSuite } from '../registry.ts';
import { headerLength, maxPlaintext, type RawRecord } from './deframer.ts';
import type { Plaintext, Protection, SealedRecord } from './protection.ts';

export interface TrafficKey {
  readonly key: Uint8Array;
  /** 12 bytes. */
  readonly iv: Uint8Array;
}

/** The sequence number is a double: exact up to here. RFC 9846's 2^64 - 1 is out of reach long before. */
export const lastSequence: number = Number.MAX_SAFE_INTEGER;

/** The nonce of a record: the sequence number, left-padded, XOR the IV. Written to `out`. */
export function recordNonce(iv: Uint8Array, sequence: number, out: Uint8Array): Uint8Array {
  out.set(iv);
  // By division: a sequence number beyond 2^32 never meets a 32-bit operator.
  let rest = sequence;
  for (let i = 11; rest > 0; i--) {
    out[i] = (out[i] as number) ^ (rest % 256);
    rest = Math.floor(rest / 256);
  }
  return out;
}

/** The largest TLSInnerPlaintext: a content of 2^14 bytes, and its type. */
export const maxInnerPlaintext: number = maxPlaintext + 1;

// AEADs borrow their arguments for the length of a call alone: all connections write them into the same memory.
const nonce: Uint8Array = new Uint8Array(12);
const header: Bytes = new Uint8Array(headerLength);
let scratch: Uint8Array = new Uint8Array(0);

/** One direction's key in use. */
export class RecordProtection implements Protection {
  readonly hidesType = true;
  readonly maxExpansion = 256;
  readonly suite: Tls13CipherSuite;
  readonly #aead: AeadKey;
  readonly #iv: Bytes;
  readonly #apart: boolean;
  #sequence: number;

  /** The key's bytes are copied: the caller wipes its own. `sequence` is for tests of its far end. */
  constructor(provider: Cryptography, suite: Tls13CipherSuite, { key, iv }: TrafficKey, sequence = 0) {
    const aead = provider.aeads[suite.aead];
    if (aead === undefined) throw new TlsError('internal', `the ${provider.name} provider has no ${suite.aead}`);
    this.suite = suite;
    this.#aead = aead.key(key);
    this.#iv = new Uint8Array(iv);
    this.#apart = aead.reserveCopies === true;
    this.#sequence = sequence;
  }

  /** Records sealed or opened under this key. */
  get records(): number {
    return this.#sequence;
  }

  get recordLimit(): number {
    return this.suite.recordLimit;
  }

  protect(type: number, content: Uint8Array, padding: number): MaybePromise<SealedRecord> {
    const length = content.length + 1 + padding;
    if (scratch.length < length) scratch = new Uint8Array(Math.max(length, 2 * scratch.length));
    const inner = scratch.subarray(0, length);
    inner.set(content);
    inner[content.length] = type;
    inner.fill(0, content.length + 1);
    try {
      return this.#apart ? this.#sealApart(inner) : this.seal(inner);
    } finally {
      wipe(inner);
    }
  }

  unprotect({ header, payload }: RawRecord): MaybePromise<Plaintext | undefined> {
    const inner = this.open(header, payload);
    return isThenable(inner) ? inner.then(plaintextOf) : plaintextOf(inner);
  }

  /**
   * A whole record, header included, around a TLSInnerPlaintext (content, type, padding).
   */
  seal(inner: Uint8Array): MaybePromise<Bytes> {
    this.#writeHeader(inner);
    const record = this.#aead.seal(this.#nextNonce(), header, inner, headerLength);
    if (record instanceof Uint8Array) return withHeader(record, header);
    const ownHeader = header.slice();
    return record.then((sealed) => withHeader(sealed, ownHeader));
  }

  #sealApart(inner: Uint8Array): MaybePromise<SealedRecord> {
    this.#writeHeader(inner);
    const ownHeader = header.slice();
    const payload = this.#aead.seal(this.#nextNonce(), ownHeader, inner);
    return payload instanceof Uint8Array ? [ownHeader, payload] : payload.then((sealed) => [ownHeader, sealed]);
  }

  #writeHeader(inner: Uint8Array): void {
    const length = inner.length + this.suite.tagLength;
    header[0] = contentType.application_data;
    header[1] = TLS12 >> 8;
    header[2] = TLS12 & 0xff;
    header[3] = length >> 8;
    header[4] = length & 0xff;
  }

  /** The TLSInnerPlaintext, or undefined where the record does not authenticate. The sequence number moves on success. */
  open(header: Uint8Array, payload: Uint8Array): MaybePromise<Bytes | undefined> {
    const sequence = this.#sequence;
    const inner = this.#aead.open(this.#nextNonce(), header, payload);
    if (inner === undefined) this.#sequence = sequence;
    if (inner === undefined || inner instanceof Uint8Array) return inner;
    return inner.then((opened) => {
      // Others may have been begun since: then this failure is the end, or none that counts.
      if (opened === undefined && this.#sequence === sequence + 1) this.#sequence = sequence;
      return opened;
    });
  }

  dispose(): void {
    this.#aead.dispose();
    wipe(this.#iv);
  }

  #nextNonce(): Uint8Array {
    if (this.#sequence >= lastSequence) {
      throw new TlsError('record_limit', 'the record sequence number has reached its end under one key');
    }
    return recordNonce(this.#iv, this.#sequence++, nonce);
  }
}

/** TLSInnerPlaintext: content, type, zeros (RFC 9846 §5.4). */
function plaintextOf(inner: Bytes | undefined): Plaintext | undefined {
  if (inner === undefined) return undefined;
  let end = inner.length - 1;
  while (end >= 0 && inner[end] === 0) end--;
  // Without a type: refused by the layer as type 0, after the length.
  const type = inner[end] ?? 0;
  return { type, bytes: inner.subarray(0, Math.max(0, end)), limitedLength: inner.length };
}

function withHeader(record: Bytes, header: Uint8Array): Bytes {
  record.set(header);
  return record;
}
