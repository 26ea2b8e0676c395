/**
 * A PostgreSQL server of Debian's, of our own: in a folder that goes with it, on loopback. It refuses to run as root.
 *
 * @module
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

export interface PostgresServer extends AsyncDisposable {
  readonly url: string;
}

const home = '/usr/lib/postgresql';
const startMs = 30_000;
const run = promisify(execFile);

/** Debian keeps its programs by version, off the PATH. */
function binary(name: string): string {
  const versions = existsSync(home) ? readdirSync(home).toSorted((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(home, version, 'bin', name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`there is no ${name} in ${home}: interop/acme/install.sh installs it`);
  return found;
}

/** Who runs it: where root started us, the user of Debian's package. */
async function owner(): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const idOf = async (flag: string): Promise<number> => Number((await run('id', [flag, 'postgres'])).stdout);
  return { uid: await idOf('-u'), gid: await idOf('-g') };
}

export async function startPostgres(): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'handfast-postgres-'));
  const user = await owner();
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(folder, 'password');
  const data = join(folder, 'data');
  await writeFile(passwordFile, password);
  await chmod(folder, 0o700);
  if (user.uid !== undefined) await run('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
  const how = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--username=ca', '--encoding=UTF8', '--locale=C'];
  await run(binary('initdb'), ['-D', data, ...how, '--no-sync'], { ...user, cwd: folder });
  const port = await freePort();
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'fsync=off',
    'max_connections=200',
  ];
  const child = spawn(binary('postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...user,
    cwd: folder,
    stdio: 'ignore',
  });
  const url = `postgres://ca:${password}@127.0.0.1:${port}/postgres`;
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGINT'); // what PostgreSQL calls a fast shutdown
      await ended;
    }
    await rm(folder, { recursive: true });
  };
  try {
    await answering(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, [Symbol.asyncDispose]: stop };
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const end = Date.now() + startMs;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > end) throw new Error('PostgreSQL does not start', { cause: error });
      await delay(50);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
