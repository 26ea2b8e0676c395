/**
 * A handshake that a reader keeps as a file: what is in it, that others open it, and that one shows itself, alone.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { examine } from '../axe.ts';
import { visitor } from '../browser.ts';
import type { Open, Visit } from './visit.ts';

type Scenario = readonly [name: string, play: (open: Open) => Promise<void>];

export type Format = 'HTML' | 'pcapng' | 'JSON';

/** Keeps what is looked at, and says where the file is, by its own name. */
export async function keep({ page }: Visit, format: Format, folder: string, secrets = false): Promise<string> {
  const menu = page.locator('details.keep');
  if ((await menu.getAttribute('open')) === null) await page.getByText('Keep as a file').click();
  const box = page.getByLabel('with its secrets and its data');
  if (secrets) await box.check();
  else await box.uncheck();
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: format, exact: true }).click();
  const download = await coming;
  const file = join(folder, download.suggestedFilename());
  await download.saveAs(file);
  return file;
}

/** Works in a folder that is gone afterwards. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'handfast-viewer-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tshark(...args: readonly string[]): string {
  try {
    return execFileSync('tshark', ['-n', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error('there is no tshark here: browser-test/install.sh installs it');
    }
    throw error;
  }
}

const fields = (file: string, field: string, filter = field): readonly string[] =>
  tshark('-r', file, '-Y', filter, '-T', 'fields', '-e', field)
    .split('\n')
    .filter((line) => line !== '');

/** The numbers of the messages that a capture shows, in order. */
const messageTypes = (file: string): readonly number[] =>
  fields(file, 'tls.handshake.type').flatMap((line) => line.split(',').map(Number));

async function whatItShows(visit: Visit, file: string, work: (page: Visit['page']) => Promise<void>): Promise<void> {
  const browser = visit.page.context().browser();
  assert.ok(browser);
  const { page, context, requested, violations, errors } = await visitor(browser);
  try {
    await context.setOffline(true);
    const address = pathToFileURL(file).href;
    await page.goto(address);
    await work(page);
    assert.deepEqual([violations, errors], [[], []]);
    assert.deepEqual(
      requested.filter((url) => url !== address && !url.startsWith('blob:')),
      [],
    );
  } finally {
    await context.close();
  }
}

