/**
 * Do two classes of times have one mean? Welch's t-test on the middle halves (Yuen, 1974), after each time is divided by
 * the mean of its neighbours' middle half. A shared machine changes its speed and interrupts; both fall on all classes alike, since
 * these take turns at random, but unless they are taken out they hide what is small.
 *
 * What differs only in the slowest or fastest quarter of times is not found.
 *
 * @module
 */

/** |t| from which two means differ for certain enough: that of dudect (Reparaz, Balasch, Verbauwhede, 2017). */
export const threshold = 4.5;

/** Times that are taken to be of one speed. */
const neighbours = 16;
/** The part that is cut away at each end. */
const cut = 0.25;

export interface Sample {
  readonly which: number;
  readonly time: number;
}

/** The middle half of a class. */
export interface Middle {
  readonly mean: number;
  /** The mean's squared standard error: from all times, those cut away moved to the nearest that were not. */
  readonly squaredError: number;
}

export interface Comparison {
  /** The second mean less the first, in the samples' unit. */
  readonly difference: number;
  readonly t: number;
  /** The smallest difference that would have been found among samples like these. */
  readonly limit: number;
}

/** The times of each class, in their unit still, as if the machine's speed had not changed. Samples come in their order. */
export function levelled(samples: readonly Sample[], classes: number): number[][] {
  const overall = mean(middleHalf(samples.map(({ time }) => time)));
  const times: number[][] = Array.from({ length: classes }, () => []);
  for (let start = 0; start < samples.length; start += neighbours) {
    const group = samples.slice(start, start + neighbours);
    const scale = overall / mean(middleHalf(group.map(({ time }) => time)));
    for (const { which, time } of group) times[which]?.push(time * scale);
  }
  return times;
}

export function middleOf(times: readonly number[]): Middle {
  const middle = middleHalf(times);
  const least = middle.at(0) ?? Number.NaN;
  const most = middle.at(-1) ?? Number.NaN;
  const all = Float64Array.from(times, (time) => Math.min(Math.max(time, least), most));
  const center = mean(all);
  const deviations = all.reduce((sum, time) => sum + (time - center) ** 2, 0);
  return { mean: mean(middle), squaredError: deviations / (middle.length * (middle.length - 1)) };
}

export function compare(first: Middle, second: Middle): Comparison {
  const error = Math.sqrt(first.squaredError + second.squaredError);
  const difference = second.mean - first.mean;
  return { difference, t: difference / error, limit: threshold * error };
}

function mean(list: Float64Array): number {
  return list.reduce((sum, value) => sum + value, 0) / list.length;
}

/** Sorted. */
function middleHalf(list: readonly number[]): Float64Array {
  const sorted = Float64Array.from(list).sort();
  const start = Math.floor(cut * sorted.length);
  return sorted.subarray(start, sorted.length - start);
}
