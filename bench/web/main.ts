/**
 * `npm run bench:web`: TLS in headless Chromium. The page's main thread is the client; the server is in a worker behind a MessagePort,
 * or in Node behind a WebSocket. Beside bulk data stand the transport alone, and WebCrypto alone with so many records under
 * way. Rounds take turns, and ratios are what to quote.
 *
 * `--quick` is a run of less than 30 seconds; `--only` a part of a row's name; `--rounds 7`; `--seconds 1` is a round's length. A run
 * of everything writes its table and figures into `bench/results/`, others do it with `--write`. `--profile FOLDER` leaves
 * Chromium's CPU profiles of the page there, one of each bulk row, and measures nothing.
 *
 * @module
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { launchChromium } from '../../runtime-tests/src/browsers.ts';
import { openOutside } from '../../runtime-tests/src/outside.ts';
import { openSite } from '../../runtime-tests/src/site.ts';
import { machine, type Part, writeResults } from '../src/results.ts';
import { type Result, race } from '../src/rounds.ts';
import { profile } from './profile.ts';
import { bulkRows, handshakeRows } from './rows.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
    write: { type: 'boolean', default: false },
    profile: { type: 'string' },
    name: { type: 'string', default: 'web-chromium' },
  },
});
const { quick, only } = values;
const rounds = Number(values.rounds ?? (quick ? 1 : 7));
const seconds = Number(values.seconds ?? (quick ? 0.3 : 1));

const outside = await openOutside();
const site = await openSite('page', fileURLToPath(new URL('./', import.meta.url)));
const browser = await launchChromium();
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(error));
  await page.goto(site.url);
  const stage = { page, outside, browser: await browser.newBrowserCDPSession() };
  const title = `Chromium ${browser.version()}`;
  if (values.profile !== undefined) await profile(stage, values.profile, seconds, only);
  else {
    for (const line of machine()) console.log(line);
    console.log(`${title}. ${rounds} rounds of ${seconds} s each, in turns.`);
    console.log('Medians; × is how much better ours is (least … most).');
    const parts: Part[] = [];
    for (const [part, rows] of [
      ['Handshakes over a MessagePort, the client in a page, the server in a worker', handshakeRows(stage)],
      ['Bulk data, AES-128-GCM', bulkRows(stage, quick)],
    ] as const) {
      const results: Result[] = [];
      for (const together of rows) {
        if (only !== undefined && !together.some(({ name }) => name.includes(only))) continue;
        for (const row of together) results.push(await race(row, { rounds, milliseconds: seconds * 1000 }));
      }
      if (results.length > 0) parts.push({ title: `${title}: ${part}`, results });
    }
    if ((only === undefined && !quick) || values.write) {
      console.log('');
      for (const file of writeResults(values.name, { rounds, seconds }, parts, 'bench:web'))
        console.log(`wrote ${file}`);
    }
  }
} finally {
  await browser.close();
  await site.close();
  await outside.close();
}
process.exit();
