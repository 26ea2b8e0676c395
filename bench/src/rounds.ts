/**
 * Rounds that take turns: each contestant of a row works for one round, then the next one does, and the row begins anew
 * with another first, so that the machine's moods fall on all of them. Printed are medians, and the ratio of the first
 * contestant (ours) to each: its median, least and most over the rounds. Above 1: ours is the faster one.
 *
 * @module
 */

export interface Contestant {
  readonly name: string;
  /** One round of `milliseconds`, more or less: what it came to, in the row's unit. */
  readonly round: (milliseconds: number) => number | Promise<number>;
  /** What it does not do that the others do. */
  readonly note?: string;
}

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** Ours first. */
  readonly contestants: readonly Contestant[];
  /** The figure that ours should reach, of the row's unit. */
  readonly aim?: number;
}

export interface Timing {
  readonly rounds: number;
  readonly milliseconds: number;
}

/** Measures a row and prints it. */
export async function race(row: Row, { rounds, milliseconds }: Timing): Promise<void> {
  const { contestants } = row;
  const results: number[][] = contestants.map(() => []);
  for (const { round } of contestants) await round(milliseconds); // to warm up
  for (let turn = 0; turn < rounds; turn++) {
    for (let i = 0; i < contestants.length; i++) {
      const which = (turn + i) % contestants.length;
      results[which]?.push((await contestants[which]?.round(milliseconds)) ?? Number.NaN);
    }
  }
  print(row, results);
}

function print({ name, unit, better, contestants, aim }: Row, results: readonly (readonly number[])[]): void {
  console.log(`\n${name}${aim === undefined ? '' : `; the aim is ${aim} ${unit}`}`);
  const [ours = []] = results;
  for (const [which, { name: who, note }] of contestants.entries()) {
    const theirs = results[which] ?? [];
    const ratios = theirs.map((value, turn) => {
      const own = ours[turn] ?? Number.NaN;
      return better === 'more' ? own / value : value / own;
    });
    const ratio =
      which === 0
        ? `(${figure(Math.min(...theirs))} … ${figure(Math.max(...theirs))})`
        : `${median(ratios).toFixed(2)} ×  (${Math.min(...ratios).toFixed(2)} … ${Math.max(...ratios).toFixed(2)})`;
    const line = `  ${who.padEnd(36)}${`${figure(median(theirs))} ${unit}`.padStart(14)}   ${ratio.padEnd(28)}`;
    console.log(`${line}${note === undefined ? '' : `  ${note}`}`.trimEnd());
  }
}

/** Three digits, or all of them before the point. */
function figure(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}

export function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A contestant whose work is one call, over and over: microseconds a call. */
export function calls(name: string, work: () => unknown, note?: string): Contestant {
  const contestant = { name, round: (milliseconds: number) => callsFor(milliseconds, work) };
  return note === undefined ? contestant : { ...contestant, note };
}

async function callsFor(milliseconds: number, work: () => unknown): Promise<number> {
  const start = performance.now();
  let elapsed = 0;
  let count = 0;
  while (elapsed < milliseconds) {
    const result = work();
    if (result instanceof Promise) await result;
    count++;
    // The clock is asked seldom, where calls are short.
    if (count < 16 || count % 16 === 0) elapsed = performance.now() - start;
  }
  return (elapsed * 1000) / count;
}
