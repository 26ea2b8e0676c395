/**
 * Secure renegotiation (RFC 5746), where a config has `secureRenegotiation` of the legacy entry point.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tls12, tls13 } from '../../src/index.ts';
import { secureRenegotiation } from '../../src/legacy/index.ts';
import { clientCredential, pki } from '../support/identities.ts';
import { connected, exchange, type PairOptions, providers } from '../support/pair.ts';

const renegotiation = secureRenegotiation({ most: 2 });

for (const provider of providers) {
  describe(`secure renegotiation, provider ${provider.name}`, () => {
    const standing = (options: PairOptions = {}) =>
      connected({
        provider,
        client: { versions: [tls12], renegotiation, alpnProtocols: ['a', 'b'], ...options.client },
        server: { versions: [tls12], renegotiation, alpnProtocols: ['b'], ...options.server },
      });

    const talk = async (both: Awaited<ReturnType<typeof standing>>): Promise<void> => {
      const before = [both.client.text(), both.server.text()];
      both.client.connection.write(Buffer.from('>'));
      both.server.connection.write(Buffer.from('<'));
      await exchange(both);
      assert.deepEqual([both.client.text(), both.server.text()], [`${before[0]}<`, `${before[1]}>`]);
      assert.deepEqual([both.client.error, both.server.error], [undefined, undefined]);
    };

    it('by the client: new keys, the same protocol, and data before and after', async () => {
      const keys: string[] = [];
      const both = await standing({ client: { keyLog: (line) => keys.push(line) } });
      await talk(both);
      both.client.connection.renegotiate();
      await exchange(both);
      await talk(both);
      assert.equal(keys.length, 2);
      assert.notEqual(keys[0], keys[1]);
      assert.equal(both.client.connection.negotiated?.alpnProtocol, 'b');
      assert.equal(both.server.connection.negotiated?.alpnProtocol, 'b');
      const exported = both.client.connection.exportKeyingMaterial(16, 'x');
      assert.deepEqual(exported, both.server.connection.exportKeyingMaterial(16, 'x'));
    });

    it('by the server', async () => {
      const both = await standing();
      both.server.connection.renegotiate();
      await exchange(both);
      await talk(both);
    });

    it('brings a client certificate late, once selectConfig has been asked, and not again', async () => {
      let asked = 0;
      const selectAlpn = (): string => {
        asked += 1;
        return 'b';
      };
      const both = await standing({
        client: { credentials: [clientCredential] },
        server: { clientCertificate: 'require', trust: pki.trust, selectAlpn },
      });
      both.client.connection.renegotiate();
      await exchange(both);
      assert.equal(both.server.connection.negotiated?.peer?.chain.length, 1);
      assert.equal(asked, 1);
    });

    it('lets data pass beside it, and holds what is written until the new keys stand', async () => {
      const both = await standing();
      both.server.connection.write(Buffer.from('beside'));
      both.client.connection.renegotiate();
      both.client.connection.write(Buffer.from('held'));
      assert.equal(both.client.connection.holding, true);
      await exchange(both);
      assert.deepEqual([both.client.text(), both.server.text()], ['beside', 'held']);
    });

    it('closes after what it holds', async () => {
      const both = await standing();
      both.client.connection.renegotiate();
      both.client.connection.write(Buffer.from('held'));
      both.client.connection.closeWrite();
      await exchange(both);
      assert.equal(both.server.text(), 'held');
      assert.deepEqual([both.client.error, both.server.error], [null, null]);
    });

    it('ends at its cap: the third is refused', async () => {
      const both = await standing();
      for (let i = 0; i < 2; i++) {
        both.client.connection.renegotiate();
        await exchange(both);
      }
      await talk(both);
      assert.throws(() => both.client.connection.renegotiate(), { code: 'no_renegotiation' });
      assert.throws(() => both.server.connection.renegotiate(), { code: 'no_renegotiation' });
      await talk(both);
    });

    it('is refused by a server without a policy, and all stays as it was', async () => {
      const both = await connected({
        provider,
        client: { versions: [tls12], renegotiation },
        server: { versions: [tls12] },
      });
      both.client.connection.renegotiate();
      both.client.connection.write(Buffer.from('x'));
      await exchange(both);
      assert.equal(both.server.text(), 'x');
      await talk(both);
    });

    it('is not to be had in TLS 1.3, nor without a policy', async () => {
      for (const versions of [[tls13], [tls12]]) {
        const both = await connected({ provider, client: { versions }, server: { versions } });
        for (const side of [both.client, both.server]) {
          assert.throws(() => side.connection.renegotiate(), { code: 'no_renegotiation', name: 'TlsError' });
        }
      }
    });
  });
}

describe('secureRenegotiation', () => {
  it('wants 1 to 100', () => {
    for (const most of [0, 101, 1.5, Number.NaN]) assert.throws(() => secureRenegotiation({ most }), RangeError);
  });
});
