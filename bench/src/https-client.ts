/**
 * The client of the HTTPS row, in a process of its own: an agent that keeps its connections, and one request at a time on each.
 * For `startChild`.
 *
 * @module
 */

import * as http from 'node:http';
import * as https from 'node:https';
import { TLSSocket as NodeSocket } from 'node:tls';
import { connect, TLSSocket as OurSocket } from '@handfast/tls/node';
import { serve } from './children.ts';
import type { HttpPart } from './https-server.ts';
import { serverName } from './identity.ts';

export interface HttpLoad extends HttpPart {
  readonly port: number;
  /** Whether the sockets should be. */
  readonly isOurs: boolean;
  readonly connections: number;
  readonly milliseconds: number;
}

const services = {
  /** Requests that were answered in full, a second. Handshakes are done before. */
  async run(load: HttpLoad): Promise<number> {
    const { port, connections, milliseconds } = load;
    const agent = agentOf(load);
    const scheme = agent instanceof https.Agent ? https : http;
    const target = { agent, host: '127.0.0.1', port, path: '/' };
    const sockets = new Set<unknown>();
    const get = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const request = scheme.request(target, (response) => {
          let bytes = 0;
          response.on('data', (data: Buffer) => {
            bytes += data.length;
          });
          response.on('end', () => (bytes === 100 ? resolve() : reject(new Error(`an answer of ${bytes} bytes`))));
          response.on('error', reject);
        });
        request.on('socket', (socket) => sockets.add(socket));
        request.on('error', reject);
        request.end();
      });
    await Promise.all(Array.from({ length: connections }, get));
    if (load.stack !== 'node:http') {
      for (const socket of sockets) check(socket, load);
    }
    const start = performance.now();
    let count = 0;
    const worker = async (): Promise<void> => {
      while (performance.now() - start < milliseconds) {
        await get();
        count++;
      }
    };
    await Promise.all(Array.from({ length: connections }, worker));
    const rate = (count * 1000) / (performance.now() - start);
    if (sockets.size !== connections) throw new Error(`${sockets.size} connections, not ${connections}`);
    agent.destroy();
    return rate;
  },
};

export type HttpClientServices = typeof services;

/** That it is whose it should be, and speaks what it should. */
function check(socket: unknown, { isOurs, setting: { version, openssl } }: HttpLoad): void {
  const Expected: typeof OurSocket | typeof NodeSocket = isOurs ? OurSocket : NodeSocket;
  if (!(socket instanceof Expected)) throw new Error('a socket of another stack');
  const { name } = socket.getCipher();
  if (socket.getProtocol() !== version || name !== openssl) throw new Error(`${socket.getProtocol()} with ${name}`);
}

function agentOf({ stack, setting, identity: { ca }, connections }: HttpLoad): http.Agent {
  const keeping = { keepAlive: true, maxSockets: connections, noDelay: true };
  if (stack === 'node:http') return new http.Agent(keeping);
  const { version, openssl, opensslGroups } = setting;
  const common = { ca, servername: serverName, minVersion: version, maxVersion: version };
  const options = { ...common, ciphers: openssl, ecdhCurve: opensslGroups };
  const agent = new https.Agent({ ...keeping, ...options });
  if (stack === 'createHttpsServer')
    Object.assign(agent, {
      createConnection: ({ host, port }: { readonly host: string; readonly port: number }) =>
        connect({ ...options, host, port, noDelay: true }),
    });
  return agent;
}

serve(services);
