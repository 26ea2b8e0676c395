/**
 * What something takes in memory: the heap and what hangs on it outside (the bytes of typed arrays), before and after, garbage
 * collected each time. What OpenSSL or the allocator take for themselves is not in it.
 *
 * @module
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// As `--expose-gc` does; this way nobody has to start the bench with it.
setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes that what `fill` answers takes, divided by `count`: what else it made must be forgotten by then. */
export async function bytesEach(count: number, fill: () => unknown): Promise<number> {
  const before = await settledBytes();
  held.push(await fill());
  const after = await settledBytes();
  held.pop();
  return (after - before) / count;
}

/** Where what is measured cannot be taken for garbage. */
const held: unknown[] = [];

/** Collected until nothing more is freed: a socket that was closed goes in more than one turn, and memory of arrays late. */
async function settledBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let idle = 0; idle < 2; ) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    const { heapUsed, external } = process.memoryUsage(); // external: arrayBuffers are in it
    const now = heapUsed + external;
    idle = now < least - 1024 ? 0 : idle + 1;
    least = Math.min(least, now);
  }
  return least;
}
