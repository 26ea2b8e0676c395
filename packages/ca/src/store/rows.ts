/**
 * Columns of a row as what they are. A value of another type is a fault of the statement's, or of the database's.
 *
 * @module
 */

import { type Bytes, copyBytes } from '@handfast/crypto';
import type { SqlRow } from './database.ts';

export function text(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column} holds no text`);
  return value;
}

export function integer(row: SqlRow, column: string): number {
  const value = row[column];
  if (!Number.isSafeInteger(value)) throw new TypeError(`column ${column} holds no whole number`);
  return value as number;
}

/** In memory of their own. */
export function bytes(row: SqlRow, column: string): Bytes {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw new TypeError(`column ${column} holds no bytes`);
  return copyBytes(value);
}

/** `undefined` for NULL. */
export function optional<T>(row: SqlRow, column: string, read: (row: SqlRow, column: string) => T): T | undefined {
  return row[column] === null ? undefined : read(row, column);
}
