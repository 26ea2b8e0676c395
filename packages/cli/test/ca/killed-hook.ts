/**
 * Preloaded into a command that is to die: kills its process before the nth time that it writes below a folder, and says at its end how
 * often it did. `KILL_FOLDER`, `KILL_AT` (from 1; 0: never).
 *
 * @module
 */

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const { KILL_FOLDER: folder = '', KILL_AT: at = '0' } = process.env;
let count = 0;

function counted<A extends readonly unknown[], R>(work: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    const [path, flags] = args;
    if (typeof path === 'string' && path.startsWith(folder) && flags !== 'r' && ++count === Number(at)) {
      process.kill(process.pid, 'SIGKILL');
    }
    return work(...args);
  };
}

if (isMainThread) {
  Object.assign(fs, {
    mkdirSync: counted(fs.mkdirSync),
    openSync: counted(fs.openSync),
    renameSync: counted(fs.renameSync),
    rmSync: counted(fs.rmSync),
  });
  syncBuiltinESMExports();
  process.on('exit', () => process.stderr.write(`\nwrote ${count} times\n`));
}
