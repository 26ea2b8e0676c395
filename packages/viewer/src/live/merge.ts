/**
 * Connections as they happen: what a viewer is told part by part, put together into recordings. What a client and a server of this
 * machine tell of one connection belongs together: both know the random of its ClientHello. All of it is bounded; what is oldest goes
 * first.
 *
 * @module
 */

import type { Part, PartBegins } from '@handfast/tls/recording';
import { otherOf } from '../ladder/party.ts';
import type { LiveEvent } from './part.ts';
import { Connection, type LiveConnection, Program, Side } from './side.ts';

export interface LiveLimits {
  readonly connections?: number;
  /** Of all of them together, about. */
  readonly bytes?: number;
}

export interface LiveConnections {
  take(event: LiveEvent): void;
  /** Newest first. */
  connections(): readonly LiveConnection[];
  /** The one that tells of this now: of two sides that turned out to be of one connection, one entry is left. */
  follow(connection: LiveConnection): LiveConnection | undefined;
  /** Parts that never came, as somebody was too slow for them. */
  readonly lost: number;
  /** Connections that had to make room for newer ones. */
  readonly forgotten: number;
}

/** Puts together what a viewer is told. It keeps 2,000 connections and 64 MiB, unless `limits` says otherwise. */
export function liveConnections(limits: LiveLimits = {}): LiveConnections {
  return new Merge(limits);
}

class Merge implements LiveConnections {
  readonly #most: Required<LiveLimits>;
  /** By the viewer's numbers. */
  readonly #programs = new Map<number, Program>();
  /** Oldest first. */
  readonly #connections = new Set<Connection>();
  /** Those that tell of one side, by it and its ClientHello's random. */
  readonly #alone = new Map<string, Connection>();
  #bytes = 0;
  #count = 0;
  lost = 0;
  forgotten = 0;

  constructor({ connections = 2000, bytes = 64 * 1024 * 1024 }: LiveLimits) {
    this.#most = { connections, bytes };
  }

  connections(): readonly LiveConnection[] {
    return [...this.#connections].reverse();
  }

  follow(connection: LiveConnection): LiveConnection | undefined {
    for (const side of [connection.client, connection.server]) {
      const now = side instanceof Side ? side.program.sides.get(side.id) : undefined;
      if (now !== undefined) return now.connection;
    }
    return undefined;
  }

  take(event: LiveEvent): void {
    if (event.kind === 'program') {
      const known = this.#programs.get(event.program);
      // A viewer that tells everything again tells of the same ones.
      if (known?.name === event.name && known.pid === event.pid) known.gone = false;
      else this.#programs.set(event.program, new Program(event.program, event.name, event.pid));
      return;
    }
    if (event.kind === 'missed') {
      this.lost += event.parts;
      return;
    }
    const program = this.#programs.get(event.program);
    if (program === undefined) return;
    if (event.kind === 'part') this.#part(program, event);
    else if (event.kind === 'lost') {
      this.lost += event.parts - program.lost;
      program.lost = event.parts;
    } else {
      program.gone = true;
      for (const side of program.sides.values()) if (!side.ended) side.connection.revision++;
      this.#forgetIfDone(program);
    }
  }

  #part(program: Program, part: Part): void {
    if (part.begins !== undefined) this.#begin(program, part.id, part.begins);
    const side = program.sides.get(part.id);
    // Its beginning is not here: it was lost, or had to make room.
    if (side === undefined) return;
    const before = side.random;
    const bytes = side.take(part);
    this.#bytes += bytes;
    side.connection.bytes += bytes;
    side.connection.revision++;
    if (before === undefined && side.random !== undefined) this.#pair(side, side.random);
    this.#makeRoom();
  }

  #begin(program: Program, id: number, begins: PartBegins): void {
    const again = program.sides.get(id);
    if (again !== undefined) this.#remove(again.connection);
    const connection = new Connection(++this.#count);
    const side = new Side(program, id, begins, connection);
    connection[side.role] = side;
    program.sides.set(id, side);
    this.#connections.add(connection);
  }

  /** The other side of it may be here already. */
  #pair(side: Side, random: string): void {
    const other = this.#alone.get(`${otherOf(side.role)} ${random}`);
    if (other === undefined) {
      side.connection.waits = `${side.role} ${random}`;
      this.#alone.set(side.connection.waits, side.connection);
      return;
    }
    const mine = side.connection;
    this.#connections.delete(mine);
    this.#alone.delete(`${otherOf(side.role)} ${random}`);
    other[side.role] = side;
    other.bytes += mine.bytes;
    other.revision++;
    side.connection = other;
  }

  #makeRoom(): void {
    while (this.#connections.size > this.#most.connections || this.#bytes > this.#most.bytes) {
      const oldest = this.#connections.values().next().value;
      if (oldest === undefined) return;
      this.#remove(oldest);
      this.forgotten++;
    }
  }

  #remove(connection: Connection): void {
    this.#connections.delete(connection);
    if (connection.waits !== undefined && this.#alone.get(connection.waits) === connection) {
      this.#alone.delete(connection.waits);
    }
    for (const side of [connection.client, connection.server]) {
      side?.program.sides.delete(side.id);
      if (side !== undefined) this.#forgetIfDone(side.program);
    }
    this.#bytes -= connection.bytes;
  }

  /** Nothing more comes of it, and nothing of it is here. */
  #forgetIfDone(program: Program): void {
    const { number, gone, sides } = program;
    if (gone && sides.size === 0 && this.#programs.get(number) === program) this.#programs.delete(number);
  }
}
