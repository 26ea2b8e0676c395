/**
 * Who may not: a viewer who writes, another host's name, another site's page, a script that was put in.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { goTo, signIn, type Visitor, visitor } from './browser.ts';
import { type Scenario, token, visiting, type World } from './scenarios.ts';

export const hostile: readonly Scenario[] = [
  [
    'a viewer sees no button that writes, and the API refuses him',
    async (world) => {
      const { stage } = world;
      const [record] = await stage.authority.list({ search: 'ldap', status: 'valid', limit: 1 });
      assert.ok(record);
      const before = (await stage.authority.list({ limit: 1000 })).length;
      await visiting(world, 'viewer', async (visit) => {
        const { page } = visit;
        await goTo(visit, `certificates/${record.serial}`);
        await page.getByRole('heading', { level: 1, name: /^ldap/ }).waitFor();
        assert.equal(await page.getByRole('button', { name: /revoke/i }).count(), 0);
        for (const name of ['Issue', 'Access'])
          assert.equal(await page.getByRole('link', { name, exact: true }).count(), 0);
        await goTo(visit, 'certificates');
        assert.equal(await page.getByRole('link', { name: 'Issue a certificate' }).count(), 0);
        await goTo(visit, 'issue');
        await page.getByText('Your role may not issue.').waitFor();
        await goTo(visit, 'access');
        await page.getByText('Tokens are made by admins.').waitFor();
        const codes = await page.evaluate(async (serial) => {
          const { csrf } = await (await fetch('/admin/api/me')).json();
          const headers = { 'content-type': 'application/json', 'x-csrf-token': csrf };
          const post = async (path: string, body: object): Promise<string> =>
            (await (await fetch(`/admin/api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json())
              .code;
          return [
            await post(`certificates/${serial}/revocation`, {}),
            await post('certificates', { csr: '-----BEGIN' }),
            await post('requests', { csr: '-----BEGIN' }),
            await post('tokens', { who: 'eve', role: 'admin' }),
          ];
        }, record.serial);
        assert.deepEqual(codes, ['forbidden', 'forbidden', 'forbidden', 'forbidden']);
      });
      assert.equal((await stage.authority.find(record.serial))?.status, 'valid');
      assert.equal((await stage.authority.list({ limit: 1000 })).length, before);
    },
  ],
  [
    'by another name the dashboard is not there',
    async ({ browser, stage }) => {
      const { page, context } = await visitor(browser);
      // It leads to this machine all the same.
      const answer = await page.goto(`https://rebound.localhost:${stage.port}/admin/`);
      assert.equal(answer?.status(), 421);
      assert.match(await page.locator('body').innerText(), /"code":"wrong_host"/);
      await context.close();
    },
  ],
  [
    'a page of another origin writes nothing, whoever has signed in',
    async (world) => {
      const { stage } = world;
      const [record] = await stage.authority.list({ search: 'ldap', status: 'valid', limit: 1 });
      assert.ok(record);
      const target = `${stage.origin}/admin/api/certificates/${record.serial}/revocation`;
      const { page, context } = await attacked(world);
      // The first is the same site by a browser's reckoning, so that it sends the cookie: a cookie alone is good for nothing.
      for (const [origin, status] of [
        ['https://localhost:1', 403],
        ['https://evil.example', 401],
      ] as const) {
        await page.goto(`${origin}/`);
        for (const contentType of ['text/plain', 'application/json']) {
          assert.equal(await page.evaluate(send, { target, contentType }), 'refused', `${origin} ${contentType}`);
        }
        const answer = page.waitForResponse(
          (response) => response.url() === target && response.request().isNavigationRequest(),
        );
        const arrived = page.waitForURL(target);
        await page.evaluate((action) => {
          const form = document.body.appendChild(document.createElement('form'));
          form.method = 'post';
          form.action = action;
          form.submit();
        }, target);
        await arrived;
        assert.equal((await answer).status(), status, origin);
      }
      assert.equal((await stage.authority.find(record.serial))?.status, 'valid');
      // Who comes back is signed in still.
      await page.goto(`${stage.origin}/admin/`);
      await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
      await context.close();
    },
  ],
  [
    'what is put into the page does not run, and cannot send anything away',
    async ({ browser, stage }) => {
      const { page, context, violations } = await visitor(browser);
      await page.goto(`${stage.origin}/admin/`);
      await page.getByRole('heading', { name: 'Sign in' }).waitFor();
      assert.equal(violations.length, 0);
      const ran = await page.evaluate(async () => {
        const script = document.createElement('script');
        script.textContent = 'globalThis.ran = true';
        document.body.append(script);
        const image = new Image();
        image.src = 'https://127.0.0.1:1/leak';
        document.body.append(image);
        document.body.insertAdjacentHTML('beforeend', '<p style="color: red" onclick="ran = true">');
        await fetch('https://127.0.0.1:1/leak').catch(() => undefined);
        return 'ran' in globalThis;
      });
      assert.equal(ran, false);
      await page.waitForFunction(() => true);
      const directives = [...new Set(violations.map((what) => what.split(' ', 1)[0]))].sort();
      assert.deepEqual(directives, ['connect-src', 'img-src', 'script-src-attr', 'script-src-elem', 'style-src-attr']);
      await context.close();
    },
  ],
];

/** An admin who has signed in, in a browser that knows two more origins. */
async function attacked({ browser, stage }: World): Promise<Visitor> {
  const visit = await visitor(browser);
  await signIn(visit, stage.origin, await token(stage, 'admin'));
  await visit.context.route(/^https:\/\/(localhost:1|evil\.example)\//, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<p>hello' }),
  );
  return visit;
}

/** In the page: without asking first where that can be. */
async function send({ target, contentType }: { target: string; contentType: string }): Promise<string> {
  const mode = contentType === 'text/plain' ? 'no-cors' : 'cors';
  const headers = { 'content-type': contentType };
  return await fetch(target, { method: 'POST', credentials: 'include', body: '{}', headers, mode }).then(
    ({ type }) => type,
    () => 'refused',
  );
}
