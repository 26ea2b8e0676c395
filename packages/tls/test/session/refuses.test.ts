/**
 * What each side refuses of a peer that resumes wrongly: the alert, the code, the message.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type ClientOptions,
  clientResumption,
  namedGroups,
  type ServerOptions,
  type Session,
  type SessionCache,
  serverResumption,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
} from '../../src/index.ts';
import { writeCertificateRequest } from '../../src/messages/certificate-request.ts';
import { type ClientHelloFields, writeClientHello } from '../../src/messages/client-hello.ts';
import { writeEncryptedExtensions } from '../../src/messages/encrypted-extensions.ts';
import { writeNewSessionTicket } from '../../src/messages/new-session-ticket.ts';
import { writeHelloRetryRequest } from '../../src/messages/server-hello.ts';
import { TLS13 } from '../../src/registry.ts';
import { writeState } from '../../src/session/state.ts';
import { Transcript } from '../../src/tls13/transcript.ts';
import { assertRefused } from '../support/assert.ts';
import { clientCredential, now, pki } from '../support/identities.ts';
import { providers, startClient, startServer } from '../support/pair.ts';
import type { PuppetServer } from '../support/puppet.ts';
import type { Step } from '../support/scripted.ts';
import { opaque8, opaque16, u16 } from '../support/wire.ts';
import { x25519 } from './resuming.ts';
import {
  type OfferedIdentity,
  psk,
  ResumingClient,
  ResumingServer,
  selecting,
  sessionOf,
  state,
} from './resuming-puppets.ts';

const none: Bytes = new Uint8Array(0);
const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const secp256r1 = groups.filter(({ name }) => name === 'secp256r1');
const both = [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384];

/** A message in pieces that fit records. */
function cut(message: Uint8Array): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < message.length; at += 16_000) pieces.push(message.subarray(at, at + 16_000));
  return pieces;
}

const noKey = (index: number): RegExp =>
  new RegExp(`^ClientHello: binder ${index} is not by the pre-shared key: it was not made by who got it$`);
const named = (text: string): Uint8Array => Buffer.from(text);

