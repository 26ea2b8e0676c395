/**
 * One connection to Redis for all that a server keeps there. Every question has a time-out. A Redis that does not answer is
 * left alone, longer each time, and then asked by one command alone: no handshake waits for what has just failed, and a
 * Redis that comes back is not run over by a whole fleet.
 *
 * @module
 */

import type { Cryptography } from '@handfast/crypto';
import { reasonOf, TlsConfigError } from '../errors.ts';
import { connectTo, pauseMs, type RedisClient } from './client.ts';
import { RedisError } from './errors.ts';
import { type Sealer, sealerOf } from './sealer.ts';

export interface RedisConnectionOptions {
  /**
   * Where Redis is, `redis://` or `rediss://` with user and password: a client of the `redis` package connects there, and
   * again whenever the connection is lost.
   */
  readonly url?: string;
  /** In place of `url`, a client of yours: connected by you, and closed by you. */
  readonly client?: RedisClient;
  /**
   * 32 random bytes that all servers of the fleet have and Redis does not: what stands there is sealed under them. Of several
   * the first seals and all open, so that a secret can be replaced without losing a session.
   */
  readonly secret: Uint8Array | readonly Uint8Array[];
  readonly provider: Cryptography;
  /** What all names in Redis begin with: a fleet of its own has one of its own. Default: `handfast`. */
  readonly prefix?: string;
  /** Milliseconds that an answer may take, from 1 to 10,000: as long may a handshake be held up. Default: 250. */
  readonly timeout?: number;
  /** Hears what goes wrong: once for each pause that is made because of it. Connections go on. */
  readonly onError?: (error: unknown) => void;
}

const firstPauseMs = 100;
const longestPauseMs = 5000;

/** How long the first connection is waited for. */
const startMs = 3000;

/**
 * A connection that a key ring, a session store and a replay cache share. With a `url`, the answer comes when Redis is
 * reached, or after some seconds without it: a server starts all the same, and Redis may come later.
 *
 * @example
 * ```ts
 * const connection = await redisConnection({ url: 'redis://10.0.0.5', secret, provider, onError: log.warn });
 * const keys = ticketKeys({ provider, ring: redisKeyRing({ connection }) });
 * const store = redisSessionStore({ connection });
 * ```
 * @throws TlsConfigError (as a rejection)
 */
export async function redisConnection(options: RedisConnectionOptions): Promise<RedisConnection> {
  const { url, client, provider } = options;
  if ((url === undefined) === (client === undefined)) throw new TlsConfigError('url', 'give a url or a client');
  if (client !== undefined) return new RedisConnection(client, undefined, options);
  if (url === undefined || !/^rediss?:\/\//.test(url)) {
    throw new TlsConfigError('url', 'it does not begin with redis:// or rediss://');
  }
  const own = await connectTo(url, provider);
  try {
    const connection = new RedisConnection(own.client, own.end, options);
    await settledWithin(own.connected, startMs);
    return connection;
  } catch (error) {
    own.end();
    throw error;
  }
}

/** Made by `redisConnection`. */
export class RedisConnection {
  /** @internal */
  readonly provider: Cryptography;
  /** @internal */
  readonly sealer: Sealer;
  /** @internal */
  readonly timeout: number;
  readonly #prefix: string;
  readonly #onError: ((error: unknown) => void) | undefined;
  readonly #client: RedisClient;
  /** Undefined: the client is the caller's to end. */
  readonly #end: (() => void) | undefined;
  #failures = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #probing = false;
  #closed = false;

  /** @internal */
  constructor(
    client: RedisClient,
    end: (() => void) | undefined,
    { secret, provider, prefix = 'handfast', timeout = 250, onError }: RedisConnectionOptions,
  ) {
    if (!Number.isInteger(timeout) || timeout < 1 || timeout > 10_000) {
      throw new TlsConfigError('timeout', `${timeout} is not a whole number of milliseconds from 1 to 10,000`);
    }
    if (typeof prefix !== 'string' || prefix === '') throw new TlsConfigError('prefix', 'it is empty');
    this.provider = provider;
    this.sealer = sealerOf(provider, secret);
    this.timeout = timeout;
    this.#prefix = prefix;
    this.#onError = onError;
    this.#client = client;
    this.#end = end;
  }

  /** The name of something in Redis. @internal */
  name(what: string): string {
    return `${this.#prefix}:${what}`;
  }

  /** The answer to a command. @throws RedisError (as a rejection) @internal */
  async ask(...command: string[]): Promise<unknown> {
    const [answer] = await this.askAll(command);
    return answer;
  }

  /**
   * The answers to commands that go out together: all of them, or a rejection.
   * @throws RedisError (as a rejection)
   * @internal
   */
  async askAll(...commands: readonly string[][]): Promise<readonly unknown[]> {
    if (this.#closed) throw new RedisError('closed', 'the connection to Redis was closed');
    if (this.#pause !== undefined || this.#probing) {
      throw new RedisError('resting', 'Redis has just failed, and is asked again in a moment');
    }
    this.#probing = this.#failures > 0;
    const failuresBefore = this.#failures;
    try {
      const answers = await this.#inTime(this.#send(commands));
      if (this.#failures === failuresBefore) this.#failures = 0;
      return answers;
    } catch (thrown) {
      const error = errorOf(thrown);
      // What fails together is one failure.
      if (this.#failures === failuresBefore) {
        this.#rest();
        this.tell(error);
      }
      throw error;
    } finally {
      if (failuresBefore > 0) this.#probing = false;
    }
  }

  /** For `onError`: a failure that costs no connection. @internal */
  tell(error: unknown): void {
    if (this.#closed || (error instanceof RedisError && error.code === 'resting')) return;
    try {
      this.#onError?.(error);
    } catch {
      // A listener that throws has had its say.
    }
  }

  /**
   * Closes the connection, if it was made here, and wipes the secret. Rings, stores and caches that use it answer as they do
   * without Redis.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.sealer.dispose();
    this.#end?.();
  }

  async #send(commands: readonly string[][]): Promise<readonly unknown[]> {
    return Promise.all(commands.map((command) => this.#client.sendCommand(command)));
  }

  /** The answers, or after the time-out a rejection: whatever becomes of them then is nobody's. */
  #inTime<T>(answers: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(new RedisError('timeout', `Redis did not answer within ${this.timeout} ms`));
      const timer = setTimeout(late, this.timeout);
      answers.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  #rest(): void {
    this.#failures++;
    if (this.#closed) return;
    const pause = pauseMs(this.#failures - 1, firstPauseMs, longestPauseMs, this.provider);
    const wake = (): void => {
      this.#pause = undefined;
    };
    this.#pause = setTimeout(wake, pause);
    // It keeps no process alive.
    this.#pause.unref?.();
  }
}

/** What never rejects, waited for as long as that. */
function settledWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void promise.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function errorOf(thrown: unknown): RedisError {
  if (thrown instanceof RedisError) return thrown;
  const reason = reasonOf(thrown);
  // An error that Redis answered begins with its code: `OOM command not allowed …`.
  return /^[A-Z]{2,} /.test(reason)
    ? new RedisError('refused', `Redis refused: ${reason}`, { cause: thrown })
    : new RedisError('unreachable', `Redis cannot be reached: ${reason}`, { cause: thrown });
}
