/**
 * Files of the reader's: opened by a worker, so that the page stays alive whatever is in them.
 *
 * @module
 */

import { checkSize, handshakeOf, OpenError, type Opened } from '@handfast/viewer';
import { type Signal, signal } from '@preact/signals';
import { room } from '../room.ts';
import { present, type Scene } from '../state.ts';
import { titleOf } from './title.ts';

export interface Refusal {
  readonly message: string;
  readonly hint?: string | undefined;
}

/** What the worker answers. */
export type Answer = { readonly opened: Opened; readonly refusal?: never } | { readonly refusal: Refusal };

export type Reading =
  | { readonly state: 'nothing' }
  | { readonly state: 'reading'; readonly names: readonly string[] }
  | { readonly state: 'refused'; readonly refusal: Refusal }
  | { readonly state: 'opened'; readonly names: readonly string[]; readonly opened: Opened };

export const reading: Signal<Reading> = signal({ state: 'nothing' });
/** Which of the opened connections is looked at. */
export const chosen: Signal<number | undefined> = signal(undefined);

let given: readonly File[] = [];
/** By their place in the list. */
const scenes = new Map<number, Scene>();
let worker: Worker | undefined;

/** Opens these, in place of what was open. */
export function openGiven(files: readonly File[]): void {
  if (files.length === 0) return;
  stop();
  given = files;
  const names = files.map(({ name }) => name);
  try {
    checkSize(files);
  } catch (error) {
    refuse(error instanceof OpenError ? error : { message: String(error) });
    return;
  }
  reading.value = { state: 'reading', names };
  const mine = new Worker(import.meta.url, { type: 'module' });
  worker = mine;
  mine.onmessage = ({ data }: MessageEvent<Answer>) => {
    if (worker !== mine) return;
    stop();
    if (data.refusal !== undefined) refuse(data.refusal);
    else {
      reading.value = { state: 'opened', names, opened: data.opened };
      if (data.opened.connections.length === 1) choose(0);
    }
  };
  // It says nothing more of why: its script is gone, where the page was replaced meanwhile, or its memory was too small.
  mine.onerror = () => {
    if (worker !== mine) return;
    stop();
    refuse({ message: 'the browser could not read it', hint: 'reload the page; give it less at a time' });
  };
  mine.postMessage(files);
}

/** The same files again, with these: a key log belongs to its capture. */
export function openMore(files: readonly File[]): void {
  openGiven([...given, ...files]);
}

export function cancel(): void {
  stop();
  reading.value = { state: 'nothing' };
}

/** Looks at one of the opened connections. */
export function choose(which: number): void {
  const current = reading.value;
  const connection = current.state === 'opened' ? current.opened.connections[which] : undefined;
  if (connection === undefined) return;
  const made: Scene = scenes.get(which) ?? {
    ...{ title: titleOf(connection, which), parts: connection, handshake: handshakeOf(connection) },
  };
  scenes.set(which, made);
  chosen.value = which;
  put([made]);
}

/** Back in this room: what was looked at in it. */
export function comeBack(): void {
  if (chosen.value === undefined) put([]);
  else choose(chosen.value);
}

function refuse(refusal: Refusal): void {
  reading.value = { state: 'refused', refusal };
}

function stop(): void {
  worker?.terminate();
  worker = undefined;
  scenes.clear();
  chosen.value = undefined;
  put([]);
}

/** A file may be read while the reader is in another room: what is shown there stays, and this waits for `comeBack`. */
function put(made: readonly Scene[]): void {
  if (room.value === 'files') present(made);
}
