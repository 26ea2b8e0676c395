/**
 * Tickets that a server does not take: a full handshake follows, with new tickets, and nobody sees an error.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type Bytes, concat, copyBytes } from '@handfast/crypto';
import { issueCrl, revocation, trustStore } from '@handfast/x509';
import fc from 'fast-check';
import { memorySessionCache, type Session, type TicketKeys, ticketKeys } from '../../src/index.ts';
import { memoryKeyRing } from '../../src/session/key-ring.ts';
import { clientCredential, makeCredential, now, otherPki, pki } from '../support/identities.ts';
import { type PairOptions, providers } from '../support/pair.ts';
import { changing, day, full, longRing, type Met, messagesOf, minute, notTaken, resumed, stage } from './resuming.ts';

const twoNames = await makeCredential({ names: ['localhost', 'example.org'] });
const sameNames = await makeCredential({ names: ['localhost', 'example.org'] });
const stranger = await makeCredential({ purpose: 'clientAuth', issuer: otherPki });
const shortLived = await makeCredential({
  purpose: 'clientAuth',
  with: { notAfter: new Date(now.getTime() + 30 * minute) },
});
const bothRoots = trustStore([pki.root, otherPki.root]);
const none: Bytes = new Uint8Array(0);

for (const provider of providers) {
  describe(`a ticket, provider ${provider.name},`, () => {
    // One stage for all: each full handshake leaves the tickets for the next.
    let change = (bytes: Bytes): Bytes => bytes;
    const altered = stage(provider);
    const sessions = changing(altered.sessions, (session) => ({ ...session, ticket: change(session.ticket) }));
    const brought = async (next: typeof change): Promise<Met> => {
      change = next;
      return altered.meet({ client: { sessions } });
    };
    before(async () => full(await altered.meet()));

    for (const [name, next] of Object.entries<(ticket: Bytes) => Bytes>({
      'of one byte': () => Uint8Array.of(1),
      'of zeros': () => new Uint8Array(48),
      'that is cut to its key’s name': (bytes) => bytes.slice(0, 16),
      'that is cut to its head': (bytes) => bytes.slice(0, 48),
      'that lacks its last byte': (bytes) => bytes.slice(0, -1),
      'with a byte more': (bytes) => concat(bytes, Uint8Array.of(0)),
      twice: (bytes) => concat(bytes, bytes),
      'with another key name': (bytes) => concat(new Uint8Array(16), bytes.subarray(16)),
      'with another salt': (bytes) => concat(bytes.subarray(0, 16), new Uint8Array(32), bytes.subarray(48)),
      'of 30,000 bytes': () => new Uint8Array(30_000).fill(7),
    })) {
      it(`${name} is not taken`, async () => {
        await notTaken(await brought(next));
      });
    }

    it('with any bit changed, or any bytes in its place, is not taken', async () => {
      const flipped = fc.nat().map((at) => (bytes: Bytes): Bytes => {
        const other = copyBytes(bytes);
        const bit = at % (bytes.length * 8);
        other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
        return other;
      });
      const cut = fc.nat().map(
        (at) =>
          (bytes: Bytes): Bytes =>
            bytes.slice(0, 1 + (at % (bytes.length - 1))),
      );
      const random = fc.uint8Array({ minLength: 1, maxLength: 400 }).map((bytes) => (): Bytes => copyBytes(bytes));
      await fc.assert(
        fc.asyncProperty(fc.oneof(flipped, cut, random), async (next) => {
          await notTaken(await brought(next));
        }),
        { numRuns: 8 },
      );
    });

    it('of another server’s keys is not taken', async () => {
      const { meet } = stage(provider);
      await full(await meet());
      await notTaken(await meet({ server: { tickets: { keys: ticketKeys({ provider }) } } }));
    });

    it('is not taken by a server that gives none, and nobody minds', async () => {
      const { meet } = stage(provider);
      await full(await meet());
      await notTaken(await meet({ server: { tickets: undefined as never } }), 0);
    });

    it('is taken until its key is rotated out, and not then', async () => {
      const ring = memoryKeyRing({ provider, rotateEvery: 60 * minute, opensFor: 30 * minute });
      const tickets = { keys: ticketKeys({ provider, ring }), lifetime: 86_400 };
      const here = stage(provider, { client: { ticketRequest: { full: 2, resumed: 0 } }, server: { tickets } });
      await full(await here.meet());
      const turn = (Math.floor(here.now / (60 * minute)) + 1) * 60 * minute;
      here.now = turn + 30 * minute - 1;
      await resumed(await here.meet());
      here.now++;
      await notTaken(await here.meet());
    });

    it('is not taken after its keys were disposed of, and none is given', async () => {
      const here = stage(provider);
      await full(await here.meet());
      here.keys.dispose?.();
      await notTaken(await here.meet(), 0);
    });

    // The client believes its session good: its clock, or what it keeps, is wrong.
    for (const [name, after] of Object.entries({
      'that has expired, to the millisecond,': 7200_000,
      'of the future, as the server’s clock went back,': -1,
      'of long ago': 8 * day,
    })) {
      it(`${name} is not taken`, async () => {
        const here = stage(provider);
        const sessions = changing(here.sessions, (session) => ({
          ...session,
          ...{ received: here.now, authenticated: here.now },
        }));
        const tickets = { keys: ticketKeys({ provider, ring: longRing() }) };
        await full(await here.meet({ server: { tickets } }));
        here.now += after;
        await notTaken(await here.meet({ client: { sessions }, server: { tickets } }));
      });
    }

    it('is taken in the last millisecond of its life', async () => {
      const here = stage(provider);
      await full(await here.meet());
      here.now += 7200_000 - 1;
      await resumed(await here.meet());
    });

    it('is not taken seven days after the certificate was shown, though it is young', async () => {
      const { keys, meet } = stage(provider);
      const aged: TicketKeys = {
        ...keys,
        // What a server says that renewed for too long.
        seal: (state, at) => {
          const view = new DataView(state.buffer, state.byteOffset);
          const authenticated = now.getTime() - 7 * day;
          view.setUint32(13, Math.floor(authenticated / 2 ** 32));
          view.setUint32(17, authenticated % 2 ** 32);
          return keys.seal(state, at);
        },
      };
      await full(await meet({ server: { tickets: { keys: aged } } }));
      await notTaken(await meet());
    });

    describe('sealed by keys that two tenants share,', () => {
      const names = (serverName: string) => ({ target: { serverName, sessionKey: 'one' } });
      const lies = (session: Session): Session => ({
        ...session,
        serverName: 'example.org',
        verifyName: 'example.org',
      });

      it('is not taken under another name, though one certificate is for both', async () => {
        const { meet, sessions } = stage(provider, { server: { credentials: [twoNames] } });
        await full(await meet(names('localhost')));
        const client = { sessions: changing(sessions, lies) };
        const met = await meet({ client, ...names('example.org') });
        await notTaken(met);
        assert.equal(met.server.connection.negotiated?.serverName, 'example.org');
      });

      it('is not taken under no name, nor one without a name under one', async () => {
        const { meet, sessions } = stage(provider, { server: { credentials: [twoNames] } });
        const nameless = { target: { verifyName: 'localhost', sessionKey: 'one' } };
        const renamed = (serverName: string | undefined) => ({
          client: { sessions: changing(sessions, (session) => ({ ...session, serverName })) },
        });
        await full(await meet(names('localhost')));
        await notTaken(await meet({ ...renamed(undefined), ...nameless }));
        await notTaken(await meet({ ...renamed('localhost'), ...names('localhost') }));
      });

      it('is not taken where another certificate is shown, though it is for the same name', async () => {
        const { meet } = stage(provider);
        await full(await meet({ server: { credentials: [twoNames] } }));
        await notTaken(await meet({ server: { credentials: [sameNames] } }));
        await resumed(await meet({ server: { credentials: [sameNames, twoNames] } }));
      });
    });

    describe('of a client with a certificate', () => {
      const mutual = { clientCertificate: 'require', trust: pki.trust } as const;
      const known = { client: { credentials: [clientCredential] }, server: mutual };
      const comesBack = async (first: PairOptions, second: PairOptions, after = 0): Promise<Met> => {
        const here = stage(provider);
        await full(await here.meet(first));
        here.now += after;
        return here.meet(second);
      };

      it('that is trusted no more is not taken: it is refused as it would be in any handshake', async () => {
        const first = { client: { credentials: [stranger] }, server: { ...mutual, trust: bothRoots } };
        const second = { client: { credentials: [stranger] }, server: mutual };
        const here = stage(provider);
        await full(await here.meet(first));
        const met = await here.meet(second);
        assert.equal(met.told[0], 'offered');
        assert.equal(met.server.error?.code, 'certificate_unknown_issuer');
        assert.equal(messagesOf(met, 'certificate').length, 2, 'both showed theirs');
        assert.equal(met.client.connection.negotiated?.resumed, false);
      });

      it('that has expired is not taken', async () => {
        const server = { ...mutual, tickets: undefined as never };
        const here = stage(provider);
        const keys = ticketKeys({ provider });
        // The ticket's own lifetime ends before: this one says otherwise.
        const long: TicketKeys = {
          ...keys,
          seal: (state, at) => {
            new DataView(state.buffer, state.byteOffset).setUint32(21, 7200);
            return keys.seal(state, at);
          },
        };
        const client = {
          credentials: [shortLived],
          sessions: changing(here.sessions, (session) => ({ ...session, lifetimeMs: 7200_000 })),
        };
        await full(await here.meet({ client, server: { ...server, tickets: { keys: long } } }));
        here.now += 31 * minute;
        const met = await here.meet({ client, server: { ...server, tickets: { keys } } });
        assert.equal(met.told[0], 'offered');
        assert.equal(met.server.error?.code, 'certificate_expired');
        assert.equal(messagesOf(met, 'certificate').length, 2);
      });

      it('that was revoked is not taken', async () => {
        const dates = { thisUpdate: new Date(now.getTime() - minute), nextUpdate: new Date(now.getTime() + day) };
        const list = await issueCrl({
          ...{ issuer: { certificate: pki.root, signer: pki.signer }, number: 1n, ...dates },
          revoked: [{ serialNumber: clientCredential.chain[0]?.serialNumber ?? none, revokedAt: dates.thisUpdate }],
        });
        const server = { ...mutual, revocation: revocation({ mode: 'prefer', crls: [list] }) };
        const met = await comesBack(known, { ...known, server });
        assert.equal(met.told[0], 'offered');
        assert.equal(met.server.error?.code, 'certificate_revoked');
        assert.equal(met.client.connection.negotiated?.resumed, false);
      });

      it('that verifyPeer refuses is not taken, and the certificate is looked at in full', async () => {
        let asked = 0;
        const verifyPeer = () => {
          asked++;
          return asked === 1 ? ({ accepted: false, reason: 'x' } as const) : ({ accepted: true } as const);
        };
        await notTaken(await comesBack(known, { ...known, server: { ...mutual, verifyPeer } }));
        assert.equal(asked, 2);
      });

      it('is not taken by a server that asks for none: nobody is known there', async () => {
        const met = await comesBack(known, { client: known.client });
        await notTaken(met);
        assert.equal(met.server.connection.negotiated?.peer, undefined);
      });

      it('that showed none is not taken where one is required now', async () => {
        const sessions = memorySessionCache();
        const wanted = { ...mutual, clientCertificate: 'request' } as const;
        const lies = changing(sessions, (session) => ({ ...session, askedForCertificate: false }));
        const met = await comesBack(
          { client: { sessions }, server: wanted },
          { client: { sessions: lies, credentials: [clientCredential] }, server: mutual },
        );
        await notTaken(met);
        assert.deepEqual(met.server.connection.negotiated?.peer?.chain[0]?.raw, clientCredential.chain[0]?.raw);
      });

      it('that was never asked for one is not taken where one is asked for now', async () => {
        for (const clientCertificate of ['request', 'require'] as const) {
          const met = await comesBack({}, { ...known, server: { ...mutual, clientCertificate } });
          await notTaken(met);
          assert.ok(met.server.connection.negotiated?.peer);
        }
      });
    });
  });
}