export const keepScenarios: readonly Scenario[] = [
  ...(
    [
      ['TLS 1.3', 'alpn=none'],
      ['TLS 1.2', 'client=tls12&alpn=none'],
    ] as const
  ).map(
    ([version, hash]): Scenario => [
      `a handshake of ${version} is kept as a capture that tshark opens decrypted, or closed`,
      (open) =>
        open(hash, async (visit) => {
          await inFolder(async (folder) => {
            const decrypted = await keep(visit, 'pcapng', folder, true);
            assert.deepEqual(fields(decrypted, 'http.response.code'), ['200']);
            assert.deepEqual(fields(decrypted, 'http.host'), ['shop.example']);
            assert.ok(messageTypes(decrypted).includes(20), 'Finished');
            assert.deepEqual(fields(decrypted, 'frame.number', '_ws.malformed || tcp.analysis.flags'), []);
            const without = await keep(visit, 'pcapng', folder);
            assert.deepEqual(fields(without, 'http.response.code'), []);
            assert.equal(messageTypes(without).includes(20), false);
            assert.equal(messageTypes(without)[0], 1);
          });
        }),
    ],
  ),
  [
    'a handshake is kept without its secrets unless the reader wants them, and is told what that means',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await inFolder(async (folder) => {
          const file = await keep(visit, 'JSON', folder);
          await page.getByText('shop.example-443.json is among your downloads.').waitFor();
          const without = readFileSync(file, 'utf8');
          assert.doesNotMatch(without, /keyLog|"type":"data"/);
          await page.getByText('neither keys nor data').waitFor();
          const decrypted = readFileSync(await keep(visit, 'JSON', folder, true), 'utf8');
          assert.match(decrypted, /"keyLog":\["[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]+"/);
          await page.getByText('Whoever gets the file reads everything').waitFor();
          const { connections } = JSON.parse(decrypted);
          assert.deepEqual(Object.keys(connections[0]), ['title', 'client', 'server', 'incidents', 'serverOffset']);
        });
        // The menu says how large each is, and closes by Escape.
        assert.match(await page.locator('.keep-choices').innerText(), /without a network, about \d{2,3} kB/);
        await page.keyboard.press('Escape');
        assert.equal(await page.locator('.keep-choices').count(), 0);
        assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'SUMMARY');
      }),
  ],
  [
    'a handshake is kept as one page that shows it without server or network: ladder, bytes, path, keys',
    (open) =>
      open('certificate=markup', async (visit) => {
        await inFolder(async (folder) => {
          const file = await keep(visit, 'HTML', folder, true);
          await whatItShows(visit, file, async (page) => {
            await page.locator('.verdict.good').waitFor();
            assert.match(await page.locator('.headline').innerText(), /Connected after 1 round trip/);
            await page.locator('button.arrow', { hasText: 'ClientHello' }).click();
            await page.locator('.field', { hasText: /^random/ }).hover();
            assert.match(await page.locator('.about').innerText(), /bytes 6–37/);
            assert.equal(await page.locator('.link.passed').count(), 3);
            assert.match(await page.locator('.paths').innerText(), /<img src=x onerror=/);
            assert.equal(await page.locator('img').count(), 0);
            await page.getByRole('button', { name: 'Show the secrets' }).click();
            assert.equal(await page.locator('.secret-value').count(), 5);
            await examine(page, 'a kept page');
            await page.screenshot({ path: join(folder, 'kept.png') });
            // It is kept on: for Wireshark, and as a recording; as a page it is there already.
            const own = { ...visit, page };
            assert.equal(messageTypes(await keep(own, 'pcapng', folder, true)).includes(20), true);
            assert.match(readFileSync(await keep(own, 'JSON', folder), 'utf8'), /^\{"format":"handfast-recordings"/);
            assert.equal(await page.getByRole('button', { name: 'HTML', exact: true }).count(), 0);
          });
        });
      }),
  ],
  [
    'a kept page whose recording was changed says what is wrong with it',
    (open) =>
      open('', async (visit) => {
        await inFolder(async (folder) => {
          const file = await keep(visit, 'HTML', folder);
          const whole = readFileSync(file, 'utf8');
          writeFileSync(file, whole.replace('"role":"client"', '"role":"<img src=x onerror=alert(1)>"'));
          await whatItShows(visit, file, async (page) => {
            assert.equal(
              await page.getByRole('alert').innerText(),
              'The recording in this file cannot be read: connections[0].client.role: it is not client or server',
            );
          });
        });
      }),
  ],
  [
    'a file is made when it is wanted, of what is shown then; a page that could not be fetched is fetched again',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await page.evaluate(() => {
          const { Blob: Before, fetch: before } = window;
          Object.assign(window, { blobs: 0 });
          window.Blob = class extends Before {
            constructor(...given: ConstructorParameters<typeof Before>) {
              super(...given);
              Object.assign(window, { blobs: Reflect.get(window, 'blobs') + 1 });
            }
          };
          window.fetch = () => {
            window.fetch = before;
            return Promise.reject(new TypeError('no network'));
          };
        });
        const html = page.getByRole('button', { name: 'HTML', exact: true });
        await page.getByText('Keep as a file').click();
        await page.getByText('this page could not be fetched again').waitFor();
        assert.equal(await html.isDisabled(), true);
        await page.keyboard.press('Escape');
        await page.getByText('Keep as a file').click();
        await page.getByText('without a network, about').waitFor();
        assert.equal(await html.isEnabled(), true);
        await visit.choose('expired yesterday');
        await page.locator('.verdict.bad').waitFor();
        const blobs = (): Promise<unknown> => page.evaluate(() => Reflect.get(window, 'blobs'));
        assert.equal(await blobs(), 0);
        await inFolder(async (folder) => {
          assert.match(readFileSync(await keep(visit, 'JSON', folder), 'utf8'), /"code":"certificate_expired"/);
        });
        assert.equal(await blobs(), 1);
      }),
  ],
  [
    'the menu of what is kept: axe finds nothing, nor on a phone',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await page.getByRole('button', { name: 'Close the bytes' }).click();
        await page.getByText('Keep as a file').click();
        await page.getByLabel('with its secrets and its data').check();
        await page.getByRole('button', { name: 'HTML', exact: true }).waitFor();
        await examine(page, 'the menu');
        await visit.shot('keep');
        await page.setViewportSize({ width: 390, height: 844 });
        const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        assert.deepEqual(widths, [390, 390]);
        await examine(page, 'the menu, on a phone');
        await page.locator('.keep').scrollIntoViewIfNeeded();
        await visit.shot('keep-phone');
      }),
  ],
];
