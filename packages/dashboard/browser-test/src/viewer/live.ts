/**
 * The room of live connections: `handfast view` itself, programs that connect, and what the page makes of them.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import type { Locator, Page } from 'playwright-core';
import { examine } from '../axe.ts';
import { measureFrames, watchRows } from './live-measure.ts';
import type { LiveStage, OpenLive } from './live-stage.ts';

type Scenario = readonly [name: string, play: (open: OpenLive) => Promise<void>];

/** With what opens the page for them. */
export function liveScenarios(open: OpenLive): readonly (readonly [name: string, play: () => Promise<void>])[] {
  return plays.map(([name, play]) => [name, () => play(open)]);
}

const list = (page: Page): Locator => page.getByRole('listbox', { name: 'Connections, newest first' });
const options = (page: Page): Locator => list(page).getByRole('option');
const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });
const words = async (found: Locator): Promise<string> => (await found.innerText()).replace(/\s+/g, ' ').trim();
const pressed = async (page: Page, name: string): Promise<string | null> =>
  await button(page, name).getAttribute('aria-pressed');

/** Until so many are counted. */
const counted = (page: Page, pattern: RegExp): Promise<void> =>
  page.locator('.live-counts').filter({ hasText: pattern }).waitFor();

async function ended({ over }: { readonly over: Promise<number | null> }): Promise<void> {
  assert.equal(await over, 0);
}

/** A connection in parts of no great truth, for what a true one cannot have. */
const begins = (id: number, target: string): object => ({
  id,
  begins: { role: 'client', target, started: '2026-11-21T12:00:00.000000Z' },
});

const negotiated = {
  ...{ version: 'TLS 1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256', group: 'x25519', postQuantum: false },
  ...{ extendedMasterSecret: true, resumed: false, preSharedKey: false, helloRetryRequest: false },
};

const connected = (id: number, target: string, more: object = {}): readonly object[] => [
  begins(id, target),
  { id, events: [{ at: 1, type: 'established' }], negotiated: { ...negotiated, ...more } },
];

