/**
 * Values on their way to PostgreSQL and back. Columns are whole numbers, text and bytes; what has no such form is an error, since
 * the CA would reckon with something else than what is there.
 *
 * @module
 */

import type { CustomTypesConfig } from 'pg';
import type { SqlValue } from './database.ts';

/** `pg_type.oid` of the types that the CA's statements answer with. */
const oid = { bool: 16, bytea: 17, name: 19, int8: 20, int2: 21, int4: 23, text: 25, unknown: 705, numeric: 1700 };

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`the database answers ${text}, which is no whole number below 2^53`);
  return value;
}

function bytes(text: string): Uint8Array {
  // bytea_output = hex, which every connection sets.
  if (!text.startsWith('\\x')) throw new TypeError('the database answers bytes in another form than hexadecimal');
  return Uint8Array.from(Buffer.from(text.slice(2), 'hex'));
}

const same = (text: string): string => text;

const parsers: ReadonlyMap<number, (text: string) => SqlValue> = new Map<number, (text: string) => SqlValue>([
  [oid.bool, (text) => (text === 't' ? 1 : 0)],
  [oid.bytea, bytes],
  [oid.int2, wholeNumber],
  [oid.int4, wholeNumber],
  [oid.int8, wholeNumber],
  [oid.numeric, wholeNumber], // what sum() and avg() make of int8
  [oid.name, same],
  [oid.text, same],
  [oid.unknown, same],
]);

export const types: CustomTypesConfig = {
  getTypeParser(type: number) {
    return (
      parsers.get(type) ??
      (() => {
        throw new TypeError(`the database answers a value of type ${type}, which the CA does not read`);
      })
    );
  },
} as CustomTypesConfig;

/** Bytes as the driver takes them. */
export function parameters(values: readonly SqlValue[]): unknown[] {
  return values.map((value) =>
    value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value,
  );
}
