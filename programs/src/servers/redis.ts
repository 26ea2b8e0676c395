/**
 * Redis twice, with TLS alone: one asks for a client's certificate, the other insists on it. Nothing is kept on disk.
 *
 * @module
 */

import { freePort } from '../../../rig/ports.ts';
import type { Pki } from '../pki.ts';
import { listening, output, Running } from '../processes.ts';
import type { Server } from './server.ts';

export const redis: Server = {
  name: 'Redis',

  version() {
    return output('redis-server', '--version')?.replace(/^Redis server v=(\S+).*/, 'Redis $1');
  },

  async start(folder, pki) {
    const open = await one(folder, pki, 'optional');
    const closed = await one(folder, pki, 'yes');
    return {
      given: { port: open.port, portWithCertificate: closed.port },
      async stop() {
        await Promise.all([open.server.stop(), closed.server.stop()]);
      },
    };
  },
};

async function one(cwd: string, pki: Pki, clients: string): Promise<{ port: number; server: Running }> {
  const port = await freePort();
  const settings = {
    ...{ port: 0, 'tls-port': port, bind: '127.0.0.1', save: '', appendonly: 'no' },
    ...{ 'tls-cert-file': pki.cert, 'tls-key-file': pki.key, 'tls-ca-cert-file': pki.ca, 'tls-auth-clients': clients },
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = new Running('redis-server', args, { cwd });
  await listening(port, server);
  return { port, server };
}
