/**
 * The time of day to the microsecond, so that what a client and a server of one machine tell can be laid side by side. `Date` knows
 * milliseconds, `performance` has the microseconds and does not know what time it is: the moment at which `Date` goes on joins both.
 *
 * @module
 */

/** Milliseconds since 1970, with their fractions. */
export type PreciseClock = () => number;

/** So long an answer may be apart from `Date` before the two are joined anew: somebody set the clock, or the machine slept. */
const driftMs = 1.5;

/** Several milliseconds' worth. */
const maxLooks = 200_000;

/** It waits for the next millisecond when it is first asked, and where the time of day has jumped. */
export function preciseClock(): PreciseClock {
  let offset = Number.NaN;
  return () => {
    const now = offset + performance.now();
    if (Math.abs(now - Date.now()) < driftMs) return now;
    const before = Date.now();
    // A clock that stands still, as tests have it, is not waited for.
    for (let looks = 0; Date.now() === before && looks < maxLooks; looks++);
    offset = Date.now() - performance.now();
    return offset + performance.now();
  };
}
