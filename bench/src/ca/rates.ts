/**
 * The rows of orders a second: ours with its records on a disk, beside Pebble, which keeps them in memory and for as long as it runs.
 *
 * @module
 */

import { type Child, startChild } from '../children.ts';
import type { Contestant, Row } from '../rounds.ts';
import type { Done, LoadServices } from './load.ts';
import { cpuOf } from './processes.ts';
import {
  makeFolder,
  pebbleVersion,
  type RunningCa,
  type StoreKind,
  serveFolder,
  servePebble,
  storeNames,
} from './servers.ts';

export type Load = Child<LoadServices>;

/** One name for all: it is found without asking any name server. */
const name = 'localhost';

export function startLoad(): Load {
  return startChild<LoadServices>('ca/load.ts');
}

export interface Rates {
  readonly rows: readonly Row[];
  stop(): Promise<void>;
}

/**
 * @param lanes orders under way at a time, of each pair of rows
 * @param options.warmUpMs Node compiles what is used often: until then an order costs ours twice as much
 */
export async function rateRows(
  load: Load,
  kinds: readonly StoreKind[],
  lanes: readonly number[],
  { warmUpMs, profileFolder }: { readonly warmUpMs: number; readonly profileFolder: string | undefined },
): Promise<Rates> {
  const webPort = await load.ask('webPort', undefined);
  const flags = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const ours: (readonly [StoreKind, RunningCa])[] = [];
  for (const kind of kinds) ours.push([kind, await serveFolder(await makeFolder(kind), webPort, flags)]);
  const version = await pebbleVersion();
  const pebble = version === undefined ? undefined : await Pebble.start(webPort);
  if (warmUpMs > 0) {
    for (const [, { directory, root }] of ours) {
      await load.ask('run', { directory, root, lanes: 8, milliseconds: warmUpMs, name });
    }
  }
  const peer = (count: number): readonly Contestant[] => {
    if (pebble === undefined) return [];
    const peers = ordering(`Pebble ${version}`, load, () => pebble.running, count);
    return [againAfter(pebble, peers)];
  };
  const rows = lanes.flatMap((count) => {
    const atOnce = count === 1 ? 'one after another' : `${count} at a time`;
    return ours.map(
      ([kind, ca]): Row => ({
        name: `ACME orders, ${atOnce}, records in ${storeNames[kind]}`,
        unit: '/s',
        better: 'more',
        reach: 1,
        contestants: [ordering('handfast', load, () => ca, count), ...peer(count)],
      }),
    );
  });
  return {
    rows,
    async stop() {
      await Promise.all([...ours.map(([, ca]) => ca.stop()), pebble?.running.stop()]);
    },
  };
}

/** It answers no more now and then, where many ask at a time. */
class Pebble {
  running: RunningCa;
  readonly #webPort: number;

  constructor(running: RunningCa, webPort: number) {
    this.running = running;
    this.#webPort = webPort;
  }

  static async start(webPort: number): Promise<Pebble> {
    return new Pebble(await servePebble(webPort), webPort);
  }

  async startAnew(): Promise<void> {
    await this.running.stop();
    this.running = await servePebble(this.#webPort);
  }
}

/** The same, which makes a round once more, by a new Pebble, where the old one did not answer. */
function againAfter(pebble: Pebble, contestant: Contestant): Contestant {
  let failed = 0;
  return {
    name: contestant.name,
    async round(milliseconds) {
      try {
        return await contestant.round(milliseconds);
      } catch {
        failed++;
        await pebble.startAnew();
        return await contestant.round(milliseconds);
      }
    },
    get note() {
      return `${contestant.note}${failed === 0 ? '' : `; begun anew, when it did not answer: ${failed} ×`}`;
    },
  };
}

function ordering(who: string, load: Load, serving: () => RunningCa, lanes: number): Contestant {
  const sums = { orders: 0, requests: 0, server: 0, client: 0 };
  return {
    name: who,
    async round(milliseconds) {
      const { directory, root, pids } = serving();
      const before = cpuOf(pids);
      const done: Done = await load.ask('run', { directory, root, lanes, milliseconds, name });
      const orders = done.took.length;
      sums.orders += orders;
      sums.requests += done.requests;
      sums.client += done.cpuMs;
      sums.server += cpuOf(pids) - before;
      return (orders * 1000) / done.milliseconds;
    },
    get note() {
      const { orders, requests, server, client } = sums;
      const each = (sum: number): string => (sum / orders).toFixed(1);
      return `an order: ${each(requests)} requests, ${each(server)} ms of processor time, the client's ${each(client)}`;
    },
  };
}
