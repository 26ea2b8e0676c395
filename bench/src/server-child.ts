/**
 * A contender's server in a process of its own, which may be asked what it takes in memory. For `startChild`.
 *
 * @module
 */

import { serve } from './children.ts';
import { type ContenderName, contenderOf, listening } from './contenders.ts';
import type { Identity } from './identity.ts';
import type { Setting } from './settings.ts';

export interface Part {
  readonly name: ContenderName;
  readonly setting: Setting;
  readonly identity: Identity;
}

/** Of the process, in bytes: what is resident. Wants `--expose-gc`. */
export interface Memory {
  readonly connections: number;
  /** After ordinary collections: V8 still holds what it may need soon. */
  readonly collected: number;
  /** After collections that give back whatever can be given back. */
  readonly settled: number;
}

let connections = 0;

const services = {
  /** Answers the port. */
  listen: ({ name, setting, identity }: Part): Promise<number> =>
    listening(
      contenderOf(name, setting, identity).createServer((socket) => {
        connections++;
        socket.once('close', () => connections--);
        socket.on('error', () => undefined);
        socket.on('data', () => undefined);
      }),
    ),
  async memory(_: undefined): Promise<Memory> {
    const collected = await leastBytes('regular');
    const settled = await leastBytes('last-resort');
    return { connections, collected, settled };
  },
};

export type ServerServices = typeof services;

serve(services);

/** Collected until nothing more of it is freed. */
async function leastBytes(flavor: 'regular' | 'last-resort'): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let idle = 0; idle < 3; ) {
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor });
    // Pages go back to the system after a while.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = process.memoryUsage.rss();
    idle = now < least - 65_536 ? 0 : idle + 1;
    least = Math.min(least, now);
  }
  return least;
}
