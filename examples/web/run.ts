/**
 * `npm run web-examples`: every example with the peers it needs, or those alone whose names have the words that are given.
 * With `--stay` and a page's name: what it needs stays up, for a browser of yours.
 *
 * @module
 */

import { scenarios } from './rig/scenarios.ts';
import { stay } from './rig/stay.ts';
import { openWorld } from './rig/world.ts';

const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const wanted = scenarios.filter(
  ({ example, name }) => words.length === 0 || words.some((word) => `${example}: ${name}`.includes(word)),
);

let passed = 0;
let failed = 0;
const world = await openWorld();
try {
  if (process.argv.includes('--stay')) await stay(world, words[0]);
  for (const { example, name, run } of wanted) {
    const started = performance.now();
    let trouble = '';
    try {
      await run(world);
      passed++;
    } catch (error) {
      failed++;
      trouble = `\n${error instanceof Error ? error.stack : String(error)}`;
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${trouble === '' ? '✓' : '✗'}  ${example.padEnd(20)}  ${seconds.padStart(4)} s  ${name}${trouble}`);
  }
} finally {
  await world.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
