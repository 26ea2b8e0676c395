/**
 * Commands in a world whose time a test makes.
 *
 * @module
 */

import { PassThrough } from 'node:stream';
import type { World } from '../../src/enroll/world.ts';
import type { Io } from '../../src/io.ts';
import { Output } from '../support/io.ts';

export interface Command {
  readonly io: Io;
  readonly stdin: PassThrough;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly interrupt: AbortController;
}

export function command(): Command {
  const stdin = new PassThrough();
  const stdout = new Output();
  const stderr = new Output();
  const interrupt = new AbortController();
  const env = { PATH: process.env.PATH };
  const io = { stdin, stdout: stdout.stream, stderr: stderr.stream, env, interrupted: interrupt.signal };
  return { io, stdin, stdout, stderr, interrupt };
}

/** Waiting is instant, and noted; `meanwhile` says what happens then. */
export class TestWorld implements World {
  time: number = Date.now();
  readonly waits: number[] = [];
  /** One for each time that somebody waits; the last one ends the command, say. */
  meanwhile: (() => void | Promise<void>)[] = [];

  now(): Date {
    return new Date(this.time);
  }

  async wait(ms: number): Promise<void> {
    this.waits.push(ms);
    this.time += ms;
    await this.meanwhile.shift()?.();
  }

  random(): number {
    return 0.5;
  }
}
