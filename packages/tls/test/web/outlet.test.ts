/**
 * The way out, by itself: what makes one write to the transport; and turns of the event loop.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outlet } from '../../src/web/outlet.ts';
import { nextTurn, Turns } from '../../src/web/turns.ts';

/** A record in two pieces, as an AEAD makes them that leaves no room in front. */
const record = (length: number, fill: number): Uint8Array<ArrayBuffer>[] => [
  new Uint8Array(5).fill(fill),
  new Uint8Array(length - 5).fill(fill),
];
/** As TLS 1.3 and TLS 1.2 make it of 2^14 bytes. */
const fullRecord = 5 + 8 + 16_384 + 16;

/** An outlet, what was written to its transport, and whether more is on its way. */
function rig() {
  const written: Uint8Array[] = [];
  const state = { more: false };
  const transport = new WritableStream<Uint8Array>({
    write: (chunk) => {
      written.push(chunk);
    },
  });
  const news = { room: () => {}, more: () => state.more, failed: (cause: unknown) => assert.fail(String(cause)) };
  return { outlet: new Outlet(transport.getWriter(), news), written, state };
}

const lengths = (chunks: readonly Uint8Array[]): number[] => chunks.map(({ length }) => length);

test('what makes no full piece waits while more is on its way, then goes out as one write', async () => {
  const { outlet, written, state } = rig();
  state.more = true;
  outlet.send(record(100, 1));
  outlet.send(record(50, 2));
  await nextTurn();
  assert.deepEqual(written, []);
  assert.equal(outlet.idle, false);
  state.more = false;
  outlet.send(record(10, 3));
  await nextTurn();
  assert.deepEqual(
    written.map((chunk) => [...chunk]),
    [[...new Array(100).fill(1), ...new Array(50).fill(2), ...new Array(10).fill(3)]],
  );
  assert.equal(outlet.idle, true);
});

test('four full records are one write, however many are on their way', async () => {
  const { outlet, written, state } = rig();
  state.more = true;
  for (let i = 0; i < 9; i++) outlet.send(record(fullRecord, i));
  await nextTurn();
  assert.deepEqual(lengths(written), [4 * fullRecord, 4 * fullRecord, fullRecord]);
});

test('its end takes what waits along', async () => {
  const { outlet, written, state } = rig();
  state.more = true;
  outlet.send(record(100, 1));
  await outlet.close();
  assert.deepEqual(lengths(written), [100]);
});

test('who moves many bytes, and takes long for them, is told to wait for a later task', async () => {
  let now = 5;
  const turns = new Turns(() => now);
  now = 8.9;
  assert.equal(turns.moved(256 * 1024), undefined);
  now = 9;
  assert.equal(turns.moved(256 * 1024 - 1), undefined);
  const turn = turns.moved(1);
  let timers = 0;
  const immediate = new Promise<void>((resolve) =>
    setImmediate(() => {
      timers += 1;
      resolve();
    }),
  );
  let microtasks = 0;
  for (; microtasks < 1000; microtasks++) await undefined;
  assert.equal(timers, 0);
  await Promise.all([turn, immediate]);
  assert.equal(turns.moved(1), undefined);
});
