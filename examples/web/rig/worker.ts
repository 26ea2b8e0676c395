/**
 * workerd, with the worker of an example in it.
 *
 * @module
 */

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listening, Running } from '../../../programs/src/processes.ts';
import { freePort } from '../../../rig/ports.ts';
import { bundle } from './bundle.ts';
import type { Authority } from './pki.ts';
import { modules } from './world.ts';

const workerd = join(modules, '@cloudflare/workerd-linux-64/bin/workerd');

/** The worker of `postgres-in-a-worker`, whose database is at `port`. */
export async function worker(
  pki: Authority,
  port: number,
): Promise<{ ask(): Promise<unknown>; close(): Promise<void> }> {
  const folder = mkdtempSync(join(pki.folder, 'worker-'));
  const config = join(folder, 'config.capnp');
  copyFileSync(fileURLToPath(new URL('../postgres-in-a-worker/config.capnp', import.meta.url)), config);
  writeFileSync(join(folder, 'worker.js'), await bundle('postgres-in-a-worker/worker.ts', 'workerd', pki.folder));
  const http = await freePort();
  const running = new Running(workerd, ['serve', config, `--socket-addr=http=127.0.0.1:${http}`], {
    cwd: folder,
    env: { DATABASE: `127.0.0.1:${port}`, CLIENT_KEY: readFileSync(pki.clientKey, 'utf8') },
  });
  await listening(http, running);
  return {
    async ask() {
      const response = await fetch(`http://127.0.0.1:${http}/`, { signal: AbortSignal.timeout(20_000) });
      const words = await response.text();
      try {
        return JSON.parse(words);
      } catch {
        throw new Error(`the worker answers ${response.status}: ${words}${running.words}`);
      }
    },
    async close() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
