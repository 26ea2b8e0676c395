/**
 * Stores in the PostgreSQL server that the environment names, one a schema.
 *
 * @module
 */

import { createHash, randomBytes } from 'node:crypto';
import { openPostgres } from '@handfast/ca/postgres';
import pg from 'pg';

/** The variable that has the server's URL. */
export const urlVariable = 'HANDFAST_TEST_POSTGRES';

export function serverUrl(): string {
  const url = process.env[urlVariable];
  if (url === undefined) throw new Error(`${urlVariable} names no PostgreSQL server: npm run acme postgres starts one`);
  return url;
}

/** The schema that stands for a file of SQLite's; for `:memory:` a new one each time. */
export async function schemaFor(file: string): Promise<string> {
  const id = file === ':memory:' ? randomBytes(8) : createHash('sha256').update(file).digest().subarray(0, 8);
  const schema = `test_${id.toString('hex')}`;
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    // By the name that tests look for tables under.
    await client.query(
      `CREATE OR REPLACE VIEW ${schema}.sqlite_master AS
       SELECT tablename::text AS name FROM pg_tables WHERE schemaname = '${schema}'`,
    );
  } finally {
    await client.end();
  }
  return schema;
}

export async function openStore(schema: string): ReturnType<typeof openPostgres> {
  return openPostgres({ url: serverUrl(), schema, maxConnections: 4 });
}
