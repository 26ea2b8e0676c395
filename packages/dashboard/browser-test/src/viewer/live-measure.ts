/**
 * How long it takes until a reader sees what happened, and how smoothly. It is printed, and asserted nowhere: other machines are slower.
 *
 * @module
 */

import type { Page } from 'playwright-core';

interface Watched {
  /** @param ends when each handshake was over, in milliseconds since 1970; prints how long after that its row was on the screen. */
  tell(ends: readonly number[]): Promise<void>;
}

/** Notes when rows that say `✓` come into the page: in the frame after, they are on the screen. */
export async function watchRows(page: Page): Promise<Watched> {
  await page.evaluate(() => {
    const seen: number[] = [];
    const known = new Set([...document.querySelectorAll('.live-row')].map(({ id }) => id));
    const look = (): void => {
      for (const row of document.querySelectorAll('.live-row.good')) {
        if (known.has(row.id)) continue;
        known.add(row.id);
        requestAnimationFrame(() => seen.push(performance.timeOrigin + performance.now()));
      }
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    Object.assign(globalThis, { seenRows: seen });
  });
  return {
    async tell(ends) {
      const rows = await page.waitForFunction((count) => {
        const { seenRows } = globalThis as unknown as { readonly seenRows: readonly number[] };
        return seenRows.length >= count && seenRows;
      }, ends.length);
      const seen = (await rows.jsonValue()) || [];
      const took = [...seen].sort((a, b) => a - b).map((at, nth) => at - ([...ends].sort((a, b) => a - b)[nth] ?? at));
      console.log(
        `  a handshake’s end to its row on the screen: ${took.map((ms) => `${Math.round(ms)} ms`).join(', ')}`,
      );
    },
  };
}

interface Frames {
  /** Prints how long frames took since, and how many tasks were longer than 50 ms. */
  tell(): Promise<void>;
}

export async function measureFrames(page: Page): Promise<Frames> {
  await page.evaluate(() => {
    const frames: number[] = [];
    const tasks: number[] = [];
    let last = performance.now();
    const frame = (now: number): void => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((found) => {
      for (const { duration } of found.getEntries()) tasks.push(duration);
    }).observe({ type: 'longtask' });
    Object.assign(globalThis, { measured: { frames, tasks } });
  });
  return {
    async tell() {
      const { frames, tasks } = await page.evaluate(
        () => (globalThis as unknown as { measured: { readonly frames: number[]; readonly tasks: number[] } }).measured,
      );
      const sorted = [...frames].sort((a, b) => a - b);
      const at = (share: number): string => `${(sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1)} ms`;
      const longest = Math.round(Math.max(0, ...tasks));
      console.log(
        `  while they came: ${frames.length} frames, half within ${at(0.5)}, 99 of 100 within ${at(0.99)}, the longest ${at(1)};` +
          ` ${tasks.length} tasks above 50 ms, the longest ${longest} ms`,
      );
    },
  };
}
