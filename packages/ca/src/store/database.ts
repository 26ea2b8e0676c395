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

export interface Database extends Sql {
  readonly kind: 'sqlite' | 'postgres';
  /**
   * All of `work` or nothing: it is durable when this resolves. `work` may run again from its start where the database asks for
   * that (a serialization failure), so it must have no other effect.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function newWriter(): string {
  return randomBytes(16).toString('hex');
}
