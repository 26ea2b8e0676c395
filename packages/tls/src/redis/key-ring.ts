/**
 * A ring of ticket keys that the servers of a fleet share by way of Redis. One of them, who has the lease, makes the next
 * key; all others find it there one whole rotation before it is used. Every server keeps the keys that it has seen, so
 * resumption goes on without Redis until they are over, and a Redis that comes back empty is filled again by whoever has
 * them.
 *
 * A key is taken only as it is read from Redis, never as it was made: where two servers wrote at once, in spite of the
 * lease, no ticket is sealed under a key that only one of them knows. What one server has and Redis lacks is added at its
 * next look.
 *
 * @module
 */

import { type Bytes, copyBytes, equalBytes, type MaybePromise, toHex, wipe } from '@handfast/crypto';
import { TlsConfigError } from '../errors.ts';
import {
  checkRotation,
  keysAt,
  nameLength,
  type OwnKeyRing,
  type Rotation,
  sealingKey,
  secretLength,
  type TicketKey,
  wipeDropped,
} from '../session/key-ring.ts';
import { longestLifeMs } from '../session/session.ts';
import { chance } from './client.ts';
import type { RedisConnection } from './connection.ts';
import { RedisError } from './errors.ts';

export interface RedisKeyRingOptions extends Rotation {
  readonly connection: RedisConnection;
  /**
   * Milliseconds after which Redis is looked at again, give or take a quarter: up to a quarter of `rotateEvery`. Default:
   * 10 seconds, or that quarter.
   */
  readonly lookAgain?: number;
}

/** How long one server may be about a rotation. No more than half of it is used. */
const leaseMs = 10_000;
/** How often who waits for another's first key looks, and how long between. */
const polls = 10;
const pollMs = 25;

/**
 * A ring in Redis. Keys that are in memory are given at once; a promise is given where the moment has no key yet. It never
 * rejects: without Redis, and without a key that still opens, there are none.
 *
 * @example
 * ```ts
 * const ring = redisKeyRing({ connection, rotateEvery: 6 * 3_600_000 });
 * const keys = ticketKeys({ provider, ring, onError: log.warn });
 * ```
 * @throws TlsConfigError where a setting is out of range.
 */
export function redisKeyRing({ connection, lookAgain, ...options }: RedisKeyRingOptions): OwnKeyRing {
  const rotation = checkRotation(options);
  const most = Math.floor(rotation.rotateEvery / 4);
  const every = lookAgain ?? Math.min(10_000, most);
  if (!Number.isInteger(every) || every < 1 || every > most) {
    throw new TlsConfigError('lookAgain', `${every} is not a whole number of milliseconds from 1 to ${most}`);
  }
  return new RedisKeyRing(connection, rotation, every);
}

class RedisKeyRing implements OwnKeyRing {
  readonly #connection: RedisConnection;
  readonly #rotation: Required<Rotation>;
  readonly #lookAgain: number;
  /** The key that begins last first. A key that stays remains the same object, since it may be in use. */
  #held: readonly TicketKey[] = [];
  /** The last look that was answered: the time that it was for, and how long it is good. */
  #last: { readonly at: number; readonly goodFor: number } | undefined;
  /** One look at a time; it never rejects. */
  #looking: Promise<void> | undefined;
  #disposed = false;

  constructor(connection: RedisConnection, rotation: Required<Rotation>, lookAgain: number) {
    this.#connection = connection;
    this.#rotation = rotation;
    this.#lookAgain = lookAgain;
  }

