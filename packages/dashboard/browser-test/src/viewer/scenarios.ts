/**
 * What a reader of the viewer does, and what is there then.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { examine } from '../axe.ts';
import { betweenScenarios } from './between.ts';
import type { Open, Visit } from './visit.ts';

export type { Open } from './visit.ts';

type Scenario = readonly [name: string, play: (open: Open) => Promise<void>];

/** The certificate by its words, the code, and words of the explanation. */
const refusals = [
  ['expired yesterday', 'certificate_expired', 'The certificate has expired'],
  ['not valid before tomorrow', 'certificate_expired', 'The certificate is not yet valid'],
  ['for another name', 'certificate_name_mismatch', 'The certificate is for another name'],
  ['from an unknown issuer', 'certificate_unknown_issuer', 'Nobody trusted vouches for the certificate'],
  ['sent without its intermediate', 'certificate_unknown_issuer', 'Nobody trusted vouches for the certificate'],
  ['revoked by its issuer', 'certificate_revoked', 'The certificate was revoked'],
] as const;

/** Settings that fail, who finds it, and the code. */
const failures = [
  ['client=tls13&server=tls12', 'server', 'protocol_version'],
  ['groups=none', 'server', 'handshake_failure'],
  ['alpn=clash', 'server', 'no_application_protocol'],
  ['clientCertificate=missing', 'server', 'certificate_required'],
  ['clientCertificate=unknown', 'server', 'certificate_unknown_issuer'],
  ['wire=flip', 'client', 'bad_record_mac'],
  ['wire=cut', 'client', 'truncated'],
] as const;

const full = [
  'ClientHello',
  'ServerHello',
  'ChangeCipherSpec',
  'EncryptedExtensions',
  'Certificate',
  'CertificateVerify',
];

