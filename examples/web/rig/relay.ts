/**
 * Servers that are in the way, or at the far end: a TCP relay that sees what passes, a PostgreSQL that is none, and OpenSSL
 * by way of `node:tls`.
 *
 * @module
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import type { Authority } from './pki.ts';
import type { Direction } from './recorder.ts';

export interface Stop {
  readonly port: number;
  close(): void;
}

async function listen(server: Server): Promise<Stop> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => undefined).once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Carries what comes to a port of this machine, and shows it to `tap`. */
export function relay(port: number, tap: (from: Direction, bytes: Buffer) => Buffer): Promise<Stop> {
  return listen(
    createServer((near) => {
      const far = connect(port, '127.0.0.1');
      const through = (from: Direction) =>
        new Transform({ transform: (bytes: Buffer, _, done) => done(null, tap(from, bytes)) });
      pipeline(near, through('page'), far, () => undefined);
      pipeline(far, through('tcp'), near, () => undefined);
    }),
  );
}

/** Says that it goes on in TLS, as PostgreSQL does, and then has a certificate of somebody else's. */
export function impostor(pki: Authority): Promise<Stop> {
  const cert = readFileSync(pki.impostorCert);
  const key = readFileSync(pki.impostorKey);
  return listen(
    createServer((socket) => {
      socket.once('data', () => {
        socket.write('S');
        new TLSSocket(socket, { isServer: true, cert, key }).on('error', () => undefined).resume();
      });
    }),
  );
}

/** OpenSSL: sends back what it gets, once the client has shown a certificate of `pki`. */
export function openSslEcho(pki: Authority): Promise<Stop> {
  const [cert, key, ca] = [pki.cert, pki.key, pki.ca].map((path) => readFileSync(path));
  const options = {
    cert,
    key,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    allowHalfOpen: true,
  } as const;
  return listen(createTlsServer(options, (socket) => void socket.on('error', () => undefined).pipe(socket)));
}
