/**
 * Where a result goes: stdout, or a file that is whole or not there. One with a private key in it is readable by its owner
 * alone from its first byte on, and replaces no file unless it is told to.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';
import type { Io } from '../io.ts';
import { reasonOf } from '../options.ts';

export interface OutputOptions {
  readonly out?: string;
  readonly force?: boolean;
}

export interface Result {
  readonly bytes: Uint8Array;
  /** Whether a private key is in it, encrypted or not. */
  readonly secret: boolean;
  /** Whether a terminal would choke on it. */
  readonly binary: boolean;
}

/**
 * @throws CliError where the file cannot be written, or must not be
 */
export function writeResult({ bytes, secret, binary }: Result, { out, force }: OutputOptions, io: Io): void {
  if (out === undefined || out === '-') {
    if (binary && 'isTTY' in io.stdout && io.stdout.isTTY === true)
      throw usageError('a terminal shows no binary file', 'name a file with --out');
    io.stdout.write(bytes);
    return;
  }
  checkOutput(secret, { out, ...(force === undefined ? {} : { force }) });
  try {
    writeWhole(out, bytes, secret ? 0o600 : 0o644);
  } catch (error) {
    throw usageError(`--out ${quote(out)} cannot be written: ${reasonOf(error)}`);
  }
}

/** Checked before any work, so that nobody waits for a key derivation in vain. */
export function checkOutput(secret: boolean, { out, force }: OutputOptions): void {
  if (!secret || force === true || out === undefined) return;
  if (statSync(out, { throwIfNoEntry: false })?.isFile() !== true) return;
  throw usageError(`--out ${quote(out)} is there already, and would hold a private key`, '--force replaces it');
}

function writeWhole(out: string, bytes: Uint8Array, mode: number): void {
  const existing = statSync(out, { throwIfNoEntry: false });
  // A device or a pipe is written to, not replaced; of a link, what it points to is.
  if (existing !== undefined && !existing.isFile()) {
    writeFileSync(out, bytes);
    return;
  }
  const target = existing === undefined ? out : realpathSync(out);
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  try {
    writeFileSync(temporary, bytes, { flag: 'wx', mode });
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
