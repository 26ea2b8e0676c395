import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readAdminPage } from '../../src/index.ts';
import { assertProblem, dashboard, issued, origin, signingIn } from './support.ts';

test('a Host that is not the dashboard’s is answered with nothing, whatever is asked for', async (t) => {
  const { ask, token } = await dashboard(t, {}, { hosts: ['localhost', 'CA.example.test'] });
  for (const path of ['/admin/', '/admin/api/me', '/admin/api/certificates']) {
    for (const host of ['evil.test', 'localhost.evil.test', '127.0.0.1', 'user@evil.test', '']) {
      assertProblem(await ask(path, { headers: { host } }), 'wrong_host', 421);
    }
  }
  assertProblem(
    await ask('/admin/api/session', signingIn(await token('admin'), { host: 'evil.test' })),
    'wrong_host',
    421,
  );
  for (const host of ['localhost', 'LOCALHOST:1234', 'ca.example.test:8555']) {
    assert.equal((await ask('/admin/', { headers: { host } })).status, 200, host);
  }
});

test('a write comes from the page itself, with its session’s CSRF token', async (t) => {
  const board = await dashboard(t);
  const { signIn, authority, ask, token } = board;
  const { serialNumberHex } = await issued(board, 'a.example.test');
  const visit = await signIn('admin');
  const other = await signIn('admin');
  const revoke = (headers: Readonly<Record<string, string>>) =>
    visit.send('POST', `certificates/${serialNumberHex}/revocation`, {}, headers);
  for (const wrong of ['https://evil.test', 'https://localhost', 'http://localhost:8555', 'null', '']) {
    assertProblem(await revoke({ origin: wrong }), 'wrong_origin', 403);
    assertProblem(
      await ask('/admin/api/session', signingIn(await token('viewer'), { origin: wrong })),
      'wrong_origin',
      403,
    );
  }
  for (const site of ['cross-site', 'same-site', 'none']) {
    assertProblem(await revoke({ 'sec-fetch-site': site }), 'wrong_origin', 403);
  }
  for (const csrf of ['', other.csrf, `${visit.csrf}x`])
    assertProblem(await revoke({ 'x-csrf-token': csrf }), 'wrong_csrf', 403);
  assertProblem(await revoke({ 'content-type': 'text/plain' }), 'unsupported_type', 415);
  assert.equal((await authority.find(serialNumberHex))?.status, 'valid');
  assert.equal((await revoke({ 'sec-fetch-site': 'same-origin' })).status, 201);
});

test('every answer forbids what is inline, framing, keeping and guessing of types', async (t) => {
  const { ask } = await dashboard(t);
  const answers = [
    await ask('/admin/'),
    await ask('/admin'),
    await ask('/admin/api/me'),
    await ask('/admin/api/none'),
    await ask('/admin/', { headers: { host: 'evil.test' } }),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 308, 200, 401, 421],
  );
  for (const { headers } of answers) {
    assert.equal(
      headers.get('content-security-policy'),
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    );
    assert.deepEqual(
      ['cache-control', 'x-content-type-options', 'referrer-policy', 'x-frame-options'].map((name) =>
        headers.get(name),
      ),
      ['no-store', 'nosniff', 'no-referrer', 'DENY'],
    );
  }
});

test('requests are bounded, and JSON objects', async (t) => {
  const { ask, signIn } = await dashboard(t);
  const body = JSON.stringify({ token: 'x'.repeat(70_000) });
  assertProblem(await ask('/admin/api/session', { ...signingIn(''), body }), 'too_large', 413);
  for (const text of ['', '{', '"a"', 'null', '7']) {
    assertProblem(await ask('/admin/api/session', { ...signingIn(''), body: text }), 'bad_request', 400);
  }
  const visit = await signIn('admin');
  assertProblem(await visit.send('PUT', 'certificates', {}), 'method_not_allowed', 405);
  assertProblem(await visit.send('DELETE', 'certificates', {}), 'method_not_allowed', 405);
  assertProblem(await visit.get('nothing'), 'not_found', 404);
  const refused = await ask('/admin/', { method: 'POST', headers: { origin } });
  assertProblem(refused, 'method_not_allowed', 405);
  assert.equal(refused.headers.get('allow'), 'GET, HEAD');
});

test('the page is what was built, and nothing beside it; unbuilt it says how that is done', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'handfast-page-'));
  t.after(() => rm(folder, { recursive: true }));
  const at = pathToFileURL(`${folder}/`);
  assert.equal(await readAdminPage(at), undefined);
  assert.equal(await readAdminPage(new URL('none/', at)), undefined);
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<title>built</title>');
  await writeFile(join(folder, 'assets', 'a.js'), '1');
  await writeFile(join(folder, 'assets', 'a.map'), '{}');
  const { ask } = await dashboard(t, {}, { page: await readAdminPage(at) });
  const found = await ask('/admin/assets/a.js');
  assert.deepEqual([found.text, found.headers.get('content-type')], ['1', 'text/javascript; charset=utf-8']);
  assert.equal((await ask('/admin/')).text, '<title>built</title>');
  assert.equal((await ask('/admin/', { method: 'HEAD' })).text, '');
  for (const path of [
    'assets/a.map',
    'assets/',
    '../package.json',
    '%2e%2e/package.json',
    'assets/%2e%2e/index.html/',
  ]) {
    assert.ok([404, 421].includes((await ask(`/admin/${path}`)).status), path);
  }
  const unbuilt = await dashboard(t);
  assert.match((await unbuilt.ask('/admin/')).text, /<pre>npm run dashboard<\/pre>/);
  assertProblem(await unbuilt.ask('/admin/assets/a.js'), 'not_found', 404);
});

test('what goes wrong inside is a problem document without its words, and the log has them; a log that fails changes nothing', async (t) => {
  const { ask, signIn, events, authority } = await dashboard(t);
  const visit = await signIn('viewer');
  const broken = Object.assign(authority, { list: () => Promise.reject(new Error('disk 7 is on fire')) });
  const answer = await visit.get('certificates');
  assertProblem(answer, 'server_error', 500);
  assert.equal(answer.text.includes('fire'), false);
  const last = events.at(-1);
  assert.equal(last?.event === 'error' && last.error instanceof Error && last.error.message, 'disk 7 is on fire');
  assert.ok(broken);
  const deaf = await dashboard(t, {}, { log: () => assert.fail('no log') });
  assert.equal((await deaf.ask('/admin/api/session', signingIn(await deaf.token('viewer')))).status, 201);
  assertProblem(await ask('/admin/api/orders'), 'signed_out', 401);
});
