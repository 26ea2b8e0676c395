/**
 * The test's own world: namespaces for network, mounts and processes, in which every port is free, the machine's files can be covered
 * without being touched, and nothing outlives the one who opened it.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { runHere } from './processes.ts';

const variable = 'HANDFAST_ACME_WORLD';

/** Whether this process is inside already. Unless it is: runs it once more inside, to its end, with its exit code. */
export async function enterWorld(): Promise<boolean> {
  if (process.env[variable] === 'inside') {
    // The first process of its namespace is ended by no signal that it does not ask for.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => process.exit(128 + constants.signals[signal]));
    }
    await runHere('ip', ['link', 'set', 'lo', 'up']);
    return true;
  }
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    process.stderr.write('npm run acme makes network namespaces: it needs Linux, and root\n');
    process.exitCode = 1;
    return false;
  }
  const namespaces = ['--net', '--mount', '--propagation=private', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const own = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', [...namespaces, '--', ...own], {
    stdio: 'inherit',
    env: { ...process.env, [variable]: 'inside' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => child.kill('SIGKILL'));
  const [code] = await once(child, 'exit');
  process.exitCode = typeof code === 'number' ? code : 1;
  return false;
}
