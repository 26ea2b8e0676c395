/**
 * The snippets of `docs/runtimes.md`: files of `snippets/`, which the suite runs.
 *
 * @module
 */

import { readdir, readFile } from 'node:fs/promises';
import { home } from './bundle.ts';

/** The snippets that a document does not show as they are. */
export async function staleSnippets(document: string): Promise<readonly string[]> {
  const folder = `${home}snippets/`;
  const names = (await readdir(folder)).filter((name) => !name.endsWith('.d.ts')).sort();
  const stale: string[] = [];
  for (const name of names) {
    const block = `\`\`\`ts\n${await readFile(`${folder}${name}`, 'utf8')}\`\`\``;
    if (!document.includes(block)) stale.push(name);
  }
  return stale;
}
