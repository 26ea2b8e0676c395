/**
 * `npm run acme postgres`: all tests of `packages/ca` with PostgreSQL in SQLite's place, the store's own, and servers that are killed.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { urlVariable } from './stores.ts';

const top = fileURLToPath(new URL('../../../..', import.meta.url));
const hooks = new URL('hooks.mjs', import.meta.url).href;

/** Of SQLite alone. */
const notHere: ReadonlySet<string> = new Set([
  'packages/ca/test/acme/locked.test.ts',
  'packages/ca/test/store/sqlite.test.ts',
]);

/** Whether all tests pass. */
export async function runTests(url: string): Promise<boolean> {
  const environment = { ...process.env, [urlVariable]: url };
  const all = globSync('packages/ca/test/**/*.test.ts', { cwd: top }).filter((file) => !notHere.has(file));
  // Children of tests, too, find PostgreSQL in SQLite's place.
  const instead = { ...environment, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${hooks}` };
  const own = globSync('interop/acme/src/postgres/*.test.ts', { cwd: top });
  const passed = [await pass(own, environment), await pass(all, instead)];
  return passed.every(Boolean);
}

async function pass(files: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const flags = ['--conditions=@handfast/source', '--disable-warning=ExperimentalWarning', '--test'];
  const limits = [
    '--test-timeout=120000',
    `--test-concurrency=${availableParallelism()}`,
    '--test-reporter=./scripts/reporter.mjs',
  ];
  const child = spawn(process.execPath, [...flags, ...limits, ...files], { cwd: top, env, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return code === 0;
}
