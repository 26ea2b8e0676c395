/**
 * Early data at most once: what was claimed is remembered for the recording window (RFC 9846 §8.2), in memory, bounded.
 *
 * Every doubt is a refusal, which costs the client one round trip. How old a ClientHello may be (§8.3) is decided before,
 * by whoever asks.
 *
 * @module
 */

import type { MaybePromise } from '@handfast/crypto';
import { TlsConfigError } from '../errors.ts';

export interface ReplayCache {
  /** Milliseconds for which a claim is remembered: what could be accepted later than that must be refused as too old. */
  readonly window: number;
  /**
   * True: never seen within the window, and now remembered. Anything else, a rejection included, means: refuse the early
   * data.
   * @param key the binder of the selected identity, once it is verified (RFC 9846 §8.2 says why that one).
   * @param now milliseconds since the epoch, from the clock that ages of tickets are judged by.
   */
  claim(key: Uint8Array, now: number): MaybePromise<boolean>;
}

export interface MemoryReplayCacheOptions {
  /**
   * Milliseconds for which a ClientHello could be accepted again, up to a day: where arrivals are taken that come up to n
   * before and n after they were expected, 2 n. Default: 10 seconds.
   */
  readonly window?: number;
  /** Keys that are remembered at one time, up to 10 million. When there are as many, all are refused. Default: 100,000. */
  readonly most?: number;
  /** The clock that `now` comes from; it is read once, for the start. Default: the system's. */
  readonly time?: () => Date;
}

/** A binder is 32 to 255 bytes (RFC 9846 §4.3.11). */
export const longestKey = 255;

/**
 * A cache for one process. Whatever was claimed before it was made is unknown to it, so it refuses everything for one
 * whole window; it also refuses while the clock is behind where it once was.
 * @throws TlsConfigError where a setting is out of range.
 */
export function memoryReplayCache({
  window = 10_000,
  most = 100_000,
  time = () => new Date(),
}: MemoryReplayCacheOptions = {}): ReplayCache & { claim(key: Uint8Array, now: number): boolean } {
  for (const [option, value, least, limit] of [
    ['window', window, 2, 86_400_000],
    ['most', most, 1, 10_000_000],
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > limit) {
      throw new TlsConfigError(option, `${value} is not a whole number from ${least} to ${limit}`);
    }
  }
  const opensAt = time().getTime() + window;
  // Three buckets of half a window. When a key's bucket goes, all of the two after it has passed since: one window.
  const bucketMs = window / 2;
  let buckets: readonly [Set<string>, Set<string>, Set<string>] = [new Set(), new Set(), new Set()];
  let newest = Number.NEGATIVE_INFINITY;

  return {
    window,
    claim(key, now) {
      const period = Math.floor(now / bucketMs);
      // Within one bucket the clock may go back: whatever was forgotten was out of its window when the bucket began.
      if (!Number.isSafeInteger(period) || period < newest) return false;
      for (let turns = Math.min(3, period - newest); turns > 0; turns--) {
        buckets = [new Set(), buckets[0], buckets[1]];
      }
      newest = period;
      if (key.length === 0 || key.length > longestKey) return false;
      const text = String.fromCharCode(...key);
      if (buckets.some((bucket) => bucket.has(text))) return false;
      if (buckets[0].size + buckets[1].size + buckets[2].size >= most) return false;
      buckets[0].add(text);
      // Before, it is remembered and refused: it must not be taken later, when its client has sent its data again.
      return now >= opensAt;
    },
  };
}
