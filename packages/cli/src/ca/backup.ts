/**
 * `handfast ca backup`: all of a CA in one file. The file is its database, as it was at one moment, with the files beside it as rows
 * of a table of their own.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { equalBytes, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import { parseCertificates, parsePrivateKey } from '@handfast/x509';
import { type ExitCode, exitCodes, usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, reasonOf } from '../options.ts';
import { Report } from '../report.ts';
import type { CaConfig } from './config.ts';
import { writeNew } from './files.ts';
import {
  type CaPaths,
  caDirectory,
  type FolderOptions,
  makeFolder,
  pathsIn,
  readPublic,
  refuseOccupied,
  settled,
} from './folder.ts';
import { isEncrypted, keyPassphrase } from './issuer-key.ts';
import { inWords, type OpenCa, openFolder, withCa } from './open.ts';
import { type OutputChoice, print } from './output.ts';
import { filesBelow } from './pending.ts';
import { filesText } from './stored-issuers.ts';

export interface BackupOptions extends FolderOptions, OutputChoice {}

/** What lies beside the database, below the folder. */
const wanted =
  /^(config\.json|(root|previous-root|former-roots|between|intermediate|intermediate-key|audit|audit-key)\.pem|(issuers\/[0-9a-f]{64}|waiting)\/(chain\.pem|key\.pem|request\.csr|signer\.json))$/;
/** Without these it is no CA. */
const needed = ['config.json', 'root.pem', 'intermediate.pem', 'audit-key.pem', 'audit.pem'];

function modeOf(path: string): 0o600 | 0o644 {
  return /key\.pem$|signer\.json$/.test(path) ? 0o600 : 0o644;
}

const table = 'backup_files';

export async function backUp(file: string, options: BackupOptions, io: Io): Promise<ExitCode> {
  const target = resolve(file);
  if (existsSync(target)) throw usageError(`${quote(file)} is there already`, 'name a new file: none is written over');
  const { config } = readPublic(caDirectory(options, io));
  if (config.database !== undefined) {
    throw usageError(
      'this CA’s records are on a PostgreSQL server, which has backups of its own',
      'pg_dump --format=custom makes one; copy the CA’s folder beside it',
    );
  }
  const paths = await withCa(options, io, async ({ paths }) => paths);
  await inWords(paths.folder, () => writeBackup(paths, target));
  new Report(io, options).warning(secretsText(config));
  print(
    { file: target, folder: paths.folder },
    { heading: `The CA is in ${target}`, fields: [['Restore', `handfast ca restore ${file} makes a folder of it`]] },
    options,
    io,
  );
  return exitCodes.ok;
}

function secretsText({ signer }: CaConfig): string {
  return signer === undefined
    ? 'the intermediate’s key and the audit key are in it: keep it like the CA itself'
    : `the audit key is in it, and not the intermediate’s key, which is elsewhere (${signer.module}): back that up, too`;
}

/**
 * The CA's folder out of such a file, with the database as it was then.
 *
 * @param first what is done with it before anybody finds it there
 */
export async function unpack(
  file: string,
  folder: string,
  options: BackupOptions,
  io: Io,
  first: (ca: OpenCa) => Promise<void>,
): Promise<void> {
  refuseOccupied(folder);
  if (!existsSync(file)) throw usageError(`there is no file ${quote(file)}`);
  const contents = contentsOf(file);
  try {
    await makeFolder(folder, async (aside) => {
      const paths = pathsIn(aside);
      for (const [path, content] of contents) {
        mkdirSync(dirname(join(aside, path)), { recursive: true, mode: 0o700 });
        writeNew(join(aside, path), content, modeOf(path));
      }
      // As private as the backup, whatever mode that has now.
      closeSync(openSync(paths.database, 'wx', 0o600));
      copyFileSync(file, paths.database);
      chmodSync(paths.database, 0o600);
      const database = new DatabaseSync(paths.database);
      try {
        database.exec(`DROP TABLE ${table}`);
        forgetNonces(database);
      } finally {
        database.close();
      }
      await inWords(aside, async () => {
        const ca = await openFolder(aside, keyPassphrase(options, io));
        try {
          await first(ca);
        } finally {
          await ca.close();
        }
      });
    });
  } finally {
    wipe(...contents.values());
  }
}

