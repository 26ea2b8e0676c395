/**
 * `npm run viewer`: builds the page into `packages/viewer/site`, for any static server, and sees that it stays small.
 * `-- --serve [PORT]` shows it on this machine.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, preview } from 'vite';

/** Bytes of all of it, compressed. */
const most = 250_000;

/** Where the page is, once it is built. */
export const site = fileURLToPath(new URL('../site/', import.meta.url));

const root = fileURLToPath(new URL('.', import.meta.url));

/** @returns {Promise<number>} bytes, compressed */
export async function buildViewer() {
  const built = await build({ root, logLevel: 'warn' });
  const outputs = Array.isArray(built) ? built.flatMap(({ output }) => output) : 'output' in built ? built.output : [];
  const size = outputs
    .map((output) => gzipSync(output.type === 'chunk' ? output.code : output.source).length)
    .reduce((sum, one) => sum + one, 0);
  if (size === 0 || size > most) throw new Error(`the viewer has ${size} bytes, compressed; ${most} is the most`);
  return size;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const size = await buildViewer();
  process.stdout.write(`The viewer is built: ${Math.round(size / 1000)} kB, compressed\n`);
  const [wish, port = '4173'] = process.argv.slice(2);
  if (wish === '--serve') {
    const { resolvedUrls } = await preview({ root, preview: { host: '127.0.0.1', port: Number(port) } });
    process.stdout.write(`It is at ${resolvedUrls?.local[0]}\n`);
  }
}
