/**
 * A command's world in memory: what it writes can be read and waited for.
 *
 * @module
 */

import { PassThrough } from 'node:stream';
import type { Io } from '../../src/io.ts';
import { run } from '../../src/run.ts';
import { assertLines } from './schema.ts';

export interface Session {
  readonly stdin: PassThrough;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly interrupt: AbortController;
  readonly exitCode: Promise<number>;
}

/** Text that a command wrote. */
export class Output {
  readonly stream: PassThrough = new PassThrough();
  text = '';
  #waiting: (() => void)[] = [];

  constructor() {
    this.stream.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  get lines(): readonly string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }

  /** JSON lines. */
  get values(): readonly Readonly<Record<string, unknown>>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** The first match, as soon as it is there. */
  async match(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text);
      if (found !== null) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** Starts a command in this process, on a terminal that is so wide. */
export function start(argv: readonly string[], env: Io['env'] = {}, columns?: number): Session {
  const stdin = new PassThrough();
  const stdout = new Output();
  const stderr = new Output();
  if (columns !== undefined) Object.assign(stderr.stream, { columns });
  const interrupt = new AbortController();
  const running = run(argv, {
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    env,
    interrupted: interrupt.signal,
  });
  // Whatever a test looks at: every line is as it was published.
  const tells = (argv[0] === 'connect' || argv[0] === 'serve') && argv.includes('--json');
  const exitCode = running.then((code) => {
    if (tells) assertLines(stderr.values);
    return code;
  });
  return { stdin, stdout, stderr, interrupt, exitCode };
}

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Runs a command to its end, with `input` as its whole stdin. */
export async function finish(argv: readonly string[], input = '', env: Io['env'] = {}): Promise<Outcome> {
  const session = start(argv, env);
  session.stdin.end(input);
  const exitCode = await session.exitCode;
  return { exitCode, stdout: session.stdout, stderr: session.stderr };
}
