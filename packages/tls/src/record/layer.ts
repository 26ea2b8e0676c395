/**
 * The record layer over a byte stream: it turns handshake messages, application data and alerts into records and back
 * (RFC 9846 §5, RFC 5246 §6). How a record is protected is a `Protection`'s matter, which the version's flow puts in.
 *
 * Writing: a record takes its key and sequence number when it is queued, so that an asynchronous AEAD keeps order.
 * Reading: a record that a synchronous AEAD opens is opened and taken at once; of an asynchronous one see `read-queue.ts`.
 *
 * @module
 */

import { type Bytes, concat, isThenable, type MaybePromise } from '@handfast/crypto';
import { reasonOf, TlsError } from '../errors.ts';
import { type AlertName, alerts, contentType, TLS12, versionName } from '../registry.ts';
import { headerLength, maxPlaintext, type RawRecord } from './deframer.ts';
import type { Plaintext, Protection, SealedRecord } from './protection.ts';
import { ReadQueue, type Unprotected } from './read-queue.ts';

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
  record: SealedRecord | undefined;
}

/** So many records are with an asynchronous AEAD at most: more are no faster, and their memory is the platform's. */
const mostSealing = 16;
/** More is asked for when so many of them can begin at once. */
const leastRoom = 4;

const typeNames = { 21: 'alert', 22: 'handshake', 23: 'application_data' } as const;

export class RecordLayer {
  #padding: PaddingPolicy | undefined;
  readonly #observe: RecordObserver | undefined;
  readonly #onReady: ((record: Bytes) => void) | undefined;
  /** So many of `#out`, from the first, have been told of as ready. */
  #told = 0;
  /** Called when a queued record, sealed asynchronously, is ready or has failed. */
  readonly #onSealed: (error?: unknown) => void;
  /** Called when `takeOpened` has something to give. */
  readonly #onOpened: () => void;
  /** Made when an asynchronous AEAD opens the first record. */
  #queue: ReadQueue | undefined;
  #readsAhead = false;
  readonly #out: Queued[] = [];
  #sealing = 0;
  #pendingHandshake: Bytes[] = [];
  #write: Protection | undefined;
  #read: Protection | undefined;
  /** record_size_limit (RFC 8449) of both sides: where types are hidden, type byte and padding count. */
  #limitOut: number = maxPlaintext + 1;
  #limitIn: number = maxPlaintext + 1;
  /** max_fragment_length (RFC 6066 §4): of every record, both ways. */
  #maxFragment: number = maxPlaintext;
  /** What we wish to send at most. */
  #maxSent: number = maxPlaintext;
  /** What our records say. */
  #version: number;
  /** What the peer's must say; undefined: anything, as TLS 1.3 wants and as the first flight is. */
  #expectedVersion: number | undefined;
  /** Bytes of early data that may still be skipped: a server that said no (RFC 9846 §4.3.10). */
  #earlyDataToSkip: number | undefined;
  #plaintextAlerts = false;
  /** Whether what is read knows of the sizes that were agreed on. */
  #readsAgreedSizes = true;

