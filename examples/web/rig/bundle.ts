/**
 * One script of an example and all that it imports: with the packages' sources here, as with what is installed elsewhere.
 *
 * @module
 */

import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const folder = fileURLToPath(new URL('../', import.meta.url));

/** `entry` is below this folder; `./….pem` in it is that file of `certificates`. */
export async function bundle(entry: string, platform: 'browser' | 'workerd', certificates: string): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: [join(folder, entry)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    // `workerd` is where `postgres` keeps the build that needs no sockets of Node's.
    conditions: ['@handfast/source', 'workerd'],
    ...(platform === 'browser'
      ? {
          // What `postgres` wants of Node, from npm. It takes streams for COPY alone, which nothing here does.
          alias: { 'node:buffer': 'buffer', 'node:events': 'events', 'node:stream': 'events' },
          external: ['cloudflare:*'],
        }
      : { external: ['cloudflare:*', 'node:*'] }),
    loader: { '.pem': 'text', '.key': 'text' },
    plugins: [
      {
        name: 'certificates',
        setup(esbuild) {
          esbuild.onResolve({ filter: /^\.\/[\w-]+\.(pem|key)$/ }, ({ path }) => ({
            path: join(certificates, basename(path)),
          }));
        },
      },
    ],
    logLevel: 'silent',
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error(`esbuild made nothing of ${entry}`);
  return file.text;
}
