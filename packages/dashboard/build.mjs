/**
 * `npm run dashboard`: builds the page into `packages/ca/dashboard/dist`, from where `handfast ca serve` answers it, and sees that it
 * stays small.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

/** Bytes of all of it, compressed. */
const most = 100_000;

/** @returns {Promise<number>} bytes, compressed */
export async function buildPage() {
  const root = fileURLToPath(new URL('.', import.meta.url));
  const built = await build({ root, logLevel: 'warn' });
  const outputs = Array.isArray(built) ? built.flatMap(({ output }) => output) : 'output' in built ? built.output : [];
  const size = outputs
    .map((output) => gzipSync(output.type === 'chunk' ? output.code : output.source).length)
    .reduce((sum, one) => sum + one, 0);
  if (size === 0 || size > most) throw new Error(`the page has ${size} bytes, compressed; ${most} is the most`);
  return size;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const size = await buildPage();
  process.stdout.write(`The dashboard is built: ${Math.round(size / 1000)} kB, compressed\n`);
}
