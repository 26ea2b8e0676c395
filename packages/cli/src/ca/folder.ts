/**
 * The folder of a CA: what lies where, how it comes to be and how it is read. It is written aside and renamed, so that a
 * folder which exists is complete; it is its owner's alone.
 *
 * The root's key never lies in it: who breaks into the machine that issues gets an intermediate, which can be revoked.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { quote } from '@handfast/tls';
import type { Certificate } from '@handfast/x509';
import { dataDirectory } from '../dev-ca.ts';
import { CliError, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../options.ts';
import { type CaConfig, readConfig } from './config.ts';
import { syncFolder } from './files.ts';
import { formerRootsIn } from './former-roots.ts';
import type { KeyOptions } from './issuer-key.ts';
import { finishChange, isChanging, versionOf } from './pending.ts';
import { certificateIn, type StoredIssuers, storedIssuers } from './stored-issuers.ts';
import { refuseStrayKeys } from './stray-keys.ts';

/** What every command of the CA has. */
export interface FolderOptions extends KeyOptions {
  readonly dir?: string;
}

/** Paths in a CA's folder. */
export interface CaPaths {
  readonly folder: string;
  readonly config: string;
  readonly root: string;
  /** As long as there are machines that trust it alone. */
  readonly previousRoot: string;
  /** Of those before it, for machines that trust them still. */
  readonly formerRoots: string;
  readonly intermediate: string;
  readonly intermediateKey: string;
  /** Certificates between that and a root, where there are any. */
  readonly between: string;
  /** A folder for each issuer that issues no more. */
  readonly issuers: string;
  /** A key and a request that somebody is to certify. */
  readonly waiting: string;
  /** Signs checkpoints of the audit log, and nothing else. */
  readonly auditKey: string;
  readonly auditPublicKey: string;
  readonly database: string;
}

/** What lies in it, but for the database, and keys. */
export interface CaFolder {
  readonly paths: CaPaths;
  readonly config: CaConfig;
  readonly issuers: StoredIssuers;
  /** Of its files, when they were read: for `changeFolder`. */
  readonly version: string;
}

/** `--dir`, else `ca` in the user's data directory. */
export function caDirectory({ dir }: FolderOptions, io: Io): string {
  return dir === undefined ? join(dataDirectory(io.env), 'ca') : resolve(dir);
}

export function pathsIn(folder: string): CaPaths {
  return {
    folder,
    config: join(folder, 'config.json'),
    root: join(folder, 'root.pem'),
    intermediate: join(folder, 'intermediate.pem'),
    previousRoot: join(folder, 'previous-root.pem'),
    formerRoots: join(folder, 'former-roots.pem'),
    intermediateKey: join(folder, 'intermediate-key.pem'),
    between: join(folder, 'between.pem'),
    issuers: join(folder, 'issuers'),
    waiting: join(folder, 'waiting'),
    auditKey: join(folder, 'audit-key.pem'),
    auditPublicKey: join(folder, 'audit.pem'),
    database: join(folder, 'ca.db'),
  };
}

/** @throws CliError where no CA is there, or it is not whole, or waits for its certificate */
export async function readFolder(folder: string): Promise<CaFolder> {
  refuseNone(folder);
  refuseOpenFolder(folder);
  const paths = pathsIn(folder);
  return await settled(folder, async (version) => ({ ...(await readNow(paths)), version }));
}

/** What `read` makes of the files, none of them from before a change that another is from behind. It may be called more than once. */
export async function settled<T>(folder: string, read: (version: string) => Promise<T>): Promise<T> {
  for (;;) {
    finishChange(folder);
    const version = versionOf(folder);
    const isSettled = (): boolean => !isChanging(folder) && versionOf(folder) === version;
    try {
      const result = await read(version);
      if (isSettled()) return result;
    } catch (error) {
      if (isSettled()) throw error;
    }
  }
}

