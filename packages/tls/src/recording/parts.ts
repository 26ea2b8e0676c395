/**
 * A listener that writes a connection down in parts: each has what is new since the one before, and then it is the taker's alone.
 * All parts together are bounded, in events and bytes: beyond, it counts what it leaves out. It never throws: a recorder must not
 * end what it looks at.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import { CertificateError } from '@handfast/x509';
import type { KeyLogListener, TraceEvent, TraceListener } from '../trace.ts';
import { recordedError, recordedEvent, recordedNegotiated, recordedPeer } from './recorded.ts';
import { type Part, type PartBegins, type RecordedEvent, type RecordedPeer, recordingLimits } from './recording.ts';

export interface PartRecorderOptions {
  /** Whom the client wants, for the reader: `example.com:443`. */
  readonly target?: string;
  /** The time of day: a date, or milliseconds since 1970 with their fractions. Default: `new Date()`. */
  readonly now?: () => Date | number;
  /** Default: 10,000. */
  readonly maxEvents?: number;
  /** Bytes of messages, records and data together. Default: 8 MiB. */
  readonly maxBytes?: number;
}

export interface PartRecorder {
  /** For `trace`, of a config or a handler: the first connection that it hears of is the one that it records. */
  readonly trace: TraceListener;
  /** For `keyLog`, where the connection's secrets are wanted: leave it out where not. */
  readonly keyLog: KeyLogListener;
  /** What is new; undefined: nothing. */
  take(): Part | undefined;
  /** About how many bytes of JSON `take` would answer. That more is left out is no news, but the first time. */
  readonly waiting: number;
}

export function partRecorder(options: PartRecorderOptions = {}): PartRecorder {
  const writing = new Writing(options);
  return {
    trace: (event) => writing.event(event),
    keyLog: (line) => writing.keyLine(line),
    take: () => writing.take(),
    get waiting() {
      return writing.waiting;
    },
  };
}

/** So many hellos' randoms are kept: one a handshake, renegotiations included. */
const maxHellos = 16;

/** What an event takes in JSON, beside its bytes. */
const eventLength = 120;

/** What is new, as it is put together. */
type Draft = { -readonly [K in keyof Part]?: Part[K] };

class Writing {
  readonly #target: string | undefined;
  readonly #now: () => Date | number;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  /** The client's, of each handshake: lines of the key log begin with one of them. */
  readonly #randoms: Set<string> = new Set();
  readonly #dropped: { events: number; bytes: number } = { events: 0, bytes: 0 };
  #first: TraceEvent | undefined;
  #eventCount = 0;
  #byteCount = 0;
  #keyLines = 0;
  #full = false;
  /** As it came: where nothing more is found, an error tells of it. */
  #chain: RecordedPeer['chain'] = [];
  #news: Draft = {};
  #events: RecordedEvent[] = [];
  #keyLog: string[] = [];
  waiting = 0;

  constructor({ target, now, maxEvents = 10_000, maxBytes = 8 * 1024 * 1024 }: PartRecorderOptions) {
    this.#target = target?.slice(0, 1024);
    this.#now = now ?? (() => new Date());
    this.#maxEvents = Math.min(maxEvents, recordingLimits.events);
    this.#maxBytes = Math.min(maxBytes, recordingLimits.bytes / 2);
  }

  event(event: TraceEvent): void {
    try {
      if (this.#first === undefined) this.#begin(event);
      if (event.connection === this.#first?.connection) this.#take(event, this.#first.at);
    } catch {
      this.#drop(0);
    }
  }

  keyLine(line: string): void {
    const random = line.split(' ', 2)[1];
    if (random === undefined || !this.#randoms.has(random) || this.#keyLines >= recordingLimits.keyLogLines) return;
    this.#keyLines++;
    this.#keyLog.push(line);
    this.waiting += line.length;
  }

  take(): Part | undefined {
    if (this.#first === undefined) return undefined;
    const [events, keyLog] = [this.#events, this.#keyLog];
    const news: Draft = {
      ...this.#news,
      ...(events.length > 0 && { events }),
      ...(keyLog.length > 0 && { keyLog }),
    };
    this.#news = {};
    this.#events = [];
    this.#keyLog = [];
    this.waiting = 0;
    return Object.keys(news).length === 0 ? undefined : { id: this.#first.connection, ...news };
  }

  #begin(event: TraceEvent): void {
    const begins: PartBegins = {
      role: event.role,
      ...(this.#target !== undefined && { target: this.#target }),
      started: isoTime(this.#now()),
    };
    this.#first = event;
    this.#news.begins = begins;
  }

  #take(event: TraceEvent, from: number): void {
    this.#summarize(event);
    const bytes = event.type === 'message' ? event.message.raw : 'bytes' in event ? event.bytes : undefined;
    const length = bytes?.length ?? 0;
    // Of a stream that has a gap nothing more is kept: what follows could not be put in its place.
    if (bytes !== undefined) this.#full ||= this.#byteCount + length > this.#maxBytes;
    // The end has room in any case.
    const crowded = this.#eventCount >= this.#maxEvents - (event.type === 'closed' ? 0 : 1);
    this.#full ||= crowded;
    if (crowded || (this.#full && bytes !== undefined)) {
      this.#drop(length);
      return;
    }
    this.#eventCount++;
    this.#byteCount += length;
    this.#events.push(recordedEvent(event, from));
    this.waiting += eventLength + Math.ceil(length / 3) * 4;
  }

  #drop(bytes: number): void {
    if (this.#dropped.events === 0) this.waiting += eventLength;
    this.#dropped.events++;
    this.#dropped.bytes += bytes;
    this.#news.dropped = { ...this.#dropped };
  }

  #summarize(event: TraceEvent): void {
    if (event.type === 'message' && event.message.type === 'client_hello' && this.#randoms.size < maxHellos) {
      this.#randoms.add(toHex(event.message.random));
    } else if (event.type === 'established') this.#news.negotiated = recordedNegotiated(event.negotiated);
    else if (event.type === 'certificate') {
      const { chain, path, error } = event.peer;
      this.#isPeer(
        recordedPeer(
          chain.map(({ raw }) => raw),
          path,
          error,
        ),
      );
    } else if (event.type === 'message' && event.direction === 'in' && 'chain' in event.message) {
      // Where it is refused, nothing but the error tells more of it.
      this.#isPeer(recordedPeer(event.message.chain, undefined, undefined));
    } else if (event.type === 'closed') {
      this.#news.ended = true;
      if (event.error === undefined) return;
      this.#news.error = recordedError(event.error);
      const { cause } = event.error;
      if (cause instanceof CertificateError) {
        this.#isPeer({ ...recordedPeer([], undefined, cause), chain: this.#chain });
      }
    }
  }

  #isPeer(peer: RecordedPeer): void {
    this.#news.peer = peer;
    this.#chain = peer.chain;
  }
}

/** ISO 8601, in UTC; of fractions of milliseconds, the microseconds. */
function isoTime(time: Date | number): string {
  if (typeof time !== 'number') return time.toISOString();
  const microseconds = Math.round(time * 1000);
  const whole = new Date(Math.floor(microseconds / 1000)).toISOString();
  return `${whole.slice(0, -1)}${String(microseconds % 1000).padStart(3, '0')}Z`;
}
