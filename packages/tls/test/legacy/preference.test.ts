/**
 * Which suite a server with old key exchanges picks: what the config prefers, whatever the certificate's key could do as well.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeLegacyProvider as provider } from '@handfast/crypto/legacy/node';
import { nodeProvider } from '@handfast/crypto/node';
import type { CipherSuite, Credential } from '../../src/index.ts';
import { tls12 } from '../../src/index.ts';
import { legacyCipherSuites, rsaCipherSuites } from '../../src/legacy/index.ts';
import { makeCredential } from '../support/identities.ts';
import { connected } from '../support/pair.ts';

async function rsaCredential(): Promise<Credential> {
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('rsa');
  const keyUsage = ['digitalSignature', 'keyEncipherment'] as const;
  const { chain } = await makeCredential({ with: { publicKey: signer.publicKey, keyUsage } });
  const legacyKey = await provider.legacy?.importPrivateKey(pkcs8);
  return { chain, signer, ...(legacyKey && { legacyKey }) };
}

const credential = await rsaCredential();

async function chosenOf(server: readonly CipherSuite[], preferClientOrder = false): Promise<string | undefined> {
  const all = [...tls12.defaultCipherSuites, ...legacyCipherSuites].filter(({ supportedBy }) => supportedBy(provider));
  const both = await connected({
    provider,
    client: { versions: [tls12], cipherSuites: all },
    server: { versions: [tls12], cipherSuites: server, credentials: [credential], preferClientOrder },
  });
  assert.equal(both.client.error?.message, undefined);
  return both.client.connection.negotiated?.cipherSuite.name;
}

describe('an RSA certificate that can sign and decrypt', () => {
  const transport = rsaCipherSuites.filter(({ name }) => name === 'TLS_RSA_WITH_AES_128_GCM_SHA256');

  it('signs where a forward-secret suite stands first', async () => {
    const chosen = await chosenOf([...tls12.defaultCipherSuites, ...transport]);
    assert.equal(chosen, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256');
  });

  it('decrypts where the config puts that first', async () => {
    const chosen = await chosenOf([...transport, ...tls12.defaultCipherSuites]);
    assert.equal(chosen, 'TLS_RSA_WITH_AES_128_GCM_SHA256');
  });

  it('decrypts where nothing else is in common', async () => {
    assert.equal(await chosenOf(transport), 'TLS_RSA_WITH_AES_128_GCM_SHA256');
  });

  it('signs by the client’s order where that is asked for', async () => {
    const chosen = await chosenOf([...transport, ...tls12.defaultCipherSuites], true);
    assert.equal(chosen, 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256');
  });
});
