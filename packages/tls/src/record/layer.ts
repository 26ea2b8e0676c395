/**
 * The TLS 1.3 record layer over a byte stream: the one that turns handshake messages, application data and alerts into
 * records and back (RFC 9846 §5). It is the `Carrier` that flows give their secrets to.
 *
 * Writing: a record takes its key and sequence number when it is queued, so that an asynchronous AEAD keeps order.
 * Reading: one record at a time.
 *
 * @module
 */

import { type Bytes, type CryptoProvider, concat, isThenable, type MaybePromise, wipe } from '@handfast/crypto';
import { reasonOf, TlsError } from '../errors.ts';
import { type AlertName, alerts, type CipherSuite, contentType, TLS12 } from '../registry.ts';
import { headerLength, maxCiphertext, maxPlaintext, type RawRecord } from './deframer.ts';
import { RecordProtection, type TrafficKey } from './protection13.ts';

/** A record's content, deprotected. */
export interface Content {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly protected: boolean;
}

/** How many bytes of padding a record of `length` content bytes gets. */
export type PaddingPolicy = (length: number, type: 'application_data' | 'handshake' | 'alert') => number;

export type RecordObserver = (direction: 'in' | 'out', type: number, length: number, isProtected: boolean) => void;

interface Queued {
  record: Bytes | undefined;
}

const typeNames = { 21: 'alert', 22: 'handshake', 23: 'application_data' } as const;

export class RecordLayer {
  readonly #provider: CryptoProvider;
  #padding: PaddingPolicy | undefined;
  readonly #observe: RecordObserver | undefined;
  /** Called when a queued record, sealed asynchronously, is ready or has failed. */
  readonly #onSealed: (error?: unknown) => void;
  readonly #out: Queued[] = [];
  #pendingHandshake: Bytes[] = [];
  #write: RecordProtection | undefined;
  #read: RecordProtection | undefined;
  #inner: Uint8Array = new Uint8Array(0);
  /** The largest TLSInnerPlaintext that the peer takes (RFC 8449), type byte and padding included. */
  #maxInnerOut: number = maxPlaintext + 1;
  #maxInnerIn: number = maxPlaintext + 1;
  /** legacy_record_version of the first ClientHello's record. */
  #firstRecord: boolean;
  /** Bytes of early data that may still be skipped: a server that said no (RFC 9846 §4.3.10). */
  #earlyDataToSkip = 0;
  #plaintextAlerts = false;

  constructor(options: {
    readonly provider: CryptoProvider;
    readonly role: 'client' | 'server';
    readonly padding: PaddingPolicy | undefined;
    readonly observe: RecordObserver | undefined;
    readonly onSealed: (error?: unknown) => void;
  }) {
    this.#provider = options.provider;
    this.#padding = options.padding;
    this.#observe = options.observe;
    this.#onSealed = options.onSealed;
    this.#firstRecord = options.role === 'client';
  }

  // ---- writing

  /** Queues a handshake message; messages of one flight share records. */
  handshake(message: Bytes): void {
    this.#pendingHandshake.push(message);
  }

