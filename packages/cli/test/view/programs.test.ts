/**
 * From programs to pages: what `handfast connect` and `handfast serve` do is seen as it happens, and what cannot be read costs nobody
 * but who sent it.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { after, before, describe, it } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { clientConfig, serverConfig, tls13, tlsClient, tlsServer } from '@handfast/tls';
import { streamer } from '@handfast/tls/live';
import { type LiveEvent, maxLiveLine, type Part } from '@handfast/viewer';
import { trustStore } from '@handfast/x509';
import { finish, start } from '../support/io.ts';
import { makePki, type Pki } from '../support/pki.ts';
import { isPipe, listen, makePlace, type Page, type Place, startView, type Viewer } from './support.ts';

let pki: Pki;
before(async () => {
  pki = await makePki();
});
after(() => pki.remove());

interface Stage {
  readonly place: Place;
  readonly viewer: Viewer;
  readonly base: URL;
  readonly cookie: string;
  readonly page: Page;
}

async function stage(): Promise<Stage> {
  const place = makePlace();
  const viewer = startView(place);
  const { base, cookie } = await viewer.enter();
  const page = await listen(base, cookie);
  after(async () => {
    page.close();
    await viewer.end();
    place.remove();
  });
  return { place, viewer, base, cookie, page };
}

/** A program that says what a test has it say. */
async function program({ place }: Stage, name = 'a program'): Promise<Socket> {
  const socket = connect(place.socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`${JSON.stringify({ live: 1, program: name, pid: 7 })}\n`);
  return socket;
}

const line = (value: object): string => `${JSON.stringify(value)}\n`;
const begins = { role: 'client', started: '2026-11-22T12:00:00.000000Z' } as const;
const parts = (events: readonly LiveEvent[]): readonly Part[] => events.filter((event) => event.kind === 'part');
const ends = (events: readonly LiveEvent[]): number => parts(events).filter(({ ended }) => ended).length;

/** `serve` and `connect`, that say a word to each other and part. */
async function conversation({ place }: Stage, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const own = { ...place.env, ...env };
  const identity = ['--cert', pki.path('server.pem'), '--key', pki.path('server-key.pem')];
  const server = start(['serve', '0', '--echo', ...identity], own);
  const [, port] = await server.stderr.match(/localhost:(\d+)/);
  const client = await finish(['connect', `localhost:${port}`, '--ca', pki.path('ca.pem')], 'the password', own);
  assert.deepEqual([client.exitCode, client.stdout.text], [0, 'the password']);
  server.interrupt.abort();
  assert.equal(await server.exitCode, 0);
}

