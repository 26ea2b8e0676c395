/**
 * `npm run build`: every package's dist/, made anew, so that nothing stays of sources that are gone.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

for (const name of readdirSync(join(root, 'packages'))) {
  for (const made of ['dist', '.tsbuild']) rmSync(join(root, 'packages', name, made), { recursive: true, force: true });
}
const { status } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b'], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
