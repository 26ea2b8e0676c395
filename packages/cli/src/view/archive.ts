/**
 * What the viewer keeps of connections, for pages that open later or are slow: events in their order, each as the text that a page is
 * given. All of it is bounded. Who has told the most makes room first, so that no program pushes out another's connections.
 *
 * @module
 */

import type { LiveEvent, Part } from '@handfast/viewer';

export interface ArchiveLimits {
  readonly connections: number;
  /** Of all texts together. */
  readonly bytes: number;
  /** Programs that have ended, of which no connection is kept: pages that are slow or come back hear of that end. */
  readonly ended: number;
}

export const archiveLimits: ArchiveLimits = { connections: 1000, bytes: 67_108_864, ended: 256 };

/** Something that was told. */
export interface Entry {
  /** Counted from 1, in the order of all. */
  readonly sequence: number;
  readonly what: LiveEvent['kind'];
  /** What a page is given; undefined: it had to make room. */
  text: string | undefined;
}

/** Who reads along. */
export interface Reader {
  /** There is an entry more. */
  told(): void;
  /** An entry goes, read or not. */
  forgotten(entry: Entry): void;
}

interface Program {
  readonly number: number;
  readonly entries: Entry[];
  /** Oldest first, by their numbers. */
  readonly connections: Map<number, Entry[]>;
  bytes: number;
  lost: number;
  lostEntry: Entry | undefined;
  gone: boolean;
}

export class Archive {
  readonly readers: Set<Reader> = new Set();
  readonly #limits: ArchiveLimits;
  readonly #programs: Map<number, Program> = new Map();
  /** Without connections, in the order in which they came to that. */
  readonly #ended: Set<Program> = new Set();
  #entries: Entry[] = [];
  #forgotten = 0;
  #sequence = 0;
  #programCount = 0;
  #bytes = 0;
  #connections = 0;

  constructor(limits: ArchiveLimits = archiveLimits) {
    this.#limits = limits;
  }

  /** A program shows itself. @returns the number by which it is known from now on. */
  begin(name: string, pid: number): number {
    const number = ++this.#programCount;
    const program: Program = {
      ...{ number, entries: [], connections: new Map(), bytes: 0, lost: 0, lostEntry: undefined, gone: false },
    };
    this.#programs.set(number, program);
    program.entries.push(this.#tell(program, { kind: 'program', program: number, name, pid }));
    return number;
  }

  /** Parts of connections whose beginning is not here, or not any more, are not kept: they count as lost. */
  part(number: number, part: Part): void {
    const program = this.#programs.get(number);
    if (program === undefined) return;
    if (part.begins !== undefined && !program.connections.has(part.id)) {
      program.connections.set(part.id, []);
      this.#connections++;
    }
    const connection = program.connections.get(part.id);
    if (connection === undefined) this.lost(number, 1);
    else connection.push(this.#tell(program, { kind: 'part', program: number, ...part }));
    this.#makeRoom();
  }

  lost(number: number, parts: number): void {
    const program = this.#programs.get(number);
    if (program === undefined) return;
    program.lost = Math.min(program.lost + parts, Number.MAX_SAFE_INTEGER);
    const before = program.lostEntry;
    program.lostEntry = this.#tell(program, { kind: 'lost', program: number, parts: program.lost });
    // The newest says it all.
    if (before !== undefined) this.#forget(program, before);
  }

  gone(number: number): void {
    const program = this.#programs.get(number);
    if (program === undefined) return;
    program.gone = true;
    program.entries.push(this.#tell(program, { kind: 'gone', program: number }));
    this.#keepEnd(program);
  }

  /** The first that is kept behind a sequence number. */
  after(sequence: number): Entry | undefined {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle]?.sequence ?? 0) <= sequence) low = middle + 1;
      else high = middle;
    }
    while (low < this.#entries.length && this.#entries[low]?.text === undefined) low++;
    return this.#entries[low];
  }

  #tell(program: Program, event: LiveEvent): Entry {
    const text = JSON.stringify(event);
    const entry: Entry = {
      ...{ sequence: ++this.#sequence, what: event.kind, text },
    };
    this.#entries.push(entry);
    this.#bytes += text.length;
    program.bytes += text.length;
    for (const reader of this.readers) reader.told();
    return entry;
  }

  #makeRoom(): void {
    while (this.#connections > this.#limits.connections || this.#bytes > this.#limits.bytes) {
      const crowded = this.#connections > this.#limits.connections;
      const most = largest(this.#programs.values(), ({ connections, bytes }) =>
        crowded ? connections.size : connections.size > 0 ? bytes : 0,
      );
      const [oldest] = most?.connections ?? [];
      if (most === undefined || oldest === undefined) return;
      const [id, entries] = oldest;
      most.connections.delete(id);
      this.#connections--;
      for (const entry of entries) this.#forget(most, entry);
      this.#keepEnd(most);
    }
  }

  /** Of a program that is gone, and of which nothing else is kept. */
  #keepEnd(program: Program): void {
    if (!program.gone || program.connections.size > 0) return;
    this.#programs.delete(program.number);
    this.#ended.add(program);
    const [oldest] = this.#ended;
    if (this.#ended.size <= this.#limits.ended || oldest === undefined) return;
    this.#ended.delete(oldest);
    const { entries, lostEntry } = oldest;
    for (const entry of entries) this.#forget(oldest, entry);
    if (lostEntry !== undefined) this.#forget(oldest, lostEntry);
  }

  #forget(program: Program, entry: Entry): void {
    const { text } = entry;
    if (text === undefined) return;
    for (const reader of this.readers) reader.forgotten(entry);
    entry.text = undefined;
    this.#bytes -= text.length;
    program.bytes -= text.length;
    this.#forgotten++;
    if (this.#forgotten < 1000 || this.#forgotten * 2 < this.#entries.length) return;
    this.#entries = this.#entries.filter((one) => one.text !== undefined);
    this.#forgotten = 0;
  }
}

function largest<T>(items: Iterable<T>, size: (item: T) => number): T | undefined {
  let found: T | undefined;
  let most = 0;
  for (const item of items) {
    if (size(item) <= most) continue;
    most = size(item);
    found = item;
  }
  return found;
}
