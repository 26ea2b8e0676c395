/**
 * Live connections: the line to `handfast view`, what comes over it, and which connection is looked at. Each message is put in its
 * place at once; what is on the screen changes once a frame at most.
 *
 * @module
 */

import {
  handshakeOf,
  type LiveConnection,
  type LiveConnections,
  type LiveEvent,
  liveConnections,
} from '@handfast/viewer';
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { handshake, lookAtFirst, present } from '../state.ts';
import { type Row, rowOf } from './row.ts';

/** `absent`: whoever serves this page is not `handfast view`. `broken`: it does not answer now, and is asked again. */
export type LineState = 'trying' | 'open' | 'broken' | 'absent' | 'ended';

export const line: Signal<LineState> = signal('trying');
export const filter: Signal<string> = signal('');
export const failuresOnly: Signal<boolean> = signal(false);
/** Whether the newest is looked at, whichever that is. */
export const following: Signal<boolean> = signal(true);
export const paused: Signal<boolean> = signal(false);
/** What is looked at. */
export const chosen: Signal<LiveConnection | undefined> = signal(undefined);
/** For who does not see the list: said now and then, not with each connection. */
export const spoken: Signal<string> = signal('');

const live: LiveConnections = liveConnections();

interface Told {
  /** Newest first. */
  readonly connections: readonly LiveConnection[];
  readonly lost: number;
  readonly forgotten: number;
}

/** As of the last frame. */
export const told: Signal<Told> = signal({ connections: [], lost: 0, forgotten: 0 });
/** What was there when the reader wanted the list to stand still. */
const held: Signal<readonly LiveConnection[]> = signal([]);

/** What the list shows, newest first. */
export const rows: ReadonlySignal<readonly Row[]> = computed(() => {
  const { connections } = told.value;
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = (row: Row): boolean =>
    (row.failed || !failuresOnly.value) && words.every((word) => row.searched.includes(word));
  return (paused.value ? held.value : connections).map(rowOf).filter(wanted);
});

export const failures: ReadonlySignal<number> = computed(
  () => told.value.connections.filter((connection) => rowOf(connection).failed).length,
);

/** How many have come since the list stands still. */
export const behind: ReadonlySignal<number> = computed(() => {
  if (!paused.value) return 0;
  const newest = held.value[0]?.number ?? 0;
  return told.value.connections.filter(({ number }) => number > newest).length;
});

let source: EventSource | undefined;

/** Asks whoever serves this page for what happens. A line that is open stays so in other rooms. */
function listen(): void {
  if (source !== undefined && source.readyState !== EventSource.CLOSED) return;
  const made = new EventSource('live');
  let opened = false;
  source = made;
  line.value = 'trying';
  made.onopen = () => {
    opened = true;
    line.value = 'open';
  };
  made.onerror = () => {
    if (made.readyState !== EventSource.CLOSED) line.value = 'broken';
    else line.value = opened ? 'ended' : 'absent';
  };
  made.onmessage = ({ data }: MessageEvent<string>) => {
    // Of this page's own origin, and checked there.
    live.take(JSON.parse(data) as LiveEvent);
    if (!awaited) requestAnimationFrame(publish);
    awaited = true;
  };
}

let awaited = false;

function publish(): void {
  awaited = false;
  told.value = { connections: live.connections(), lost: live.lost, forgotten: live.forgotten };
  refresh();
  if (!speaking) setTimeout(speak, betweenWords);
  speaking = true;
}

/** Milliseconds. Nobody can follow who is told more often. */
const betweenWords = 3000;
let speaking = false;

function speak(): void {
  speaking = false;
  spoken.value = `${told.value.connections.length} connections, ${failures.value} failed`;
}

/** The reader wants this one, and it stays until he wants another. */
export function choose(connection: LiveConnection): void {
  following.value = false;
  chosen.value = connection;
  refresh(true);
}

export function follow(on: boolean): void {
  following.value = on;
  refresh(true);
}

export function pause(on: boolean): void {
  held.value = told.value.connections;
  paused.value = on;
  refresh();
}

/** The list may show others now. */
export function narrow(by: { readonly text?: string; readonly failures?: boolean }): void {
  filter.value = by.text ?? filter.value;
  failuresOnly.value = by.failures ?? failuresOnly.value;
  refresh();
}

let here = false;

/** The reader comes into the room: nothing of another one is left on the table. */
export function arrive(): void {
  here = true;
  onTable = undefined;
  present([]);
  listen();
  refresh(true);
}

export function depart(): void {
  here = false;
  clearTimeout(timer);
}

/** What the reader sees below the list, and how much of it had been told. */
let onTable: { readonly connection: LiveConnection; readonly revision: number } | undefined;
let putAt = Number.NEGATIVE_INFINITY;
/** Since when there is something else to be put there. */
let newsSince: number | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Milliseconds from one to the next: where they come by the hundred nobody could read more, and the list must stay smooth. */
const betweenScenes = 250;
const betweenScenesOfMany = 1000;
/** So many new connections since the last are many. */
const many = 20;
/** One that is under way may soon be done, and is then put there once, and whole: it is waited for so long. */
const underWay = 250;

/** @param now whether the reader waits for it */
function refresh(now = false): void {
  if (!here) return;
  const { value: before } = chosen;
  chosen.value = following.value ? rows.value[0]?.connection : before && (live.follow(before) ?? before);
  const { value: connection } = chosen;
  clearTimeout(timer);
  if (connection === undefined) {
    if (onTable !== undefined) present([]);
    onTable = undefined;
  } else if (onTable?.connection !== connection || onTable.revision !== connection.revision) {
    const put = (): void => putOnTable(connection);
    // The list is on the screen before what is below it is made.
    if (now) put();
    else timer = setTimeout(put, Math.max(0, dueAt(connection) - performance.now()));
  }
}

function dueAt(connection: LiveConnection): number {
  newsSince ??= performance.now();
  const isMany = connection.number - (onTable?.connection.number ?? 0) > many;
  const due = putAt + (isMany ? betweenScenesOfMany : betweenScenes);
  return rowOf(connection).outcome === 'going' ? Math.max(due, newsSince + underWay) : due;
}

function putOnTable(connection: LiveConnection): void {
  putAt = performance.now();
  newsSince = undefined;
  const parts = connection.parts();
  const first = handshake.value === undefined;
  onTable = { connection, revision: connection.revision };
  present([{ title: rowOf(connection).who, handshake: handshakeOf(parts), parts }]);
  if (first) lookAtFirst();
}
