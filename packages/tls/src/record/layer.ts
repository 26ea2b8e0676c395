/**
 * The record layer over a byte stream: it turns handshake messages, application data and alerts into records and back
 * (RFC 9846 §5, RFC 5246 §6). How a record is protected is a `Protection`'s matter, which the version's flow puts in.
 *
 * Writing: a record takes its key and sequence number when it is queued, so that an asynchronous AEAD keeps order.
 * Reading: one record at a time.
 *
 * @module
 */

import { type Bytes, concat, isThenable, type MaybePromise } from '@handfast/crypto';
import { reasonOf, TlsError } from '../errors.ts';
import { type AlertName, alerts, contentType, TLS12, versionName } from '../registry.ts';
import { headerLength, maxPlaintext, type RawRecord } from './deframer.ts';
import type { Plaintext, Protection } from './protection.ts';

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
  #padding: PaddingPolicy | undefined;
  readonly #observe: RecordObserver | undefined;
  /** Called when a queued record, sealed asynchronously, is ready or has failed. */
  readonly #onSealed: (error?: unknown) => void;
  readonly #out: Queued[] = [];
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
    readonly onSealed: (error?: unknown) => void;
  }) {
    this.#padding = options.padding;
    this.#observe = options.observe;
    this.#onSealed = options.onSealed;
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
  }

  /** From here on up to `bytes` of what may be early data are dropped; undefined: no more. */
  skipEarlyData(bytes: number | undefined): void {
    this.#earlyDataToSkip = bytes;
  }

  /** Until the peer's first protected record its alert may come in the clear: it may have had no keys. */
  allowPlaintextAlerts(): void {
    this.#plaintextAlerts = true;
  }

  /** Deprotects a record. `undefined`: it was early data, and is dropped. */
  open(record: RawRecord): MaybePromise<Content | undefined> {
    const { type, header } = record;
    this.#checkVersion(header);
    const read = this.#read;
    if (read === undefined) {
      if (type === contentType.application_data && this.#earlyDataToSkip !== undefined) {
        return this.#skip(record.payload.length, 'unexpected_message');
      }
      return this.#inTheClear(record);
    }
    if (read.hidesType && type !== contentType.application_data) {
      if (type === contentType.change_cipher_spec) return this.#inTheClear(record);
      if (type === contentType.alert && this.#plaintextAlerts) return this.#inTheClear(record);
      throw new TlsError(
        'unexpected_message',
        `a record in plaintext (${typeName(type)}) came after keys were in place`,
      );
    }
    const { length } = record.payload;
    const plaintext = read.unprotect(record);
    return isThenable(plaintext)
      ? plaintext.then((opened) => this.#opened(opened, length))
      : this.#opened(plaintext, length);
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
      return;
    }
    const queued: Queued = { record: undefined };
    this.#out.push(queued);
    sealed.then(
      (record) => {
        queued.record = record;
        this.#onSealed();
      },
      (error: unknown) => {
        // It will never be ready: nothing waits for it.
        this.#out.splice(this.#out.indexOf(queued), 1);
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
