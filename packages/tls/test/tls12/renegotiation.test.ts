/**
 * Peers of TLS 1.2 that want to renegotiate (RFC 5246 §7.4.1.1, RFC 5746 §4.5): they are told no by a warning, and the
 * connection goes on.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Bytes, CryptoProvider } from '@handfast/crypto';
import { tls12 } from '../../src/index.ts';
import { writeClientHello } from '../../src/messages/client-hello.ts';
import { writeHelloRequest } from '../../src/messages/messages12.ts';
import { alerts, contentType, namedGroups } from '../../src/registry.ts';
import { assertRefused } from '../support/assert.ts';
import { providers, settled, startClient, startServer } from '../support/pair.ts';
import { PuppetClient12, PuppetServer12 } from '../support/puppet12.ts';
import { handshake } from '../support/wire.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const warning = 1;

/** A connected peer, and what it says to have another handshake. */
interface Peer {
  readonly puppet: PuppetClient12 | PuppetServer12;
  readonly request: Bytes;
}

async function serverPeer(provider: CryptoProvider): Promise<Peer> {
  const puppet = new PuppetServer12(startClient({ provider, groups, versions: [tls12] }));
  await puppet.flight();
  await puppet.finish();
  return { puppet, request: writeHelloRequest() };
}

async function clientPeer(provider: CryptoProvider): Promise<Peer> {
  const puppet = new PuppetClient12(startServer({ provider, groups, versions: [tls12] }));
  await puppet.sendHello();
  await puppet.readFlight();
  puppet.messages.length = 0;
  await puppet.flight();
  const verifyData = puppet.finished('client').slice(4);
  await puppet.finish();
  return { puppet, request: writeClientHello(puppet.helloFields({ extensions: { renegotiation_info: verifyData } })) };
}

const peers = [
  ['a client gets a HelloRequest', serverPeer],
  ['a server gets a ClientHello', clientPeer],
] as const;

for (const provider of providers) {
  for (const [what, connect] of peers) {
    describe(`${what}, provider ${provider.name}`, () => {
      const ask = async ({ puppet, request }: Peer) => {
        await puppet.give(puppet.seal(contentType.handshake, request));
        await puppet.receive();
      };

      /** Data goes both ways. */
      const assertAlive = async ({ puppet }: Peer) => {
        const { side, data } = puppet;
        if (side.error) throw side.error;
        const [before, sentBefore] = [side.text(), data.length];
        await puppet.sendData('to the side');
        assert.equal(side.text(), `${before}to the side`);
        side.connection.write(Buffer.from('from the side'));
        await settled(side);
        await puppet.receive();
        assert.equal(Buffer.concat(data.slice(sentBefore)).toString(), 'from the side');
      };

      it('and answers the warning no_renegotiation; the connection carries data as before', async () => {
        const peer = await connect(provider);
        await assertAlive(peer);
        await ask(peer);
        assert.deepEqual(peer.puppet.alerts, ['no_renegotiation']);
        assert.deepEqual(peer.puppet.alertLevels, [warning]);
        assert.deepEqual(peer.puppet.messages, []);
        await assertAlive(peer);
        assert.equal(peer.puppet.side.connection.phase, 'connected');
      });

      it('in pieces, and answers it once', async () => {
        const peer = await connect(provider);
        const { puppet, request } = peer;
        for (const part of [request.subarray(0, 1), request.subarray(1, 3), request.subarray(3)]) {
          await puppet.give(puppet.seal(contentType.handshake, part));
        }
        await puppet.receive();
        assert.deepEqual(puppet.alerts, ['no_renegotiation']);
        await assertAlive(peer);
      });

      it('four times and goes on; the fifth without data between them ends it', async () => {
        const peer = await connect(provider);
        for (let i = 0; i < 4; i++) await ask(peer);
        await assertAlive(peer);
        for (let i = 0; i < 4; i++) await ask(peer);
        assert.equal(peer.puppet.side.error, undefined);
        assert.deepEqual(peer.puppet.alerts.splice(0), new Array(8).fill('no_renegotiation'));
        await ask(peer);
        await assertRefused(
          peer.puppet,
          'too_many_alerts',
          /more than 4 wishes to renegotiate without data/,
          'unexpected_message',
        );
      });

      it('five times in one record, and ends it', async () => {
        const { puppet, request } = await connect(provider);
        await puppet.give(puppet.seal(contentType.handshake, Buffer.concat(new Array(5).fill(request))));
        await puppet.receive();
        assert.deepEqual(puppet.alerts.splice(0, 4), new Array(4).fill('no_renegotiation'));
        await assertRefused(puppet, 'too_many_alerts', /more than 4 wishes to renegotiate without data/);
      });

      it('and after our close_notify says nothing more', async () => {
        const peer = await connect(provider);
        peer.puppet.side.connection.closeWrite();
        await ask(peer);
        assert.deepEqual(peer.puppet.alerts, ['close_notify']);
        assert.equal(peer.puppet.side.error, undefined);
      });

      it('but not one that cannot be read', async () => {
        const { puppet, request } = await connect(provider);
        const longer = handshake(request[0] as number, Buffer.concat([request.subarray(4), Uint8Array.of(0)]));
        await puppet.give(puppet.seal(contentType.handshake, longer));
        await assertRefused(puppet, 'decode_error', /1 bytes left over/);
      });

      it('and passes by the peer’s own no_renegotiation, which nobody asked for', async () => {
        const peer = await connect(provider);
        for (let i = 0; i < 4; i++) await peer.puppet.sendAlert(warning, alerts.no_renegotiation);
        await assertAlive(peer);
        assert.deepEqual(peer.puppet.alerts, []);
      });

      it('and ends at the peer’s fifth warning', async () => {
        const { puppet } = await connect(provider);
        for (let i = 0; i < 5; i++) await puppet.sendAlert(warning, alerts.no_renegotiation);
        await assertRefused(puppet, 'too_many_alerts', /more than 4 warnings/);
      });
    });
  }
}
