/**
 * How strong a peer's certificates must be: `pathPolicy`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { nodeProvider } from '@handfast/crypto/node';
import { issueRoot, trustStore } from '@handfast/x509';
import {
  clientConfig,
  memorySessionCache,
  type StrengthPolicy,
  serverConfig,
  TlsConfigError,
  ticketKeys,
  tls12,
  tls13,
} from '../src/index.ts';
import { clientCredential, makeCredential, pki } from './support/identities.ts';
import { clientDefaults, exchange, type Pair, type PairOptions, pair, serverDefaults } from './support/pair.ts';

const notBefore = new Date('2026-11-01T00:00:00Z');
const notAfter = new Date('2027-01-01T00:00:00Z');
const { signer } = await nodeProvider.generateKeyPair('secp384r1');
const root = await issueRoot({
  ...{ provider: nodeProvider, subject: { commonName: 'P-384' }, signer, notBefore, notAfter },
});
const issuer = { root, signer, trust: trustStore([root]) };
const p384 = await makeCredential({ type: 'secp384r1', issuer });
const p256 = await makeCredential({ issuer });

const met = async (options: PairOptions): Promise<Pair> => {
  const both = pair(options);
  await exchange(both);
  return both;
};

const refusedAt = (option: string, message: string) => (error: unknown) => {
  assert.ok(error instanceof TlsConfigError);
  assert.deepEqual([error.option, error.message], [option, `${option}: ${message}`]);
  return true;
};

describe('pathPolicy', () => {
  for (const version of [tls13, tls12]) {
    it(`refuses certificates that are weaker: ${version.name}`, async () => {
      const common = { versions: [version], trust: issuer.trust };
      const pathPolicy = { minCurveBits: 384 };
      const weak = await met({
        client: { ...common, pathPolicy },
        server: { versions: [version], credentials: [p256] },
      });
      assert.deepEqual(
        [weak.client.error?.code, weak.client.error?.message],
        [
          'certificate_refused',
          'certificate for "localhost" has a key of ECDSA P-256, 256 bits; the least we take is 384 bits',
        ],
      );
      const strong = await met({
        client: { ...common, pathPolicy },
        server: { versions: [version], credentials: [p384] },
      });
      assert.equal(strong.client.error, undefined);
      assert.equal(strong.client.connection.negotiated?.version, version.name);
    });

    it(`holds for a client's certificate too: ${version.name}`, async () => {
      const { client, server } = await met({
        client: { versions: [version], credentials: [clientCredential] },
        server: {
          versions: [version],
          clientCertificate: 'require',
          trust: pki.trust,
          pathPolicy: { signatureAlgorithms: ['ed25519'] },
        },
      });
      assert.equal(server.error?.code, 'certificate_unsupported');
      assert.equal(client.error?.code, 'peer_alert');
    });
  }

  it('is asked again where a session is to be resumed', async () => {
    const sessions = memorySessionCache();
    const server = { credentials: [p256], tickets: { keys: ticketKeys({ provider: nodeProvider }) } };
    const common = { trust: issuer.trust, sessions };
    const first = await met({ client: common, server });
    assert.equal(first.client.error, undefined);
    const second = await met({ client: { ...common, pathPolicy: { minCurveBits: 384 } }, server });
    assert.equal(second.client.error?.code, 'certificate_refused');
  });

  it('is checked when a config is made', () => {
    const client = (pathPolicy: object) =>
      clientConfig({ ...clientDefaults(), pathPolicy: pathPolicy as StrengthPolicy });
    for (const [pathPolicy, option, message] of [
      [
        { minRsaBits: 1.5 },
        'pathPolicy.minRsaBits',
        '1.5 is not a whole number of bits from 2048; less needs a provider of @handfast/crypto/legacy',
      ],
      [{ minCurveBits: -1 }, 'pathPolicy.minCurveBits', '-1 is not a whole number of bits from 0'],
      [{ minCurveBits: '256' }, 'pathPolicy.minCurveBits', '256 is not a whole number of bits from 0'],
      [{ allowSha1: true }, 'pathPolicy."allowSha1"', 'there is no such option'],
      [
        { minRsaBits: 1024 },
        'pathPolicy.minRsaBits',
        '1024 is not a whole number of bits from 2048; less needs a provider of @handfast/crypto/legacy',
      ],
    ] as const) {
      assert.throws(() => client(pathPolicy), refusedAt(option, message));
      assert.throws(
        () => serverConfig({ ...serverDefaults(), pathPolicy: pathPolicy as StrengthPolicy }),
        TlsConfigError,
      );
    }
    assert.ok(client({ minRsaBits: 3072, minCurveBits: 256 }));
    assert.ok(clientConfig({ ...clientDefaults(), provider: nodeLegacyProvider, pathPolicy: { minRsaBits: 1024 } }));
  });
});