async function readNow(paths: CaPaths): Promise<Omit<CaFolder, 'version'>> {
  refuseWaiting(paths);
  await refuseStrayKeys(paths.folder);
  const config = readConfig(paths.config);
  return { paths, config, issuers: await storedIssuers(paths, config) };
}

/** What anybody may know. */
export interface PublicFolder extends Pick<CaFolder, 'paths' | 'config'> {
  /** To be trusted. The root that was before is behind the newest. */
  readonly roots: readonly Root[];
  /** To be trusted no longer. */
  readonly formerRoots: readonly Root[];
}

/** For those who are to trust the root. */
export function readPublic(folder: string): PublicFolder {
  refuseNone(folder);
  const paths = pathsIn(folder);
  finishChange(folder);
  refuseWaiting(paths);
  const files = [paths.root, paths.previousRoot].filter((file, index) => index === 0 || existsSync(file));
  const roots = files.map((file) => ({ file, certificate: certificateIn(file) }));
  const formerRoots = formerRootsIn(paths).map((certificate) => ({ file: paths.formerRoots, certificate }));
  return { paths, config: readConfig(paths.config), roots, formerRoots };
}

export interface Root {
  readonly file: string;
  readonly certificate: Certificate;
}

export function isWaiting({ intermediate, waiting }: CaPaths): boolean {
  return !existsSync(intermediate) && existsSync(waiting);
}

function refuseWaiting(paths: CaPaths): void {
  if (!isWaiting(paths)) return;
  throw usageError(
    `the CA in ${quote(paths.folder)} waits for its certificate: whoever has the root’s key is to sign ${join(paths.waiting, waitingFiles.request)}`,
    'handfast ca import CHAIN.pem makes it live',
  );
}

/** Files of what waits. */
export const waitingFiles = { key: 'key.pem', request: 'request.csr', signer: 'signer.json' } as const;

export function refuseNone(folder: string): void {
  if (existsSync(pathsIn(folder).config)) return;
  throw usageError(
    `there is no CA in ${quote(folder)}`,
    'handfast ca init --dev makes one for this machine; one elsewhere is named with --dir',
  );
}

/** Refuses a place where something lies already. */
export function refuseOccupied(folder: string): void {
  if (existsSync(pathsIn(folder).config)) {
    throw usageError(
      `there is a CA in ${quote(folder)} already`,
      'handfast ca list shows what it has issued; --dir makes another one elsewhere',
    );
  }
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) throw usageError(`${quote(folder)} is no folder`, 'name a place that is free with --dir');
  if (readdirSync(folder).length > 0) {
    throw usageError(`${quote(folder)} has other files in it`, 'name a folder that is empty, or not there, with --dir');
  }
}

/** Whether a file is, or would be, in a folder; links followed as far as there are any. */
export function isWithin(file: string, folder: string): boolean {
  const inside = realPath(resolve(file));
  const outside = realPath(resolve(folder));
  return inside === outside || inside.startsWith(outside + sep);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}

/**
 * Fills a folder that appears when it is complete.
 * @param fill gets a folder beside the final one
 */
export async function makeFolder(folder: string, fill: (aside: string) => Promise<void>): Promise<void> {
  const aside = `${folder}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
    mkdirSync(aside, { mode: 0o700 });
    await fill(aside);
    renameSync(aside, folder);
    syncFolder(dirname(folder));
  } catch (error) {
    if (existsSync(aside)) rmSync(aside, { recursive: true, force: true });
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw new CliError(exitCodes.usage, `the CA cannot be written to ${quote(folder)}: ${reasonOf(error)}`, {
      cause: error,
      hint: 'name another place with --dir',
    });
  }
}

/** A key that others could read may have been read: that is for people to judge, not to be mended in silence. */
function refuseOpenFolder(folder: string): void {
  if (process.platform === 'win32' || (statSync(folder).mode & 0o077) === 0) return;
  throw usageError(
    `others on this machine can look into ${quote(folder)}`,
    `chmod 700 ${folder} closes it; if strangers could read the key in it, make a new CA`,
  );
}
