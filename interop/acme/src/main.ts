/**
 * ACME clients of others against our authority, on loopback: `npm run acme [client… | postgres]`, after `interop/acme/install.sh`. Each
 * gets a certificate, renews it, and revokes it, with the records in memory and once more in PostgreSQL; `postgres` are tests of the
 * authority on PostgreSQL. Exit code 0 only if all did.
 *
 * @module
 */

import { type Database, openSqlite } from '@handfast/ca';
import { openPostgres } from '@handfast/ca/postgres';
import pg from 'pg';
import { type RunningAuthority, startAuthority } from './authority.ts';
import { runTests } from './postgres/run.ts';
import { startPostgres } from './postgres/server.ts';

/** What a client's program exports: what it has done, in words. The programs need what npm installs, and so are not compiled. */
interface ClientProgram {
  run(ca: RunningAuthority): AsyncIterable<string>;
}

const programs = ['acme-client', 'certbot', 'dehydrated'];

let successes = 0;
let failures = 0;

async function runClient(name: string, where: string, database: Database): Promise<void> {
  await using ca = await startAuthority(database);
  try {
    const program: ClientProgram = await import(new URL(`clients/${name}.mjs`, import.meta.url).href);
    for await (const done of program.run(ca)) {
      successes++;
      process.stdout.write(`ok    ${name}, ${where}: ${done}\n`);
    }
  } catch (error) {
    failures++;
    process.stdout.write(
      `FAIL  ${name}, ${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    for (const event of ca.events) process.stdout.write(`      ${event}\n`);
  }
}

/** A store of its own for each client. */
async function newStore(url: string, name: string): Promise<Database> {
  const schema = name.replaceAll('-', '_');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE SCHEMA ${schema}`);
  await client.end();
  return openPostgres({ url, schema });
}

const [, , ...wanted] = process.argv;
const parts = wanted.length > 0 ? wanted : [...programs, 'postgres'];
{
  await using server = await startPostgres();
  for (const name of parts.filter((part) => part !== 'postgres')) {
    await runClient(name, 'SQLite', await openSqlite(':memory:'));
    await runClient(name, 'PostgreSQL', await newStore(server.url, name));
  }
  if (parts.includes('postgres')) {
    if (await runTests(server.url)) successes++;
    else failures++;
  }
}
process.stdout.write(`${successes} passed, ${failures} failed\n`);
process.exitCode = failures === 0 ? 0 : 1;
