/**
 * PostgreSQL, with TLS alone: `pwuser` by a password, `certuser` by a certificate. It refuses to run as root.
 *
 * @module
 */

import { appendFileSync, copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../../rig/ports.ts';
import { clientName } from '../pki.ts';
import { command, give, listening, output, Running } from '../processes.ts';
import type { Server } from './server.ts';

const user = 'postgres';
const home = '/usr/lib/postgresql';
/** For its start. */
const patienceMs = 60_000;
const password = 'a password, with spaces';

/** Debian keeps its programs by version, off the PATH. */
function binary(name: string): string | undefined {
  if (!existsSync(home)) return undefined;
  const versions = readdirSync(home).toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(home, version, 'bin', name)).find((path) => existsSync(path));
}

/** Waits until it takes connections: for a moment it listens, and says that it starts up. */
async function taking(data: string, port: number, server: Running): Promise<void> {
  const ready = binary('pg_isready') ?? 'pg_isready';
  for (const since = performance.now(); performance.now() - since < patienceMs; await delay(50)) {
    if (output(ready, '-h', data, '-p', String(port)) !== undefined) return;
    if (server.ended) break;
  }
  throw new Error(`it takes no connections: ${server.words}`);
}

export const postgresql: Server = {
  name: 'PostgreSQL',

  version() {
    const postgres = binary('postgres');
    return postgres && output(postgres, '--version')?.replace('postgres (PostgreSQL)', 'PostgreSQL');
  },

  async start(folder, pki) {
    const initdb = binary('initdb') ?? 'initdb';
    const data = join(folder, 'data');
    mkdirSync(data, { mode: 0o700 });
    give(folder, user);
    await command(initdb, ['-D', data, '-U', user, '-E', 'UTF8', '--locale=C', '--no-sync'], { user, cwd: folder });
    const port = await freePort();
    writeFileSync(
      join(data, 'pg_hba.conf'),
      [
        'local all all trust',
        `hostssl all ${clientName} all cert`,
        'hostssl all pwuser all scram-sha-256',
        'hostnossl all all all reject',
        '',
      ].join('\n'),
    );
    for (const file of ['cert', 'key', 'ca'] as const) copyFileSync(pki[file], join(data, `server.${file}`));
    appendFileSync(
      join(data, 'postgresql.conf'),
      [
        'ssl = on',
        "ssl_cert_file = 'server.cert'",
        "ssl_key_file = 'server.key'",
        "ssl_ca_file = 'server.ca'",
        "listen_addresses = '127.0.0.1'",
        `port = ${port}`,
        `unix_socket_directories = '${data}'`,
        'fsync = off',
        '',
      ].join('\n'),
    );
    give(data, user);
    await command('chmod', ['600', join(data, 'server.key')]);
    const server = new Running(binary('postgres') ?? 'postgres', ['-D', data], { user, cwd: data });
    await listening(port, server);
    await taking(data, port, server);
    const sql = `CREATE ROLE pwuser LOGIN PASSWORD '${password}'; CREATE ROLE ${clientName} LOGIN;`;
    await command(binary('psql') ?? 'psql', ['-h', data, '-p', String(port), '-U', user, '-d', 'postgres', '-c', sql]);
    return { given: { port, password }, stop: () => server.stop('SIGINT') };
  },
};
