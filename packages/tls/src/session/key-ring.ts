/**
 * The keys that tickets are sealed under, as they follow each other: every key seals for one rotation and opens for a while
 * longer. The one after it is always there already, so that whoever shares a ring has seen a key before it is used.
 *
 * @module
 */

import { type Bytes, type Cryptography, type MaybePromise, wipe } from '@handfast/crypto';
import { TlsConfigError } from '../errors.ts';
import { longestLifeMs } from './session.ts';

/** A key of tickets. Times are milliseconds since the epoch. */
export interface TicketKey {
  /** 16 random bytes, in the clear at the front of each ticket. */
  readonly name: Bytes;
  /** 32 random bytes, the ring's to wipe. */
  readonly secret: Bytes;
  /** It seals from here … */
  readonly sealsFrom: number;
  /** … until here, and not at this moment itself. */
  readonly sealsUntil: number;
  /** Tickets are opened until here. */
  readonly opensUntil: number;
}

/** Where ticket keys come from: `memoryKeyRing`, `fileKeyRing`, or one of your own. */
export interface TicketKeyRing {
  /**
   * The keys at `now` (milliseconds since the epoch): next, current and previous, in any order. Whoever seals takes the one
   * whose sealing window holds `now`; whoever opens, the one of the ticket's name that still opens. What it throws or
   * rejects with costs resumption, and no connection.
   */
  readonly keys: (now: number) => MaybePromise<readonly TicketKey[]>;
}

export interface Rotation {
  /** For how many milliseconds a key seals: from 1,000 to 604,800,000. Default: 43,200,000 (12 hours). */
  readonly rotateEvery?: number;
  /**
   * For how many milliseconds after that a key still opens, up to 604,800,000: at least the lifetime of a ticket, if none
   * is to be lost. Default: `rotateEvery`.
   */
  readonly opensFor?: number;
}

export interface MemoryKeyRingOptions extends Rotation {
  readonly provider: Cryptography;
}

/** A ring that can be told to forget. */
export interface OwnKeyRing extends TicketKeyRing {
  /** Wipes every key. Whoever asks for keys afterwards gets an error. */
  readonly dispose: () => void;
}

/** How many keys may open at once. */
const mostKeys = 100;
export const nameLength = 16;
export const secretLength = 32;

/** @throws TlsConfigError */
export function checkRotation({ rotateEvery = 43_200_000, opensFor = rotateEvery }: Rotation): Required<Rotation> {
  for (const [option, value, least] of [
    ['rotateEvery', rotateEvery, 1000],
    ['opensFor', opensFor, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least || value > longestLifeMs) {
      throw new TlsConfigError(
        option,
        `${value} is not a whole number of milliseconds from ${least} to ${longestLifeMs}`,
      );
    }
  }
  if (opensFor > mostKeys * rotateEvery) {
    throw new TlsConfigError(
      'opensFor',
      `${opensFor} is more than ${mostKeys} times rotateEvery: each rotation keeps a key`,
    );
  }
  return { rotateEvery, opensFor };
}

/**
 * The keys that a ring has at `now`: of `keys`, those that still open, with new ones for this rotation and the next where
 * they are missing. Rotations begin at whole multiples of their length since the epoch: so a ring needs no timer, a process
 * that slept leaves no hole, and all who share a ring agree which keys there must be. The clock may go back: keys of a
 * future that is not the next rotation are dropped, as they would never seal when they should.
 *
 * The same array, where nothing changes.
 */
export function keysAt(
  keys: readonly TicketKey[],
  now: number,
  provider: Cryptography,
  { rotateEvery, opensFor }: Required<Rotation>,
): readonly TicketKey[] {
  // Nobody's keys are dropped for a moment that is none.
  if (!Number.isFinite(now)) throw new RangeError(`${now} is no moment`);
  const current = Math.floor(now / rotateEvery) * rotateEvery;
  const next = current + rotateEvery;
  const kept = keys.filter(({ sealsFrom, opensUntil }) => opensUntil > now && sealsFrom <= next + rotateEvery);
  // By moments, not by rotations: keys made under another setting stay in use until their time is over.
  const missing = [current, next].filter((start) => {
    const moment = Math.max(start, now);
    return !kept.some(({ sealsFrom, sealsUntil }) => sealsFrom <= moment && moment < sealsUntil);
  });
  if (missing.length === 0 && kept.length === keys.length) return keys;
  const made = missing.map((sealsFrom): TicketKey => {
    const sealsUntil = sealsFrom + rotateEvery;
    const name = provider.random(nameLength);
    return { name, secret: provider.random(secretLength), sealsFrom, sealsUntil, opensUntil: sealsUntil + opensFor };
  });
  return [...kept, ...made];
}

/** The key that seals at `now`: of several, the youngest. */
export function sealingKey(keys: readonly TicketKey[], now: number): TicketKey | undefined {
  let found: TicketKey | undefined;
  for (const key of keys) {
    if (key.sealsFrom > now || key.sealsUntil <= now) continue;
    if (found === undefined || key.sealsFrom > found.sealsFrom) found = key;
  }
  return found;
}

/** Wipes the keys of `before` that are not in `after`. */
export function wipeDropped(before: readonly TicketKey[], after: readonly TicketKey[]): void {
  for (const key of before) {
    if (!after.includes(key)) wipe(key.secret);
  }
}

/**
 * A ring of this process: its tickets end with it.
 *
 * @throws TlsConfigError
 */
export function memoryKeyRing({ provider, ...rotation }: MemoryKeyRingOptions): OwnKeyRing {
  const settings = checkRotation(rotation);
  let keys: readonly TicketKey[] | undefined = [];
  return {
    keys(now) {
      if (keys === undefined) throw new Error('the ring of ticket keys is disposed of');
      const before = keys;
      keys = keysAt(before, now, provider, settings);
      if (keys !== before) wipeDropped(before, keys);
      return keys;
    },
    dispose() {
      wipeDropped(keys ?? [], []);
      keys = undefined;
    },
  };
}
