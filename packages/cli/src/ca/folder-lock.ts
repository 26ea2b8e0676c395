/**
 * One process at a time changes a CA's folder: a file says who does. It is there for as long as files are written, never while somebody is
 * asked for a passphrase; where a process ended without removing it, the next one does.
 *
 * @module
 */

import { readFileSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { CliError, exitCodes } from '../exit.ts';
import { writeNew } from './files.ts';

export const lockName = '.changing';

/** More than it takes to write a few files, on any disk. */
const longestMs = 60_000;

/** @throws CliError where another process is at it: what was read is about to be another */
export function whileLocked(folder: string, work: () => void): void {
  const file = join(folder, lockName);
  if (!taken(file)) {
    if (!isAbandoned(file)) throw changedMeanwhile();
    rmSync(file, { force: true });
    if (!taken(file)) throw changedMeanwhile();
  }
  try {
    work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** For who has read what is no longer so. */
export function changedMeanwhile(): CliError {
  return new CliError(exitCodes.failed, 'the CA was changed meanwhile by somebody else: nothing was done', {
    hint: 'run the command again: it goes by what is there then',
  });
}

function taken(file: string): boolean {
  try {
    writeNew(file, `${process.pid} ${hostname()}\n`, 0o600);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** A process of this machine that is gone; or, of a machine that nobody can ask, one that took too long. */
function isAbandoned(file: string): boolean {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (Date.now() - stat.mtimeMs > longestMs) return true;
  const [pid = '', host] = holderOf(file);
  return host === hostname() && /^\d+$/.test(pid) && !isRunning(Number(pid));
}

function holderOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').trim().split(' ');
  } catch (error) {
    // It has gone meanwhile, and its work is done.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** This process holds none when it asks: who had its number before, in another container say, is gone. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // There is one, and it is somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
