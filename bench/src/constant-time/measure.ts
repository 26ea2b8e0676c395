/**
 * Measures a case: classes of input in random order, through one piece of work.
 *
 * So that nothing but the secret differs: the order is drawn before, inputs are made in batches, long before their turn,
 * and each is copied to the same memory before the clock starts. The work is one function, so that the compiler cannot
 * make two of it.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import { type Comparison, compare, levelled, middleOf, type Sample, threshold } from './statistics.ts';

export interface Case {
  readonly name: string;
  /** The classes' names; of two names at least. */
  readonly classes: readonly string[];
  /** Which classes are compared, by index; all with the first where absent. */
  readonly pairs?: readonly (readonly [number, number])[];
  /** A class whose time may differ, since the program's answer tells it anyway. */
  readonly told?: number;
  /** Something that leaks on purpose: every pair must be found. */
  readonly control?: boolean;
  /** The largest difference, in nanoseconds a call, that is not called a leak. */
  readonly bound: number;
  /** Calls in one sample, 1 where absent: so many that the clock's steps do not matter. */
  readonly calls?: number;
  /** Relative to the others, how long to measure. */
  readonly share: number;
  readonly inputLength: number;
  /** Writes an input of a class, the `sequence`th of all. */
  readonly write: (which: number, input: Uint8Array, sequence: number) => void;
  /** Inputs come in their sequence. */
  readonly work: (input: Uint8Array) => unknown;
  /** Whether the work's result is what this class must come to: asked while warming up. */
  readonly expects?: (which: number, result: unknown) => boolean;
}

export type Verdict = 'found' | 'NOT FOUND' | 'told anyway' | 'nothing seen' | 'differs' | 'LEAKS' | 'TOO NOISY';

export interface Finding extends Comparison {
  readonly pair: readonly [string, string];
  readonly verdict: Verdict;
}

export interface Outcome {
  readonly samples: number;
  /** Nanoseconds a call, of the first class. */
  readonly mean: number;
  readonly findings: readonly Finding[];
}

/** Inputs in a batch: few enough to stay in a processor's cache. */
const batchSize = 250;
/** Inputs until everything is compiled. */
const warmUp = 12 * batchSize;
/** No case warms up longer than this, in milliseconds. */
const longestWarmUp = 800;

export function measure(one: Case, milliseconds: number): Outcome {
  const samples = sampled(one, milliseconds);
  const middles = levelled(samples, one.classes.length).map(middleOf);
  const pairs = one.pairs ?? one.classes.slice(1).map((_, index) => [0, index + 1] as const);
  const findings = pairs.map(([a, b]): Finding => {
    const first = classAt(middles, a);
    const comparison = compare(first, classAt(middles, b));
    const isTold = a === one.told || b === one.told;
    return {
      ...comparison,
      pair: [classAt(one.classes, a), classAt(one.classes, b)],
      verdict: isTold ? 'told anyway' : judge(one, comparison),
    };
  });
  return { samples: samples.length, mean: classAt(middles, 0).mean, findings };
}

function classAt<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`there is no class ${index}`);
  return value;
}

function judge({ control = false, bound }: Case, { difference, t, limit }: Comparison): Verdict {
  const seen = Math.abs(t) >= threshold;
  if (control) return seen ? 'found' : 'NOT FOUND';
  if (seen) return Math.abs(difference) > bound ? 'LEAKS' : 'differs';
  return limit > bound ? 'TOO NOISY' : 'nothing seen';
}

/** Nanoseconds a call. */
function sampled({ classes, calls = 1, inputLength, write, work, expects }: Case, milliseconds: number): Sample[] {
  const samples: Sample[] = [];
  const batch = Array.from({ length: batchSize }, () => new Uint8Array(inputLength));
  const input = new Uint8Array(inputLength);
  const order = new Uint8Array(batchSize);
  const begin = performance.now();
  let start = begin;
  let isWarm = false;
  for (let first = 0; !isWarm || performance.now() - start < milliseconds; first += batchSize) {
    if (!isWarm && (first >= warmUp || performance.now() - begin > longestWarmUp)) {
      isWarm = true;
      start = performance.now();
    }
    for (const [index, byte] of nodeProvider.random(batchSize).entries()) order[index] = byte % classes.length;
    for (const [index, bytes] of batch.entries()) write(order[index] ?? 0, bytes, first + index);
    for (let index = 0; index < batchSize; index++) {
      const which = order[index] ?? 0;
      input.set(batch[index] ?? input);
      const before = process.hrtime.bigint();
      for (let call = 1; call < calls; call++) work(input);
      const result = work(input);
      const elapsed = Number(process.hrtime.bigint() - before) / calls;
      if (isWarm) samples.push({ which, time: elapsed });
      else if (expects !== undefined && !expects(which, result)) {
        throw new Error(`an input of the class "${classes[which]}" does not come to what it should`);
      }
    }
  }
  return samples;
}
