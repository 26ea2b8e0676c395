/**
 * Server processes: started, asked, and ended.
 *
 * @module
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { EarlyDecisions, FromServer, Setup, ToServer } from './protocol.ts';

export const serverFile: string = fileURLToPath(new URL('server.ts', import.meta.url));
const patienceMs = 20_000;

export class ServerProcess {
  /** What it told of, each once. */
  readonly told: Set<string> = new Set();
  /** Rejections that nobody handled there. */
  readonly unhandled: string[] = [];
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, (answer: FromServer) => void>();
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
      if ('call' in message) this.#calls.get(message.call)?.(message);
      if (message.type === 'told') this.told.add(message.words);
      if (message.type === 'unhandled') this.unhandled.push(message.words);
    });
  }

  get port(): number {
    return this.#port;
  }

  /** Which of the keys its replay cache took. */
  claim(keys: readonly Uint8Array[]): Promise<readonly boolean[]> {
    const list = keys.map((key) => Buffer.from(key).toString('base64'));
    return this.#ask({ type: 'claim', call: ++this.#call, keys: list }, (answer) =>
      answer.type === 'claimed' ? answer.taken : [],
    );
  }

  /** What became of early data since this was last asked. */
  early(): Promise<EarlyDecisions> {
    return this.#ask({ type: 'early', call: ++this.#call }, (answer) =>
      answer.type === 'early' ? answer.decisions : {},
    );
  }

  #ask<T>(question: Extract<ToServer, { call: number }>, read: (answer: FromServer) => T): Promise<T> {
    return new Promise((resolve) => {
      this.#calls.set(question.call, (answer) => {
        this.#calls.delete(question.call);
        resolve(read(answer));
      });
      this.#child.send(question);
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
