/**
 * Transports that need no adapter: they have `readable` and `writable`, among other things. Shaped after a `Deno.Conn`, the
 * socket that `connect()` of `cloudflare:sockets` answers, and a WebTransport stream, over real TCP.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { ByteStreams } from '../../../src/web/index.ts';
import { connectedPair, receive, receiveAll, send } from '../support.ts';

const webOf = (socket: Socket): ByteStreams => Duplex.toWeb(socket) as ByteStreams;

const shapes: Readonly<Record<string, (streams: ByteStreams) => ByteStreams>> = {
  'Deno.Conn': (streams) =>
    // Its streams are made when they are asked for.
    Object.create(
      {
        get readable() {
          return streams.readable;
        },
        get writable() {
          return streams.writable;
        },
      },
      { rid: { value: 3 } },
    ) as ByteStreams,
  'cloudflare:sockets': (streams) => ({ ...streams, ...{ opened: Promise.resolve({}), secureTransport: 'off' } }),
  WebTransportBidirectionalStream: (streams) => streams,
};

for (const [name, shape] of Object.entries(shapes)) {
  test(`${name} is a transport as it is`, async () => {
    const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const near = connectTcp({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    const [far] = (await once(listener, 'connection')) as [Socket];
    listener.close();

    const { client, server } = await connectedPair({}, [shape(webOf(near)), webOf(far)]);
    await Promise.all([send(client, new Uint8Array(300_000)), receive(server, 300_000)]);
    await server.writable.close();
    assert.equal((await receiveAll(client)).length, 0);
    await send(client, 'half open');
    assert.equal(String(await receive(server, 9)), 'half open');
    await Promise.all([client.close(), server.closed]);
  });
}
