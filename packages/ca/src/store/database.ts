/**
 * What the CA asks of a database: one SQL text for SQLite and PostgreSQL. Placeholders are `$1`, `$2`, …; times are
 * milliseconds since the epoch, flags 0 or 1, both in whole-number columns; bytes are bytes.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';

export type SqlValue = string | number | null | Uint8Array;

export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface Sql {
  /** Of the chain of the audit log that is appended to here: random, and new whenever a database is opened. */
  readonly writer: string;
  /** The rows that a statement answers, `RETURNING` included. */
  all(text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** How many rows a statement has changed. */
  run(text: string, values?: readonly SqlValue[]): Promise<number>;
}

export interface TransactionOptions {
  /**
   * Whether `work` asks for all that it wants before it first waits, so that the commit need not wait for an answer. What it throws
   * by itself undoes nothing then.
   */
  readonly atOnce?: boolean;
}

export interface Database extends Sql {
  readonly kind: 'sqlite' | 'postgres';
  /**
   * All of `work` or nothing: it is durable when this resolves. `work` may run again from its start where the database asks for
   * that (a serialization failure), so it must have no other effect. Statements that it does not wait for (`lastly`) go with the
   * commit, which fails where they do.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T>;
  close(): Promise<void>;
}

/** The last of a transaction's statements, to whose answer nobody looks: they go with its commit, which fails where they do. */
export function lastly(...statements: readonly Promise<unknown>[]): void {
  for (const statement of statements) statement.catch(() => undefined); // the commit tells
}

export function newWriter(): string {
  return randomBytes(16).toString('hex');
}
