/**
 * What the page shows: the settings, what came of them, and what is looked at.
 *
 * @module
 */

import { type Arrow, arrowsOf, dissectArrow, type Field, type Handshake, is13 } from '@handfast/viewer';
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { run } from './stage/run.ts';
import { readSettings, type SettingName, type Settings, writeSettings } from './stage/settings.ts';

/** Bytes under the glass, and what they are. */
export interface Exhibit {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly field: Field;
  readonly lines: readonly string[];
  /** The arrow that it is of, where it is of one. */
  readonly arrow?: Arrow;
}

export const settings: Signal<Settings> = signal(readSettings(location.hash));
export const handshakes: Signal<readonly Handshake[]> = signal([]);
/** Which of them is looked at. */
export const index: Signal<number> = signal(0);
export const exhibit: Signal<Exhibit | undefined> = signal(undefined);
export const lit: Signal<Field | undefined> = signal(undefined);
/** What went wrong in this page itself. */
export const fault: Signal<string | undefined> = signal(undefined);
export const handshake: ReadonlySignal<Handshake | undefined> = computed(() => handshakes.value[index.value]);

let turn = 0;

export async function start(): Promise<void> {
  const mine = ++turn;
  try {
    const made = await run(settings.value);
    if (mine !== turn) return;
    fault.value = undefined;
    handshakes.value = made;
    show(made.length - 1);
    // Where there is room beside the ladder, something lies there from the beginning.
    const first = handshake.value && arrowsOf(handshake.value)[0];
    if (mine === 1 && first !== undefined && matchMedia('(min-width: 881px)').matches) look(first);
  } catch (error) {
    if (mine === turn) fault.value = error instanceof Error ? error.message : String(error);
  }
}

export function change<K extends SettingName>(name: K, value: Settings[K]): void {
  settings.value = { ...settings.value, [name]: value };
  const hash = writeSettings(settings.value);
  history.replaceState(null, '', hash === '' ? location.pathname : `#${hash}`);
  void start();
}

/** Somebody has put another address there: a link, or Back. */
export function follow(): void {
  settings.value = readSettings(location.hash);
  void start();
}

/** Looks at one of the connections; what is open stays open where it has the same. */
export function show(which: number): void {
  index.value = which;
  const before = exhibit.value?.title;
  const arrow = handshake.value && arrowsOf(handshake.value).find(({ title }) => title === before);
  lit.value = undefined;
  if (arrow === undefined) exhibit.value = undefined;
  else look(arrow);
}

export function look(arrow: Arrow): void {
  const shown = handshake.value;
  const field = dissectArrow(arrow, shown === undefined || is13(shown) ? 'TLS 1.3' : 'before TLS 1.3');
  lit.value = undefined;
  exhibit.value = { title: arrow.title, bytes: arrow.bytes, field, lines: linesOf(arrow), arrow };
}

function linesOf({ from, protection, unread, arrived }: Arrow): readonly string[] {
  return [
    `From the ${from}, ${protection === 'none' ? 'in the clear: everybody in between can read it' : `under its ${protection} key`}.`,
    ...(unread ? [`The ${from === 'client' ? 'server' : 'client'} never got to understand it.`] : []),
    ...(arrived ? ['It arrived changed: what is shown here is what was sent.'] : []),
  ];
}
