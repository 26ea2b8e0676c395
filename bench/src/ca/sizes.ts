/**
 * The rows of a store that grows: how long one order takes where there are very many already. The largest first: it is to be as quick
 * as the smallest.
 *
 * @module
 */

import type { Contestant, Row } from '../rounds.ts';
import type { Load } from './rates.ts';
import { seed } from './seed.ts';
import { type CaFolder, makeFolder, type RunningCa, type StoreKind, serveFolder, storeNames } from './servers.ts';

export interface Sizes {
  readonly rows: readonly Row[];
  /** With the largest store, when it is served no more. */
  readonly largest: ReadonlyMap<StoreKind, CaFolder>;
  stop(): Promise<void>;
}

/** @param orders of a round */
export async function sizeRows(
  load: Load,
  kinds: readonly StoreKind[],
  sizes: readonly number[],
  orders: number,
): Promise<Sizes> {
  const webPort = await load.ask('webPort', undefined);
  const rows: Row[] = [];
  const running: RunningCa[] = [];
  const largest = new Map<StoreKind, CaFolder>();
  for (const kind of kinds) {
    const contestants: Contestant[] = [];
    for (const size of sizes) {
      const folder = await makeFolder(kind);
      await seed(folder, size);
      if (size === Math.max(...sizes)) largest.set(kind, folder);
      const ca = await serveFolder(folder, webPort);
      running.push(ca);
      contestants.push(ordering(`${size.toLocaleString('en')} certificates`, load, ca, orders));
    }
    const name = `One ACME order after another, records in ${storeNames[kind]}: the median of how long one takes`;
    rows.push({
      name,
      unit: 'ms',
      better: 'less',
      ...(sizes.length > 1 && { reach: 0.9 }),
      coldStart: true,
      contestants,
    });
  }
  return {
    rows,
    largest,
    async stop() {
      await Promise.all(running.map((ca) => ca.stop()));
    },
  };
}

function ordering(name: string, load: Load, ca: RunningCa, orders: number): Contestant {
  const all: number[] = [];
  const bytes = { before: 0, after: 0 };
  return {
    name,
    async round() {
      if (bytes.before === 0) bytes.before = await ca.size();
      const { took } = await load.ask('run', { directory: ca.directory, root: ca.root, lanes: 1, orders });
      all.push(...took);
      bytes.after = await ca.size();
      return quantile(took, 0.5);
    },
    get note() {
      const each = (bytes.after - bytes.before) / all.length / 1024;
      const [p99, size] = [quantile(all, 0.99).toFixed(0), (bytes.before / 2 ** 20).toFixed(0)];
      return `99th percentile ${p99} ms of ${all.length} orders; ${size} MiB, and ${each.toFixed(1)} KiB for an order`;
    },
  };
}

function quantile(list: readonly number[], share: number): number {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}
