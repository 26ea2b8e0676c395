/**
 * Files of whoever, opened: recordings as JSON, pages that were made of recordings, captures, and the key logs that belong to them.
 * What a file is, its first bytes say, and never its name. Nothing in it is executed, and nothing in it is believed.
 *
 * @module
 */

import type { Cryptography } from '@handfast/crypto';
import { outOfPage } from '../keep/html.ts';
import { CaptureError } from '../pcapng/blocks.ts';
import { readCapture } from '../pcapng/read.ts';
import { type RecordedConnection, readConnections } from '../recording/connections.ts';
import { RecordingError } from '../recording/shape.ts';
import { boundConnection } from './bound.ts';
import { type FileKind, kindOf } from './kind.ts';

export interface GivenFile {
  /** For messages alone. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Opened {
  readonly connections: readonly RecordedConnection[];
  /** What could not be read, and why. */
  readonly notes: readonly string[];
}

/** A file cannot be opened. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Bytes of all files together. */
export const maxOpenBytes = 67_108_864;

/**
 * Says so where files are too large, before anybody reads them.
 * @throws OpenError
 */
export function checkSize(files: readonly { readonly name: string; readonly size: number }[]): void {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  if (total <= maxOpenBytes) return;
  const [what, have] = files.length === 1 ? [quoted(files[0]?.name), 'has'] : [`these ${files.length} files`, 'have'];
  throw new OpenError(
    `${what} ${have} ${mebibytes(total)}, and ${mebibytes(maxOpenBytes)} are the most that is opened`,
    'cut one connection out of a capture: tshark -r LARGE -Y "tcp.stream == 0" -w SMALL',
  );
}

/**
 * Opens what a person has given together: a capture with its key log, a recording, several.
 * @throws OpenError that names the file, and says what is wrong with it and where.
 */
export async function openFiles(
  files: readonly GivenFile[],
  options: { readonly provider: Cryptography },
): Promise<Opened> {
  checkSize(files.map(({ name, bytes }) => ({ name, size: bytes.length })));
  const known = files.map((file) => ({ file, kind: knownKind(file) }));
  const keyLogs = known.filter(({ kind }) => kind === 'keyLog');
  const keyLog = (await Promise.all(keyLogs.map(({ file }) => within(file, () => textOf(file))))).join('\n');
  const others = known.filter(({ kind }) => kind !== 'keyLog');
  if (others.length === 0 && known.length > 0) {
    throw new OpenError(
      `${quoted(files[0]?.name)} is a key log, and there is nothing to be read with it`,
      'open it together with its capture',
    );
  }
  const connections: RecordedConnection[] = [];
  const notes: string[] = [];
  for (const { file, kind } of others) {
    const opened = await within(file, () => open(file, kind, keyLog, options.provider));
    const said = [...opened.notes];
    for (const [index, { connection, leftOut }] of opened.connections.map(boundConnection).entries()) {
      connections.push(connection);
      if (leftOut > 0) said.push(`connection ${index + 1} has ${leftOut} events more, which are left out`);
    }
    notes.push(...said.map((note) => (others.length === 1 ? note : `${quoted(file.name)}: ${note}`)));
  }
  return { connections, notes };
}

async function open(file: GivenFile, kind: FileKind, keyLog: string, provider: Cryptography): Promise<Opened> {
  if (kind === 'capture') {
    const { recordings, notes } = await readCapture(file.bytes, { provider, ...(keyLog !== '' && { keyLog }) });
    return { connections: recordings.map((client) => ({ client })), notes };
  }
  const text = textOf(file);
  const json = kind === 'page' ? outOfPage(text) : text;
  if (json === undefined) throw new OpenError('it is HTML, and no page that was made of recordings');
  return { connections: readConnections(parsed(json)), notes: [] };
}

function knownKind(file: GivenFile): FileKind {
  const { kind, problem, hint } = kindOf(file.bytes);
  if (kind !== undefined) return kind;
  throw new OpenError(`${quoted(file.name)}: ${problem}`, hint);
}

/** Errors say which file they are of. */
async function within<T>(file: GivenFile, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const known = error instanceof RecordingError || error instanceof CaptureError || error instanceof OpenError;
    if (!known) throw error;
    throw new OpenError(`${quoted(file.name)}: ${error.message}`, 'hint' in error ? error.hint : undefined);
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    // What JSON is nested in too deep for the engine is a RangeError, or an engine's own.
    const why = error instanceof SyntaxError ? error.message.slice(0, 300) : 'it is nested too deep';
    throw new OpenError(`it is no JSON: ${why}`, 'it may be cut off: get the whole file');
  }
}

function textOf(file: GivenFile): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file.bytes);
  } catch {
    throw new OpenError('it is no UTF-8');
  }
}

function quoted(name = ''): string {
  return JSON.stringify(name.slice(0, 100));
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toLocaleString('en', { maximumFractionDigits: 1 })} MiB`;
}
