/**
 * What is looked at: a handshake of one of the rooms, and what of it lies under the glass.
 *
 * @module
 */

import {
  type Arrow,
  arrowsOf,
  dissectArrow,
  type Field,
  type Handshake,
  type HandshakeParts,
  is13,
  isRecorded,
  isSealed,
} from '@handfast/viewer';
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';

/** A handshake, and the recordings that it was made from: those are what is kept and sent. */
export interface Scene {
  /** For a person who has several: `First connection`. */
  readonly title: string;
  readonly handshake: Handshake;
  readonly parts: HandshakeParts;
}

/** Bytes under the glass, and what they are. */
export interface Exhibit {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly field: Field;
  readonly lines: readonly string[];
  /** The arrow that it is of, where it is of one, and which that is of all. */
  readonly arrow?: Arrow;
  readonly place?: number;
}

export const scenes: Signal<readonly Scene[]> = signal([]);
/** Which of them is looked at. */
export const index: Signal<number> = signal(0);
export const exhibit: Signal<Exhibit | undefined> = signal(undefined);
export const lit: Signal<Field | undefined> = signal(undefined);
/** What went wrong in this page itself. */
export const fault: Signal<string | undefined> = signal(undefined);
export const scene: ReadonlySignal<Scene | undefined> = computed(() => scenes.value[index.value]);
export const handshake: ReadonlySignal<Handshake | undefined> = computed(() => scene.value?.handshake);

/** Shows these, the last of them first. */
export function present(made: readonly Scene[]): void {
  scenes.value = made;
  show(made.length - 1);
}

/** Looks at one of them; what is open stays open where it has the same. */
export function show(which: number): void {
  index.value = which;
  const before = exhibit.value;
  const all = handshake.value === undefined ? [] : arrowsOf(handshake.value);
  const there = all[before?.place ?? -1];
  const arrow = there?.title === before?.title ? there : all.find(({ title }) => title === before?.title);
  if (arrow !== undefined && before !== undefined && sameBytes(arrow.bytes, before.bytes)) {
    exhibit.value = { ...before, arrow, place: all.indexOf(arrow), lines: linesOf(arrow) };
    return;
  }
  lit.value = undefined;
  if (arrow === undefined) exhibit.value = undefined;
  else look(arrow);
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

/** Where there is room beside the ladder, something lies there from the beginning. */
export function lookAtFirst(): void {
  const first = handshake.value && arrowsOf(handshake.value)[0];
  if (first !== undefined && matchMedia('(min-width: 881px)').matches) look(first);
}

export function look(arrow: Arrow): void {
  const shown = handshake.value;
  const field = dissectArrow(arrow, shown === undefined || is13(shown) ? 'TLS 1.3' : 'before TLS 1.3');
  lit.value = undefined;
  const place = shown === undefined ? -1 : arrowsOf(shown).indexOf(arrow);
  exhibit.value = { title: arrow.title, bytes: arrow.bytes, field, lines: linesOf(arrow), arrow, place };
}

function linesOf(arrow: Arrow): readonly string[] {
  const { from, protection, unread, arrived } = arrow;
  const inTheClear = isSealed(arrow)
    ? 'encrypted: nobody here has the key'
    : 'in the clear: everybody in between can read it';
  return [
    `From the ${from}, ${protection === 'none' ? inTheClear : `under its ${protection} key`}.`,
    ...(unread ? [`The ${from === 'client' ? 'server' : 'client'} never got to understand it.`] : []),
    ...(isRecorded(arrow) ? [] : ['Its bytes were not recorded.']),
    ...(arrived ? ['It arrived changed: what is shown here is what was sent.'] : []),
  ];
}
