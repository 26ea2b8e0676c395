/**
 * Sessions of TLS 1.2 that go on by a ticket (RFC 5246 §7.3, RFC 5077): what they keep, what may be otherwise, and what ends
 * them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CryptoProvider, concat, toHex } from '@handfast/crypto';
import {
  type ClientOptions,
  memorySessionCache,
  namedGroups,
  type SessionCache,
  serverResumption,
  TlsError,
  ticketKeys,
  tls12,
  tls13,
} from '../../src/index.ts';
import { secureRenegotiation } from '../../src/legacy/index.ts';
import { contentType } from '../../src/registry.ts';
import {
  defaultCipherSuites12,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
} from '../../src/tls12/suites.ts';
import {
  changing,
  exported,
  full,
  good,
  helloOf,
  type Met,
  messagesOf,
  minute,
  resumed,
  type Stage,
  stage,
  typesOf,
} from '../session/resuming.ts';
import { watched } from '../session/watched.ts';
import { clientCredential, makeCredential, now, otherPki, pki, serverCredential } from '../support/identities.ts';
import { exchange, give, type PairOptions, providers, type Side, settled, startClient } from '../support/pair.ts';
import { recordsIn } from '../support/wire.ts';

const curves = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const both = [tls13, tls12];
const rsaCredential = await makeCredential({ type: 'rsa' });
const shortLived = await makeCredential({ with: { notAfter: new Date(now.getTime() + 90 * minute) } });
const twoNames = await makeCredential({ names: ['localhost', 'example.org'] });
const stranger = await makeCredential({ issuer: otherPki });

/** A stage of TLS 1.2 alone; `always` holds for every connection on it. */
function stage12(provider: CryptoProvider, { client, server, ...always }: PairOptions = {}): Stage {
  const common = { versions: [tls12], groups: curves };
  return stage(provider, { ...always, client: { ...common, ...client }, server: { ...common, ...server } });
}

const ticketOf = (met: Met) => messagesOf(met, 'new_session_ticket_12')[0];
const serverHelloOf = (met: Met) => messagesOf(met, 'legacy_server_hello')[0] ?? assert.fail('no ServerHello');
const offeredTicket = (met: Met): Uint8Array =>
  helloOf(met).extensions.session_ticket ?? assert.fail('no session_ticket');
const failure = (): TlsError => new TlsError('internal', 'something broke');

/** The plaintext sizes of records that carry data under AES-GCM. */
const dataSizes = (side: Side): readonly number[] =>
  recordsIn(concat(...side.outbox))
    .filter((record) => record[0] === contentType.application_data)
    .map((record) => record.length - 5 - 8 - 16);

