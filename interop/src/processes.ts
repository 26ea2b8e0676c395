/**
 * Child processes that are never left behind: a command as a Duplex, a free or a found port, and long-lived drivers that
 * read JSON commands.
 *
 * @module
 */

import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Duplex, type Readable, type Transform } from 'node:stream';

const running = new Set<Command>();

process.on('exit', endAllCommands);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

/** Ends whatever still runs. */
export function endAllCommands(): void {
  for (const command of [...running]) command.kill();
}

/** The most of a command's own words that a report repeats. */
const wordsKept = 8_000;

/** How long the pipes of a command that has ended are waited for. */
const pipesWaitMs = 500;

/** A running command: standard input and output as a Duplex, standard error as text. */
export class Command {
  readonly child: ChildProcessWithoutNullStreams;
  /** Ends with the exit code, or the signal's name. */
  readonly exit: Promise<number | string>;
  stderr = '';
  readonly #listeners = new Set<() => void>();

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    // A group of its own, so that its helpers end with it.
    this.child = spawn(file, args, { stdio: 'pipe', env: { ...process.env, ...env }, detached: true });
    // A command that has gone takes no input; its exit says why.
    this.child.stdin.on('error', () => undefined);
    this.child.stderr.on('data', (chunk: Buffer) => {
      this.stderr = (this.stderr + chunk.toString('utf8')).slice(-wordsKept);
      for (const listener of this.#listeners) listener();
    });
    running.add(this);
    this.exit = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      const ended = (code: number | null, signal: string | null): void => {
        running.delete(this);
        for (const listener of this.#listeners) listener();
        resolve(code ?? signal ?? 'unknown');
      };
      this.child.once('close', ended);
      // A browser's helpers may hold its pipes for longer than it lives itself.
      this.child.once('exit', (code, signal) => setTimeout(() => ended(code, signal), pipesWaitMs).unref());
    });
    this.exit.catch(() => running.delete(this));
  }

  /** Standard input and output, the latter perhaps through a filter. */
  duplex(filter?: Transform): Duplex {
    const { stdin, stdout } = this.child;
    const output: Readable = filter === undefined ? stdout : stdout.pipe(filter);
    const duplex = new Duplex({
      read: () => void output.resume(),
      write: (chunk: Buffer, _encoding, callback) => void stdin.write(chunk, () => callback()),
      final: (callback) => void stdin.end(() => callback()),
    });
    output.on('data', (chunk: Buffer) => {
      if (!duplex.push(chunk)) output.pause();
    });
    output.on('end', () => duplex.push(null));
    return duplex;
  }

  /** Waits until standard error holds `text`. */
  async said(text: string | RegExp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        const found = typeof text === 'string' ? this.stderr.includes(text) : text.test(this.stderr);
        if (!found && running.has(this)) return;
        this.#listeners.delete(check);
        if (found) resolve();
        else reject(new Error(`the peer ended without saying ${text}: ${this.stderr}`));
      };
      this.#listeners.add(check);
      check();
    });
  }

  /** Writes to standard input, and waits until the command has read something since: by /proc's count of bytes. */
  async readInput(text: string): Promise<void> {
    const count = (): string => readFileSync(`/proc/${this.child.pid}/io`, 'utf8').split('\n')[0] ?? '';
    const before = count();
    this.child.stdin.write(text);
    while (running.has(this) && count() === before) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  kill(): void {
    running.delete(this);
    const { pid } = this.child;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody of the group is left.
    }
  }
}

/** The port that a process listens on, from /proc, for servers that do not tell; waits until it does. */
export async function listeningPort(command: Command): Promise<number> {
  for (;;) {
    const port = portOf(command.child.pid ?? 0);
    if (port !== undefined) return port;
    if (!running.has(command)) throw new Error(`the peer ended before it listened: ${command.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function portOf(pid: number): number | undefined {
  try {
    const sockets = new Set(
      readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(readlink(`/proc/${pid}/fd/${fd}`))?.[1]),
    );
    for (const table of ['tcp', 'tcp6']) {
      for (const line of readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1)) {
        const fields = line.trim().split(/\s+/);
        // State 0A is LISTEN.
        if (fields[3] === '0A' && sockets.has(fields[9])) return Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
      }
    }
  } catch {
    // It has ended.
  }
  return undefined;
}

function readlink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** First line of what a command prints about itself; undefined where it is not installed. */
export function firstLineOf(file: string, ...args: readonly string[]): string | undefined {
  try {
    const output = execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 });
    return output
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim();
  } catch {
    return undefined;
  }
}

/** One answer of a driver to one command. */
export interface DriverEvent {
  readonly id: number;
  readonly event: 'listening' | 'done';
  readonly port?: number;
  /** What went wrong; absent: nothing. */
  readonly error?: string;
}

interface Pending {
  readonly listening: (port: number) => void;
  readonly done: (error: Error | undefined) => void;
}

/**
 * A peer's program that runs for all its cases: one JSON command per line in, events out. Each command has a number;
 * `{ "id": 7, "stop": true }` ends it early.
 */
export class Driver {
  readonly #command: Command;
  readonly #pending = new Map<number, Pending>();
  #next = 1;

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#command = new Command(file, args, env);
    createInterface({ input: this.#command.child.stdout }).on('line', (line) => this.#heard(line));
    this.#command.exit.then(
      (code) => this.#gone(new Error(`the driver ended (${code}): ${this.#command.stderr}`)),
      (error: Error) => this.#gone(error),
    );
  }

  /** Sends a command; the port for a server, once it listens, and its end. */
  run(command: object): { readonly listening: Promise<number>; readonly done: Promise<void>; stop(): void } {
    const id = this.#next++;
    const listening = Promise.withResolvers<number>();
    const done = Promise.withResolvers<void>();
    // Who waits for one of the two hears of the other's failure by it.
    listening.promise.catch(() => undefined);
    done.promise.catch(() => undefined);
    this.#pending.set(id, {
      listening: listening.resolve,
      done: (error) => {
        this.#pending.delete(id);
        if (error === undefined) return done.resolve();
        listening.reject(error);
        done.reject(error);
      },
    });
    this.#write({ id, ...command });
    return { listening: listening.promise, done: done.promise, stop: () => this.#stop(id) };
  }

  close(): void {
    this.#command.kill();
  }

  #stop(id: number): void {
    if (!this.#pending.has(id)) return;
    this.#write({ id, stop: true });
    this.#pending.get(id)?.done(new Error('stopped'));
  }

  #write(command: object): void {
    this.#command.child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  #heard(line: string): void {
    // The peer's own words between our events (warnings) are no JSON.
    if (!line.startsWith('{"id"')) return;
    const { id, event, port, error } = JSON.parse(line) as DriverEvent;
    const pending = this.#pending.get(id);
    if (event === 'listening') pending?.listening(port ?? 0);
    else pending?.done(error === undefined ? undefined : new Error(error));
  }

  #gone(error: Error): void {
    for (const pending of [...this.#pending.values()]) pending.done(error);
  }
}
