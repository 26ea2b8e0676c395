/**
 * Early data that a server does not take, and that a client does not offer: the connection goes on, and who wrote it has it
 * back.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CryptoProvider } from '@handfast/crypto';
import {
  memoryReplayCache,
  namedGroups,
  type ReplayCache,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  ticketKeys,
  tls12,
  tls13,
} from '../../src/index.ts';
import { clientCredential, makeCredential, now, pki } from '../support/identities.ts';
import { exchange, give, type PairOptions, providers, settled, startServer } from '../support/pair.ts';
import { recordsIn } from '../support/wire.ts';
import {
  accepted,
  back,
  backAgain,
  earlyStage,
  limit,
  notOffered,
  rejected,
  replayCache,
  window,
  writeEarly,
} from './early.ts';
import {
  changing,
  full,
  helloOf,
  messagesOf,
  offerOf,
  resumed,
  type Stage,
  ticketsOf,
  typesOf,
  x25519,
} from './resuming.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const secp256r1 = groups.filter(({ name }) => name === 'secp256r1');
const retried = { client: { groups, keyShares: x25519 }, server: { groups: secp256r1 } };
const [aes, chacha] = [[TLS_AES_128_GCM_SHA256], [TLS_CHACHA20_POLY1305_SHA256]];
const off = { earlyData: undefined as never };
const external = { identity: Buffer.from('a key'), key: new Uint8Array(32).fill(7), hash: 'sha256' } as const;
const known = (identity: Uint8Array) => (Buffer.compare(identity, external.identity) === 0 ? external : undefined);
const twoNames = await makeCredential({ names: ['localhost', 'example.org'] });

const takesNone = 'this server takes none';
const notFirst = 'no session goes on, or not the first that was offered';
const otherSuite = 'another cipher suite was chosen than the session’s';
const otherProtocol = 'another ALPN protocol was chosen than the session’s';
const seen = 'the replay cache has seen it, or cannot know';

for (const provider of providers) {
  describe(`early data, provider ${provider.name}, is not taken, and given back,`, () => {
    /** What is different at the second meeting. */
    const cases: Record<string, { first?: PairOptions; next: PairOptions; why: string; how?: typeof full }> = {
      'by a server that takes none': { next: { server: off }, why: takesNone },
      'by a server that gives no tickets': {
        next: { server: { ...off, tickets: undefined as never } },
        why: takesNone,
        how: full,
      },
      'by a server of other ticket keys': {
        next: { server: { tickets: { keys: ticketKeys({ provider }) } } },
        why: notFirst,
        how: full,
      },
      'where another ALPN protocol is chosen': {
        first: { client: { alpnProtocols: ['a', 'b'] }, server: { alpnProtocols: ['a', 'b'] } },
        next: { client: { alpnProtocols: ['a', 'b'] }, server: { alpnProtocols: ['b', 'a'] } },
        why: otherProtocol,
      },
      'where no ALPN protocol is chosen any more': {
        first: { client: { alpnProtocols: ['a'] }, server: { alpnProtocols: ['a'] } },
        next: { client: { alpnProtocols: ['a'] } },
        why: otherProtocol,
      },
      'where another cipher suite of the same hash is chosen': {
        first: { server: { cipherSuites: aes } },
        next: { server: { cipherSuites: chacha } },
        why: otherSuite,
      },
      'where a cipher suite of another hash is chosen': {
        first: { server: { cipherSuites: aes } },
        next: { server: { cipherSuites: [TLS_AES_256_GCM_SHA384] } },
        why: notFirst,
        how: full,
      },
      'where the key is one from outside': {
        next: {
          client: { preSharedKey: () => external },
          server: { preSharedKey: known, tickets: { keys: ticketKeys({ provider }) } },
        },
        why: notFirst,
        how: (met) => outside(met),
      },
      'where a certificate of the client is wanted now': {
        first: { client: { credentials: [clientCredential] } },
        next: {
          client: { credentials: [clientCredential] },
          server: { clientCertificate: 'require', trust: pki.trust },
        },
        why: notFirst,
        how: full,
      },
    };
    /** A connection by a key from outside: nobody shows a certificate. */
    const outside: typeof full = async (met) => {
      const { client, server } = met;
      const [ours, theirs] = [client.connection.negotiated, server.connection.negotiated];
      assert.deepEqual([ours?.pskIdentity, theirs?.pskIdentity], [external.identity, external.identity].map(bytes));
      assert.deepEqual([ours?.earlyData, theirs?.earlyData], ['rejected', 'rejected']);
      client.connection.write(Buffer.from('ping'));
      await exchange(met);
      assert.equal(server.text(), 'ping');
      return ours ?? assert.fail();
    };
    const bytes = (data: Uint8Array): Uint8Array => Uint8Array.from(data);
    for (const [name, { first, next, why, how = resumed }] of Object.entries(cases)) {
      it(name, async () => {
        const here = earlyStage(provider);
        await full(await here.meet(first));
        await rejected(await backAgain(here, next, 'early', ' data'), 'early data', why, how);
      });
    }

    it('of a ticket that was given without, whatever the client keeps of it', async () => {
      const here = earlyStage(provider);
      await full(await here.meet({ server: off }));
      const sessions = changing(here.sessions, (session) => ({ ...session, maxEarlyData: 100 }));
      await rejected(
        await backAgain(here, { client: { sessions } }, 'early'),
        'early',
        'the ticket was given without it',
      );
    });

    it('where TLS 1.2 answers: no connection comes of it, and a hint says why', async () => {
      const versions = [tls13, tls12];
      const here = earlyStage(provider, { client: { versions, groups, keyShares: x25519 } });
      const met = await back(here, { server: { ...off, groups, versions: [tls12] } }, 'early');
      await exchange(met);
      const { error, connection } = met.client;
      assert.equal(error?.code, 'protocol_version');
      assert.equal(error.alert, 'protocol_version');
      assert.equal(error.message, 'ServerHello: TLS 1.2, and early data of TLS 1.3 was on its way');
      assert.equal(error.hint, 'the server knew TLS 1.3 before, and knows it no more: connect again without earlyData');
      assert.equal(met.server.text(), '');
      assert.equal(Buffer.from(connection.takeRejectedEarlyData() ?? []).toString(), 'early');
    });

    describe('after a HelloRetryRequest', () => {
      for (const [name, client, server] of [
        ['that asks for another share', {}, {}],
        ['with a cookie', {}, { retryCookie: true }],
        ['to a client without compatibility', { middleboxCompatibility: false }, {}],
        ['of a server that takes none', {}, off],
      ] as const) {
        it(`${name}, its records are passed by, and the second hello is in the clear`, async () => {
          const here = earlyStage(provider);
          const options = { client: { ...retried.client, ...client }, server: { ...retried.server, ...server } };
          const met = await back(here, options, 'early', ' data');
          const fromClient: Uint8Array[] = [];
          await exchange(met, (data, from) => {
            if (from === 'client') fromClient.push(...recordsIn(data));
            return [data];
          });
          const negotiated = await rejected(met, 'early data', undefined);
          assert.equal(negotiated.helloRetryRequest, true);
          const compatibility = 'middleboxCompatibility' in client ? [] : [20];
          assert.deepEqual(
            fromClient.map(([type]) => type),
            [22, ...compatibility, 23, 23, 22, 23],
          );
          const [one, two] = [helloOf(met, 0), helloOf(met, 1)];
          assert.deepEqual([one.extensions.early_data, two.extensions.early_data], [true, undefined]);
          assert.deepEqual(offerOf(met, 0)?.identities[0]?.identity, offerOf(met, 1)?.identities[0]?.identity);
          assert.notDeepEqual(offerOf(met, 0)?.binders, offerOf(met, 1)?.binders);
          assert.deepEqual(typesOf(met, 'out'), ['client_hello', 'client_hello', 'finished']);
        });
      }

      it('that names a suite of another hash', async () => {
        const here = earlyStage(provider);
        await full(await here.meet({ server: { cipherSuites: aes } }));
        const met = await backAgain(
          here,
          { ...retried, server: { ...retried.server, cipherSuites: [TLS_AES_256_GCM_SHA384] } },
          'early',
        );
        await rejected(met, 'early', undefined, full);
        assert.equal(offerOf(met, 1), undefined);
      });

      it('the replay cache is not asked', async () => {
        let asked = 0;
        const replay = { ...replayCache(), claim: () => ++asked > 0 };
        const here = earlyStage(provider, { server: { earlyData: { replay } } });
        await rejected(await back(here, retried, 'early'), 'early', undefined);
        assert.equal(asked, 0);
      });
    });

    describe('that comes', () => {
      for (const [name, moved, why] of [
        ['as late as may be', window / 2, undefined],
        ['as early as may be', -window / 2, undefined],
        ['too late by a millisecond', window / 2 + 1, 'it came 5001 ms after its time, and 5000 is the most'],
        ['too early by a millisecond', -window / 2 - 1, 'it came 5001 ms before its time, and 5000 is the most'],
        ['an hour late', 3_600_000, 'it came 3600000 ms after its time, and 5000 is the most'],
      ] as const) {
        it(name, async () => {
          const here = earlyStage(provider);
          await full(await here.meet());
          here.now += 60_000;
          const server = { time: () => new Date(here.now + moved) };
          const met = await backAgain(here, { server }, 'early');
          await (why === undefined ? accepted(met, 'early') : rejected(met, 'early', why));
        });
      }

      it('late where the client’s clock runs slow: its age is what counts, not its time', async () => {
        const here = earlyStage(provider, { client: { time: () => new Date(here.now - 3_600_000) } });
        await accepted(await back(here, {}, 'early'), 'early');
      });

      it('in time by an age that is hidden past 2^32', async () => {
        // What hides the age of tickets is the one draw of four bytes.
        const highest: CryptoProvider = {
          ...provider,
          random: (length) => (length === 4 ? new Uint8Array(4).fill(0xff) : provider.random(length)),
        };
        const here = earlyStage(provider, { server: { provider: highest } });
        const first = await here.meet();
        await full(first);
        assert.equal(ticketsOf(first)[0]?.ticketAgeAdd, 0xffff_ffff);
        here.now += 60_000;
        const met = await backAgain(here, {}, 'early');
        await accepted(met, 'early');
        assert.equal(offerOf(met)?.identities[0]?.obfuscatedTicketAge, 59_999);
      });

      it('with an age that its client made up', async () => {
        const here = earlyStage(provider);
        await full(await here.meet());
        for (const [wrong, late] of [
          [5000, undefined],
          [5001, 5001],
        ] as const) {
          const sessions = changing(here.sessions, (session) => ({
            ...session,
            ticketAgeAdd: (session.ticketAgeAdd - wrong) >>> 0,
          }));
          here.now += 20_000;
          const met = await backAgain(here, { client: { sessions } }, 'early');
          if (late === undefined) await accepted(met, 'early');
          else await rejected(met, 'early', `it came ${late} ms after its time, and 5000 is the most`);
        }
      });
    });

    describe('where the replay cache', () => {
      const answers = (claim: () => unknown): ReplayCache => ({ window, claim }) as unknown as ReplayCache;
      const fails = (): never => {
        throw new Error('out of order');
      };
      for (const [name, claim, why] of [
        ['says that it was seen', () => false, seen],
        ['says so later', async () => false, seen],
        ['throws', fails, 'the replay cache failed: out of order'],
        ['rejects', async () => fails(), 'the replay cache failed: out of order'],
        ['answers 1', () => 1, seen],
        ['answers a word', () => 'true', seen],
        ['answers an object', () => ({}), seen],
        ['answers nothing', () => undefined, seen],
        ['answers 1 later', async () => 1, seen],
      ] as const) {
        it(name, async () => {
          const here = earlyStage(provider, { server: { earlyData: { replay: answers(claim) } } });
          await rejected(await back(here, {}, 'early'), 'early', why);
        });
      }

      it('is younger than its window', async () => {
        const replay = memoryReplayCache({ window, time: () => now });
        const here = earlyStage(provider, { server: { earlyData: { replay } } });
        await rejected(await back(here, {}, 'early'), 'early', seen);
        here.now += window;
        await accepted(await backAgain(here, {}, 'early'), 'early');
      });
    });

    for (const [name, before] of [
      ['that was recorded, and comes again to another server', false],
      ['whose recording came before it', true],
    ] as const) {
      it(name, async () => {
        const replay = replayCache();
        const here = earlyStage(provider, { server: { earlyData: { replay } } });
        const met = await back(here, {}, 'pay once');
        await settled(met.client);
        const recording = Buffer.concat(met.client.outbox);
        const own = { provider, groups: x25519, tickets: { keys: here.keys }, earlyData: { replay } };
        const why: string[] = [];
        const early: Uint8Array[] = [];
        const again = startServer(
          {
            ...own,
            trace: (event) => {
              if (event.type === 'early_data') why.push(event.accepted ? 'accepted' : event.why);
            },
          },
          { earlyData: (data) => early.push(data) },
        );
        // Whoever comes second is refused, even where that is the one who wrote it.
        if (before) await give(again, recording);
        if (before) await rejected(met, 'pay once', seen);
        else await accepted(met, 'pay once');
        if (!before) await give(again, recording);
        assert.deepEqual(why, [before ? 'accepted' : seen]);
        // Nobody who has a recording alone has the keys to finish with.
        assert.equal(Buffer.concat(early).toString(), before ? 'pay once' : '');
        again.connection.receiveEnd();
        assert.equal(again.error?.code, 'truncated');
        assert.equal(again.established, false);
        assert.equal(again.text(), '');
        assert.equal(Buffer.concat(early).toString(), before ? 'pay once' : '');
      });
    }

    describe('and is passed by', () => {
      const others = { keys: ticketKeys({ provider }) };
      const refusing = { ...replayCache(), claim: () => false };
      for (const [name, server, most, why, how] of [
        ['what is skipped', { ...off, tickets: others, limits: { skippedEarlyData: 300 } }, 300, takesNone, full],
        [
          'what would be taken',
          { tickets: others, earlyData: { replay: refusing, limit: 400 }, limits: { skippedEarlyData: 300 } },
          400,
          notFirst,
          full,
        ],
        ['what the ticket was given for', { ...off, limits: { skippedEarlyData: 300 } }, 500, takesNone, resumed],
      ] as const) {
        const begun = (): Stage =>
          earlyStage(provider, { server: { earlyData: { replay: replayCache(), limit: 500 } } });
        it(`in records of one byte, up to ${name}`, async () => {
          const data = Array.from({ length: most }, () => 'x');
          await rejected(await back(begun(), { server }, ...data), data.join(''), why, how);
        });
        it(`and no further than ${name}`, async () => {
          const here = begun();
          await full(await here.meet());
          const sessions = changing(here.sessions, (session) => ({ ...session, maxEarlyData: 501 }));
          const met = await backAgain(here, { server, client: { sessions } }, 'x'.repeat(most), 'x');
          await exchange(met);
          const { error } = met.server;
          assert.deepEqual([error?.code, error?.alert], ['bad_record_mac', 'bad_record_mac']);
          assert.equal(error?.message, 'the client sent more early data than is skipped for it, and none was accepted');
          assert.equal(met.client.error?.code, 'peer_alert');
        });
      }

      it('in the largest records, also ahead of a second hello', async () => {
        const much = 'x'.repeat(limit);
        await rejected(await back(earlyStage(provider), { server: off }, much), much, takesNone);
        await rejected(await back(earlyStage(provider), retried, much), much, undefined);
      });

      it('in records larger than the server will take afterwards', async () => {
        const much = 'x'.repeat(2000);
        const server = { ...off, recordSizeLimit: 64 };
        const here = earlyStage(provider, { client: { recordSizeLimit: 16_385 } });
        await rejected(await back(here, { server }, much), much, takesNone);
      });

      it('also what is written after the server has answered, until the client knows', async () => {
        const met = await back(earlyStage(provider), { server: off }, 'a');
        const { client, server } = met;
        const move = async (): Promise<void> => {
          await settled(client);
          for (const data of client.outbox.splice(0)) await give(server, data);
        };
        await move();
        const [serverHello, ...rest] = recordsIn(Buffer.concat(server.outbox.splice(0)));
        await give(client, serverHello ?? assert.fail());
        writeEarly(client, 'b');
        await move();
        for (const record of rest) await give(client, record);
        await rejected(met, 'ab', takesNone);
      });
    });

    it('at once where another key is selected: nothing is written after ServerHello', async () => {
      const met = await back(earlyStage(provider), { server: { tickets: { keys: ticketKeys({ provider }) } } }, 'a');
      const { client, server } = met;
      await settled(client);
      for (const data of client.outbox.splice(0)) await give(server, data);
      const [serverHello, ...rest] = recordsIn(Buffer.concat(server.outbox.splice(0)));
      await give(client, serverHello ?? assert.fail());
      assert.equal(client.connection.state, 'WAIT_EE');
      assert.equal(client.connection.writeEarlyData(Buffer.from('b')), 0);
      for (const record of rest) await give(client, record);
      await rejected(met, 'a', notFirst, full);
    });

    it('and nothing is given back where nothing was written', async () => {
      const met = await back(earlyStage(provider), { server: off });
      await exchange(met);
      assert.equal((await resumed(met)).earlyData, 'rejected');
      assert.equal(met.client.connection.takeRejectedEarlyData(), undefined);
    });

    it('and is taken again the next time', async () => {
      const here = earlyStage(provider, { client: { ticketRequest: { full: 1, resumed: 1 } } });
      const other = { replay: { ...replayCache(), claim: () => false } };
      await rejected(await back(here, { server: { earlyData: other } }, 'one'), 'one', seen);
      await accepted(await backAgain(here, {}, 'two'), 'two');
    });

    it('bytes given back may be sent as data', async () => {
      const met = await back(earlyStage(provider), { server: off }, 'early');
      await exchange(met);
      const given = met.client.connection.takeRejectedEarlyData();
      met.client.connection.write(given ?? assert.fail());
      await exchange(met);
      assert.equal(met.server.text(), 'early');
    });
  });

  describe(`early data, provider ${provider.name}, is not offered`, () => {
    it('where there is no session', async () => {
      await notOffered(await earlyStage(provider).begin(), full);
    });

    it('by a session without, whose ticket says nothing of it', async () => {
      const here = earlyStage(provider);
      const first = await here.meet({ server: off });
      await full(first);
      assert.deepEqual(
        messagesOf(first, 'new_session_ticket').map(({ extensions }) => extensions.early_data),
        [undefined, undefined],
      );
      await notOffered(await here.begin());
    });

    it('where the config has none, or none of any bytes', async () => {
      for (const client of [off, { earlyData: 0 }]) await notOffered(await back(earlyStage(provider), { client }));
    });

    it('where the config has the session’s cipher suite no more', async () => {
      const here = earlyStage(provider);
      await full(await here.meet({ client: { cipherSuites: aes } }));
      const met = await here.begin({ client: { cipherSuites: chacha } });
      await notOffered(met);
      assert.equal(offerOf(met)?.identities.length, 1);
    });

    for (const [name, before, after] of [
      ['has the session’s ALPN protocol no more', ['a'], ['b']],
      ['has no ALPN protocol any more', ['a'], []],
      ['has ALPN protocols, and the session had none', [], ['a']],
    ] as const) {
      it(`where the config ${name}`, async () => {
        const here = earlyStage(provider, { server: { alpnProtocols: ['a', 'b'] } });
        await full(await here.meet({ client: { alpnProtocols: before } }));
        await notOffered(await here.begin({ client: { alpnProtocols: after } }));
      });
    }

    it('under another name than the session’s', async () => {
      const here = earlyStage(provider, { server: { credentials: [twoNames] } });
      await full(await here.meet({ target: { serverName: 'localhost', sessionKey: 'one' } }));
      const met = await here.begin({ target: { serverName: 'example.org', sessionKey: 'one' } });
      await notOffered(met, full);
      assert.equal(met.told[0], 'passed over: it is with another name');
      assert.equal(offerOf(met), undefined);
    });

    it('under a key from outside', async () => {
      const here = earlyStage(provider, { client: { preSharedKey: () => external } });
      const met = await here.begin();
      await notOffered(met, full);
      assert.equal(offerOf(met)?.identities.length, 1);
    });

    it('by a session of TLS 1.2', async () => {
      const here = earlyStage(provider, { client: { groups, versions: [tls13, tls12] }, server: { groups } });
      const first = await here.meet({ server: { ...off, versions: [tls12] } });
      assert.equal(first.client.established, true);
      await notOffered(await here.begin(), full);
    });

    it('in a session that has expired', async () => {
      const here = earlyStage(provider);
      await full(await here.meet());
      here.now += 7200_000;
      await notOffered(await here.begin(), full);
    });
  });
}
