/**
 * Ports of loopback, for servers of others that want to be told one.
 *
 * @module
 */

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** One that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('the server does not listen at a port');
  return address.port;
}

/** Whether somebody takes connections there. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
