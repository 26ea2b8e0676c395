import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, describe, test } from 'node:test';
import { type Session, start } from '../support/io.ts';
import { Place } from './support.ts';

const place = new Place();
let root: string;
let firstToken: unknown;
before(async () => {
  const [made] = await place.json('init', '--dev');
  firstToken = made?.dashboardToken;
  root = readFileSync(place.path('ca', 'root.pem'), 'utf8');
});
after(() => place.remove());

const sessions: Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) {
    session.interrupt.abort();
    await session.exitCode;
  }
});

describe('ca admin', () => {
  test('makes tokens, lists them, and takes them back', async () => {
    const { stdout } = await place.ca('admin', 'token', 'alice', '--role', 'revoker', '--ttl', '7d');
    assert.match(
      stdout.text,
      /^A token for the dashboard, shown this once\n {2}Token +hfa_\S+\n {2}For +alice, revoker, until .*\n {2}At +https:\/\/localhost:8555\/admin\/\n$/,
    );
    const [newest, first] = await place.json('admin', 'list');
    assert.deepEqual([newest?.who, newest?.role, newest?.status], ['alice', 'revoker', 'active']);
    assert.deepEqual([first?.role, first?.status], ['admin', 'active']);
    await place.json('admin', 'revoke', String(newest?.id));
    const lines = (await place.ca('admin', 'list')).stdout.text.split('\n');
    assert.match(lines[1] ?? '', /^\S+ +revoker +revoked +operator \S.* +alice$/);
    assert.deepEqual(await place.refusal('admin', 'revoke', String(newest?.id)), {
      exitCode: 2,
      message: `the admin token ${newest?.id} is revoked already`,
      hint: null,
    });
    const { message } = await place.refusal('admin', 'token', 'bob', '--ttl', 'soon');
    assert.equal(message, '--ttl "soon" is no time');
  });
});

/** The dashboard of a running server. */
async function dashboard(...argv: readonly string[]): Promise<URL> {
  const at = ['--port', '0', '--http-port', '0', '--dir', place.dir];
  const session = start(['ca', 'serve', '--dev', '--json', ...at, ...argv]);
  sessions.push(session);
  const [line] = await session.stderr.match(/^\{"event":"listening".*$/m);
  const { dashboard: url, directory } = JSON.parse(line) as { dashboard?: string; directory: string };
  return new URL(url ?? new URL('/admin/', directory));
}

async function asked(
  url: URL,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number | undefined; headers: Readonly<Record<string, unknown>>; body: string }> {
  const { method = 'GET', headers = {}, body } = options;
  return await new Promise((resolve, reject) => {
    request(url, { method, headers, ca: root, agent: false }, async (response) => {
      const { statusCode: status, headers } = response;
      resolve({ status, headers, body: await text(response) });
    })
      .on('error', reject)
      .end(body);
  });
}

describe('the dashboard of ca serve', () => {
  test('lets in who has a token, and nobody else', async () => {
    const url = await dashboard();
    const page = await asked(url);
    assert.equal(page.status, 200);
    assert.match(String(page.headers['content-security-policy']), /^default-src 'none'; /);
    const api = new URL('api/me', url);
    assert.equal((await asked(new URL('api/overview', url))).status, 401);
    const headers = { 'content-type': 'application/json', origin: url.origin };
    const signIn = { method: 'POST', headers, body: JSON.stringify({ token: firstToken }) };
    const { status, headers: given } = await asked(new URL('api/session', url), signIn);
    assert.equal(status, 201);
    const cookie = String(given['set-cookie']).split(';', 1)[0] ?? '';
    const { body } = await asked(api, { headers: { cookie } });
    assert.equal(JSON.parse(body).role, 'admin');
  });

  test('is not there where it is told so', async () => {
    assert.equal((await asked(await dashboard('--dashboard', 'off'))).status, 404);
  });
});
