/**
 * PostgreSQL for who asks for SQLite: what `hooks.mjs` puts in the place of the store's module, and of the one that tests have in
 * memory.
 *
 * @module
 */

import type { Database } from '@handfast/ca';
import { openStore, schemaFor } from './stores.ts';

export async function openSqlite(file: string): Promise<Database> {
  const database = await openStore(await schemaFor(file));
  return {
    kind: database.kind,
    writer: database.writer,
    all: (...statement) => database.all(...statement),
    run: async (text, values) => {
      let changed = 0;
      for (const statement of translated(text)) changed = await database.run(statement, values);
      return changed;
    },
    transaction: (work) => database.transaction(work),
    close: () => database.close(),
  };
}

/** Opened with its first statement. */
export function memoryDatabase(): Database {
  let opened: Promise<Database> | undefined;
  let writer = '';
  const open = (): Promise<Database> => {
    opened ??= openSqlite(':memory:').then((database) => {
      writer = database.writer;
      return database;
    });
    return opened;
  };
  return {
    kind: 'postgres',
    get writer() {
      return writer;
    },
    all: async (...statement) => (await open()).all(...statement),
    run: async (...statement) => (await open()).run(...statement),
    transaction: async (work) => (await open()).transaction(work),
    close: async () => (await open()).close(),
  };
}

/** Tests make a table refuse what is inserted by a trigger, the one thing that each database writes in a way of its own. */
function translated(text: string): readonly string[] {
  const made = /^CREATE TRIGGER (\w+) BEFORE INSERT ON (\w+) BEGIN SELECT RAISE\(ABORT, ('[^']*')\); END$/.exec(text);
  if (made !== null) {
    const [, name, table, message] = made;
    return [
      `CREATE FUNCTION "${name}"() RETURNS trigger LANGUAGE plpgsql AS $x$ BEGIN RAISE EXCEPTION ${message}; END $x$`,
      `CREATE TRIGGER "${name}" BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION "${name}"()`,
    ];
  }
  const dropped = /^DROP TRIGGER (\w+)$/.exec(text);
  return dropped === null ? [text] : [`DROP FUNCTION "${dropped[1]}"() CASCADE`];
}
