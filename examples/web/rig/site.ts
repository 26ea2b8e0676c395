/**
 * The web server of the pages, with the bridge at the same port, and the authority that certifies the keys they make.
 *
 * @module
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { type BridgeOptions, bridge } from '../bridge.ts';
import { bundle } from './bundle.ts';
import type { Authority } from './pki.ts';

export interface Site {
  /** Without a slash at its end. A secure context, as all of localhost is. */
  readonly origin: string;
  close(): void;
}

/** Serves `/` as a page whose script is `entry`. */
export async function site(entry: string, pki: Authority, options: BridgeOptions = {}): Promise<Site> {
  const script = await bundle(entry, 'browser', pki.folder);
  const page = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>${entry}</title><script type="module" src="/page.js"></script>`;
  const server = createServer(async (request, response) => {
    const send = (type: string, body: string) => response.setHeader('content-type', type).end(body);
    try {
      if (request.method === 'POST' && request.url === '/certificate')
        send('application/x-pem-file', await pki.certify(await text(request)));
      else if (request.url === '/page.js') send('text/javascript', script);
      else if (request.url?.split('?')[0] === '/') send('text/html', page);
      else response.writeHead(404).end();
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  });
  const bridged = bridge(server, options);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('the server does not listen at a port');
  return {
    origin: `http://localhost:${address.port}`,
    close() {
      bridged.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
