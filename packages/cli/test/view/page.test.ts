/**
 * Who gets the page: whoever opens an address that was printed, once, and nobody else, however they ask.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { browserCommand } from '../../src/view/browser.ts';
import { ask, makePlace, type Place, startView, type Viewer } from './support.ts';

let place: Place;
let viewer: Viewer;
let base: URL;
let cookie: string;

before(async () => {
  place = makePlace();
  viewer = startView(place);
  ({ base, cookie } = await viewer.enter());
});
after(async () => {
  assert.equal(await viewer.end(), 0);
  place.remove();
});

const at = (path: string): URL => new URL(path, base);

describe('the address', () => {
  it('opens once, for a cookie that scripts and other sites do not get', async () => {
    viewer.stdin.write('\n');
    await viewer.stdout.match(/token=.*\n.*token=/);
    const fresh = new URL(viewer.stdout.lines.at(-1) ?? '');
    const first = await ask(fresh);
    assert.deepEqual([first.status, first.headers.location], [303, '/#live']);
    assert.match(
      first.headers['set-cookie']?.[0] ?? '',
      /^handfast-view-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/,
    );
    const second = await ask(fresh);
    assert.equal(second.status, 403);
    assert.equal(second.headers['set-cookie'], undefined);
    assert.match(second.body, /An address opens once: for another, press Enter/);
    await viewer.stderr.match(/warning: an address was opened a second time/);
  });

  it('that was opened leads who has the cookie to the page', async () => {
    const { status, headers } = await ask(await viewer.url(), { cookie });
    assert.deepEqual([status, headers.location, headers['set-cookie']], [303, '/#live', undefined]);
  });

  it('does not open with another token, and that is no reason to warn', async () => {
    const before = viewer.stderr.text;
    for (const token of ['', 'x', 'A'.repeat(43)]) assert.equal((await ask(at(`/?token=${token}`))).status, 403);
    assert.equal(viewer.stderr.text, before);
  });
});

describe('the page', () => {
  it('is what was built, with headers that keep everything else out', async () => {
    const { status, headers, body } = await ask(at('/'), { cookie });
    assert.equal(status, 200);
    assert.match(body, /the page/);
    assert.deepEqual(
      [
        'content-type',
        'cache-control',
        'content-security-policy',
        'cross-origin-opener-policy',
        'cross-origin-resource-policy',
        'referrer-policy',
        'x-content-type-options',
        'x-frame-options',
      ].map((name) => headers[name]),
      [
        'text/html; charset=utf-8',
        'no-store',
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'same-origin',
        'same-origin',
        'no-referrer',
        'nosniff',
        'DENY',
      ],
    );
    assert.equal((await ask(at('/page.js'), { cookie })).headers['content-type'], 'text/javascript; charset=utf-8');
  });

  it('is for the cookie alone: its files and what happens, too', async () => {
    const wrong = `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'B' : 'A'}`;
    for (const given of [{}, { cookie: wrong }, { cookie: cookie.replace(/-\d+=/, '=') }, { cookie: `x${cookie}` }]) {
      for (const path of ['/', '/page.js', '/live', '/nothing']) {
        const { status, body, headers } = await ask(at(path), given);
        assert.deepEqual([status, headers['content-type']], [403, 'text/plain; charset=utf-8']);
        assert.match(body, /whoever has started handfast view/);
      }
    }
    assert.equal((await ask(at('/'), { cookie: `other=1; ${cookie}; more=2` })).status, 200);
  });

  it('is reached by the names of this machine alone', async () => {
    const { port } = base;
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
      assert.equal((await ask(at('/'), { cookie, host })).status, 200, host);
    }
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1',
      `127.0.0.1:${Number(port) + 1}`,
      `localhost.:${port}`,
      `[::1]:${port}`,
    ]) {
      const { status, body } = await ask(at('/'), { cookie, host });
      assert.equal(status, 403, host);
      assert.match(body, /goes by the name of 127\.0\.0\.1/);
    }
  });

  it('is nothing for other pages, whatever they send', async () => {
    const { port } = base;
    const others = [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: `http://127.0.0.1:${Number(port) + 1}` },
      { origin: `https://127.0.0.1:${port}` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of others) {
      for (const path of ['/', '/live']) {
        const { status, body } = await ask(at(path), { cookie, ...headers });
        assert.equal(status, 403, JSON.stringify(headers));
        assert.match(body, /Another page/);
      }
    }
    for (const headers of [
      { origin: base.origin },
      { 'sec-fetch-site': 'same-origin' },
      { 'sec-fetch-site': 'none' },
    ]) {
      assert.equal((await ask(at('/'), { cookie, ...headers })).status, 200, JSON.stringify(headers));
    }
  });

  it('is read, and nothing else is done with it', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
      const { status, headers } = await ask(at('/'), { cookie }, method);
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD'], method);
    }
    const { status, body, headers } = await ask(at('/'), { cookie }, 'HEAD');
    assert.deepEqual([status, body, Number(headers['content-length']) > 0], [200, '', true]);
    const live = await ask(at('/live'), { cookie }, 'HEAD');
    assert.deepEqual([live.status, live.headers['content-type']], [200, 'text/event-stream; charset=utf-8']);
  });

  it('has no way out of its folder, nor to what is no part of a page', async () => {
    const ways = [
      '/../view.sock',
      '/..%2fview.sock',
      '/%2e%2e/etc/passwd',
      '//etc/passwd',
      '/secret.key',
      '/index.html/',
      '/./page.js',
    ];
    for (const path of ways) assert.equal((await ask(base, { cookie }, 'GET', path)).status, 404, path);
    assert.equal((await ask(base, { cookie }, 'GET', 'http://evil.example/')).status, 400);
  });

  it('is not for who names two hosts', async () => {
    const socket = connect(Number(base.port), '127.0.0.1');
    const host = `127.0.0.1:${base.port}`;
    socket.end(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: evil.example\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`,
    );
    assert.match(await text(socket), /^HTTP\/1\.1 40[03] /);
  });
});

describe('handfast view', () => {
  it('prints a line of JSON where that is asked for', async () => {
    const other = makePlace();
    const json = startView(other, { json: true });
    await json.url();
    assert.deepEqual(Object.keys(json.stdout.values[0] ?? {}), ['url']);
    assert.equal(json.stderr.text, '');
    await json.end();
    other.remove();
  });

  it('says how the page is built, where it is not', async () => {
    const other = makePlace();
    await assert.rejects(startView({ ...other, site: pathToFileURL(join(other.folder, 'nothing/')) }).exitCode, {
      message: 'the page is not built',
      hint: 'npm run viewer builds it, in the folder of the sources',
      exitCode: 1,
    });
    other.remove();
  });

  it('opens the page by what the system has for it, and where there is no screen, not', () => {
    const url = 'http://127.0.0.1:1/?token=x';
    assert.deepEqual(browserCommand(url, 'darwin', {}), ['open', url]);
    assert.deepEqual(browserCommand(url, 'win32', {}), ['cmd.exe', '/d', '/c', 'start', '', url]);
    assert.deepEqual(browserCommand(url, 'linux', { DISPLAY: ':0' }), ['xdg-open', url]);
    assert.deepEqual(browserCommand(url, 'linux', { WAYLAND_DISPLAY: 'wayland-0' }), ['xdg-open', url]);
    assert.equal(browserCommand(url, 'linux', {}), undefined);
  });

  it('gives the browser the address that it prints, and goes on where there is no browser', async () => {
    const other = makePlace();
    const said = join(other.folder, 'said');
    writeFileSync(
      join(other.folder, 'xdg-open'),
      `#!/bin/sh\nprintf %s "$1" > '${said}.part'; mv '${said}.part' '${said}'\n`,
    );
    chmodSync(join(other.folder, 'xdg-open'), 0o700);
    const PATH = `${other.folder}:${process.env.PATH}`;
    const opened = startView({ ...other, env: { ...other.env, DISPLAY: ':0', PATH } }, { open: true });
    const url = (await opened.url()).href;
    while (!existsSync(said)) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(readFileSync(said, 'utf8'), url);
    await opened.end();
    const none = startView({ ...other, env: { ...other.env, DISPLAY: ':0', PATH: '/nowhere' } }, { open: true });
    await none.url();
    assert.equal(await none.end(), 0);
    other.remove();
  });
});
