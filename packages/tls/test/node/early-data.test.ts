/**
 * Early data over sockets: what a server of Node's shape makes of it, and what its client can do.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, it } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { type TlsError, type TraceEvent, ticketKeys } from '../../src/index.ts';
import { createServer, type Server, type TLSSocket, type TlsServerOptions } from '../../src/node/index.ts';
import { clientCredential, pki } from '../support/identities.ts';
import {
  closed,
  listening,
  read,
  replayCache,
  serverOptions,
  turns,
  untilTheEnd,
  type Visitor,
  visitor,
} from './returning.ts';

interface Place {
  readonly server: Server;
  readonly port: number;
  readonly client: Visitor;
}

/** A server, and a client that was there before. */
async function place(options: TlsServerOptions = {}): Promise<Place> {
  const server = createServer({ ...serverOptions(), ...options });
  server.on('secureConnection', untilTheEnd);
  const port = await listening(server);
  return { server, port, client: await visitor(port) };
}

async function earlyConnection(server: Server): Promise<TLSSocket> {
  const [socket] = (await once(server, 'earlyConnection')) as [TLSSocket];
  return untilTheEnd(socket);
}

async function secureConnection(server: Server): Promise<TLSSocket> {
  const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
  return socket;
}

describe('early data over sockets', { timeout: 20_000 }, () => {
  it('is read and answered before the client has finished the handshake', async () => {
    const { server, client } = await place();
    const accepted = earlyConnection(server);
    const { socket, limit, written, release } = await client.comeEarly('question');
    assert.deepEqual([limit, written], [16_384, 8]);
    const peer = await accepted;
    assert.equal(await read(peer, 8), 'question');
    peer.write('answer');
    assert.equal(await read(socket, 6), 'answer');
    assert.deepEqual([socket.handshakeDone, peer.handshakeDone], [true, false]);

    const secure = secureConnection(server);
    release();
    assert.equal(await secure, peer);
    assert.equal(peer.handshakeDone, true);
    assert.deepEqual([socket.negotiated?.earlyData, peer.negotiated?.earlyData], ['accepted', 'accepted']);
    assert.equal(socket.takeRejectedEarlyData(), undefined);
    socket.end('more');
    assert.equal(await read(peer, 4), 'more');
    peer.end('enough');
    assert.equal(await read(socket, 6), 'enough');
  });

  it('comes with what was negotiated, which does not change afterwards', async () => {
    const { server, port } = await place({
      ALPNProtocols: ['one', 'two'],
      requestCert: true,
      trust: pki.trust,
      rejectUnauthorized: false,
    });
    const client = await visitor(port, { ALPNProtocols: ['two'], credentials: [clientCredential] });
    const facts = (of: TLSSocket): readonly unknown[] => [
      of.servername,
      of.alpnProtocol,
      of.authorized,
      of.getProtocol(),
      of.negotiated?.resumed,
      of.negotiated?.peer?.chain[0]?.raw,
    ];
    const expected = ['localhost', 'two', true, 'TLSv1.3', true, clientCredential.chain[0]?.raw];
    const accepted = earlyConnection(server);
    const { release } = await client.comeEarly('hello');
    const peer = await accepted;
    assert.deepEqual(facts(peer), expected);
    assert.throws(() => peer.exportKeyingMaterial(32, 'label'), { code: 'ERR_TLS_INVALID_STATE' });
    release();
    await once(peer, 'secure');
    assert.deepEqual(facts(peer), expected);
  });

  it('is held until the handshake is done where nobody listens for earlyConnection', async () => {
    const { server, client } = await place();
    let secured = false;
    const secure = secureConnection(server);
    void secure.then(() => {
      secured = true;
    });
    const { socket, release } = await client.comeEarly('early, ');
    await once(socket, 'secureConnect');
    socket.write('late');
    await turns();
    assert.equal(secured, false);
    release();
    const peer = await secure;
    assert.deepEqual([peer.handshakeDone, peer.negotiated?.earlyData], [true, 'accepted']);
    assert.equal(await read(peer, 11), 'early, late');
  });

  it('that was rejected comes back to the application, once, which may send it again', async () => {
    const taken = { replay: { window: 10_000, claim: () => false } };
    const { server, client } = await place({ earlyData: taken });
    server.on('earlyConnection', () => assert.fail('it was rejected'));
    const secure = secureConnection(server);
    const { socket, written, release } = await client.comeEarly('a question');
    assert.equal(written, 10);
    await once(socket, 'secureConnect');
    assert.equal(socket.writeEarlyData('!'), 0);
    const back = socket.takeRejectedEarlyData();
    assert.ok(Buffer.isBuffer(back));
    assert.equal(back.toString(), 'a question');
    assert.equal(socket.takeRejectedEarlyData(), undefined);
    socket.end(back);
    release();
    const peer = await secure;
    assert.deepEqual([socket.negotiated?.earlyData, peer.negotiated?.earlyData], ['rejected', 'rejected']);
    assert.deepEqual([peer.negotiated?.resumed, await read(peer, 10)], [true, 'a question']);
    peer.end();
    await Promise.all([closed(peer), socket.resume() && closed(socket)]);
  });

  it('is offered where the ticket allows it, and rejected by a server that takes none any more', async () => {
    const tickets = { keys: ticketKeys({ provider: nodeProvider }) };
    const { client } = await place({ tickets });
    const { earlyData: _, ...without } = serverOptions();
    const other = createServer({ ...without, tickets });
    const port = await listening(other);
    const secure = secureConnection(other);
    const socket = client.come({ socket: untilTheEnd(connectTcp(port, '127.0.0.1')) });
    socket.once('earlyDataReady', () => assert.equal(socket.writeEarlyData(Buffer.from('hello')), 5));
    untilTheEnd(await secure);
    assert.deepEqual([socket.negotiated?.resumed, socket.negotiated?.earlyData], [true, 'rejected']);
    assert.equal(socket.takeRejectedEarlyData()?.toString(), 'hello');
  });

  it('is not offered to a server whose tickets do not allow it, nor by a client that was not asked to', async () => {
    const { earlyData: _, ...without } = serverOptions();
    const server = createServer(without, untilTheEnd);
    const port = await listening(server);
    const here = await place();
    const elsewhere = { server, client: await visitor(port) };
    for (const [at, options] of [[elsewhere], [here, { earlyData: 0 }]] as const) {
      const secure = secureConnection(at.server);
      const socket = at.client.come(options);
      socket.on('earlyDataReady', () => assert.fail('it was offered'));
      await secure;
      assert.deepEqual([socket.negotiated?.resumed, socket.negotiated?.earlyData], [true, undefined]);
      assert.equal(socket.writeEarlyData('x'), 0);
    }
  });

  it('goes up to the server’s limit, and the rest after the handshake', async () => {
    const limit = 1_000_000;
    const { server, client } = await place({ earlyData: { replay: replayCache(), limit } });
    const data = Buffer.allocUnsafe(limit + 5_000).map((_, index) => (index * 31) % 251);
    const accepted = earlyConnection(server);
    const early = await client.comeEarly(data);
    assert.deepEqual([early.limit, early.written, early.socket.writeEarlyData('x')], [limit, limit, 0]);
    const peer = await accepted;
    const got = Buffer.from(await read(peer, limit), 'latin1');
    assert.ok(got.equals(data.subarray(0, limit)));
    assert.equal(peer.handshakeDone, false);
    early.release();
    early.socket.end(data.subarray(limit));
    assert.equal(await read(peer, 5_000), Buffer.from(data.subarray(limit)).toString('latin1'));
    assert.equal(peer.handshakeDone, true);
  });

  it('that is not read yet does not keep the handshake from ending, nor what follows from waiting', async () => {
    const limit = 1_000_000;
    const { server, client } = await place({ earlyData: { replay: replayCache(), limit } });
    const accepted = earlyConnection(server);
    const { socket, release } = await client.comeEarly(Buffer.alloc(limit, 'a'));
    const peer = await accepted;
    const done = once(peer, 'secure');
    release();
    await done;
    const most = limit + 16 * 1024 * 1024;
    socket.end(Buffer.alloc(most - limit, 'b'));
    await turns(100);
    assert.ok(peer.readableLength < limit + 2 * 1024 * 1024, `${peer.readableLength} bytes wait in the reader`);
    let length = 0;
    for await (const chunk of peer) length += (chunk as Buffer).length;
    assert.equal(length, most);
  });

  it('a server that ends early says so after the handshake, and its last words come before', async () => {
    const { server, client } = await place();
    server.once('earlyConnection', (peer: TLSSocket) => untilTheEnd(peer).end('that was all'));
    const { socket, release } = await client.comeEarly('hello');
    assert.equal(await read(socket, 12), 'that was all');
    assert.equal(socket.readableEnded, false);
    const ended = once(socket, 'end');
    release();
    socket.resume();
    await ended;
    assert.equal(socket.errored, null);
  });

  it('a server that destroys the connection in the middle of its answer does not let it pass for a whole one', async () => {
    const { server, client } = await place();
    server.on('secureConnection', () => assert.fail('the handshake was not done'));
    server.on('tlsClientError', () => assert.fail('nobody failed'));
    const accepted = earlyConnection(server);
    const { socket } = await client.comeEarly('hello');
    const peer = await accepted;
    peer.write('half an ans');
    assert.equal(await read(socket, 11), 'half an ans');
    const failed = once(socket, 'error') as Promise<[TlsError]>;
    socket.resume();
    peer.destroy();
    const [error] = await failed;
    assert.deepEqual([error.tlsCode, socket.readableEnded], ['truncated', false]);
    await closed(peer);
    assert.deepEqual([peer.handshakeDone, peer.errored], [false, null]);
  });

  it('a client that destroys the connection in the middle is an error of the handshake', async () => {
    const { server, client } = await place();
    const accepted = earlyConnection(server);
    const told = once(server, 'tlsClientError') as Promise<[TlsError, TLSSocket]>;
    const { socket } = await client.comeEarly('hello');
    const peer = await accepted;
    assert.equal(await read(peer, 5), 'hello');
    if (!socket.handshakeDone) await once(socket, 'secureConnect');
    socket.destroy();
    const [error, whose] = await told;
    assert.equal(error.tlsCode, 'truncated');
    assert.equal(whose, peer);
    await closed(peer);
    assert.equal(peer.handshakeDone, false);
  });

  it('handshakeTimeout ends a connection whose client never says that early data is over', async (test) => {
    const { server, client } = await place({ handshakeTimeout: 5_000 });
    test.mock.timers.enable({ apis: ['setTimeout'] });
    const accepted = earlyConnection(server);
    const told = once(server, 'tlsClientError') as Promise<[TlsError, TLSSocket]>;
    const { socket } = await client.comeEarly('hello', { handshakeTimeout: 0 });
    socket.on('error', () => {});
    const peer = await accepted;
    peer.write('an answer changes nothing');
    test.mock.timers.tick(4_999);
    assert.equal(peer.destroyed, false);
    test.mock.timers.tick(1);
    const [error, whose] = await told;
    assert.equal(error.tlsCode, 'handshake_timeout');
    assert.equal(error.message, 'the handshake was not done after 5 s, waiting in WAIT_EOED');
    assert.equal(whose, peer);
  });

  it('a first flight that somebody recorded is not taken a second time, nor ever read', async () => {
    const told: (string | undefined)[] = [];
    const trace = (event: TraceEvent): void => {
      if (event.type === 'early_data') told.push(event.accepted ? 'accepted' : event.why);
    };
    const { server, port, client } = await place({ trace });
    const accepted = earlyConnection(server);
    const { flight } = await client.comeEarly('pay 5 to Eve');
    assert.equal(await read(await accepted, 12), 'pay 5 to Eve');

    server.once('earlyConnection', () => assert.fail('it was taken again'));
    const recording = untilTheEnd(connectTcp(port, '127.0.0.1'));
    recording.write(flight());
    await once(recording, 'data');
    await turns();
    assert.deepEqual(told, ['accepted', 'the replay cache has seen it, or cannot know']);
  });
});
