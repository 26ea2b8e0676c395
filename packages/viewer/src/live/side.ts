/**
 * One connection as it is told: by whom, which sides of it, and what each has said so far.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import {
  fromBase64,
  type Part,
  type PartBegins,
  type RecordedEvent,
  type Recording,
  recordingLimits,
} from '@handfast/tls/recording';
import type { HandshakeParts } from '../ladder/handshake.ts';
import type { Party } from '../ladder/party.ts';

export interface LiveProgram {
  readonly name: string;
  readonly pid: number;
  /** Nothing more comes of it. */
  readonly gone: boolean;
}

/** One side of a connection, as far as it was told. */
export interface LiveSide {
  readonly program: LiveProgram;
  /** All that was told. It is a copy, and stays as it is. */
  recording(): Recording;
  readonly role: Party;
  readonly target: string | undefined;
  /** ISO 8601 with microseconds. */
  readonly started: string;
  readonly negotiated: Recording['negotiated'];
  readonly error: Recording['error'];
  /** What its program did not keep. */
  readonly dropped: Recording['dropped'];
  /** Milliseconds from its first event until it was connected; undefined: it is not. */
  readonly readyAt: number | undefined;
  /** Milliseconds from its first event to its newest. */
  readonly lastAt: number;
  readonly ended: boolean;
}

/** A connection, of which one side or both tell. */
export interface LiveConnection {
  /** Tells it from all others: they are counted as they begin. */
  readonly number: number;
  readonly client: LiveSide | undefined;
  readonly server: LiveSide | undefined;
  /** Another number whenever something was told of it. */
  readonly revision: number;
  /** What `handshakeOf` makes a handshake of. */
  parts(): HandshakeParts;
}

export class Program implements LiveProgram {
  /** The viewer's, of it. */
  readonly number: number;
  readonly name: string;
  readonly pid: number;
  readonly sides: Map<number, Side> = new Map();
  gone = false;
  /** Parts of it that never came. */
  lost = 0;

  constructor(number: number, name: string, pid: number) {
    this.number = number;
    this.name = name;
    this.pid = pid;
  }
}

export class Connection implements LiveConnection {
  readonly number: number;
  client: Side | undefined;
  server: Side | undefined;
  revision = 0;
  bytes = 0;
  /** What its other side will look for. */
  waits: string | undefined;

  constructor(number: number) {
    this.number = number;
  }

  parts(): HandshakeParts {
    return { client: this.client?.recording(), server: this.server?.recording() };
  }
}

/** Of an event without bytes. */
const bytesOfEvent = 128;

export class Side implements LiveSide {
  readonly program: Program;
  readonly id: number;
  readonly role: Party;
  readonly target: string | undefined;
  readonly started: string;
  connection: Connection;
  /** Of its first ClientHello, in hexadecimal. */
  random: string | undefined;
  readyAt: number | undefined;
  lastAt = 0;
  ended = false;
  readonly #begins: PartBegins;
  readonly #events: RecordedEvent[] = [];
  readonly #keyLog: string[] = [];
  /** What is told whole each time: the last that was told. */
  #news: Pick<Part, 'negotiated' | 'peer' | 'error' | 'dropped'> = {};

  constructor(program: Program, id: number, begins: PartBegins, connection: Connection) {
    this.program = program;
    this.id = id;
    this.role = begins.role;
    this.target = begins.target;
    this.started = begins.started;
    this.connection = connection;
    this.#begins = begins;
  }

  get negotiated(): Recording['negotiated'] {
    return this.#news.negotiated;
  }

  get error(): Recording['error'] {
    return this.#news.error;
  }

  get dropped(): Recording['dropped'] {
    return this.#news.dropped;
  }

  /** @returns how many bytes of memory that has taken, about; less than 0: more was given back. */
  take({ events = [], keyLog = [], negotiated, peer, error, dropped, ended }: Part): number {
    let bytes = 0;
    for (const event of events.slice(0, recordingLimits.events - this.#events.length)) {
      this.#events.push(event);
      bytes += bytesOfEvent + ('bytes' in event ? event.bytes.length : 0);
      this.lastAt = Math.max(this.lastAt, event.at);
      if (event.type === 'established') this.readyAt ??= event.at;
      else if (event.type === 'message' && event.name === 'client_hello') this.random ??= randomOf(event.bytes);
    }
    for (const line of keyLog.slice(0, recordingLimits.keyLogLines - this.#keyLog.length)) {
      this.#keyLog.push(line);
      bytes += line.length;
    }
    if (peer !== undefined) bytes += bytesOfPeer(peer) - bytesOfPeer(this.#news.peer);
    this.#news = {
      ...this.#news,
      ...(negotiated && { negotiated }),
      ...(peer && { peer }),
      ...(error && { error }),
      ...(dropped && { dropped }),
    };
    this.ended ||= ended === true;
    return bytes;
  }

  recording(): Recording {
    return {
      ...{ format: 'handfast-recording', version: 1, program: this.program.name.slice(0, 256) },
      ...this.#begins,
      events: [...this.#events],
      ...(this.#keyLog.length > 0 && { keyLog: [...this.#keyLog] }),
      ...this.#news,
    };
  }
}

/** The certificates of each path are strings of their own. */
function bytesOfPeer(peer: Part['peer']): number {
  const links = peer?.paths.flatMap(({ certificates }) => certificates) ?? [];
  const texts = [
    ...(peer?.chain ?? []),
    ...links.flatMap(({ certificate, checks }) => [certificate, ...checks.map(({ detail }) => detail)]),
  ];
  return texts.reduce((sum, { length }) => sum + length, 0);
}

/** What comes before a ClientHello's random: the message's header and its version. */
const beforeRandom = 6;
const randomLength = 32;

/** @param bytes of a ClientHello, in base64. */
function randomOf(bytes: string): string | undefined {
  const end = beforeRandom + randomLength;
  const random = fromBase64(bytes.slice(0, Math.ceil(end / 3) * 4)).subarray(beforeRandom, end);
  return random.length === randomLength ? toHex(random) : undefined;
}
