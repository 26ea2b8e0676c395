/**
 * Cuts a byte stream into TLS records (RFC 9846 §5.1): header checks, and at most one partial record in memory.
 *
 * What a record holds, and whether its type is welcome, is the layer's to say.
 *
 * @module
 */

import { TlsError } from '../errors.ts';
import { contentType } from '../registry.ts';

export interface RawRecord {
  readonly type: number;
  /** The five bytes before the payload: an AEAD's additional data. Valid until the next call. */
  readonly header: Uint8Array;
  /** Valid until the next call, and as long as the input is. */
  readonly payload: Uint8Array;
}

export const headerLength = 5;
/** 2^14: the largest plaintext of a record. */
export const maxPlaintext = 16_384;
/** 2^14 + 2048: the largest protected payload of any version (RFC 5246 §6.2.3); TLS 1.3 stops at 2^14 + 256. */
export const maxCiphertext: number = maxPlaintext + 2048;

/** What a stream that is not TLS begins with, by its first bytes. */
const otherProtocols: readonly (readonly [RegExp, string])[] = [
  [/^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|TRACE|PRI) ?/, 'an HTTP request'],
  [/^HTTP/, 'an HTTP response'],
  [/^SSH-/, 'an SSH banner'],
  [/^(220|421|554)[ -]/, 'an SMTP or FTP greeting'],
  [/^(EHLO|HELO)/, 'an SMTP command'],
  [/^\* (OK|BYE|PREAUTH)/, 'an IMAP greeting'],
  [/^\+OK/, 'a POP3 greeting'],
  [/^<\?xml|^<stream/, 'an XMPP stream'],
];

const empty: Uint8Array = new Uint8Array(0);

export class Deframer {
  /** The beginning of a record whose end has not come. */
  #partial: Uint8Array = empty;
  #partialLength = 0;
  #seenRecord = false;

  /** Whether the stream stands inside a record. */
  get midRecord(): boolean {
    return this.#partialLength > 0;
  }

  /**
   * Takes the next record from `input` at `from`. Answers the record and how many bytes of `input` it took; with no
   * record all of the input was taken into memory.
   *
   * @param maxPayload 2^14 before keys, what the protection takes after.
   */
  next(input: Uint8Array, from: number, maxPayload: number): { readonly record?: RawRecord; readonly taken: number } {
    const available = input.length - from;
    if (this.#partialLength === 0 && available >= headerLength) {
      // The usual case: a whole record in the input needs no copy.
      const length = this.#checkHeader(input, from, maxPayload);
      if (available >= headerLength + length) return this.#cut(input, from, length, headerLength + length);
    }
    return this.#collect(input, from, available, maxPayload);
  }

  #collect(
    input: Uint8Array,
    from: number,
    available: number,
    maxPayload: number,
  ): { readonly record?: RawRecord; readonly taken: number } {
    // Made when the first record comes in pieces: many connections never need it.
    if (this.#partial === empty) this.#partial = new Uint8Array(headerLength + maxCiphertext);
    let taken = 0;
    const fill = (upTo: number): boolean => {
      const count = Math.min(upTo - this.#partialLength, available - taken);
      if (count > 0) {
        this.#partial.set(input.subarray(from + taken, from + taken + count), this.#partialLength);
        this.#partialLength += count;
        taken += count;
      }
      return this.#partialLength >= upTo;
    };
    if (!fill(headerLength)) {
      if (this.#partialLength > 0) this.#checkType(this.#partial, 0, this.#partialLength);
      return { taken };
    }
    const length = this.#checkHeader(this.#partial, 0, maxPayload);
    if (!fill(headerLength + length)) return { taken };
    this.#partialLength = 0;
    return this.#cut(this.#partial, 0, length, taken);
  }

  #cut(bytes: Uint8Array, at: number, length: number, taken: number): { record: RawRecord; taken: number } {
    this.#seenRecord = true;
    const body = at + headerLength;
    const record = {
      type: bytes[at] as number,
      header: bytes.subarray(at, body),
      payload: bytes.subarray(body, body + length),
    };
    return { record, taken };
  }

  #checkHeader(bytes: Uint8Array, at: number, maxPayload: number): number {
    this.#checkType(bytes, at, bytes.length - at);
    const length = ((bytes[at + 3] as number) << 8) | (bytes[at + 4] as number);
    // The version is the layer's to look at, or not: TLS 1.3 ignores it.
    if (length > maxPayload) {
      throw new TlsError('record_overflow', `a record of ${length} bytes came, where ${maxPayload} are the most`);
    }
    return length;
  }

  #checkType(bytes: Uint8Array, at: number, length: number): void {
    const type = bytes[at] as number;
    if (type >= contentType.change_cipher_spec && type <= contentType.application_data) return;
    if (this.#seenRecord) throw new TlsError('unexpected_message', `a record of unknown type ${type} came`);
    // A hello of SSL 2.0 shows itself by its third byte.
    if (type >= 0x80 && length < 3) return;
    throw notTls(bytes.subarray(at, at + Math.min(length, 16)));
  }
}

function notTls(start: Uint8Array): TlsError {
  // RFC 9846 appendix E.2: two bytes of length, then the type of a client hello.
  if (((start[0] as number) & 0x80) !== 0 && start[2] === 1) {
    return new TlsError('protocol_version', 'the peer sent a hello in the format of SSL 2.0, which nobody may speak', {
      hint: 'the peer is from before 1996, or made to look so: it must be brought to TLS 1.2 at least',
    });
  }
  const text = String.fromCharCode(...start);
  const known = otherProtocols.find(([pattern]) => pattern.test(text))?.[1];
  const first = (start[0] as number).toString(16).padStart(2, '0');
  const seen = known ?? `bytes that are no TLS record (first byte 0x${first})`;
  return new TlsError('not_tls', `the peer sent ${seen} where TLS was due`, {
    hint: known ? 'the peer speaks another protocol on this port, or wants STARTTLS first' : 'is this the right port?',
  });
}
