/**
 * A WebSocket as a transport, over a fake; and a `WebSocketStream`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, fromWebSocket, fromWebSocketStream } from '../../../src/web/index.ts';
import { clientOptions, connectedPair, errorOf, receive, receiveAll, send, transportPair, turns } from '../support.ts';
import { FakeWebSocket, joined } from './fake-channel.ts';

const connecting = 0;

test('TLS runs over it, one record and more a message, and the socket is closed at its end', async () => {
  const [near, far] = joined(new FakeWebSocket(), new FakeWebSocket());
  const { client, server } = await connectedPair({}, [fromWebSocket(near), fromWebSocket(far)]);
  assert.equal(near.binaryType, 'arraybuffer');
  const data = new Uint8Array(2_000_000).fill(3);
  const [received] = await Promise.all([receive(server, data.length), send(client, data)]);
  assert.deepEqual(new Uint8Array(received), data);
  const closing = client.close();
  assert.equal((await receiveAll(server)).length, 0);
  await Promise.all([closing, server.close()]);
  assert.deepEqual([near.readyState, far.readyState], [3, 3]);
});

test('one that is still connecting is waited for', async () => {
  const [near, far] = joined(new FakeWebSocket(connecting), new FakeWebSocket());
  const opening = connectedPair({}, [fromWebSocket(near), fromWebSocket(far)]);
  await turns();
  assert.equal(near.sent.length, 0);
  near.readyState = 1;
  near.say('open');
  const { client, server } = await opening;
  await Promise.all([client.close(), server.close()]);
});

test('one that does not open', async () => {
  const socket = new FakeWebSocket(connecting);
  const opening = errorOf(connect(fromWebSocket(socket), clientOptions));
  socket.say('error');
  socket.readyState = 3;
  socket.say('close', { code: 1006, reason: '', wasClean: false });
  const error = await opening;
  assert.equal(error.code, 'transport_failed');
  assert.equal(error.message, 'the WebSocket failed');
});

test('one that can be paused is, once there is enough unread, until that is read or nobody wants it', async () => {
  class Pausable extends FakeWebSocket {
    readonly calls: string[] = [];
    pause(): void {
      this.calls.push('pause');
    }
    resume(): void {
      this.calls.push('resume');
    }
  }
  const socket = new Pausable();
  const { readable } = fromWebSocket(socket);
  const message = (): void => socket.say('message', { data: new ArrayBuffer(40_000) });
  message();
  assert.deepEqual(socket.calls, []);
  message();
  message();
  assert.deepEqual(socket.calls, ['pause']);
  const reader = readable.getReader();
  await reader.read();
  await turns();
  assert.deepEqual(socket.calls, ['pause']);
  await reader.read();
  await turns();
  assert.deepEqual(socket.calls, ['pause', 'resume']);
  message();
  await reader.cancel();
  await turns();
  assert.deepEqual(socket.calls, ['pause', 'resume', 'pause', 'resume']);
});

test('one that is cut off loses nothing of what it had brought', async () => {
  const socket = new FakeWebSocket();
  const { readable, writable } = fromWebSocket(socket);
  socket.say('message', { data: Uint8Array.of(1).buffer });
  socket.say('close', { code: 1006, reason: 'bye\n', wasClean: false });
  const reader = readable.getReader();
  assert.deepEqual(await reader.read(), { done: false, value: Uint8Array.of(1) });
  const error = await errorOf(reader.read());
  assert.equal(error.code, 'transport_failed');
  assert.equal(error.message, 'the WebSocket was cut off with code 1006 "bye\\u{a}"');
  assert.equal(await errorOf(writable.getWriter().closed), error);
});

test('one that was closed before', async () => {
  const { readable } = fromWebSocket(new FakeWebSocket(3));
  const error = await errorOf(readable.getReader().read());
  assert.equal(error.message, 'the WebSocket was closed before it was used');
});

test('a text message ends it', async () => {
  const socket = new FakeWebSocket();
  const { readable } = fromWebSocket(socket);
  socket.say('message', { data: 'hello' });
  const error = await errorOf(readable.getReader().read());
  assert.equal(error.message, 'the WebSocket gave text in place of bytes');
  assert.equal(socket.closes, 1);
});

test('it cannot have its sender wait: beyond a limit of what was not read it is closed, and says why', async () => {
  const socket = new FakeWebSocket();
  const { readable } = fromWebSocket(socket, { maxUnread: 100 });
  socket.say('message', { data: new ArrayBuffer(100) });
  assert.equal(socket.closes, 0);
  socket.say('message', { data: new ArrayBuffer(1) });
  assert.equal(socket.closes, 1);
  socket.say('message', { data: new ArrayBuffer(1_000_000) });
  const reader = readable.getReader();
  assert.equal((await reader.read()).value?.byteLength, 100);
  assert.equal((await reader.read()).value?.byteLength, 1);
  const error = await errorOf(reader.read());
  assert.equal(error.message, 'more than 100 bytes came over the WebSocket that nobody has read');
  assert.equal(
    error.hint,
    'a WebSocket cannot have its sender wait: read sooner, or let the application ask for less at a time',
  );
});

test('a writer waits while too much lies in the socket, and is told when that has closed', async () => {
  const socket = new FakeWebSocket();
  socket.held = true;
  const { writable } = fromWebSocket(socket, { maxUnsent: 100 });
  const writer = writable.getWriter();
  await writer.write(new Uint8Array(101));
  const second = writer.write(new Uint8Array(10));
  await turns();
  assert.equal(socket.sent.length, 1);
  socket.bufferedAmount = 0;
  await second;
  assert.equal(socket.sent.length, 2);
  socket.bufferedAmount = 101;
  const third = errorOf(writer.write(new Uint8Array(10)));
  await turns();
  socket.close();
  assert.equal((await third).message, 'the WebSocket has closed');
  assert.equal(socket.sent.length, 2);
});

test('a WebSocketStream is waited for, and used as it is', async () => {
  const [near, far] = transportPair();
  const { client, server } = await connectedPair({}, [
    fromWebSocketStream({ opened: Promise.resolve(near) as never }),
    far,
  ]);
  await send(client, 'hello');
  assert.equal(String(await receive(server, 5)), 'hello');
  await Promise.all([client.close(), server.close()]);
});
