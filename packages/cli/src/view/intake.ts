/**
 * Programs that show their connections: each has a socket of its own, says who it is, and then tells, a line of JSON at a time. Every
 * line is checked before anything of it is kept; what cannot be read is the end of that socket, and of nothing else.
 *
 * @module
 */

import type { Server, Socket } from 'node:net';
import { maxLiveLine, readLiveLine } from '@handfast/viewer';
import type { Archive } from './archive.ts';
import { JsonLines } from './lines.ts';

/** So many programs at once. */
const maxPrograms = 256;

/** A program says who it is within so long. */
const helloMs = 5000;

export interface IntakeOptions {
  readonly archive: Archive;
  /** An address for another `handfast view`, which has found this one. */
  readonly address: () => string;
  /** A program was cut off, and why. */
  readonly refused: (who: string, reason: string) => void;
  /** So many programs are here that another was turned away. */
  readonly full: (most: number) => void;
}

/** Has a server that listens take programs in. @returns what ends them all. */
export function takeIn(server: Server, options: IntakeOptions): () => void {
  const open = new Set<Socket>();
  server.maxConnections = maxPrograms;
  server.once('drop', () => options.full(maxPrograms));
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    new Telling(socket, options);
  });
  return () => {
    for (const socket of open) socket.destroy();
  };
}

/** What another viewer asks in place of telling who it is. */
export const addressQuestion = { ask: 'address' } as const;

class Telling {
  readonly #socket: Socket;
  readonly #options: IntakeOptions;
  readonly #lines: JsonLines = new JsonLines(maxLiveLine);
  #who = 'a program';
  #program: number | undefined;

  constructor(socket: Socket, options: IntakeOptions) {
    this.#socket = socket;
    this.#options = options;
    const timer = setTimeout(() => this.#refuse(`it did not say who it is within ${helloMs / 1000} s`), helloMs);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      if (this.#program !== undefined) options.archive.gone(this.#program);
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const value of this.#lines.push(chunk)) this.#take(value);
      } catch (error) {
        this.#refuse(error instanceof Error ? error.message : String(error));
      }
      if (this.#program !== undefined) clearTimeout(timer);
    });
  }

  #take(value: unknown): void {
    const { archive } = this.#options;
    if (this.#program === undefined && isQuestion(value)) {
      this.#socket.end(`${JSON.stringify({ address: this.#options.address() })}\n`);
      return;
    }
    const line = readLiveLine(value);
    if ('live' in line !== (this.#program === undefined)) {
      throw new TypeError('a program says who it is in its first line, and in no other');
    }
    if ('live' in line) {
      this.#who = `${line.program} (${line.pid})`;
      this.#program = archive.begin(line.program, line.pid);
    } else if (this.#program === undefined) return;
    else if ('lost' in line) archive.lost(this.#program, line.lost);
    else archive.part(this.#program, line);
  }

  #refuse(reason: string): void {
    if (this.#socket.destroyed) return;
    this.#options.refused(this.#who, reason);
    this.#socket.destroy();
  }
}

function isQuestion(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'ask') === addressQuestion.ask;
}
