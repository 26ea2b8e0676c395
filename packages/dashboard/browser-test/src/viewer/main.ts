/**
 * `npm run viewer-test`: the viewer's page in Chromium, from a static server, or the scenarios alone whose names have the words that are
 * given. Screenshots are kept in `dist/`; `--docs` renews the one in the documentation.
 *
 * @module
 */

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildViewer, site } from '../../../../viewer/page/build.mjs';
import { launch } from '../browser.ts';
import { compareScenarios } from './compare.ts';
import { keepScenarios } from './keep.ts';
import { liveScenarios } from './live.ts';
import { liveOpener } from './live-stage.ts';
import { openScenarios } from './open.ts';
import { type Open, scenarios } from './scenarios.ts';
import { serve } from './serve.ts';
import { opener } from './visit.ts';

const shots = fileURLToPath(new URL('../../dist/', import.meta.url));
const picture = fileURLToPath(new URL('../../../../../docs/viewer.png', import.meta.url));

const size = await buildViewer();
mkdirSync(shots, { recursive: true });
const served = await serve(site);
const browser = await launch();
const shot = (name: string): string => `${shots}viewer-${name}.png`;
const open: Open = opener(browser, served.origin, shot);
const live = liveScenarios(liveOpener(browser, served.origin, shot));

/** So many at a time: much of a visit is waiting. */
const together = 2;
const wanted = process.argv.slice(2).filter((one) => !one.startsWith('--'));
const waiting = [...scenarios, ...compareScenarios, ...keepScenarios, ...openScenarios, ...live].filter(
  ([name]) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);

let passed = 0;
let failed = 0;
async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, play] = next;
    const started = performance.now();
    try {
      await play(open);
      passed++;
      console.log(`✓ ${name} (${Math.round(performance.now() - started)} ms)`);
    } catch (error) {
      failed++;
      console.log(`✗ ${name}\n${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}

try {
  await Promise.all(Array.from({ length: together }, work));
  if (process.argv.includes('--docs')) {
    await open('certificate=expired', async ({ page }) => void (await page.screenshot({ path: picture })), {
      height: 1300,
    });
  }
} finally {
  await browser.close();
  await served.close();
}
console.log(`The page has ${Math.round(size / 1000)} kB, compressed`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