const plays: readonly Scenario[] = [
  [
    'live: a page that no viewer serves says how to start one, and has a laboratory',
    (open) =>
      open(
        async ({ page }) => {
          assert.match(
            await words(page.locator('.live-note')),
            /^This page shows the connections of a machine when handfast view runs on it\. Start that in a terminal: /,
          );
          await examine(page, 'alone');
          await page.getByRole('link', { name: 'Look at a handshake in the laboratory' }).click();
          await page.locator('.verdict.good').waitFor();
          assert.equal(await page.title(), 'See a handshake');
        },
        { alone: true },
      ),
  ],
  [
    'live: connect and serve of this machine are one row and one ladder, and it comes by itself',
    (open) =>
      open(async (stage) => {
        const { page } = stage;
        await page.getByText('Nothing has connected yet').waitFor();
        assert.match(await words(page.locator('.live-note')), /handfast connect example\.com:443/);
        await stage.shot('live-empty');
        await connectAndServe(stage);
        await options(page).filter({ hasText: '✓' }).waitFor();
        await counted(page, /^1 connection · 0 failed$/);
        assert.match(
          await words(options(page)),
          /^✓ connected, at \d\d:\d\d:\d\d .*connect.* \(\d+\) → .*serve.* \(\d+\) .* TLS 1\.3 · AES_\d+_GCM · X25519MLKEM768 [\d.]+ ms$/,
        );
        await page.locator('.headline', { hasText: 'Connected after 1 round trip' }).waitFor();
        const arrows = await page
          .locator('button.arrow')
          .evaluateAll((all) => all.map((one) => `${one.className.split(' ')[1]} ${one.getAttribute('data-title')}`));
        assert.deepEqual(arrows.slice(0, 2), ['client ClientHello', 'server ServerHello']);
        assert.ok(arrows.includes('client Finished'));
        // Both sides told of it: what each of them found is there.
        await page.locator('.note.client', { hasText: 'certificate without proof' }).waitFor();
        await page.locator('.note.server', { hasText: 'is connected' }).waitFor();
        await stage.shot('live');
      }),
  ],
  [
    'live: a program of anybody’s with register is shown as it goes on; the refusal has its title; the filter finds it',
    (open) =>
      open(async (stage) => {
        const { page } = stage;
        await ended(stage.app());
        await options(page).filter({ hasText: '✓' }).waitFor();
        const watched = await watchRows(page);
        const program = stage.app({ times: 5, together: 1 });
        const ends: number[] = [];
        for (let nth = 0; nth < 5; nth++) ends.push(Number((await program.lines.next()).value));
        await ended(program);
        await counted(page, /^6 connections · 0 failed$/);
        await watched.tell(ends);
        await ended(stage.app({ name: 'other.example' }));
        await counted(page, /^7 connections · 1 failed$/);
        const [newest] = await options(page).all();
        assert.ok(newest);
        assert.match(await words(newest), /^✗ failed, at .*live-app.* The certificate is for another name/);
        await page.locator('.refusal h3', { hasText: 'The certificate is for another name' }).waitFor();
        await button(page, 'Failures only').click();
        assert.equal(await options(page).count(), 1);
        await button(page, 'Failures only').click();
        await page.getByRole('searchbox').fill('NAME_mismatch app');
        assert.equal(await options(page).count(), 1);
        await page.getByRole('searchbox').fill('nobody has this');
        await page.getByText('None of them is like that.').waitFor();
        assert.equal(await page.locator('.verdict').count(), 0);
        await page.getByRole('searchbox').fill('');
        assert.equal(await options(page).count(), 7);
      }),
  ],
  [
    'live: secrets and data are there where the program said so, and nowhere else',
    (open) =>
      open(async (stage) => {
        const { page } = stage;
        await ended(stage.app());
        await page.locator('.verdict.good').waitFor();
        await page.getByText('The secrets themselves are not in this recording.').waitFor();
        assert.equal(await button(page, 'Show the secrets').count(), 0);
        for (const arrow of await page.locator('button.arrow.data').all()) {
          assert.match((await arrow.getAttribute('data-title')) ?? '', /^Application data \(\d+ bytes\)$/);
        }
        await ended(stage.app({ env: { HANDFAST_VIEW_SECRETS: '1' } }));
        await counted(page, /^2 connections/);
        await button(page, 'Show the secrets').click();
        assert.match(await words(page.locator('.secret-value').first()), /^[0-9a-f]{64,96}$/);
        await page.locator('button.arrow.data.client').first().click();
        await page.locator('.exhibit', { hasText: 'the-secret-of-a-user' }).waitFor();
      }),
  ],
  [
    'live: a thousand connections stay smooth: few rows are in the page, all are in the list',
    (open) =>
      open(async (stage) => {
        const { page } = stage;
        const frames = await measureFrames(page);
        await ended(stage.app({ times: 1000 }));
        await counted(page, /^1000 connections · 0 failed$/);
        await frames.tell();
        const inPage = await options(page).count();
        assert.ok(inPage > 8 && inPage < 60, `${inPage} rows are in the page`);
        assert.equal(await options(page).first().getAttribute('aria-setsize'), '1000');
        await list(page).focus();
        await page.keyboard.press('End');
        await page.locator('[aria-posinset="1000"]').waitFor();
        assert.ok((await options(page).count()) < 60);
        // Who has scrolled down goes on seeing the same.
        await page.keyboard.press('PageUp');
        await page.keyboard.press('Enter');
        const seen = await list(page).locator('[aria-selected="true"]').getAttribute('id');
        const top = await list(page)
          .locator(`#${seen}`)
          .evaluate((row) => row.getBoundingClientRect().top);
        await ended(stage.app({ times: 3 }));
        await counted(page, /^1003 connections · 0 failed$/);
        const after = await list(page)
          .locator(`#${seen}`)
          .evaluate((row) => row.getBoundingClientRect().top);
        assert.equal(Math.round(after), Math.round(top));
      }),
  ],
  [
    'live: by keyboard through the list; the newest is followed until one is chosen, or read',
    (open) =>
      open(async (stage) => {
        const { page } = stage;
        const one = await stage.speaker('node one.js');
        for (let id = 1; id <= 30; id++) await one.say(...connected(id, `host-${id}:443`));
        await counted(page, /^30 connections/);
        const selected = (): Locator => list(page).locator('[aria-selected="true"]');
        assert.match(await words(selected()), /host-30:443/);
        await one.say(...connected(31, 'host-31:443'));
        await list(page).locator('[aria-selected="true"]', { hasText: 'host-31:443' }).waitFor();
        await list(page).focus();
        for (const key of ['ArrowDown', 'ArrowDown', 'ArrowUp']) await page.keyboard.press(key);
        // Gone to, and not chosen yet.
        const active = (await list(page).getAttribute('aria-activedescendant')) ?? '';
        assert.match(await words(page.locator(`#${active}`)), /host-30:443/);
        assert.match(await words(selected()), /host-31:443/);
        await page.keyboard.press('Enter');
        assert.match(await words(selected()), /host-30:443/);
        assert.equal(await pressed(page, 'Follow the newest'), 'false');
        await page.keyboard.press('End');
        await page.keyboard.press(' ');
        assert.match(await words(selected()), /host-1:443/);
        await page.keyboard.press('Home');
        await one.say(...connected(32, 'host-32:443'));
        await counted(page, /^32 connections/);
        assert.equal(await selected().count(), 0, 'it is out of sight');
        await button(page, 'Follow the newest').click();
        await list(page).locator('[aria-selected="true"]', { hasText: 'host-32:443' }).waitFor();
        // Who reads what is shown keeps it.
        await page.locator('.schedule, .verdict').first().click();
        assert.equal(await pressed(page, 'Follow the newest'), 'false');
        await one.say(...connected(33, 'host-33:443'));
        await counted(page, /^33 connections/);
        assert.match(await words(selected()), /host-32:443/);
        assert.match(
          (await options(page).first().textContent()) ?? '',
          /^✓connected, at.*node one\.js.*host-33.*TLS 1\.3/,
        );
        await page
          .getByRole('status')
          .filter({ hasText: /^33 connections, 0 failed$/ })
          .waitFor();
      }),
  ],
  [
    'live: the list stands still when it is told to; what was lost is counted; a program that goes leaves its rows',
    (open) =>
      open(async (stage) => {
        const { page } = stage;
        const one = await stage.speaker('node one.js');
        await one.say(...connected(1, 'first:443'));
        await counted(page, /^1 connection ·/);
        await button(page, 'Pause').click();
        await one.say(...connected(2, 'second:443'), begins(3, 'third:443'), { lost: 12 });
        await counted(
          page,
          /^3 connections · 0 failed · 1 shown · 2 more since .* · 12 pieces lost, as the viewer was slow$/,
        );
        assert.match(await words(options(page)), /first:443/);
        await button(page, 'Pause').click();
        await options(page).nth(2).waitFor();
        assert.match(await words(options(page).first()), /^… under way, at .*third:443 under way/);
        await page.locator('.verdict.open', { hasText: 'Not known: nobody has seen the handshake end' }).waitFor();
        await one.leave();
        await options(page).first().filter({ hasText: '–' }).waitFor();
        assert.match(await words(options(page).first()), /its program is gone/);
      }),
  ],
  [
    'live: names that are HTML, that turn a line around or that move a cursor are text',
    (open) =>
      open(async (stage) => {
        const { page } = stage;
        const bad = '<img src=x onerror=alert(1)>\u001b[2J\u202egnp.exe';
        const one = await stage.speaker(bad);
        await one.say(...connected(1, bad, { serverName: bad, alpnProtocol: bad, version: bad, cipherSuite: bad }));
        await options(page).waitFor();
        const shown = await words(options(page));
        assert.match(shown, /<img src=x onerror=alert\(1\)>\\u\{1b\}\[2J\\u\{202e\}gnp\.exe \(4711\)/);
        const text = await page.locator('body').innerText();
        // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
        assert.doesNotMatch(text, /[\u001b\u202e]/);
        assert.equal(await page.locator('img').count(), 0);
        await examine(page, 'hostile names');
      }),
  ],
  [
    'live: a connection that brings data without end stays a ladder that can be read, and what is read stays under the glass',
    (open) =>
      open(async (stage) => {
        const { page } = stage;
        const one = await stage.speaker('node one.js');
        const record = (at: number): object => ({
          ...{ at, type: 'record', direction: 'in', contentType: 23, length: 16_401, protected: true },
        });
        const hello = { at: 0, type: 'message', direction: 'out', name: 'client_hello', bytes: 'AQAAAA==' };
        await one.say(begins(1, 'big:443'), { id: 1, events: [hello] });
        await page.locator('button.arrow', { hasText: 'ClientHello' }).click();
        await page.locator('.field').first().hover();
        const about = await words(page.locator('.about'));
        await one.say(...connected(1, 'big:443').slice(1));
        for (let nth = 0; nth < 20; nth++) {
          await one.say({ id: 1, events: Array.from({ length: 500 }, (_, place) => record(2 + nth + place / 1000)) });
        }
        await page.locator('.more-data', { hasText: /^9,\d\d\d more/ }).waitFor();
        assert.ok((await page.locator('button.arrow').count()) < 200);
        assert.equal(await words(page.locator('.about')), about);
        assert.equal(await page.locator('button.arrow[aria-pressed="true"]').getAttribute('data-title'), 'ClientHello');
      }),
  ],
  [
    'live: a viewer that ends is missed, and what it told stays; other rooms are one click away',
    (open) =>
      open(async (stage) => {
        const { page } = stage;
        const one = await stage.speaker('node one.js');
        await one.say(...connected(1, 'first:443'));
        await options(page).waitFor();
        await page.getByRole('link', { name: 'Laboratory' }).click();
        await page.locator('.verdict.good').waitFor();
        assert.equal(await page.getByRole('link', { name: 'Laboratory' }).getAttribute('aria-current'), 'page');
        await one.say(...connected(2, 'second:443'));
        await page.getByRole('link', { name: 'Live' }).click();
        await counted(page, /^2 connections/);
        await stage.stopViewer();
        await page.getByText('What it has told is still here.').waitFor();
        assert.equal(await options(page).count(), 2);
      }),
  ],
  ...(['light', 'dark'] as const).flatMap((colorScheme): readonly Scenario[] => [
    [
      `live: axe finds nothing in ${colorScheme} colours`,
      (open) =>
        open(
          async (stage) => {
            const { page } = stage;
            await examine(page, 'nothing yet');
            await varied(stage);
            await examine(page, 'connections');
            await stage.shot(`live-${colorScheme}`);
          },
          { colorScheme },
        ),
    ],
    [
      `live: on a phone the list stands above the ladder, nothing is wider than the screen, and the keys run down, in ${colorScheme} colours`,
      (open) =>
        open(
          async (stage) => {
            const { page } = stage;
            const widths = (): Promise<readonly number[]> =>
              page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
            await varied(stage);
            assert.deepEqual(await widths(), [390, 390]);
            await examine(page, 'on a phone');
            await stage.shot(`live-phone-${colorScheme}`);
            await options(page).nth(3).click();
            await page.locator('.schedule').scrollIntoViewIfNeeded();
            const boxes = await page
              .locator('.key-drawing rect')
              .evaluateAll((all) =>
                all
                  .map((one) => one.getBoundingClientRect())
                  .map(({ left, right, top, bottom }) => ({ left, right, top, bottom })),
              );
            assert.ok(boxes.length > 5);
            for (const [nth, box] of boxes.entries()) {
              assert.ok(box.left >= 0 && box.right <= 390, 'a box is beside the screen');
              const below = boxes[nth + 1];
              if (below !== undefined) assert.ok(below.top > box.bottom, 'boxes overlap');
            }
            await page.locator('.schedule').evaluate((schedule) => schedule.scrollIntoView());
            await stage.shot(`phone-keys-${colorScheme}`);
          },
          { width: 390, height: 844, colorScheme },
        ),
    ],
  ]),
];

async function connectAndServe(stage: LiveStage): Promise<void> {
  const server = stage.handfast('serve', '0', '--http', '--json', '--quiet');
  const { port } = JSON.parse((await server.lines.next()).value) as { readonly port: number };
  const client = stage.handfast('connect', `localhost:${port}`, '--insecure', '--quiet');
  client.process.stdin?.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await ended(client);
}

/** One of each kind. */
async function varied(stage: LiveStage): Promise<void> {
  await ended(stage.app({ times: 2 }));
  await ended(stage.app({ name: 'other.example' }));
  const one = await stage.speaker('python3 gone.py');
  await one.say(...connected(1, 'resumed.example:443', { resumed: true, earlyData: 'accepted' }));
  await one.say(begins(2, 'slow.example:443'));
  await counted(stage.page, /^5 connections · 1 failed$/);
  await options(stage.page).nth(2).click();
  await stage.page.locator('.refusal').waitFor();
}
