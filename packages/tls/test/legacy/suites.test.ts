/**
 * Every suite in every version that has it, both ends ours: a handshake, data both ways, a clean end. That others agree is
 * the interop table's to show.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CryptoProvider, KeyType } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { type Credential, namedGroups, type Tls12CipherSuite, tls12, type Version } from '../../src/index.ts';
import { allLegacyCipherSuites, ssl30, tls10, tls11 } from '../../src/legacy/index.ts';
import { defaultCipherSuites12 } from '../../src/tls12/suites.ts';
import { makeCredential, pki } from '../support/identities.ts';
import { connected, exchange } from '../support/pair.ts';

const providers: readonly CryptoProvider[] = [
  nodeLegacyProvider,
  forcedAsync(nodeLegacyProvider),
  createWebLegacyProvider(fullWebProvider),
];

/** A credential that has the old ways as well. */
async function oldCredential(provider: CryptoProvider, type: KeyType): Promise<Credential> {
  const pair = await nodeProvider.generateKeyPair(type);
  const credential = await makeCredential({
    with: {
      publicKey: pair.signer.publicKey,
      keyUsage: ['digitalSignature', type === 'rsa' ? 'keyEncipherment' : 'keyAgreement'],
    },
  });
  const signer = await provider.importPrivateKey(pair.pkcs8);
  const legacyKey = await provider.legacy?.importPrivateKey(pair.pkcs8);
  return { ...credential, signer, ...(legacyKey && { legacyKey }) };
}

const suites: readonly Tls12CipherSuite[] = [...defaultCipherSuites12, ...allLegacyCipherSuites];
const versions: readonly Version[] = [tls12, tls11, tls10, ssl30];
const key = new Uint8Array(16).fill(7);

for (const provider of providers) {
  describe(`suites, provider ${provider.name}`, async () => {
    const credentials = [await oldCredential(provider, 'secp256r1'), await oldCredential(provider, 'rsa')];

    const groups = namedGroups.filter(
      ({ name, exchange }) => ['x25519', 'secp256r1', 'ffdhe2048'].includes(name) && provider.groups[exchange],
    );

    for (const version of versions) {
      const possible = suites.filter((suite) => {
        if (suite.minVersion > version.id || !suite.supportedBy(provider)) return false;
        // WebCrypto has no RSA over MD5 and SHA-1, which signs parameters before TLS 1.2.
        return version === tls12 || provider.name !== 'web' || suite.authentication?.name !== 'RSA';
      });
      it(`${version.name}: ${possible.length} suites`, async () => {
        for (const suite of possible) {
          const common = { versions: [version], cipherSuites: [suite], groups } as const;
          const both = await connected({
            provider,
            client: { ...common, preSharedKey: () => ({ identity: Uint8Array.of(1), key }) },
            server: { ...common, credentials, preSharedKey: () => key, trust: pki.trust },
          });
          const { client, server } = both;
          const what = `${version.name}, ${suite.name}`;
          assert.equal(client.error?.message ?? server.error?.message, undefined, what);
          for (const side of [client, server]) {
            assert.equal(side.connection.negotiated?.version, version.name, what);
            assert.equal(side.connection.negotiated?.cipherSuite, suite, what);
          }
          client.connection.write(Buffer.from('from the client'));
          server.connection.write(new Uint8Array(20_000).fill(120));
          await exchange(both);
          assert.equal(server.text(), 'from the client', what);
          assert.equal(client.text(), 'x'.repeat(20_000), what);
          client.connection.closeWrite();
          await exchange(both);
          assert.deepEqual([client.error, server.error], [null, null], what);
        }
      });
    }
  });
}
