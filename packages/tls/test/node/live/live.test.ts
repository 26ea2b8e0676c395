/**
 * A program's connections on their way to a viewer: what is sent and what is not, where it goes, and that a viewer that is slow, gone
 * or not what it seems costs the program nothing.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  isFolderOfOurs,
  isViewerSocket,
  liveView,
  type StreamerOptions,
  streamer,
  viewerSocketPath,
} from '../../../src/node/live/index.ts';
import { linesOf } from '../../../src/node/live/lines.ts';
import { heardBy, type Watching } from '../../../src/node/watcher.ts';
import { maxLiveLine, type Part } from '../../../src/recording/index.ts';
import type { TraceEvent } from '../../../src/trace.ts';
import { exchange, type Pair, pair } from '../../support/pair.ts';
import { folderOfTest, isPipe, type StandIn, standIn } from './viewer.ts';

const folder = folderOfTest();
after(() => rmSync(folder, { recursive: true }));
let folders = 0;

async function viewer(reads = true): Promise<StandIn> {
  const own = join(folder, String(++folders));
  mkdirSync(own, { mode: 0o700 });
  const made = await standIn(own, reads);
  after(() => made.leave());
  return made;
}

/** A clock that the test moves on. */
function clocked(options: StreamerOptions): { watch(): Watching | undefined; pass(ms: number): void } {
  let at = 0;
  const { watch } = streamer({ ...options, clock: () => at });
  return {
    watch: () => watch('localhost:443'),
    pass(ms) {
      at += ms;
    },
  };
}

async function handshake(watching: Watching | undefined): Promise<Pair> {
  assert.ok(watching);
  const both = pair({ client: { ...watching } });
  await exchange(both);
  return both;
}

async function ended(both: Pair): Promise<void> {
  both.client.connection.closeWrite();
  await exchange(both);
  both.server.connection.closeWrite();
  await exchange(both);
}

