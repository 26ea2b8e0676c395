/**
 * Records that an asynchronous AEAD opens: one at a time in the handshake, several ahead after it. What they hold is taken in
 * the order in which they came, whatever the order in which they are opened.
 *
 * Nobody knows of a record that is opened ahead whether its key is still the right one: a KeyUpdate may stand before it. So its
 * ciphertext is kept until its turn, and no failure counts before. After a change of keys it is opened again, first one at a
 * time, then one more for every record taken: a peer that changes keys all the time has each opened three times at the most.
 *
 * @module
 */

import { type Bytes, isThenable, type MaybePromise, wipe } from '@handfast/crypto';
import { reasonOf, TlsError } from '../errors.ts';
import { headerLength, maxCiphertext, type RawRecord } from './deframer.ts';
import type { Plaintext } from './protection.ts';

/** What a record holds: undefined where it does not authenticate, null where it is not protected. */
export type Unprotected = Plaintext | undefined | null;

/** What may lie in the queue: the least in flight that is no slower than more, in records of full size, and some small ones. */
export const mostAhead: { readonly records: number; readonly bytes: number } = { records: 64, bytes: 256 * 1024 };

const largeRecord = headerLength + maxCiphertext;

interface Entry {
  /** In memory of its own, but for one that came to an empty queue: it is never opened again. */
  readonly record: RawRecord;
  readonly memory: Bytes | undefined;
  opening: PromiseLike<Unprotected> | undefined;
  outcome: { readonly holds: Unprotected } | { readonly error: unknown } | undefined;
}

export interface ReadQueueHost {
  /** Begins to open a record under the key of now; throws where none of its kind may come. */
  unprotect(record: RawRecord): MaybePromise<Unprotected>;
  /** The record whose turn it is has been opened. */
  opened(): void;
}

export class ReadQueue {
  readonly #host: ReadQueueHost;
  readonly #entries: Entry[] = [];
  #bytes = 0;
  readonly #spare: Bytes[] = [];
  /** How many of the entries have been begun, and how many may be. */
  #begun = 0;
  #window = 1;
  /** The handshake is over: records may be opened ahead. */
  ahead = false;
  #full = false;

  constructor(host: ReadQueueHost) {
    this.#host = host;
  }

  get empty(): boolean {
    return this.#entries.length === 0;
  }

  /** Whether it takes no more for now; once full, until it is half empty. */
  get full(): boolean {
    return this.#full;
  }

  /** Whether `take` has something. */
  get opened(): boolean {
    return this.#entries[0]?.outcome !== undefined;
  }

  /** A record that is being opened already, where nothing stands before it. */
  addFirst(record: RawRecord, opening: PromiseLike<Unprotected>): void {
    const entry: Entry = { record, memory: undefined, opening: undefined, outcome: undefined };
    this.#add(entry, record.payload.length);
    this.#begun = 1;
    this.#await(entry, opening);
  }

  /** A record behind others; it is borrowed until the call returns. */
  add({ type, header, payload }: RawRecord): void {
    const end = headerLength + payload.length;
    const memory = this.#memory(end);
    memory.set(header);
    memory.set(payload, headerLength);
    const record = { type, header: memory.subarray(0, headerLength), payload: memory.subarray(headerLength, end) };
    this.#add({ record, memory, opening: undefined, outcome: undefined }, payload.length);
    this.#begin();
  }

  /** What stands behind the last record is none. It counts when its turn comes, and nothing is taken until then. */
  addFailure(error: unknown): void {
    const record = { type: 0, header: nothing, payload: nothing };
    this.#add({ record, memory: undefined, opening: undefined, outcome: { error } }, 0);
    this.#full = true;
  }

  /** The next record in order and what it holds, where `opened`. Throws what opening it failed of. */
  take(): { readonly record: RawRecord; readonly holds: Unprotected } {
    const { record, memory, outcome } = this.#entries.shift() as Entry;
    // What is in it has been read, by an AEAD that borrows it for a call, or is before anything is added.
    if (memory?.length === largeRecord) this.#spare.push(memory);
    this.#bytes -= record.payload.length;
    this.#begun--;
    if (this.#entries.length <= mostAhead.records / 2 && this.#bytes <= mostAhead.bytes / 2) this.#full = false;
    if (outcome === undefined || 'error' in outcome) throw asTlsError(outcome?.error);
    if (this.ahead) this.#window++;
    this.#begin();
    return { record, holds: outcome.holds };
  }

  /** Keys have changed: what was opened ahead is opened again. */
  reopen(): void {
    for (const entry of this.#entries) if (entry.record.payload !== nothing) forget(entry);
    this.#begun = 0;
    this.#window = 1;
    this.#begin();
  }

  /** Nothing more is wanted; what is still being opened is wiped when it comes. */
  clear(): void {
    for (const entry of this.#entries.splice(0)) forget(entry);
    this.#spare.length = 0;
    this.#begun = 0;
    this.#bytes = 0;
    this.#full = false;
  }

  /** Large records' memory is used again: it would be half of all that reading allocates. */
  #memory(length: number): Bytes {
    if (length < largeRecord / 4) return new Uint8Array(length);
    return this.#spare.pop() ?? new Uint8Array(largeRecord);
  }

  #add(entry: Entry, length: number): void {
    this.#entries.push(entry);
    this.#bytes += length;
    this.#full = !this.ahead || this.#entries.length >= mostAhead.records || this.#bytes >= mostAhead.bytes;
  }

  #begin(): void {
    for (; this.#begun < this.#window; this.#begun++) {
      const entry = this.#entries[this.#begun];
      if (entry === undefined) return;
      if (entry.outcome !== undefined) continue;
      try {
        const opening = this.#host.unprotect(entry.record);
        if (isThenable(opening)) this.#await(entry, opening);
        else entry.outcome = { holds: opening };
      } catch (error) {
        entry.outcome = { error };
      }
    }
  }

  #await(entry: Entry, opening: PromiseLike<Unprotected>): void {
    entry.opening = opening;
    const settle = (outcome: NonNullable<Entry['outcome']>): void => {
      if (entry.opening !== opening) {
        wipeOutcome(outcome);
        return;
      }
      entry.outcome = outcome;
      if (this.#entries[0] === entry) this.#host.opened();
    };
    opening.then(
      (holds) => settle({ holds }),
      (error: unknown) => settle({ error }),
    );
  }
}

const nothing = new Uint8Array(0);

function forget(entry: Entry): void {
  wipeOutcome(entry.outcome);
  entry.opening = undefined;
  entry.outcome = undefined;
}

function wipeOutcome(outcome: Entry['outcome']): void {
  if (outcome !== undefined && 'holds' in outcome) wipe(outcome.holds?.bytes);
}

function asTlsError(error: unknown): TlsError {
  if (error instanceof TlsError) return error;
  return new TlsError('crypto_failed', `a record could not be opened: ${reasonOf(error)}`, { cause: error });
}
