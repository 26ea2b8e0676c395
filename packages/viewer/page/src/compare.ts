/**
 * Two handshakes side by side: one that the reader has kept, and the one that is looked at, whatever room it is of.
 *
 * @module
 */

import { type Comparison, compareHandshakes } from '@handfast/viewer';
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type Scene, scene, scenes, show } from './state.ts';

/** The first of the two. */
export const kept: Signal<Scene | undefined> = signal(undefined);
/** Whether they are shown side by side. */
export const comparing: Signal<boolean> = signal(false);

export interface Compared {
  readonly first: Scene;
  readonly second: Scene;
  readonly comparison: Comparison;
}

/** Undefined: there are no two of them, or nobody wants to see them. */
export const compared: ReadonlySignal<Compared | undefined> = computed(() => {
  const [first, second] = [kept.value, scene.value];
  if (!comparing.value || first === undefined || second === undefined || first === second) return undefined;
  return { first, second, comparison: compareHandshakes(first.handshake, second.handshake) };
});

export function keepThis(): void {
  kept.value = scene.value;
  comparing.value = false;
}

/** What is looked at from now on stands beside it. */
export function compare(): void {
  comparing.value = kept.value !== undefined;
}

/** The first connection of two, and the second. */
export function compareBoth(): void {
  kept.value = scenes.value[0];
  comparing.value = true;
  show(scenes.value.length - 1);
}

/** Back to one of them, and to where it began: a keyboard goes on from there. */
export function stopComparing(): void {
  comparing.value = false;
  requestAnimationFrame(() => document.querySelector<HTMLElement>('.bar button')?.focus());
}

export function forget(): void {
  kept.value = undefined;
  comparing.value = false;
}