describe('handfast connect and handfast serve', () => {
  it('are seen, both, from their ClientHello to their end, without what is secret', async () => {
    const scene = await stage();
    const { page } = scene;
    await conversation(scene);
    await page.until((events) => ends(events) === 2);
    assert.deepEqual(page.events.flatMap((event) => (event.kind === 'program' ? [event.name] : [])).sort(), [
      'handfast connect',
      'handfast serve',
    ]);
    for (const role of ['client', 'server'] as const) {
      const first = parts(page.events).find((part) => part.begins?.role === role);
      assert.ok(first);
      const program = 'program' in first ? first.program : undefined;
      const own = page.events.filter((event) => event.kind === 'part' && event.program === program) as readonly Part[];
      assert.equal(own.find(({ negotiated }) => negotiated)?.negotiated?.version, 'TLS 1.3');
      const hellos = own.flatMap(({ events = [] }) =>
        events.filter((event) => 'name' in event && event.name === 'client_hello'),
      );
      assert.equal(hellos.length, 1);
    }
    assert.match(
      parts(page.events).find((part) => part.begins?.role === 'client')?.begins?.target ?? '',
      /^localhost:\d+$/,
    );
    const text = JSON.stringify(page.events);
    assert.doesNotMatch(text, /_SECRET|"keyLog"|"data"/);
    assert.equal(text.includes(Buffer.from('the password').toString('base64')), false);
  });

  it('show their keys and data with HANDFAST_VIEW_SECRETS=1', async () => {
    const scene = await stage();
    await conversation(scene, { HANDFAST_VIEW_SECRETS: '1' });
    await scene.page.until((events) => ends(events) === 2);
    const text = JSON.stringify(scene.page.events);
    assert.match(text, /SERVER_TRAFFIC_SECRET_0 /);
    assert.ok(text.includes(Buffer.from('the password').toString('base64')));
  });

  it('are seen by a page that opens later, and not twice by one that comes back', async () => {
    const scene = await stage();
    await conversation(scene);
    await scene.page.until((events) => ends(events) === 2);
    const late = await listen(scene.base, scene.cookie);
    await late.until((events) => ends(events) === 2);
    assert.deepEqual(late.events, scene.page.events.slice(0, late.events.length));
    const last = late.last();
    late.close();
    const back = await listen(scene.base, scene.cookie, last);
    const socket = await program(scene, 'the next');
    await back.until((events) => events.some((event) => event.kind === 'program' && event.name === 'the next'));
    assert.deepEqual(parts(back.events), []);
    socket.destroy();
    back.close();
  });

  it('show a refusal, and why', async () => {
    const scene = await stage();
    const identity = ['--cert', pki.path('expired.pem'), '--key', pki.path('expired-key.pem')];
    const server = start(['serve', '0', '--echo', ...identity], scene.place.env);
    const [, port] = await server.stderr.match(/localhost:(\d+)/);
    const client = await finish(['connect', `localhost:${port}`, '--ca', pki.path('ca.pem')], '', scene.place.env);
    assert.equal(client.exitCode, 5);
    await scene.page.until((events) => ends(events) === 2);
    const codes = parts(scene.page.events).flatMap(({ error }) => (error ? [error.code] : []));
    assert.deepEqual(codes.sort(), ['certificate_expired', 'peer_alert']);
    server.interrupt.abort();
    await server.exitCode;
  });

  it('are shown soon (how soon is printed)', async (test) => {
    const scene = await stage();
    const { watch } = streamer({ env: scene.place.env });
    const configs = {
      client: clientConfig({ provider, versions: [tls13], trust: trustStore([pki.ca]) }),
      server: serverConfig({ provider, versions: [tls13], credentials: [pki.server] }),
    };
    const times: number[] = [];
    for (let turn = 1; turn <= 20; turn++) {
      let done = 0;
      const server: ReturnType<typeof tlsServer> = tlsServer(configs.server, {
        send: (chunks) => queueMicrotask(() => chunks.forEach((chunk) => void client.receive(chunk))),
      });
      const client: ReturnType<typeof tlsClient> = tlsClient(
        configs.client,
        { serverName: 'localhost' },
        {
          send: (chunks) => queueMicrotask(() => chunks.forEach((chunk) => void server.receive(chunk))),
          ...watch('localhost'),
          established: () => {
            done = performance.now();
          },
        },
      );
      server.start();
      client.start();
      await scene.page.until((events) => parts(events).filter(({ negotiated }) => negotiated).length === turn);
      times.push(performance.now() - done);
    }
    times.sort((a, b) => a - b);
    const at = (share: number): string => `${times[Math.floor((times.length - 1) * share)]?.toFixed(1)} ms`;
    test.diagnostic(`from the end of a handshake to the page: ${at(0.5)} (median), ${at(1)} (the slowest of 20)`);
    assert.equal(times.length, 20);
  });
});

