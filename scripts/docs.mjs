/**
 * `npm run docs`: the API reference, from the sources' docstrings, into docs/api/; and the diagrams of docs/states.md,
 * docs/errors.md, and the JSON Schemas of recordings and of what the command prints.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, sourceFlags } from './run.mjs';
import { toolPath } from './tool.mjs';

const { status } = spawnSync(process.execPath, [toolPath('typedoc'), ...process.argv.slice(2)], {
  cwd: join(root, 'tools'),
  stdio: 'inherit',
});
const pages = ['states.ts', 'errors.ts', 'recording-schema.ts', 'command-schemas.ts'].map(
  (script) => spawnSync(process.execPath, [...sourceFlags, join(root, 'scripts', script)], { stdio: 'inherit' }).status,
);
process.exitCode = status || Number(pages.some((code) => code !== 0));
