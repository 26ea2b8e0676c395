/**
 * The site that the browsers visit: a page, and the suite's module. `http://localhost` is a secure context.
 *
 * @module
 */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bundle } from './bundle.ts';

export interface Site {
  readonly url: string;
  close(): Promise<void>;
}

const page = (name: string): string =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/${name}.js"></script>`;

/**
 * @param name of the page's module
 * @param folder where it is; else `entries/`
 */
export async function openSite(name: string, folder?: string): Promise<Site> {
  const module = await readFile(await bundle(name, folder));
  const server = createServer(({ url }, response) => {
    const isModule = url === `/${name}.js`;
    response.setHeader('content-type', isModule ? 'text/javascript' : 'text/html');
    response.end(isModule ? module : page(name));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
