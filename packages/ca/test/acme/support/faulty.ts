/**
 * A database that fails when a test says so: at a statement, or when a transaction is to be made durable.
 *
 * @module
 */

import type { Database, Sql } from '../../../src/store/database.ts';

export interface Faulty extends Database {
  /** What a statement, or `COMMIT`, fails with: nothing, unless set. */
  fault: (text: string) => Error | undefined;
}

export function faulty(database: Database): Faulty {
  let failed: Error | undefined;
  const check = (text: string): void => {
    const error = wrapped.fault(text);
    if (error === undefined) return;
    failed ??= error;
    throw error;
  };
  const over = (sql: Sql): Sql => ({
    writer: sql.writer,
    async all(text, values) {
      check(text);
      return await sql.all(text, values);
    },
    async run(text, values) {
      check(text);
      return await sql.run(text, values);
    },
  });
  const wrapped: Faulty = {
    ...over(database),
    kind: database.kind,
    fault: () => undefined,
    transaction: async (work, options) =>
      await database.transaction(async (sql) => {
        failed = undefined;
        const result = await work(over(sql));
        // Of a statement that nobody has waited for.
        if (failed !== undefined) throw failed;
        check('COMMIT');
        return result;
      }, options),
    close: () => database.close(),
  };
  return wrapped;
}
