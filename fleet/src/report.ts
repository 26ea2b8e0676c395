/**
 * The table: what, how many, which share, and whether that is as it must be.
 *
 * @module
 */

export interface Row {
  readonly what: string;
  readonly count: number;
  /** Of how many. */
  readonly of?: number;
  readonly ok: boolean;
  /** What is said below the table where it is not. */
  readonly words?: readonly string[];
}

/** A row that is as it must be where `count` is at least this share of `of`. */
export function atLeast(share: number, what: string, count: number, of: number, words: readonly string[] = []): Row {
  return { what, count, of, ok: of > 0 && count >= share * of, words };
}

/** A row that is as it must be where `count` is just this. */
export function exactly(wanted: number, what: string, count: number, words: readonly string[] = []): Row {
  return { what, count, ok: count === wanted, words };
}

export function line({ what, count, of, ok }: Row): string {
  const share = of === undefined ? '' : of === 0 ? 'none' : `${((100 * count) / of).toFixed(1)} %`;
  const number = of === undefined ? grouped(count) : `${grouped(count)} of ${grouped(of)}`;
  return `${ok ? '✓' : '✗'}  ${what.padEnd(82)} ${number.padStart(16)} ${share.padStart(8)}\n`;
}

function grouped(number: number): string {
  return number.toLocaleString('en');
}
