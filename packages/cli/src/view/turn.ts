/**
 * Turns: of viewers that begin at once, one at a time looks whether the place is free, and takes it.
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';

/** What was left by one that was killed in its turn counts no longer than this: each turn is shorter. */
const turnMs = 3000;

/**
 * Waits until nobody else has the turn.
 * @param path of the file that says whose it is
 * @returns what ends it
 * @throws Error of the file system, where the file cannot be written
 */
export async function takeTurn(path: string, clock: () => number = () => performance.now()): Promise<() => void> {
  const own = randomUUID();
  let holder: string | undefined;
  let since = clock();
  while (!begin(path, own)) {
    const before = holder;
    holder = holderOf(path);
    // Each that waited its turn has the whole of it.
    if (holder !== before) since = clock();
    if (clock() - since > turnMs) rmSync(path, { recursive: true, force: true });
    else await pause(20);
  }
  return () => {
    if (holderOf(path) === own) rmSync(path, { force: true });
  };
}

/** @returns whether the turn is ours. */
function begin(path: string, own: string): boolean {
  try {
    writeFileSync(path, own, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (isOf(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Undefined: nobody. */
function holderOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Whether the system has said so: `ENOENT`. */
export function isOf(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
