/**
 * An example's peers, up until Ctrl-C, for a browser of the reader's own.
 *
 * @module
 */

import { freePort } from '../../../rig/ports.ts';
import { site } from './site.ts';
import type { World } from './world.ts';

/** What to do with each page, where the bridge has this port. */
const pages: ReadonlyMap<string, (origin: string, port: number, ca: string) => string> = new Map([
  ['postgres-in-a-page', (origin) => `open ${origin}`],
  ['server-in-a-page', (origin, port, ca) => `open ${origin}, then: curl --cacert ${ca} https://localhost:${port}/`],
  ['two-pages', (origin) => `open ${origin}/?alice and ${origin}/?bob`],
]);

export async function stay({ pki, database }: World, name = ''): Promise<never> {
  const told = pages.get(name);
  if (told === undefined) throw new Error(`--stay is for one of ${[...pages.keys()].join(', ')}`);
  const port = await freePort();
  const targets = { database: { host: '127.0.0.1', port: database } };
  const { origin } = await site(`${name}/page.ts`, pki, { targets, ports: { https: port } });
  console.log(`${told(origin, port, pki.ca)}\nCtrl-C ends it.`);
  return await new Promise(() => {});
}
