/**
 * Our own small coverage-guided loop over the decoders: mutants of good inputs, and of those mutants that reached code which
 * nothing had reached before. A failure prints its input, and the command that decodes it again.
 *
 * What must hold: nothing is thrown but the packages' own errors, what can be written again is the same bytes (`targets.ts`),
 * and one input costs bounded time and memory.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { getHeapStatistics } from 'node:v8';
import type { Bytes } from '@handfast/crypto';
import { type Below, mutant, numbers, oneOf } from '../../packages/x509/test/support/mutate.ts';
import type { Count } from './count.ts';
import { Coverage } from './coverage.ts';
import { type Target, targets } from './targets.ts';

/** Bytes that a mutant may have: longer ones are what the decoders' own limits are for, and slow the search. */
const maxLength = 1 << 16;

/** Inputs between two looks at the coverage. */
const batch = 256;

/**
 * Milliseconds that an input of that size may take. The slowest honest one takes 5; a machine that is busy makes that 50,
 * and quadratic work on 64 KiB is seconds.
 */
const maxMs = 500;

/** Bytes of heap that an input may take before a collection, and for each byte of it. */
const maxHeap = 24 << 20;
const maxHeapPerByte = 400;

export interface DecoderOptions {
  readonly seconds: number;
  readonly seed: number | undefined;
  /** One target alone. */
  readonly only: string | undefined;
  /** An input to decode, in place of the search: base64. */
  readonly input: string | undefined;
}

/** Each target in turns, a share of the time each. */
export async function fuzzDecoders({ seconds, seed, only, input }: DecoderOptions): Promise<Count> {
  const wanted = (await targets()).filter(({ name }) => only === undefined || only === 'decoders' || name === only);
  if (wanted.length === 0) throw new RangeError(`no decoder is called ${only}`);
  if (input !== undefined) return again(wanted, Uint8Array.from(Buffer.from(input, 'base64')));
  const first = seed ?? Math.floor(Math.random() * 2 ** 31);
  console.log(`decoders from seed ${first}; inputs, kept for what they reach, characters of code reached`);
  let passed = 0;
  let failed = 0;
  for (const target of wanted) {
    const count = search(target, numbers(first), (seconds * 1000) / wanted.length);
    passed += count.passed;
    failed += count.failed;
  }
  return { passed, failed };
}

function again(wanted: readonly Target[], bytes: Bytes): Count {
  for (const { name, run } of wanted) {
    console.log(name);
    measured(run, bytes);
  }
  return { passed: wanted.length, failed: 0 };
}

function search({ name, seeds, run }: Target, below: Below, milliseconds: number): Count {
  const coverage = new Coverage();
  const failures = new Map<string, { readonly text: string; readonly bytes: Bytes }>();
  let count = 0;
  const decode = (bytes: Bytes): void => {
    count++;
    try {
      measured(run, bytes);
    } catch (error) {
      // One of each kind will do: by what was thrown and the innermost frames, whatever their numbers.
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const kind = text.replace(/\d+/g, '#').split('\n', 3).join('\n');
      if (!failures.has(kind) && failures.size < 5) failures.set(kind, { text, bytes });
    }
  };
  const end = performance.now() + milliseconds;
  coverage.reset();
  const corpus: Bytes[] = [...seeds];
  coverage.fresh(corpus, decode);
  while (performance.now() < end && failures.size < 5) {
    const inputs = Array.from({ length: batch }, () => nextOf(corpus, seeds.length, below));
    corpus.push(...coverage.fresh(inputs, decode));
  }
  console.log(
    `${String(count).padStart(8)}  ${name.padEnd(16)}${String(corpus.length - seeds.length).padStart(6)}${String(coverage.size).padStart(9)}`,
  );
  coverage.stop();
  for (const { text, bytes } of failures.values())
    console.error(`npm run fuzz -- --only ${name} --input ${Buffer.from(bytes).toString('base64')}\n${text}`);
  return { passed: count - failures.size, failed: failures.size };
}

/** Every second one from what was found, once something was. */
function nextOf(corpus: readonly Bytes[], seeds: number, below: Below): Bytes {
  const found = corpus.length - seeds;
  const parent =
    found > 0 && below(2) === 0 ? (corpus[seeds + below(found)] ?? oneOf(corpus, below)) : oneOf(corpus, below);
  return mutant(parent, oneOf(corpus, below), below).slice(0, maxLength);
}

/** Runs it under both limits. What is over one is run again: a collection, or another process, may have been the reason. */
function measured(run: (bytes: Bytes) => void, bytes: Bytes): void {
  let [ms, heap] = costOf(run, bytes);
  const heapLimit = maxHeap + maxHeapPerByte * bytes.length;
  for (let tries = 0; tries < 3 && (ms > maxMs || heap > heapLimit); tries++) {
    const [nextMs, nextHeap] = costOf(run, bytes);
    ms = Math.min(ms, nextMs);
    heap = Math.min(heap, nextHeap);
  }
  assert.ok(ms <= maxMs, `${bytes.length} bytes took ${Math.round(ms)} ms`);
  assert.ok(heap <= heapLimit, `${bytes.length} bytes took ${heap} bytes of memory`);
}

function costOf(run: (bytes: Bytes) => void, bytes: Bytes): readonly [number, number] {
  const before = allocated();
  const start = performance.now();
  run(bytes);
  return [performance.now() - start, allocated() - before];
}

function allocated(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
