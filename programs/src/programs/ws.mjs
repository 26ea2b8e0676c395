import assert from 'node:assert/strict';
import { WebSocket } from 'ws';
import { checks, clientPair, given, happens, megabyte, ours, pem, refused, untrusted, wrongName } from './harness.mjs';

const url = `wss://localhost:${given.port}`;
const createConnection = ({ host, port, ca, cert, key }) =>
  ours.connect({ host, port: Number(port), servername: host, ca, cert, key });

async function using(options, act, to = url) {
  const socket = new WebSocket(to, {
    ca: pem.ca,
    perMessageDeflate: false,
    ...(given.own && { createConnection }),
    ...options,
  });
  await happens(socket, 'open');
  await act?.(socket);
  const closed = happens(socket, 'close');
  socket.close();
  await closed;
}

async function ask(socket, text) {
  const heard = happens(socket, 'message');
  socket.send(text);
  return (await heard).toString();
}

await checks({
  '1 MB in both directions': () => using({}, async (socket) => assert.equal(await ask(socket, megabyte), megabyte)),
  '2,000 messages at once': () =>
    using({}, async (socket) => {
      let next = 0;
      const all = new Promise((resolve, reject) => {
        socket.on('message', (data) => {
          if (data.toString() !== `${next}`) reject(new Error(`${data} came for ${next}`));
          next += 1;
          if (next === 2000) resolve(undefined);
        });
      });
      for (let index = 0; index < 2000; index += 1) socket.send(`${index}`);
      await all;
    }),
  'ping and pong': () =>
    using({}, async (socket) => {
      const pong = happens(socket, 'pong');
      socket.ping('are you there?');
      assert.equal((await pong).toString(), 'are you there?');
    }),
  'client certificate': () => using(clientPair, async (socket) => assert.equal(await ask(socket, 'who'), 'certuser')),
  'a wrong name is refused': () => refused(wrongName, using({}, undefined, `wss://127.0.0.1:${given.port}`)),
  'another CA is refused': () => refused(untrusted, using({ ca: pem.otherCa })),
});
