/**
 * Deno's and Bun's programs, against OpenSSL and against each other.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Running } from '../../../programs/src/processes.ts';
import { type Authority, user } from './pki.ts';
import { openSslEcho } from './relay.ts';
import type { Scenario } from './scenario.ts';
import { modules } from './world.ts';

const folder = fileURLToPath(new URL('../', import.meta.url));

interface Runtime {
  readonly name: string;
  /** What runs a script, before its name. */
  readonly command: readonly [string, ...string[]];
}

const runtimes: readonly Runtime[] = [
  {
    name: 'Deno',
    command: [
      join(modules, '@deno/linux-x64-glibc/deno'),
      ...['run', '--conditions=@handfast/source', '--no-lock', '--no-check', '--node-modules-dir=manual'],
      ...['--allow-read', '--allow-net=127.0.0.1'],
    ],
  },
  { name: 'Bun', command: [join(modules, '@oven/bun-linux-x64/bin/bun'), '--conditions=@handfast/source'] },
];

function client({ name, command: [file, ...args] }: Runtime, port: number, pki: Authority): Promise<string> {
  const script = join(folder, name.toLowerCase(), 'client.ts');
  return new Promise((resolve, reject) => {
    execFile(file, [...args, script, String(port), pki.folder], { timeout: 20_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}${stderr}`));
      else resolve(stdout.trim());
    });
  });
}

/** A server that runs, and its port. */
async function server(
  { name, command: [file, ...args] }: Runtime,
  pki: Authority,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const script = join(folder, name.toLowerCase(), 'server.ts');
  const running = new Running(file, [...args, script, pki.folder], { line: resolve });
  const port = Number(await Promise.race([promise, running.exit.then(() => 'nothing')]));
  if (!(port > 0)) throw new Error(`${name} does not listen: ${running.words}`);
  return { port, stop: () => running.stop() };
}

/** OpenSSL's client, by way of `node:tls`, with our certificate. */
async function ask(port: number, pki: Authority, words: string): Promise<string> {
  const identity = { cert: readFileSync(pki.clientCert), key: readFileSync(pki.clientKey), ca: readFileSync(pki.ca) };
  // The types of node:tls know allowHalfOpen of servers alone.
  const socket = connect(Object.assign({ port, servername: 'localhost', ...identity }, { allowHalfOpen: true }));
  socket.end(words);
  return await text(socket);
}

export const ofRuntimes: readonly Scenario[] = runtimes.flatMap((runtime) => {
  const others = runtimes.filter((other) => other !== runtime);
  const { name } = runtime;
  const example = name.toLowerCase();
  return [
    {
      example,
      name: `a client in ${name} talks to OpenSSL, each with a certificate`,
      async run({ pki }) {
        const echo = await openSslEcho(pki);
        try {
          assert.equal(await client(runtime, echo.port, pki), `Hello from ${name}.`);
        } finally {
          echo.close();
        }
      },
    },
    {
      example,
      name: `a server in ${name} knows OpenSSL’s client and ${others.map((other) => other.name).join(' and ')}’s by name`,
      async run({ pki }) {
        const running = await server(runtime, pki);
        try {
          const heard = `${name} heard ${user} say:`;
          assert.equal(await ask(running.port, pki, 'hello\n'), `${heard} hello\n`);
          for (const other of others)
            assert.equal(await client(other, running.port, pki), `${heard} Hello from ${other.name}.`);
        } finally {
          await running.stop();
        }
      },
    },
  ] satisfies Scenario[];
});
