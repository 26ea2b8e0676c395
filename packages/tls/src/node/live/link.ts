/**
 * The way to one viewer: parts of connections go there soon, and never at the program's cost. It keeps no process alive, no
 * connection waits for it, and a viewer that is slow misses what there is no room for: that is dropped, and counted.
 *
 * @module
 */

import { connect, type Socket } from 'node:net';
import type { TraceEvent } from '../../trace.ts';
import { isFor, type Watching } from '../watcher.ts';
import { linesOf } from './lines.ts';
import { Watched } from './watched.ts';

/** So long events wait for more of their kind. */
const gatherMs = 15;

/** Bytes of events that wait for no more. */
const gatherBytes = 262_144;

/** Bytes that wait for the viewer, at most: then parts are dropped. */
const maxWaiting = 1_048_576;

/** So many connections that have lost a part are remembered, to tell of their end. */
const maxOwing = 1000;

/** A process that is done waits so long for a viewer that does not read. */
const lastWordsMs = 250;

/** What was sent keeps a process alive: with a viewer that takes nothing for so long, as it was stopped, it is over. */
const patienceMs = 1500;
const betweenLooksMs = 250;

export interface LinkOptions {
  readonly path: string;
  /** What the viewer calls this program. */
  readonly program: string;
  readonly secrets: boolean;
  readonly now: () => number;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
}

export class Link {
  readonly #socket: Socket;
  readonly #options: LinkOptions;
  /** Connections of which something is new. */
  readonly #fresh: Set<Watched> = new Set();
  /** Those that have lost a part, and had no news since. */
  readonly #owing: Set<Watched> = new Set();
  /** Connections that are told of, by their numbers. */
  readonly #told: Set<number> = new Set();
  #lost = 0;
  #waiting = 0;
  /** When the viewer last took something, or had nothing to take. */
  #takenAt = 0;
  #looks: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;
  #over = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#socket = connect({ path: options.path });
    const over = (): void => this.#end();
    this.#socket.on('error', over).on('close', over);
    this.#socket.on('drain', () => this.#safely(() => this.flush()));
    // What a viewer says is of no interest, but its end is.
    this.#socket.resume();
    this.#socket.unref();
    this.#write(`${JSON.stringify({ live: 1, program: options.program, pid: process.pid })}\n`);
  }

  /** Whether nothing goes there any more. */
  get over(): boolean {
    return this.#over;
  }

  /** What hears of a connection that begins now. Of two that hear of the same, the first tells. */
  watch(target: string | undefined): Watching {
    const watched = new Watched(target, this.#options.now);
    const { recorder } = watched;
    const heard = (hear: () => void, atOnce: boolean): void => {
      if (this.#over) return;
      const before = recorder.waiting;
      hear();
      this.#waiting += recorder.waiting - before;
      if (recorder.waiting > 0) this.#safely(() => this.#isFresh(watched, atOnce));
    };
    const traceDetails = { plaintext: this.#options.secrets };
    let tells: boolean | undefined;
    return {
      trace: (event) => {
        const { connection, type } = event;
        tells ??= !this.#told.has(connection);
        // A config may have asked for more, on behalf of others.
        if (this.#over || !tells || !isFor(event, traceDetails)) return;
        if (type === 'closed') this.#told.delete(connection);
        else this.#told.add(connection);
        heard(() => recorder.trace(event), isOutcome(event));
      },
      ...(this.#options.secrets && {
        keyLog: (line: string) => heard(() => recorder.keyLog(line), false),
        traceDetails,
      }),
    };
  }

  /** Sends what there is, as far as there is room. */
  flush(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
    this.#timer = undefined;
    this.#soon = undefined;
    this.#waiting = 0;
    if (this.#over) return;
    const owing = this.#hasRoom ? [...this.#owing] : [];
    let text = '';
    for (const watched of new Set([...owing, ...this.#fresh])) {
      const part = watched.take();
      if (part === undefined) continue;
      if (!this.#hasRoom || text.length > maxWaiting) this.#drop(watched, part);
      else {
        text += linesOf(part).join('');
        this.#owing.delete(watched);
      }
    }
    this.#fresh.clear();
    if (this.#lost > 0 && this.#hasRoom) {
      text += `${JSON.stringify({ lost: this.#lost })}\n`;
      this.#lost = 0;
    }
    if (text !== '') this.#write(text);
  }

  /** The process has nothing more to do: what is on its way may still arrive, within a moment. */
  lastWords(): void {
    this.flush();
    if (this.#over || this.#socket.writableLength === 0) return;
    this.#socket.ref();
    const timer = setTimeout(() => this.#end(), lastWordsMs);
    this.#socket.write('\n', () => {
      clearTimeout(timer);
      this.#socket.unref();
    });
  }

  get #hasRoom(): boolean {
    return this.#socket.writableLength <= maxWaiting;
  }

  #write(text: string): void {
    if (this.#socket.writableLength === 0) this.#takenAt = this.#options.clock();
    this.#socket.write(text, () => {
      this.#takenAt = this.#options.clock();
      if (this.#socket.writableLength === 0) this.#stopLooking();
    });
    this.#looks ??= setInterval(() => {
      if (this.#options.clock() - this.#takenAt >= patienceMs) this.#end();
    }, betweenLooksMs).unref();
  }

  #stopLooking(): void {
    clearInterval(this.#looks);
    this.#looks = undefined;
  }

  #isFresh(watched: Watched, atOnce: boolean): void {
    this.#fresh.add(watched);
    if (this.#waiting > gatherBytes) this.flush();
    else if (atOnce) this.#soon ??= setImmediate(() => this.#safely(() => this.flush())).unref();
    else this.#timer ??= setTimeout(() => this.#safely(() => this.flush()), gatherMs).unref();
  }

  #drop(watched: Watched, part: ReturnType<Watched['take']> & object): void {
    this.#lost++;
    watched.lose(part);
    this.#owing.add(watched);
    const [oldest] = this.#owing;
    if (this.#owing.size > maxOwing && oldest !== undefined) this.#owing.delete(oldest);
  }

  /** Whatever goes wrong here is the end of this, and of nothing else. */
  #safely(act: () => void): void {
    try {
      act();
    } catch {
      this.#end();
    }
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
    this.#stopLooking();
    this.#fresh.clear();
    this.#owing.clear();
    this.#told.clear();
    this.#socket.destroy();
  }
}

/** What somebody who looks waits for. */
function isOutcome(event: TraceEvent): boolean {
  return event.type === 'established' || event.type === 'closed';
}