describe('what cannot be read', () => {
  const hello = line({ live: 1, program: 'bad', pid: 1 });
  const first = line({ id: 1, begins });
  const event = { at: 0, type: 'message', direction: 'in', name: 'x', bytes: '' };
  const bad: readonly (readonly [string, string | Buffer, RegExp])[] = [
    ['no JSON', `${hello}{"id":\n`, /JSON/],
    ['no UTF-8', Buffer.concat([Buffer.from(hello), Buffer.from([0xff, 0xfe, 0x0a])]), /not valid/],
    ['TLS, or other bytes', Buffer.from('16030100050100000100\n', 'latin1'), /the line/],
    ['a line without end', `${hello}${'x'.repeat(maxLiveLine)}`, /a line has more than 1048576 bytes/],
    ['no program first', first, /first line/],
    ['two programs', hello + hello, /first line/],
    ['another version', line({ live: 2, program: 'bad', pid: 1 }), /live/],
    ['what nobody knows', hello + line({ id: 1, begins, more: 1 }), /more/],
    ['what is inherited', `${hello}{"id":1,"__proto__":{"begins":1}}\n`, /__proto__/],
    ['a role that is none', hello + line({ id: 1, begins: { ...begins, role: 'judge' } }), /begins\.role/],
    ['a time that is none', hello + line({ id: 1, begins: { ...begins, started: 'now' } }), /begins\.started/],
    ['bytes that are none', hello + line({ id: 1, begins, events: [{ ...event, bytes: 'a' }] }), /events\[0\]\.bytes/],
    ['no number', hello + line({ id: -1, begins }), /id/],
    ['an end that is none', hello + line({ id: 1, begins, ended: false }), /ended/],
    ['nothing lost', hello + line({ lost: 0 }), /lost/],
    ['depth', `${hello}${'['.repeat(500_000)}\n`, /./],
  ];
  for (const [what, bytes, why] of bad) {
    it(`is the end of who sends it: ${what}`, async () => {
      const scene = await stage();
      const good = await program(scene, 'good');
      good.write(first);
      const socket = connect(scene.place.socket);
      socket.on('error', () => undefined);
      socket.write(bytes);
      await once(socket, 'close');
      await scene.viewer.stderr.match(/is not listened to any more: .+\n/);
      assert.match(scene.viewer.stderr.text, why);
      good.write(line({ id: 1, ended: true }));
      await scene.page.until((events) => ends(events) === 1);
      good.destroy();
    });
  }

  it('steers no terminal', async () => {
    const scene = await stage();
    const socket = await program(scene, 'evil\u001b[2J\u009b31m');
    socket.write('no JSON\u001b[2J\n');
    await once(socket, 'close');
    await scene.viewer.stderr.match(/evil/);
    assert.doesNotMatch(scene.viewer.stderr.text.replace(/\n/g, ''), /\p{Cc}/u);
  });
});

describe('what is kept', () => {
  it('is counted where it is not: parts without a beginning, and what a program lost itself', async () => {
    const scene = await stage();
    const socket = await program(scene);
    socket.write(line({ id: 5, ended: true }) + line({ lost: 4 }) + line({ id: 1, begins }));
    await scene.page.until((events) => parts(events).length === 1);
    const lost = scene.page.events.flatMap((event) => (event.kind === 'lost' ? [event.parts] : []));
    assert.equal(lost.at(-1), 5);
    socket.destroy();
    await scene.page.until((events) => events.at(-1)?.kind === 'gone');
  });

  it('is bounded, and who tells the most makes room first', async () => {
    const scene = await stage();
    const quiet = await program(scene, 'quiet');
    quiet.write(line({ id: 1, begins }));
    await scene.page.until((events) => parts(events).length === 1);
    const loud = await program(scene, 'loud');
    for (let id = 1; id <= 1500; id++) loud.write(line({ id, begins }));
    await scene.page.until((events) => parts(events).length === 1501);
    const late = await listen(scene.base, scene.cookie);
    quiet.write(line({ id: 1, ended: true }));
    await late.until((events) => ends(events) === 1);
    const kept = parts(late.events).filter((part) => part.begins);
    assert.equal(kept.length, 1000);
    assert.equal(kept.at(-1)?.id, 1500);
    late.close();
    quiet.destroy();
    loud.destroy();
  });
});

