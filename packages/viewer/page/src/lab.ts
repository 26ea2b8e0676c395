/**
 * The laboratory: the reader's settings, and the connections that are made by them.
 *
 * @module
 */

import { type Signal, signal } from '@preact/signals';
import { roomOf } from './room.ts';
import { run } from './stage/run.ts';
import { readSettings, type SettingName, type Settings, writeSettings } from './stage/settings.ts';
import { fault, lookAtFirst, present } from './state.ts';

export const settings: Signal<Settings> = signal(readSettings(location.hash));

let turn = 0;

/** Connects, and shows what came of it. */
export async function start(): Promise<void> {
  const mine = ++turn;
  try {
    const made = await run(settings.value);
    if (mine !== turn) return;
    fault.value = undefined;
    present(made);
    if (mine === 1) lookAtFirst();
  } catch (error) {
    if (mine === turn) fault.value = error instanceof Error ? error.message : String(error);
  }
}

/** The reader is in another room: what is on its way is not shown any more. */
export function leave(): void {
  turn++;
}

export function change<K extends SettingName>(name: K, value: Settings[K]): void {
  settings.value = { ...settings.value, [name]: value };
  history.replaceState(null, '', address());
  void start();
}

/** The reader has come by an address: a link, or Back. */
export function follow(): void {
  if (roomOf(location.hash) !== 'lab') return;
  settings.value = readSettings(location.hash);
  void start();
}

/** Of this room, with its settings. */
export function address(): string {
  const hash = writeSettings(settings.value);
  return hash === '' ? location.pathname : `#${hash}`;
}
