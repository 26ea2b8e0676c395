/**
 * The suite as one module for a runtime: the packages' sources, by esbuild.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The folder of this package. */
export const home: string = fileURLToPath(new URL('../', import.meta.url));

/** Bundles a folder's `<name>.ts` into `dist/<name>.js`, and answers its path. For others than Node, whatever needs `node:` fails to build. */
export async function bundle(name: string, folder = `${home}entries/`): Promise<string> {
  const own =
    name === 'node' ? { platform: 'node' as const } : { platform: 'neutral' as const, external: ['cloudflare:*'] };
  const outfile = `${home}dist/${name}.js`;
  await build({
    entryPoints: [`${folder}${name}.ts`],
    outfile,
    bundle: true,
    format: 'esm',
    ...own,
    target: 'es2024',
    conditions: ['@handfast/source'],
    logLevel: 'silent',
  });
  return outfile;
}
