/**
 * Security levels, held to what `node:tls` takes of keys, signatures and versions.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { createSecureContext } from 'node:tls';
import type { KeyType } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { parseCertificates, toPem } from '@handfast/x509';
import { defaultSecurityLevel, type SecurityLevel, securityDemands } from '../../src/node/security-level.ts';
import { makeCredential } from '../support/identities.ts';
import { nodeHello } from './node-hello.ts';

const levels: readonly SecurityLevel[] = [0, 1, 2, 3, 4, 5];

interface Pem {
  readonly cert: string;
  readonly key: string;
  /** Of the key, as the certificate's reader counts. */
  readonly bits: number;
}

/** A certificate and its key in PEM; its issuer is not sent, so that no level looks at that. */
async function pemOf(pkcs8: Uint8Array): Promise<Pem> {
  const { publicKey } = await nodeProvider.importPrivateKey(Uint8Array.from(pkcs8));
  const { chain } = await makeCredential({ with: { publicKey } });
  const cert = chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  return { cert, key: toPem('PRIVATE KEY', pkcs8), bits: parseCertificates(cert)[0]?.publicKey.bits ?? 0 };
}

/** Whether Node takes a certificate at each level. */
function taken(pem: Omit<Pem, 'bits'>): readonly boolean[] {
  return levels.map((level) => {
    try {
      createSecureContext({ ...pem, ciphers: `DEFAULT:@SECLEVEL=${level}` });
      return true;
    } catch (error) {
      assert.equal((error as { readonly code?: unknown }).code, 'ERR_SSL_EE_KEY_TOO_SMALL');
      return false;
    }
  });
}

describe('a security level asks of keys what Node asks', () => {
  for (const modulusLength of [1024, 2048, 3072]) {
    it(`of RSA, ${modulusLength} bits`, async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
      const { bits, ...pem } = await pemOf(privateKey.export({ type: 'pkcs8', format: 'der' }));
      assert.deepEqual(
        taken(pem),
        levels.map((level) => bits >= securityDemands(level).minRsaBits),
      );
    });
  }

  for (const type of [
    'secp256r1',
    'secp384r1',
    'secp521r1',
    'ed25519',
    'ed448',
  ] as const satisfies readonly KeyType[]) {
    it(`of curves: ${type}`, async () => {
      const { pkcs8 } = await nodeProvider.generateKeyPair(type);
      const { bits, ...pem } = await pemOf(pkcs8);
      assert.deepEqual(
        taken(pem),
        levels.map((level) => bits >= securityDemands(level).minCurveBits),
      );
    });
  }

  for (const type of ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const satisfies readonly KeyType[]) {
    it(`of lattices: ${type}`, async () => {
      const { pkcs8 } = await nodeProvider.generateKeyPair(type);
      const { bits, ...pem } = await pemOf(pkcs8);
      assert.deepEqual(
        taken(pem),
        levels.map((level) => bits >= securityDemands(level).bits),
      );
    });
  }

  it('of signatures: SHA-1 at level 0 alone', async () => {
    for (const level of levels.slice(0, 4)) {
      const hello = await nodeHello({ ciphers: `ECDHE:@SECLEVEL=${level}` });
      const sha1 = hello.extensions.signature_algorithms?.includes(0x0201);
      assert.equal(sha1, securityDemands(level).allowSha1, `level ${level}`);
    }
  });

  it('of versions: TLS 1.2 at least, but for level 0', async () => {
    for (const level of levels.slice(0, 5)) {
      const hello = await nodeHello({ ciphers: `ECDHE:@SECLEVEL=${level}`, minVersion: 'TLSv1' });
      const old = hello.extensions.supported_versions?.some((id) => id < 0x0303);
      assert.equal(old, securityDemands(level).minVersion < 0x0303, `level ${level}`);
    }
  });
});

describe('without a level', () => {
  it("Node's is meant: 2048 bits of RSA", () => {
    assert.deepEqual(securityDemands(), securityDemands(defaultSecurityLevel));
    assert.equal(securityDemands().minRsaBits, 2048);
  });

  it('Node 24 takes no smaller key, where Node 22 did', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const { cert, key } = await pemOf(privateKey.export({ type: 'pkcs8', format: 'der' }));
    if (Number.parseInt(process.versions.node, 10) < 24) createSecureContext({ cert, key });
    else assert.throws(() => createSecureContext({ cert, key }), { code: 'ERR_SSL_EE_KEY_TOO_SMALL' });
  });
});