  keys(now: number): MaybePromise<readonly TicketKey[]> {
    if (this.#disposed) throw new Error('the ring of ticket keys is disposed of');
    if (!Number.isFinite(now)) throw new RangeError(`${now} is no time in milliseconds`);
    this.#hold(this.#held, now);
    const last = this.#last;
    const due = last === undefined || Math.abs(now - last.at) >= last.goodFor;
    if (sealingKey(this.#held, now) !== undefined) {
      if (due) void this.#look(now);
      return this.#held;
    }
    return this.#look(now).then(() => this.#held);
  }

  dispose(): void {
    this.#disposed = true;
    wipeDropped(this.#held, []);
    this.#held = [];
  }

  #look(now: number): Promise<void> {
    this.#looking ??= this.#lookOnce(now)
      .then(() => {
        this.#last = { at: now, goodFor: this.#lookAgain * (0.75 + chance(this.#connection.provider) / 2) };
      })
      // What Redis itself did, the connection has told.
      .catch((error: unknown) => {
        if (!(error instanceof RedisError) || error.code === 'foreign') this.#connection.tell(error);
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #lookOnce(now: number): Promise<void> {
    for (let poll = 0; poll < polls; poll++) {
      const lacks = this.#take(await this.#read(await this.#connection.ask('GET', this.#ringName)), now);
      if (!lacks && !this.#needs(now)) return;
      if (await this.#rotate(now)) return;
      // Another is at it. Its next key has a whole rotation to come; only a present one is worth waiting for.
      if (sealingKey(this.#held, now) !== undefined) return;
      await delay(pollMs * (0.5 + chance(this.#connection.provider)));
    }
  }

  /** Makes what is missing, unless another server is at it: false. */
  async #rotate(now: number): Promise<boolean> {
    const connection = this.#connection;
    const begun = performance.now();
    const inTime = (): boolean => performance.now() - begun < leaseMs / 2;
    const lease = connection.name('lease');
    if ((await connection.ask('SET', lease, '1', 'NX', 'PX', `${leaseMs}`)) !== 'OK') return false;
    try {
      // Another may have been here since.
      const lacks = this.#take(await this.#read(await connection.ask('GET', this.#ringName)), now);
      if (!lacks && !this.#needs(now)) return true;
      await this.#write(now, inTime);
    } finally {
      // A lease that may be another's by now is left to end by itself.
      if (inTime()) await connection.ask('DEL', lease).catch(() => {});
    }
    return true;
  }

  async #write(now: number, inTime: () => boolean): Promise<void> {
    const { provider, sealer } = this.#connection;
    const held = this.#held;
    const made = keysAt(held, now, provider, this.#rotation).filter((key) => !held.includes(key));
    const wanted = [...held, ...made];
    try {
      const bytes = encoded(wanted);
      let text: string;
      try {
        text = await sealer.seal(this.#ringName, bytes);
      } finally {
        wipe(bytes);
      }
      if (!inTime() || this.#disposed) return;
      const life = Math.max(...wanted.map(({ opensUntil }) => opensUntil)) - now;
      const set = ['SET', this.#ringName, text, 'PX', `${Math.ceil(life)}`];
      const [, written] = await this.#connection.askAll(set, ['GET', this.#ringName]);
      this.#take(await this.#read(written), now);
    } finally {
      wipeDropped(made, []);
    }
  }

  /** The keys that Redis has. Nothing of it is looked at before it is authenticated. */
  async #read(text: unknown): Promise<TicketKey[]> {
    if (text === null || text === undefined) return [];
    const bytes = await this.#connection.sealer.open(this.#ringName, text);
    if (bytes === undefined) {
      throw new RedisError(
        'foreign',
        `${this.#ringName} in Redis is not sealed under our secret, and was left as it is: give all servers the same ` +
          'secret, or another prefix where they are another fleet; else somebody else wrote it, and it can be deleted',
      );
    }
    try {
      return decoded(bytes);
    } finally {
      wipe(bytes);
    }
  }

  /** Adds what was read to what is held. True: Redis lacks some of it. */
  #take(read: readonly TicketKey[], now: number): boolean {
    const isKnown = (list: readonly TicketKey[], { name }: TicketKey): boolean =>
      list.some((one) => equalBytes(one.name, name));
    const lacks = this.#held.some((key) => !isKnown(read, key));
    const news = read.filter((key) => !isKnown(this.#held, key));
    wipeDropped(read, news);
    if (news.length > 0) this.#hold([...this.#held, ...news], now);
    return lacks;
  }

  /** These are the keys now: what is over is wiped, and so is all where the ring is disposed of. */
  #hold(keys: readonly TicketKey[], now: number): void {
    // Servers may rotate at different lengths for a while; what begins later than the longest allows is of no sane clock.
    const furthest = now + 2 * longestLifeMs;
    const kept = keys.filter(
      ({ opensUntil, sealsFrom }) => !this.#disposed && opensUntil > now && sealsFrom <= furthest,
    );
    wipeDropped(keys, kept);
    if (kept.length === keys.length && keys === this.#held) return;
    // Where two begin at once, all servers seal under the same of them.
    this.#held = kept.sort((a, b) => b.sealsFrom - a.sealsFrom || (toHex(a.name) < toHex(b.name) ? -1 : 1));
  }

  /** Whether there is no key for this moment, or for the next rotation. */
  #needs(now: number): boolean {
    const { rotateEvery } = this.#rotation;
    const next = (Math.floor(now / rotateEvery) + 1) * rotateEvery;
    return [now, next].some((moment) => sealingKey(this.#held, moment) === undefined);
  }

  get #ringName(): string {
    return this.#connection.name('ring');
  }
}

/** `name[16] secret[32] sealsFrom[8] sealsUntil[8] opensUntil[8]`, once a key; times in milliseconds since the epoch. */
const keyBytes: number = nameLength + secretLength + 24;

function encoded(keys: readonly TicketKey[]): Bytes {
  const out = new Uint8Array(keys.length * keyBytes);
  const view = new DataView(out.buffer);
  keys.forEach(({ name, secret, sealsFrom, sealsUntil, opensUntil }, index) => {
    const at = index * keyBytes;
    out.set(name, at);
    out.set(secret, at + nameLength);
    [sealsFrom, sealsUntil, opensUntil].forEach((time, position) => {
      view.setBigUint64(at + nameLength + secretLength + position * 8, BigInt(time));
    });
  });
  return out;
}

function decoded(bytes: Bytes): TicketKey[] {
  if (bytes.length % keyBytes !== 0) throw new Error('the ring in Redis is of another version of this program');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / keyBytes }, (_, index) => {
    const at = index * keyBytes;
    const secretAt = at + nameLength;
    const time = (position: number): number => Number(view.getBigUint64(secretAt + secretLength + position * 8));
    return {
      name: copyBytes(bytes.subarray(at, secretAt)),
      secret: copyBytes(bytes.subarray(secretAt, secretAt + secretLength)),
      sealsFrom: time(0),
      sealsUntil: time(1),
      opensUntil: time(2),
    };
  });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
