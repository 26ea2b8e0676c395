/**
 * The row of lists: a complete one of very many revoked certificates, from the first row that is read to its record on the disk.
 *
 * @module
 */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { OpenCa } from '../../../packages/cli/src/ca/open.ts';
import type { Contestant, Row } from '../rounds.ts';
import { openCa, revokeAll, seed } from './seed.ts';
import { type CaFolder, makeFolder, type StoreKind, storeNames } from './servers.ts';

/** @param seeded CAs that have so many certificates already */
export async function listRow(
  kinds: readonly StoreKind[],
  count: number,
  seeded: ReadonlyMap<StoreKind, CaFolder>,
): Promise<Row> {
  const contestants: Contestant[] = [];
  for (const kind of kinds) {
    const folder = seeded.get(kind) ?? (await makeFolder(kind));
    if (!seeded.has(kind)) await seed(folder, count);
    const ca = await openCa(folder);
    await revokeAll(ca);
    contestants.push(making(`handfast, ${storeNames[kind]}`, ca));
  }
  return {
    name: `A list of ${count.toLocaleString('en')} revoked certificates`,
    unit: 'ms',
    better: 'less',
    contestants,
  };
}

function making(name: string, ca: OpenCa): Contestant {
  const { authority, database } = ca;
  let length = 0;
  let waitedMs = 0;
  return {
    name,
    async round() {
      // As another revocation has it.
      await database.run('UPDATE issuers SET revocations = revocations + 1 WHERE id = $1', [authority.issuerId]);
      // A new one each time: what is between two rounds is no wait.
      const lag = monitorEventLoopDelay({ resolution: 1 });
      lag.enable();
      const start = performance.now();
      length = (await authority.crl(authority.issuerId)).length;
      const took = performance.now() - start;
      await new Promise((resolve) => setTimeout(resolve, 5));
      lag.disable();
      waitedMs = Math.max(waitedMs, lag.max / 1e6);
      return took;
    },
    get note() {
      return `${(length / 2 ** 20).toFixed(1)} MiB; others waited for ${waitedMs.toFixed(0)} ms at most meanwhile`;
    },
    finish: () => ca.close(),
  };
}