describe('the place', () => {
  it('is the user’s alone, and nothing is left of it', { skip: isPipe }, async () => {
    const place = makePlace();
    const folder = join(place.folder, 'own');
    const socket = join(folder, 'view.sock');
    const viewer = startView({ ...place, env: { HANDFAST_VIEW_SOCKET: socket } });
    await viewer.url();
    assert.deepEqual([statSync(folder).mode & 0o777, statSync(socket).mode & 0o777], [0o700, 0o600]);
    assert.equal(await viewer.end(), 0);
    assert.equal(existsSync(socket), false);
    place.remove();
  });

  it('is not one that others can write, or where a file stands in the way', { skip: isPipe }, async () => {
    const place = makePlace();
    const folder = join(place.folder, 'open');
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const refused = async (socket: string): Promise<unknown> =>
      startView({ ...place, env: { HANDFAST_VIEW_SOCKET: socket } }).exitCode.then(
        () => undefined,
        (error: unknown) => error,
      );
    const error = await refused(join(folder, 'view.sock'));
    assert.ok(error instanceof Error);
    assert.match(error.message, /cannot be listened to at ".*open": it is another user’s, or others may write to it/);
    assert.equal(Reflect.get(error, 'exitCode'), 3);
    writeFileSync(join(place.folder, 'file'), '');
    assert.match(String(await refused(join(place.folder, 'file', 'view.sock'))), /cannot be listened to/);
    place.remove();
  });

  it('is not made by taking a file away', { skip: isPipe }, async () => {
    const place = makePlace();
    writeFileSync(place.socket, 'notes');
    await assert.rejects(startView(place).exitCode, {
      message: `programs cannot be listened to at ${JSON.stringify(place.socket)}: what is there is no socket`,
      exitCode: 3,
    });
    assert.equal(readFileSync(place.socket, 'utf8'), 'notes');
    place.remove();
  });

  // Other systems say the same of one that is busy as of one that is dead.
  if (process.platform === 'linux') {
    it('is not taken from a viewer that has too much to do to answer', async () => {
      const place = makePlace();
      // A process that listens and does nothing else: a few wait for it, then there is no room for more.
      const text = `require('node:net').createServer().listen({ path: process.argv[1], backlog: 1 }, () => {
        process.stdout.write('listening');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      })`;
      const hung = spawn(process.execPath, ['-e', text, place.socket], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(hung.stdout, 'data');
      const waiting: Socket[] = [];
      for (let isFull = false; !isFull; ) {
        const socket = connect(place.socket);
        waiting.push(socket);
        isFull = await once(socket, 'connect').then(
          () => false,
          () => true,
        );
      }
      await assert.rejects(startView(place).exitCode, /cannot be listened to at ".*": connect EAGAIN/);
      assert.ok(existsSync(place.socket));
      for (const socket of waiting) socket.destroy();
      hung.kill('SIGKILL');
      await once(hung, 'close');
      place.remove();
    });
  }

  it('has room for so many programs, and says once that there are more', async () => {
    const scene = await stage();
    const all: Socket[] = [];
    for (let count = 0; count < 256; count++) all.push(await program(scene));
    const { events } = scene.page;
    await scene.page.until(() => events.filter(({ kind }) => kind === 'program').length === 256);
    for (let more = 0; more < 2; more++) {
      const socket = connect(scene.place.socket).on('error', () => undefined);
      await new Promise((resolve) => socket.once('close', resolve));
    }
    await scene.viewer.stderr.match(/warning: 256 programs are shown/);
    assert.equal(scene.viewer.stderr.text.match(/warning/g)?.length, 1);
    for (const socket of all) socket.destroy();
  });

  it('is taken over from a viewer that was killed', { skip: isPipe }, async () => {
    const place = makePlace();
    const dead = createServer().listen(place.socket);
    await once(dead, 'listening');
    // What a killed process leaves: the file, and nobody behind it.
    linkSync(place.socket, `${place.socket}.kept`);
    dead.close();
    await once(dead, 'close');
    renameSync(`${place.socket}.kept`, place.socket);
    const viewer = startView(place);
    await viewer.url();
    await viewer.end();
    place.remove();
  });

  it('is held by one viewer: a second says where the first is, and ends', async () => {
    const scene = await stage();
    const second = startView(scene.place);
    assert.equal(await second.exitCode, 0);
    const { base, cookie } = await second.enter();
    assert.equal(base.origin, scene.base.origin);
    assert.match(second.stderr.text, /another handfast view is running/);
    const page = await listen(base, cookie);
    const socket = await program(scene);
    await page.until((events) => events.some(({ kind }) => kind === 'program'));
    socket.destroy();
    page.close();
  });

  it('of two that begin at once goes to one', async () => {
    const place = makePlace();
    const two = [startView(place), startView(place)];
    const urls = await Promise.all(two.map((one) => one.url()));
    assert.equal(urls[0]?.port, urls[1]?.port);
    for (const one of two) assert.equal(await one.end(), 0);
    place.remove();
  });

  it('is not taken from a program that is no viewer', async () => {
    const place = makePlace();
    const other = createServer((socket) => socket.end('what?\n')).listen(place.socket);
    await once(other, 'listening');
    await assert.rejects(startView(place).exitCode, /a program listens there that does not answer as a viewer does/);
    assert.ok(existsSync(place.socket));
    other.close();
    place.remove();
  });
});
