/**
 * Static ECDH: what the server's certificate must be, and what is refused. That every suite speaks is `suites.test.ts`'s to show,
 * and that Java's JSSE agrees the interop table's.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CryptoError, type CryptoProvider } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { fullWebProvider } from '@handfast/crypto/web/full';
import type { KeyUsage } from '@handfast/x509';
import { type Credential, namedGroups, type TraceEvent, tls12 } from '../../src/index.ts';
import { allLegacyCipherSuites, ecdhCipherSuites } from '../../src/legacy/index.ts';
import { makeCredential } from '../support/identities.ts';
import { exchange, type Pair, pair } from '../support/pair.ts';

const providers: readonly CryptoProvider[] = [
  nodeLegacyProvider,
  forcedAsync(nodeLegacyProvider),
  createWebLegacyProvider(fullWebProvider),
];
const suite = ecdhCipherSuites.find(({ name }) => name === 'TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256') ?? assert.fail();
const groups = namedGroups.filter(({ name }) => name === 'x25519' || name === 'secp256r1');
const pkcs8 = (await nodeProvider.generateKeyPair('secp256r1')).pkcs8;

async function credentialWith(provider: CryptoProvider, keyUsage: readonly KeyUsage[]): Promise<Credential> {
  const signer = await provider.importPrivateKey(pkcs8);
  const legacyKey = await provider.legacy?.importPrivateKey(pkcs8);
  const { chain } = await makeCredential({ with: { publicKey: signer.publicKey, keyUsage } });
  return { chain, signer, ...(legacyKey && { legacyKey }) };
}

for (const provider of providers) {
  describe(`static ECDH, provider ${provider.name}`, async () => {
    const credential = await credentialWith(provider, ['keyAgreement']);
    const common = { versions: [tls12], cipherSuites: [suite], groups };

    const met = async (own: Credential, client: object = {}): Promise<Pair> => {
      const both = pair({ provider, client: { ...common, ...client }, server: { ...common, credentials: [own] } });
      await exchange(both);
      return both;
    };

    it('shows no parameters: the certificate holds the point', async () => {
      const sent: string[] = [];
      const trace = (event: TraceEvent) => {
        if (event.type === 'message') sent.push(event.message.type);
      };
      const { client, server } = await met(credential, { trace });
      assert.equal(client.error?.message ?? server.error?.message, undefined);
      assert.equal(client.connection.negotiated?.group?.name, 'secp256r1');
      assert.equal(server.connection.negotiated?.signatureScheme, undefined);
      assert.equal(sent.includes('server_key_exchange'), false);
    });

    it('has no certificate for it where the key agrees on nothing, or may not', async () => {
      const { legacyKey: _, ...signs } = credential;
      const { server } = await met(signs);
      assert.equal(
        server.error?.message,
        'no key exchange in common for TLS 1.2: no credential has a legacyKey on a curve, by which static ECDH agrees',
      );
      const other = await met(await credentialWith(provider, ['digitalSignature']));
      assert.equal(other.server.error?.code, 'handshake_failure');
    });

    it('takes a curve alone that the client lists', async () => {
      const { server } = await met(credential, { groups: groups.filter(({ name }) => name === 'x25519') });
      assert.equal(server.error?.code, 'handshake_failure');
    });

    it('agrees with points on the curve alone', async () => {
      const { agree } = credential.legacyKey ?? assert.fail();
      assert.ok(agree);
      const point = credential.signer.publicKey.raw;
      assert.equal((await agree(point)).length, 32);
      const bad = [point.with(64, (point[64] ?? 0) ^ 1), point.subarray(0, 33), point.with(0, 6), new Uint8Array(65)];
      for (const share of bad) {
        await assert.rejects(
          async () => await agree(share),
          (error) => error instanceof CryptoError && error.code === 'invalid_share',
        );
      }
    });

    it('stands in no list but those of what is weak', () => {
      assert.ok(allLegacyCipherSuites.includes(suite));
      assert.equal(tls12.defaultCipherSuites.includes(suite), false);
    });
  });
}
