/**
 * NIST PKITS: all 249 tests, with each provider. The web provider has no DSA: it must refuse the tests with DSA
 * signatures for that reason, and those are counted apart.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { CryptoProvider } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { CertificateError, parseCertificate, rfc5280, trustStore } from '../../src/index.ts';
import { verifyWithCrls } from '../support/crl-checks.ts';

interface PkitsTest {
  /** `4.1.1 Valid Signatures Test1` */
  readonly Name: string;
  /** From the anchor down. */
  readonly CertPath: readonly string[];
  readonly CRLPath: readonly string[];
  readonly ShouldValidate: boolean;
  readonly InitialPolicySet: readonly string[];
  readonly InitialPolicyMappingInhibit: boolean;
  readonly InitialExplicitPolicy: boolean;
  readonly InitialAnyPolicyInhibit: boolean;
}

interface Pkits {
  readonly certs: Readonly<Record<string, string>>;
  readonly crls: Readonly<Record<string, string>>;
  readonly testcases: readonly PkitsTest[];
}

const pkits: Pkits = JSON.parse(
  gunzipSync(readFileSync(new URL('../vectors/pkits/pkits.json.gz', import.meta.url))).toString(),
);

/** Between the suite's making and the end of its certificates. */
const time = new Date('2026-11-21T00:00:00Z');

/** The suite's policies (its document, section 3). */
const policyOids: ReadonlyMap<string, string> = new Map([
  ['anyPolicy', '2.5.29.32.0'],
  ...Array.from({ length: 6 }, (_, i) => [`NIST-test-policy-${i + 1}`, `2.16.840.1.101.3.2.1.48.${i + 1}`] as const),
]);

/** Tests of valid paths with signatures that WebCrypto does not have. */
const withDsa: ReadonlySet<string> = new Set([
  '4.1.4 Valid DSA Signatures Test4',
  '4.1.5 Valid DSA Parameter Inheritance Test5',
]);

const certificate = (name: string): ReturnType<typeof parseCertificate> =>
  parseCertificate(Buffer.from(pkits.certs[name] ?? '', 'base64'));

/** The code of the refusal, or `valid`. */
async function answerOf(test: PkitsTest, provider: CryptoProvider): Promise<{ code: string; message: string }> {
  try {
    const [anchor, ...below] = test.CertPath.map(certificate);
    assert.ok(anchor);
    const [leaf, ...intermediates] = below.toReversed();
    await verifyWithCrls({
      provider,
      leaf,
      intermediates,
      crls: test.CRLPath.map((name) => Buffer.from(pkits.crls[name] ?? '', 'base64')),
      trust: trustStore([anchor]),
      time,
      usage: 'any',
      profile: rfc5280,
      policy: { allowSha1: true, allowNonconforming: true, minRsaBits: 1024 },
      certificatePolicies: {
        userInitialPolicySet: test.InitialPolicySet.map((name) => policyOids.get(name) ?? assert.fail(name)),
        initialExplicitPolicy: test.InitialExplicitPolicy,
        initialPolicyMappingInhibit: test.InitialPolicyMappingInhibit,
        initialAnyPolicyInhibit: test.InitialAnyPolicyInhibit,
      },
    });
    return { code: 'valid', message: '' };
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    return { code: error.code, message: error.message };
  }
}

const sectionOf = ({ Name }: PkitsTest): string => Name.split('.', 2).join('.');

for (const provider of [nodeProvider, fullWebProvider]) {
  describe(`PKITS with the provider ${provider.name}`, () => {
    const counts = { passed: 0, refusedForDsa: 0 };
    for (const section of new Set(pkits.testcases.map(sectionOf))) {
      describe(`section ${section}`, () => {
        for (const test of pkits.testcases.filter((candidate) => sectionOf(candidate) === section)) {
          it(test.Name, async () => {
            const { code, message } = await answerOf(test, provider);
            if (provider.name !== 'node' && withDsa.has(test.Name)) {
              assert.equal(code, 'unsupported_algorithm', message);
              counts.refusedForDsa++;
              return;
            }
            assert.equal(code === 'valid', test.ShouldValidate, `${code}: ${message}`);
            counts.passed++;
          });
        }
      });
    }
    it('ran in full', (t) => {
      const expected = provider.name === 'node' ? [249, 0] : [247, 2];
      t.diagnostic(`PKITS, ${provider.name}: ${counts.passed} passed, ${counts.refusedForDsa} refused for DSA`);
      assert.deepEqual([counts.passed, counts.refusedForDsa], expected);
    });
  });
}
