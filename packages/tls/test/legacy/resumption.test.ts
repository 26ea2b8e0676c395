/**
 * Sessions of suites and versions that are out of use: they go on as those of TLS 1.2 do, down to TLS 1.0, and not in SSL 3.0.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CryptoProvider } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { namedGroups, tls12 } from '../../src/index.ts';
import { allLegacyCipherSuites, ssl30, tls10, tls11 } from '../../src/legacy/index.ts';
import { defaultCipherSuites12, type Tls12CipherSuite } from '../../src/tls12/suites.ts';
import { full, helloOf, type Met, messagesOf, resumed, stage } from '../session/resuming.ts';
import { watched } from '../session/watched.ts';
import { oldCredential } from './identities.ts';

const curves = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
/** A browser has no MD5, and so no RSA signatures before TLS 1.2. */
const credentials = [await oldCredential('secp256r1'), await oldCredential('rsa')];
const legacyProviders: readonly CryptoProvider[] = [
  nodeLegacyProvider,
  forcedAsync(nodeLegacyProvider),
  createWebLegacyProvider(fullWebProvider),
];

const serverHelloOf = (met: Met) => messagesOf(met, 'legacy_server_hello')[0] ?? assert.fail('no ServerHello');

function suiteNamed(name: string): Tls12CipherSuite {
  const rows = [...defaultCipherSuites12, ...allLegacyCipherSuites];
  return rows.find((row) => row.name === `TLS_${name}`) ?? assert.fail(name);
}

for (const provider of legacyProviders) {
  describe(`resumption of what is out of use, provider ${provider.name}`, () => {
    for (const [name, version, suite] of [
      ['TLS 1.2, encrypting then making MACs', tls12, 'ECDHE_RSA_WITH_AES_128_CBC_SHA'],
      ['TLS 1.2 with a MAC of SHA-256', tls12, 'ECDHE_RSA_WITH_AES_128_CBC_SHA256'],
      ['TLS 1.2 by RSA key transport', tls12, 'RSA_WITH_AES_128_GCM_SHA256'],
      ['TLS 1.1', tls11, 'ECDHE_ECDSA_WITH_AES_128_CBC_SHA'],
      ['TLS 1.0', tls10, 'ECDHE_ECDSA_WITH_AES_128_CBC_SHA'],
      ['TLS 1.0 by RSA key transport', tls10, 'RSA_WITH_AES_128_CBC_SHA'],
    ] as const) {
      if (!suiteNamed(suite).supportedBy(provider)) continue;
      it(`goes on in ${name}`, async () => {
        const common = { versions: [version], cipherSuites: [suiteNamed(suite)], groups: curves };
        const { meet } = stage(provider, { client: common, server: { ...common, credentials } });
        const first = await meet();
        const before = await full(first);
        const second = await meet();
        const after = await resumed(second);
        assert.deepEqual([after.version, after.cipherSuite], [before.version, before.cipherSuite]);
        assert.equal(after.extendedMasterSecret, true);
        const cbc = suite.includes('CBC') ? true : undefined;
        for (const met of [first, second]) assert.equal(serverHelloOf(met).extensions.encrypt_then_mac, cbc);
        await resumed(await meet());
      });
    }

    it('knows no session of another version: TLS 1.2 and TLS 1.1 begin anew after each other', async () => {
      const cipherSuites = [suiteNamed('ECDHE_ECDSA_WITH_AES_128_CBC_SHA')];
      const client = { versions: [tls12, tls11], cipherSuites, groups: curves };
      const { meet } = stage(provider, { client, server: { cipherSuites, groups: curves, credentials } });
      for (const [version, of] of [
        ['TLS 1.1', tls11],
        ['TLS 1.2', tls12],
        ['TLS 1.1', tls11],
      ] as const) {
        assert.equal((await full(await meet({ server: { versions: [of] } }))).version, version);
      }
      assert.equal((await resumed(await meet({ server: { versions: [tls11] } }))).version, 'TLS 1.1');
    });

    // SSL 3.0 has no curves, and a browser no other old key exchange.
    const cipherSuites = [suiteNamed('RSA_WITH_AES_128_CBC_SHA')].filter(({ supportedBy }) => supportedBy(provider));
    if (cipherSuites.length === 0) return;

    it('begins anew in SSL 3.0, each time', async () => {
      const common = { versions: [ssl30], cipherSuites, groups: curves };
      const { meet } = stage(provider, { client: common, server: { ...common, credentials } });
      for (let time = 0; time < 2; time++) {
        const met = await meet();
        assert.deepEqual([met.client.error, met.server.error], [undefined, undefined]);
        for (const { connection } of [met.client, met.server]) {
          assert.equal(connection.negotiated?.version, 'SSL 3.0');
          assert.equal(connection.negotiated?.resumed, false);
        }
        assert.equal(helloOf(met).legacySessionId.length, 0);
        assert.equal(serverHelloOf(met).legacySessionIdEcho.length, 0);
        assert.deepEqual(met.told, []);
      }
    });

    it('offers no session of SSL 3.0, whoever may have put it there', async () => {
      const sessions = watched();
      const common = { cipherSuites, groups: curves };
      const { meet } = stage(provider, {
        client: { ...common, versions: [tls12, ssl30], sessions },
        server: { ...common, credentials },
      });
      await full(await meet({ server: { versions: [tls12] } }));
      const session = (await sessions.take('localhost')) ?? assert.fail();
      const sessionId = new Uint8Array(32).fill(1);
      await sessions.put('localhost', { ...session, version: 0x0300, ticket: new Uint8Array(0), sessionId });
      const met = await meet({ client: { versions: [ssl30] }, server: { versions: [ssl30] } });
      assert.equal(met.client.connection.negotiated?.resumed, false);
      assert.equal(helloOf(met).legacySessionId.length, 0);
    });

    it('begins anew in SSL 3.0 with a session of TLS 1.2 in hand', async () => {
      const common = { cipherSuites, groups: curves };
      const { meet } = stage(provider, {
        client: { ...common, versions: [tls12, ssl30] },
        server: { ...common, credentials },
      });
      await full(await meet({ server: { versions: [tls12] } }));
      const met = await meet({ server: { versions: [ssl30] } });
      assert.deepEqual(met.told, ['offered']);
      assert.equal(met.client.connection.negotiated?.version, 'SSL 3.0');
      assert.equal(met.client.connection.negotiated?.resumed, false);
      assert.equal(met.server.established, true);
    });
  });
}
