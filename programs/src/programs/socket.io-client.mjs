import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { checks, clientPair, given, megabyte, pem, refused } from './harness.mjs';

async function using(options, act, host = 'localhost') {
  const socket = io(`https://${host}:${given.port}`, { ca: pem.ca, reconnection: false, forceNew: true, ...options });
  try {
    await new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(undefined)).once('connect_error', reject);
    });
    await act?.(socket);
  } finally {
    socket.disconnect();
  }
}

const byPolling = { transports: ['polling'] };
const byWebSocket = { transports: ['websocket'] };

await checks({
  'from polling to a WebSocket': () =>
    using({}, async (socket) => {
      if (socket.io.engine.transport.name === 'polling') {
        await new Promise((resolve) => socket.io.engine.once('upgrade', resolve));
      }
      assert.equal(await socket.emitWithAck('echo', 'spoken'), 'spoken');
    }),
  '1 MB in both directions, by polling': () =>
    using(byPolling, async (socket) => assert.equal(await socket.emitWithAck('echo', megabyte), megabyte)),
  '1 MB in both directions, by WebSocket': () =>
    using(byWebSocket, async (socket) => assert.equal(await socket.emitWithAck('echo', megabyte), megabyte)),
  '1,000 messages at once': () =>
    using(byWebSocket, async (socket) => {
      const answers = await Promise.all(Array.from({ length: 1000 }, (_, index) => socket.emitWithAck('echo', index)));
      assert.deepEqual(
        answers,
        Array.from({ length: 1000 }, (_, index) => index),
      );
    }),
  'client certificate': () =>
    using({ ...byWebSocket, ...clientPair }, async (socket) =>
      assert.equal(await socket.emitWithAck('who'), 'certuser'),
    ),
  'a wrong name is refused': () => refused(/error/, using(byWebSocket, undefined, '127.0.0.1')),
  'another CA is refused': () => refused(/error/, using({ ...byWebSocket, ca: pem.otherCa })),
});
