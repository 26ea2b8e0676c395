/**
 * Pages of Chromium that go away in the middle of a handshake: whoever is at the other end is not left hanging.
 *
 * @module
 */

import { fullWebProvider } from '@handfast/crypto/web/full';
import { accept, type ByteStreams, connect } from '@handfast/tls/web';
import type { BrowserContext, Page } from 'playwright-core';
import type {} from '../entries/tab.ts';
import { equal, failure, property } from '../suite/check.ts';
import { pki, serverCredential } from '../suite/identities.ts';
import type { Result } from '../suite/registry.ts';
import { launchChromium } from './browsers.ts';
import type { OutsideServer } from './outside.ts';
import { type Runtime, timed } from './runtime.ts';
import { openSite } from './site.ts';

/** Longer than anybody waits: an end by time would be another error. */
const handshakeTimeout = 120_000;

interface World {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly outside: OutsideServer;
}

const tests: Readonly<Record<string, (world: World) => Promise<void>>> = {
  async 'a tab that is a client goes away: its server ends'({ page, outside: { next, raw } }) {
    const arrival = next();
    await page.evaluate((url) => globalThis.tab.client(url), raw);
    const error = await halfway(await arrival, () => page.close());
    equal(property(error, 'code'), 'truncated', "the server's error");
  },

  async 'a tab that is a server goes away: its client ends'({ page, outside: { next, raw } }) {
    const arrival = next();
    const heard = page.evaluate((url) => globalThis.tab.server(url), raw);
    const { trust } = await pki();
    const ending = failure(connect(await arrival, { serverName: 'localhost', trust, handshakeTimeout }));
    await heard;
    await page.close();
    equal(property(await ending, 'code'), 'truncated', "the client's error");
  },

  // Chromium fires no `close` at a port whose other end was in a page that is gone.
  async 'a tab that is a client over a MessagePort goes away: the tab that is its server ends in time'({ page }) {
    const opening = page.waitForEvent('popup');
    await page.evaluate(() => globalThis.tab.openPeer());
    await (await opening).close();
    equal(await page.evaluate(() => globalThis.tab.ended()), 'handshake_timeout', "the server's error");
  },

  async 'a tab that is a server over a MessagePort goes away: the tab that is its client ends in time'({ page }) {
    const opening = page.waitForEvent('popup');
    await page.evaluate(() => globalThis.tab.openPeer());
    const client = await opening;
    await page.close();
    equal(await client.evaluate(() => globalThis.tab.ended()), 'handshake_timeout', "the client's error");
  },
};

/** A server that has heard a hello and says nothing; then this happens. Answers why it ended. */
async function halfway(streams: ByteStreams, then: () => Promise<void>): Promise<unknown> {
  const credentials = [await serverCredential(fullWebProvider)];
  const selectConfig = async () => {
    await then();
    return new Promise<never>(() => {});
  };
  return failure(accept(streams, { credentials, selectConfig, handshakeTimeout }));
}

export const tabs: Runtime = {
  name: 'tabs',
  async run(words, outside) {
    const site = await openSite('tab');
    const browser = await launchChromium();
    try {
      const wanted = Object.entries(tests).filter(
        ([name]) => words.length === 0 || words.some((word) => name.includes(word)),
      );
      const { value: results, seconds } = await timed(async () => {
        const done: Result[] = [];
        for (const [name, body] of wanted) {
          const context = await browser.newContext();
          const page = await context.newPage();
          page.setDefaultTimeout(20_000);
          await page.goto(site.url);
          done.push(await resultOf(name, () => body({ context, page, outside })));
          await context.close();
        }
        return done;
      });
      const report = { results, natively: {} };
      return [{ suite: 'tabs', name: 'Chromium, two tabs', version: browser.version(), report, seconds }];
    } finally {
      await browser.close();
      await site.close();
    }
  },
};

async function resultOf(name: string, body: () => Promise<void>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it was left hanging for 20 s')), 20_000);
  });
  try {
    const { seconds } = await timed(() => Promise.race([body(), late]));
    return { name, outcome: 'passed', ms: Math.round(seconds * 1000) };
  } catch (error) {
    return { name, outcome: 'failed', message: String(error), ms: 0 };
  } finally {
    clearTimeout(timer);
  }
}
