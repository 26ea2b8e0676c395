/**
 * `npm run docs`: the API reference, from the sources' docstrings, into docs/api/.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './run.mjs';
import { toolPath } from './tool.mjs';

const { status } = spawnSync(process.execPath, [toolPath('typedoc'), ...process.argv.slice(2)], {
  cwd: join(root, 'tools'),
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
