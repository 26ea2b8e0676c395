/**
 * Connections as they happen: parts become the recordings they are of, both sides find each other, and all of it is bounded.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { handshakeOf, type Recording, readRecording } from '../../src/index.ts';
import { type LiveConnections, liveConnections } from '../../src/live/merge.ts';
import type { LiveEvent } from '../../src/live/part.ts';
import type { LiveConnection } from '../../src/live/side.ts';
import { expired, play } from '../support/connection.ts';
import { partsFrom } from './parts.ts';

const everything = { wire: true, plaintext: true } as const;
const played = [
  play({ details: everything, secrets: true, said: ['question', 'answer'] }),
  play({ version: 'TLS 1.2', said: ['question'] }),
  play({ server: { credentials: [expired] } }),
  play({ details: everything, said: [new Uint8Array(10_000)], options: { maxBytes: 8000 } }),
];
const [good] = played;
assert.ok(good);

const names: readonly LiveEvent[] = [
  { kind: 'program', program: 1, name: 'node app.js', pid: 11 },
  { kind: 'program', program: 2, name: 'handfast serve', pid: 22 },
];

function told(events: readonly LiveEvent[], live: LiveConnections = liveConnections()): LiveConnections {
  for (const event of [...names, ...events]) live.take(event);
  return live;
}

function only(live: LiveConnections): LiveConnection {
  const [connection, ...more] = live.connections();
  assert.ok(connection);
  assert.deepEqual(more, []);
  return connection;
}

const ofServer = (server: Recording): readonly LiveEvent[] => partsFrom(server, { program: 2 });

describe('connections that are told in parts', () => {
  it('are the recordings they are of, wherever they were cut and however both sides come', () => {
    const cuts = fc.array(fc.nat(200), { maxLength: 30 });
    fc.assert(
      fc.property(fc.constantFrom(...played), cuts, cuts, fc.array(fc.boolean()), (pair, ofOne, ofOther, turns) => {
        const client = [...partsFrom(pair.client, { program: 1, cuts: ofOne })];
        const server = [...partsFrom(pair.server, { program: 2, cuts: ofOther })];
        const mixed: LiveEvent[] = [];
        for (const turn of turns) mixed.push(...(turn ? client : server).splice(0, 1));
        const connection = only(told([...mixed, ...client, ...server]));
        const parts = connection.parts();
        assert.deepEqual(parts.client, { ...pair.client, program: 'node app.js' });
        assert.deepEqual(parts.server, { ...pair.server, program: 'handfast serve' });
        assert.deepEqual(readRecording(structuredClone(parts.client)), parts.client);
        assert.deepEqual([connection.client?.ended, connection.server?.ended], [true, true]);
      }),
    );
  });

  it('make a new copy for each who asks, and another revision with each part', () => {
    const live = told([]);
    const [begin, ...rest] = partsFrom(good.client, { cuts: [3] });
    assert.ok(begin);
    live.take(begin);
    const connection = only(live);
    const early = connection.parts().client;
    const revisions = rest.map((part) => {
      live.take(part);
      return connection.revision;
    });
    assert.deepEqual(early?.events, []);
    assert.equal(new Set(revisions).size, revisions.length);
    assert.equal(connection.parts().client?.events.length, good.client.events.length);
  });

  it('are one where client and server tell of it, and two where their hellos are not the same', () => {
    assert.equal(told([...partsFrom(good.client), ...ofServer(play({}).server)]).connections().length, 2);
    const connection = only(told([...partsFrom(good.client), ...ofServer(good.server)]));
    assert.deepEqual(
      [connection.client?.program.name, connection.server?.program.name],
      ['node app.js', 'handfast serve'],
    );
    const shown = handshakeOf(connection.parts());
    assert.deepEqual([shown.roundTrips, shown.flights[0]?.from], [1, 'client']);
  });

  it('find the other side inside the same program', () => {
    assert.equal(told([...partsFrom(good.client), ...partsFrom(good.server, { id: 2 })]).connections().length, 1);
  });

  it('whose hello somebody sends again are two: the second has no client that tells of it', () => {
    const live = told([
      ...partsFrom(good.client),
      ...ofServer(good.server),
      ...partsFrom(good.server, { program: 2, id: 2 }),
    ]);
    assert.deepEqual(
      live.connections().map(({ client, server }) => [client !== undefined, server !== undefined]),
      [
        [false, true],
        [true, true],
      ],
    );
  });

  it('that turn out to be one are followed from either', () => {
    const live = told([]);
    const [clientBegins, ...client] = partsFrom(good.client);
    const [serverBegins, ...server] = ofServer(good.server);
    assert.ok(clientBegins && serverBegins);
    live.take(clientBegins);
    live.take(serverBegins);
    const [newest, oldest] = live.connections();
    assert.ok(newest?.server && oldest?.client);
    for (const event of [...client, ...server]) live.take(event);
    assert.equal(live.follow(newest), oldest);
    assert.equal(live.follow(oldest), oldest);
    assert.equal(only(live), oldest);
  });

  it('stand newest first', () => {
    const live = told([1, 2, 3].flatMap((id) => partsFrom(play({ options: { target: `host-${id}` } }).client, { id })));
    assert.deepEqual(
      live.connections().map(({ client }) => client?.target),
      ['host-3', 'host-2', 'host-1'],
    );
  });

  it('make room for newer ones, and what still comes of them is passed over', () => {
    const limits = liveConnections({ connections: 2 });
    const pairs = [1, 2, 3].map((id) => ({ id, recording: play({}).client }));
    const live = told(
      pairs.flatMap(({ id, recording }) => partsFrom(recording, { id })),
      limits,
    );
    assert.deepEqual([live.connections().length, live.forgotten], [2, 1]);
    live.take({ kind: 'part', program: 1, id: 1, events: [{ at: 1, type: 'established' }] });
    assert.equal(live.connections().length, 2);
  });

  it('are held to their bytes, those of a pair being counted together', () => {
    const live = liveConnections({ bytes: 60_000 });
    const data = new Uint8Array(10_000);
    for (let id = 1; id <= 10; id++) {
      const { client, server } = play({ details: everything, said: [data] });
      told([...partsFrom(client, { id }), ...partsFrom(server, { program: 2, id })], live);
      assert.ok(live.connections().length <= 1, String(id));
    }
    assert.ok(live.forgotten >= 9);
    // What was forgotten has given back all that it took.
    const small = play({}).client;
    told(partsFrom(small, { id: 99 }), live);
    assert.ok(live.connections().some(({ client }) => client?.recording().events.length === small.events.length));
  });

  it('begin anew where they are told again from the beginning, and stay followed', () => {
    const live = told([...partsFrom(good.client), ...ofServer(good.server)]);
    const before = only(live);
    told([...partsFrom(good.client), ...ofServer(good.server)], live);
    assert.equal(live.follow(before), only(live));
    assert.deepEqual(only(live).parts().server, { ...good.server, program: 'handfast serve' });
  });

  it('are not those of another program that has got the number', () => {
    const live = told(partsFrom(good.client));
    live.take({ kind: 'program', program: 1, name: 'other', pid: 33 });
    live.take({ kind: 'part', program: 1, id: 1, events: [{ at: 9, type: 'established' }] });
    assert.equal(only(live).client?.recording().events.length, good.client.events.length);
    told([{ kind: 'program', program: 1, name: 'other', pid: 33 }, ...partsFrom(play({}).client)], live);
    assert.equal(live.connections().length, 2);
  });

  it('without a beginning, or of a program that nobody named, are passed over', () => {
    const [, ...headless] = partsFrom(good.client);
    assert.deepEqual(told(headless).connections(), []);
    assert.deepEqual(told(partsFrom(good.client, { program: 7 })).connections(), []);
  });

  it('of a hello too short to have a random stay alone', () => {
    const short: Recording = {
      ...good.client,
      events: [{ at: 0, type: 'message', direction: 'out', name: 'client_hello', bytes: 'AQAAAA==' }],
    };
    assert.equal(told([...partsFrom(short), ...ofServer(good.server)]).connections().length, 2);
  });

  it('count what was lost, in all of each program, and know which programs are gone', () => {
    const [begin] = partsFrom(good.client);
    assert.ok(begin);
    const live = told([
      begin,
      { kind: 'lost', program: 1, parts: 3 },
      { kind: 'lost', program: 2, parts: 4 },
      { kind: 'lost', program: 1, parts: 5 },
      { kind: 'missed', parts: 10 },
      { kind: 'missed', parts: 10 },
      { kind: 'gone', program: 1 },
    ]);
    assert.deepEqual([live.lost, only(live).client?.program.gone, only(live).client?.ended], [29, true, false]);
  });

  it('outlive their program, which is then forgotten with the last of them', () => {
    const gone: LiveEvent = { kind: 'gone', program: 1 };
    const [begin] = partsFrom(good.client);
    assert.ok(begin);
    const live = told([gone]);
    // Nobody knows it any more: what comes under its number is passed over.
    live.take(begin);
    assert.deepEqual(live.connections(), []);
    const few = told([begin, gone], liveConnections({ connections: 1 }));
    few.take({ kind: 'part', program: 1, id: 1, events: [{ at: 0, type: 'established' }] });
    assert.equal(only(few).client?.readyAt, 0);
    for (const event of ofServer(good.server)) few.take(event);
    few.take(begin);
    assert.equal(only(few).client, undefined);
  });

  it('are held to their bytes, certificates of refused paths and all; what is told anew is counted once', () => {
    const certificate = 'A'.repeat(1000);
    const path = { rule: 'expired', certificates: Array.from({ length: 10 }, () => ({ certificate, checks: [] })) };
    const peer = { chain: [], verified: false, paths: Array.from({ length: 32 }, () => path) };
    const tell = (live: LiveConnections, id: number): void => {
      const [begin] = partsFrom(good.client, { id });
      assert.ok(begin);
      live.take(begin);
      for (let times = 0; times < 3; times++) live.take({ kind: 'part', program: 1, id, peer });
    };
    const live = told([], liveConnections({ bytes: 1_000_000 }));
    for (let id = 1; id <= 3; id++) tell(live, id);
    assert.deepEqual([live.connections().length, live.forgotten], [3, 0]);
    tell(live, 4);
    assert.deepEqual([live.connections().length, live.forgotten], [3, 1]);
  });
});
