/**
 * `npm run build`: every package's dist/, made anew, so that nothing stays of sources that are gone; and the pages that are shipped: the
 * dashboard and the viewer's.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

for (const name of readdirSync(join(root, 'packages'))) {
  for (const made of ['dist', '.tsbuild']) rmSync(join(root, 'packages', name, made), { recursive: true, force: true });
}
const run = (/** @type {string[]} */ ...args) => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
const compiled = run(join(root, 'node_modules/typescript/bin/tsc'), '-b');
const pages = ['packages/dashboard/build.mjs', 'packages/viewer/page/build.mjs'].map((page) => run(join(root, page)));
process.exitCode = [compiled, ...pages].every(({ status }) => status === 0) ? 0 : 1;
