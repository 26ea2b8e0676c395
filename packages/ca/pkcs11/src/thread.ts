/**
 * The way to a token's module and back: one thread a module, because PKCS #11 is one for the whole process. It is started anew
 * where it ended.
 *
 * @module
 */

import { Worker } from 'node:worker_threads';
import { Pkcs11Error } from './errors.ts';
import { type PinSource, pinRefusals, readPin } from './pin.ts';
import type { Reply, Request, Result, ThreadOptions } from './worker.ts';

type Success = Exclude<Result, { readonly what: 'pin' | 'error' }>;

interface Waiting {
  resolve(result: Result): void;
  reject(error: Error): void;
}

const threads = new Map<string, TokenThread>();

/** The thread of a module, for one who releases it. */
export function threadOf(module: string): TokenThread {
  const thread = threads.get(module) ?? new TokenThread(module);
  threads.set(module, thread);
  thread.users++;
  return thread;
}

class ThreadEnded extends Pkcs11Error {
  constructor(reason: string) {
    super('failed', reason, { hint: 'another one is started when something is signed' });
  }
}

export class TokenThread {
  users = 0;
  readonly #module: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #ending: Promise<void> | undefined;
  /** PINs go to the module one after another, so that a wrong one is known before it would go a second time. */
  #logins: Promise<unknown> = Promise.resolve();
  #callers = 0;
  #lastNumber = 0;
  #owned = false;

  constructor(module: string) {
    this.#module = module;
  }

  /**
   * @param pin read where the token asks for it
   * @throws Pkcs11Error; what a function that gives the PIN throws
   */
  async ask(request: Request, pin: PinSource | undefined, timeoutMs: number): Promise<Success> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `the token has not answered for ${timeoutMs / 1000} seconds`;
        reject(
          new Pkcs11Error('failed', message, { hint: 'is the device, or the server behind its module, at work?' }),
        );
      }, timeoutMs);
    });
    if (this.#callers++ === 0) this.#worker?.ref();
    try {
      return await Promise.race([this.#answer(request, pin), late]);
    } finally {
      clearTimeout(timer);
      if (--this.#callers === 0) this.#worker?.unref();
    }
  }

  /** The last one ends the thread. */
  async release(timeoutMs: number): Promise<void> {
    if (--this.users > 0 || this.#worker === undefined) return;
    const worker = this.#worker;
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => resolve());
    });
    this.#ending = ended;
    await this.ask({ what: 'end' }, undefined, timeoutMs).catch(() => undefined);
    // One that hangs in its module keeps nobody waiting.
    if (this.#waiting.size === 0) {
      worker.ref();
      await ended;
    }
    if (this.#ending === ended) this.#ending = undefined;
  }

  async #answer(request: Request, pin: PinSource | undefined): Promise<Success> {
    const result = await this.#askTwice(request);
    return told(result.what === 'pin' ? await this.#askWithPin(request, pin, result.token) : result);
  }

  /** A thread that ended has answered nothing: its successor is asked. */
  async #askTwice(request: Request): Promise<Result> {
    try {
      return await this.#post(request);
    } catch (error) {
      if (!(error instanceof ThreadEnded) || request.what === 'end') throw error;
      return await this.#post(request);
    }
  }

  #askWithPin(request: Request, source: PinSource | undefined, token: string): Promise<Result> {
    if (source === undefined) {
      throw new Pkcs11Error('pin', 'the token needs a PIN, and none was named', {
        hint: 'write it into a file that only this user can read, and name that: pin-source=file:/…',
      });
    }
    const asked = this.#logins.then(async () => {
      const pin = await readPin(source);
      const refusals = pinRefusals(`${this.#module}\0${token}`, pin);
      if (refusals.known) {
        throw new Pkcs11Error('pin', 'the token has refused this PIN before: it is not tried again', {
          hint: 'put the right one in its place',
        });
      }
      const result = await this.#post({ ...request, pin }, [pin.buffer]);
      if (result.what === 'error' && result.error.returnValue?.startsWith('CKR_PIN_')) refusals.remember();
      return result;
    });
    this.#logins = asked.catch(() => undefined);
    return asked;
  }

  async #post(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Result> {
    if (request.what !== 'end') await this.#ending;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const number = ++this.#lastNumber;
    this.#waiting.set(number, { resolve, reject });
    worker.postMessage({ number, request }, transfer);
    return promise;
  }

  #start(): Worker {
    const source = new URL('./worker.ts', import.meta.url);
    const compiled = new URL('./worker.js', import.meta.url);
    const workerData: ThreadOptions = { module: this.#module, owned: this.#owned };
    const worker = new Worker(import.meta.url.endsWith('.ts') ? source : compiled, { workerData, name: 'pkcs11' });
    if (this.#callers === 0) worker.unref();
    let reason = 'the thread that talks to the token has ended';
    worker.on('error', (error) => {
      reason = `${reason}: ${error instanceof Error ? error.message : String(error)}`;
    });
    worker.on('message', ({ number, owned, result }: Reply) => {
      this.#owned = owned;
      this.#waiting.get(number)?.resolve(result);
      this.#waiting.delete(number);
    });
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(new ThreadEnded(reason));
      this.#waiting.clear();
    });
    return worker;
  }
}

function told(result: Result): Success {
  if (result.what === 'pin') throw new Pkcs11Error('pin', 'the token asks for its PIN again and again');
  if (result.what !== 'error') return result;
  const { code, message, hint, returnValue } = result.error;
  throw new Pkcs11Error(code, message, { hint, returnValue });
}
