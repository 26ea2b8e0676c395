/**
 * Who signs in with a client certificate, and who does not: Chromium shows it by its own TLS, out of the store that its user has put it
 * into, to `handfast ca serve`.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { goTo, launchIn, type Visitor, visitor } from './browser.ts';
import { type CommandCa, roles } from './command-ca.ts';
import type { Scenario } from './scenarios.ts';

const run = promisify(execFile);

/** The browser of somebody with a home, in whose store are the CA's root and his certificate. */
async function arriving(ca: CommandCa, name: string): Promise<Visitor> {
  await mkdir(dirname(ca.folderOf(name)), { recursive: true });
  const home = await mkdtemp(ca.folderOf(name));
  const store = join(home, '.pki', 'nssdb');
  await mkdir(store, { recursive: true });
  const database = `sql:${store}`;
  const { file, password } = ca.p12(name);
  await run('certutil', ['-N', '-d', database, '--empty-password']);
  await run('certutil', ['-A', '-d', database, '-t', 'C,,', '-n', 'root', '-i', ca.root]);
  await run('pk12util', ['-i', file, '-d', database, '-W', password, '-K', '']);

  // Chromium asks its user which certificate to show, but where he has said so before.
  const setting = { filters: [{}] };
  const exceptions = { auto_select_certificate: { [`${ca.origin},*`]: { setting } } };
  const profile = join(home, 'profile');
  await mkdir(join(profile, 'Default'), { recursive: true });
  await writeFile(
    join(profile, 'Default', 'Preferences'),
    JSON.stringify({ profile: { content_settings: { exceptions } } }),
  );
  return await launchIn(profile, home);
}

/** Somebody's visit, from his arrival until he goes. */
async function visiting(ca: CommandCa, name: string, work: (visit: Visitor) => Promise<void>): Promise<void> {
  const visit = await arriving(ca, name);
  try {
    await visit.page.goto(`${ca.origin}/admin/`);
    await visit.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await work(visit);
    await visit.page.waitForLoadState('networkidle');
    assert.deepEqual([visit.violations, visit.errors], [[], []]);
  } finally {
    await visit.context.close();
  }
}

async function goOn({ page }: Visitor, name: string, heading: string | RegExp = 'Overview'): Promise<void> {
  await page.getByRole('button', { name: `Continue as ${name}@corp.test (${roles[name]})` }).click();
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
}

const reading = ['Overview', 'Certificates', 'Expiring', 'Failed orders', 'CRLs and OCSP'];

/** What is there for somebody, and what the API answers when he writes what makes no sense: those who may not hear nothing of that. */
const rights: Readonly<Record<string, { readonly pages: readonly string[]; readonly codes: readonly string[] }>> = {
  vera: { pages: reading, codes: ['forbidden', 'forbidden', 'forbidden'] },
  ivan: { pages: [...reading, 'Issue'], codes: ['forbidden', 'bad_csr', 'forbidden'] },
  rita: { pages: reading, codes: ['not_found', 'forbidden', 'forbidden'] },
  alice: { pages: [...reading, 'Issue', 'Access'], codes: ['not_found', 'bad_csr', 'bad_request'] },
};

