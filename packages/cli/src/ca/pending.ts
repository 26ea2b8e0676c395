/**
 * Several files of a CA's folder, changed as one: what is new is written aside, and one rename decides. Whoever looks into the folder
 * afterwards puts the files in their places first, so that a process which ends in the midst of it leaves nothing half done.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliError, exitCodes } from '../exit.ts';
import { reasonOf } from '../options.ts';
import { syncFolder, writeNew } from './files.ts';

export interface FileChange {
  /** Below the folder, with `/`. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: 0o600 | 0o644;
}

const decided = 'next';
const undecided = '.next.';
const removals = 'removed.json';

/**
 * @param removed paths of files and folders that go, behind the changes
 * @throws CliError where the folder cannot be written
 */
export function changeFolder(folder: string, files: readonly FileChange[], removed: readonly string[] = []): void {
  try {
    forgetUndecided(folder);
    const aside = join(folder, `${undecided}${randomBytes(6).toString('hex')}`);
    mkdirSync(aside, { mode: 0o700 });
    for (const { path, content, mode } of files) {
      const file = join(aside, path);
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeNew(file, content, mode);
      syncFolder(dirname(file));
    }
    writeNew(join(aside, removals), JSON.stringify(removed), 0o600);
    syncFolder(aside);
    renameSync(aside, join(folder, decided));
    syncFolder(folder);
    finishChange(folder);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new CliError(exitCodes.failed, `the CA’s folder cannot be changed: ${reasonOf(error)}`, { cause: error });
  }
}

/** Whether a change is on its way: what was read meanwhile may be of two kinds. */
export function isChanging(folder: string): boolean {
  return existsSync(join(folder, decided));
}

/** Does what is left of a change. Several processes may do so at a time. */
export function finishChange(folder: string): void {
  const from = join(folder, decided);
  if (!existsSync(from)) return;
  for (const path of filesBelow(from)) {
    if (path === removals) continue;
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    unlessGone(() => renameSync(join(from, path), target));
    syncFolder(dirname(target));
  }
  const removed = unlessGone(() => JSON.parse(readFileSync(join(from, removals), 'utf8')) as readonly string[]) ?? [];
  for (const path of removed) rmSync(join(folder, path), { recursive: true, force: true });
  syncFolder(folder);
  rmSync(from, { recursive: true, force: true });
}

/** Of processes that ended before they decided: there may be keys in it. */
function forgetUndecided(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(undecided)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Paths with `/`, in order; nothing where the folder is gone. */
export function filesBelow(folder: string): readonly string[] {
  const entries = unlessGone(() => readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries
    .flatMap((entry) => {
      if (!entry.isDirectory()) return [entry.name];
      return filesBelow(join(folder, entry.name)).map((path) => `${entry.name}/${path}`);
    })
    .toSorted();
}

/** Another process may have done it. */
function unlessGone<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
