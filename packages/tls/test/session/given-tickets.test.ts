/**
 * The tickets that a server gives (RFC 9846 §4.7.1, RFC 9149): how many, and how long they live.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex } from '@handfast/crypto';
import { clientConfig } from '../../src/config.ts';
import { type ClientOptions, memorySessionCache, serverConfig, TlsConfigError, ticketKeys } from '../../src/index.ts';
import { makeCredential, now, pki } from '../support/identities.ts';
import { clientDefaults, providers, serverDefaults } from '../support/pair.ts';
import {
  day,
  full,
  helloOf,
  longRing,
  messagesOf,
  minute,
  offerOf,
  open,
  resumed,
  stage,
  ticketsIn,
  ticketsOf,
} from './resuming.ts';

for (const provider of providers) {
  describe(`tickets, provider ${provider.name}`, () => {
    describe('tickets', () => {
      it('are two after a full handshake and one after a resumed one, where nothing else is asked', async () => {
        const { meet } = stage(provider);
        const first = await meet();
        assert.equal(ticketsIn(first), 2);
        assert.equal(helloOf(first).extensions.ticket_request, undefined);
        assert.equal(ticketsIn(await meet()), 1);
      });

      for (const [asked, count, afterFull, afterResumed] of [
        [{ full: 0, resumed: 0 }, 3, 0, 0],
        [{ full: 1, resumed: 0 }, 3, 1, 0],
        [{ full: 1, resumed: 2 }, 3, 1, 2],
        [{ full: 5, resumed: 5 }, 3, 3, 3],
        [{ full: 255, resumed: 255 }, 8, 8, 8],
        [{ full: 5, resumed: 5 }, 0, 0, 0],
      ] as const) {
        it(`are ${afterFull} and ${afterResumed} where ${asked.full} and ${asked.resumed} are asked for, of ${count}`, async () => {
          const { meet, keys } = stage(provider, { client: { ticketRequest: asked } });
          const tickets = { keys, count };
          // The session that is resumed may come of another config, which asks for one.
          await full(await meet({ client: { ticketRequest: { full: 1, resumed: 1 } }, server: { tickets: { keys } } }));
          const again = await meet({ server: { tickets } });
          await resumed(again);
          assert.deepEqual(helloOf(again).extensions.ticket_request, asked);
          assert.equal(ticketsIn(again), afterResumed);
          assert.equal(messagesOf(again, 'encrypted_extensions')[0]?.extensions.ticket_request, afterResumed);
          const first = await meet({ client: { sessions: memorySessionCache() }, server: { tickets } });
          await full(first);
          assert.equal(ticketsIn(first), afterFull);
          assert.equal(messagesOf(first, 'encrypted_extensions')[0]?.extensions.ticket_request, afterFull);
          assert.equal(first.told.length, afterFull);
        });
      }

      for (const ticketRequest of [
        { full: 256, resumed: 1 },
        { full: 1, resumed: -1 },
        { full: 1.5, resumed: 1 },
      ]) {
        it(`cannot be asked for by numbers that fit no byte: ${JSON.stringify(ticketRequest)}`, () => {
          assert.throws(() => clientConfig({ ...clientDefaults(provider), ticketRequest }), TlsConfigError);
        });
      }

      it('are not given at all with a count of 0', async () => {
        const { meet, keys } = stage(provider);
        const first = await meet({ server: { tickets: { keys, count: 0 } } });
        await full(first);
        assert.deepEqual([ticketsIn(first), first.told], [0, []]);
        // Old ones are still good.
        await full(await meet());
        await resumed(await meet({ server: { tickets: { keys, count: 0 } } }));
      });

      it('do not come without being asked for, by a server without the option', async () => {
        const { meet } = stage(provider, { server: { tickets: undefined as never } });
        const first = await meet({ client: { ticketRequest: { full: 2, resumed: 2 } } });
        await full(first);
        assert.equal(ticketsIn(first), 0);
        assert.equal(messagesOf(first, 'encrypted_extensions')[0]?.extensions.ticket_request, 0);
      });

      it('do not come to a client without sessions, which asks for no such thing', async () => {
        const { meet } = stage(provider, { client: { sessions: undefined as never } });
        const met = await meet({ client: { ticketRequest: { full: 2, resumed: 2 } } });
        await full(met);
        const { extensions } = helloOf(met);
        assert.deepEqual(
          [extensions.psk_key_exchange_modes, extensions.pre_shared_key, extensions.ticket_request],
          [undefined, undefined, undefined],
        );
        assert.deepEqual([ticketsIn(met), met.told], [0, []]);
      });

      it('have a nonce, an age_add and a content of their own', async () => {
        const { meet, keys } = stage(provider);
        const met = await meet({ server: { tickets: { keys, count: 16 } } });
        const all = ticketsOf(met);
        assert.equal(all.length, 16);
        for (const values of [
          all.map(({ ticketNonce }) => toHex(ticketNonce)),
          all.map(({ ticketAgeAdd }) => ticketAgeAdd),
          all.map(({ ticket }) => toHex(ticket)),
        ]) {
          assert.equal(new Set<unknown>(values).size, 16);
        }
        assert.equal(met.told.length, 8, 'eight are kept');
      });

      it('come of several connections at a time, each resumed by its own', async () => {
        const { meet } = stage(provider);
        await full(await meet());
        const [one, two] = await Promise.all([meet(), meet()]);
        await resumed(one);
        await resumed(two);
        assert.notDeepEqual(offerOf(one)?.identities, offerOf(two)?.identities);
      });

      for (const [option, tickets] of [
        ['tickets.count', { count: 17 }],
        ['tickets.count', { count: -1 }],
        ['tickets.count', { count: 1.5 }],
        ['tickets.lifetime', { lifetime: 0 }],
        ['tickets.lifetime', { lifetime: 604_801 }],
        ['tickets.lifetime', { lifetime: Number.NaN }],
      ] as const) {
        it(`are checked: ${JSON.stringify(tickets)}`, () => {
          assert.throws(
            () =>
              serverConfig({ ...serverDefaults(provider), tickets: { keys: ticketKeys({ provider }), ...tickets } }),
            (error) => error instanceof TlsConfigError && error.message.includes(option),
          );
        });
      }
    });

    describe('the life of a ticket', () => {
      it('is two hours, or what the server says, and ends to the millisecond', async () => {
        const here = stage(provider);
        const first = await here.meet();
        assert.equal(ticketsOf(first)[0]?.ticketLifetime, 7200);
        here.now += 7200_000 - 1;
        await resumed(await here.meet());
        const tickets = { keys: here.keys, lifetime: 60 };
        const short = await here.meet({ server: { tickets }, client: { sessions: memorySessionCache() } });
        assert.equal(ticketsOf(short)[0]?.ticketLifetime, 60);
      });

      it('is no longer than the server’s certificate is good', async () => {
        const here = stage(provider);
        const notAfter = new Date(now.getTime() + 10 * minute + 999);
        const credentials = [await makeCredential({ with: { notAfter } })];
        const ends = Math.floor(notAfter.getTime() / 1000) * 1000;
        const first = await here.meet({ server: { credentials } });
        await full(first);
        assert.equal(ticketsOf(first)[0]?.ticketLifetime, Math.floor((ends - here.now) / 1000));
        here.now += 8 * minute;
        const second = await here.meet({ server: { credentials } });
        await resumed(second);
        assert.equal(ticketsOf(second)[0]?.ticketLifetime, 120);
      });

      it('nor than the client’s', async () => {
        const here = stage(provider);
        const notAfter = new Date(now.getTime() + 5 * minute);
        const credentials = [await makeCredential({ purpose: 'clientAuth', with: { notAfter } })];
        const client = { credentials };
        const server = { clientCertificate: 'require', trust: pki.trust } as const;
        const first = await here.meet({ client, server });
        await full(first);
        assert.equal(ticketsOf(first)[0]?.ticketLifetime, 300);
        here.now += 5 * minute;
        // The last moment, at which the certificate is still good: there is nothing left to give.
        const last = await here.meet({ client: { ...client, sessions: memorySessionCache() }, server });
        await full(last);
        assert.equal(ticketsIn(last), 0);
      });

      it('is no longer, over any number of renewals, than seven days from the certificate', async () => {
        const here = stage(provider);
        const tickets = { keys: ticketKeys({ provider, ring: longRing() }), lifetime: 604_800 };
        const meet = () => here.meet({ server: { tickets } });
        const start = here.now;
        const first = await meet();
        await full(first);
        assert.equal(ticketsOf(first)[0]?.ticketLifetime, 604_800);
        for (const days of [2, 4, 6]) {
          here.now = start + days * day;
          const met = await meet();
          await resumed(met);
          assert.equal(ticketsOf(met)[0]?.ticketLifetime, (7 - days) * 86_400);
        }
        here.now = start + 7 * day - 1500;
        const last = await meet();
        await resumed(last);
        assert.equal(ticketsOf(last)[0]?.ticketLifetime, 1);
        here.now = start + 7 * day - 999;
        const none = await meet();
        await resumed(none);
        assert.equal(ticketsIn(none), 0);
        here.now = start + 7 * day;
        const met = await meet();
        await full(met);
        assert.equal(ticketsOf(met)[0]?.ticketLifetime, 604_800);
      });

      it('is told to the server as an age that only it can read', async () => {
        const here = stage(provider);
        const sessions = open();
        const client: Partial<ClientOptions> = { sessions };
        await full(await here.meet({ client }));
        for (const age of [0, 1, 61_234, 7_000_000]) {
          const session = sessions.kept.at(-1) ?? assert.fail();
          here.now = session.received + age;
          const met = await here.meet({ client });
          await resumed(met);
          const sent = offerOf(met)?.identities[0]?.obfuscatedTicketAge ?? assert.fail();
          assert.equal((sent - session.ticketAgeAdd + 2 ** 32) % 2 ** 32, age);
        }
      });
    });
  });
}
