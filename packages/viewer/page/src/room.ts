/**
 * Where in the page the reader is: said by the address, so that links and Back work.
 *
 * @module
 */

import { type Signal, signal } from '@preact/signals';

export type Room = 'lab' | 'live' | 'files';

export function roomOf(hash: string): Room {
  return hash === '#live' ? 'live' : hash === '#files' ? 'files' : 'lab';
}

export const room: Signal<Room> = signal(roomOf(location.hash));

/** The address has changed. */
export function enter(): void {
  room.value = roomOf(location.hash);
}
