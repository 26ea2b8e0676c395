/**
 * Node's own sessions, kept as its users keep them: a client's in a Map by host, each the Buffer that `getSession()` gives; a
 * server's in a Map by identifier, as `newSession` hands them over.
 *
 * @module
 */

import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import * as tls from 'node:tls';
import type { Setting } from './settings.ts';

/** PEM. */
export interface NodeIdentity {
  readonly ca: string;
  /** The leaf and what is above it. */
  readonly cert: string;
  readonly key: string;
  /** What the certificate is for. */
  readonly servername: string;
}

/** What a client keeps of `count` sessions, as many of each host as a connection leaves. */
export async function nodeClientSessions(
  setting: Setting,
  identity: NodeIdentity,
  perConnection: number,
  count: number,
): Promise<Map<string, Buffer[]>> {
  const kept = new Map<string, Buffer[]>();
  await meet(setting, identity, {}, count / perConnection, async (socket, peer) => {
    const sessions: Buffer[] = [];
    while (sessions.length < perConnection) {
      const [session] = await once(socket, 'session');
      sessions.push(session);
    }
    kept.set(`server-${peer}.bench.example:443`, sessions);
  });
  return kept;
}

/** What a server keeps of `count` sessions of clients that take no tickets. */
export async function nodeServerSessions(
  setting: Setting,
  identity: NodeIdentity,
  count: number,
): Promise<Map<string, Buffer>> {
  const kept = new Map<string, Buffer>();
  const withoutTickets = { secureOptions: constants.SSL_OP_NO_TICKET };
  const onServer = (server: tls.Server): void => {
    server.on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
      kept.set(id.toString('hex'), session);
      done();
    });
  };
  await meet(setting, identity, withoutTickets, count, (socket) => once(socket, 'secureConnect'), onServer);
  if (kept.size !== count) throw new Error(`${kept.size} sessions were stored, not ${count}`);
  return kept;
}

/** Connections, one after the other, each until `visit` has what it wants of it. */
async function meet(
  { version, openssl }: Setting,
  { ca, cert, key, servername }: NodeIdentity,
  more: tls.SecureContextOptions,
  connections: number,
  visit: (socket: tls.TLSSocket, peer: number) => Promise<unknown>,
  onServer?: (server: tls.Server) => void,
): Promise<void> {
  const common = { minVersion: version, maxVersion: version, ecdhCurve: 'X25519:P-256', ciphers: openssl } as const;
  const server = tls.createServer({ cert, key, ...common, ...more, noDelay: true }, (socket) => socket.resume());
  onServer?.(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const secureContext = tls.createSecureContext({ ca, ...common });
  for (let peer = 0; peer < connections; peer++) {
    const socket = tls.connect({ host: '127.0.0.1', port, servername, secureContext, ecdhCurve: common.ecdhCurve });
    await visit(socket, peer);
    const gone = once(socket, 'close');
    socket.resume().end();
    await gone;
  }
  server.close();
  await once(server, 'close');
}
