/**
 * Servers on loopback that a test speaks to.
 *
 * @module
 */

import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer, type TlsServerOptions } from '@handfast/tls/node';

export interface Listening<S extends Server> {
  readonly server: S;
  readonly port: number;
  readonly at: string;
  close(): void;
}

/** A raw TCP server. */
export function tcpServer(handle: (socket: Socket) => void): Promise<Listening<Server>> {
  return listening(createTcpServer({ allowHalfOpen: true, noDelay: true }, handle));
}

/** A TLS server of ours; without a handler it echoes. */
export function tlsServer(
  options: TlsServerOptions,
  handle: (socket: TLSSocket) => void = (socket) => void socket.pipe(socket),
): Promise<Listening<TlsServer>> {
  return listening(
    createServer({ allowHalfOpen: true, ...options }, (socket) => {
      socket.on('error', () => undefined);
      handle(socket);
    }),
  );
}

async function listening<S extends Server>(server: S): Promise<Listening<S>> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    at: `127.0.0.1:${port}`,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** A port where nobody listens: it was free a moment ago. */
export async function deadPort(): Promise<number> {
  const { port, server } = await tcpServer(() => undefined);
  server.close();
  await once(server, 'close');
  return port;
}
