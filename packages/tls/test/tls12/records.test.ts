/**
 * Records of TLS 1.2 with AES-GCM (RFC 5246 §6.2.3.3, RFC 5288), both ways: what does not open ends a client and a server alike,
 * and what they write has a nonce of its own each time.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat, toHex } from '@handfast/crypto';
import { namedGroups, type TlsErrorCode, tls12 } from '../../src/index.ts';
import { contentType } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { connected, providers, startClient, startServer } from '../support/pair.ts';
import { PuppetClient12, PuppetServer12 } from '../support/puppet12.ts';
import { record, recordsIn } from '../support/wire.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const common = { versions: [tls12], groups };

type Puppet = PuppetServer12 | PuppetClient12;
/** What the puppet gives, at the place of its Finished: which would be right. */
type Finish = (puppet: Puppet, right: Bytes) => readonly Bytes[];

const damaged = (bytes: Bytes): Bytes => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);
const data = (puppet: Puppet, text: string): Bytes => puppet.seal(contentType.application_data, Buffer.from(text));
const unopened = ['bad_record_mac', /a record does not authenticate/] as const;

const inPlaceOfFinished: readonly (readonly [string, Finish, TlsErrorCode, RegExp])[] = [
  [
    'a Finished whose tag is wrong',
    (puppet, right) => [damaged(puppet.seal(contentType.handshake, right))],
    ...unopened,
  ],
  ['a Finished in the clear', (_, right) => [record(contentType.handshake, right)], ...unopened],
  ...[0, 8, 23, 24].map(
    (length) =>
      [
        `${length} bytes, where nonce and tag are 24`,
        () => [record(contentType.handshake, new Uint8Array(length))],
        ...unopened,
      ] as const,
  ),
  [
    'application data',
    (puppet) => [data(puppet, 'early')],
    ...(['unexpected_message', /application data came before the handshake was done/] as const),
  ],
];

const onAConnection: readonly (readonly [string, (puppet: Puppet) => readonly Bytes[], TlsErrorCode, RegExp])[] = [
  ['data whose tag is wrong', (puppet) => [damaged(data(puppet, 'x'))], ...unopened],
  [
    'data whose nonce is wrong',
    (puppet) => {
      const sealed = data(puppet, 'x');
      return [sealed.with(12, (sealed[12] as number) ^ 1)];
    },
    ...unopened,
  ],
  ['data under another type', (puppet) => [data(puppet, 'x').with(0, contentType.alert)], ...unopened],
  [
    'a record a second time',
    (puppet) => {
      const sealed = data(puppet, 'x');
      return [sealed, sealed];
    },
    ...unopened,
  ],
  [
    'a record after one that was left out',
    (puppet) => {
      data(puppet, 'x');
      return [data(puppet, 'y')];
    },
    ...unopened,
  ],
  [
    'another version',
    (puppet) => [data(puppet, 'x').with(2, 2)],
    ...(['protocol_version', /a record of TLS 1\.1 came, after TLS 1\.2 was agreed on/] as const),
  ],
  [
    'more than 2^14 bytes',
    (puppet) => [puppet.seal(contentType.application_data, new Uint8Array(16_385))],
    ...(['record_overflow', /a record holds 16385 bytes, where 16384 are the most/] as const),
  ],
  [
    'more than 2^14 + 2048 bytes before they are opened',
    () => [Uint8Array.of(23, 3, 3, 0x48, 0x01)],
    ...(['record_overflow', /a record of 18433 bytes came, where 18432 are the most/] as const),
  ],
  [
    'an unknown type',
    () => [record(24, new Uint8Array(30))],
    ...(['unexpected_message', /a record of unknown type 24 came/] as const),
  ],
];

for (const provider of providers) {
  /** A handshake up to its end, or up to what is given in place of Finished. */
  const meetings: Readonly<Record<'client' | 'server', (finish?: Finish) => Promise<Puppet>>> = {
    async client(finish) {
      const puppet = new PuppetServer12(startClient({ provider, ...common }));
      await puppet.flight();
      await puppet.finish(finish ? { finished: given(puppet, finish) } : {});
      return puppet;
    },
    async server(finish) {
      const puppet = new PuppetClient12(startServer({ provider, ...common }));
      await puppet.sendHello();
      await puppet.readFlight();
      puppet.messages.length = 0;
      await puppet.flight(finish ? { finished: given(puppet, finish) } : {});
      if (!finish) await puppet.finish();
      return puppet;
    },
  };

  for (const [side, meet] of Object.entries(meetings)) {
    describe(`records to a ${side} of TLS 1.2, provider ${provider.name},`, () => {
      describe('in place of Finished', () => {
        for (const [name, finish, code, pattern] of inPlaceOfFinished) {
          it(name, async () => assertRefused(await meet(finish), code, pattern));
        }
      });

      describe('on a connection', () => {
        for (const [name, make, code, pattern] of onAConnection) {
          it(name, async () => {
            const puppet = await meet();
            for (const bytes of make(puppet)) await puppet.give(bytes);
            await assertRefused(puppet, code, pattern);
          });
        }

        it('but not 2^14 bytes', async () => {
          const puppet = await meet();
          await puppet.give(puppet.seal(contentType.application_data, new Uint8Array(16_384).fill(120)));
          assert.equal(puppet.side.text(), 'x'.repeat(16_384));
        });
      });
    });
  }

  describe(`records of TLS 1.2, provider ${provider.name},`, () => {
    it('have an explicit nonce that counts, so that none comes twice under a key', async () => {
      const { client, server } = await connected({ provider, client: common, server: common });
      for (const { connection, outbox } of [client, server]) {
        outbox.length = 0;
        for (let i = 0; i < 300; i++) connection.write(Buffer.from('x'));
        while (connection.sealing) await new Promise((resolve) => setImmediate(resolve));
        const nonces = recordsIn(concat(...outbox)).map((one) => toHex(one.subarray(5, 13)));
        // Number 0 was Finished.
        assert.deepEqual(
          nonces,
          Array.from({ length: 300 }, (_, index) => (index + 1).toString(16).padStart(16, '0')),
        );
      }
    });
  });
}

/** The step of a puppet that gives this in its place. */
function given(puppet: Puppet, finish: Finish): (right: Bytes) => Promise<readonly Bytes[]> {
  return async (right) => {
    for (const bytes of finish(puppet, right)) await puppet.give(bytes);
    return [];
  };
}