  /** Makes records of the queued handshake messages: at a flight's end, and before anything else is written. */
  flushHandshake(): void {
    if (this.#pendingHandshake.length === 0) return;
    const [only, ...more] = this.#pendingHandshake;
    const flight = only !== undefined && more.length === 0 ? only : concat(...this.#pendingHandshake);
    this.#pendingHandshake = [];
    this.#fragments(contentType.handshake, flight);
  }

  applicationData(data: Uint8Array): void {
    this.flushHandshake();
    this.#fragments(contentType.application_data, data);
  }

  alert(name: AlertName): void {
    this.flushHandshake();
    const level = name === 'close_notify' || name === 'user_canceled' ? 1 : 2;
    this.#record(contentType.alert, Uint8Array.of(level, alerts[name]));
  }

  /** The record that middleboxes like to see (RFC 9846 appendix E.4); never protected. */
  changeCipherSpec(): void {
    this.flushHandshake();
    this.#plain(contentType.change_cipher_spec, Uint8Array.of(1));
  }

  setWriteKey(suite: CipherSuite, key: TrafficKey): void {
    this.flushHandshake();
    this.#write?.dispose();
    this.#write = new RecordProtection(this.#provider, suite, key);
  }

  /** Records under the current write key, and how many it may protect. */
  get writeUsage(): { readonly records: number; readonly limit: number } {
    return { records: this.#write?.records ?? 0, limit: this.#write?.suite.recordLimit ?? lastPossible };
  }

  /** Content bytes of a full record. */
  get maxContent(): number {
    return this.#write === undefined ? maxPlaintext : Math.min(maxPlaintext, this.#maxInnerOut - 1);
  }

  /** Whole records that are ready, in order. */
  takeOutput(): Bytes[] {
    const ready: Bytes[] = [];
    while (this.#out[0]?.record !== undefined) ready.push((this.#out.shift() as { record: Bytes }).record);
    return ready;
  }

  /** Whether records wait for an asynchronous AEAD. */
  get sealing(): boolean {
    return this.#out.some(({ record }) => record === undefined);
  }

  /** record_size_limit (RFC 8449) of both sides, where agreed: bytes of TLSInnerPlaintext. */
  setRecordSizeLimits(limits: { readonly peer?: number; readonly own?: number }): void {
    if (limits.peer !== undefined) this.#maxInnerOut = Math.min(limits.peer, maxPlaintext + 1);
    if (limits.own !== undefined) this.#maxInnerIn = Math.min(limits.own, maxPlaintext + 1);
  }

  // ---- reading

  /** The largest payload that a record may have now. */
  get maxPayload(): number {
    return this.#read === undefined && this.#earlyDataToSkip === 0 ? maxPlaintext : maxCiphertext;
  }

  setReadKey(suite: CipherSuite, key: TrafficKey): void {
    this.#read?.dispose();
    this.#read = new RecordProtection(this.#provider, suite, key);
  }

  /** From here on up to `bytes` of what may be early data are dropped. */
  skipEarlyData(bytes: number): void {
    this.#earlyDataToSkip = bytes;
  }

  /** Until the peer's first protected record its alert may come in the clear: it may have had no keys. */
  allowPlaintextAlerts(): void {
    this.#plaintextAlerts = true;
  }

  /** Deprotects a record. `undefined`: it was early data, and is dropped. ChangeCipherSpec comes back as it is. */
  open(record: RawRecord): MaybePromise<Content | undefined> {
    const { type, header, payload } = record;
    if (type === contentType.change_cipher_spec) return { type, bytes: payload, protected: false };
    if (this.#read === undefined) {
      if (type === contentType.application_data && this.#earlyDataToSkip > 0) {
        return this.#skip(payload.length, 'unexpected_message');
      }
      this.#observe?.('in', type, payload.length, false);
      return { type, bytes: payload, protected: false };
    }
    if (type !== contentType.application_data) {
      if (type === contentType.alert && this.#plaintextAlerts) {
        this.#observe?.('in', type, payload.length, false);
        return { type, bytes: payload, protected: false };
      }
      throw new TlsError(
        'unexpected_message',
        `a ${typeName(type)} record came in plaintext, after keys were in place`,
      );
    }
    const { length } = payload;
    const inner = this.#read.open(header, payload);
    return isThenable(inner) ? inner.then((opened) => this.#opened(opened, length)) : this.#opened(inner, length);
  }

  #opened(inner: Uint8Array | undefined, sealedLength: number): Content | undefined {
    if (inner === undefined) {
      if (this.#earlyDataToSkip > 0) return this.#skip(sealedLength, 'bad_record_mac');
      throw new TlsError('bad_record_mac', 'a record does not authenticate: it was changed on its way, or keys differ');
    }
    this.#earlyDataToSkip = 0;
    this.#plaintextAlerts = false;
    if (inner.length > this.#maxInnerIn) {
      throw new TlsError(
        'record_overflow',
        `a record holds ${inner.length} bytes, where ${this.#maxInnerIn} are the most`,
      );
    }
    let end = inner.length - 1;
    while (end >= 0 && inner[end] === 0) end--;
    const type = inner[end];
    if (type === undefined) {
      throw new TlsError('unexpected_message', 'a protected record holds padding alone: its content type is absent');
    }
    this.#observe?.('in', type, end, true);
    return { type, bytes: inner.subarray(0, end), protected: true };
  }

  #skip(length: number, otherwise: 'unexpected_message' | 'bad_record_mac'): undefined {
    this.#earlyDataToSkip -= length;
    if (this.#earlyDataToSkip <= 0) {
      throw new TlsError(otherwise, 'the client sent more early data than is skipped for it, and none was accepted');
    }
    return undefined;
  }

  /** Forgets all keys; what is queued and sealed stays. */
  dispose(): void {
    this.#write?.dispose();
    this.#read?.dispose();
    this.#write = undefined;
    this.#read = undefined;
    wipe(this.#inner);
  }

  #fragments(type: 22 | 23, bytes: Uint8Array): void {
    const most = this.maxContent;
    for (let at = 0; at < bytes.length; at += most) this.#record(type, bytes.subarray(at, at + most));
  }

  #record(type: 21 | 22 | 23, content: Uint8Array): void {
    if (this.#write === undefined) {
      this.#plain(type, content);
      return;
    }
    const padding = Math.max(
      0,
      Math.min(this.#wantedPadding(content.length, type), this.#maxInnerOut - 1 - content.length),
    );
    const length = content.length + 1 + padding;
    if (this.#inner.length < length) this.#inner = new Uint8Array(Math.max(length, 2 * this.#inner.length));
    const inner = this.#inner.subarray(0, length);
    inner.set(content);
    inner[content.length] = type;
    inner.fill(0, content.length + 1);
    this.#observe?.('out', type, content.length, true);
    const sealed = this.#write.seal(inner);
    if (!isThenable(sealed)) {
      this.#out.push({ record: sealed });
      return;
    }
    const queued: Queued = { record: undefined };
    this.#out.push(queued);
    sealed.then(
      (record) => {
        queued.record = record;
        this.#onSealed();
      },
      (error: unknown) => this.#onSealed(error),
    );
  }

  #wantedPadding(length: number, type: 21 | 22 | 23): number {
    if (this.#padding === undefined) return 0;
    try {
      return Math.trunc(this.#padding(length, typeNames[type])) || 0;
    } catch (cause) {
      // The alert that tells of it goes out without padding.
      this.#padding = undefined;
      throw new TlsError('callback_failed', `the padding callback failed: ${reasonOf(cause)}`, { cause });
    }
  }

  #plain(type: number, content: Uint8Array): void {
    this.#observe?.('out', type, content.length, false);
    // RFC 9846 §5.1: the first ClientHello's record says 0x0301, for old servers' sake; all others 0x0303.
    const version = this.#firstRecord ? 0x0301 : TLS12;
    if (type === contentType.handshake) this.#firstRecord = false;
    const record = new Uint8Array(headerLength + content.length);
    record.set([type, version >> 8, version & 0xff, content.length >> 8, content.length & 0xff]);
    record.set(content, headerLength);
    this.#out.push({ record });
  }
}

const lastPossible = Number.MAX_SAFE_INTEGER;

function typeName(type: number): string {
  return type in typeNames ? typeNames[type as keyof typeof typeNames] : `type ${type}`;
}