/** What clients used since the backup is not known to be used: under another key none of that is good. */
function forgetNonces(database: DatabaseSync): void {
  const keys = database.prepare(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'acme_keys'`).get();
  if (keys !== undefined) database.exec(`DELETE FROM acme_keys WHERE purpose = 'nonces'`);
}

/** Beside its name until it is whole. @throws CliError where it cannot be, or the CA's files do not belong together */
export async function writeBackup(paths: CaPaths, target: string): Promise<void> {
  const aside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  try {
    // Nobody else can read it from its first byte on.
    closeSync(openSync(aside, 'wx', 0o600));
    const source = new DatabaseSync(paths.database, { readOnly: true });
    try {
      // One moment's, however long it takes: without that it would begin anew with each write of another process.
      source.exec('BEGIN; SELECT 1 FROM sqlite_schema');
      await backup(source, aside);
    } finally {
      source.close();
    }
    // Behind the database: an issuer that only the files have is entered when they are opened, and not the other way round.
    const files = await filesOf(paths);
    try {
      addFiles(aside, files);
    } finally {
      wipe(...files.values());
    }
    renameSync(aside, target);
  } catch (error) {
    rmSync(aside, { force: true });
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw usageError(`${quote(target)} cannot be written: ${reasonOf(error)}`);
  }
}

/** As they belong together, whoever changes them meanwhile. */
function filesOf({ folder }: CaPaths): Promise<ReadonlyMap<string, Uint8Array>> {
  return settled(folder, async () => {
    const files = new Map<string, Uint8Array>();
    try {
      for (const path of filesBelow(folder)) if (wanted.test(path)) files.set(path, readFileSync(join(folder, path)));
      for (const path of files.keys()) await refuseStrange(folder, path, files);
      return files;
    } catch (error) {
      wipe(...files.values());
      throw error;
    }
  });
}

/** Refuses a key that is not its certificate's. One under a passphrase is not opened for it. */
async function refuseStrange(folder: string, path: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const pem = files.get(path);
  const certificate = files.get(certificateOf(path) ?? '');
  if (pem === undefined || certificate === undefined || isEncrypted(pem)) return;
  const file = join(folder, path);
  const pkcs8 = parsingFile(filesText, file, () => parsePrivateKey(pem));
  try {
    const { publicKey } = await provider.importPrivateKey(pkcs8);
    const [first] = parsingFile(filesText, file, () => parseCertificates(certificate));
    if (first !== undefined && equalBytes(first.publicKey.spki, publicKey.spki)) return;
  } finally {
    wipe(pkcs8);
  }
  throw usageError(`${filesText} ${quote(file)} is not the key of its certificate`, 'restore both from a backup');
}

/** The file of the certificate that belongs to an issuer's key. */
function certificateOf(path: string): string | undefined {
  if (path === 'intermediate-key.pem') return 'intermediate.pem';
  return /^issuers\/.*\/key\.pem$/.test(path) ? path.replace(/key\.pem$/, 'chain.pem') : undefined;
}

function addFiles(file: string, files: ReadonlyMap<string, Uint8Array>): void {
  const database = new DatabaseSync(file);
  try {
    // One file, without a log beside it.
    database.exec('PRAGMA journal_mode = DELETE');
    database.exec(`CREATE TABLE ${table} (name TEXT PRIMARY KEY, content BLOB NOT NULL)`);
    const insert = database.prepare(`INSERT INTO ${table} (name, content) VALUES (?, ?)`);
    for (const [path, content] of files) insert.run(path, content);
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
        if (typeof name === 'string' && wanted.test(name) && content instanceof Uint8Array) found.set(name, content);
      }
    } finally {
      database.close();
    }
  } catch {
    // What SQLite has to say of it is about tables, which nobody asked for.
  }
  if (needed.every((path) => found.has(path))) return found;
  throw usageError(`${quote(file)} is no backup of a CA`, 'handfast ca backup writes one');
}