  constructor(options: {
    readonly role: 'client' | 'server';
    readonly padding: PaddingPolicy | undefined;
    readonly observe: RecordObserver | undefined;
    /** Told of each record as it is ready for the transport, in order. */
    readonly onReady: ((record: Bytes) => void) | undefined;
    readonly onSealed: (error?: unknown) => void;
    readonly onOpened: () => void;
  }) {
    this.#padding = options.padding;
    this.#observe = options.observe;
    this.#onReady = options.onReady;
    this.#onSealed = options.onSealed;
    this.#onOpened = options.onOpened;
    // RFC 9846 §5.1: the first ClientHello's record says 0x0301, for old servers' sake; all others 0x0303.
    this.#version = options.role === 'client' ? 0x0301 : TLS12;
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

  /** @param level 1 for a warning, 2 for the end. */
  alert(name: AlertName, level: 1 | 2): void {
    this.flushHandshake();
    this.#record(contentType.alert, Uint8Array.of(level, alerts[name]));
  }

  /**
   * ChangeCipherSpec: for TLS 1.3 the record that middleboxes like to see (RFC 9846 appendix E.4), never protected; before
   * it, the last record of the old keys.
   */
  changeCipherSpec(): void {
    this.flushHandshake();
    const one = Uint8Array.of(1);
    if (this.#write?.hidesType) this.#plain(contentType.change_cipher_spec, one);
    else this.#record(contentType.change_cipher_spec, one);
  }

  /** Everything written after this is protected so; what was written before keeps its key. */
  setWriteProtection(protection: Protection): void {
    this.flushHandshake();
    this.#write?.dispose();
    this.#write = protection;
  }

  /** What is written after this is in the clear again: a second hello, behind early data (RFC 9846 §4.2.2). */
  endWriteProtection(): void {
    this.flushHandshake();
    this.#write?.dispose();
    this.#write = undefined;
  }

  /** What the first hello's record says. */
  setHelloVersion(version: number): void {
    this.#version = version;
  }

  /** Before TLS 1.3 records say their version, and a record of another one is refused. */
  setVersion(version: number): void {
    this.#version = version;
    this.#expectedVersion = version;
  }

  /** Records under the current write key, and how many it may protect. */
  get writeUsage(): { readonly records: number; readonly limit: number } {
    return { records: this.#write?.records ?? 0, limit: this.#write?.recordLimit ?? lastPossible };
  }

  /** Content bytes of a full record. */
  get maxContent(): number {
    const most = Math.min(this.#maxFragment, this.#maxSent);
    if (this.#write === undefined) return most;
    return Math.min(most, this.#limitOut - (this.#write.hidesType ? 1 : 0));
  }

  /** Whole records that are ready, in order; some in two pieces where these are `apart`. */
  takeOutput(apart = false): Bytes[] {
    const ready: Bytes[] = [];
    for (let record = this.#out[0]?.record; record !== undefined; record = this.#out[0]?.record) {
      if (record instanceof Uint8Array) ready.push(record);
      else if (apart) ready.push(...record);
      else ready.push(concat(...record));
      this.#out.shift();
    }
    this.#told = 0;
    return ready;
  }

  /** Whether records wait for an asynchronous AEAD. */
  get sealing(): boolean {
    return this.#sealing > 0;
  }

  /** Whether so many wait that application data is to be held back. Whatever else there is to say goes out all the same. */
  get writesFull(): boolean {
    return this.#sealing >= mostSealing;
  }

  /** Bytes of application data until then; 0 where it is less than a few records. */
  get writeRoom(): number {
    const records = mostSealing - this.#sealing;
    return records < leastRoom ? 0 : records * this.maxContent;
  }

  /** record_size_limit (RFC 8449) of both sides, where agreed: it counts for protected records. */
  setRecordSizeLimits(limits: { readonly peer?: number; readonly own?: number }): void {
    if (limits.peer !== undefined) this.#limitOut = Math.min(limits.peer, maxPlaintext + 1);
    if (limits.own !== undefined) this.#limitIn = Math.min(limits.own, maxPlaintext + 1);
  }

  /** No record of ours holds more from here on. */
  setMaxSent(length: number): void {
    this.#maxSent = length;
  }

  /** max_fragment_length (RFC 6066 §4), where agreed: it counts for all records, both ways. */
  setMaxFragment(length: number): void {
    this.#maxFragment = length;
  }

  // ---- reading

  /** The largest payload that a record may have now. */
  get maxPayload(): number {
    if (this.#read !== undefined) return maxPlaintext + this.#read.maxExpansion;
    return this.#earlyDataToSkip !== undefined ? maxPlaintext + earlyExpansion : maxPlaintext;
  }

  /** @param agreedSizes false for early data: who sent it had not heard of our sizes yet. */
  setReadProtection(protection: Protection, agreedSizes = true): void {
    this.#read?.dispose();
    this.#read = protection;
    this.#readsAgreedSizes = agreedSizes;
    this.#queue?.reopen();
  }

  /** The handshake is over: where an AEAD is asynchronous, records are opened ahead from here on. */
  readAhead(): void {
    this.#readsAhead = true;
    if (this.#queue) this.#queue.ahead = true;
  }

  /** From here on up to `bytes` of what may be early data are dropped; undefined: no more. */
  skipEarlyData(bytes: number | undefined): void {
    this.#earlyDataToSkip = bytes;
  }

  /** Until the peer's first protected record its alert may come in the clear: it may have had no keys. */
  allowPlaintextAlerts(): void {
    this.#plaintextAlerts = true;
  }

  /** Deprotects a record. `undefined`: it was early data, and is dropped; or it waits, and `takeOpened` will have it. */
  open(record: RawRecord): Content | undefined {
    if (this.#queue?.empty === false) {
      this.#queue.add(record);
      return undefined;
    }
    const holds = this.#unprotect(record);
    if (!isThenable(holds)) return this.#accept(record, holds);
    this.#queue ??= new ReadQueue({ unprotect: (behind) => this.#unprotect(behind), opened: this.#onOpened });
    this.#queue.ahead = this.#readsAhead;
    this.#queue.addFirst(record, holds);
    return undefined;
  }

  /** Whether records wait for an asynchronous AEAD to open them. */
  get opening(): boolean {
    return this.#queue?.empty === false;
  }

  /** Whether so many wait that `open` must not be called for now. */
  get readsFull(): boolean {
    return this.#queue?.full === true;
  }

  /** Whether `takeOpened` has something to give. */
  get opened(): boolean {
    return this.#queue?.opened === true;
  }

  /** What the next of the waiting records holds; `undefined` as for `open`. Throws what it fails of. */
  takeOpened(): Content | undefined {
    const next = this.#queue?.take();
    return next && this.#accept(next.record, next.holds);
  }

  /** No record can be cut from what was received behind those that wait: it counts after them. */
  failBehind(error: unknown): void {
    this.#queue?.addFailure(error);
  }

  /** What waits is not wanted any more. */
  stopReading(): void {
    this.#queue?.clear();
  }

  #unprotect(record: RawRecord): MaybePromise<Unprotected> {
    const { type, header } = record;
    this.#checkVersion(header);
    const read = this.#read;
    if (read === undefined) return null;
    if (read.hidesType && type !== contentType.application_data) {
      if (type === contentType.change_cipher_spec) return null;
      if (type === contentType.alert && this.#plaintextAlerts) return null;
      throw new TlsError(
        'unexpected_message',
        `a record in plaintext (${typeName(type)}) came after keys were in place`,
      );
    }
    return read.unprotect(record);
  }

  #accept(record: RawRecord, holds: Unprotected): Content | undefined {
    const { length } = record.payload;
    if (holds !== null) return this.#opened(holds, length);
    const isData = this.#read === undefined && record.type === contentType.application_data;
    if (isData && this.#earlyDataToSkip !== undefined) return this.#skip(length, 'unexpected_message');
    return this.#inTheClear(record);
  }

  #checkVersion(header: Uint8Array): void {
    if (this.#expectedVersion === undefined) return;
    const version = ((header[1] as number) << 8) | (header[2] as number);
    if (version === this.#expectedVersion) return;
    const agreed = versionName(this.#expectedVersion);
    throw new TlsError('protocol_version', `a record of ${versionName(version)} came, after ${agreed} was agreed on`);
  }

  #inTheClear({ type, payload }: RawRecord): Content {
    if (payload.length > this.#maxFragment) throw tooLong(payload.length, this.#maxFragment);
    if (type !== contentType.change_cipher_spec) this.#observe?.('in', type, payload.length, false);
    return { type, bytes: payload, protected: false };
  }

  #opened(plaintext: Plaintext | undefined, sealedLength: number): Content | undefined {
    if (plaintext === undefined) {
      if (this.#earlyDataToSkip !== undefined) return this.#skip(sealedLength, 'bad_record_mac');
      throw new TlsError('bad_record_mac', 'a record does not authenticate: it was changed on its way, or keys differ');
    }
    this.#earlyDataToSkip = undefined;
    this.#plaintextAlerts = false;
    const { type, bytes, limitedLength } = plaintext;
    if (this.#readsAgreedSizes) {
      if (limitedLength > this.#limitIn) throw tooLong(limitedLength, this.#limitIn);
      if (bytes.length > this.#maxFragment) throw tooLong(bytes.length, this.#maxFragment);
    }
    if (type === 0) {
      throw new TlsError('unexpected_message', 'a protected record holds padding alone: its content type is absent');
    }
    this.#observe?.('in', type, bytes.length, true);
    return { type, bytes, protected: true };
  }

  #skip(length: number, otherwise: 'unexpected_message' | 'bad_record_mac'): undefined {
    // Its content, as max_early_data_size counts it: what is beside that in a record is no less than a type and a tag.
    this.#earlyDataToSkip = (this.#earlyDataToSkip ?? 0) - Math.max(1, length - 17);
    if (this.#earlyDataToSkip < 0) {
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
    this.stopReading();
  }

  #fragments(type: 22 | 23, bytes: Uint8Array): void {
    const most = this.maxContent;
    let at = 0;
    const first = type === contentType.application_data ? this.#write?.firstFragment : undefined;
    if (first !== undefined && bytes.length > first) {
      this.#record(type, bytes.subarray(0, first));
      at = first;
    }
    for (; at < bytes.length; at += most) this.#record(type, bytes.subarray(at, at + most));
  }

  #record(type: 20 | 21 | 22 | 23, content: Uint8Array): void {
    const write = this.#write;
    if (write === undefined) {
      this.#plain(type, content);
      return;
    }
    const padding = write.hidesType
      ? Math.max(0, Math.min(this.#wantedPadding(content.length, type), this.#limitOut - 1 - content.length))
      : 0;
    this.#observe?.('out', type, content.length, true);
    const sealed = write.protect(type, content, padding);
    if (!isThenable(sealed)) {
      this.#out.push({ record: sealed });
      this.#tellReady();
      return;
    }
    const queued: Queued = { record: undefined };
    this.#out.push(queued);
    this.#sealing++;
    sealed.then(
      (record) => {
        this.#sealing--;
        queued.record = record;
        this.#tellReady();
        if (this.#out[0] === queued) this.#onSealed();
      },
      (error: unknown) => {
        // It will never be ready: nothing waits for it.
        this.#sealing--;
        this.#out.splice(this.#out.indexOf(queued), 1);
        this.#tellReady();
        this.#onSealed(error);
      },
    );
  }

  #wantedPadding(length: number, type: 20 | 21 | 22 | 23): number {
    if (this.#padding === undefined || type === contentType.change_cipher_spec) return 0;
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
    const version = this.#version;
    if (this.#expectedVersion === undefined && type === contentType.handshake) this.#version = TLS12;
    const record = new Uint8Array(headerLength + content.length);
    record.set([type, version >> 8, version & 0xff, content.length >> 8, content.length & 0xff]);
    record.set(content, headerLength);
    this.#out.push({ record });
    this.#tellReady();
  }

  /** What `takeOutput` would give now, and has not been told of. */
  #tellReady(): void {
    if (this.#onReady === undefined) return;
    for (let next = this.#out[this.#told]; next?.record !== undefined; next = this.#out[++this.#told]) {
      this.#onReady(next.record instanceof Uint8Array ? next.record : concat(...next.record));
    }
  }
}

const lastPossible = Number.MAX_SAFE_INTEGER;

/** TLS 1.3's (RFC 9846 §5.2): early data is of that version alone. */
const earlyExpansion = 256;

function tooLong(length: number, most: number): TlsError {
  return new TlsError('record_overflow', `a record holds ${length} bytes, where ${most} are the most`);
}

function typeName(type: number): string {
  return type in typeNames ? typeNames[type as keyof typeof typeNames] : `type ${type}`;
}
