/**
 * Connections at an even pace, some at a time, and what came of them.
 *
 * @module
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Kind } from './clients.ts';

export interface Tally {
  connections: number;
  resumed: number;
  /** Resumed at another server than the client met before. */
  elsewhere: number;
  /** Early data was accepted. */
  early: number;
  failed: number;
}

export interface Load {
  readonly connections: number;
  /** Milliseconds that they are spread over: as many as it takes, where that is too short. */
  readonly within: number;
  /** None begins after that time: they are fewer on a slow machine. */
  readonly cut?: boolean;
  readonly atOnce?: number;
}

const nothing: Readonly<Tally> = { connections: 0, resumed: 0, elsewhere: 0, early: 0, failed: 0 };
const counts = Object.keys(nothing) as (keyof Tally)[];

/** Sums by kind of client, and what failed in words, a few of them. */
export class Outcome {
  readonly #tallies = new Map<Kind, Tally>();
  readonly words: string[] = [];

  of(...kinds: readonly Kind[]): Tally {
    const sum: Tally = { ...nothing };
    for (const kind of kinds) {
      const tally = this.#tallies.get(kind);
      if (tally === undefined) continue;
      for (const name of counts) sum[name] += tally[name];
    }
    return sum;
  }

  get all(): Tally {
    return this.of(...this.#tallies.keys());
  }

  tell(words: string): void {
    if (this.words.length < 5) this.words.push(words);
  }

  add(kind: Kind, part: Partial<Tally>): void {
    const tally = this.#tallies.get(kind) ?? { ...nothing };
    for (const name of counts) tally[name] += part[name] ?? 0;
    this.#tallies.set(kind, tally);
  }
}

const metBefore = new WeakMap<Client, number>();

/** Each client in its turn, never twice at once. */
export async function run(clients: readonly Client[], port: number, load: Load): Promise<Outcome> {
  const { connections, within, cut = false, atOnce = 16 } = load;
  const outcome = new Outcome();
  const free = [...clients];
  const started = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < connections && !(cut && performance.now() - started > within)) {
      const due = started + (next++ * within) / connections - performance.now();
      if (due > 0) await delay(due);
      const client = free.shift();
      if (client === undefined) throw new Error('there are fewer clients than connections at once');
      await meet(client, port, outcome);
      free.push(client);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, clients.length) }, worker));
  return outcome;
}

async function meet(client: Client, port: number, outcome: Outcome): Promise<void> {
  try {
    const { resumed, early, server, why } = await client.meet(port);
    if (!resumed && why) outcome.tell(`${client.kind}, a full handshake: ${why}`);
    const elsewhere = resumed && metBefore.get(client) !== server;
    metBefore.set(client, server);
    const met = { resumed: Number(resumed), elsewhere: Number(elsewhere), early: Number(early) };
    outcome.add(client.kind, { connections: 1, ...met });
  } catch (error) {
    outcome.add(client.kind, { connections: 1, failed: 1 });
    outcome.tell(`${client.kind}: ${String(error)}`);
  }
}
