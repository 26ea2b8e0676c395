/**
 * Key updates (RFC 9846 §4.7.3, §5.5).
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TraceEvent } from '../../src/index.ts';
import { writeKeyUpdate } from '../../src/messages/key-update.ts';
import { namedGroups, TLS_AES_128_GCM_SHA256 } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { connected, exchange, providers, startClient } from '../support/pair.ts';
import { PuppetServer } from '../support/puppet.ts';

const HANDSHAKE = 22;
const x25519 = namedGroups.filter(({ name }) => name === 'x25519');

for (const provider of providers) {
  describe(`key update, provider ${provider.name}`, () => {
    const puppetServer = async () => {
      const puppet = new PuppetServer(startClient({ provider, groups: x25519 }));
      await puppet.flight();
      await puppet.finish();
      return puppet;
    };
    /** The puppet's KeyUpdate, and its next keys. */
    const update = async (puppet: PuppetServer, secrets: { current: Uint8Array }, request: boolean) => {
      await puppet.give(puppet.seal(HANDSHAKE, writeKeyUpdate(request)));
      secrets.current = puppet.kdf.nextTrafficSecret(secrets.current);
      puppet.setWrite(secrets.current);
    };
    const serverSecret = (puppet: PuppetServer): { current: Uint8Array } => {
      if (!puppet.application) throw new TypeError('not connected');
      return { current: puppet.application.server };
    };
    /** What the client's key updates asked for. */
    const requests = (puppet: PuppetServer): readonly boolean[] =>
      puppet.messages.flatMap((message) => (message.type === 'key_update' ? [message.updateRequested] : []));

    it('goes both ways, alone and on request, with data between', async () => {
      const both = await connected({ provider });
      for (const [side, other] of [
        [both.client, both.server],
        [both.server, both.client],
      ] as const) {
        side.connection.write(Buffer.from('a'));
        side.connection.updateKeys();
        side.connection.write(Buffer.from('b'));
        side.connection.updateKeys({ requestPeer: true });
        side.connection.write(Buffer.from('c'));
        await exchange(both);
        other.connection.write(Buffer.from('d'));
        await exchange(both);
        assert.equal(other.text().slice(-3), 'abc');
        assert.equal(side.text().slice(-1), 'd');
      }
    });

    it('crosses in flight', async () => {
      const both = await connected({ provider });
      both.client.connection.updateKeys({ requestPeer: true });
      both.server.connection.updateKeys({ requestPeer: true });
      await exchange(both);
      both.client.connection.write(Buffer.from('x'));
      both.server.connection.write(Buffer.from('y'));
      await exchange(both);
      assert.equal(both.server.text() + both.client.text(), 'xy');
    });

    it('many requests while we are silent get one answer, before the next data', async () => {
      const puppet = await puppetServer();
      const secrets = serverSecret(puppet);
      for (let i = 0; i < 20; i++) await update(puppet, secrets, true);
      await puppet.receive();
      assert.deepEqual(requests(puppet), []);
      puppet.side.connection.write(Buffer.from('data'));
      await puppet.receive();
      assert.deepEqual(requests(puppet), [false]);
      puppet.setRead(puppet.kdf.nextTrafficSecret(puppet.application?.client ?? new Uint8Array(0)));
      await puppet.receive();
      assert.equal(Buffer.concat(puppet.data).toString(), 'data');
    });

    it('a flood without data ends the connection', async () => {
      const puppet = await puppetServer();
      const secrets = serverSecret(puppet);
      for (let i = 0; i < 32; i++) await update(puppet, secrets, false);
      await puppet.sendData('progress');
      for (let i = 0; i < 32; i++) await update(puppet, secrets, false);
      assert.equal(puppet.side.error, undefined);
      await update(puppet, secrets, false);
      await assertRefused(puppet, 'too_many_key_updates', /32 key updates without data/);
    });

    it('no second request goes out before the peer’s own update has come', async () => {
      const puppet = await puppetServer();
      const { connection } = puppet.side;
      connection.updateKeys({ requestPeer: true });
      connection.updateKeys({ requestPeer: true });
      await puppet.receive();
      let secret: Uint8Array = puppet.application?.client ?? new Uint8Array(0);
      secret = puppet.kdf.nextTrafficSecret(secret);
      puppet.setRead(secret);
      await puppet.receive();
      const secrets = serverSecret(puppet);
      await update(puppet, secrets, false);
      secret = puppet.kdf.nextTrafficSecret(secret);
      puppet.setRead(secret);
      connection.updateKeys({ requestPeer: true });
      await puppet.receive();
      assert.deepEqual(requests(puppet), [true, false, true]);
    });

    it('data under the old key after a KeyUpdate does not authenticate', async () => {
      const puppet = await puppetServer();
      await puppet.give(puppet.seal(HANDSHAKE, writeKeyUpdate(false)));
      await puppet.sendData('old key');
      await assertRefused(puppet, 'bad_record_mac', /does not authenticate/);
    });

    it('comes by itself before a key’s limit', async () => {
      const suite = { ...TLS_AES_128_GCM_SHA256, recordLimit: 8 };
      const keys: number[] = [];
      const trace = (event: TraceEvent): void => {
        if (event.type === 'key' && event.direction === 'out' && event.level === 'application')
          keys.push(event.generation);
      };
      const both = await connected({ provider, client: { cipherSuites: [suite], trace } });
      for (let i = 0; i < 20; i++) both.client.connection.write(Buffer.from('x'));
      both.client.connection.write(new Uint8Array(20 * 16_384).fill(120));
      await exchange(both);
      assert.equal(both.server.text().length, 20 + 20 * 16_384);
      assert.deepEqual(keys, [0, 1, 2, 3, 4, 5, 6]);
    });
  });
}
