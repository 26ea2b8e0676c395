/**
 * The CAs that are measured, each in a process of its own, over TLS, as an operator starts them: `handfast ca serve` with its
 * records in SQLite's file or on a PostgreSQL server of ours, and Pebble, which keeps all in memory.
 *
 * @module
 */

import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { type PostgresServer, postgresProgram, startPostgres } from '../../../interop/acme/src/postgres/server.ts';
import { freePort } from '../../../rig/ports.ts';
import { startCommand } from '../children.ts';
import { makeIdentity } from '../identity.ts';
import type { Target } from './load.ts';
import { sqliteBytes } from './seed.ts';

export interface RunningCa extends Target {
  /** Of the server, and of its database. */
  readonly pids: readonly number[];
  /** What is on the disk, in bytes. */
  size(): Promise<number>;
  stop(): Promise<void>;
}

/** The folder of a CA, before it serves. */
export interface CaFolder {
  readonly directory: string;
  /** What its processes want of the environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly size: () => Promise<number>;
  readonly pids: readonly number[];
}

export type StoreKind = 'sqlite' | 'postgres';

export const storeNames: Readonly<Record<StoreKind, string>> = { sqlite: 'SQLite', postgres: 'PostgreSQL' };

/** Those that are installed. */
export function storeKinds(): readonly StoreKind[] {
  try {
    postgresProgram('postgres');
    return ['sqlite', 'postgres'];
  } catch {
    return ['sqlite'];
  }
}

const run = promisify(execFile);
const main = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));
const patienceMs = 30_000;

const scratch = mkdtempSync(join(tmpdir(), 'handfast-bench-ca-'));
let postgres: PostgresServer | undefined;
process.on('exit', () => {
  if (postgres?.pid !== undefined) process.kill(postgres.pid, 'SIGQUIT');
  rmSync(scratch, { recursive: true, force: true });
});

/** What an hour's limits would end. */
const limits = { accountsPerHour: 10_000_000, ordersPerHour: 10_000_000 };

let made = 0;

/** A new CA. */
export async function makeFolder(kind: StoreKind): Promise<CaFolder> {
  const directory = join(scratch, `ca-${++made}`);
  const args = ['ca', 'init', '--dev', '--dir', directory];
  const store =
    kind === 'postgres' ? await newDatabase(`ca_${made}`) : { size: () => sqliteBytes(join(directory, 'ca.db')) };
  const { url = undefined, env = {}, pids = [], size } = store as Partial<Store> & Pick<Store, 'size'>;
  const environment = { ...process.env, ...env };
  await run(process.execPath, [...process.execArgv, main, ...args, ...(url === undefined ? [] : ['--database', url])], {
    env: environment,
  });
  const file = join(directory, 'config.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), acme: { limits } }));
  return { directory, env: environment, size, pids };
}

interface Store {
  readonly url: string;
  readonly env: NodeJS.ProcessEnv;
  readonly pids: readonly number[];
  readonly size: () => Promise<number>;
}

/** `flags`: to Node itself. Its log is written, and kept by nobody, as Pebble's is. */
export async function serveFolder(
  folder: CaFolder,
  webPort: number,
  flags: readonly string[] = [],
): Promise<RunningCa> {
  const port = await freePort();
  const args = ['ca', 'serve', '--dev', '--dir', folder.directory, '--port', String(port), '--http-port', '0'];
  const proving = ['--challenge', 'http-01', '--http-01-port', String(webPort)];
  const { child, ended } = startCommand(
    process.execPath,
    [...process.execArgv, ...flags, main, ...args, ...proving],
    'ignore',
    folder.env,
  );
  const target = {
    directory: `https://localhost:${port}/acme/directory`,
    root: readFileSync(join(folder.directory, 'root.pem'), 'utf8'),
  };
  await serving(target, child, 'handfast ca serve');
  return {
    ...target,
    pids: [...(child.pid === undefined ? [] : [child.pid]), ...folder.pids],
    size: folder.size,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function serving(target: Target, child: ChildProcess, who: string): Promise<void> {
  for (const end = Date.now() + patienceMs; !(await answers(target)); await delay(50)) {
    if (Date.now() > end || child.exitCode !== null) throw new Error(`${who} does not start`);
  }
}

function answers({ directory, root }: Target): Promise<boolean> {
  return new Promise((resolve) => {
    get(directory, { ca: root, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once('error', () => resolve(false));
  });
}

async function newDatabase(name: string): Promise<Store> {
  postgres ??= await startPostgres(undefined, { durable: true });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  const url = new URL(postgres.url);
  const { password } = url;
  url.pathname = `/${name}`;
  url.password = '';
  const own = postgres.url.replace(/\/postgres$/, `/${name}`);
  return {
    url: url.href,
    env: { PGPASSWORD: password },
    pids: postgres.pid === undefined ? [] : [postgres.pid],
    async size() {
      const asking = new pg.Client({ connectionString: own });
      await asking.connect();
      const { rows } = await asking.query('SELECT pg_database_size(current_database()) AS size');
      await asking.end();
      return Number(rows[0].size);
    },
  };
}

/** Ends the PostgreSQL server, and removes what was written. */
export async function cleanUp(): Promise<void> {
  const server = postgres;
  postgres = undefined;
  await server?.[Symbol.asyncDispose]();
}

/** Of Debian's package; `undefined` where it is not installed. */
export async function pebbleVersion(): Promise<string | undefined> {
  const asked = run('dpkg-query', ['--show', 'pebble']);
  return await asked.then(
    // Upstream's, without the packaging's.
    ({ stdout }) => /\t([\d.]+)/.exec(stdout)?.[1],
    () => undefined,
  );
}

/** Without its pauses, without refusing good nonces, without taking proofs over: as ours is told. */
export async function servePebble(webPort: number): Promise<RunningCa> {
  const { ca, cert, key } = await makeIdentity('secp256r1');
  const [port, managementPort, tlsPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const file = (name: string, text: string): string => {
    writeFileSync(join(scratch, name), text);
    return join(scratch, name);
  };
  const config = file(
    'pebble.json',
    JSON.stringify({
      pebble: {
        listenAddress: `127.0.0.1:${port}`,
        managementListenAddress: `127.0.0.1:${managementPort}`,
        certificate: file('pebble.pem', cert),
        privateKey: file('pebble-key.pem', key),
        httpPort: webPort,
        tlsPort,
      },
    }),
  );
  const env = { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0', PEBBLE_AUTHZREUSE: '0' };
  const { child, ended } = startCommand('pebble', ['-config', config], 'ignore', env);
  const running = {
    directory: `https://localhost:${port}/dir`,
    root: ca,
    pids: child.pid === undefined ? [] : [child.pid],
    size: async () => 0,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
  await serving(running, child, 'pebble');
  return running;
}
