/**
 * Deno's connections as a transport, over a fake that is as particular as they are: it takes a part of what is written, and
 * knows nothing after `close`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DenoConnLike, fromDenoConn } from '../../../src/web/index.ts';
import { connectedPair, receive, receiveAll, send } from '../support.ts';

/** What one write takes, at most. */
const writeBytes = 10_000;

class FakeConn implements DenoConnLike {
  readonly calls: string[] = [];
  readonly closed = Promise.withResolvers<void>();
  other: FakeConn | undefined;
  #queue: (Uint8Array | null | Error)[] = [];
  #news: (() => void) | undefined;

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#queue.length === 0) {
      await new Promise<void>((resolve) => {
        this.#news = resolve;
      });
    }
    const [next] = this.#queue;
    if (next instanceof Error) throw next;
    if (next === null || next === undefined) return null;
    into.set(next.subarray(0, into.length));
    if (next.length > into.length) this.#queue[0] = next.subarray(into.length);
    else this.#queue.shift();
    return Math.min(next.length, into.length);
  }

  give(what: Uint8Array | null | Error): void {
    this.#queue.push(what);
    this.#news?.();
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.calls.length > 0) throw new Error('Broken pipe');
    const taken = bytes.slice(0, writeBytes);
    this.other?.give(taken);
    return taken.length;
  }

  async closeWrite(): Promise<void> {
    this.calls.push('closeWrite');
    this.other?.give(null);
  }

  close(): void {
    this.calls.push('close');
    this.closed.resolve();
    this.give(new Error('Bad resource ID'));
    if (!this.calls.includes('closeWrite')) this.other?.give(null);
  }
}

function pair(): [FakeConn, FakeConn] {
  const conns: [FakeConn, FakeConn] = [new FakeConn(), new FakeConn()];
  const [near, far] = conns;
  near.other = far;
  far.other = near;
  return conns;
}

test('TLS runs over it, one side ends before the other, and each connection is closed once', async () => {
  const conns = pair();
  const [near, far] = conns;
  const { client, server } = await connectedPair({}, [fromDenoConn(near), fromDenoConn(far)]);
  const data = new Uint8Array(300_000).fill(3);
  const [received] = await Promise.all([receive(server, data.length), send(client, data)]);
  assert.deepEqual(new Uint8Array(received), data);
  await client.writable.close();
  assert.equal((await receiveAll(server)).length, 0);
  await send(server, 'an answer');
  await server.writable.close();
  assert.equal(String(await receiveAll(client)), 'an answer');
  await Promise.all([client.closed, server.closed, near.closed.promise, far.closed.promise]);
  assert.deepEqual(near.calls, ['closeWrite', 'close']);
  assert.deepEqual(far.calls, ['closeWrite', 'close']);
});

test('its own end is written of after the peer’s', async () => {
  const [near, far] = pair();
  const { readable, writable } = fromDenoConn(near);
  far.closeWrite();
  assert.equal((await readable.getReader().read()).done, true);
  assert.deepEqual(near.calls, []);
  const writer = writable.getWriter();
  await writer.write(Uint8Array.of(1));
  await writer.close();
  assert.deepEqual(near.calls, ['closeWrite', 'close']);
});

test('what fails both ways is closed, and an abort closes at once', async () => {
  const [failing] = pair();
  const { readable, writable } = fromDenoConn(failing);
  const reset = new Error('Connection reset by peer');
  failing.give(reset);
  await assert.rejects(readable.getReader().read(), reset);
  assert.deepEqual(failing.calls, []);
  await writable.abort();
  assert.deepEqual(failing.calls, ['close']);

  const [near] = pair();
  const streams = fromDenoConn(near);
  const reading = streams.readable.getReader().read();
  await streams.writable.abort();
  await assert.rejects(reading, /Bad resource ID/);
  assert.deepEqual(near.calls, ['close']);
});
