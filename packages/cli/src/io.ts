/**
 * What a command has of the world: streams, environment, Ctrl-C. Passed in, so that tests run commands in-process.
 *
 * @module
 */

import type { Readable, Writable } from 'node:stream';
import pc from 'picocolors';

export interface Io {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted at Ctrl-C or SIGTERM. */
  readonly interrupted: AbortSignal;
}

export type Colors = ReturnType<typeof pc.createColors>;

/** Colours for a stream: on a terminal, unless NO_COLOR (https://no-color.org) or `--no-color` says otherwise. */
export function colorsFor(stream: Writable, env: Io['env'], wanted = true): Colors {
  const terminal = 'isTTY' in stream && stream.isTTY === true && env.TERM !== 'dumb';
  const refused = !wanted || (env.NO_COLOR ?? '') !== '';
  return pc.createColors(!refused && (terminal || (env.FORCE_COLOR ?? '') !== ''));
}

/** The columns of a terminal; endless for a file or a pipe. */
export function widthOf(stream: Writable): number {
  return 'columns' in stream && typeof stream.columns === 'number' ? stream.columns : Number.POSITIVE_INFINITY;
}

/** Those of whose failures somebody hears, who goes on. */
const optional = new WeakSet<Writable>();

/** For who serves: what cannot be written there ends nothing from now on. `failed` hears of it each time. */
export function goOnUnwritten(stream: Writable, failed: (error: Error) => void): void {
  optional.add(stream);
  stream.on('error', failed);
}

/** Tells of what cannot be written, but where the command goes on without. */
export function watchWriting(stream: Writable, unwritten: (error: Error) => void): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that leaves (`… | head`) is no failure of ours: what is written then goes nowhere.
    if (error.code !== 'EPIPE' && !optional.has(stream)) unwritten(error);
  });
}

/**
 * The process's own streams and signals.
 * @param unwritten told of what stdout or stderr does not take
 */
export function processIo(unwritten: (error: Error) => void): Io {
  const controller = new AbortController();
  const interrupt = (): void => {
    // A second Ctrl-C finds no handler, and ends the process at once.
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  for (const stream of [process.stdout, process.stderr]) watchWriting(stream, unwritten);
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    interrupted: controller.signal,
  };
}
