/**
 * A server's handshakes take turns: bounded work in one turn of the event loop, first come first served, nobody left out.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { describe, it } from 'node:test';
import { connect, createServer, type TLSSocket } from '../../src/node/index.ts';
import { Turns } from '../../src/node/turns.ts';
import { now, pki, serverCredential } from '../support/identities.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('are so many at once, and again in the next turn of the event loop', async () => {
    const turns = new Turns(2);
    assert.deepEqual([turns.take(), turns.take(), turns.take()], [true, true, false]);
    await turn();
    assert.deepEqual([turns.take(), turns.take(), turns.take()], [true, true, false]);
  });

  it('go to those who wait before those who come', async () => {
    const turns = new Turns(2);
    const done: number[] = [];
    for (const piece of [1, 2, 3, 4, 5]) turns.wait(() => done.push(piece));
    assert.equal(turns.take(), false);
    await turn();
    assert.deepEqual(done, [1, 2]);
    assert.equal(turns.take(), false);
    await turn();
    assert.deepEqual(done, [1, 2, 3, 4]);
    await turn();
    assert.deepEqual(done, [1, 2, 3, 4, 5]);
    assert.deepEqual([turns.take(), turns.take()], [true, false]);
  });

  it('can be asked for from within one', async () => {
    const turns = new Turns(1);
    const done: string[] = [];
    turns.wait(() => {
      done.push('first');
      turns.wait(() => done.push('second'));
    });
    await turn();
    assert.deepEqual(done, ['first']);
    await turn();
    assert.deepEqual(done, ['first', 'second']);
  });
});

describe('a crowd of clients', { timeout: 20_000 }, () => {
  it('is served sixteen a turn, all of them', async () => {
    const time = (): Date => now;
    const helloesByTurn: number[] = [0];
    const server = createServer({
      credentials: [serverCredential],
      time,
      selectAlpn: () => {
        helloesByTurn[helloesByTurn.length - 1] = (helloesByTurn.at(-1) ?? 0) + 1;
        return undefined;
      },
    });
    server.on('secureConnection', (socket: TLSSocket) => socket.resume());
    // In memory, where all of them reach the server in one turn.
    const clients = Array.from({ length: 40 }, () => {
      const [ours, theirs] = duplexPair();
      server.emit('connection', theirs);
      return connect({ socket: ours, servername: 'localhost', trust: pki.trust, time, ALPNProtocols: ['x'] });
    });
    const connected = Promise.all(clients.map((client) => once(client, 'secureConnect')));
    for (let i = 0; i < 20; i++) {
      await turn();
      helloesByTurn.push(0);
    }
    await connected;
    assert.deepEqual(
      helloesByTurn.filter((count) => count > 0),
      [16, 16, 8],
    );
    await Promise.all(
      clients.map((client) => {
        client.resume().end();
        return once(client, 'close');
      }),
    );
  });
});
