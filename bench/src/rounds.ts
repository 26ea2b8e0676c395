/**
 * Rounds that take turns: each contestant of a row works for one round, then the next one does, and the row begins anew
 * with another first, so that the machine's moods fall on all of them. Printed are medians, and the ratio of the first
 * contestant (ours) to each: its median, least and most over the rounds. Above 1: ours is the faster one.
 *
 * A contestant that fails, by whatever it throws or by doing nothing for too long, is out of its row, with a note that
 * says why; the run goes on.
 *
 * @module
 */

export interface Contestant {
  readonly name: string;
  /** One round of `milliseconds`, more or less: what it came to, in the row's unit. */
  readonly round: (milliseconds: number) => number | Promise<number>;
  /** What it does not do that the others do, or what has to be known of it. */
  readonly note?: string;
  /** After the row's last round: ends what was kept from one to the next. */
  readonly finish?: () => unknown;
}

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** Ours first; the second is whom `reach` is against. */
  readonly contestants: readonly Contestant[];
  /** The figure that ours should reach, of the row's unit. */
  readonly aim?: number;
  /** The ratio to the second contestant that ours should reach: 1.5 is one and a half times as fast, or small. */
  readonly reach?: number;
  /** Rounds that a first one would not make any faster need none before they count. */
  readonly coldStart?: true;
}

export interface Timing {
  readonly rounds: number;
  readonly milliseconds: number;
}

/** What a row came to. */
export interface Result {
  readonly row: Row;
  readonly standings: readonly Standing[];
  /** Of `aim` and `reach`; absent where there is none, or no figure. */
  readonly reached?: boolean;
}

/** What a contestant came to. */
export interface Standing {
  readonly name: string;
  readonly note?: string;
  /** What ended its part. */
  readonly failure?: string;
  /** One of each round, in the row's unit. NaN: none. */
  readonly values: readonly number[];
  /** How much better ours was, in each round. */
  readonly ratios: readonly number[];
}

/** What a contestant may take beyond its rounds' length: a round with many handshakes in it begins late. */
const patienceMs = 60_000;

/** Measures a row and prints it. */
export async function race(row: Row, { rounds, milliseconds }: Timing): Promise<Result> {
  const { contestants } = row;
  const results: number[][] = contestants.map(() => []);
  const failures = new Map<number, string>();
  const play = async (which: number): Promise<number> => {
    const contestant = contestants[which];
    if (contestant === undefined || failures.has(which)) return Number.NaN;
    try {
      return await watched(() => contestant.round(milliseconds), milliseconds * 20 + patienceMs);
    } catch (error) {
      failures.set(which, reason(error));
      return Number.NaN;
    }
  };
  if (row.coldStart === undefined) for (const which of contestants.keys()) await play(which);
  for (let turn = 0; turn < rounds; turn++) {
    for (let i = 0; i < contestants.length; i++) {
      const which = (turn + i) % contestants.length;
      results[which]?.push(await play(which));
    }
  }
  for (const { finish } of contestants) await finish?.();
  const result = resultOf(row, results, failures);
  print(result);
  return result;
}

/** An error that nobody catches, of an event's listener, is the contestant's too. */
async function watched<T>(work: () => T | Promise<T>, mostMs: number): Promise<T> {
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const timer = setTimeout(() => fail(new Error(`nothing for ${Math.round(mostMs / 1000)} s`)), mostMs);
  process.on('uncaughtException', fail);
  try {
    return await Promise.race([work(), failed]);
  } finally {
    clearTimeout(timer);
    process.off('uncaughtException', fail);
  }
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n')[0] ?? '').slice(0, 160);
}

function resultOf(row: Row, results: readonly (readonly number[])[], failures: ReadonlyMap<number, string>): Result {
  const [ours = []] = results;
  const standings = row.contestants.map(({ name, note }, which): Standing => {
    const values = results[which] ?? [];
    const failure = failures.get(which);
    const ratios = values.map((value, turn) => {
      const own = ours[turn] ?? Number.NaN;
      return row.better === 'more' ? own / value : value / own;
    });
    return { name, values, ratios, ...(note !== undefined && { note }), ...(failure !== undefined && { failure }) };
  });
  const reached = isReached(row, standings);
  return { row, standings, ...(reached !== undefined && { reached }) };
}

function isReached({ aim, reach, better }: Row, [ours, peer]: readonly Standing[]): boolean | undefined {
  const figure = median(ours?.values ?? []);
  const ratio = median(peer?.ratios ?? []);
  const verdicts = [
    ...(aim === undefined || Number.isNaN(figure) ? [] : [better === 'more' ? figure >= aim : figure <= aim]),
    ...(reach === undefined || Number.isNaN(ratio) ? [] : [ratio >= reach]),
  ];
  return verdicts.length === 0 ? undefined : verdicts.every(Boolean);
}

/** What ours should reach, in words; empty where nothing is said. */
export function goal({ aim, reach, unit, contestants: [, peer] }: Row): string {
  return [
    ...(aim === undefined ? [] : [`${aim} ${unit}`]),
    ...(reach === undefined ? [] : [`${reach} × ${peer?.name ?? ''}`.trim()]),
  ].join(', ');
}

function print({ row, standings, reached }: Result): void {
  const { name, unit } = row;
  const aim = goal(row);
  const verdict = reached === undefined ? '' : reached ? ': reached' : ': not reached';
  console.log(`\n${name}${aim === '' ? '' : `; the aim is ${aim}${verdict}`}`);
  for (const [which, { name: who, note, failure, values, ratios }] of standings.entries()) {
    const remark = [failure, note].filter((text) => text !== undefined).join('; ');
    const known = values.filter((value) => !Number.isNaN(value));
    if (known.length === 0) {
      console.log(`  ${who.padEnd(36)}${'—'.padStart(14)}   ${' '.repeat(28)}  ${remark}`.trimEnd());
      continue;
    }
    const ratio = which === 0 ? `(${span(values, figure)})` : ratioText(ratios);
    const line = `  ${who.padEnd(36)}${`${figure(median(values))} ${unit}`.padStart(14)}   ${ratio.padEnd(28)}`;
    console.log(`${line}${remark === '' ? '' : `  ${remark}`}`.trimEnd());
  }
}

/** A ratio's median, least and most. */
export function ratioText(ratios: readonly number[]): string {
  const ratio = median(ratios);
  return Number.isNaN(ratio) ? '' : `${hundredths(ratio)} ×  (${span(ratios, hundredths)})`;
}

/** Least and most. */
export function span(list: readonly number[], text: (value: number) => string): string {
  const known = list.filter((value) => !Number.isNaN(value));
  return `${text(Math.min(...known))} … ${text(Math.max(...known))}`;
}

const hundredths = (value: number): string => value.toFixed(2);

/** Three digits, or all of them before the point. */
export function figure(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
}

/** Of those that are numbers; NaN where none is. */
export function median(list: readonly number[]): number {
  const sorted = list.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
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
