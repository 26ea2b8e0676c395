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
  /** What was lost, and is still to be said. */
  readonly #missed: Map<number, number> = new Map();
  /** How much of what its program has lost the page knows. */
  readonly #known: Map<number, number> = new Map();
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

  forgotten({ sequence, program, what }: Entry): void {
    if (sequence <= this.#at || what !== 'part') return;
    this.#missed.set(program, (this.#missed.get(program) ?? 0) + 1);
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
      if (entry.what !== 'lost') this.#write(entry.text ?? '', entry.sequence);
      else {
        this.#say(entry.program, entry.lost - (this.#known.get(entry.program) ?? 0));
        this.#known.set(entry.program, entry.lost);
      }
      return true;
    }
    for (const [program, parts] of this.#missed) {
      this.#missed.delete(program);
      this.#say(program, parts);
      return true;
    }
    return false;
  }

  #say(program: number, parts: number): void {
    const event: LiveEvent = { kind: 'lost', program, parts };
    if (parts > 0) this.#write(JSON.stringify(event));
  }

  #write(text: string, sequence?: number): void {
    this.#response.write(`${sequence === undefined ? '' : `id: ${sequence}\n`}data: ${text}\n\n`);
  }
}
