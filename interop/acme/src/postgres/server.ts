/**
 * A PostgreSQL server of Debian's, of our own: in a folder that goes with it, on loopback. It refuses to run as root.
 *
 * @module
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, chown, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../../../../rig/ports.ts';

export interface PostgresServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number | undefined;
}

/** Files, PEM: with them it speaks TLS, and wants a certificate of its clients that is on no list. */
export interface PostgresTls {
  readonly chain: string;
  readonly key: string;
  readonly root: string;
  readonly crls: string;
}

const home = '/usr/lib/postgresql';
const startMs = 30_000;
const run = promisify(execFile);

/** Debian keeps its programs by version, off the PATH. */
export function postgresProgram(name: string): string {
  const versions = existsSync(home) ? readdirSync(home).toSorted((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(home, version, 'bin', name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`there is no ${name} in ${home}: interop/acme/install.sh installs it`);
  return found;
}

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

/** Who runs it: where root started us, the user of Debian's package. */
async function owner(): Promise<Owner> {
  if (process.getuid?.() !== 0) return {};
  const idOf = async (flag: string): Promise<number> => Number((await run('id', [flag, 'postgres'])).stdout);
  return { uid: await idOf('-u'), gid: await idOf('-g') };
}

/** `durable`: a commit is on the disk when it returns, as one would have it where nobody only tests. */
export async function startPostgres(tls?: PostgresTls, { durable = false } = {}): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'handfast-postgres-'));
  const user = await owner();
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(folder, 'password');
  const data = join(folder, 'data');
  await writeFile(passwordFile, password);
  await chmod(folder, 0o700);
  if (user.uid !== undefined) await run('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
  const how = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--username=ca', '--encoding=UTF8', '--locale=C'];
  await run(postgresProgram('initdb'), ['-D', data, ...how, '--no-sync'], { ...user, cwd: folder });
  const port = await freePort();
  const settings = [
    ...(tls === undefined ? [] : await tlsSettings(tls, data, user)),
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    `fsync=${durable ? 'on' : 'off'}`,
    'max_connections=200',
  ];
  const child = spawn(postgresProgram('postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
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
  return { url, pid: child.pid, [Symbol.asyncDispose]: stop };
}

/** It reads its key itself, as who it runs as. */
async function tlsSettings(tls: PostgresTls, data: string, { uid, gid }: Owner): Promise<readonly string[]> {
  const files = { ssl_cert_file: tls.chain, ssl_key_file: tls.key, ssl_ca_file: tls.root, ssl_crl_file: tls.crls };
  for (const [name, file] of Object.entries(files)) {
    const own = join(data, name);
    await copyFile(file, own);
    await chmod(own, 0o600);
    if (uid !== undefined && gid !== undefined) await chown(own, uid, gid);
  }
  // Over loopback without TLS only who waits for it to start comes in.
  const rules = ['hostssl all all all scram-sha-256 clientcert=verify-ca', 'hostnossl all all all scram-sha-256', ''];
  await writeFile(join(data, 'pg_hba.conf'), rules.join('\n'));
  return ['ssl=on', ...Object.keys(files).map((name) => `${name}=${name}`)];
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
