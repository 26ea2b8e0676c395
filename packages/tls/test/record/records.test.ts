/**
 * Records and alerts (RFC 9846 §5, §6): what a side refuses in any role.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Bytes, concat } from '@handfast/crypto';
import { writeClientHello } from '../../src/messages/client-hello.ts';
import { writeKeyUpdate } from '../../src/messages/key-update.ts';
import { namedGroups } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { serverCredential } from '../support/identities.ts';
import { connected, exchange, give, providers, startClient, startServer } from '../support/pair.ts';
import { PuppetClient, PuppetServer, refusal } from '../support/puppet.ts';
import { handshake, record, recordsIn } from '../support/wire.ts';

const x25519 = namedGroups.filter(({ name }) => name === 'x25519');
const ccs: Bytes = record(20, Uint8Array.of(1));
const [CCS, ALERT, HANDSHAKE, DATA] = [20, 21, 22, 23] as const;

for (const provider of providers) {
  describe(`records, provider ${provider.name}`, () => {
    const newServer = () => new PuppetServer(startClient({ provider, groups: x25519 }));
    const newClient = () => new PuppetClient(startServer({ provider }));
    /** A puppet server in front of a connected client. */
    const server = async () => {
      const puppet = newServer();
      await puppet.flight();
      await puppet.finish();
      assert.equal(puppet.side.established, true);
      return puppet;
    };
    /** A puppet client in front of a connected server. */
    const client = async () => {
      const puppet = newClient();
      await puppet.sendHello();
      await puppet.readFlight();
      await puppet.flight();
      assert.equal(puppet.side.established, true);
      return puppet;
    };

    for (const [role, make] of [
      ['client', server],
      ['server', client],
    ] as const) {
      describe(`a connected ${role}`, () => {
        const cases: readonly [
          string,
          (p: PuppetServer | PuppetClient) => Bytes,
          Parameters<typeof assertRefused>[1],
          RegExp,
        ][] = [
          [
            'no content type in a record',
            (p) => p.sealInner(new Uint8Array(20)),
            'unexpected_message',
            /content type is absent/,
          ],
          [
            'an unknown content type',
            (p) => p.seal(24, Uint8Array.of(1)),
            'unexpected_message',
            /unknown content type 24/,
          ],
          [
            'a content type of TLS 1.2’s future',
            (p) => p.seal(0x47, Uint8Array.of(1)),
            'unexpected_message',
            /unknown content type 71/,
          ],
          [
            'an empty handshake record',
            (p) => p.seal(HANDSHAKE, new Uint8Array(0)),
            'unexpected_message',
            /without content/,
          ],
          [
            'an empty handshake record with padding',
            (p) => p.seal(HANDSHAKE, new Uint8Array(0), 9),
            'unexpected_message',
            /without content/,
          ],
          [
            'an empty alert record',
            (p) => p.seal(ALERT, new Uint8Array(0)),
            'unexpected_message',
            /alert record of 0 bytes/,
          ],
          ['half an alert', (p) => p.seal(ALERT, Uint8Array.of(1)), 'decode_error', /alert record of 1 bytes/],
          [
            'two alerts in a record',
            (p) => p.seal(ALERT, Uint8Array.of(1, 90, 1, 0)),
            'decode_error',
            /alert record of 4 bytes/,
          ],
          [
            'an encrypted ChangeCipherSpec',
            (p) => p.seal(CCS, Uint8Array.of(1)),
            'unexpected_message',
            /protected ChangeCipherSpec/,
          ],
          ['a ChangeCipherSpec', () => ccs, 'unexpected_message', /where none was due/],
          [
            'data in plaintext',
            () => record(DATA, Buffer.from('hello there, this is long')),
            'bad_record_mac',
            /does not authenticate/,
          ],
          [
            'a record shorter than a tag',
            () => record(DATA, new Uint8Array(15)),
            'bad_record_mac',
            /does not authenticate/,
          ],
          [
            'an empty protected record',
            () => record(DATA, new Uint8Array(0)),
            'bad_record_mac',
            /does not authenticate/,
          ],
          [
            'a handshake record in plaintext',
            () => record(HANDSHAKE, writeKeyUpdate(false)),
            'unexpected_message',
            /came after keys were in place/,
          ],
          [
            'an alert in plaintext',
            () => record(ALERT, Uint8Array.of(2, 40)),
            'unexpected_message',
            /came after keys were in place/,
          ],
          ['a record of unknown type', () => record(99, new Uint8Array(30)), 'unexpected_message', /unknown type 99/],
          [
            'a record beyond 2^14 + 256',
            () => Uint8Array.of(DATA, 3, 3, 0x41, 0x01, 0),
            'record_overflow',
            /16641 bytes/,
          ],
          [
            'an inner plaintext beyond 2^14 + 1',
            (p) => p.sealInner(new Uint8Array(16_386).fill(DATA)),
            'record_overflow',
            /16386 bytes/,
          ],
          [
            'a KeyUpdate of 2',
            (p) => p.seal(HANDSHAKE, handshake(24, Uint8Array.of(2))),
            'illegal_parameter',
            /request_update is 2/,
          ],
          [
            'a KeyUpdate of two bytes',
            (p) => p.seal(HANDSHAKE, handshake(24, Uint8Array.of(0, 0))),
            'message_too_large',
            /KeyUpdate announces 2/,
          ],
          [
            'an empty KeyUpdate',
            (p) => p.seal(HANDSHAKE, handshake(24, new Uint8Array(0))),
            'decode_error',
            /KeyUpdate: ends/,
          ],
          [
            'bytes after a KeyUpdate in its record',
            (p) => p.seal(HANDSHAKE, concat(writeKeyUpdate(false), writeKeyUpdate(false))),
            'unexpected_message',
            /in the record after which keys change/,
          ],
          [
            'data inside a fragmented message',
            (p) => concat(p.seal(HANDSHAKE, Uint8Array.of(24, 0)), p.seal(DATA, Uint8Array.of(1))),
            'unexpected_message',
            /inside a fragmented handshake message/,
          ],
          [
            'an alert inside a fragmented message',
            (p) => concat(p.seal(HANDSHAKE, Uint8Array.of(24, 0)), p.seal(ALERT, Uint8Array.of(1, 0))),
            'unexpected_message',
            /inside a fragmented handshake message/,
          ],
        ];
        for (const [name, make_, code, message] of cases) {
          it(`refuses ${name}`, async () => {
            const puppet = await make();
            await puppet.give(make_(puppet));
            await assertRefused(puppet, code, message, code === 'message_too_large' ? 'illegal_parameter' : undefined);
          });
        }

        it('refuses a record that was changed', async () => {
          const puppet = await make();
          const sealed = puppet.seal(DATA, Buffer.from('hello'));
          await puppet.give(sealed.with(9, (sealed[9] as number) ^ 1));
          await assertRefused(puppet, 'bad_record_mac', /does not authenticate/);
        });

        it('ignores the record version', async () => {
          const puppet = await make();
          // The version is in the additional data: a changed one does not authenticate, whatever its value.
          const sealed = puppet.seal(DATA, Buffer.from('hello'));
          await puppet.give(sealed.with(1, 9));
          await assertRefused(puppet, 'bad_record_mac', /does not authenticate/);
        });

        it('takes padding, and data of the largest size', async () => {
          const puppet = await make();
          await puppet.give(puppet.seal(DATA, Buffer.from('padded'), 300));
          await puppet.give(puppet.seal(DATA, new Uint8Array(16_384).fill(65)));
          assert.equal(puppet.side.text(), `padded${'A'.repeat(16_384)}`);
        });

        it('takes up to 32 empty records in a row', async () => {
          const puppet = await make();
          for (let round = 0; round < 2; round++) {
            for (let i = 0; i < 32; i++) await puppet.give(puppet.seal(DATA, new Uint8Array(0)));
            await puppet.sendData('x');
          }
          assert.equal(puppet.side.error, undefined);
          for (let i = 0; i < 33; i++) await puppet.give(puppet.seal(DATA, new Uint8Array(0)));
          await assertRefused(puppet, 'too_many_records', /32 empty records/, 'unexpected_message');
        });

        it('ignores user_canceled, up to 4', async () => {
          const puppet = await make();
          for (let i = 0; i < 4; i++) await puppet.sendAlert(1, 90);
          await puppet.sendData('still here');
          assert.equal(puppet.side.text(), 'still here');
          await puppet.sendAlert(1, 90);
          await assertRefused(puppet, 'too_many_alerts', /4 user_canceled/, 'unexpected_message');
        });

        for (const [level, id, name] of [
          [2, 48, 'unknown_ca'],
          [1, 40, 'handshake_failure'],
          [2, 200, 'unknown (200)'],
          [1, 99, 'unknown (99)'],
        ] as const) {
          it(`takes alert ${name} at level ${level} as the end, and answers nothing`, async () => {
            const puppet = await make();
            await puppet.sendAlert(level, id);
            const { error } = await refusal(puppet);
            assert.equal(error?.code, 'peer_alert');
            assert.equal(error?.origin, 'peer');
            assert.equal(error?.alert, name);
            assert.deepEqual(puppet.alerts, []);
          });
        }
      });
    }

    describe('in the handshake', () => {
      it('a client refuses bytes after ServerHello in its record', async () => {
        const puppet = newServer();
        await puppet.flight({ server_hello: (right) => concat(right, Uint8Array.of(8)) });
        await assertRefused(puppet, 'unexpected_message', /in the record after which keys change/);
      });
      it('a client refuses bytes after Finished in its record', async () => {
        const puppet = newServer();
        await puppet.flight({ finished: (right) => concat(right, Uint8Array.of(24)) });
        await assertRefused(puppet, 'unexpected_message', /in the record after which keys change/);
      });
      it('a server refuses bytes after Finished in its record', async () => {
        const puppet = newClient();
        await puppet.sendHello();
        await puppet.readFlight();
        await puppet.flight({ finished: (right) => concat(right, Uint8Array.of(24)) });
        await assertRefused(puppet, 'unexpected_message', /in the record after which keys change/);
      });
      it('a server refuses bytes after ClientHello in its record', async () => {
        const puppet = newClient();
        const hello = writeClientHello(puppet.helloFields());
        puppet.transcript.add(hello);
        await puppet.give(record(HANDSHAKE, concat(hello, Uint8Array.of(20))));
        await puppet.receive();
        assert.equal(puppet.side.error?.code, 'unexpected_message');
      });
      it('a client refuses data in plaintext', async () => {
        const puppet = newServer();
        await puppet.readHello();
        await puppet.give(record(DATA, Buffer.from('too early')));
        await assertRefused(puppet, 'unexpected_message', /application data came in plaintext/);
      });
      it('a client refuses data before Finished', async () => {
        const puppet = newServer();
        puppet.setWrite(await helloOnly(puppet));
        await puppet.sendData('too early');
        await assertRefused(puppet, 'unexpected_message', /before the handshake was done/);
      });
      it('a server refuses data before Finished', async () => {
        const puppet = newClient();
        await puppet.sendHello();
        await puppet.readFlight();
        await puppet.sendData('too early');
        await assertRefused(puppet, 'unexpected_message', /before the handshake was done/);
      });
      it('a server refuses ChangeCipherSpec before ClientHello', async () => {
        const puppet = newClient();
        await puppet.give(ccs);
        await assertRefused(puppet, 'unexpected_message', /ChangeCipherSpec came where none was due/);
      });
      for (const [name, payload] of [
        ['two', [1, 1]],
        ['another value', [2]],
        ['none', []],
      ] as const) {
        it(`a server refuses a ChangeCipherSpec of ${name}`, async () => {
          const puppet = newClient();
          await puppet.sendHello();
          await puppet.give(record(CCS, Uint8Array.from(payload)));
          await puppet.receive();
          assert.equal(puppet.side.error?.code, 'unexpected_message');
          assert.match(puppet.side.error?.message ?? '', /other than 0x01/);
        });
      }
      it('both drop ChangeCipherSpec, up to 32', async () => {
        const puppet = newServer();
        await puppet.readHello();
        for (let i = 0; i < 32; i++) await puppet.give(ccs);
        assert.equal(puppet.side.error, undefined);
        await puppet.give(ccs);
        await assertRefused(puppet, 'too_many_records', /32 ChangeCipherSpec/, 'unexpected_message');
      });
      it('ChangeCipherSpec inside a fragmented message is refused', async () => {
        const puppet = newServer();
        await puppet.readHello();
        await puppet.give(concat(record(HANDSHAKE, Uint8Array.of(2, 0)), ccs));
        await assertRefused(puppet, 'unexpected_message', /inside a fragmented/);
      });
      it('a plaintext record beyond 2^14 is refused', async () => {
        const puppet = newServer();
        await puppet.readHello();
        await puppet.give(Uint8Array.of(HANDSHAKE, 3, 3, 0x40, 0x01));
        await assertRefused(puppet, 'record_overflow', /16385 bytes came, where 16384/);
      });
      it('a server takes a plaintext alert until the first protected record', async () => {
        const puppet = newClient();
        await puppet.sendHello();
        await puppet.receive();
        await puppet.give(record(ALERT, Uint8Array.of(2, 47)));
        assert.equal(puppet.side.error?.code, 'peer_alert');
        assert.equal(puppet.side.error?.alert, 'illegal_parameter');
      });
      it('a close_notify in the handshake is the peer’s refusal', async () => {
        const puppet = newServer();
        await puppet.readHello();
        await puppet.give(record(ALERT, Uint8Array.of(1, 0)));
        const { error, alert } = await refusal(puppet);
        assert.equal(error?.code, 'peer_alert');
        assert.equal(error?.alert, 'close_notify');
        assert.equal(alert, undefined);
      });
      it('a handshake takes any version in plaintext records', async () => {
        const puppet = newClient();
        await puppet.give(record(HANDSHAKE, writeClientHello(puppet.helloFields()), 0x7f7f));
        await puppet.receive();
        puppet.next('server_hello');
      });
      it('the record of the first ClientHello says 0x0301, all others 0x0303', async () => {
        const groups = namedGroups.filter(({ name }) => name === 'secp256r1' || name === 'x25519');
        const both = {
          client: startClient({ provider, groups, keyShares: groups.slice(0, 1) }),
          server: startServer({ provider, groups: groups.slice(1) }),
        };
        const versions: number[] = [];
        await exchange(both, (bytes) => {
          versions.push(...recordsIn(bytes).map((one) => one[2] as number));
          return [bytes];
        });
        assert.equal(both.client.connection.negotiated?.helloRetryRequest, true);
        assert.deepEqual([...new Set(versions.slice(1))], [3]);
        assert.equal(versions[0], 1);
      });
    });

    it('a handshake works with every record cut into single bytes', async () => {
      const both = { client: startClient({ provider }), server: startServer({ provider }) };
      await exchange(both, (bytes) => Array.from(bytes, (byte) => Uint8Array.of(byte)));
      assert.equal(both.client.established && both.server.established, true);
    });

    it('a handshake works with every message in records of one byte', async () => {
      const both = { client: startClient({ provider }), server: startServer({ provider }) };
      await exchange(both, (bytes) =>
        recordsIn(bytes).flatMap((one) =>
          one[0] === HANDSHAKE ? Array.from(one.subarray(5), (byte) => record(HANDSHAKE, Uint8Array.of(byte))) : [one],
        ),
      );
      assert.equal(both.client.established && both.server.established, true);
    });

    it('record_size_limit holds both ways', async () => {
      const sizes: number[] = [];
      const both = await connected({ provider, client: { recordSizeLimit: 100 }, server: { recordSizeLimit: 200 } });
      assert.equal(both.client.established && both.server.established, true);
      both.client.connection.write(new Uint8Array(1000));
      both.server.connection.write(new Uint8Array(1000));
      await exchange(both, (bytes, from) => {
        sizes.push(...recordsIn(bytes).map((one) => (from === 'client' ? 1 : -1) * (one.length - 5 - 16)));
        return [bytes];
      });
      assert.equal(Math.max(...sizes), 200);
      assert.equal(Math.min(...sizes), -100);
      assert.equal(both.server.text().length + both.client.text().length, 2000);
    });

    it('a record beyond the agreed limit is refused, padding counted', async () => {
      const puppet = new PuppetClient(startServer({ provider, recordSizeLimit: 100 }));
      await puppet.sendHello({ extensions: { record_size_limit: 16_385 } });
      await puppet.readFlight();
      await puppet.flight();
      await puppet.give(puppet.seal(DATA, new Uint8Array(50).fill(1), 49));
      assert.equal(puppet.side.error, undefined);
      await puppet.give(puppet.seal(DATA, new Uint8Array(50).fill(1), 50));
      await assertRefused(puppet, 'record_overflow', /101 bytes, where 100/);
    });

    it('padding by policy fills records', async () => {
      const lengths: number[] = [];
      const both = await connected({ provider, client: { padding: (length) => (512 - ((length + 1) % 512)) % 512 } });
      both.client.connection.write(Buffer.from('short'));
      await exchange(both, (bytes, from) => {
        if (from === 'client') lengths.push(...recordsIn(bytes).map((one) => one.length));
        return [bytes];
      });
      assert.deepEqual(lengths, [5 + 512 + 16]);
      assert.equal(both.server.text(), 'short');
    });

    it('a padding callback that throws while a signer is waited for ends that connection alone', async () => {
      const { chain, signer } = serverCredential;
      const late = { ...signer, sign: async (...args: Parameters<typeof signer.sign>) => signer.sign(...args) };
      const padding = (): number => {
        throw new Error('no padding today');
      };
      const both = await connected({ provider, server: { credentials: [{ chain, signer: late }], padding } });
      assert.equal(both.server.error?.code, 'callback_failed');
      assert.match(both.server.error?.message ?? '', /padding callback failed: no padding today/);
      assert.equal(both.client.error?.alert, 'internal_error');
    });

    it('one receive takes at most 256 records, and the rest later', async () => {
      const both = await connected({ provider: providers[0] ?? provider });
      for (let i = 0; i < 300; i++) both.client.connection.write(Uint8Array.of(65));
      const stream = concat(...both.client.outbox.splice(0));
      const taken = both.server.connection.receive(stream);
      assert.equal(both.server.text().length, 256);
      await give(both.server, stream.subarray(taken));
      assert.equal(both.server.text().length, 300);
    });
  });
}

/** ServerHello alone, so that the client has handshake keys; answers the server's. */
async function helloOnly(puppet: PuppetServer): Promise<Uint8Array> {
  await puppet.flight({
    encrypted_extensions: () => [],
    certificate: () => [],
    certificate_verify: () => [],
    finished: () => [],
  });
  if (puppet.traffic === undefined) throw new TypeError('no keys');
  return puppet.traffic.server;
}
