/**
 * Differences in words, for the page, a screen reader and a terminal alike.
 *
 * @module
 */

import { isRecorded } from '../ladder/handshake.ts';
import type { ComparedMessage } from './compare.ts';
import type { FieldDifference } from './fields.ts';

/** `extensions › supported_groups: only in the first: x25519 (0x001D)` */
export function differenceText({ path, kind, left, right }: FieldDifference): string {
  const name = pathText(path);
  switch (kind) {
    case 'only':
      return `${name}: only in the ${left === undefined ? 'second' : 'first'}: ${left ?? right}`;
    case 'items': {
      const parts = [
        ...(left === undefined ? [] : [`only in the first: ${left}`]),
        ...(right === undefined ? [] : [`only in the second: ${right}`]),
      ];
      return `${name}: ${parts.join('; ')}`;
    }
    case 'order':
      return `${name}: the same in another order`;
    case 'value':
      return `${name}: ${left} in the first, ${right} in the second`;
  }
}

export function pathText(path: readonly string[]): string {
  return path.length === 0 ? 'the message' : path.join(' › ');
}

/** How the two sides of a row stand to each other, in a few words. */
export function rowText({ left, right, differences, otherwise }: ComparedMessage): string {
  if (left === undefined || right === undefined) return `only in the ${left === undefined ? 'second' : 'first'}`;
  const told = differences.filter(({ always }) => !always).length + otherwise.length;
  if (told > 0) return told === 1 ? '1 difference' : `${told} differences`;
  if (!isRecorded(left) || !isRecorded(right)) return 'as long; what it says was not recorded';
  return differences.length > 0 ? 'differs as always' : 'the same';
}

/** Names of what differs as always: `random, share`. */
export function freshText(differences: readonly FieldDifference[]): string {
  return [...new Set(differences.filter(({ always }) => always).map(({ path }) => path.at(-1) ?? ''))].join(', ');
}
