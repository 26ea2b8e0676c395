/**
 * Ticket keys of a user's own that fail: they cost resumption, and no connection.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import type { TicketKeys } from '../../src/index.ts';
import { writeState } from '../../src/session/state.ts';
import { now, serverCredential } from '../support/identities.ts';
import { providers } from '../support/pair.ts';
import { u16 } from '../support/wire.ts';
import { full, helloOf, minute, notTaken, resumed, type Stage, stage, ticketsIn } from './resuming.ts';

const none: Bytes = new Uint8Array(0);

const isWiped = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
for (const provider of providers) {
  describe(`ticket keys, provider ${provider.name},`, () => {
    const fails = (): never => {
      throw new Error('no ring');
    };
    const rejects = () => Promise.reject(new Error('no ring'));
    const state = {
      ...{
        version: 0x0304,
        cipherSuite: 0x1301,
        secret: new Uint8Array(32).fill(1),
        lifetime: 7200,
        maxEarlyData: 0,
        ageAdd: 0,
      },
      ...{ issued: now.getTime(), authenticated: now.getTime(), extendedMasterSecret: true, serverName: 'localhost' },
      ...{ alpnProtocol: undefined, askedForCertificate: false, client: undefined },
      serverLeaf: nodeProvider.digest('sha256', serverCredential.chain[0]?.raw ?? none),
    };

    const opening = stage(provider);
    before(async () => full(await opening.meet()));

    for (const [how, open] of Object.entries<() => unknown>({
      throws: fails,
      rejects: rejects,
      'answers nothing': () => undefined,
      'answers null': () => null,
      'answers no bytes': () => new Uint8Array(0),
      'answers garbage': () => new Uint8Array(200).fill(1),
      'answers a text': () => 'a state',
      'answers an object': () => ({ length: 1 }),
      'answers a promise of garbage': async () => new Uint8Array(9),
      'answers a state of another format': () => concat(Uint8Array.of(2), writeState(state).subarray(1)),
      'answers a state of another version': () => writeState({ ...state, version: 0x0303 }),
      'answers a state of an unknown suite': () => writeState({ ...state, cipherSuite: 0xfafa }),
      'answers a state of a suite that is not of this version': () => writeState({ ...state, cipherSuite: 0xc02b }),
      'answers a state of another certificate': () => writeState({ ...state, serverLeaf: new Uint8Array(32) }),
      'answers a state with a client whose certificate is none': () =>
        writeState({
          ...{ ...state, askedForCertificate: true },
          client: { chain: [Uint8Array.of(1)], ocspResponse: undefined, signedCertificateTimestamps: undefined },
        }),
    })) {
      it(`whose open ${how} cost a full handshake`, async () => {
        const keys = { ...opening.keys, open: open as TicketKeys['open'] };
        await notTaken(await opening.meet({ server: { tickets: { keys } } }));
      });
    }

    for (const [how, seal] of Object.entries<() => unknown>({
      throws: fails,
      rejects: rejects,
      'answers nothing': () => undefined,
      'answers null': () => null,
      'answers no bytes': () => new Uint8Array(0),
      'answers 32,769 bytes': () => new Uint8Array(32_769),
      'answers more than fit a message': () => new Uint8Array(70_000),
      'answers a text': () => 'a ticket',
      'answers an object': () => ({}),
      'answers later that it has none': async () => undefined,
    })) {
      it(`whose seal ${how} give no ticket, and the connection stands`, async () => {
        const { meet, keys } = stage(provider);
        await full(await meet());
        const tickets = { keys: { ...keys, seal: seal as TicketKeys['seal'] } };
        const met = await meet({ server: { tickets } });
        await resumed(met);
        assert.deepEqual([ticketsIn(met), met.told], [0, ['offered']]);
      });
    }

    it('may give tickets of up to 32,768 bytes, which are kept, offered and taken', async () => {
      const { meet, keys } = stage(provider);
      const padded: TicketKeys = {
        ...keys,
        seal: async (sealed, at) => {
          const ticket = await keys.seal(sealed, at);
          return ticket && concat(ticket, new Uint8Array(32_768 - 2 - ticket.length), u16(ticket.length));
        },
        open: (ticket, at) => keys.open(ticket.subarray(0, ((ticket.at(-2) ?? 0) << 8) | (ticket.at(-1) ?? 0)), at),
      };
      const server = { tickets: { keys: padded } };
      await full(await meet({ server }));
      const met = await meet({ server });
      await resumed(met);
      assert.equal(helloOf(met).extensions.pre_shared_key?.identities[0]?.identity.length, 32_768);
    });

    it('see states that are wiped when they have answered', async () => {
      const seen: Uint8Array[] = [];
      const { meet, keys } = stage(provider);
      const watching: TicketKeys = {
        ...keys,
        seal: async (sealed, at) => {
          seen.push(sealed);
          return keys.seal(sealed, at);
        },
        open: async (bytes, at) => {
          const opened = await keys.open(bytes, at);
          if (opened) seen.push(opened);
          return opened;
        },
      };
      for (let time = 0; time < 2; time++) await meet({ server: { tickets: { keys: watching } } });
      assert.equal(seen.length, 2 + 1 + 1);
      assert.ok(seen.every(isWiped));
    });

    it('see states that are wiped, though what is in them cannot be read', async () => {
      const opened = concat(Uint8Array.of(2), writeState(state).subarray(1));
      const { meet, keys } = stage(provider);
      await full(await meet());
      await notTaken(await meet({ server: { tickets: { keys: { ...keys, open: () => opened } } } }));
      assert.ok(isWiped(opened));
    });

    it('are asked about four tickets of a hello at most, by the server’s own clock', async () => {
      const times: number[] = [];
      const here: Stage = stage(provider);
      await full(await here.meet());
      here.now += minute;
      const keys: TicketKeys = {
        ...here.keys,
        open: (bytes, at) => {
          times.push(at);
          return here.keys.open(bytes, at);
        },
      };
      await resumed(await here.meet({ server: { tickets: { keys } } }));
      assert.deepEqual(times, [here.now]);
    });
  });
}
