/**
 * Whose eyes a reader borrows: both sides', who have the keys, or those of somebody in between; and whether what lies under the glass
 * is shown in plain, or as the wire carried it.
 *
 * @module
 */

import { dissectRecords, type Glimpse, glimpsesOf, type Handshake, wireBytes } from '@handfast/viewer';
import { type Signal, signal } from '@preact/signals';
import { type Exhibit, exhibit, handshake, lit } from './state.ts';

/** Whether the ladder shows what somebody in between sees. */
export const isBetween: Signal<boolean> = signal(false);

/** Whether a message is shown in the records that carried it. */
export const isOnWire: Signal<boolean> = signal(false);

export function lookFromBetween(between: boolean): void {
  isBetween.value = between;
  exhibit.value = undefined;
  lit.value = undefined;
}

export function showOnWire(onWire: boolean): void {
  isOnWire.value = onWire;
  lit.value = undefined;
}

/** Whether somebody has written down what passed between. */
export function hasRecords({ records }: Handshake): boolean {
  return records.length > 0;
}

/** The same message as the wire carried it; undefined where that is not known. */
export function onWire({ title, arrow, lines }: Exhibit): Exhibit | undefined {
  if (arrow === undefined || arrow.records.length === 0) return undefined;
  const { records } = arrow;
  const others = new Set(records.flatMap(({ pieces }) => pieces.map((piece) => piece.title)));
  others.delete(title);
  return {
    ...{ title, arrow, bytes: wireBytes(records), field: dissectRecords(records) },
    lines: [
      ...lines,
      ...(records.length > 1 ? [`It is spread over ${records.length} records.`] : []),
      ...(others.size > 0 ? [`Here also: ${[...others].join(', ')}.`] : []),
    ],
  };
}

/** Puts a record under the glass, for somebody without keys. */
export function lookAtRecord({ record, title, readable, type }: Glimpse): void {
  lit.value = undefined;
  exhibit.value = {
    ...{ title, bytes: record.bytes, field: dissectRecords([record], false) },
    lines: [
      readable
        ? `From the ${record.from}, in the clear: everybody in between can read it.`
        : `From the ${record.from}. Its header says ${type} and how long it is. The rest looks like noise.`,
    ],
  };
}

export function glimpses(): readonly Glimpse[] {
  return handshake.value === undefined ? [] : glimpsesOf(handshake.value);
}
