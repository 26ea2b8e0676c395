/**
 * What the wire carries, and what somebody in between sees of it.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { examine } from '../axe.ts';
import type { Open, Visit } from './visit.ts';

type Scenario = readonly [name: string, play: (open: Open) => Promise<void>];

const onWire = async ({ page }: Visit, title: string): Promise<void> => {
  await page.locator(`button.arrow[data-title="${title}"]`).first().click();
  await page.getByRole('button', { name: 'As the wire carries it' }).click();
};

const text = async ({ page }: Visit, selector: string): Promise<string> =>
  (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ').trim();

export const betweenScenarios: readonly Scenario[] = [
  [
    'a message is shown as the wire carries it: the record around it, and what lies beside it there',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await onWire(visit, 'Certificate');
        const fields = await text(visit, '.fields');
        assert.match(fields, /^▾ TLSCiphertext number \d under the server’s handshake key/);
        assert.match(fields, /opaque_type application_data \(23\)/);
        await page
          .locator('.field', { hasText: /encrypted_record/ })
          .first()
          .waitFor();
        for (const name of ['content', 'type', 'tag']) {
          assert.ok((await page.locator('.field-name', { hasText: new RegExp(`^${name}$`) }).count()) > 0, name);
        }
        await visit.shot('wire');
        // What was chosen stays chosen for the next message, and the way back is the same.
        await page.locator('button.arrow[data-title="ClientHello"]').click();
        assert.match(await text(visit, '.fields'), /^▾ TLSPlaintext ▸?/);
        await page.getByRole('button', { name: 'The message', exact: true }).click();
        assert.match(await text(visit, '.fields'), /^\S* ?msg_type ClientHello/);
      }),
  ],
  [
    'somebody in between reads the hellos, and of all else how long it is',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await page.getByRole('button', { name: 'Somebody in between' }).click();
        assert.match(
          await text(visit, '.overheard'),
          /^Who has no keys reads ClientHello, ServerHello and ChangeCipherSpec\. Of all else they see \d+ records, [\d,]+ bytes/,
        );
        const sealed = page.locator('.arrow.sealed');
        for (const one of await sealed.allInnerTexts()) assert.match(one, /Encrypted[\s\S]*application_data \(23\)/);
        await sealed.first().click();
        assert.match(await text(visit, '.fields'), /encrypted unreadable$/);
        assert.doesNotMatch(await text(visit, '.exhibit'), /Certificate|handshake key/);
        assert.equal(await page.getByRole('button', { name: 'As the wire carries it' }).count(), 0);
        await visit.shot('between');
        await examine(page, 'as seen from between');
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        assert.equal(await page.locator('.arrow[aria-pressed="true"]').count(), 1);
        await page.getByRole('button', { name: 'Both sides' }).click();
        assert.ok((await visit.arrows()).includes('Certificate'));
      }),
  ],
  [
    'before TLS 1.3 somebody in between reads the certificates too',
    (open) =>
      open('client=tls12', async (visit) => {
        await visit.page.getByRole('button', { name: 'Somebody in between' }).click();
        assert.match(await text(visit, '.overheard'), /ServerHello, Certificate, /);
        assert.match(await text(visit, '.between'), /A handshake message.*handshake \(22\)/);
        await visit.page.getByRole('button', { name: 'Both sides' }).click();
        await onWire(visit, 'Finished');
        await visit.page.locator('.field-name', { hasText: /^nonce_explicit$/ }).waitFor();
      }),
  ],
  ...(['light', 'dark'] as const).map(
    (colorScheme): Scenario => [
      `on a phone what passes between has room, in ${colorScheme} colours`,
      (open) =>
        open(
          'certificate=expired',
          async (visit) => {
            const { page } = visit;
            const widths = (): Promise<readonly number[]> =>
              page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
            await onWire(visit, 'Certificate');
            assert.deepEqual(await widths(), [390, 390]);
            await examine(page, `a record, ${colorScheme}`);
            await visit.shot(`phone-wire-${colorScheme}`);
            await page.getByRole('button', { name: 'Close the bytes' }).click();
            await page.getByRole('button', { name: 'Somebody in between' }).click();
            assert.deepEqual(await widths(), [390, 390]);
            await page.locator('.between').scrollIntoViewIfNeeded();
            await visit.shot(`phone-between-${colorScheme}`);
          },
          { width: 390, height: 844, colorScheme },
        ),
    ],
  ),
];
