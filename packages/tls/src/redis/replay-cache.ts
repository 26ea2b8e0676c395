/**
 * Early data at most once in a whole fleet (RFC 9846 §8.2): who writes a key first has claimed it (`SET NX PX`).
 *
 * What was claimed must not be forgotten within the window. So nothing is taken for one full window after the start, nor
 * after any sign that Redis lost something: a marker stands there, that is made when it is missing and names the run of
 * Redis that it was made in. Missing (flushed), changed, or of another run (restarted, failed over): what came before is
 * unknown. The marker is read after the claim, by the same connection: a loss before the claim is seen.
 *
 * Every doubt is a refusal, which costs the client one round trip.
 *
 * @module
 */

import { toHex } from '@handfast/crypto';
import { TlsConfigError } from '../errors.ts';
import { longestKey, type ReplayCache } from '../session/replay.ts';
import type { RedisConnection } from './connection.ts';
import { RedisError } from './errors.ts';

export interface RedisReplayCacheOptions {
  readonly connection: RedisConnection;
  /**
   * Milliseconds for which a ClientHello could be accepted again, up to a day: where arrivals are taken that come up to n
   * before and n after they were expected, 2 n. The same on all servers. Default: 10 seconds.
   */
  readonly window?: number;
  /** The clock that `now` comes from. Default: the system's. */
  readonly time?: () => Date;
}

/**
 * A cache in Redis. `claim` never rejects: what goes wrong is a refusal, told to the connection's `onError`.
 *
 * @throws TlsConfigError where a setting is out of range; as a rejection, `RedisError`: `unsuited` where Redis may evict what
 * was claimed, `refused` where it does not let itself be asked. A Redis that is not there at the start is not an error:
 * early data is refused until it is.
 */
export async function redisReplayCache({
  connection,
  window = 10_000,
  time = () => new Date(),
}: RedisReplayCacheOptions): Promise<ReplayCache & { claim(key: Uint8Array, now: number): Promise<boolean> }> {
  if (!Number.isInteger(window) || window < 2 || window > 86_400_000) {
    throw new TlsConfigError('window', `${window} is not a whole number from 2 to 86400000`);
  }
  const cache = new RedisReplayCache(connection, window, time);
  try {
    await cache.start();
  } catch (error) {
    if (!(error instanceof RedisError) || error.code === 'unsuited' || error.code === 'refused') throw error;
  }
  return cache;
}

class RedisReplayCache implements ReplayCache {
  readonly #connection: RedisConnection;
  readonly window: number;
  readonly #time: () => Date;
  /** Since when nothing that was claimed has been lost; undefined: not known. */
  #since: { readonly marker: string; readonly at: number } | undefined;
  /** The latest time that was claimed at. */
  #newest = Number.NEGATIVE_INFINITY;

  constructor(connection: RedisConnection, window: number, time: () => Date) {
    this.#connection = connection;
    this.window = window;
    this.#time = time;
  }

  async start(): Promise<void> {
    const [marker, server] = await this.#connection.askAll(['GET', this.#markerName], ['INFO', 'server']);
    await this.#begin(marker, server);
  }

  async claim(key: Uint8Array, now: number): Promise<boolean> {
    if (key.length === 0 || key.length > longestKey || !Number.isFinite(now)) return false;
    // A clock that was set back makes what is forgotten fresh again. Redis keeps a claim for twice the window.
    const behind = now < this.#newest - this.window;
    this.#newest = Math.max(this.#newest, now);
    const name = this.#connection.name(`claim:${toHex(this.#connection.provider.digest('sha256', key))}`);
    try {
      const [claimed, marker, server] = await this.#connection.askAll(
        ['SET', name, '1', 'NX', 'PX', `${2 * this.window}`],
        ['GET', this.#markerName],
        ['INFO', 'server'],
      );
      if (this.#since === undefined || marker !== this.#since.marker || !isOfRun(marker, server)) {
        await this.#begin(marker, server);
        return false;
      }
      // Before, it is remembered and refused: it must not be taken later, when its client has sent its data again.
      return claimed === 'OK' && !behind && now >= this.#since.at + this.window;
    } catch (error) {
      // What Redis itself did, the connection has told.
      if (!(error instanceof RedisError) || error.code === 'unsuited') this.#connection.tell(error);
      return false;
    }
  }

  /** From now on is known what is claimed: under the marker that stands in Redis, or under a new one. */
  async #begin(marker: unknown, server: unknown): Promise<void> {
    this.#since = undefined;
    const run = runOf(server);
    const policy = /^maxmemory_policy:(\S+)/m.exec(String(await this.#connection.ask('INFO', 'memory')))?.[1];
    if (run === undefined || policy === undefined) {
      throw new RedisError(
        'unsuited',
        'INFO names no run_id or no maxmemory_policy: this is not a Redis that a replay cache can trust',
      );
    }
    if (policy !== 'noeviction') {
      throw new RedisError(
        'unsuited',
        `Redis may evict what a replay cache must remember: its maxmemory-policy is ${policy}. Set ` +
          '"maxmemory-policy noeviction" in its configuration, or use a Redis of its own for this',
      );
    }
    let found = marker;
    if (!isOfRun(found, server)) {
      const fresh = `${run}:${toHex(this.#connection.provider.random(16))}`;
      // Over one of another run; of several servers that make one at a time, the first.
      const set = ['SET', this.#markerName, fresh, ...(found === null ? ['NX'] : [])];
      [, found] = await this.#connection.askAll(set, ['GET', this.#markerName]);
    }
    if (typeof found !== 'string' || !isOfRun(found, server)) return;
    this.#since = { marker: found, at: this.#time().getTime() };
  }

  get #markerName(): string {
    return this.#connection.name('epoch');
  }
}

/** What a run of Redis calls itself, until it ends. */
function runOf(server: unknown): string | undefined {
  return /^run_id:(\w+)/m.exec(String(server))?.[1];
}

function isOfRun(marker: unknown, server: unknown): boolean {
  const run = runOf(server);
  return run !== undefined && typeof marker === 'string' && marker.startsWith(`${run}:`);
}
