/**
 * Files that are dropped on the page, wherever: they are opened in the room of files.
 *
 * @module
 */

import { openGiven } from './open.ts';

/** @returns what ends it */
export function takeDrops(): () => void {
  const over = (event: DragEvent): void => {
    if (event.dataTransfer?.types.includes('Files') !== true) return;
    // Without that the browser leaves the page, and opens the file itself.
    event.preventDefault();
    document.body.classList.add('dropping');
  };
  const leave = (event: DragEvent): void => {
    if (event.relatedTarget === null) document.body.classList.remove('dropping');
  };
  const drop = (event: DragEvent): void => {
    document.body.classList.remove('dropping');
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    location.hash = 'files';
    openGiven(files);
  };
  const listeners = { dragover: over, dragleave: leave, drop } as const;
  for (const [name, listener] of Object.entries(listeners)) addEventListener(name as 'drop', listener);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) removeEventListener(name as 'drop', listener);
  };
}
