/**
 * Two lists side by side: what stands in both, in the same order, as pairs (the longest common subsequence); what only one has,
 * alone. The table is as large as both lengths multiplied: whoever calls bounds them.
 *
 * @module
 */

export interface Pair<T> {
  readonly left?: T;
  readonly right?: T;
}

/** @param keyOf what makes an item the same as one of the other list */
export function align<T>(left: readonly T[], right: readonly T[], keyOf: (item: T) => string): readonly Pair<T>[] {
  const keys = { left: left.map(keyOf), right: right.map(keyOf) };
  const width = right.length + 1;
  /** How many pairs are to be had of what follows each place of both. */
  const best = new Uint32Array((left.length + 1) * width);
  const at = (l: number, r: number): number => best[l * width + r] ?? 0;
  for (let l = left.length - 1; l >= 0; l--) {
    for (let r = right.length - 1; r >= 0; r--) {
      best[l * width + r] =
        keys.left[l] === keys.right[r] ? at(l + 1, r + 1) + 1 : Math.max(at(l + 1, r), at(l, r + 1));
    }
  }
  const pairs: Pair<T>[] = [];
  let [l, r] = [0, 0];
  while (l < left.length || r < right.length) {
    const [one, other] = [left[l], right[r]];
    if (one !== undefined && other !== undefined && keys.left[l] === keys.right[r]) {
      pairs.push({ left: one, right: other });
      l++;
      r++;
    } else if (one !== undefined && (other === undefined || at(l + 1, r) >= at(l, r + 1))) {
      pairs.push({ left: one });
      l++;
    } else if (other !== undefined) {
      pairs.push({ right: other });
      r++;
    }
  }
  return pairs;
}
