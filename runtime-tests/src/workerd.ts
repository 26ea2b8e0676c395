/**
 * workerd: the suite is a worker module, and a request runs it.
 *
 * @module
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { bundle, home } from './bundle.ts';
import { output, type Runtime, timed } from './runtime.ts';

const executable = `${home}node_modules/@cloudflare/workerd-linux-64/bin/workerd`;

/** The suite, which may reach this machine. Its port is the system's choice, and told on a descriptor. */
const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "suite", worker = (
      modules = [(name = "workerd.js", esModule = embed "workerd.js")],
      compatibilityDate = "2026-10-01",
      globalOutbound = "here",
    )),
    (name = "here", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "suite")],
);
`;

export const workerd: Runtime = {
  name: 'workerd',
  async run(words, outside) {
    if (!existsSync(executable)) throw new Error(`workerd is not at ${executable}: npm run runtimes installs it`);
    await bundle('workerd');
    const file = `${home}dist/workerd.capnp`;
    await writeFile(file, config);
    const child = spawn(executable, ['serve', file, '--control-fd=3'], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => said.push(text));
    }
    try {
      const gone = new Promise<never>((_resolve, reject) => {
        child.on('error', reject);
        child.on('exit', (code) => reject(new Error(`workerd ended with ${code}:\n${said.join('')}`)));
      });
      gone.catch(() => {});
      const port = await Promise.race([portOf(child.stdio[3] as Readable), gone]);
      const body = JSON.stringify({ outside, words });
      const { value, seconds } = await timed(async () => {
        const response = await Promise.race([fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body }), gone]);
        const text = await response.text();
        if (!response.ok) throw new Error(`workerd answered ${response.status}: ${text}\n${said.join('')}`);
        return JSON.parse(text);
      });
      const version = (await output(executable, ['--version'])).trim().replace(/^workerd /, '');
      return [{ suite: 'common', name: 'workerd', version, report: value, seconds }];
    } finally {
      child.kill('SIGKILL');
    }
  },
};

async function portOf(control: Readable): Promise<number> {
  for await (const line of createInterface({ input: control })) {
    const { event, port } = JSON.parse(line);
    if (event === 'listen') return port;
  }
  throw new Error('workerd did not say where it listens');
}
