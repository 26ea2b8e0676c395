/**
 * A runtime that the suite runs in: what it is called, and how to get a report out of it.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import type { Report } from '../suite/index.ts';
import type { OutsideServer } from './outside.ts';

/** A report, and where it comes from. */
export interface Place {
  /** Places of the same suite run the same tests. */
  readonly suite: 'common' | 'tabs';
  /** `Firefox, in a worker`. */
  readonly name: string;
  readonly version: string;
  readonly report: Report;
  readonly seconds: number;
}

export interface Runtime {
  /** What is given on the command line. */
  readonly name: string;
  /** Runs the suite in each place that the runtime has for it. */
  run(words: readonly string[], outside: OutsideServer): Promise<readonly Place[]>;
}

/** Runs a program to its end. */
export function output(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, error] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      error += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${command} ended with ${signal ?? code}:\n${error || out}`));
    });
  });
}

/** What `work` answers, and how long it took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const started = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - started) / 1000 };
}
