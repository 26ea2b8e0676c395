/**
 * The stream of plaintext, by itself: also in runtimes whose streams have no bytes.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inlet } from '../../src/web/inlet.ts';

/** A constructor that knows no byte streams. */
const Plain = class {
  constructor(source: { readonly type?: string }, strategy?: QueuingStrategy) {
    if (source.type !== undefined) throw new RangeError('invalid type');
    // biome-ignore lint/correctness/noConstructorReturn: a constructor that answers another object, as `new` allows.
    return new ReadableStream(source as object, strategy);
  }
} as unknown as typeof ReadableStream;

const bytes = (length: number, fill = 1): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(fill);

for (const [name, Stream] of [
  ['a byte stream', undefined],
  ['a plain stream', Plain],
] as const) {
  test(`${name} hands out all that came before it says why there is no more`, async () => {
    const inlet = new Inlet({}, Stream);
    inlet.push(bytes(1));
    inlet.push(bytes(2));
    const why = new Error('why');
    inlet.end(why);
    inlet.push(bytes(3));
    const reader = inlet.readable.getReader();
    assert.equal((await reader.read()).value?.length, 1);
    assert.equal((await reader.read()).value?.length, 2);
    await assert.rejects(reader.read(), why);
  });

  test(`${name} gives a reader that waits what comes, and its end`, async () => {
    const inlet = new Inlet({}, Stream);
    const reader = inlet.readable.getReader();
    const first = reader.read();
    inlet.push(bytes(3));
    assert.deepEqual(await first, { done: false, value: bytes(3) });
    const second = reader.read();
    inlet.end();
    assert.equal((await second).done, true);
  });

  test(`${name} is full at 64 KiB, until so much has been read, or nobody reads`, async () => {
    const taken: number[] = [];
    const inlet = new Inlet({ taken: (length) => taken.push(length) }, Stream);
    inlet.push(bytes(65_535));
    assert.equal(inlet.full, undefined);
    inlet.push(bytes(1));
    const { full } = inlet;
    assert.ok(full);
    const reader = inlet.readable.getReader();
    await reader.read();
    await full;
    assert.equal(inlet.full, undefined);
    assert.deepEqual(taken, [65_535]);
    inlet.push(bytes(100_000));
    const again = inlet.full;
    assert.ok(again);
    await reader.cancel();
    await again;
    assert.equal(inlet.length, 0);
  });
}

test('memory that others use as well is copied, as a byte stream takes it away', async () => {
  const inlet = new Inlet();
  const shared = bytes(10_000, 7);
  inlet.push(shared.subarray(5, 10));
  const { value } = await inlet.readable.getReader().read();
  assert.deepEqual(value, bytes(5, 7));
  assert.equal(shared.length, 10_000);
});
