/**
 * Files that are on the disk when the call returns.
 *
 * @module
 */

import { closeSync, fsyncSync, openSync, writeFileSync } from 'node:fs';

/** A new file that is on disk when this returns. */
export function writeNew(file: string, content: string | Uint8Array, mode: 0o600 | 0o644): void {
  const descriptor = openSync(file, 'wx', mode);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What was renamed stays so after a power failure. Windows has no such call. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
