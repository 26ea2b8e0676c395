/**
 * What people do at the dashboard, and what they cannot.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { type AdminRole, createAdminToken, listAudit } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { issueRequest, parseCertificates, toPem, trustStore, verifyCertificate } from '@handfast/x509';
import type { Browser } from 'playwright-core';
import { accessible } from './accessible.ts';
import { goTo, signIn, type Visitor, visitor } from './browser.ts';
import { byCertificate } from './certificates.ts';
import type { CommandCa } from './command-ca.ts';
import { hostile } from './hostile.ts';
import { day, type Stage } from './stage.ts';

export interface World {
  readonly stage: Stage;
  /** Of an authority that has issued nothing. */
  readonly empty: Stage;
  readonly unbuilt: Stage;
  /** That the command has made, and serves. */
  readonly ca: CommandCa;
  readonly browser: Browser;
  shot(name: string): string;
  /** Where the documentation's screenshot goes, if it is to be renewed. */
  readonly picture: string | undefined;
}

export type Scenario = readonly [name: string, play: (world: World) => Promise<void>];

const people: Readonly<Record<AdminRole, string>> = { viewer: 'vera', issuer: 'ivan', revoker: 'rita', admin: 'alice' };

export async function token({ database, clock }: Stage, role: AdminRole): Promise<string> {
  const who = people[role];
  return (await createAdminToken({ database, provider, clock }, { who, role, by: 'operator alice' })).secret;
}

/** Somebody who has signed in; what the page did that it must not is told when he leaves. */
export async function visiting(
  { browser, stage }: World,
  role: AdminRole,
  work: (visit: Visitor) => Promise<void>,
  options?: Parameters<typeof visitor>[1],
): Promise<void> {
  const visit = await visitor(browser, options);
  try {
    await signIn(visit, stage.origin, await token(stage, role));
    await work(visit);
    await visit.page.waitForLoadState('networkidle');
    assert.deepEqual([visit.violations, visit.errors], [[], []]);
    const elsewhere = visit.requested.filter(
      (url) => !url.startsWith(`${stage.origin}/`) && !/^(data|blob):/.test(url),
    );
    assert.deepEqual(elsewhere, []);
  } finally {
    await visit.context.close();
  }
}

async function csr(names: readonly string[]): Promise<string> {
  const { signer } = await provider.generateKeyPair('secp256r1');
  const { raw } = await issueRequest({ provider, signer, subject: {}, names });
  return toPem('CERTIFICATE REQUEST', raw);
}

/** Of the newest valid certificate with a name. */
async function serialOf({ authority }: Stage, search: string): Promise<string> {
  const [found] = await authority.list({ search, status: 'valid', limit: 1 });
  assert.ok(found, `no certificate for ${search}`);
  return found.serial;
}

