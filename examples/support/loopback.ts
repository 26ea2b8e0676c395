/**
 * A server on a free port of loopback, for the examples.
 *
 * @module
 */

import { once } from 'node:events';
import type { Server } from 'node:net';

/** Listens, and answers where to connect to. */
export async function onLoopback(server: Server): Promise<{ readonly host: string; readonly port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server does not listen at a port');
  return { host: '127.0.0.1', port: address.port };
}