describe('what a viewer is told', () => {
  it('is who the program is, and a connection from its beginning to its end', async () => {
    const seen = await viewer();
    const both = await handshake(clocked({ env: seen.env, program: 'a program' }).watch());
    await seen.until(() => seen.parts().some(({ negotiated }) => negotiated !== undefined));
    await ended(both);
    await seen.until(() => seen.parts().some(({ ended }) => ended === true));
    assert.deepEqual(seen.lines()[0], { live: 1, program: 'a program', pid: process.pid });
    const [first] = seen.parts();
    assert.deepEqual([first?.begins?.role, first?.begins?.target], ['client', 'localhost:443']);
    assert.match(first?.begins?.started ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    const names = seen
      .parts()
      .flatMap(({ events = [] }) => events.map((event) => ('name' in event ? event.name : event.type)));
    assert.ok(
      ['client_hello', 'server_hello', 'finished', 'established', 'closed'].every((name) => names.includes(name)),
    );
  });

  for (const [secrets, is] of [
    [undefined, false],
    ['0', false],
    ['true', false],
    ['1', true],
  ] as const) {
    it(`${is ? 'has' : 'has none of'} the keys and the data with HANDFAST_VIEW_SECRETS=${secrets}`, async () => {
      const seen = await viewer();
      const both = await handshake(clocked({ env: { ...seen.env, HANDFAST_VIEW_SECRETS: secrets } }).watch());
      both.client.connection.write(Buffer.from('the password'));
      await exchange(both);
      await ended(both);
      await seen.until(() => seen.parts().some(({ ended }) => ended === true));
      const said = [
        /CLIENT_TRAFFIC_SECRET_0 /,
        new RegExp(Buffer.from('the password').toString('base64')),
        /"keyLog"|"data"/,
      ];
      assert.deepEqual(
        said.map((pattern) => pattern.test(seen.text())),
        [is, is, is],
      );
    });
  }

  it('has no data where a config asks for it on behalf of others, and nothing of the wire', async () => {
    const seen = await viewer();
    const watching = clocked({ env: seen.env }).watch();
    assert.ok(watching);
    const both = pair({ client: { ...watching, traceDetails: { plaintext: true, wire: true } } });
    await exchange(both);
    both.client.connection.write(Buffer.from('the password'));
    await exchange(both);
    await ended(both);
    await seen.until(() => seen.parts().some(({ ended }) => ended === true));
    const types = new Set(seen.parts().flatMap(({ events = [] }) => events.map(({ type }) => type)));
    assert.deepEqual([types.has('message'), types.has('data'), types.has('wire')], [true, false, false]);
  });

  it('is told once of a connection that two listeners hear of, to its end', async () => {
    const seen = await viewer();
    const program = clocked({ env: seen.env });
    const [one, other] = [program.watch(), program.watch()];
    assert.ok(one && other);
    const both = await handshake(heardBy(one, { trace: other.trace }) as Watching);
    await ended(both);
    await handshake(program.watch());
    const begun = (): readonly number[] => seen.parts().flatMap(({ id, begins }) => (begins ? [id] : []));
    await seen.until(() => begun().length > 1 && seen.parts().at(-1)?.negotiated !== undefined);
    assert.equal(new Set(begun()).size, begun().length);
    const hellos = seen
      .parts()
      .flatMap(({ events = [] }) => events.filter((event) => 'name' in event && event.name === 'client_hello'));
    assert.deepEqual([begun().length, hellos.length], [2, 2]);
  });

  it('is nothing with HANDFAST_VIEW=0', async () => {
    const seen = await viewer();
    assert.equal(clocked({ env: { ...seen.env, HANDFAST_VIEW: '0' } }).watch(), undefined);
    assert.deepEqual(seen.sockets, []);
  });
});

describe('who is looked for', () => {
  it('is looked for once a second', async () => {
    const own = join(folder, String(++folders));
    mkdirSync(own, { mode: 0o700 });
    const program = clocked({ env: { HANDFAST_VIEW_SOCKET: join(own, 'view.sock') } });
    assert.equal(program.watch(), undefined);
    const seen = await standIn(own);
    after(() => seen.leave());
    program.pass(999);
    assert.equal(program.watch(), undefined);
    program.pass(1);
    assert.ok(program.watch());
  });

  it('may go, and come back', async () => {
    const seen = await viewer();
    const program = clocked({ env: seen.env });
    const before = await handshake(program.watch());
    await seen.until(() => seen.parts().length > 0);
    const [socket] = seen.sockets;
    await seen.leave();
    assert.equal(socket?.destroyed, true);
    // The program goes on as if nobody had ever looked, and finds out as it writes.
    await ended(before);
    const again = await standIn(seen.folder);
    after(() => again.leave());
    let watching: Watching | undefined;
    while (again.sockets.length === 0) {
      program.pass(1000);
      watching = program.watch();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await handshake(watching);
    await again.until(() => again.parts().some(({ negotiated }) => negotiated !== undefined));
    assert.ok(again.parts().every(({ id }) => id === again.parts()[0]?.id));
  });

  it('is nobody where a file stands in the place of the socket, or a socket that nobody hears', {
    skip: isPipe,
  }, async () => {
    const own = join(folder, String(++folders));
    mkdirSync(own, { mode: 0o700 });
    const path = join(own, 'view.sock');
    writeFileSync(path, '');
    assert.equal(isViewerSocket(path), false);
    assert.equal(clocked({ env: { HANDFAST_VIEW_SOCKET: path } }).watch(), undefined);
  });

  it('is nobody whose folder others can write, or that is another user’s, or behind a link', {
    skip: isPipe,
  }, async () => {
    const seen = await viewer();
    assert.equal(isViewerSocket(seen.path), true);
    assert.equal(isViewerSocket(seen.path, (process.getuid?.() ?? 0) + 1), false);
    for (const mode of [0o770, 0o702, 0o777]) {
      chmodSync(seen.folder, mode);
      assert.equal(isFolderOfOurs(seen.folder), false);
      assert.equal(isViewerSocket(seen.path), false);
      assert.equal(clocked({ env: seen.env }).watch(), undefined);
    }
    chmodSync(seen.folder, 0o755);
    assert.equal(isViewerSocket(seen.path), true);
    const link = join(folder, 'link');
    symlinkSync(seen.folder, link);
    assert.equal(isViewerSocket(join(link, 'view.sock')), false);
    symlinkSync(seen.path, join(seen.folder, 'linked.sock'));
    assert.equal(isViewerSocket(join(seen.folder, 'linked.sock')), false);
    assert.deepEqual(seen.sockets, []);
  });

  it('is in the runtime folder, where that is the user’s, and else in one for temporary files', {
    skip: isPipe,
  }, () => {
    const runtime = join(folder, 'runtime');
    mkdirSync(runtime, { mode: 0o700 });
    assert.equal(viewerSocketPath({ XDG_RUNTIME_DIR: runtime }), join(runtime, 'handfast', 'view.sock'));
    chmodSync(runtime, 0o777);
    for (const env of [{ XDG_RUNTIME_DIR: runtime }, { XDG_RUNTIME_DIR: join(folder, 'nothing') }, {}]) {
      assert.match(viewerSocketPath(env), new RegExp(`handfast-${process.getuid?.()}/view\\.sock$`));
    }
    assert.equal(viewerSocketPath({ HANDFAST_VIEW_SOCKET: '/a/b', XDG_RUNTIME_DIR: runtime }), '/a/b');
  });
});

describe('a viewer that does not read', () => {
  it('misses what there is no room for, and is told how much; the connection goes on', async () => {
    const seen = await viewer(false);
    const program = clocked({ env: { ...seen.env, HANDFAST_VIEW_SECRETS: '1' } });
    const megabytes = 6;
    const pairs: Pair[] = [];
    for (let made = 0; made < megabytes * 3; made++) {
      const both = await handshake(program.watch());
      for (let chunk = 0; chunk < 30; chunk++) both.client.connection.write(new Uint8Array(16_000).fill(made));
      await exchange(both);
      pairs.push(both);
    }
    for (const both of pairs) {
      await ended(both);
      assert.equal(
        both.server.data.reduce((sum, { length }) => sum + length, 0),
        480_000,
      );
      assert.deepEqual([both.client.error, both.server.error], [null, null]);
    }
    await seen.until(() => seen.sockets.length > 0);
    for (const socket of seen.sockets) socket.resume();
    await seen.until(() => seen.lines().some((line) => 'lost' in line));
    await seen.until(() => new Set(seen.parts().flatMap(({ id, ended }) => (ended ? [id] : []))).size === pairs.length);
    const lost = seen.lines().reduce((sum, line) => sum + Number(line.lost ?? 0), 0);
    assert.ok(lost > 0);
    const dropped = seen.parts().filter((part) => part.dropped !== undefined);
    assert.ok(dropped.length > 0);
    // Its beginning came all the same.
    for (const { id } of dropped) assert.ok(seen.parts().some((part) => part.id === id && part.begins !== undefined));
    assert.ok(Buffer.byteLength(seen.text()) < megabytes * 1_048_576);
  });
});

describe('a viewer that was stopped', () => {
  it('is given up, and what was on its way to it; it is looked for again', async () => {
    const seen = await viewer(false);
    const program = clocked({ env: { ...seen.env, HANDFAST_VIEW_SECRETS: '1' } });
    const both = await handshake(program.watch());
    for (let chunk = 0; chunk < 30; chunk++) both.client.connection.write(new Uint8Array(16_000));
    await exchange(both);
    while (seen.sockets.length < 2) {
      program.pass(1000);
      program.watch();
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const socket of seen.sockets) socket.resume();
    await handshake(program.watch());
    await seen.until(() => seen.parts().some(({ negotiated }) => negotiated));
  });
});

describe('who listens beside the viewer', () => {
  const types = (events: readonly TraceEvent[]): readonly boolean[] => {
    const met = new Set(events.map(({ type }) => type));
    return [met.has('message'), met.has('data'), met.has('wire')];
  };

  for (const [traceDetails, heard] of [
    [{ plaintext: true }, [true, true, false]],
    [{ wire: true }, [true, false, true]],
    [undefined, [true, false, false]],
  ] as const) {
    it(`hears of what it has asked for: ${JSON.stringify(traceDetails)}`, async () => {
      const [own, watched]: [TraceEvent[], TraceEvent[]] = [[], []];
      const trace = (event: TraceEvent): void => void own.push(event);
      const listeners = heardBy(
        { trace: (event) => void watched.push(event) },
        { trace, ...(traceDetails && { traceDetails }) },
      );
      // A config that asks for more than both have.
      const both = pair({ client: { ...listeners, ...(!traceDetails && { traceDetails: { wire: true } }) } });
      await exchange(both);
      both.client.connection.write(Buffer.from('the password'));
      await exchange(both);
      assert.deepEqual([types(own), types(watched)], [heard, [true, false, false]]);
    });
  }

  it('is given what it asked for by liveView, too', () => {
    const heard: TraceEvent[] = [];
    const { trace, traceDetails } = liveView({
      trace: (event) => void heard.push(event),
      traceDetails: { plaintext: true },
    });
    const event = { at: 0, role: 'client', connection: 1e9, type: 'data', direction: 'in' } as const;
    trace?.({ ...event, bytes: Uint8Array.of(1) });
    assert.deepEqual([heard.length, traceDetails?.plaintext], [1, true]);
  });
});

describe('lines', () => {
  it('are none longer than a viewer takes, whatever a connection tells', () => {
    const certificate = Buffer.alloc(3000, 1).toString('base64');
    const path = { rule: 'issuer', certificates: Array.from({ length: 20 }, () => ({ certificate, checks: [] })) };
    const part: Part = {
      id: 7,
      begins: { role: 'client', started: '2026-11-22T12:00:00.000000Z' },
      events: Array.from({ length: 400 }, (_, at) => ({
        ...{ at, type: 'data' as const, direction: 'in' as const, bytes: Buffer.alloc(3000, 2).toString('base64') },
      })),
      peer: { chain: [certificate], verified: false, paths: Array.from({ length: 64 }, () => path), pathsNotKept: 3 },
      ended: true,
    };
    const lines = linesOf(part);
    assert.ok(lines.every((line) => Buffer.byteLength(line) <= maxLiveLine && line.endsWith('\n')));
    const parts = lines.map((line) => JSON.parse(line) as Part);
    assert.ok(parts.every(({ id }) => id === 7));
    assert.deepEqual(
      parts.flatMap(({ events = [] }) => events),
      part.events,
    );
    assert.deepEqual(
      parts.flatMap(({ peer }) => (peer ? [peer] : [])),
      [{ chain: [certificate], verified: false, paths: [], pathsNotKept: 67 }],
    );
    assert.deepEqual([parts[0]?.begins, parts.at(-1)?.ended], [part.begins, true]);
  });
});
