/**
 * The dashboard's page: a few files that were built (`packages/dashboard`), read once and answered from memory. Where they were never
 * built, a plain page says so, and the API is there all the same.
 *
 * @module
 */

import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Bytes } from '@handfast/crypto';

export interface PageFile {
  readonly type: string;
  readonly body: Bytes | string;
}

/** By path below `/admin/`; the page itself is `index.html`. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/** In a clone and in the package alike, from the sources and from what is built of them. */
const builtPage = new URL('../../dashboard/dist/', import.meta.url);

const types: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
]);

/** `undefined` where it was not built. */
export async function readAdminPage(folder: URL = builtPage): Promise<PageFiles | undefined> {
  let names: readonly string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const files = new Map<string, PageFile>();
  for (const name of names) {
    const type = types.get(extname(name));
    if (type === undefined) continue;
    const path = name.replaceAll('\\', '/');
    files.set(path, { type, body: new Uint8Array(await readFile(new URL(path, folder))) });
  }
  return files.has('index.html') ? files : undefined;
}

const unbuilt: PageFile = {
  type: 'text/html; charset=utf-8',
  body: `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The dashboard is not built yet</title>
<h1>The dashboard is not built yet</h1>
<p>It is built once, in the folder of the sources:</p>
<pre>npm run dashboard</pre>
<p>Then start <code>handfast ca serve</code> anew.</p>
</html>
`,
};

/** What stands at a path below `/admin/`. */
export function pageFile(files: PageFiles | undefined, path: string): PageFile | undefined {
  const name = path === '' ? 'index.html' : path;
  return files === undefined && name === 'index.html' ? unbuilt : files?.get(name);
}
