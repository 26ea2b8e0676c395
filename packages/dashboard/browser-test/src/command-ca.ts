/**
 * A CA that is made and served by the command, as its operator does it, and was begun long ago; and what its people put into their
 * browsers: PKCS #12 files.
 *
 * @module
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { AdminRole } from '@handfast/ca';

export interface CommandCa {
  /** Of the page, without a slash at its end. */
  readonly origin: string;
  /** PEM. */
  readonly root: string;
  /** Runs `handfast ca …` on its folder; answers what that prints as JSON. */
  handfast(...args: readonly string[]): Promise<Readonly<Record<string, string>>>;
  /** What somebody has for a browser. */
  p12(name: string): { readonly file: string; readonly password: string };
  /** A folder that is gone with it. */
  folderOf(name: string): string;
  close(): Promise<void>;
}

/** Whose mailboxes have roles; nora and eve have certificates as well. */
export const roles: Readonly<Record<string, AdminRole>> = {
  vera: 'viewer',
  ivan: 'issuer',
  rita: 'revoker',
  alice: 'admin',
  eve: 'admin',
};

const password = 'correct horse';
/** Certificates are good for 90 days. */
const daysAgo = 100;

const main = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
const past = new URL('past.mjs', import.meta.url).href;
const node = ['--conditions=@handfast/source', '--disable-warning=ExperimentalWarning'];
const run = promisify(execFile);

export async function startCommandCa(): Promise<CommandCa> {
  const top = await mkdtemp(join(tmpdir(), 'handfast-dashboard-'));
  const folder = join(top, 'ca');
  const command = async (flags: readonly string[], args: readonly string[]): Promise<CommandAnswer> => {
    const env = { ...process.env, DAYS_AGO: String(daysAgo) };
    const argv = [...node, ...flags, main, 'ca', ...args, '--json', '--dir', folder];
    return JSON.parse((await run(process.execPath, argv, { env })).stdout) as CommandAnswer;
  };
  const handfast = (...args: readonly string[]) => command([], args);
  const longAgo = (...args: readonly string[]) => command(['--import', past], args);

  const passwordFile = join(top, 'password');
  await writeFile(passwordFile, password);
  const issuing = (name: string) => {
    const how = ['--client', '--email', `${name}@corp.test`, '--p12', '--password-file', passwordFile, '--out', top];
    return ['issue', name, ...how];
  };
  await longAgo('init', '--dev');
  await longAgo(...issuing('eve'));
  for (const name of ['vera', 'ivan', 'rita', 'alice', 'nora']) await handfast(...issuing(name));
  const config = join(folder, 'config.json');
  const dashboard = Object.entries(roles).map(([name, role]) => ({ name: `${name}@corp.test`, role }));
  await writeFile(config, JSON.stringify({ ...JSON.parse(await readFile(config, 'utf8')), dashboard }));

  const argv = ['serve', '--dev', '--json', '--port', '0', '--http-port', '0', '--dir', folder];
  const server = spawn(process.execPath, [...node, main, 'ca', ...argv], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(server, 'exit');
  process.once('exit', () => server.kill('SIGKILL'));
  const { dashboard: url } = await listening(server.stderr);
  return {
    origin: new URL(url).origin,
    root: join(folder, 'root.pem'),
    handfast,
    p12: (name) => ({ file: join(top, `${name}.p12`), password }),
    folderOf: (name) => join(top, 'people', name),
    async close() {
      server.kill('SIGTERM');
      await ended;
      await rm(top, { recursive: true, force: true });
    },
  };
}

type CommandAnswer = Readonly<Record<string, string>>;

async function listening(stderr: NodeJS.ReadableStream): Promise<{ readonly dashboard: string }> {
  const said: string[] = [];
  for await (const line of createInterface({ input: stderr })) {
    said.push(line);
    const event = JSON.parse(line) as { readonly event: string; readonly dashboard: string };
    if (event.event !== 'listening') continue;
    // What it says from then on is nobody's, and must not fill the pipe.
    stderr.resume();
    return event;
  }
  throw new Error(`it ended before it listened:\n${said.join('\n')}`);
}
