/**
 * Servers that begin to listen, and stop in good order.
 *
 * @module
 */

import { once } from 'node:events';
import type { Server } from 'node:http';
import { CliError, exitCodes } from './exit.ts';
import { formatHostPort, reasonOf } from './options.ts';

/** What is being answered when a server is told to stop has so long. */
const graceMs = 5000;

/** Answers the port: a free one where 0 was asked for. */
export async function listen(server: Server, port: number, host: string, option: string): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new CliError(
      exitCodes.cannotConnect,
      `cannot listen at ${formatHostPort({ host, port })}: ${reasonOf(error)}`,
      {
        cause: error,
        hint: `another program may have that port (${option} takes another, 0 picks a free one), or it needs more rights`,
      },
    );
  }
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** Idle connections end at once; requests that are being answered get their answer; what is left after `waitMs` is cut off. */
export async function stop(server: Server, { waitMs = graceMs }: { readonly waitMs?: number } = {}): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), waitMs);
  await closed;
  clearTimeout(timer);
}