const text = async ({ page }: Visit, selector: string): Promise<string> =>
  (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ').trim();

export const scenarios: readonly Scenario[] = [
  [
    'a handshake of TLS 1.3 is a ladder with its arrows, one round trip, and a path with every check passed',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        assert.deepEqual((await visit.arrows()).slice(0, 6), full);
        assert.match(await text(visit, '.headline'), /^✓ Connected after 1 round trip, \d/);
        assert.match(
          await text(visit, '.verdict'),
          /TLS 1\.3 · .* · X25519MLKEM768 \(safe from quantum computers\) · ALPN h2/,
        );
        assert.equal(await page.locator('.link.passed').count(), 3);
        assert.equal(await page.locator('.link.failed').count(), 0);
        assert.match(await text(visit, '.note.server'), /chooses TLS_\w+ .*the client's 1st of \d+ suites/);
        await visit.shot('good');
      }),
  ],
  [
    'each broken certificate is refused with one click: the code, the words, and the failed check in the path',
    (open) =>
      open('', async (visit) => {
        for (const [label, code, title] of refusals) {
          await visit.choose(label);
          await visit.page.locator('.refusal code', { hasText: new RegExp(`^${code}$`) }).waitFor();
          await visit.page.locator('.refusal h3', { hasText: title }).waitFor();
          assert.match(await text(visit, '.headline'), /the client ends the handshake$/, label);
          assert.equal(await visit.page.locator('.link.failed').count(), 1, label);
          assert.equal((await visit.arrows()).at(-1)?.startsWith('Alert: '), true, label);
        }
        await visit.choose('good');
        await visit.page.locator('.verdict.good').waitFor();
        assert.equal(await visit.page.evaluate(() => location.hash), '');
      }),
  ],
  [
    'whatever else is made to fail: who finds it, the code, and the way to its place; a link is followed where one is',
    (open) =>
      open(failures[0][0], async (visit) => {
        const { page } = visit;
        for (const [hash, party, code] of failures) {
          await page.evaluate((next) => {
            location.hash = next;
          }, hash);
          await page.locator('.refusal code', { hasText: new RegExp(`^${code}$`) }).waitFor();
          assert.match(await text(visit, '.headline'), new RegExp(`the ${party} ends the handshake$`), hash);
        }
        await page.getByRole('button', { name: 'See where, and what to do' }).click();
        assert.equal(await page.evaluate(() => document.activeElement?.id), 'failure');
      }),
  ],
  [
    'what was changed on its way is marked, and what nobody could read as well',
    (open) =>
      open('wire=flip&flight=1&place=98', async (visit) => {
        assert.match(await text(visit, '.note.between'), /^somebody in between flips a bit of byte \d+/);
        assert.equal(await visit.page.locator('.arrow em', { hasText: 'arrives changed' }).count(), 1);
      }),
  ],
  [
    'TLS 1.2 takes two round trips, and its keys come of a master secret',
    (open) =>
      open('client=tls12', async (visit) => {
        assert.match(await text(visit, '.headline'), /after 2 round trips/);
        assert.ok((await visit.arrows()).includes('ServerKeyExchange'));
        await visit.page.getByText('master secret', { exact: true }).first().waitFor();
      }),
  ],
  [
    'a client that comes back resumes, without certificates; its first connection is there as well',
    (open) =>
      open('back=resumed', async (visit) => {
        assert.match(await text(visit, '.headline'), /^✓ Resumed after 1 round trip/);
        assert.equal((await visit.arrows()).includes('Certificate'), false);
        await visit.page.getByRole('button', { name: 'First connection' }).click();
        assert.match(await text(visit, '.headline'), /^✓ Connected after 1 round trip/);
        assert.ok((await visit.arrows()).includes('Certificate'));
      }),
  ],
  [
    'early data goes out with the hello, under a key of its own',
    (open) =>
      open('back=early', async (visit) => {
        assert.match(await text(visit, '.headline'), /^✓ Resumed, with early data after 1 round trip/);
        assert.deepEqual((await visit.arrows()).slice(0, 3), ['ClientHello', 'ChangeCipherSpec', 'Application data']);
        assert.equal(await visit.page.locator('.arrow.key-early .name', { hasText: 'Early data' }).count(), 1);
        await visit.page.locator('svg').getByText('early data key').waitFor();
        await visit.shot('early');
      }),
  ],
  [
    'a wrong guess of the client costs a round trip',
    (open) =>
      open('groups=retry', async (visit) => {
        assert.match(await text(visit, '.headline'), /after 2 round trips/);
        assert.equal((await visit.arrows())[1], 'HelloRetryRequest');
      }),
  ],
  [
    'a field that is pointed at lights up in the bytes, and says what it is',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await page.locator('button.arrow', { hasText: 'ClientHello' }).click();
        await page.locator('.field', { hasText: /^random/ }).hover();
        assert.match(await text(visit, '.about'), /^random bytes 6–37 [0-9a-f ]+ The client's part of what makes/);
        assert.equal((await text(visit, '.byte.lit')).split(' ').length, 32);
        await page.locator('.byte').first().hover();
        assert.match(await text(visit, '.about'), /^msg_type/);
        assert.match(await text(visit, '.exhibit'), /RFC 9846 §4\.2\.2/);
        await visit.shot('fields');
      }),
  ],
  [
    'certificates unfold down to their DER',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        await page.getByRole('button', { name: 'CN=shop.example', exact: true }).click();
        const list = page.getByRole('list', { name: 'Fields' });
        for (let depth = 0; depth < 4; depth++) {
          const closed = list.locator('.field[aria-expanded="false"]');
          if ((await closed.count()) > 0) await closed.first().click();
        }
        assert.match(await list.innerText(), /serialNumber/);
      }),
  ],
  [
    'the secrets are hidden until somebody asks',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        assert.equal(await page.locator('.secret-value').count(), 0);
        await page.getByRole('button', { name: 'Show the secrets' }).click();
        assert.match(await text(visit, '.secret-value'), /^[0-9a-f]{64,96}$/);
        assert.equal(await page.locator('.secret-value').count(), 5);
        await page.getByRole('button', { name: 'Hide the secrets' }).click();
        assert.equal(await page.locator('.secret-value').count(), 0);
      }),
  ],
  [
    'by keyboard: arrows with the arrow keys, Enter opens, Tab goes through the fields, Escape closes and goes back',
    (open) =>
      open('', async (visit) => {
        const { page } = visit;
        const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
        await page.locator('button.arrow').first().focus();
        await page.keyboard.press('ArrowDown');
        assert.match(await focused(), /^\d+(\.\d)? msServerHello from the server, in the clear\d+ B$/);
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { name: 'ServerHello', level: 2 }).waitFor();
        await page.getByRole('button', { name: 'Close the bytes' }).focus();
        // Past what is shown, which is chosen by two buttons.
        await page.keyboard.press('Tab');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Enter');
        await page.locator('.field', { hasText: /^▾ ?TLSPlaintext/ }).waitFor();
        await page.keyboard.press('Shift+Tab');
        await page.keyboard.press('Enter');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Tab');
        if ((await page.locator('.field:focus').count()) === 0) await page.keyboard.press('Tab');
        assert.match(await text(visit, '.about'), /^msg_type/);
        await page.keyboard.press('Escape');
        assert.equal(await page.locator('#exhibit-title').count(), 0);
        assert.match(await focused(), /ServerHello from the server/);
      }),
  ],
  [
    'a name that is HTML is shown as text',
    (open) =>
      open('certificate=markup', async (visit) => {
        const { page } = visit;
        await page.locator('.verdict.good').waitFor();
        assert.match(await text(visit, '.paths'), /<img src=x onerror=/);
        await page.locator('.link button').first().click();
        assert.equal(await page.locator('img').count(), 0);
        assert.equal(await page.title(), 'See a handshake');
      }),
  ],
  [
    'an address of whoever may say anything: what is no setting is passed over',
    (open) =>
      open('certificate=%3Cb%3E&client=__proto__&distance=toString&x=y', async (visit) => {
        assert.match(await text(visit, '.headline'), /^✓ Connected after 1 round trip/);
      }),
  ],
  ...(['light', 'dark'] as const).flatMap((colorScheme): readonly Scenario[] => [
    [
      `axe finds nothing in ${colorScheme} colours`,
      (open) =>
        open(
          'back=early',
          async (visit) => {
            if (colorScheme === 'light') await examine(visit.page, 'early data');
            await visit.page.getByRole('button', { name: 'Show the secrets' }).click();
            await visit.choose('expired yesterday');
            await visit.page.locator('.refusal').waitFor();
            await visit.page.locator('button.arrow', { hasText: 'Certificate' }).first().click();
            await examine(visit.page, 'a refusal');
            await visit.shot(colorScheme);
          },
          { colorScheme },
        ),
    ],
    [
      `on a phone nothing is wider than the screen, in ${colorScheme} colours`,
      (open) =>
        open(
          'certificate=name&wire=whole',
          async (visit) => {
            const widths = (): Promise<readonly number[]> =>
              visit.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
            assert.deepEqual(await widths(), [390, 390]);
            await visit.page.locator('button.arrow', { hasText: 'ClientHello' }).click();
            assert.deepEqual(await widths(), [390, 390]);
            // Colours are the same on all screens.
            if (colorScheme === 'light') await examine(visit.page, 'on a phone');
            await visit.shot(`phone-${colorScheme}`);
          },
          { width: 390, height: 844, colorScheme },
        ),
    ],
  ]),
  ...betweenScenarios,
];
