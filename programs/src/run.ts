/**
 * Runs one pair: its server first, then its client, which tells a row for each thing that it has done.
 *
 * @module
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { h2loadChecks } from './h2load.ts';
import type { Client, Job, ProgramServer, Way } from './jobs.ts';
import type { Pki } from './pki.ts';
import { Running } from './processes.ts';
import { mariadb } from './servers/mariadb.ts';
import { mosquitto } from './servers/mosquitto.ts';
import { postgresql } from './servers/postgresql.ts';
import { rabbitmq } from './servers/rabbitmq.ts';
import { redis } from './servers/redis.ts';
import type { Server, Started } from './servers/server.ts';

export const debian: readonly Server[] = [postgresql, redis, mariadb, mosquitto, rabbitmq];

/** One thing that was done, and what came of it. */
export interface Check {
  readonly check: string;
  readonly note?: string;
  /** Absent: it passed. */
  readonly error?: string;
}

export interface Row extends Check {
  readonly job: Job;
}

type Given = Readonly<Record<string, string | number>>;

/** A whole client may take so long, and so long to end once it has told all. */
const clientPatienceMs = 120_000;
const endPatienceMs = 8_000;

const here = (file: string): string => fileURLToPath(new URL(`programs/${file}`, import.meta.url));
const folder = fileURLToPath(new URL('..', import.meta.url));

export class Rig {
  readonly #pki: Pki;
  readonly #plain: boolean;
  /** Debian's servers that run, or are starting. */
  readonly #started = new Map<string, Promise<Started>>();

  constructor(pki: Pki, plain: boolean) {
    this.#pki = pki;
    this.#plain = plain;
  }

  async run(job: Job): Promise<readonly Row[]> {
    const checks: Check[] = [];
    try {
      if (typeof job.server === 'string') {
        const { given } = await this.#debian(job.server);
        checks.push(...(await this.#client(job, given)));
      } else {
        checks.push(...(await this.#withServer(job, job.server)));
      }
    } catch (error) {
      checks.push({ check: 'both start', error: error instanceof Error ? error.message : String(error) });
    }
    return checks.map((check) => ({ job, ...check }));
  }

  /** What makes sure that Node's own TLS is not used: it is noticed where it is. */
  async control(): Promise<Check> {
    const check = 'Node’s own TLS is noticed where it is used';
    const program = "require('node:tls').connect({ port: 1 }).on('error', ({ code }) => console.error(code))";
    const running = new Running(process.execPath, ['--import', here('no-other-tls.mjs'), '-e', program], {
      cwd: folder,
    });
    const code = await running.exit;
    return { check, ...((code === 0 || !running.words.includes('own TLS was used')) && { error: running.words }) };
  }

  async stop(): Promise<void> {
    await Promise.allSettled([...this.#started.values()].map(async (one) => (await one).stop()));
  }

  #debian(name: string): Promise<Started> {
    const known = this.#started.get(name);
    if (known !== undefined) return known;
    const server = debian.find((one) => one.name === name);
    if (server === undefined) throw new Error(`there is no ${name}`);
    const own = join(this.#pki.folder, name);
    mkdirSync(own);
    const started = server.start(own, this.#pki);
    this.#started.set(name, started);
    return started;
  }

  async #withServer(job: Job, program: ProgramServer): Promise<readonly Check[]> {
    const told = Promise.withResolvers<Given>();
    const faults: string[] = [];
    const server = this.#start(program, job.serverWay, {}, (line) => {
      const news: Given = JSON.parse(line);
      if (news.error !== undefined) faults.push(String(news.error));
      else told.resolve(news);
    });
    server.exit.then(
      (code) => told.reject(new Error(`the server ended with ${code}: ${server.words}`)),
      (error) => told.reject(error),
    );
    const given = await told.promise;
    const checks = await this.#client(job, { ...program.given, ...given });
    server.child.kill('SIGTERM');
    const end = await Promise.race([server.exit, delay(endPatienceMs, 'not', { ref: false })]);
    server.kill();
    const ended = end === 0 && faults.length === 0;
    const error = `${end === 'not' ? `it had not ended after ${endPatienceMs / 1000} s` : `it ended with ${end}`}\n${faults.join('\n')}\n${server.words}`;
    return [...checks, { check: 'the server ends by itself', ...(!ended && { error }) }];
  }

  async #client({ client, clientWay, server }: Job, given: Given): Promise<readonly Check[]> {
    if (client.file === 'h2load') {
      return h2loadChecks(Number(given.port), typeof server !== 'string' && server.name.includes('http2'));
    }
    const checks: Check[] = [];
    let done = false;
    const told = Promise.withResolvers<void>();
    const running = this.#start(client, clientWay, given, (line) => {
      const news: Check & { readonly done?: boolean } = JSON.parse(line);
      if (news.done !== true) checks.push(news);
      else {
        done = true;
        told.resolve();
      }
    });
    const end = running.exit.finally(told.resolve);
    const late = new AbortController();
    await Promise.race([
      told.promise,
      delay(clientPatienceMs, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    const code = await Promise.race([end, delay(endPatienceMs, undefined, { ref: false })]);
    running.kill();
    const error =
      code === undefined ? `it had not ended ${endPatienceMs / 1000} s after it was done` : `it ended with ${code}`;
    const well = done && code === 0;
    return [...checks, { check: 'the client ends by itself', ...(!well && { error: `${error}\n${running.words}` }) }];
  }

  #start(program: Client, way: Way, given: Given, line: (line: string) => void): Running {
    const handfast = way !== 'node' && !this.#plain;
    const all = { ...program.given, ...given, files: this.#pki, own: way === 'option', handfast };
    const flags = [
      '--conditions=@handfast/source',
      '--disable-warning=ExperimentalWarning',
      ...(handfast && way === 'register' ? ['--import', '@handfast/tls/register'] : []),
      ...(handfast ? ['--import', here('no-other-tls.mjs')] : []),
    ];
    return new Running(process.execPath, [...flags, here(program.file), JSON.stringify(all)], {
      cwd: folder,
      ...(program.env && { env: program.env(this.#pki.ca) }),
      line,
    });
  }
}