for (const provider of providers) {
  describe(`resumption of TLS 1.2, provider ${provider.name}`, () => {
    describe('by a ticket', () => {
      it('goes on three times in a row by the same one, which is put back each time', async () => {
        const { meet } = stage12(provider);
        const first = await meet();
        await full(first);
        assert.deepEqual(first.told, ['kept']);
        assert.deepEqual(offeredTicket(first), new Uint8Array(0));
        assert.equal(helloOf(first).legacySessionId.length, 0);
        const { ticket, lifetimeHint } = ticketOf(first) ?? assert.fail('no ticket');
        assert.equal(lifetimeHint, 7200);
        const ids = new Set<string>();
        for (let time = 0; time < 3; time++) {
          const next = await meet();
          await resumed(next);
          assert.deepEqual(next.told, ['offered', 'kept']);
          assert.deepEqual(offeredTicket(next), ticket);
          const { legacySessionId } = helloOf(next);
          assert.equal(legacySessionId.length, 32);
          assert.deepEqual(serverHelloOf(next).legacySessionIdEcho, legacySessionId);
          ids.add(toHex(legacySessionId));
        }
        assert.equal(ids.size, 3);
      });

      it('announces it in ServerHello, names no session there, and sends it before the keys change', async () => {
        const { meet } = stage12(provider);
        const met = await meet();
        await full(met);
        assert.equal(serverHelloOf(met).extensions.session_ticket, true);
        assert.equal(serverHelloOf(met).legacySessionIdEcho.length, 0);
        assert.deepEqual(typesOf(met, 'in').slice(-2), ['new_session_ticket_12', 'finished']);
      });

      it('shows no certificate and signs nothing; the server is the first to end', async () => {
        const { meet } = stage12(provider, {
          client: { credentials: [clientCredential] },
          server: { clientCertificate: 'require', trust: pki.trust },
        });
        await full(await meet());
        const met = await meet();
        await resumed(met);
        assert.deepEqual(
          met.messages.map(({ direction, message }) => `${direction} ${message.type}`),
          ['out client_hello', 'in legacy_server_hello', 'in finished', 'out finished'],
        );
        const { extensions } = serverHelloOf(met);
        assert.deepEqual(
          [extensions.server_name, extensions.session_ticket, extensions.ec_point_formats, extensions.status_request],
          [undefined, undefined, undefined, undefined],
        );
        assert.deepEqual(extensions.renegotiation_info, new Uint8Array(0));
        assert.equal(extensions.extended_master_secret, true);
      });

      it('has the same master secret under new randoms, and keys of its own', async () => {
        const { meet } = stage12(provider);
        const first = await meet();
        await full(first);
        const second = await meet();
        await resumed(second);
        for (const { keyLog } of [first, second]) {
          assert.deepEqual(keyLog.client, keyLog.server);
          assert.equal(keyLog.client.length, 1);
        }
        const [before, after] = [first, second].map(({ keyLog }) => keyLog.client[0]?.trim().split(' '));
        assert.ok(before && after);
        assert.deepEqual([before[0], after[0]], ['CLIENT_RANDOM', 'CLIENT_RANDOM']);
        assert.equal(after[1], toHex(helloOf(second).random));
        assert.notEqual(after[1], before[1]);
        assert.equal(after[2], before[2]);
        assert.notDeepEqual(serverHelloOf(first).random, serverHelloOf(second).random);
        assert.equal(exported(second.client), exported(second.server));
        assert.notEqual(exported(first.client), exported(second.client));
      });

      it('knows the server again: its certificate, verified anew, and no signature', async () => {
        const here = stage12(provider);
        const before = await full(await here.meet());
        here.now += 30 * minute;
        const met = await here.meet();
        const after = await resumed(met);
        assert.equal(before.peerSignatureScheme?.name, 'ecdsa_secp256r1_sha256');
        assert.deepEqual(
          [after.version, after.resumed, after.group, after.signatureScheme, after.peerSignatureScheme],
          ['TLS 1.2', true, undefined, undefined, undefined],
        );
        assert.deepEqual([before.extendedMasterSecret, after.extendedMasterSecret], [true, true]);
        assert.equal(after.cipherSuite, before.cipherSuite);
        assert.equal(after.serverName, 'localhost');
        assert.deepEqual(after.peer?.chain[0]?.raw, serverCredential.chain[0]?.raw);
        assert.equal(after.peer?.path?.path.length, 2);
        assert.notEqual(after.peer, before.peer);
        const theirs = met.server.connection.negotiated;
        assert.deepEqual(
          [theirs?.group, theirs?.signatureScheme, theirs?.peerSignatureScheme, theirs?.peer, theirs?.resumed],
          [undefined, undefined, undefined, undefined, true],
        );
        assert.equal(theirs?.extendedMasterSecret, true);
      });

      it('knows the client again by its certificate, verified anew', async () => {
        const asked: unknown[] = [];
        const { meet } = stage12(provider, {
          client: { credentials: [clientCredential] },
          server: {
            clientCertificate: 'require',
            trust: pki.trust,
            verifyPeer: ({ role, chain, error }) => {
              asked.push([role, chain.length, error]);
              return { accepted: true };
            },
          },
        });
        const first = await meet();
        await full(first);
        const second = await meet();
        await resumed(second);
        const [before, after] = [first, second].map(({ server }) => server.connection.negotiated);
        assert.deepEqual(after?.peer?.chain[0]?.raw, clientCredential.chain[0]?.raw);
        assert.equal(after?.peer?.path?.path.length, 2);
        assert.notEqual(after?.peer, before?.peer);
        assert.equal(before?.peerSignatureScheme?.name, 'ecdsa_secp256r1_sha256');
        assert.equal(after?.peerSignatureScheme, undefined);
        assert.deepEqual(asked, [
          ['client', 1, undefined],
          ['client', 1, undefined],
        ]);
      });

      it('looks at the client’s certificate with today’s trust, and goes on only where it is asked for as it was', async () => {
        const mutual = { clientCertificate: 'require', trust: pki.trust } as const;
        const { meet } = stage12(provider, { client: { credentials: [clientCredential] } });
        await full(await meet({ server: mutual }));
        const met = await meet({
          server: { ...mutual, verifyPeer: () => ({ accepted: true }), trust: otherPki.trust },
        });
        await resumed(met);
        assert.match(
          met.server.connection.negotiated?.peer?.error?.message ?? '',
          /which is neither in our trust store/,
        );
        const unasked = await meet();
        await full(unasked);
        assert.equal(unasked.told[0], 'offered');
        // Whoever was not asked has not refused.
        const asked = await meet({ server: mutual });
        await full(asked);
        assert.equal(asked.told[0], 'offered');
        assert.notEqual(asked.server.connection.negotiated?.peer, undefined);
      });

      it('chooses the application protocol anew', async () => {
        const { meet } = stage12(provider, { server: { alpnProtocols: ['h2', 'http/1.1'] } });
        assert.equal((await full(await meet({ client: { alpnProtocols: ['h2'] } }))).alpnProtocol, 'h2');
        const other = await meet({ client: { alpnProtocols: ['http/1.1'] } });
        assert.equal((await resumed(other)).alpnProtocol, 'http/1.1');
        assert.equal((await resumed(await meet())).alpnProtocol, undefined);
        assert.equal((await resumed(await meet({ client: { alpnProtocols: ['h2'] } }))).alpnProtocol, 'h2');
      });

      it('agrees on the sizes of records anew', async () => {
        const { meet } = stage12(provider);
        await full(await meet({ client: { recordSizeLimit: 700 } }));
        const met = await meet({ client: { recordSizeLimit: 512 }, server: { recordSizeLimit: 300 } });
        await resumed(met);
        for (const [side, sizes] of [
          [met.client, [300, 300, 200]],
          [met.server, [512, 288]],
        ] as const) {
          side.connection.write(new Uint8Array(800));
          await settled(side);
          assert.deepEqual(dataSizes(side), sizes);
        }
        const without = await meet();
        await resumed(without);
        without.server.connection.write(new Uint8Array(800));
        await settled(without.server);
        assert.deepEqual(dataSizes(without.server), [800]);
      });

      for (const suite of defaultCipherSuites12.filter(({ supportedBy }) => supportedBy(provider))) {
        it(`goes on in ${suite.name}`, async () => {
          const cipherSuites = [suite];
          const credentials = [suite.name.includes('RSA') ? rsaCredential : serverCredential];
          const { meet } = stage12(provider, { client: { cipherSuites }, server: { cipherSuites, credentials } });
          await full(await meet());
          assert.equal((await resumed(await meet())).cipherSuite, suite);
        });
      }

      it('goes on in its own suite, though the server likes another better', async () => {
        const [one, other] = [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384];
        const { meet } = stage12(provider, { server: { cipherSuites: [other, one] } });
        assert.equal((await full(await meet({ client: { cipherSuites: [one] } }))).cipherSuite, one);
        assert.equal((await resumed(await meet({ client: { cipherSuites: [other, one] } }))).cipherSuite, one);
      });

      it('gives way to a full handshake where the server has its suite no more', async () => {
        const [one, other] = [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384];
        const { meet } = stage12(provider);
        await full(await meet({ server: { cipherSuites: [one] } }));
        const met = await meet({ server: { cipherSuites: [other] } });
        assert.equal((await full(met)).cipherSuite, other);
        assert.deepEqual(met.told, ['offered', 'kept']);
      });

      it('is not given where nobody keeps it, and not offered where nobody gives it', async () => {
        const { meet } = stage12(provider);
        const noTickets = { tickets: undefined as never };
        const without = await meet({ server: noTickets });
        await full(without);
        assert.deepEqual(without.told, []);
        assert.equal(serverHelloOf(without).extensions.session_ticket, undefined);
        const uncached = await meet({ client: { sessions: undefined as never } });
        await full(uncached);
        assert.equal(helloOf(uncached).extensions.session_ticket, undefined);
        assert.equal(ticketOf(uncached), undefined);
        await full(await meet());
        const forgotten = await meet({ server: noTickets });
        await full(forgotten);
        assert.deepEqual(forgotten.told, ['offered']);
      });
    });

    describe('where TLS 1.3 is known to one or both', () => {
      it('goes on in TLS 1.2 for a client of both at a server of TLS 1.2 alone', async () => {
        const { meet } = stage12(provider, { client: { versions: both } });
        assert.equal((await full(await meet())).version, 'TLS 1.2');
        for (let time = 0; time < 2; time++) {
          const met = await meet();
          assert.equal((await resumed(met)).version, 'TLS 1.2');
          assert.equal(helloOf(met).extensions.pre_shared_key, undefined);
          assert.deepEqual(serverHelloOf(met).legacySessionIdEcho, helloOf(met).legacySessionId);
        }
      });

      it('goes on in TLS 1.2 for a client of that alone at a server of both', async () => {
        const { meet } = stage12(provider, { server: { versions: both } });
        await full(await meet());
        assert.equal((await resumed(await meet())).version, 'TLS 1.2');
      });

      it('begins anew in TLS 1.3 where the server has learnt it, and goes on there', async () => {
        const { meet } = stage12(provider, { client: { versions: both } });
        const first = await meet();
        await full(first);
        const server = { versions: both };
        const learnt = await meet({ server });
        assert.equal((await full(learnt)).version, 'TLS 1.3');
        assert.deepEqual(offeredTicket(learnt), ticketOf(first)?.ticket);
        assert.deepEqual(learnt.told, ['offered', 'kept', 'kept']);
        assert.equal((await resumed(await meet({ server }))).version, 'TLS 1.3');
      });

      it('begins anew in TLS 1.2 where the server has lost TLS 1.3, and goes on there', async () => {
        const { meet } = stage12(provider, { client: { versions: both } });
        assert.equal((await full(await meet({ server: { versions: both } }))).version, 'TLS 1.3');
        const lost = await meet();
        assert.equal((await full(lost)).version, 'TLS 1.2');
        assert.equal(helloOf(lost).extensions.pre_shared_key?.identities.length, 1);
        assert.deepEqual(offeredTicket(lost), new Uint8Array(0));
        assert.deepEqual(lost.told, ['offered', 'kept']);
        const back = await meet();
        assert.equal((await resumed(back)).version, 'TLS 1.2');
        assert.equal(helloOf(back).extensions.pre_shared_key, undefined);
      });

      it('passes a session of TLS 1.2 over where the client offers TLS 1.3 alone', async () => {
        const { meet } = stage12(provider, { server: { versions: both } });
        await full(await meet());
        const met = await meet({ client: { versions: [tls13] } });
        assert.equal((await full(met)).version, 'TLS 1.3');
        assert.equal(met.told[0], 'passed over: its version or its cipher suite is not offered');
      });
    });

    describe('in time', () => {
      it('renews a ticket past half its life in the abbreviated handshake, and goes on by the new one', async () => {
        const here = stage12(provider);
        const first = await here.meet();
        await full(first);
        here.now += 60 * minute;
        const atHalf = await here.meet();
        await resumed(atHalf);
        assert.equal(ticketOf(atHalf), undefined);
        here.now += 1;
        const past = await here.meet();
        await resumed(past);
        assert.deepEqual(typesOf(past, 'in'), ['legacy_server_hello', 'new_session_ticket_12', 'finished']);
        assert.equal(serverHelloOf(past).extensions.session_ticket, true);
        assert.deepEqual(offeredTicket(past), ticketOf(first)?.ticket);
        assert.deepEqual(past.told, ['offered', 'kept']);
        const renewed = ticketOf(past) ?? assert.fail();
        assert.notDeepEqual(renewed.ticket, ticketOf(first)?.ticket);
        assert.equal(renewed.lifetimeHint, 7200);
        // Past the end of the first one's life.
        here.now += 61 * minute;
        const next = await here.meet();
        await resumed(next);
        assert.deepEqual(offeredTicket(next), renewed.ticket);
        assert.notEqual(ticketOf(next), undefined);
      });

      it('renews for no longer than seven days from when certificates were shown', async () => {
        const here = stage12(provider);
        // Keys for as long as tickets live.
        const keys = {
          resumption: serverResumption,
          seal: (state: Uint8Array) => Uint8Array.from(state),
          open: (ticket: Uint8Array) => Uint8Array.from(ticket),
        };
        const options = { server: { tickets: { keys, lifetime: 604_800 } } };
        const first = await here.meet(options);
        await full(first);
        assert.equal(ticketOf(first)?.lifetimeHint, 604_800);
        here.now += 302_400_001;
        const half = await here.meet(options);
        await resumed(half);
        assert.equal(ticketOf(half)?.lifetimeHint, 302_399);
        here.now += 302_399_000 - 1;
        const last = await here.meet(options);
        await resumed(last);
        assert.equal(ticketOf(last)?.lifetimeHint, 1);
        here.now += 1000;
        const over = await here.meet(options);
        await full(over);
        assert.equal(over.told[0], 'passed over: it has expired');
      });

      it('gives no ticket that outlives the certificate', async () => {
        const here = stage12(provider, { server: { credentials: [shortLived] } });
        const first = await here.meet();
        await full(first);
        assert.equal(ticketOf(first)?.lifetimeHint, 5400);
      });

      it('puts a session back as it was, to be used until its life ends and not after', async () => {
        const sessions = watched();
        const here = stage12(provider, { client: { sessions } });
        await full(await here.meet());
        const [first] = sessions.given;
        assert.ok(first);
        const lived = { ...first, secret: first.secret.slice() };
        for (let time = 1; time <= 6; time++) {
          here.now += 10 * minute;
          const met = await here.meet();
          await resumed(met);
          assert.deepEqual(met.told, ['offered', 'kept']);
          assert.deepEqual(sessions.given[time], lived);
        }
        assert.equal(sessions.given.length, 7);
        here.now = lived.received + lived.lifetimeMs;
        const met = await here.meet();
        await full(met);
        assert.deepEqual(met.told, ['passed over: it has expired', 'kept']);
      });

      it('wipes the secret of a session that was used, once its connection is over, and not of the one put back', async () => {
        const sessions = watched();
        const { meet } = stage12(provider, { client: { sessions } });
        await full(await meet());
        const met = await meet();
        await resumed(met);
        met.client.connection.abort();
        const wiped = sessions.given.map(({ secret }) => secret.every((byte) => byte === 0));
        assert.deepEqual(wiped, [true, false]);
      });

      it('sends an empty ticket where there is none after all: nothing is kept, and what there was is put back', async () => {
        const keys = ticketKeys({ provider });
        const noSeal = { server: { tickets: { keys: { ...keys, seal: () => undefined } } } };
        const here = stage12(provider, { server: { tickets: { keys } } });
        const none = await here.meet(noSeal);
        await full(none);
        assert.deepEqual([ticketOf(none)?.ticket.length, ticketOf(none)?.lifetimeHint], [0, 0]);
        assert.deepEqual(none.told, []);
        const first = await here.meet();
        await full(first);
        here.now += 70 * minute;
        for (let time = 0; time < 2; time++) {
          const met = await here.meet(noSeal);
          await resumed(met);
          assert.equal(ticketOf(met)?.ticket.length, 0);
          assert.deepEqual(offeredTicket(met), ticketOf(first)?.ticket);
          assert.deepEqual(met.told, ['offered', 'kept']);
        }
      });
    });

    describe('ends with a fatal alert', () => {
      /** How a connection may end: what is done, and whether the session goes with it. */
      const ends: readonly [string, boolean, (met: Met) => void | Promise<void>][] = [
        ['of the client’s', true, ({ client }) => client.connection.fail(failure())],
        ['of the server’s', true, ({ server }) => server.connection.fail(failure())],
        [
          'over a record that does not open',
          true,
          async ({ client }) => give(client, Uint8Array.of(23, 3, 3, 0, 24, ...new Uint8Array(24))),
        ],
        [
          'as close_notify, both ways: not',
          false,
          ({ client, server }) => {
            client.connection.closeWrite();
            server.connection.closeWrite();
          },
        ],
        ['as close_notify of the server’s: not', false, ({ server }) => server.connection.closeWrite()],
        ['as a truncation: not', false, ({ client }) => client.connection.receiveEnd()],
        ['as an abort of ours: not', false, ({ client }) => client.connection.abort()],
      ];
      for (const [name, gone, end] of ends) {
        it(`${name}${gone ? '' : ' gone'}`, async () => {
          const sessions = watched();
          const { meet } = stage12(provider, { client: { sessions } });
          const first = await meet();
          await full(first);
          await end(first);
          await exchange(first);
          assert.deepEqual(sessions.removed, gone ? [['localhost', sessions.given[0]]] : []);
          const second = await meet();
          await good(second, !gone);
          assert.equal(second.told[0], gone ? 'kept' : 'offered');
          // And once more, of a connection that went on from another.
          const third = await meet();
          await resumed(third);
          await end(third);
          await exchange(third);
          assert.equal(sessions.removed.length, gone ? 2 : 0);
          if (gone) assert.deepEqual(sessions.removed[1], ['localhost', sessions.given.at(-1)]);
          await good(await meet(), !gone);
        });
      }

      it('also where it comes in the abbreviated handshake', async () => {
        const { meet, sessions } = stage12(provider);
        await full(await meet());
        const client = startClient({ provider, groups: curves, versions: [tls12], sessions });
        await settled(client);
        await give(client, Uint8Array.of(21, 3, 3, 0, 2, 2, 40));
        assert.equal(client.error?.code, 'peer_alert');
        const met = await meet();
        await full(met);
        assert.deepEqual(met.told, ['kept']);
      });

      it('also where it comes while a cache that takes its time is putting the session away', async () => {
        const cache = watched();
        let stored: Promise<void> | undefined;
        const sessions: SessionCache = {
          ...cache,
          put(peer, session) {
            stored = new Promise((resolve) => setImmediate(resolve)).then(() => cache.put(peer, session));
            return stored;
          },
        };
        const { meet } = stage12(provider, { client: { sessions } });
        const trace: ClientOptions['trace'] = ({ type }) => {
          if (type === 'established') throw failure();
        };
        const met = await meet({ client: { trace } });
        assert.deepEqual([met.client.error?.code, met.client.error?.alert], ['callback_failed', 'internal_error']);
        assert.equal(met.server.error?.code, 'peer_alert');
        await stored;
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(cache.given.length, 1);
        assert.equal(await cache.take('localhost'), undefined);
      });

      it('and a cache that fails to forget fails nothing else', async () => {
        for (const remove of [
          () => Promise.reject(new Error('gone')),
          () => {
            throw new Error('gone');
          },
        ]) {
          const { meet } = stage12(provider, { client: { sessions: { ...memorySessionCache(), remove } } });
          const met = await meet();
          await full(met);
          met.client.connection.fail(failure());
          await exchange(met);
          assert.equal(met.client.error?.message, 'something broke');
        }
      });
    });

    describe('and renegotiation', () => {
      const renegotiation = secureRenegotiation({ most: 2 });
      const options = { client: { renegotiation }, server: { renegotiation } };

      for (const side of ['client', 'server'] as const) {
        for (const first of ['a full', 'an abbreviated'] as const) {
          it(`by the ${side}, after ${first} handshake, neither offers a session nor gives one`, async () => {
            const sessions = watched();
            const { meet } = stage12(provider, { client: { ...options.client, sessions }, server: options.server });
            if (first === 'an abbreviated') await full(await meet());
            const met = await meet();
            await good(met, first === 'an abbreviated');
            const kept = sessions.given.length;
            const before = met.messages.length;
            met[side].connection.renegotiate();
            await exchange(met);
            const again = met.messages.slice(before).map(({ message }) => message);
            const hello = again.find((message) => message.type === 'client_hello') ?? assert.fail();
            const answer = again.find((message) => message.type === 'legacy_server_hello') ?? assert.fail();
            assert.ok(again.some(({ type }) => type === 'certificate_12'));
            assert.ok(again.every(({ type }) => type !== 'new_session_ticket_12'));
            assert.deepEqual([answer.extensions.session_ticket, answer.legacySessionIdEcho.length], [undefined, 0]);
            for (const { connection } of [met.client, met.server]) assert.equal(connection.negotiated?.resumed, false);
            assert.equal(sessions.given.length, kept);
            assert.deepEqual(sessions.removed, []);
            assert.deepEqual([hello.extensions.session_ticket, hello.legacySessionId.length], [undefined, 0]);
            await resumed(await meet());
          });
        }
      }

      for (const side of ['client', 'server'] as const) {
        it(`may follow an abbreviated handshake, whose Finished it is tied to: by the ${side}`, async () => {
          const { meet } = stage12(provider, options);
          await full(await meet());
          const met = await meet();
          await resumed(met);
          const [theirs, ours] = messagesOf(met, 'finished').map(({ verifyData }) => Uint8Array.from(verifyData));
          assert.ok(ours && theirs);
          met[side].connection.renegotiate();
          await exchange(met);
          assert.deepEqual(helloOf(met, 1).extensions.renegotiation_info, ours);
          const info = messagesOf(met, 'legacy_server_hello')[1]?.extensions.renegotiation_info;
          assert.deepEqual(info, concat(ours, theirs));
          met.client.connection.write(Buffer.from('!'));
          met.server.connection.write(Buffer.from('?'));
          await exchange(met);
          assert.deepEqual([met.client.text(), met.server.text()], ['pong?', 'ping!']);
          assert.deepEqual([met.client.error, met.server.error], [undefined, undefined]);
        });
      }

      it('leaves the first session to be ended by a fatal alert', async () => {
        const sessions = watched();
        const { meet } = stage12(provider, { client: { ...options.client, sessions }, server: options.server });
        const met = await meet();
        await full(met);
        met.client.connection.renegotiate();
        await exchange(met);
        assert.deepEqual(sessions.removed, []);
        met.server.connection.fail(failure());
        await exchange(met);
        assert.deepEqual(sessions.removed, [['localhost', sessions.given[0]]]);
      });
    });

    describe('is passed over', () => {
      interface Row {
        readonly first?: PairOptions;
        readonly second?: PairOptions;
        readonly after?: number;
        readonly why: RegExp;
      }
      const accept = { verifyPeer: () => ({ accepted: true }) as const };
      const mutual = { clientCertificate: 'request', trust: pki.trust } as const;
      const suites = (...cipherSuites: NonNullable<ClientOptions['cipherSuites']>): PairOptions => ({
        client: { cipherSuites },
      });
      const rows: Readonly<Record<string, Row>> = {
        'that has expired, to the millisecond': { after: 7_200_000, why: /^it has expired$/ },
        'that is of the future': { after: -1, why: /^it is of the future$/ },
        'with another name': {
          first: { server: { credentials: [twoNames] }, target: { serverName: 'localhost', sessionKey: 'one' } },
          second: { server: { credentials: [twoNames] }, target: { serverName: 'example.org', sessionKey: 'one' } },
          why: /^it is with another name$/,
        },
        'of a server whose issuer is not trusted': {
          first: { client: { trust: otherPki.trust }, server: { credentials: [stranger] } },
          why: /^certificate for "localhost" was issued by "CN=Another root", which is neither in our trust store/,
        },
        'made by a config that accepts anybody': {
          first: { client: accept, server: { credentials: [stranger] } },
          why: /^certificate for "localhost" was issued by "CN=Another root", which is neither in our trust store/,
        },
        'whose certificate verifyPeer refuses this time': {
          second: {
            client: {
              verifyPeer: (() => {
                let asked = 0;
                return () => (asked++ % 2 ? { accepted: true } : { accepted: false, reason: 'not today' });
              })(),
            },
          },
          why: /^verifyPeer refused the certificate: not today$/,
        },
        'of another client certificate': {
          first: { client: { credentials: [clientCredential] }, server: mutual },
          second: { server: mutual },
          why: /^it is of another client certificate$/,
        },
        'whose suite is not offered, though another of its hash is': {
          first: suites(TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
          second: suites(TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
          why: /^its version or its cipher suite is not offered$/,
        },
      };
      it('without extended_master_secret, where that is required', async () => {
        const sessions = changing(memorySessionCache(), (one) => ({ ...one, extendedMasterSecret: false }));
        const here = stage12(provider, { client: { sessions, requireExtendedMasterSecret: true } });
        await full(await here.meet());
        const met = await here.meet();
        await full(met);
        assert.equal(met.told[0], 'passed over: it has no extended_master_secret');
      });

      for (const [name, { first, second, after = 0, why }] of Object.entries(rows)) {
        it(name, async () => {
          const here = stage12(provider);
          await full(await here.meet(first));
          here.now += after;
          const met = await here.meet(second);
          await full(met);
          assert.match(met.told[0] ?? '', new RegExp(`^passed over: ${why.source.slice(1)}`));
          assert.deepEqual(met.told.slice(1), ['kept']);
          assert.deepEqual(offeredTicket(met), new Uint8Array(0));
        });
      }
    });
  });
}
