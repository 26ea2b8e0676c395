/**
 * Server processes: started, asked, and ended.
 *
 * @module
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromServer, Setup, ToServer } from './protocol.ts';

export const serverFile: string = fileURLToPath(new URL('server.ts', import.meta.url));
const patienceMs = 20_000;

export class ServerProcess {
  /** What it told of, each once. */
  readonly told: Set<string> = new Set();
  /** Rejections that nobody handled there. */
  readonly unhandled: string[] = [];
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, (taken: readonly boolean[]) => void>();
  readonly #listening = Promise.withResolvers<number>();
  #port = 0;
  #call = 0;

  static async start(setup: Setup): Promise<ServerProcess> {
    const server = new ServerProcess(fork(serverFile, { execArgv: process.execArgv }));
    server.#child.send(setup satisfies ToServer);
    server.#port = await server.#listening.promise;
    return server;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    process.on('exit', () => child.kill('SIGKILL'));
    child.once('exit', (code) => this.#listening.reject(new Error(`a server ended with ${code}`)));
    child.on('message', (message: FromServer) => {
      if (message.type === 'listening') this.#listening.resolve(message.port);
      if (message.type === 'claimed') this.#calls.get(message.call)?.(message.taken);
      if (message.type === 'told') this.told.add(message.words);
      if (message.type === 'unhandled') this.unhandled.push(message.words);
    });
  }

  get port(): number {
    return this.#port;
  }

  /** Which of the keys its replay cache took. */
  claim(keys: readonly Uint8Array[]): Promise<readonly boolean[]> {
    const call = ++this.#call;
    return new Promise((resolve) => {
      this.#calls.set(call, resolve);
      const list = keys.map((key) => Buffer.from(key).toString('base64'));
      this.#child.send({ type: 'claim', call, keys: list } satisfies ToServer);
    });
  }

  /** True: told to close, it ended by itself and in good order. */
  async stop(): Promise<boolean> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return false;
    const ended = once(this.#child, 'exit', { signal: AbortSignal.timeout(patienceMs) });
    this.#child.send({ type: 'stop' } satisfies ToServer);
    try {
      const [code] = await ended;
      return code === 0;
    } catch {
      this.#child.kill('SIGKILL');
      return false;
    }
  }
}
