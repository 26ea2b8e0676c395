/**
 * Chromium's own CPU profiles of the page while bulk data passes: for DevTools, and the functions that took most as text.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bulks, type Stage, transfer } from './rows.ts';

/** What of a profile is looked at here. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { functionName: string; lineNumber: number } }[];
  readonly samples?: readonly number[];
}

const mostLines = 30;

export async function profile(stage: Stage, folder: string, seconds: number, only: string | undefined): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const session = await stage.page.context().newCDPSession(stage.page);
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: 250 });
  for (const bulk of bulks) {
    if (only !== undefined && !bulk.name.includes(only)) continue;
    await transfer(stage, bulk, 'tls', seconds * 1000);
    await session.send('Profiler.start');
    const { rate } = await transfer(stage, bulk, 'tls', seconds * 1000);
    const { profile } = await session.send('Profiler.stop');
    const file = join(folder, `${bulk.name.replace(/\W+/g, '-')}.cpuprofile`);
    writeFileSync(file, JSON.stringify(profile));
    console.log(`\n${bulk.name}: ${Math.round(rate)} MiB/s; ${file}`);
    for (const line of most(profile)) console.log(`  ${line}`);
  }
}

/** The functions themselves, without what they call. */
function most({ nodes, samples = [] }: CpuProfile): readonly string[] {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, lineNumber } }) => [
      id,
      `${functionName || 'anonymous'}:${lineNumber + 1}`,
    ]),
  );
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const name = names.get(sample) ?? '?';
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, mostLines)
    .map(([name, count]) => `${((100 * count) / samples.length).toFixed(1).padStart(5)} %  ${name}`);
}