const own: readonly Scenario[] = [
  [
    'a token that is none is refused in words; a good one signs in, with a cookie that scripts do not see',
    async ({ browser, stage, shot }) => {
      const visit = await visitor(browser);
      const { page, context } = visit;
      await page.goto(`${stage.origin}/admin`);
      await page.getByLabel('Token').fill('hfa_wrong');
      await page.screenshot({ path: shot('sign-in') });
      await page.getByRole('button', { name: 'Sign in' }).click();
      assert.equal(await page.getByRole('alert').innerText(), 'There is no such token, or it is over.');
      await signIn(visit, stage.origin, await token(stage, 'admin'));
      const [cookie, ...others] = await context.cookies();
      assert.deepEqual(
        [others, cookie?.name, cookie?.httpOnly, cookie?.secure, cookie?.sameSite, cookie?.path],
        [[], '__Host-handfast-admin', true, true, 'Strict', '/'],
      );
      assert.equal(await page.evaluate(() => document.cookie), '');
      await page.getByText('valid certificates').waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();

      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      assert.deepEqual(await context.cookies(), []);
      await context.addCookies(cookie === undefined ? [] : [cookie]);
      await page.reload();
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      await context.close();
    },
  ],
  [
    'the keyboard is enough: in, to a certificate, to the question whether to revoke it, and out of that by Escape',
    async (world) => {
      const { browser, stage } = world;
      const visit = await visitor(browser);
      const { page, context } = visit;
      await page.goto(`${stage.origin}/admin/`);
      await page.getByLabel('Token').waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.insertText(await token(stage, 'admin'));
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
      const serial = await serialOf(stage, 'wiki');
      await goTo(visit, `certificates/${serial}`);
      assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'H1');
      const reached = async (name: string): Promise<boolean> => {
        await page.keyboard.press('Tab');
        return (await page.evaluate(() => document.activeElement?.textContent ?? '')) === name;
      };
      let steps = 0;
      while (!(await reached('Revoke…'))) assert.ok(steps++ < 20, 'the button is out of the keyboard’s reach');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor();
      assert.equal(await page.evaluate(() => document.activeElement?.closest('dialog') !== null), true);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Revoke…');
      assert.equal((await stage.authority.find(serial))?.status, 'valid');
      await context.close();
    },
  ],
  [
    'the overview has figures and a chart, and leads on',
    async (world) => {
      await visiting(world, 'admin', async ({ page }) => {
        await page.locator('canvas').waitFor();
        await page.waitForLoadState('networkidle');
        const chart = page.getByRole('img', { name: /certificates issued and \d+ revoked in 30 days/ });
        await chart.waitFor();
        await page.screenshot({ path: world.shot('overview') });
        if (world.picture !== undefined) await page.screenshot({ path: world.picture });
        await chart.hover();
        assert.match(await page.locator('figcaption').innerText(), /^\d+ issued\s+\d+ revoked\s+\d+ \w{3}$/);
        await page.getByRole('link', { name: /orders failed in 7 days/ }).click();
        await page.getByRole('heading', { name: 'Failed orders', level: 1 }).waitFor();
      });
    },
  ],
  [
    'certificates are searched and filtered as one types, and older ones come when asked for',
    async (world) => {
      await visiting(world, 'viewer', async (visit) => {
        const { page } = visit;
        await goTo(visit, 'certificates');
        const rows = page.locator('tbody tr');
        assert.equal(await rows.count(), 50);
        await page.getByRole('button', { name: 'Show older ones' }).click();
        await page.getByText(/^\d\d certificates$/).waitFor();
        assert.ok((await rows.count()) > 60);
        await page.screenshot({ path: world.shot('certificates') });
        await page.getByLabel('Search by name or serial number').fill('GITLAB');
        await page.getByText(/^\d certificates$/).waitFor();
        for (const name of await page.locator('tbody th').allInnerTexts()) assert.match(name, /^gitlab\.corp\.example/);
        await page.getByRole('radio', { name: 'revoked' }).check();
        await page.waitForURL(/status=revoked/);
        await page.getByLabel('Search by name or serial number').fill('nothing of the kind');
        await page.getByText('No certificate fits.').waitFor();
        await page.getByLabel('Search by name or serial number').fill(await serialOf(world.stage, 'vault'));
        await page.getByText('1 certificate', { exact: true }).waitFor();
      });
    },
  ],
  [
    'a certificate is opened: what it says, exact dates at hand, and its PEM',
    async (world) => {
      const serial = await serialOf(world.stage, 'vault');
      await visiting(world, 'viewer', async (visit) => {
        const { page } = visit;
        await goTo(visit, `certificates/${serial}`);
        await page.getByRole('heading', { name: /^vault\.corp\.example/ }).waitFor();
        const ends = page.locator('dl time').last();
        assert.match((await ends.getAttribute('title')) ?? '', /\d{4} at \d\d:\d\d:\d\d/);
        await page.getByRole('button', { name: 'Show' }).click();
        const [shown] = parseCertificates(await page.getByLabel('Certificate, PEM').inputValue());
        assert.equal(shown?.serialNumberHex, serial);
        const download = page.waitForEvent('download');
        await page.getByRole('button', { name: 'Download PEM' }).click();
        assert.equal((await download).suggestedFilename(), 'vault.corp.example.pem');
        await page.screenshot({ path: world.shot('certificate') });
      });
    },
  ],
  [
    'a certificate is revoked, with a reason, and the audit log says by whom',
    async (world) => {
      const { stage } = world;
      const serial = await serialOf(stage, 'registry');
      await visiting(world, 'revoker', async (visit) => {
        const { page } = visit;
        await goTo(visit, `certificates/${serial}`);
        await page.getByRole('button', { name: 'Revoke…' }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Why').selectOption('cessationOfOperation');
        await page.screenshot({ path: world.shot('revoke') });
        await dialog.getByRole('button', { name: 'Revoke' }).click();
        await page.getByText('The service is no more').waitFor();
        assert.equal(await page.getByRole('button', { name: 'Revoke…' }).count(), 0);
        assert.match(await page.getByRole('status').innerText(), /is revoked\.$/);
      });
      const { status, reason } = (await stage.authority.find(serial)) ?? {};
      assert.deepEqual([status, reason], ['revoked', 'cessationOfOperation']);
      const entry = (await listAudit(stage.database)).find(
        ({ action, subject }) => action === 'revoke' && subject === serial,
      );
      assert.equal(entry?.actor, 'operator rita (dashboard)');
    },
  ],
  [
    'a pasted request is looked at, and issued: the chain that one gets verifies',
    async (world) => {
      const { stage } = world;
      await visiting(world, 'issuer', async (visit) => {
        const { page } = visit;
        await goTo(visit, 'issue');
        const issue = page.getByRole('button', { name: 'Issue', exact: true });
        assert.equal(await issue.isDisabled(), true);
        await page.getByLabel('Certification request').fill(await csr(['a.elsewhere.example']));
        assert.match(await page.getByRole('alert').innerText(), /a\.elsewhere\.example.*is in none of the domains/);
        assert.equal(await issue.isDisabled(), true);
        await page.getByLabel('Certification request').fill(await csr(['new.corp.example', '10.1.2.3']));
        await page.getByText('For new.corp.example, 10.1.2.3').waitFor();
        await page.getByLabel('Days').fill('14');
        await page.screenshot({ path: world.shot('issue') });
        await issue.click();
        await page.getByRole('heading', { name: 'Issued' }).waitFor();
        await page.getByRole('button', { name: 'Show' }).click();
        const chain = parseCertificates(await page.getByLabel('Certificate, PEM').inputValue());
        const [leaf, ...intermediates] = chain;
        assert.ok(leaf);
        await verifyCertificate({
          ...{ provider, leaf, intermediates, trust: trustStore([stage.root]), time: stage.clock() },
          ...{ usage: 'serverAuth', name: 'new.corp.example' },
        });
        assert.equal(Math.round((leaf.notAfter.getTime() - Date.now()) / day), 14);
        assert.equal((await stage.authority.find(leaf.serialNumberHex))?.by, 'operator ivan (dashboard)');
        await page.getByRole('link', { name: 'See the certificate' }).click();
        await page.getByRole('heading', { name: 'new.corp.example' }).waitFor();
      });
    },
  ],
  [
    'failed orders say why, and lists how fresh they are',
    async (world) => {
      await visiting(world, 'viewer', async (visit) => {
        const { page } = visit;
        await goTo(visit, 'orders');
        await page.getByText('no connection to 10.0.4.9 at port 80').waitFor();
        assert.equal(await page.locator('li.order').count(), 4);
        await page.screenshot({ path: world.shot('orders') });
        await goTo(visit, 'lists');
        await page.getByRole('heading', { name: 'Corp issuing CA 1 fresh' }).waitFor();
        await page.getByRole('heading', { name: 'Corp root no list yet' }).waitFor();
        await page.screenshot({ path: world.shot('lists') });
        await goTo(visit, 'expiring');
        await page.getByRole('radio', { name: '90 days' }).check();
        await page.locator('tbody tr').nth(20).waitFor();
      });
    },
  ],
  [
    'an admin makes a token that signs in; when it is revoked, who came with it is out',
    async (world) => {
      await visiting(world, 'admin', async (visit) => {
        const { page } = visit;
        await goTo(visit, 'access');
        await page.getByLabel('For whom').fill('eve');
        await page.getByLabel('Role').selectOption('issuer');
        await page.getByRole('button', { name: 'Make it' }).click();
        const secret = await page.locator('.secret code').innerText();
        const guest = await visitor(world.browser);
        await signIn(guest, world.stage.origin, secret);
        await page.getByRole('button', { name: 'Revoke the token of eve' }).click();
        await page.getByRole('row', { name: /^eve issuer revoked/ }).waitFor();
        await guest.page.getByRole('link', { name: 'Expiring' }).click();
        await guest.page.getByRole('heading', { name: 'Sign in' }).waitFor();
        await guest.context.close();
      });
    },
  ],
  [
    'an authority that has done nothing yet says so, page by page; a page that was never built says how it is',
    async ({ browser, empty, unbuilt }) => {
      const visit = await visitor(browser);
      await signIn(visit, empty.origin, await token(empty, 'admin'));
      await goTo(visit, 'certificates?search=zzz');
      await visit.page.getByText('No certificate fits.').waitFor();
      await goTo(visit, 'certificates?status=expired');
      await visit.page.getByText('No certificate fits.').waitFor();
      await goTo(visit, 'orders');
      await visit.page.getByText('No order has failed.').waitFor();
      await goTo(visit, 'certificates/00ff');
      assert.equal(await visit.page.getByRole('alert').innerText(), 'There is no such certificate.');
      assert.deepEqual([visit.violations, visit.errors], [[], []]);
      await visit.page.goto(`${unbuilt.origin}/admin/`);
      assert.match(await visit.page.locator('pre').innerText(), /^npm run dashboard$/);
      await visit.context.close();
    },
  ],
];

export const scenarios: readonly Scenario[] = [...own, ...byCertificate, ...hostile, ...accessible];
