/**
 * `npm run lint`: Biome over everything; with --write it formats and mends what it can.
 */
import { spawnSync } from 'node:child_process';
import { root } from './run.mjs';
import { toolPath } from './tool.mjs';

const args = process.argv.slice(2);
const { status } = spawnSync(process.execPath, [toolPath('@biomejs/biome'), 'check', ...args], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
