/**
 * The rows of bulk data with one end alone in this process, and OpenSSL's command as the other, in a process of its own. Its
 * `s_server` makes records of 16 KiB of what it reads, its `s_client` of 8 KiB.
 *
 * @module
 */

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../rig/ports.ts';
import { startCommand } from './children.ts';
import { type Contender, contestantOf, listening, type Run } from './contenders.ts';
import { makeIdentity, serverName } from './identity.ts';
import type { Row } from './rounds.ts';
import { type Setting, tls13 } from './settings.ts';
import { mebibyte } from './tls.ts';

/** The command's own version; absent where there is no such command. */
export function opensslVersion(): string | undefined {
  try {
    return execFileSync('openssl', ['version'], { encoding: 'utf8' }).split(' ').slice(0, 2).join(' ');
  } catch {
    return undefined;
  }
}

export async function opensslRows(): Promise<readonly Row[]> {
  const version = opensslVersion();
  if (version === undefined) {
    console.log('\nThere is no openssl command here, so nothing is measured against it.');
    return [];
  }
  const identity = await makeIdentity('secp256r1');
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const files = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(files.ca, identity.ca);
  writeFileSync(files.cert, identity.cert);
  writeFileSync(files.key, identity.key, { mode: 0o600 });
  const row = (what: string, run: Run): Row => ({
    name: `TLS 1.3: bulk against ${version}, ${what}`,
    unit: 'MiB/s',
    better: 'more',
    reach: 0.65,
    contestants: (['handfast', 'node:tls', 'lemon-tls'] as const).map((name) =>
      contestantOf(name, tls13, identity, run),
    ),
  });
  return [
    row('a client sends (16 KiB records)', (contender, milliseconds, setting) =>
      withServerCommand(setting, files, 'silent', contender, (socket, ended) => send(socket, milliseconds, ended)),
    ),
    row('a client receives (16 KiB records)', (contender, milliseconds, setting) =>
      withServerCommand(setting, files, 'flood', contender, (socket) => receive(socket, milliseconds)),
    ),
    row('a server sends (16 KiB records)', (contender, milliseconds, setting) =>
      withClientCommand(setting, files, 'silent', contender, (socket, ended) => send(socket, milliseconds, ended)),
    ),
    row('a server receives (8 KiB records)', (contender, milliseconds, setting) =>
      withClientCommand(setting, files, 'flood', contender, (socket) => receive(socket, milliseconds)),
    ),
  ];
}

interface Files {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** What the command does with its standard input: sends zeros without end, or nothing. */
type Input = 'flood' | 'silent';

type Use = (socket: Duplex, ended: Promise<void>) => Promise<number>;

/** A contender's client, connected to an `openssl s_server` that is for this one connection. */
async function withServerCommand(
  setting: Setting,
  { cert, key }: Files,
  input: Input,
  contender: Contender,
  use: Use,
): Promise<number> {
  const port = await freePort();
  const server = ['s_server', '-quiet', '-accept', `127.0.0.1:${port}`, '-naccept', '1', '-cert', cert, '-key', key];
  return await withCommand([...server, ...speaking(setting)], input, async (ended) => {
    for (;;) {
      const { socket, done } = contender.connect(port);
      socket.on('error', () => undefined);
      try {
        await Promise.race([done, refusedAfter(ended)]);
        // Its handshake done while it was to write, `s_server` goes on to wait for something to read.
        if (input === 'flood') socket.write('\n');
        return await use(socket, ended);
      } catch (error) {
        // It tells nobody when it listens: so it is asked until it answers.
        if (!(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED')) throw error;
        await sleep(10);
      } finally {
        socket.destroy();
      }
    }
  });
}

/** A contender's server, and an `openssl s_client` that is connected to it. */
async function withClientCommand(
  setting: Setting,
  { ca }: Files,
  input: Input,
  contender: Contender,
  use: Use,
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<Duplex>();
  const server = contender.createServer((socket) => {
    socket.on('error', () => undefined);
    resolve(socket);
  });
  const port = await listening(server);
  const verifying = ['-servername', serverName, '-CAfile', ca, '-verify_return_error'];
  const client = ['s_client', '-quiet', '-connect', `127.0.0.1:${port}`, ...verifying];
  try {
    return await withCommand([...client, ...speaking(setting)], input, async (ended) => {
      const socket = await Promise.race([promise, refusedAfter(ended)]);
      try {
        return await use(socket, ended);
      } finally {
        socket.destroy();
      }
    });
  } finally {
    server.close();
  }
}

const speaking = ({ openssl, opensslGroups }: Setting): readonly string[] => [
  ...['-tls1_3', '-ciphersuites', openssl, '-groups', opensslGroups],
];

async function withCommand(
  args: readonly string[],
  input: Input,
  use: (ended: Promise<void>) => Promise<number>,
): Promise<number> {
  const zeros = input === 'flood' ? openSync('/dev/zero', 'r') : undefined;
  const { child, ended } = startCommand('openssl', args, [zeros ?? 'pipe', 'ignore', 'ignore']);
  if (zeros !== undefined) closeSync(zeros);
  try {
    return await use(ended);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

async function refusedAfter(ended: Promise<void>): Promise<never> {
  await ended;
  throw new Error('openssl ended before the handshake was done');
}

/** MiB a second, written 16 KiB at a time, up to the peer's end: it ends when it has read everything. */
async function send(socket: Duplex, milliseconds: number, ended: Promise<void>): Promise<number> {
  const chunk = Buffer.alloc(16_384, 0x5a);
  socket.resume();
  const start = performance.now();
  let sent = 0;
  while (performance.now() - start < milliseconds) {
    sent += chunk.length;
    if (!socket.write(chunk)) await within(new Promise((resolve) => socket.once('drain', resolve)), 'no drain event');
  }
  socket.end();
  await within(ended, 'openssl does not see the end of what was sent');
  return (sent / mebibyte / (performance.now() - start)) * 1000;
}

/** MiB a second. */
async function receive(socket: Duplex, milliseconds: number): Promise<number> {
  const start = performance.now();
  let received = 0;
  socket.on('data', (data: Buffer) => {
    received += data.length;
  });
  await sleep(milliseconds);
  if (received < mebibyte) throw new Error(`openssl sent ${received} bytes and no more`);
  return (received / mebibyte / (performance.now() - start)) * 1000;
}

async function within(event: Promise<unknown>, otherwise: string): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${otherwise}, for 10 s`)), 10_000);
  try {
    await Promise.race([event, promise]);
  } finally {
    clearTimeout(timer);
  }
}
