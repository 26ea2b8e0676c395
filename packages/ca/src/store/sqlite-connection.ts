/**
 * SQLite's connections, and what is asked of them: one that writes, and another that reads what is committed, whatever the first is
 * at. Requests come in order; who may be inside a transaction is decided in `sqlite.ts`. All of it is synchronous, a disk's waiting
 * included, and so not for the main thread.
 *
 * @module
 */

import { closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { SqlRow, SqlValue } from './database.ts';

export interface ConnectionOptions {
  readonly file: string;
  readonly busyTimeoutMs: number;
}

export interface SqliteRequest {
  readonly id: number;
  /** `exec`: without values or answer. `read`: by the connection that only reads. `close`: the last one. */
  readonly what: 'all' | 'run' | 'read' | 'exec' | 'close';
  readonly text: string;
  readonly values: readonly SqlValue[];
  /** Whether it belongs to a transaction: SQLite may have ended that by itself, on a full disk for one. */
  readonly inside: boolean;
  /** It is not done where something inside has failed, from this `id` on. */
  readonly unlessFailedFrom?: number;
}

export type SqliteReply =
  | { readonly id: number; readonly rows: readonly SqlRow[] }
  | { readonly id: number; readonly changes: number }
  | { readonly id: number; readonly error: SqliteFailure };

/** What survives from thread to thread of an error of SQLite's. */
export interface SqliteFailure {
  readonly message: string;
  readonly code: unknown;
  readonly errcode: unknown;
}

/** Statements that are kept prepared. The CA has some hundred. */
const maxPrepared = 500;

class Connection {
  readonly database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(file: string, options: { readonly readOnly: boolean }) {
    this.database = new DatabaseSync(file, options);
  }

  prepare(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      if (this.#prepared.size >= maxPrepared) this.#prepared.clear();
      statement = this.database.prepare(text);
      this.#prepared.set(text, statement);
    }
    return statement;
  }

  all(text: string, values: readonly SqlValue[]): readonly SqlRow[] {
    return this.prepare(text).all(named(values)) as readonly SqlRow[];
  }
}

/** SQLite takes `$1` for a parameter with a name. */
function named(values: readonly SqlValue[]): Record<string, SQLInputValue> {
  return Object.fromEntries(values.map((value, index) => [`$${index + 1}`, bound(value)]));
}

/** Whole numbers are bound as such, and not as floating-point ones. */
function bound(value: SqlValue): SQLInputValue {
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  // Node 22 takes an array without memory, as one of no bytes is that came from another thread, for NULL.
  return value instanceof Uint8Array && value.length === 0 ? noBytes : value;
}

const noBytes = new Uint8Array(new ArrayBuffer(1), 0, 0);

function openWriter({ file, busyTimeoutMs }: ConnectionOptions): Connection {
  // For its owner alone; what SQLite puts beside it takes the same mode.
  if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
  const connection = new Connection(file, { readOnly: false });
  const { database } = connection;
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  const [mode] = connection.all('PRAGMA journal_mode = WAL', []);
  if (mode?.journal_mode !== 'wal' && file !== ':memory:') {
    throw new Error(`${file}: the file system cannot hold a database with a write-ahead log`);
  }
  // FULL: a commit is on the disk when it returns. SQLite is also built with less by default, which loses the last ones with
  // the power.
  database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  return connection;
}

function openReader({ file, busyTimeoutMs }: ConnectionOptions): Connection {
  const connection = new Connection(file, { readOnly: true });
  connection.database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  return connection;
}

/** Answers requests, in order, for as long as the last is not `close`. The file is opened at the first. */
export function answerer(options: ConnectionOptions): (requests: readonly SqliteRequest[]) => readonly SqliteReply[] {
  let writer: Connection | undefined;
  let reader: Connection | undefined;
  let lastFailed = 0;

  const perform = ({ id, what, text, values, inside, unlessFailedFrom }: SqliteRequest): SqliteReply => {
    if (unlessFailedFrom !== undefined && lastFailed >= unlessFailedFrom)
      throw new Error('what comes before has failed');
    if (what === 'close') {
      reader?.database.close();
      writer?.database.close();
      return { id, rows: [] };
    }
    writer ??= openWriter(options);
    const { database } = writer;
    if (inside && !database.isTransaction) throw new Error('the database has ended the transaction by itself');
    switch (what) {
      case 'exec':
        database.exec(text);
        return { id, rows: [] };
      case 'all':
        return { id, rows: writer.all(text, values) };
      case 'read':
        reader ??= openReader(options);
        return { id, rows: reader.all(text, values) };
      case 'run':
        return { id, changes: Number(writer.prepare(text).run(named(values)).changes) };
    }
  };

  return (requests) =>
    requests.map((request) => {
      try {
        return perform(request);
      } catch (error) {
        if (request.inside) lastFailed = request.id;
        const { message, code, errcode } = error as SqliteFailure;
        return { id: request.id, error: { message, code, errcode } };
      }
    });
}
