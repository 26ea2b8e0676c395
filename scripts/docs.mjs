/**
 * `npm run docs`: the API reference, from the sources' docstrings, into docs/api/; and the diagrams of docs/states.md.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, sourceFlags } from './run.mjs';
import { toolPath } from './tool.mjs';

const { status } = spawnSync(process.execPath, [toolPath('typedoc'), ...process.argv.slice(2)], {
  cwd: join(root, 'tools'),
  stdio: 'inherit',
});
const drawn = spawnSync(process.execPath, [...sourceFlags, join(root, 'scripts', 'states.ts')], { stdio: 'inherit' });
process.exitCode = status || (drawn.status ?? 1);
