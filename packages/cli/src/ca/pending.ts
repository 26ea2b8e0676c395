/**
 * Several files of a CA's folder, changed as one: what is new is written aside, and one rename decides. Whoever looks into the folder
 * afterwards puts the files in their places first, so that a process which ends in the midst of it leaves nothing half done.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliError, exitCodes } from '../exit.ts';
import { reasonOf } from '../options.ts';
import { syncFolder, writeNew } from './files.ts';
import { changedMeanwhile, whileLocked } from './folder-lock.ts';

export interface FileChange {
  /** Below the folder, with `/`. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: 0o600 | 0o644;
}

const decided = 'next';
const undecided = '.next.';
const removals = 'removed.json';

/** What changes are of: not the database, nor what a change has there while it lasts. */
const changing = /^([^/]+\.pem|config\.json|(issuers|waiting)\/.+)$/;

/** A change that is decided and not finished: it is made all the same, by whoever looks into the folder next. */
export class UnfinishedChange extends CliError {
  readonly folder: string;

  constructor(folder: string, cause: Error) {
    super(exitCodes.failed, `the CA’s folder is changed in part: ${reasonOf(cause)}`, {
      cause,
      hint: 'handfast ca list does what is left of it, once that is mended; keys that were written for it are needed',
    });
    this.folder = folder;
  }
}

/**
 * @param removed paths of files and folders that go, behind the changes
 * @param version of the folder, when that was read of which the change was made
 * @throws CliError where the folder cannot be written, or is another since
 * @throws UnfinishedChange behind the decision
 */
export function changeFolder(
  folder: string,
  files: readonly FileChange[],
  removed: readonly string[] = [],
  version?: string,
): void {
  try {
    whileLocked(folder, () => {
      decide(folder, writtenAside(folder, files, removed), version);
      finishChange(folder);
    });
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new CliError(exitCodes.failed, `the CA’s folder cannot be changed: ${reasonOf(error)}`, { cause: error });
  }
}

function writtenAside(folder: string, files: readonly FileChange[], removed: readonly string[]): string {
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
  return aside;
}

/** Somebody may have been asked for a passphrase since the folder was read, and another have changed it. */
function decide(folder: string, aside: string, version: string | undefined): void {
  putInPlaces(folder);
  if (version !== undefined && versionOf(folder) !== version) {
    forgetUndecided(folder);
    throw changedMeanwhile();
  }
  renameSync(aside, join(folder, decided));
}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}

/** Another one whenever a file is another, or gone, or new. */
export function versionOf(folder: string): string {
  return filesBelow(folder)
    .filter((path) => changing.test(path))
    .map((path) => {
      const stat = statSync(join(folder, path), { throwIfNoEntry: false });
      return stat === undefined ? `${path} gone` : `${path} ${stat.ino} ${stat.mtimeMs} ${stat.size}`;
    })
    .join(', ');
}

/** Whether a change is on its way: what was read meanwhile may be of two kinds. */
export function isChanging(folder: string): boolean {
  return existsSync(join(folder, decided));
}

/** Does what is left of a change. Several processes may do so at a time. @throws UnfinishedChange */
export function finishChange(folder: string): void {
  try {
    putInPlaces(folder);
  } catch (error) {
    throw isSystemError(error) ? new UnfinishedChange(folder, error) : error;
  }
}

function putInPlaces(folder: string): void {
  const from = join(folder, decided);
  if (!existsSync(from)) return;
  syncFolder(folder);
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
