/**
 * SQLite in this thread, for tests of what is above it: it opens in a millisecond. That the real one does the same is shown
 * beside (`whole.test.ts`).
 *
 * @module
 */

import { randomUUID } from 'node:crypto';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Database, Sql, SqlRow, SqlValue } from '../../../src/store/database.ts';

export function memoryDatabase(): Database {
  const sqlite = new DatabaseSync(':memory:');
  const writer = randomUUID();
  let last: Promise<unknown> = Promise.resolve();
  let failures: unknown[] = [];
  /** What nobody waits for fails the commit. */
  const attempt = <T>(statement: () => T): T => {
    try {
      return statement();
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };
  const parameters = (values: readonly SqlValue[] = []): Record<string, SQLInputValue> =>
    Object.fromEntries(values.map((value, index) => [`$${index + 1}`, value]));
  const sql: Sql = {
    writer,
    all: async (text, values) => attempt(() => sqlite.prepare(text).all(parameters(values)) as readonly SqlRow[]),
    run: async (text, values) => attempt(() => Number(sqlite.prepare(text).run(parameters(values)).changes)),
  };
  /** One after another, so that nothing slips into a transaction. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    kind: 'sqlite',
    writer,
    all: (text, values) => inTurn(() => sql.all(text, values)),
    run: (text, values) => inTurn(() => sql.run(text, values)),
    transaction: (work) =>
      inTurn(async () => {
        sqlite.exec('BEGIN');
        failures = [];
        try {
          const result = await work(sql);
          if (failures.length > 0) throw failures[0];
          sqlite.exec('COMMIT');
          return result;
        } catch (error) {
          sqlite.exec('ROLLBACK');
          throw error;
        }
      }),
    close: () => inTurn(async () => sqlite.close()),
  };
}
