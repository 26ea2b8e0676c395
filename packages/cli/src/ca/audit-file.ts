/**
 * A file of JSON lines that is appended to, by one process; another may rename it.
 *
 * @module
 */

import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { quote } from '@handfast/tls';
import { usageError } from '../exit.ts';
import { reasonOf } from '../options.ts';
import { syncFolder } from './files.ts';

export class AuditFile {
  readonly #path: string;
  #descriptor: number;
  /** Whether it ends within a line: a process ended, or the disk was full. */
  #torn: boolean;

  /** Its owner's alone, where it is new. @throws CliError */
  static open(path: string): AuditFile {
    try {
      return new AuditFile(path, openAt(path));
    } catch (error) {
      throw usageError(`--audit-log ${quote(path)} cannot be written: ${reasonOf(error)}`);
    }
  }

  constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#torn = isTorn(descriptor);
  }

  /**
   * Lines are on the disk when this returns, since the database notes then that they were written.
   *
   * @throws what the system has to say; then all of it is to be written again
   */
  write(lines: readonly object[]): void {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const bytes = Buffer.from(this.#torn ? `\n${text}` : text);
    this.#torn = true;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    if (fstatSync(this.#descriptor).isFile()) fsyncSync(this.#descriptor); // a pipe has no disk
    this.#torn = false;
  }

  /** The file of that name: a new one, where it was renamed. Where there can be none, the old one stays. */
  reopen(): void {
    const descriptor = openAt(this.#path);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#torn = isTorn(descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function openAt(path: string): number {
  const isNew = !existsSync(path);
  const descriptor = openSync(path, 'a+', 0o600);
  if (isNew) syncFolder(dirname(path));
  return descriptor;
}

function isTorn(descriptor: number): boolean {
  const { size } = fstatSync(descriptor);
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  return readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
}
