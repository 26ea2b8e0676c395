/**
 * The root's key: in a file that is never in the CA's folder, opened for one signature and forgotten.
 *
 * @module
 */

import { existsSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Bytes, equalBytes, type Signer, wipe } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { quote } from '@handfast/tls';
import {
  type Certificate,
  CertificateError,
  decryptPrivateKey,
  encryptPrivateKey,
  parsePem,
  parsePrivateKey,
  toPem,
} from '@handfast/x509';
import { usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { parsingFile, readFileFor, reasonOf } from '../options.ts';
import { writeNew } from './files.ts';
import { isWithin } from './folder.ts';
import { askNewPassphrase, askPassphrase, passphraseFile } from './passphrase.ts';
import { UnfinishedChange } from './pending.ts';

/** A file with a root's key, and where its passphrase comes from; names of options are for messages. */
export interface KeyFile {
  readonly option: string;
  readonly file: string;
  readonly passphraseOption: string;
  readonly passphraseFile: string | undefined;
}

/** What `--root-key` and `--passphrase-file` name. */
export function rootKeyFile(options: { readonly rootKey: string; readonly passphraseFile?: string }): KeyFile {
  return {
    option: '--root-key',
    file: options.rootKey,
    passphraseOption: '--passphrase-file',
    passphraseFile: options.passphraseFile,
  };
}

/**
 * Does something with the key in a file.
 *
 * @param roots one of which it is to be the key of
 * @throws CliError where it does not open, or is another's
 */
export async function withRootKey<T>(
  from: KeyFile,
  roots: readonly Certificate[],
  io: Io,
  work: (root: { readonly certificate: Certificate; readonly signer: Signer }) => Promise<T>,
): Promise<T> {
  const pkcs8 = await opened(from, io);
  try {
    const signer = await provider.importPrivateKey(pkcs8);
    const certificate = roots.find(({ spki }) => equalBytes(spki, signer.publicKey.spki));
    if (certificate !== undefined) return await work({ certificate, signer });
    const whose = roots.map(({ subject }) => quote(subject.toString())).join(' nor ');
    throw usageError(`${from.option} ${quote(from.file)} is not the key of ${whose}`);
  } finally {
    wipe(pkcs8);
  }
}

async function opened({ option, file, passphraseOption, passphraseFile: from }: KeyFile, io: Io): Promise<Uint8Array> {
  const pem = readFileFor(option, file);
  try {
    const blocks = parsingFile(option, file, () => parsePem(pem));
    if (!blocks.some(({ label }) => label === 'ENCRYPTED PRIVATE KEY')) {
      return parsingFile(option, file, () => parsePrivateKey(pem));
    }
    const passphrase =
      from === undefined
        ? await askPassphrase(`Passphrase of ${file}: `, io, passphraseOption)
        : passphraseFile(passphraseOption, from);
    return await decrypted(pem, passphrase, option, file);
  } finally {
    wipe(pem);
  }
}

async function decrypted(pem: Uint8Array, passphrase: string, option: string, file: string): Promise<Uint8Array> {
  try {
    return await decryptPrivateKey(provider, pem, passphrase);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw usageError(`${option} ${quote(file)} does not open: ${error.message}`, 'is that its passphrase?');
  }
}

/** Where a new key is to lie. */
export interface NewKey {
  readonly file: string;
  readonly passphrase: string | undefined;
}

export interface NewKeyOptions extends KeyFile {
  /** False where it is to lie unencrypted. */
  readonly encrypted: boolean;
}

/** @param folder the CA's, where it must not lie. @throws CliError for a place that will not do */
export async function newKeyAt(folder: string, options: NewKeyOptions, io: Io): Promise<NewKey> {
  const { option, passphraseOption, passphraseFile: from, encrypted } = options;
  const file = resolve(options.file);
  const named = `${option} ${quote(options.file)}`;
  if (isWithin(file, folder)) {
    throw usageError(
      `${named} is in the CA’s own folder`,
      'whoever gets at the CA must not get at its root: name a file elsewhere',
    );
  }
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) {
    throw usageError(`${named} is there already`, 'name a new file: a key is never written over');
  }
  if (statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw usageError(`${named}: there is no folder ${quote(dirname(file))}`);
  }
  if (!encrypted) {
    if (from === undefined) return { file, passphrase: undefined };
    throw usageError(`${passphraseOption} and --no-passphrase contradict each other`);
  }
  const advice = { option: passphraseOption, without: '--no-passphrase leaves the key unencrypted' };
  const passphrase =
    from === undefined ? await askNewPassphrase('the root’s key', io, advice) : passphraseFile(passphraseOption, from);
  return { file, passphrase };
}

/**
 * Writes the key, and takes it back where `work` fails: a root that signed for no CA is good for nothing. Where the CA is decided to have
 * it, and only its folder is not finished, the key stays.
 *
 * @throws CliError where it cannot be written
 */
export async function withWrittenKey<T>(option: string, key: NewKey, pkcs8: Bytes, work: () => Promise<T>): Promise<T> {
  const pem = await keyPem(pkcs8, key.passphrase);
  try {
    writeNew(key.file, pem, 0o600);
  } catch (error) {
    throw usageError(`${option} ${quote(key.file)} cannot be written: ${reasonOf(error)}`);
  }
  try {
    return await work();
  } catch (error) {
    const isDecided = error instanceof UnfinishedChange && existsSync(error.folder);
    if (!isDecided) rmSync(key.file, { force: true });
    throw error;
  }
}

export async function keyPem(pkcs8: Bytes, passphrase: string | undefined): Promise<string> {
  return passphrase === undefined
    ? toPem('PRIVATE KEY', pkcs8)
    : toPem('ENCRYPTED PRIVATE KEY', await encryptPrivateKey(provider, pkcs8, passphrase));
}
