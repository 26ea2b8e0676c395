/**
 * The system's Chromium, as tests want it: no window, no sandbox (which root has not got), nothing of its own on the network.
 *
 * @module
 */

import { existsSync } from 'node:fs';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** @throws where there is none: `installer` is the script that gets it. */
export function chromiumPath(installer: string): string {
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`there is no Chromium here: ${installer} installs it`);
  return found;
}

/** QUIC is apart: who tests WebTransport leaves `noQuic` out. */
export const noQuic = '--disable-quic';

export const chromiumFlags: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
