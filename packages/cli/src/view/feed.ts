/**
 * What a page is told, as server-sent events: first what the viewer still keeps, then what comes. A page reads at its own pace, and
 * nothing is held for it: what goes before a slow page has read it is counted, and the page told how much it missed.
 *
 * @module
 */

import type { Writable } from 'node:stream';
import type { LiveEvent } from '@handfast/viewer';
import type { Archive, Entry, Reader } from './archive.ts';

/** Bytes on their way to a page: more is written when they are gone. */
const ahead = 262_144;

export class Feed implements Reader {
  readonly #archive: Archive;
  readonly #response: Writable;
  /** What was read last. */
  #at: number;
  /** Parts that went before they were read: it is still to be said. */
  #missed = 0;
  #pumping = false;

  /** @param after the sequence number of what the page has had already; 0: it begins. */
  constructor(archive: Archive, response: Writable, after: number) {
    this.#archive = archive;
    this.#response = response;
    this.#at = after;
    archive.readers.add(this);
    response.on('drain', () => this.#pump());
    response.on('close', () => archive.readers.delete(this));
    response.write('retry: 1000\n\n');
    this.#pump();
  }

  told(): void {
    this.#pump();
  }

  forgotten({ sequence, what }: Entry): void {
    if (sequence > this.#at && what === 'part') this.#missed++;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#response.writableLength < ahead && this.#one());
    this.#pumping = false;
  }

  /** @returns whether there was something to say. */
  #one(): boolean {
    const entry = this.#archive.after(this.#at);
    if (entry !== undefined) {
      this.#at = entry.sequence;
      this.#response.write(`id: ${entry.sequence}\ndata: ${entry.text}\n\n`);
      return true;
    }
    if (this.#missed === 0) return false;
    const event: LiveEvent = { kind: 'missed', parts: this.#missed };
    this.#missed = 0;
    this.#response.write(`data: ${JSON.stringify(event)}\n\n`);
    return true;
  }
}
