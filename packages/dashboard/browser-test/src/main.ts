/**
 * `npm run browser`: the dashboard in Chromium, or the scenarios alone whose names have the words that are given. Screenshots are kept in `dist/`; `--docs` renews the one in the documentation.
 *
 * @module
 */

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readAdminPage } from '@handfast/ca';
import { buildPage } from '../../build.mjs';
import { launch } from './browser.ts';
import { startCommandCa } from './command-ca.ts';
import { scenarios, type World } from './scenarios.ts';
import { openStage } from './stage.ts';

const shots = fileURLToPath(new URL('../dist/', import.meta.url));
const picture = fileURLToPath(new URL('../../../../docs/ca/dashboard.png', import.meta.url));

await buildPage();
const page = await readAdminPage();
mkdirSync(shots, { recursive: true });

const stage = await openStage({ page, seeded: true });
const empty = await openStage({ page, seeded: false });
const unbuilt = await openStage({ page: undefined, seeded: false });
const ca = await startCommandCa();
const browser = await launch();
const world: World = {
  ...{ stage, empty, unbuilt, ca, browser },
  shot: (name) => `${shots}${name}.png`,
  picture: process.argv.includes('--docs') ? picture : undefined,
};

let passed = 0;
let failed = 0;
try {
  const wanted = process.argv.slice(2).filter((one) => !one.startsWith('--'));
  for (const [name, play] of scenarios) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
    const started = performance.now();
    try {
      await play(world);
      passed++;
      console.log(`✓ ${name} (${Math.round(performance.now() - started)} ms)`);
    } catch (error) {
      failed++;
      console.log(`✗ ${name}\n${error instanceof Error ? error.stack : String(error)}`);
    }
  }
} finally {
  await browser.close();
  for (const one of [stage, empty, unbuilt, ca]) await one.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
