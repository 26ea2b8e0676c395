/**
 * The version of this package.
 *
 * @module
 */

import { readFileSync } from 'node:fs';

/** As package.json has it: that lies above `src` and above `dist` alike. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}
