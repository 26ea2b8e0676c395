/**
 * `handfast ca backup` and `handfast ca restore`: all of a CA in one file. The file is its database, as it was at one moment,
 * with the files beside it as rows of a table of their own.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { closeSync, copyFileSync, existsSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { wipe } from '@handfast/crypto';
import { quote } from '@handfast/tls';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../options.ts';
import { Report } from '../report.ts';
import {
  type CaPaths,
  caDirectory,
  type FolderOptions,
  makeFolder,
  pathsIn,
  readPublic,
  refuseOccupied,
  writeNew,
} from './folder.ts';
import { inWords, openFolder, withCa } from './open.ts';
import { type OutputChoice, print } from './output.ts';

export interface BackupOptions extends FolderOptions, OutputChoice {}

/** What lies beside the database, and who may read it. */
const files: readonly (readonly [keyof CaPaths, 0o600 | 0o644])[] = [
  ['config', 0o644],
  ['root', 0o644],
  ['intermediate', 0o644],
  ['intermediateKey', 0o600],
];

const table = 'backup_files';

export async function backUp(file: string, options: BackupOptions, io: Io): Promise<ExitCode> {
  const target = resolve(file);
  if (existsSync(target)) throw usageError(`${quote(file)} is there already`, 'name a new file: none is written over');
  const { config } = readPublic(caDirectory(options, io));
  if (config.database !== undefined) {
    throw usageError(
      'this CA’s records are on a PostgreSQL server, which has backups of its own',
      'pg_dump makes one; copy the CA’s folder beside it',
    );
  }
  const paths = await withCa(options, io, async ({ paths }) => paths);
  await inWords(paths.folder, () => writeBackup(paths, target));
  new Report(io, options).warning('the intermediate’s key is in it: keep it like the CA itself');
  print(
    { file: target, folder: paths.folder },
    { heading: `The CA is in ${target}`, fields: [['Restore', `handfast ca restore ${file} makes a folder of it`]] },
    options,
    io,
  );
  return exitCodes.ok;
}

export async function restore(file: string, options: BackupOptions, io: Io): Promise<ExitCode> {
  const folder = caDirectory(options, io);
  refuseOccupied(folder);
  if (!existsSync(file)) throw usageError(`there is no file ${quote(file)}`);
  const contents = contentsOf(file);
  try {
    await makeFolder(folder, async (aside) => {
      const paths = pathsIn(aside);
      for (const [which, mode] of files) writeNew(paths[which], contents.get(which) ?? new Uint8Array(0), mode);
      copyFileSync(file, paths.database);
      const database = new DatabaseSync(paths.database);
      database.exec(`DROP TABLE ${table}`);
      database.close();
      await inWords(aside, async () => (await openFolder(aside)).close());
    });
  } finally {
    wipe(...contents.values());
  }
  print(
    { folder },
    {
      heading: `The CA is in ${folder}`,
      fields: [['Since then', 'what was issued after the backup is not in it: handfast ca list shows what is']],
    },
    options,
    io,
  );
  return exitCodes.ok;
}

/** Beside its name until it is whole. */
async function writeBackup(paths: CaPaths, target: string): Promise<void> {
  const aside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  try {
    // Nobody else can read it from its first byte on.
    closeSync(openSync(aside, 'wx', 0o600));
    const source = new DatabaseSync(paths.database, { readOnly: true });
    try {
      await backup(source, aside);
    } finally {
      source.close();
    }
    addFiles(aside, paths);
    renameSync(aside, target);
  } catch (error) {
    rmSync(aside, { force: true });
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw usageError(`${quote(target)} cannot be written: ${reasonOf(error)}`);
  }
}

function addFiles(file: string, paths: CaPaths): void {
  const database = new DatabaseSync(file);
  try {
    // One file, without a log beside it.
    database.exec('PRAGMA journal_mode = DELETE');
    database.exec(`CREATE TABLE ${table} (name TEXT PRIMARY KEY, content BLOB NOT NULL)`);
    const insert = database.prepare(`INSERT INTO ${table} (name, content) VALUES (?, ?)`);
    for (const [which] of files) {
      const content = readFileSync(paths[which]);
      insert.run(which, content);
      wipe(content);
    }
  } finally {
    database.close();
  }
}

/** @throws CliError for a file that is no backup */
function contentsOf(file: string): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      for (const { name, content } of database.prepare(`SELECT name, content FROM ${table}`).all()) {
        if (typeof name === 'string' && content instanceof Uint8Array) found.set(name, content);
      }
    } finally {
      database.close();
    }
  } catch {
    // What SQLite has to say of it is about tables, which nobody asked for.
  }
  if (files.every(([which]) => found.has(which))) return found;
  throw usageError(`${quote(file)} is no backup of a CA`, 'handfast ca backup writes one');
}
