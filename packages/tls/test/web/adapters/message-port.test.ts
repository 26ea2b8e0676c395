/**
 * A `MessagePort` as a transport, with the adapter at both ends.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ByteStreams, fromMessagePort } from '../../../src/web/index.ts';
import { connectedPair, errorOf, receive, receiveAll, send, turns } from '../support.ts';

const windowBytes = 1024 * 1024;

type Port = InstanceType<typeof MessageChannel>['port1'];

function pair(): [ByteStreams, ByteStreams] {
  const { port1, port2 } = new MessageChannel();
  return [fromMessagePort(port1), fromMessagePort(port2)];
}

/** An adapter, and the bare port at its other end. */
function halfPair(): { readonly streams: ByteStreams; readonly port: Port; readonly came: unknown[] } {
  const { port1, port2 } = new MessageChannel();
  const came: unknown[] = [];
  port2.addEventListener('message', (event) => came.push((event as MessageEvent).data));
  port2.start();
  return { streams: fromMessagePort(port1), port: port2, came };
}

test('TLS runs over it, and both ports are closed at its end', async () => {
  const { client, server } = await connectedPair({}, pair());
  const data = new Uint8Array(3 * windowBytes).fill(5);
  const [received] = await Promise.all([receive(server, data.length), send(client, data)]);
  assert.deepEqual(new Uint8Array(received), data);
  const closing = client.close();
  assert.equal((await receiveAll(server)).length, 0);
  await Promise.all([closing, server.close()]);
});

test('a writer waits once a window of bytes has not been read, and goes on as they are', async () => {
  const [near, far] = pair();
  const writer = near.writable.getWriter();
  let written = 0;
  const writing = (async () => {
    for (; written < 3 * windowBytes; written += 65_536) await writer.write(new Uint8Array(65_536));
    await writer.close();
  })();
  await turns(50);
  assert.equal(written, windowBytes);
  assert.equal(
    (await receiveAll({ readable: far.readable as ReadableStream<Uint8Array<ArrayBuffer>> })).length,
    3 * windowBytes,
  );
  await Promise.all([writing, far.writable.close()]);
});

test('a chunk that the window has no room for now waits as a whole; one that is larger than windows is cut', async () => {
  const { streams, port, came } = halfPair();
  const writer = streams.writable.getWriter();
  const lengths = (): unknown[] => came.map((message) => (message as Uint8Array).length);
  const writing = [writer.write(new Uint8Array(600_000)), writer.write(new Uint8Array(600_000))];
  await turns(10);
  assert.deepEqual(lengths(), [600_000]);
  port.postMessage(600_000);
  await Promise.all(writing);
  const large = writer.write(new Uint8Array(windowBytes));
  await turns(10);
  assert.deepEqual(lengths(), [600_000, 600_000, windowBytes - 600_000]);
  port.postMessage(600_000);
  await large;
  await turns(10);
  assert.deepEqual(lengths(), [600_000, 600_000, windowBytes - 600_000, 600_000]);
  port.close();
});

test('memory that a chunk has to itself is handed over; a part of something larger is copied', async () => {
  const { streams, port, came } = halfPair();
  const writer = streams.writable.getWriter();
  const whole = new Uint8Array(1000).fill(1);
  const part = new Uint8Array(1000).fill(2).subarray(10, 20);
  await writer.write(whole);
  await writer.write(part);
  await turns();
  assert.equal(whole.length, 0);
  assert.equal(part.length, 10);
  assert.deepEqual(came, [new Uint8Array(1000).fill(1), new Uint8Array(10).fill(2)]);
  assert.equal((came[1] as Uint8Array).buffer.byteLength, 10);
  port.close();
});

test('who ends is read to the end, and who has enough is written to no more', async () => {
  const [near, far] = pair();
  const writer = near.writable.getWriter();
  await writer.write(Uint8Array.of(1, 2, 3));
  await writer.close();
  assert.deepEqual([...(await receiveAll(far as Parameters<typeof receiveAll>[0]))], [1, 2, 3]);
  await near.readable.cancel();
  const error = await errorOf(far.writable.getWriter().closed);
  assert.equal(error.code, 'transport_failed');
  assert.equal(error.message, 'the other end of the port reads no more');
});

for (const [what, message, said] of [
  [
    'a credit for what was never sent',
    5,
    'the other end of the port says that it has read 5 bytes, which were not sent',
  ],
  [
    'a credit that is no number of bytes',
    0.5,
    'the other end of the port says that it has read 0.5 bytes, which were not sent',
  ],
  ['text', 'hello', 'the message port gave text in place of bytes'],
  ['something else', { a: 1 }, 'the message port gave a value of type object in place of bytes'],
  ['more than the window', new Uint8Array(windowBytes + 1), 'the other end of the port sends more than it may'],
] as const) {
  test(`${what} ends it`, async () => {
    const { streams, port, came } = halfPair();
    port.postMessage(message);
    const error = await errorOf(streams.readable.getReader().read());
    assert.equal(error.code, 'transport_failed');
    assert.equal(error.message, said);
    assert.equal(error.hint, 'fromMessagePort must be at both ends of the port, and nobody else may use it');
    assert.equal(await errorOf(streams.writable.getWriter().closed), error);
    await turns();
    assert.deepEqual(came, ['stop']);
  });
}

test('a port that is closed ends both, behind what it had brought', async () => {
  const { streams, port } = halfPair();
  port.postMessage(Uint8Array.of(1));
  port.close();
  const reader = streams.readable.getReader();
  assert.deepEqual(await reader.read(), { done: false, value: Uint8Array.of(1) });
  assert.equal((await reader.read()).done, true);
  assert.equal((await errorOf(streams.writable.getWriter().closed)).message, 'the port was closed');
});
