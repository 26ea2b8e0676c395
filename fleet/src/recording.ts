/**
 * Somebody on the wire: a client's first flight, early data with it, recorded and sent again.
 *
 * @module
 */

import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { clientConfig, memorySessionCache, tls13Client, tlsClient } from '@handfast/tls';
import { connect } from '@handfast/tls/node';
import type { Pki } from './pki.ts';

/** A ClientHello with a session, and early data behind it: one that no server has seen. */
export async function recordFlight({ trust }: Pki, port: number): Promise<Uint8Array> {
  const sessions = memorySessionCache();
  const first = connect({ host: '127.0.0.1', port, servername: 'fleet.test', trust, sessions });
  first.write('?');
  await text(first);
  const config = clientConfig({ provider, versions: [tls13Client], trust, sessions, earlyData: 16 });
  const flight: Uint8Array[] = [];
  let written = 0;
  const target = { serverName: 'fleet.test', sessionKey: `127.0.0.1:${port}` };
  const client = tlsClient(config, target, {
    send: (chunks) => flight.push(...chunks),
    earlyDataReady: () => {
      written = client.writeEarlyData(Buffer.from('pay'));
    },
  });
  client.start();
  const recorded = Buffer.concat(flight);
  client.abort();
  if (written === 0) throw new Error('the client had no session to send early data with');
  return recorded;
}

/** Sends it to each of these ports, all at once. A server has decided when its answer comes. */
export async function replay(flight: Uint8Array, ports: readonly number[]): Promise<void> {
  await Promise.all(
    ports.map(async (port) => {
      const socket = connectTcp(port, '127.0.0.1');
      socket.write(flight);
      await once(socket, 'data');
      socket.destroy();
    }),
  );
}
