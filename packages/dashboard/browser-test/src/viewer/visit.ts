/**
 * A visit to the viewer: the page with some settings, once it has something to show; and that it did nothing behind anybody's back.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import type { Browser, Page } from 'playwright-core';
import { type VisitorOptions, visitor } from '../browser.ts';

export interface Visit {
  readonly page: Page;
  /** Titles of the arrows, in their order. */
  arrows(): Promise<readonly string[]>;
  /** Chooses a certificate by its words. */
  choose(certificate: string): Promise<void>;
  shot(name: string): Promise<void>;
}

/** @param hash the settings, as the address has them */
export type Open = (hash: string, play: (visit: Visit) => Promise<void>, options?: VisitorOptions) => Promise<void>;

export function opener(browser: Browser, origin: string, file: (name: string) => string): Open {
  return async (hash, play, options) => {
    const { page, context, requested, violations, errors } = await visitor(browser, options);
    const said: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') said.push(message.text());
    });
    try {
      await page.goto(`${origin}#${hash}`);
      await page.locator(hash === 'files' ? '.files' : '.verdict').waitFor();
      await play({
        page,
        arrows: () =>
          page.locator('button.arrow').evaluateAll((all) => all.map((one) => one.getAttribute('data-title') ?? '')),
        choose: async (certificate) => {
          await page.getByRole('radio', { name: certificate, exact: true }).check();
        },
        shot: async (name) => void (await page.screenshot({ path: file(name) })),
      });
      assert.deepEqual(said, []);
      assert.deepEqual(errors, []);
      assert.deepEqual(violations, []);
      assert.deepEqual(
        requested.filter((url) => !url.startsWith(origin)),
        [],
      );
    } finally {
      await context.close();
    }
  };
}
