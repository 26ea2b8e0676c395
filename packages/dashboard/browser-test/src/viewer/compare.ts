/**
 * Two handshakes side by side, as a reader gets there.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { examine } from '../axe.ts';
import type { Open, Visit } from './visit.ts';

type Scenario = readonly [name: string, play: (open: Open) => Promise<void>];

const text = async ({ page }: Visit, selector: string): Promise<string> =>
  (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ').trim();

/** A line of the table, as it is read. */
const fact = async ({ page }: Visit, name: string): Promise<string> =>
  (await page.locator('.facts tr', { has: page.getByRole('rowheader', { name }) }).innerText())
    .replace(/\s+/g, ' ')
    .trim();

const row = ({ page }: Visit, title: string) => page.locator('.pairs > li', { hasText: title }).first();

const both = (visit: Visit): Promise<void> =>
  visit.page.getByRole('button', { name: 'Compare both connections' }).click();

const against = async (visit: Visit, certificate: string): Promise<void> => {
  const { page } = visit;
  await page.getByRole('button', { name: 'Compare with…' }).click();
  await page.getByText('This is the first. Now choose or make another one.').waitFor();
  await visit.choose(certificate);
  await page.getByRole('button', { name: 'Compare with the first' }).click();
  await page.getByRole('heading', { name: 'Two handshakes, side by side' }).waitFor();
};

export const compareScenarios: readonly Scenario[] = [
  [
    'a first connection and its resumption, side by side with one click: what the second leaves out, and why',
    (open) =>
      open('back=resumed', async (visit) => {
        const { page } = visit;
        await both(visit);
        assert.equal(await page.evaluate(() => document.activeElement?.id), 'comparison-title');
        assert.match(await fact(visit, 'Resumed'), /no yes$/);
        assert.match(await row(visit, 'CertificateVerify').innerText(), /only in the first/);
        const hello = await row(visit, 'ClientHello').innerText();
        assert.match(hello, /extensions › pre_shared_key/);
        assert.match(hello, /made anew each time: random, id, share/);
        await visit.shot('compare');
        await page.getByLabel('only what differs').check();
        assert.equal(await page.locator('.pairs > li.same').count(), 0);
        await page.getByRole('button', { name: 'Back to one' }).click();
        assert.match(await text(visit, '.headline'), /^✓ Resumed/);
        await page.locator('.bar button:focus', { hasText: 'Compare with the first' }).waitFor();
      }),
  ],
  [
    'a good handshake is kept, and stands beside each that comes after it',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await against(visit, 'expired yesterday');
        assert.match(await fact(visit, 'Outcome'), /connected certificate_expired, found by the client$/);
        assert.match(await row(visit, 'Certificate').innerText(), /notAfter/);
        assert.match(await row(visit, 'Alert: certificate_expired').innerText(), /only in the second/);
        // What the reader changes next is the second.
        await visit.choose('for another name');
        await page.locator('.facts', { hasText: 'certificate_name_mismatch' }).waitFor();
        await page.getByRole('button', { name: 'Back to one' }).click();
        await page.getByRole('button', { name: 'Forget the first' }).click();
        await page.getByRole('button', { name: 'Compare with…' }).waitFor();
      }),
  ],
  [
    'TLS 1.2 beside 1.3: the round trip more, and what everybody could read',
    (open) =>
      open('client=tls12', async (visit) => {
        const { page } = visit;
        await page.getByRole('button', { name: 'Compare with…' }).click();
        await page.getByLabel('The client speaks').selectOption('both');
        await page.locator('.headline', { hasText: 'after 1 round trip' }).waitFor();
        await page.getByRole('button', { name: 'Compare with the first' }).click();
        assert.match(await fact(visit, 'Round trips'), /2 1$/);
        assert.match(await fact(visit, 'Version'), /^≠ ?differs: ?Version TLS 1\.2 TLS 1\.3$/);
        const certificate = visit.page.locator('.pairs > li', { hasText: /Certificate from the server/ }).first();
        assert.match(await certificate.innerText(), /in the clear in the first, under the handshake key in the second/);
      }),
  ],
  [
    'names that are HTML stay text beside each other',
    (open) =>
      open('', async (visit) => {
        await against(visit, 'good, its owner’s name is HTML');
        assert.match(await row(visit, 'Certificate').innerText(), /<img src=x onerror=/);
        assert.equal(await visit.page.locator('img').count(), 0);
      }),
  ],
  ...(['light', 'dark'] as const).map(
    (colorScheme): Scenario => [
      `two handshakes: axe finds nothing, nor on a phone, in ${colorScheme} colours`,
      (open) =>
        open(
          'back=resumed',
          async (visit) => {
            const { page } = visit;
            await examine(page, 'one');
            await both(visit);
            await examine(page, 'two');
            await visit.shot(`compare-${colorScheme}`);
            await page.setViewportSize({ width: 390, height: 844 });
            const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
            assert.deepEqual(widths, [390, 390]);
            await examine(page, 'two, on a phone');
            await page.getByRole('heading', { name: 'Message by message' }).scrollIntoViewIfNeeded();
            await page.evaluate(() => document.querySelector('.pairs')?.scrollIntoView());
            await visit.shot(`compare-phone-${colorScheme}`);
          },
          { colorScheme },
        ),
    ],
  ),
];
