/**
 * Chromium by playwright-core, Firefox by puppeteer-core over WebDriver BiDi: both those of the system, without a window. The suite
 * runs in the page, then in a dedicated worker.
 *
 * @module
 */

import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { launch } from 'puppeteer-core';
import { chromiumFlags, chromiumPath, noQuic } from '../../rig/chromium.ts';
import type { Report } from '../suite/index.ts';
import type { Outside } from '../suite/outside.ts';
import { type Place, type Runtime, timed } from './runtime.ts';
import { openSite } from './site.ts';

/** A page of a browser that has loaded the suite. */
interface Visit {
  readonly version: string;
  evaluate(where: 'page' | 'worker', outside: Outside, words: readonly string[]): Promise<Report>;
  close(): Promise<void>;
}

const installer = 'runtime-tests/install.sh';

/** Chromium, without a window. */
export function launchChromium(): Promise<Browser> {
  const args = [...chromiumFlags, noQuic];
  return chromium.launch({ executablePath: chromiumPath(installer), args, headless: true });
}

async function visitChromium(url: string): Promise<Visit> {
  const browser = await launchChromium();
  const page = await browser.newPage();
  await page.goto(url);
  return {
    version: browser.version(),
    evaluate: (where, outside, words) =>
      page.evaluate(([where, outside, words]) => globalThis.suite[where](outside, words), [
        where,
        outside,
        words,
      ] as const),
    close: () => browser.close(),
  };
}

async function visitFirefox(url: string): Promise<Visit> {
  const executablePath = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((place) => existsSync(place));
  if (executablePath === undefined) throw new Error(`there is no Firefox here: ${installer} installs it`);
  const browser = await launch({ browser: 'firefox', executablePath, headless: true, protocolTimeout: 170_000 });
  const page = await browser.newPage();
  await page.goto(url);
  return {
    version: (await browser.version()).replace(/^firefox\//i, ''),
    evaluate: (where, outside, words) =>
      page.evaluate((where, outside, words) => globalThis.suite[where](outside, words), where, outside, words),
    close: () => browser.close(),
  };
}

const browser = (name: string, title: string, visit: (url: string) => Promise<Visit>): Runtime => ({
  name,
  async run(words, { port, bridge, ca, otherCa }) {
    const outside = { port, bridge, ca, otherCa };
    const site = await openSite('browser');
    try {
      const visiting = await visit(site.url);
      try {
        const places: Place[] = [];
        for (const [where, title_] of [
          ['page', `${title}, page`],
          ['worker', `${title}, worker`],
        ] as const) {
          const { value, seconds } = await timed(() => visiting.evaluate(where, outside, words));
          places.push({ suite: 'common', name: title_, version: visiting.version, report: value, seconds });
        }
        return places;
      } finally {
        await visiting.close();
      }
    } finally {
      await site.close();
    }
  },
});

export const browserRuntimes: readonly Runtime[] = [
  browser('chromium', 'Chromium', visitChromium),
  browser('firefox', 'Firefox', visitFirefox),
];
