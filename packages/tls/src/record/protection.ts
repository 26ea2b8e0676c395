/**
 * Record protection as the layer sees it: one direction, one key, whatever the version. `protection13.ts` is that of
 * TLS 1.3, `protection12.ts` that of TLS 1.2's AEADs.
 *
 * @module
 */

import type { Bytes, MaybePromise } from '@handfast/crypto';
import type { RawRecord } from './deframer.ts';

/** A content with its type, and what record_size_limit (RFC 8449) counts of it. */
export interface Plaintext {
  readonly type: number;
  /** In memory of its own. */
  readonly bytes: Bytes;
  readonly limitedLength: number;
}

/** A record as it goes out: its header apart where to put it in front would cost a copy of the payload. */
export type SealedRecord = Bytes | readonly [header: Bytes, payload: Bytes];

export interface Protection {
  /** Whether a protected record hides its type, as in TLS 1.3: padding is possible, and other types come in the clear. */
  readonly hidesType: boolean;
  /** What a payload may have beyond 2^14 bytes. */
  readonly maxExpansion: number;
  /** The largest first fragment of application data, where it is to be split off (TLS 1.0's CBC). */
  readonly firstFragment?: number;
  /** Records protected under this key, and how many may be. */
  readonly records: number;
  readonly recordLimit: number;
  /** A whole record, header included. `padding` is zero where types are not hidden. */
  protect(type: number, content: Uint8Array, padding: number): MaybePromise<SealedRecord>;
  /** undefined: the record does not authenticate. Throws where it does, and breaks a rule all the same. */
  unprotect(record: RawRecord): MaybePromise<Plaintext | undefined>;
  /** Forgets the keys as far as the runtime allows. */
  dispose(): void;
}
