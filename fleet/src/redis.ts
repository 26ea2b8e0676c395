/**
 * A real Redis on a free port of loopback, that keeps nothing on disk: killed, it comes back at the same port and empty.
 *
 * @module
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, isListening } from '../../rig/ports.ts';

const patienceMs = 5000;

export class Redis {
  readonly port: number;
  #process: ChildProcess | undefined;

  /** @throws where there is none, with what to do. */
  static async start(): Promise<Redis> {
    if (spawnSync('redis-server', ['--version']).status !== 0) {
      throw new Error('there is no redis-server: fleet/install.sh installs it');
    }
    const redis = new Redis(await freePort());
    await redis.up();
    return redis;
  }

  private constructor(port: number) {
    this.port = port;
    process.on('exit', () => this.#process?.kill('SIGKILL'));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const settings = {
      port: this.port,
      bind: '127.0.0.1',
      save: '',
      appendonly: 'no',
      'maxmemory-policy': 'noeviction',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const started = spawn('redis-server', args, { stdio: 'ignore', cwd: tmpdir() });
    started.on('error', () => {});
    this.#process = started;
    for (const since = performance.now(); performance.now() - since < patienceMs; await delay(20)) {
      if (started.exitCode !== null) throw new Error(`redis-server ended with ${started.exitCode}`);
      if (await isListening(this.port)) return;
    }
    throw new Error(`redis-server does not listen after ${patienceMs} ms`);
  }

  /** At once, as a crash would end it. */
  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  }
}
