/**
 * What the examples are run with: an authority, a database, a browser; and where they end.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { give } from '../../../programs/src/processes.ts';
import { postgresql } from '../../../programs/src/servers/postgresql.ts';
import { launch } from './browser.ts';
import { type Authority, authority } from './pki.ts';

export interface World {
  readonly pki: Authority;
  readonly browser: Browser;
  /** Of PostgreSQL, which takes nothing but TLS with a client's certificate. */
  readonly database: number;
}

/** Where the examples' own packages are. */
export const modules: string = fileURLToPath(new URL('../node_modules/', import.meta.url));

export async function openWorld(): Promise<World & { close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'handfast-web-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  give(folder, 'postgres');
  const pki = await authority(join(folder, 'pki'));
  const own = join(folder, 'postgresql');
  mkdirSync(own);
  const [server, browser] = await Promise.all([postgresql.start(own, pki), launch()]);
  return {
    ...{ pki, browser, database: Number(server.given.port) },
    async close() {
      await Promise.all([browser.close(), server.stop()]);
    },
  };
}
