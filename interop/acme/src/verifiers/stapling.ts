/**
 * Servers over our TLS, beside the CA: one with a good certificate and one with a revoked one, and each staples what the CA's OCSP
 * responder says.
 *
 * @module
 */

import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from '@handfast/tls/node';
import type { CommandCa, Standing } from './ca.ts';

export const staplingPorts: Readonly<Record<Standing, number>> = { good: 8443, revoked: 8444 };

export async function startStapling({ site, server, ocspAnswer }: CommandCa): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  for (const standing of ['good', 'revoked'] as const) {
    const { chain, key } = server[standing];
    const front = createServer({ cert: readFileSync(chain), key: readFileSync(key) }, (socket) => {
      // Who has refused resets the connection.
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nserved\n'));
    });
    front.on('OCSPRequest', (_certificate, _issuer, answer) => {
      const file = ocspAnswer[standing];
      answer(null, existsSync(file) ? readFileSync(file) : Buffer.alloc(0));
    });
    front.listen(staplingPorts[standing], site.addresses.ca);
    await once(front, 'listening');
    undo.defer(async () => {
      front.close();
    });
  }
  return undo.move();
}
