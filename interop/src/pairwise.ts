/**
 * All pairs: a small set of rows in which every value of every axis, and every pair of values of two axes, occurs at
 * least once as far as the constraint lets it. Greedy and deterministic; nothing here knows of TLS.
 *
 * @module
 */

/** The axes and their values, in the order in which a row is filled. */
export type Axes<A extends string> = Readonly<Record<A, readonly string[]>>;

export type Row<A extends string> = Readonly<Record<A, string>>;

/** Whether a complete row makes sense. */
export type Constraint<A extends string> = (row: Row<A>) => boolean;

interface Pair<A extends string> {
  readonly fixed: readonly (readonly [A, string])[];
  readonly key: string;
}

/** Candidates tried for each pair that is still missing; the one that covers most is taken. */
const candidates = 24;

/** Rows that cover every pair that any allowed row has. */
export function pairwise<A extends string>(axes: Axes<A>, allowed: Constraint<A> = () => true): readonly Row<A>[] {
  const names = Object.keys(axes) as A[];
  const open = new Map(allPairs(names, axes).map((pair) => [pair.key, pair]));
  const random = xorshift(0x9e3779b9);
  const rows: Row<A>[] = [];
  for (const pair of open.values()) {
    if (!open.has(pair.key)) continue;
    let best: { readonly row: Row<A>; readonly gain: number } | undefined;
    for (let tries = 0, found = 0; tries < candidates * 20 && found < candidates; tries++) {
      const row = fill(names, axes, pair, random);
      if (!allowed(row)) continue;
      found++;
      const gain = keysOf(names, row).filter((key) => open.has(key)).length;
      if (best === undefined || gain > best.gain) best = { row, gain };
    }
    const row = best?.row ?? search(names, axes, pair, allowed);
    if (row === undefined) {
      open.delete(pair.key);
      continue;
    }
    rows.push(row);
    for (const key of keysOf(names, row)) open.delete(key);
  }
  return rows;
}

/** Every allowed row. */
export function product<A extends string>(axes: Axes<A>, allowed: Constraint<A> = () => true): readonly Row<A>[] {
  return [...everyRow(Object.keys(axes) as A[], axes, new Map())].filter(allowed);
}

/** The pairs of a row, as strings. */
export function pairsOf<A extends string>(row: Row<A>): readonly string[] {
  return keysOf(Object.keys(row) as A[], row);
}

function allPairs<A extends string>(names: readonly A[], axes: Axes<A>): readonly Pair<A>[] {
  const pairs: Pair<A>[] = [];
  for (const [index, a] of names.entries()) {
    for (const b of names.slice(index + 1)) {
      for (const x of axes[a])
        for (const y of axes[b])
          pairs.push({
            fixed: [
              [a, x],
              [b, y],
            ],
            key: keyOf(a, x, b, y),
          });
    }
  }
  return pairs;
}

function keysOf<A extends string>(names: readonly A[], row: Row<A>): readonly string[] {
  return names.flatMap((a, index) => names.slice(index + 1).map((b) => keyOf(a, row[a], b, row[b])));
}

function keyOf(a: string, x: string, b: string, y: string): string {
  return `${a}=${x} ${b}=${y}`;
}

function fill<A extends string>(names: readonly A[], axes: Axes<A>, { fixed }: Pair<A>, random: () => number): Row<A> {
  const given = new Map(fixed);
  const values = names.map((name) => [name, given.get(name) ?? axes[name][random() % axes[name].length]] as const);
  return Object.fromEntries(values) as Row<A>;
}

/** The last resort, where the constraint leaves few rows: the first of them, or none. */
function search<A extends string>(
  names: readonly A[],
  axes: Axes<A>,
  { fixed }: Pair<A>,
  allowed: Constraint<A>,
): Row<A> | undefined {
  for (const row of everyRow(names, axes, new Map(fixed))) if (allowed(row)) return row;
  return undefined;
}

function* everyRow<A extends string>(
  names: readonly A[],
  axes: Axes<A>,
  given: ReadonlyMap<A, string>,
): Generator<Row<A>> {
  const [name, ...rest] = names;
  if (name === undefined) {
    yield {} as Row<A>;
    return;
  }
  const fixed = given.get(name);
  for (const value of fixed === undefined ? axes[name] : [fixed]) {
    for (const row of everyRow(rest, axes, given)) yield { [name]: value, ...row } as Row<A>;
  }
}

function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
