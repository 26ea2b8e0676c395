/**
 * A web server on the client's machine, for clients that have none and leave files: Python's.
 *
 * @module
 */

import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from '../../../../programs/src/processes.ts';
import type { Site } from '../world/site.ts';

const patienceMs = 20_000;

/** Serves a folder as `/.well-known/acme-challenge/` at port 80, until it is disposed of. */
export async function serveFiles(site: Site, challenges: string): Promise<AsyncDisposable> {
  const top = join(site.folder, 'www');
  await mkdir(join(top, '.well-known'), { recursive: true });
  await symlink(challenges, join(top, '.well-known', 'acme-challenge'));
  const server = site.start('/usr/bin/python3', ['-m', 'http.server', '80', '--directory', top]);
  await listening(site, 80, server);
  return { [Symbol.asyncDispose]: () => server.stop('SIGKILL') };
}

/** Until somebody listens at a port of the client's machine. */
export async function listening(site: Site, port: number, server: Running): Promise<void> {
  for (const since = performance.now(); performance.now() - since < patienceMs; await delay(50)) {
    if (server.ended) throw new Error(`it ended before it listened: ${server.words}`);
    if ((await site.run('ss', ['-Hltn', `sport = :${port}`])) !== '') return;
  }
  throw new Error(`it does not listen at ${port} after ${patienceMs / 1000} s: ${server.words}`);
}
