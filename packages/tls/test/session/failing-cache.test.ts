/**
 * A cache of a user's own that fails, or answers what is no session: it costs a full handshake, and no connection.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientResumption, memorySessionCache, type Session, type SessionCache } from '../../src/index.ts';
import { now } from '../support/identities.ts';
import { providers } from '../support/pair.ts';
import { changing, full, passedOver, stage } from './resuming.ts';

for (const provider of providers) {
  describe(`a cache of sessions, provider ${provider.name},`, () => {
    const fails = (): never => {
      throw new Error('no disk');
    };
    const rejects = () => Promise.reject(new Error('no disk'));

    for (const [how, take] of [
      ['throws', fails],
      ['rejects', rejects],
    ] as const) {
      it(`whose take ${how} costs a full handshake`, async () => {
        const { meet, sessions } = stage(provider);
        await full(await meet());
        const met = await meet({ client: { sessions: { ...sessions, take } } });
        await passedOver(met, /^the session cache failed: no disk$/);
        assert.deepEqual(met.told.slice(1), ['kept', 'kept']);
      });
    }

    for (const [how, put] of [
      ['throws', fails],
      ['rejects', rejects],
    ] as const) {
      it(`whose put ${how} costs the session, and no data`, async () => {
        const { meet, sessions } = stage(provider);
        const met = await meet({ client: { sessions: { ...sessions, put } } });
        await full(met);
        const failed = 'passed over: the session cache failed: no disk';
        assert.deepEqual(met.told, [failed, failed]);
      });
    }

    const emptySession = { serverName: 'localhost', verifyName: 'localhost' };
    for (const [what, answer] of Object.entries({
      null: null,
      'a text': 'session',
      'a number': 7,
      true: true,
      'an object without fields': {},
      'an array': [],
      'an object with names alone': emptySession,
      'an object with everything but its certificates': {
        ...{
          ...emptySession,
          version: 0x0304,
          cipherSuite: 0x1301,
          secret: new Uint8Array(32),
          ticket: new Uint8Array(9),
        },
        ...{ received: now.getTime(), authenticated: now.getTime(), lifetimeMs: 7200_000, ticketAgeAdd: 1 },
        askedForCertificate: false,
      },
    })) {
      it(`that answers ${what} costs a full handshake`, async () => {
        const { meet, sessions } = stage(provider);
        const nonsense = { ...sessions, take: () => answer as never } as SessionCache;
        await passedOver(await meet({ client: { sessions: nonsense } }), /^the session cache answered no session$/);
      });
    }

    for (const [what, change] of Object.entries({
      'no ticket': { ticket: undefined },
      'an empty ticket': { ticket: new Uint8Array(0) },
      'a ticket of 32,769 bytes': { ticket: new Uint8Array(32_769) },
      'a ticket of 70,000 bytes': { ticket: new Uint8Array(70_000) },
      'no secret': { secret: undefined },
      'a secret of text': { secret: 'secret' },
      'a time that is none': { received: Number.NaN },
      'a lifetime that is none': { lifetimeMs: Number.NaN },
      'an age_add that is none': { ticketAgeAdd: undefined },
    })) {
      it(`that answers a session with ${what} costs no more than a full handshake`, async () => {
        const cache = memorySessionCache();
        const { meet } = stage(provider);
        await full(await meet({ client: { sessions: cache } }));
        const sessions = changing(cache, (session) => ({ ...session, ...change }) as Session);
        const met = await meet({ client: { sessions } });
        assert.deepEqual([met.client.error, met.server.error], [undefined, undefined]);
      });
    }

    it('that has nothing is asked once, and nothing is told', async () => {
      let asked = 0;
      const sessions: SessionCache = {
        resumption: clientResumption,
        take: () => {
          asked++;
          return undefined;
        },
        put: () => undefined,
        remove: () => undefined,
      };
      const { meet } = stage(provider);
      const met = await meet({ client: { sessions } });
      await full(met);
      assert.deepEqual([asked, met.told], [1, ['kept', 'kept']]);
    });
  });
}
