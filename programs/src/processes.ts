/**
 * What the rig starts: servers and programs, each in a group of its own, that never outlive it.
 *
 * @module
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isListening } from '../../rig/ports.ts';

const running = new Set<Running>();

process.on('exit', () => {
  for (const one of running) one.kill();
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

/** The most of a process's own words that a report repeats. */
const wordsKept = 6_000;

export interface Start {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The user that it runs as, where we are root. */
  readonly user?: string;
  /** Each line of standard output. */
  readonly line?: (line: string) => void;
}

/** A process that was started, and what it says. */
export class Running {
  readonly child: ChildProcess;
  /** Ends with the exit code, or the signal's name. */
  readonly exit: Promise<number | string>;
  words = '';

  constructor(file: string, args: readonly string[], { cwd, env, user, line }: Start = {}) {
    const [command, ...rest] = user === undefined || !isRoot ? [file, ...args] : [...becoming(user), file, ...args];
    this.child = spawn(command ?? file, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      detached: true,
      ...(cwd && { cwd }),
    });
    let begun = '';
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (begun + text).split('\n');
      begun = lines.pop() ?? '';
      for (const one of lines) {
        if (line === undefined) this.#say(`${one}\n`);
        else line(one);
      }
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#say(text));
    running.add(this);
    this.exit = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        running.delete(this);
        resolve(code ?? signal ?? 'unknown');
      });
    });
    this.exit.catch(() => running.delete(this));
  }

  get ended(): boolean {
    return !running.has(this);
  }

  #say(text: string): void {
    this.words = (this.words + text).slice(-wordsKept);
  }

  /** Asks it to end, waits, and does not ask a second time. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', patienceMs = 5_000): Promise<void> {
    if (this.ended) return;
    this.child.kill(signal);
    await Promise.race([this.exit, delay(patienceMs, undefined, { ref: false })]);
    this.kill();
  }

  /** It and whatever it started. */
  kill(): void {
    const { pid } = this.child;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody of the group is left.
    }
  }
}

const isRoot = process.getuid?.() === 0;

function becoming(user: string): readonly string[] {
  return ['setpriv', '--reuid', user, '--regid', user, '--clear-groups', '--'];
}

/** Runs a command to its end. @throws with its words where it fails. */
export async function command(file: string, args: readonly string[], start: Start = {}): Promise<void> {
  const one = new Running(file, args, start);
  const code = await one.exit;
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${one.words}`);
}

/** What a command prints; undefined where it is not installed. */
export function output(file: string, ...args: readonly string[]): string | undefined {
  try {
    return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 }).trim();
  } catch {
    return undefined;
  }
}

/** Gives a folder and what is in it to another user. */
export function give(folder: string, user: string): void {
  if (!isRoot) return;
  const [uid, gid] = [output('id', '-u', user), output('id', '-g', user)].map(Number);
  if (uid === undefined || gid === undefined) return;
  chownSync(folder, uid, gid);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    chownSync(join(folder, name), uid, gid);
}

/** Waits until somebody listens there. @throws where `server` ends before, or it takes too long. */
export async function listening(port: number, server: Running, patienceMs = 60_000): Promise<void> {
  for (const since = performance.now(); performance.now() - since < patienceMs; await delay(50)) {
    if (server.ended) throw new Error(`it ended before it listened: ${server.words}`);
    if (await isListening(port)) return;
  }
  throw new Error(`it does not listen at ${port} after ${patienceMs / 1000} s: ${server.words}`);
}
