/**
 * Time and chance, as commands have them that wait: passed in, so that tests need not.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises';

export interface World {
  now(): Date;
  /** Until so many milliseconds have passed, or the signal is aborted: it does not reject. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 to 1. */
  random(): number;
}

export const realWorld: World = {
  now: () => new Date(),
  wait: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
  random: Math.random,
};
