/**
 * The folder of a CA: what lies where, how it comes to be and how it is read. It is written aside and renamed, so that a
 * folder which exists is complete; it is its owner's alone.
 *
 * The root's key never lies in it: who breaks into the machine that issues gets an intermediate, which can be revoked.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { equalBytes, type Signer, wipe } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { type Certificate, parseCertificates, parsePrivateKey } from '@handfast/x509';
import { dataDirectory } from '../dev-ca.ts';
import { CliError, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, readFileFor, reasonOf } from '../options.ts';
import { type CaConfig, readConfig } from './config.ts';

/** What every command of the CA has. */
export interface FolderOptions {
  readonly dir?: string;
}

/** Paths in a CA's folder. */
export interface CaPaths {
  readonly folder: string;
  readonly config: string;
  readonly root: string;
  readonly intermediate: string;
  readonly intermediateKey: string;
  readonly database: string;
}

/** What lies in it, but for the database. */
export interface CaFolder {
  readonly paths: CaPaths;
  readonly config: CaConfig;
  readonly root: Certificate;
  readonly intermediate: Certificate;
  readonly signer: Signer;
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
    intermediateKey: join(folder, 'intermediate-key.pem'),
    database: join(folder, 'ca.db'),
  };
}

/** @throws CliError where no CA is there, or it is not whole */
export async function readFolder(folder: string): Promise<CaFolder> {
  const paths = publicPaths(folder);
  const config = readConfig(paths.config);
  refuseOpenFolder(folder);
  refuseStrayKeys(paths);
  const root = certificateIn(paths.root);
  const intermediate = certificateIn(paths.intermediate);
  return { paths, config, root, intermediate, signer: await signerOf(paths, intermediate) };
}

/** What anybody may know: for those who are to trust the root. */
export function readPublic(folder: string): Pick<CaFolder, 'paths' | 'config' | 'root'> {
  const paths = publicPaths(folder);
  return { paths, config: readConfig(paths.config), root: certificateIn(paths.root) };
}

function publicPaths(folder: string): CaPaths {
  const paths = pathsIn(folder);
  if (existsSync(paths.config)) return paths;
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

/** A new file that is on disk when this returns. */
export function writeNew(file: string, content: string | Uint8Array, mode: 0o600 | 0o644): void {
  const descriptor = openSync(file, 'wx', mode);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What was renamed stays so after a power failure. Windows has no such call. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const filesText = 'the CA’s file';

function certificateIn(file: string): Certificate {
  const bytes = readFileFor(filesText, file);
  const [certificate, second] = parsingFile(filesText, file, () => parseCertificates(bytes));
  if (certificate === undefined || second !== undefined) {
    throw usageError(`${filesText} ${quote(file)} does not hold one certificate`);
  }
  return certificate;
}

async function signerOf({ intermediateKey: file }: CaPaths, intermediate: Certificate): Promise<Signer> {
  const pem = readFileFor(filesText, file);
  try {
    const pkcs8 = parsingFile(filesText, file, () => parsePrivateKey(pem));
    const signer = await nodeProvider.importPrivateKey(pkcs8);
    wipe(pkcs8);
    if (equalBytes(signer.publicKey.spki, intermediate.publicKey.spki)) return signer;
  } finally {
    wipe(pem);
  }
  throw usageError(`${filesText} ${quote(file)} is not the key of intermediate.pem`, 'restore both from a backup');
}

/** A key that others could read may have been read: that is for people to judge, not to be mended in silence. */
function refuseOpenFolder(folder: string): void {
  if (process.platform === 'win32' || (statSync(folder).mode & 0o077) === 0) return;
  throw usageError(
    `others on this machine can look into ${quote(folder)}`,
    `chmod 700 ${folder} closes it; if strangers could read the key in it, make a new CA`,
  );
}

/** More than any key has. */
const keyFileBytes = 1 << 16;

/** The root's key, above all. */
function refuseStrayKeys({ folder, intermediateKey }: CaPaths): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = join(folder, entry.name);
    if (!entry.isFile() || file === intermediateKey || statSync(file).size > keyFileBytes) continue;
    const content = readFileSync(file);
    const holdsKey = content.includes('PRIVATE KEY-----');
    wipe(content);
    if (!holdsKey) continue;
    throw usageError(
      `${quote(file)} is a private key that has no place in the CA’s folder`,
      'if it is the root’s, it belongs where this machine cannot reach it: move it there',
    );
  }
}