for (const provider of providers) {
  describe(`a client that resumes, provider ${provider.name},`, () => {
    const cacheOf = (session: Session | undefined, kept: Session[] = []): SessionCache => ({
      resumption: clientResumption,
      take: () => session,
      put: (_, one) => void kept.push(one),
      remove: () => undefined,
    });
    const start = (
      session: Session | undefined = sessionOf(),
      options: Partial<ClientOptions> = {},
      kept?: Session[],
    ) =>
      new ResumingServer(
        startClient({ provider, groups: x25519, cipherSuites: both, sessions: cacheOf(session, kept), ...options }),
      );

    it('goes on with a server that does all right', async () => {
      const server = start();
      await server.resume();
      await server.finish();
      await server.sendData('hello');
      assert.equal(server.side.text(), 'hello');
      assert.equal(server.side.connection.negotiated?.resumed, true);
    });

    it('makes a full handshake with a server that selects none', async () => {
      const server = start();
      await server.flight();
      await server.finish();
      await server.sendData('hello');
      assert.equal(server.side.text(), 'hello');
      assert.equal(server.side.connection.negotiated?.resumed, false);
    });

    for (const index of [1, 2, 0xffff]) {
      it(`refuses selected_identity ${index}, where it offered one`, async () => {
        const server = start();
        await server.readHello();
        await server.send(server.serverHello({ pre_shared_key: index }));
        await assertRefused(
          server,
          'illegal_parameter',
          new RegExp(`^ServerHello: selected_identity is ${index}, and we offered 1 in pre_shared_key$`),
        );
      });
    }

    it('refuses a key of another hash than the suite’s', async () => {
      const server = start();
      await server.readHello();
      await server.send(server.serverHello({ pre_shared_key: 0 }, 0x1302));
      await assertRefused(
        server,
        'illegal_parameter',
        /^ServerHello: the pre-shared key is of sha256, and TLS_AES_256_GCM_SHA384 of sha384$/,
      );
    });

    it('refuses a key without key_share', async () => {
      const server = start();
      await server.readHello();
      await server.send(server.serverHello({ key_share: undefined, pre_shared_key: 0 }));
      await assertRefused(
        server,
        'illegal_parameter',
        /^ServerHello: a pre-shared key without key_share, which we did not offer$/,
      );
    });

    it('refuses a key where it offered none', async () => {
      const server = start(undefined, { sessions: cacheOf(undefined) });
      assert.equal((await server.readHello()).extensions.pre_shared_key, undefined);
      await server.send(server.serverHello({ pre_shared_key: 0 }));
      await assertRefused(
        server,
        'unsupported_extension',
        /^ServerHello: extension pre_shared_key answers nothing that was offered$/,
      );
    });

    it('refuses a key that it had to take back after a HelloRetryRequest', async () => {
      const server = start(sessionOf(), { groups, keyShares: x25519 });
      const first = await server.readHello();
      assert.equal(first.extensions.pre_shared_key?.identities.length, 1);
      await server.give(
        server.seal(
          22,
          writeHelloRetryRequest({
            ...{ legacySessionIdEcho: first.legacySessionId, cipherSuite: 0x1302 },
            extensions: { supported_versions: TLS13, key_share: 0x0017 },
          }),
        ),
      );
      await server.receive();
      assert.equal(server.next('client_hello').extensions.pre_shared_key, undefined);
      const point = { group: 0x0017, keyExchange: new Uint8Array(65).fill(4) };
      await server.send(server.serverHello({ key_share: point, pre_shared_key: 0 }, 0x1302));
      await assertRefused(
        server,
        'unsupported_extension',
        /^ServerHello: extension pre_shared_key answers nothing that was offered$/,
      );
    });

    it('refuses a HelloRetryRequest that selects a key', async () => {
      const server = start(sessionOf(), { groups, keyShares: x25519 });
      const { legacySessionId } = await server.readHello();
      const retry = writeHelloRetryRequest({
        ...{ legacySessionIdEcho: legacySessionId, cipherSuite: 0x1301 },
        extensions: { supported_versions: TLS13, key_share: 0x0017 },
      });
      await server.give(server.seal(22, selecting(retry, 0)));
      await assertRefused(
        server,
        'illegal_parameter',
        /^HelloRetryRequest: extension pre_shared_key may not stand in this message$/,
      );
    });

    it('refuses a server that has another key than the ticket’s', async () => {
      const server = start(sessionOf({ secret: new Uint8Array(32).fill(1) }));
      await server.resume();
      // What the client says then is under keys that the puppet has not.
      await server.receive();
      assert.equal(server.side.error?.code, 'bad_record_mac');
    });

    it('refuses a Finished that is not by the key', async () => {
      const server = start();
      await server.resume({ finished: (right) => right.map((byte, index) => (index === 10 ? byte ^ 1 : byte)) });
      await assertRefused(server, 'decrypt_error', /^Finished: the server saw another handshake than we did$/);
    });

    const request = writeCertificateRequest(none, { signature_algorithms: [0x0403] });
    const asIs: Step = (right) => right;
    for (const [what, changes, title] of [
      ['a Certificate', { certificate: asIs }, 'Certificate'],
      ['Certificate and CertificateVerify', { certificate: asIs, certificate_verify: asIs }, 'Certificate'],
      ['a CertificateVerify', { certificate_verify: asIs }, 'CertificateVerify'],
      ['a CertificateRequest', { certificate_request: () => request }, 'CertificateRequest'],
    ] as const) {
      it(`refuses ${what} in a resumption`, async () => {
        const server = start();
        await server.resume(changes);
        const message = new RegExp(`^${title} came in state WAIT_FINISHED, which takes finished$`);
        await assertRefused(server, 'unexpected_message', message);
      });
    }

    it('refuses ticket_request in EncryptedExtensions, where it asked for nothing', async () => {
      const server = start();
      await server.resume({ encrypted_extensions: () => writeEncryptedExtensions({ ticket_request: 1 }) });
      await assertRefused(
        server,
        'unsupported_extension',
        /^EncryptedExtensions: extension ticket_request answers nothing that was offered$/,
      );
    });

    describe('of tickets,', () => {
      const ticket = (change: object = {}): Bytes =>
        writeNewSessionTicket({
          ...{ ticketLifetime: 60, ticketAgeAdd: 7, ticketNonce: Uint8Array.of(1), ticket: Uint8Array.of(1, 2) },
          extensions: {},
          ...change,
        });
      /** After a full handshake. */
      const given = async (...messages: readonly Uint8Array[]) => {
        const kept: Session[] = [];
        const server = start(undefined, { sessions: cacheOf(undefined, kept) }, kept);
        await server.flight();
        await server.finish();
        for (const message of messages) await server.give(server.seal(22, message));
        return { server, kept };
      };
      const stands = async (server: PuppetServer): Promise<void> => {
        await server.sendData('still here');
        assert.equal(server.side.text(), 'still here');
        assert.equal(server.side.error, undefined);
      };

      it('keeps one as it came', async () => {
        const { server, kept } = await given(ticket());
        await stands(server);
        const [session] = kept;
        assert.equal(kept.length, 1);
        assert.deepEqual(
          [session?.lifetimeMs, session?.ticketAgeAdd, session?.ticket, session?.received, session?.authenticated],
          [60_000, 7, Uint8Array.of(1, 2), now.getTime(), now.getTime()],
        );
        assert.deepEqual([session?.version, session?.cipherSuite, session?.serverName], [TLS13, 0x1301, 'localhost']);
      });

      for (const lifetime of [604_801, 0xffff_ffff]) {
        it(`refuses a lifetime of ${lifetime} s`, async () => {
          const { server, kept } = await given(ticket({ ticketLifetime: lifetime }));
          await assertRefused(
            server,
            'illegal_parameter',
            new RegExp(`^NewSessionTicket: a lifetime of ${lifetime} s, where 604,800 is the most$`),
          );
          assert.deepEqual(kept, []);
        });
      }

      it('keeps one of 604,800 s, and discards one of 0', async () => {
        const { server, kept } = await given(ticket({ ticketLifetime: 604_800 }), ticket({ ticketLifetime: 0 }));
        await stands(server);
        assert.deepEqual(
          kept.map(({ lifetimeMs }) => lifetimeMs),
          [604_800_000],
        );
      });

      it('keeps eight of a thousand, and goes on', async () => {
        const { server, kept } = await given();
        // As many in a record as go in one.
        const all = Array.from({ length: 1000 }, (_, index) => ticket({ ticketNonce: u16(index), ticket: u16(index) }));
        for (let at = 0; at < all.length; at += 250)
          await server.give(server.seal(22, concat(...all.slice(at, at + 250))));
        await stands(server);
        assert.deepEqual(
          kept.map(({ ticket: bytes }) => bytes),
          [0, 1, 2, 3, 4, 5, 6, 7].map(u16),
        );
      });

      it('takes a nonce of any length, and extensions that it does not know', async () => {
        const plain = ticket();
        const strange = concat(plain.subarray(0, -2), opaque16(concat(u16(0xfafa), opaque16(Uint8Array.of(1)))));
        strange[3] = strange.length - 4;
        const { server, kept } = await given(
          ticket({ ticketNonce: none }),
          ticket({ ticketNonce: new Uint8Array(255) }),
          strange,
        );
        await stands(server);
        assert.equal(kept.length, 3);
        assert.equal(new Set(kept.map(({ secret }) => Buffer.from(secret).toString('hex'))).size, 3);
      });

      it('passes by one that is too long to be offered', async () => {
        const { server, kept } = await given(
          ...[32_768, 32_769, 65_535].map((length) => ticket({ ticket: new Uint8Array(length) })).flatMap(cut),
        );
        await stands(server);
        assert.deepEqual(
          kept.map(({ ticket: bytes }) => bytes.length),
          [32_768],
        );
      });

      it('refuses an empty one', async () => {
        const { server } = await given(ticket({ ticket: none }));
        await assertRefused(
          server,
          'decode_error',
          /^NewSessionTicket: a vector of 0 bytes, where 1 to 65535 are legal$/,
        );
      });

      it('refuses one that is cut off', async () => {
        const short = ticket().slice(0, -1);
        short[3] = short.length - 4;
        const { server } = await given(short);
        await assertRefused(
          server,
          'decode_error',
          /^NewSessionTicket: ends after 1 bytes where a field of 2 was due$/,
        );
      });

      it('refuses one before Finished', async () => {
        for (const [step, message] of [
          [
            'encrypted_extensions',
            /^NewSessionTicket came in state WAIT_CERT_CR, which takes certificate_request or certificate$/,
          ],
          ['certificate_verify', /^NewSessionTicket came in state WAIT_FINISHED, which takes finished$/],
        ] as const) {
          const server = start(undefined, { sessions: cacheOf(undefined) });
          await server.flight({ [step]: (right: Bytes) => [right, ticket()] });
          await assertRefused(server, 'unexpected_message', message);
        }
        const server = start();
        await server.resume({ encrypted_extensions: (right) => [right, ticket()] });
        await assertRefused(
          server,
          'unexpected_message',
          /^NewSessionTicket came in state WAIT_FINISHED, which takes finished$/,
        );
      });

      it('keeps one that follows Finished at once, before its own has gone out', async () => {
        const kept: Session[] = [];
        const server = start(undefined, { sessions: cacheOf(undefined, kept) }, kept);
        await server.flight();
        await server.give(server.seal(22, ticket()));
        await server.finish();
        await stands(server);
        assert.equal(kept.length, 1);
      });

      it('passes them by where it keeps no sessions, and still refuses a lifetime that is not legal', async () => {
        for (const [lifetime, code] of [
          [60, undefined],
          [604_801, 'illegal_parameter'],
        ] as const) {
          const server = start(undefined, { sessions: undefined as never });
          await server.flight();
          await server.finish();
          await server.give(server.seal(22, ticket({ ticketLifetime: lifetime })));
          assert.equal(server.side.error?.code, code);
        }
      });
    });
  });

  describe(`a server that resumes, provider ${provider.name},`, () => {
    const tickets: ServerOptions['tickets'] = {
      count: 1,
      keys: {
        resumption: serverResumption,
        seal: () => Uint8Array.of(1, 2, 3),
        open: (ticket) => {
          const text = Buffer.from(ticket).toString();
          if (text === 'ours') return writeState(state);
          return text === 'other' ? writeState({ ...state, secret: new Uint8Array(32).fill(0x77) }) : undefined;
        },
      },
    };
    const start = (options: Partial<ServerOptions> = {}) =>
      new ResumingClient(startServer({ provider, groups, cipherSuites: both, tickets, ...options }));
    const ours = { identity: named('ours') };
    const unknown = { identity: named('unknown'), binder: new Uint8Array(32).fill(1) };
    const wrong = { identity: named('ours'), binder: new Uint8Array(32).fill(1) };

    const offers = async (
      offered: readonly OfferedIdentity[],
      options: Partial<ServerOptions> = {},
      modes?: number[],
      change: (hello: Bytes) => Bytes = (hello) => hello,
    ) => {
      const client = start(options);
      await client.send(change(client.offering(client.helloFields(), offered, modes ? { modes } : {})));
      return client;
    };
    /** What follows a hello that is taken: the session goes on, or not. */
    const goesOn = async (client: ResumingClient, resumed: boolean): Promise<void> => {
      client.psk = resumed ? psk() : undefined;
      await client.readFlight();
      assert.deepEqual(
        client.messages.splice(0).map(({ type }) => type),
        resumed
          ? ['encrypted_extensions', 'finished']
          : ['encrypted_extensions', 'certificate', 'certificate_verify', 'finished'],
      );
      await client.flight();
      await client.sendData('hello');
      assert.equal(client.side.text(), 'hello');
      assert.equal(client.side.connection.negotiated?.resumed, resumed);
    };

    it('goes on with a client that does all right', async () => {
      await goesOn(await offers([ours]), true);
    });
    it('selects the first identity that is a ticket for here, and looks at no other binder', async () => {
      await goesOn(await offers([unknown, ours, wrong]), true);
      await goesOn(await offers([ours, { ...unknown, binder: new Uint8Array(255) }]), true);
    });
    it('looks at four identities: a ticket behind them is not found', async () => {
      await goesOn(await offers([unknown, unknown, unknown, ours]), true);
      await goesOn(await offers([unknown, unknown, unknown, unknown, ours]), false);
    });
    it('looks at no binder where it selects no identity', async () => {
      await goesOn(await offers([unknown]), false);
      await goesOn(await offers([wrong], { tickets: undefined as never }), false);
    });

    for (const [what, offered, message] of [
      ['that is wrong', [wrong], noKey(0)],
      ['that is wrong, of the second identity', [unknown, wrong], noKey(1)],
      ['by another key', [{ ...ours, key: new Uint8Array(32) }], noKey(0)],
      ['of 33 bytes', [{ ...ours, binder: new Uint8Array(33) }], noKey(0)],
      ['of another hash’s length', [{ ...ours, binder: new Uint8Array(48) }], noKey(0)],
      ['of 255 bytes', [{ ...ours, binder: new Uint8Array(255) }], noKey(0)],
    ] as const) {
      it(`refuses a binder ${what}`, async () => {
        await assertRefused(await offers(offered), 'decrypt_error', message);
      });
    }

    it('refuses a binder that is right for another hello', async () => {
      const client = await offers([ours], {}, undefined, (hello) => {
        const changed = Uint8Array.from(hello);
        // The hello's random.
        changed[10] = (changed[10] as number) ^ 1;
        return changed;
      });
      await assertRefused(client, 'decrypt_error', noKey(0));
    });

    it('refuses a binder that is shorter than any hash', async () => {
      const short = { ...unknown, binder: new Uint8Array(31) };
      await assertRefused(await offers([short]), 'decode_error', /pre_shared_key of ClientHello/);
    });
    it('refuses an identity without bytes', async () => {
      await assertRefused(
        await offers([{ ...unknown, identity: none }]),
        'decode_error',
        /pre_shared_key of ClientHello/,
      );
    });

    const pskOf = (identities: number, binders: number): Bytes =>
      concat(
        opaque16(
          concat(...Array.from({ length: identities }, () => concat(opaque16(named('ours')), new Uint8Array(4)))),
        ),
        opaque16(concat(...Array.from({ length: binders }, () => opaque8(new Uint8Array(32))))),
      );
    const raw = async (data: Bytes, extensions: object, after: readonly { type: number; data: Bytes }[] = []) => {
      const client = start();
      const fields = client.helloFields({ extensions, raw: { last: [{ type: 41, data }, ...after] } });
      await client.send(writeClientHello(fields));
      return client;
    };
    for (const [identities, binders] of [
      [1, 2],
      [2, 1],
      [3, 4],
    ] as const) {
      it(`refuses ${identities} identities with ${binders} binders`, async () => {
        await assertRefused(
          await raw(pskOf(identities, binders), { psk_key_exchange_modes: [1] }),
          'illegal_parameter',
          new RegExp(`^ClientHello: ${identities} identities and ${binders} binders in pre_shared_key$`),
        );
      });
    }
    it('refuses identities without any binder', async () => {
      await assertRefused(await raw(pskOf(1, 0), { psk_key_exchange_modes: [1] }), 'decode_error', /pre_shared_key/);
    });
    it('refuses pre_shared_key that is not last', async () => {
      await assertRefused(
        await raw(pskOf(1, 1), { psk_key_exchange_modes: [1] }, [{ type: 0xfafa, data: none }]),
        'illegal_parameter',
        /^ClientHello: pre_shared_key is not its last extension$/,
      );
    });
    it('refuses pre_shared_key without psk_key_exchange_modes', async () => {
      await assertRefused(
        await raw(pskOf(1, 1), {}),
        'missing_extension',
        /^ClientHello: pre_shared_key came without psk_key_exchange_modes$/,
      );
    });

    it('goes on where psk_dhe_ke is among others, and not with psk_ke alone', async () => {
      await goesOn(await offers([ours], {}, [0xfa, 0, 1]), true);
      const client = await offers([ours], {}, [0]);
      await goesOn(client, false);
      await client.receive();
      assert.deepEqual(client.messages, [], 'no ticket that could not be used');
    });

    it('refuses a Certificate in a resumption', async () => {
      const mutual = { clientCertificate: 'request', trust: pki.trust } as const;
      const asked: ServerOptions['tickets'] = {
        ...tickets,
        keys: { ...tickets.keys, open: () => writeState({ ...state, askedForCertificate: true }) },
      };
      const client = await offers([ours], { ...mutual, tickets: asked });
      client.psk = psk();
      await client.readFlight();
      assert.equal(client.credential, clientCredential);
      await client.flight({}, { authenticate: true });
      await assertRefused(
        client,
        'unexpected_message',
        /^Certificate came in state WAIT_FINISHED, which takes finished$/,
      );
    });

    it('refuses a NewSessionTicket', async () => {
      const client = await offers([ours]);
      await goesOn(client, true);
      await client.give(
        client.seal(
          22,
          writeNewSessionTicket({
            ...{ ticketLifetime: 60, ticketAgeAdd: 7, ticketNonce: none, ticket: Uint8Array.of(1), extensions: {} },
          }),
        ),
      );
      await assertRefused(
        client,
        'unexpected_message',
        /^NewSessionTicket came in state CONNECTED, which takes key_update$/,
      );
    });

    describe('after its HelloRetryRequest', () => {
      /** The first hello offers `first`; answers what the second one, which differs in its share, is made from. */
      const retried = async (first: readonly OfferedIdentity[]) => {
        const client = start({ groups: secp256r1 });
        const key = await Promise.resolve(nodeProvider.groups.secp256r1?.generate());
        assert.ok(key);
        const fields = client.helloFields({
          extensions: { supported_groups: [0x001d, 0x0017], psk_key_exchange_modes: [1] },
        });
        const hello =
          first.length > 0
            ? client.offering(fields, first)
            : writeClientHello({ ...fields, extensions: { ...fields.extensions, psk_key_exchange_modes: [1] } });
        await client.send(hello);
        await client.receive();
        const retry = client.next('hello_retry_request');
        const before = new Transcript(nodeProvider, 'sha256').add(hello).replaceByMessageHash().add(retry.raw);
        const again: ClientHelloFields = {
          ...fields,
          extensions: { ...fields.extensions, key_share: [{ group: 0x0017, keyExchange: key.share }] },
        };
        return { client, again, before };
      };
      const answered = async (client: ResumingClient): Promise<number | undefined> => {
        await client.receive();
        assert.equal(client.side.error, undefined);
        return client.next('server_hello').extensions.pre_shared_key;
      };

      it('takes a binder over both hellos', async () => {
        const { client, again, before } = await retried([ours]);
        await client.send(client.offering(again, [ours], { before }));
        assert.equal(await answered(client), 0);
      });
      it('refuses a binder over the second alone', async () => {
        const { client, again } = await retried([ours]);
        await client.send(client.offering(again, [ours]));
        await assertRefused(client, 'decrypt_error', noKey(0));
      });
      it('does not look at the binders of the first hello', async () => {
        const { client, again, before } = await retried([wrong]);
        await client.send(client.offering(again, [ours], { before }));
        assert.equal(await answered(client), 0);
      });
      it('takes a second hello that leaves identities out', async () => {
        const { client, again, before } = await retried([unknown, ours]);
        await client.send(client.offering(again, [ours], { before }));
        assert.equal(await answered(client), 0);
        const without = await retried([ours]);
        await without.client.send(writeClientHello(without.again));
        assert.equal(await answered(without.client), undefined);
      });
      it('refuses a second hello with another identity in place of the first', async () => {
        const { client, again, before } = await retried([ours]);
        const other = { identity: named('other'), key: new Uint8Array(32).fill(0x77) };
        await client.send(client.offering(again, [other], { before }));
        await assertRefused(client, 'illegal_parameter', /^second ClientHello: .*pre_shared_key/);
      });
      it('refuses a second hello that offers what the first did not', async () => {
        const { client, again, before } = await retried([]);
        await client.send(client.offering(again, [ours], { before }));
        await assertRefused(client, 'illegal_parameter', /^second ClientHello: .*pre_shared_key/);
      });
    });
  });
}
