/**
 * A plain TCP balancer: every connection goes to a server by chance. It knows nothing of TLS.
 *
 * @module
 */

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Balancer {
  readonly port: number;
  readonly #server: Server;

  static async start(ports: readonly number[]): Promise<Balancer> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const port = ports[Math.floor(Math.random() * ports.length)];
      if (port === undefined) return void client.destroy();
      const backend = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      join(client, backend);
      join(backend, client);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new TypeError('the balancer does not listen at a port');
    return new Balancer(server, address.port);
  }

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  close(): void {
    this.#server.close();
  }
}

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('error', () => to.destroy());
}
