/**
 * Sessions of TLS 1.2 by identifier (RFC 5246 §7.3), for clients that know no tickets: the server's store, what is asked of
 * it, what happens when it fails, and when a session leaves it. And our client, at servers that give no tickets.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, toHex } from '@handfast/crypto';
import {
  memorySessionStore,
  namedGroups,
  type ServerOptions,
  type SessionStore,
  TlsError,
  ticketKeys,
  tls12,
  tls13,
} from '../../src/index.ts';
import { minute } from '../session/resuming.ts';
import { watched } from '../session/watched.ts';
import { makeCredential, now, serverCredential } from '../support/identities.ts';
import { providers, startClient, startServer } from '../support/pair.ts';
import { PuppetClient12, PuppetServer12 } from '../support/puppet12.ts';

const curves = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const both = [tls13, tls12];
const twoNames = await makeCredential({ names: ['localhost', 'example.org'] });
const failure = (): TlsError => new TlsError('internal', 'something broke');

for (const provider of providers) {
  describe(`a session of TLS 1.2 by identifier, provider ${provider.name},`, () => {
    const keys = ticketKeys({ provider });
    const serverOf = (store: SessionStore, more: Partial<ServerOptions> = {}): Partial<ServerOptions> => ({
      ...{ provider, groups: curves, versions: [tls12], tickets: { keys, store } },
      ...more,
    });

    /** A client that knows no tickets, in a full handshake. */
    const begun = async (server: Partial<ServerOptions>, fields: Parameters<PuppetClient12['sendHello']>[0] = {}) => {
      const client = new PuppetClient12(startServer(server));
      await client.sendHello(fields);
      await client.readFlight();
      client.messages.length = 0;
      await client.flight();
      await client.finish();
      await stands(client, false);
      return client;
    };
    /** The same, coming back by what it was called. */
    const cameBack = async (
      before: PuppetClient12,
      server: Partial<ServerOptions>,
      fields: Parameters<PuppetClient12['sendHello']>[0] = {},
    ) => {
      const client = new PuppetClient12(startServer(server));
      await client.sendHello({ legacySessionId: idOf(before), ...fields });
      await client.resume(before.master ?? assert.fail());
      await stands(client, true);
      return client;
    };
    const idOf = ({ serverHello }: PuppetClient12): Bytes => serverHello?.legacySessionIdEcho ?? assert.fail();
    const stands = async (client: PuppetClient12, goesOn: boolean) => {
      if (client.side.error) throw client.side.error;
      assert.equal(client.side.established, true);
      assert.equal(client.side.connection.negotiated?.resumed, goesOn);
      await client.sendData('hello');
      assert.equal(client.side.text(), 'hello');
      assert.deepEqual([client.alerts, client.messages.length], [[], 0]);
    };
    const recording = (store: SessionStore = memorySessionStore()) => {
      const calls: { set: [string, number][]; get: string[]; delete: string[] } = { set: [], get: [], delete: [] };
      const recorded: SessionStore = {
        get(id) {
          calls.get.push(toHex(id));
          return store.get(id);
        },
        set(id, session, lifetimeMs) {
          calls.set.push([toHex(id), lifetimeMs]);
          return store.set(id, session, lifetimeMs);
        },
        delete(id) {
          calls.delete.push(toHex(id));
          return store.delete(id);
        },
      };
      return { store: recorded, calls };
    };

    it('goes on for a client that knows no tickets, any number of times', async () => {
      const { store, calls } = recording();
      const server = serverOf(store);
      const first = await begun(server);
      const id = idOf(first);
      assert.equal(id.length, 32);
      assert.equal(first.serverHello?.extensions.session_ticket, undefined);
      assert.equal(first.ticket, undefined);
      for (let time = 0; time < 3; time++) {
        const client = await cameBack(first, server);
        assert.deepEqual(idOf(client), id);
        assert.equal(client.serverHello?.extensions.session_ticket, undefined);
        assert.equal(client.ticket, undefined);
        assert.equal(client.serverHello?.extensions.server_name, undefined);
      }
      assert.deepEqual(calls, { set: [[toHex(id), 7_200_000]], get: Array(3).fill(toHex(id)), delete: [] });
    });

    it('is another one for each connection', async () => {
      const { store, calls } = recording();
      await begun(serverOf(store));
      await begun(serverOf(store));
      assert.equal(new Set(calls.set.map(([id]) => id)).size, 2);
    });

    it('is not given beside a ticket, nor without a store', async () => {
      const { store, calls } = recording();
      const withTicket = await begun(serverOf(store), { extensions: { session_ticket: new Uint8Array(0) } });
      assert.equal(idOf(withTicket).length, 0);
      assert.ok(withTicket.ticket?.length);
      assert.deepEqual(calls, { set: [], get: [], delete: [] });
      const without = await begun(serverOf(store, { tickets: { keys } }));
      assert.equal(idOf(without).length, 0);
      const nothing = await begun(serverOf(store, { tickets: undefined as never }));
      assert.equal(idOf(nothing).length, 0);
    });

    it('stores what nobody can read or make', async () => {
      const kept: Uint8Array[] = [];
      const first = await begun(serverOf({ ...memorySessionStore(), set: (_, session) => void kept.push(session) }));
      assert.equal(kept.length, 1);
      assert.equal(toHex(kept[0] ?? assert.fail()).includes(toHex(first.master ?? assert.fail())), false);
    });

    it('waits for a store that takes its time', async () => {
      const inner = memorySessionStore();
      const later = () => new Promise<void>((resolve) => setImmediate(resolve));
      const store: SessionStore = {
        get: (id) => later().then(() => inner.get(id)),
        set: (id, session, lifetimeMs) => later().then(() => inner.set(id, session, lifetimeMs)),
        delete: (id) => later().then(() => inner.delete(id)),
      };
      const server = serverOf(store);
      const first = await begun(server);
      await cameBack(first, server);
    });

    it('may speak another protocol, in records of another size', async () => {
      const server = serverOf(memorySessionStore(), { alpnProtocols: ['h2', 'http/1.1'] });
      const fields = (protocol: string) => ({
        extensions: { application_layer_protocol_negotiation: [protocol], record_size_limit: 400 },
      });
      const first = await begun(server, fields('h2'));
      assert.equal(first.side.connection.negotiated?.alpnProtocol, 'h2');
      const client = await cameBack(first, server, fields('http/1.1'));
      assert.equal(client.side.connection.negotiated?.alpnProtocol, 'http/1.1');
      client.side.connection.write(new Uint8Array(500));
      await client.receive();
      assert.deepEqual(
        client.data.map(({ length }) => length),
        [400, 100],
      );
    });

    const broken: Readonly<Record<string, (session: Uint8Array | undefined) => unknown>> = {
      'that throws': () => {
        throw new Error('the store is down');
      },
      'that rejects': () => Promise.reject(new Error('the store is down')),
      'that has forgotten': () => undefined,
      'that answers null': () => null,
      'that answers a number': () => 42,
      'that answers text': () => 'x'.repeat(200),
      'that answers nothing at all': () => new Uint8Array(0),
      'that answers noise': () => new Uint8Array(200).fill(7),
      'that answers too much': () => new Uint8Array(100_000),
      'that was tampered with': (session) => session?.with(60, (session[60] as number) ^ 1),
      'that cut off the end': (session) => session?.slice(0, -1),
    };
    // They come back from one first connection.
    const inner = memorySessionStore();
    let shared: ReturnType<typeof begun> | undefined;
    for (const [name, change] of Object.entries(broken)) {
      it(`begins anew where it is asked of a store ${name}`, async () => {
        shared ??= begun(serverOf(inner));
        const first = await shared;
        const { store, calls } = recording({
          ...inner,
          get: (id) => change(inner.get(id) as Uint8Array) as undefined,
        });
        const again = await begun(serverOf(store), { legacySessionId: idOf(first) });
        assert.deepEqual(calls.get, [toHex(idOf(first))]);
        assert.equal(idOf(again).length, 32);
        assert.notDeepEqual(idOf(again), idOf(first));
      });
    }

    for (const [name, set] of Object.entries({
      throws: (): void => {
        throw new Error('the store is full');
      },
      rejects: () => Promise.reject(new Error('the store is full')),
    })) {
      it(`stands all the same where storing ${name}, and deletes nothing`, async () => {
        const { store, calls } = recording({ ...memorySessionStore(), set });
        const first = await begun(serverOf(store));
        first.side.connection.fail(failure());
        assert.deepEqual(calls.delete, []);
        await begun(serverOf(store), { legacySessionId: idOf(first) });
      });
    }

    it('begins anew by an identifier that was never given', async () => {
      const server = serverOf(memorySessionStore());
      for (const length of [1, 31, 32]) {
        const client = await begun(server, { legacySessionId: new Uint8Array(length).fill(5) });
        assert.equal(idOf(client).length, 32);
        assert.notDeepEqual(idOf(client), new Uint8Array(32).fill(5));
      }
    });

    it('begins anew when its time is over, for another name, and under another certificate', async () => {
      const store = memorySessionStore();
      let time = now.getTime();
      const server = serverOf(store, { time: () => new Date(time), credentials: [twoNames] });
      const first = await begun(server);
      const by = { legacySessionId: idOf(first) };
      await begun(server, { ...by, extensions: { server_name: 'example.org' } });
      await begun({ ...server, credentials: [serverCredential] }, by);
      time += 7_199_999;
      await cameBack(first, server);
      time += 1;
      await begun(server, by);
    });

    const ends: readonly [string, boolean, (client: PuppetClient12) => unknown][] = [
      ['a fatal alert of ours deletes it', true, ({ side }) => side.connection.fail(failure())],
      ['a fatal alert of the client’s deletes it', true, (client) => client.sendAlert(2, 20)],
      [
        'a record that does not open deletes it',
        true,
        (client) => client.give(Uint8Array.of(23, 3, 3, 0, 24, ...new Uint8Array(24))),
      ],
      ['close_notify leaves it', false, (client) => client.sendAlert(1, 0)],
      ['a warning leaves it', false, (client) => client.sendAlert(1, 100)],
      ['a truncation leaves it', false, ({ side }) => side.connection.receiveEnd()],
      ['an abort of ours leaves it', false, ({ side }) => side.connection.abort()],
    ];
    for (const [name, gone, end] of ends) {
      it(`${name}`, async () => {
        const { store, calls } = recording();
        const server = serverOf(store);
        const first = await begun(server);
        await end(first);
        assert.deepEqual(calls.delete, gone ? [toHex(idOf(first))] : []);
        if (gone) await begun(server, { legacySessionId: idOf(first) });
        else await cameBack(first, server);
      });

      it(`${name}, also from a connection that went on by it`, async () => {
        const { store, calls } = recording();
        const server = serverOf(store);
        const first = await begun(server);
        await end(await cameBack(first, server));
        assert.deepEqual(calls.delete, gone ? [toHex(idOf(first))] : []);
        if (gone) await begun(server, { legacySessionId: idOf(first) });
        else await cameBack(first, server);
      });
    }

    it('a store that fails to delete fails nothing else', async () => {
      for (const remove of [
        () => Promise.reject(new Error('gone')),
        () => {
          throw new Error('gone');
        },
      ]) {
        const client = await begun(serverOf({ ...memorySessionStore(), delete: remove }));
        client.side.connection.fail(failure());
        assert.equal(client.side.error?.message, 'something broke');
      }
    });

    it('is kept by our client as well, offered with an empty ticket, and put back until its life of two hours ends', async () => {
      const sessions = watched();
      let time = now.getTime();
      const start = () =>
        new PuppetServer12(
          startClient({ provider, groups: curves, versions: [tls12], sessions, time: () => new Date(time) }),
        );
      const sessionId = new Uint8Array(32).fill(3);
      const first = start();
      await first.flight({}, { sessionId });
      await first.finish();
      assert.equal(first.side.established, true);
      const { master } = first;
      const [session] = sessions.given;
      assert.ok(master && session);
      assert.deepEqual([session.sessionId, session.ticket.length, session.lifetimeMs], [sessionId, 0, 7_200_000]);
      for (const later of [0, minute, 7_200_000 - minute - 1]) {
        time += later;
        const server = start();
        const hello = await server.readHello();
        assert.deepEqual(hello.legacySessionId, sessionId);
        assert.deepEqual(hello.extensions.session_ticket, new Uint8Array(0));
        await server.resume(master);
        assert.deepEqual(server.next('finished').raw, server.finished('client'));
        assert.equal(server.side.connection.negotiated?.resumed, true);
        await server.sendData('hello');
        assert.equal(server.side.text(), 'hello');
      }
      time += 1;
      assert.equal((await start().readHello()).legacySessionId.length, 0);
    });

    it('has its identifier or, where one comes with it, its ticket: the ticket goes on', async () => {
      const sessions = watched();
      const start = () => new PuppetServer12(startClient({ provider, groups: curves, versions: both, sessions }));
      const ticket = new Uint8Array(40).fill(4);
      const first = start();
      await first.flight({}, { sessionId: new Uint8Array(16).fill(3), ticket, lifetimeHint: 60 });
      await first.finish();
      const [session] = sessions.given;
      assert.deepEqual([session?.sessionId.length, session?.ticket, session?.lifetimeMs], [0, ticket, 60_000]);
      const server = start();
      const hello = await server.readHello();
      assert.deepEqual(hello.extensions.session_ticket, ticket);
      assert.notDeepEqual(hello.legacySessionId, new Uint8Array(16).fill(3));
      await server.resume(first.master ?? assert.fail());
      assert.equal(server.side.connection.negotiated?.resumed, true);
    });
  });
}
