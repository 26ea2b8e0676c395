/**
 * The files of a built page, read once: nothing else of the disk is ever answered with.
 *
 * @module
 */

import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

const types: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.json', 'application/json'],
  ['.woff2', 'font/woff2'],
]);

interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

/** By path, without the slash in front: what was there at the start, and nothing else. */
export type Site = ReadonlyMap<string, PageFile>;

/** @returns undefined where the page was not built. */
export function readSite(folder: URL): Site | undefined {
  const files = new Map<string, PageFile>();
  try {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const type = types.get(extname(name));
      const path = name.replaceAll('\\', '/');
      if (type !== undefined) files.set(path, { type, body: readFileSync(new URL(path, folder)) });
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return files.has('index.html') ? files : undefined;
}
