/**
 * Names for statements that PostgreSQL keeps prepared, by their text: to parse and plan one takes longer than most take to be done.
 *
 * @module
 */

import type pg from 'pg';
import type { SqlValue } from './database.ts';
import { parameters } from './postgres-values.ts';

/** What a connection keeps at most. The CA has some two hundred; a text that depends on a count adds one for each. */
const maxNames = 1000;

const names = new Map<string, string>();

/** A statement as the driver takes it. */
export function queryOf(text: string, values: readonly SqlValue[]): pg.QueryConfig {
  return { ...preparedName(text), text, values: parameters(values) };
}

/** None where there are too many already, or where there is nothing to plan. */
function preparedName(text: string): { readonly name?: string } {
  const known = names.get(text);
  if (known !== undefined) return { name: known };
  if (names.size >= maxNames || !/^\s*(select|insert|update|delete)\b/i.test(text)) return {};
  const name = `handfast_${names.size}`;
  names.set(text, name);
  return { name };
}