/** Sent by the page itself, with all that a write needs. */
function codesOfWrites({ page }: Visitor): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const { csrf } = await (await fetch('/admin/api/me')).json();
    const headers = { 'content-type': 'application/json', 'x-csrf-token': csrf };
    const post = async (path: string, body: object): Promise<string> =>
      (await (await fetch(`/admin/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json()).code;
    return [
      await post('certificates/00ff/revocation', {}),
      await post('requests', { csr: '-----BEGIN' }),
      await post('tokens', { who: 'eve', role: 'nobody' }),
    ];
  });
}

const signingInAs = Object.entries(rights).map(
  ([name, { pages, codes }]): Scenario => [
    `a client certificate signs ${name} in as ${roles[name]}, with what that role may and no more`,
    async ({ ca }) => {
      await visiting(ca, name, async (visit) => {
        const { page } = visit;
        await goOn(visit, name);
        assert.deepEqual(await page.getByRole('navigation').getByRole('link').allInnerTexts(), pages);
        const found = await page.evaluate(async () => (await fetch('/admin/api/certificates?search=nora')).json());
        await goTo(visit, `certificates/${found.certificates[0].serial}`);
        await page.getByRole('heading', { level: 1, name: /^nora/ }).waitFor();
        assert.equal(await page.getByRole('button', { name: 'Revoke…' }).count(), codes[0] === 'forbidden' ? 0 : 1);
        assert.deepEqual(await codesOfWrites(visit), codes);
        await page.reload();
        await page.getByRole('heading', { level: 1, name: /^nora/ }).waitFor();
        // Who goes may come back, to where he was.
        await page.getByRole('button', { name: 'Sign out' }).click();
        await goOn(visit, name, /^nora/);
      });
    },
  ],
);

async function refusalOf({ page }: Visitor): Promise<readonly string[]> {
  const [said = '', hint = ''] = await page.getByRole('alert').locator('p').allInnerTexts();
  assert.equal(await page.getByRole('button', { name: /Continue/ }).count(), 0);
  const answer = await page.evaluate(async () => {
    const headers = { 'content-type': 'application/json' };
    return await (await fetch('/admin/api/session', { method: 'POST', headers, body: '{}' })).json();
  });
  assert.deepEqual([answer.status, answer.code], [401, 'signed_out']);
  return [said, hint];
}

const another = 'Another one (handfast ca issue NAME --client) signs in, and so does a token.';

export const byCertificate: readonly Scenario[] = [
  ...signingInAs,
  [
    'a client certificate without a role signs nobody in, and the page says why; a token does all the same',
    async ({ ca, shot }) => {
      await visiting(ca, 'nora', async (visit) => {
        const { page } = visit;
        assert.deepEqual(await refusalOf(visit), [
          'The certificate of nora@corp.test has no role here.',
          '"dashboard" in config.json of the CA gives names a role.',
        ]);
        await page.screenshot({ path: shot('no-role') });
        const { token = '' } = await ca.handfast('admin', 'token', 'nora', '--role', 'viewer');
        await page.getByLabel('Token').fill(token);
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
      });
    },
  ],
  [
    'a client certificate that an admin revokes is out at once, told why, and signs in no more',
    async ({ ca }) => {
      const refusal = ['The certificate of rita@corp.test is revoked.', another];
      await visiting(ca, 'rita', async (rita) => {
        await goOn(rita, 'rita');
        await visiting(ca, 'alice', async (alice) => {
          const { page } = alice;
          await goOn(alice, 'alice');
          await goTo(alice, 'certificates?search=rita');
          await page.getByRole('row', { name: /rita/ }).getByRole('link').click();
          await page.getByRole('button', { name: 'Revoke…' }).click();
          await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
          await page.getByRole('status').filter({ hasText: 'is revoked.' }).waitFor();
        });
        await rita.page.getByRole('link', { name: 'Expiring' }).click();
        await rita.page.getByRole('heading', { name: 'Sign in' }).waitFor();
        assert.deepEqual(await refusalOf(rita), refusal);
      });
      await visiting(ca, 'rita', async (rita) => assert.deepEqual(await refusalOf(rita), refusal));
    },
  ],
  [
    'a client certificate that has ended is not shown by Chromium; one that is shown all the same is refused in words',
    async ({ ca, browser }) => {
      await visiting(ca, 'eve', async ({ page }) => {
        assert.equal(await page.getByRole('alert').count(), 0);
        assert.equal(await page.getByRole('button', { name: /Continue/ }).count(), 0);
      });
      // Playwright goes between browser and server, and shows whatever it is given.
      const { file: pfxPath, password: passphrase } = ca.p12('eve');
      const shown = await visitor(browser, { clientCertificates: [{ origin: ca.origin, pfxPath, passphrase }] });
      await shown.page.goto(`${ca.origin}/admin/`);
      await shown.page.getByRole('heading', { name: 'Sign in' }).waitFor();
      const [said = '', hint] = await refusalOf(shown);
      assert.match(said, /^The certificate of eve@corp\.test ended at \d{4}-\d\d-\d\dT\d\d:\d\dZ\.$/);
      assert.equal(hint, another);
      await shown.context.close();
    },
  ],
];
