/**
 * ACME clients of others against our authority, programs of others that verify what it issued, and its tests on PostgreSQL:
 * `npm run acme [client… | verifiers | readme | postgres] [--write]`, after `interop/acme/install.sh`. `readme` follows the top
 * README.md. `--write` puts the tables of what was proven into README.md here; without it, a run of all clients and verifiers
 * fails where they differ. Exit code 0 only if all did.
 *
 * @module
 */

import { randomBytes } from 'node:crypto';
import { type Database, openSqlite } from '@handfast/ca';
import { openPostgres } from '@handfast/ca/postgres';
import pg from 'pg';
import { type RunningAuthority, startAuthority } from './authority.ts';
import { acmeClient } from './clients/acme-client.ts';
import { caddy } from './clients/caddy.ts';
import { certbot2, certbot5 } from './clients/certbot.ts';
import { type Client, columns } from './clients/client.ts';
import { dehydrated } from './clients/dehydrated.ts';
import { lego } from './clients/lego.ts';
import { lego5 } from './clients/lego5.ts';
import { uacme } from './clients/uacme.ts';
import { runTests } from './postgres/run.ts';
import { startPostgres } from './postgres/server.ts';
import { followReadme } from './readme/follow.ts';
import { Report } from './report.ts';
import { linterColumns, verifierColumns, verify } from './verifiers/run.ts';
import { enterWorld } from './world/enter.ts';
import { openSite } from './world/site.ts';

/** Those that take longest come first. */
const clients: readonly Client[] = [dehydrated, certbot5, certbot2, uacme, lego5, acmeClient, lego, caddy];

const atOnce = 2;

const report = new Report();

async function runClient(client: Client, where: string, database: Database): Promise<void> {
  let who = `${client.name}, ${where}`;
  let ca: RunningAuthority | undefined;
  try {
    await using site = await openSite();
    await using running = await startAuthority(database, site.addresses);
    ca = running;
    await site.trust(ca.root);
    const name = `${client.name.replace(/ \d+$/, '')} ${await client.version(site)} (${client.from})`;
    who = `${name}, ${where}`;
    let since = performance.now();
    for await (const { column, how } of client.run({ site, ca })) {
      report.done({ table: 'clients', who: name, column, how, ms: performance.now() - since });
      since = performance.now();
    }
  } catch (error) {
    report.failed({ who, error, events: ca?.events ?? [] });
  }
}

/** A store of its own for each client. */
async function newStore(url: string): Promise<Database> {
  const schema = `acme_${randomBytes(8).toString('hex')}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE SCHEMA ${schema}`);
  await client.end();
  return openPostgres({ url, schema });
}

/** Does all, so many at a time. */
async function all(work: readonly (() => Promise<void>)[]): Promise<void> {
  const queue = work.values();
  const lanes = Array.from({ length: atOnce }, async () => {
    for (const one of queue) await one();
  });
  await Promise.all(lanes);
}

async function main(wanted: readonly string[], write: boolean): Promise<boolean> {
  const parts = new Map(clients.map((client) => [client.name.replaceAll(' ', '').toLowerCase(), client]));
  const known = [...parts.keys(), 'verifiers', 'readme', 'postgres'];
  const unknown = wanted.find((part) => !known.includes(part));
  if (unknown !== undefined) {
    process.stderr.write(`${unknown} is none of ${known.join(', ')}\n`);
    return false;
  }
  const everything = wanted.length === 0;
  const wants = (part: string): boolean => everything || wanted.includes(part);

  await using server = await startPostgres();
  // Every other one has its records in PostgreSQL: that all of ACME runs on it is tested below.
  const runs = [...parts].flatMap(([part, client], index) => {
    if (!wants(part)) return [];
    const where = index % 2 === 0 ? 'PostgreSQL' : 'SQLite';
    return [
      async () =>
        await runClient(client, where, await (index % 2 === 0 ? newStore(server.url) : openSqlite(':memory:'))),
    ];
  });
  await all([
    ...(wants('verifiers') ? [() => verify(report)] : []),
    ...(wants('readme') ? [() => followReadme(report)] : []),
    ...runs,
  ]);
  let others = 0;
  if (wants('postgres') && !(await runTests(server.url))) others++;

  const order = new Map<string, readonly string[]>([
    ['clients', columns],
    ['verifiers', verifierColumns],
    ['linters', linterColumns],
  ]);
  const complete = [...parts.keys(), 'verifiers'].every(wants);
  if (complete && report.failures.length === 0 && !report.tables(order, write)) {
    others++;
    process.stdout.write('✗  README.md has other tables than this run: npm run acme -- --write puts them there\n');
  }
  report.tellFailures();
  const failed = report.failures.length + others;
  process.stdout.write(`${report.rows.length + (wants('postgres') ? 1 : 0)} passed, ${failed} failed\n`);
  return failed === 0;
}

if (await enterWorld()) {
  const args = process.argv.slice(2);
  const good = await main(
    args.filter((argument) => argument !== '--write'),
    args.includes('--write'),
  );
  process.exitCode = good ? 0 : 1;
}
