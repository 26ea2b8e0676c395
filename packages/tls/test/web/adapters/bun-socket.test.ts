/**
 * Bun's sockets as a transport, over a fake that is as particular as they are: it takes a part of what is written, and calls
 * the handlers it was given.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BunHandlers,
  type BunSocketLike,
  type ByteStreams,
  bunHandlers,
  fromBunSocket,
} from '../../../src/web/index.ts';
import { connectedPair, errorOf, receive, receiveAll, send, turns } from '../support.ts';

/** What one write takes, at most. */
const writeBytes = 10_000;

class FakeBunSocket implements BunSocketLike {
  readonly calls: string[] = [];
  readonly handlers: BunHandlers;
  other: FakeBunSocket | undefined;
  closed = false;
  paused = false;

  constructor(handlers: BunHandlers) {
    this.handlers = handlers;
  }

  write(data: Uint8Array): number {
    if (this.closed) return -1;
    const taken = data.slice(0, writeBytes);
    queueMicrotask(() => {
      this.other?.handlers.data(this.other, Buffer.from(taken));
      if (taken.length < data.length) setImmediate(() => this.handlers.drain(this));
    });
    return taken.length;
  }

  shutdown(): void {
    this.calls.push('shutdown');
    queueMicrotask(() => this.other?.handlers.end(this.other));
  }

  end(): void {
    this.calls.push('end');
    this.over();
  }

  terminate(): void {
    this.calls.push('terminate');
    this.over();
  }

  over(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.handlers.close(this, error);
    queueMicrotask(() => this.other?.handlers.end(this.other));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

/** As `Bun.connect` and `Bun.listen` would. */
async function pair(): Promise<{ sockets: [FakeBunSocket, FakeBunSocket]; streams: [ByteStreams, ByteStreams] }> {
  const accepted = Promise.withResolvers<ByteStreams>();
  const far = new FakeBunSocket(bunHandlers(accepted.resolve));
  let near: FakeBunSocket | undefined;
  const connected = fromBunSocket(async (handlers) => {
    near = new FakeBunSocket(handlers);
    near.other = far;
    far.other = near;
    handlers.open(near);
    far.handlers.open(far);
  });
  const streams: [ByteStreams, ByteStreams] = [await connected, await accepted.promise];
  assert.ok(near);
  return { sockets: [near, far], streams };
}

test('TLS runs over it, and the socket is ended', async () => {
  const { sockets, streams } = await pair();
  const { client, server } = await connectedPair({}, streams);
  const data = new Uint8Array(300_000).fill(3);
  const [received] = await Promise.all([receive(server, data.length), send(client, data)]);
  assert.deepEqual(new Uint8Array(received), data);
  const closing = client.close();
  assert.equal((await receiveAll(server)).length, 0);
  await Promise.all([closing, server.close()]);
  await turns();
  assert.deepEqual(
    sockets.map(({ closed }) => closed),
    [true, true],
  );
});

test('a socket is paused while nobody reads, and resumed', async () => {
  const { sockets, streams } = await pair();
  const [near, far] = sockets;
  far.handlers.data(far, Buffer.alloc(70_000));
  assert.deepEqual([near.paused, far.paused], [false, true]);
  await streams[1].readable.getReader().read();
  assert.equal(far.paused, false);
});

test('a connection that is refused', async () => {
  const cause = new Error('ECONNREFUSED');
  const error = await errorOf(fromBunSocket(() => Promise.reject(cause)));
  assert.equal(error.code, 'transport_failed');
  assert.equal(error.message, 'the socket was not connected: ECONNREFUSED');
  assert.equal(error.cause, cause);
});

test('a socket that is cut off loses nothing of what it had brought, and fails what waits to be written', async () => {
  const { sockets, streams } = await pair();
  const [near] = sockets;
  const writing = errorOf(streams[0].writable.getWriter().write(new Uint8Array(20_000)));
  near.handlers.data(near, Buffer.from('the last words'));
  near.over(new Error('ECONNRESET'));
  const reader = streams[0].readable.getReader();
  assert.equal(Buffer.from((await reader.read()).value as Uint8Array).toString(), 'the last words');
  const error = await errorOf(reader.read());
  assert.equal(error.message, 'the socket failed: ECONNRESET');
  assert.equal(await writing, error);
});
