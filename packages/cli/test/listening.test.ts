import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { createHttpsServer } from '@handfast/tls/node';
import { listen, stop } from '../src/listening.ts';
import { makePki, type Pki } from './support/pki.ts';

let pki: Pki;
before(async () => {
  pki = await makePki();
});
after(() => pki.remove());

test('a client that says nothing keeps no server from its end, over TLS no more than without', async () => {
  const makers: readonly (() => Server)[] = [
    () => createHttpsServer({ selectCredential: () => pki.server, handshakeTimeout: 3_600_000 }),
    () => createServer(),
  ];
  for (const make of makers) {
    const server = make();
    const port = await listen(server, 0, '127.0.0.1', '--port');
    const silent = connect(port, '127.0.0.1');
    silent.on('error', () => undefined).resume();
    const ended = once(silent, 'close');
    await once(silent, 'connect');
    // It has come to the server, too.
    while ((await connections(server)) === 0) await new Promise((next) => setImmediate(next));
    await stop(server, { waitMs: 10 });
    await ended;
    assert.equal(server.listening, false);
  }
});

function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
