/**
 * `npm run examples`: runs every example, each of which must end by itself with exit code 0.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, sourceFlags } from './run.mjs';
import { capture } from './tool.mjs';

const folder = join(root, 'examples');
const wanted = process.argv.slice(2);
const files = (existsSync(folder) ? readdirSync(folder) : [])
  .filter((name) => /\.m?ts$/.test(name) && !name.endsWith('.d.ts'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort();
let failed = 0;
for (const name of files) {
  const started = performance.now();
  const { code, output } = await capture(process.execPath, [...sourceFlags, join(folder, name)]);
  if (code !== 0) failed += 1;
  process.stdout.write(
    `${code === 0 ? '✓' : '✗'}  ${name.padEnd(40)}  ${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s\n`,
  );
  if (code !== 0) process.stdout.write(`${output.trim().replace(/^/gm, '    ')}\n`);
}
process.stdout.write(`${files.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || files.length === 0 ? 1 : 0;
