/**
 * The processor's time that programs take, as Linux counts it: of a process with its threads, and of those that it has begun.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second. */
const tickMs = 10;

interface Stat {
  readonly parent: number;
  /** Of itself, and of children that have ended. */
  readonly cpuMs: number;
}

/** Of these processes and of their children, since they began; 0 where there is no `/proc`. */
export function cpuOf(pids: readonly number[]): number {
  const stats = new Map(processes().flatMap((pid) => entryOf(pid)));
  let sum = 0;
  for (const [pid, { parent, cpuMs }] of stats) {
    if (pids.includes(pid) || pids.includes(parent)) sum += cpuMs;
  }
  return sum;
}

function processes(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function entryOf(pid: number): readonly (readonly [number, Stat])[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Its name, in parentheses, may hold anything.
    const [, parent, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = rest.slice(9, 13).reduce((total, field) => total + Number(field), 0);
    return [[pid, { parent: Number(parent), cpuMs: ticks * tickMs }]];
  } catch {
    return []; // it has ended
  }
}
