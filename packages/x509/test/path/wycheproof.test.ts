/**
 * Wycheproof's RSA, ECDSA and EdDSA files through what path building verifies a certificate's signature with: the
 * AlgorithmIdentifier is read as a certificate's, the key as its issuer's, and `verifySignature` does the rest. The
 * files that `@handfast/crypto` has are read where they are.
 *
 * What Wycheproof leaves to the verifier: `acceptable` signatures are refused, as are RSA-PSS parameters other than one
 * hash in all places with a salt as long, P-224 and Brainpool curves.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type CryptoProvider, fromHex, type PublicKeyInfo, runSettling } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { readAlgorithmIdentifier, signatureAlgorithmOf } from '../../src/algorithms.ts';
import { readDer } from '../../src/der/reader.ts';
import * as der from '../../src/der/writer.ts';
import { CertificateError, parsePublicKey, verifySignature } from '../../src/index.ts';

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'acceptable' | 'invalid';
}

interface Group {
  readonly publicKeyDer: string;
  readonly sha?: string;
  readonly mgfSha?: string;
  readonly sLen?: number;
  readonly tests: readonly Vector[];
}

const files = [
  'ecdsa_brainpoolP256r1_sha256',
  'ecdsa_secp224r1_sha256',
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp256r1_sha512',
  'ecdsa_secp384r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp384r1_sha512',
  'ecdsa_secp521r1_sha512',
  'ed25519',
  'ed448',
  'rsa_pss_2048_sha256_mgf1_0',
  'rsa_pss_2048_sha256_mgf1_0_params',
  'rsa_pss_2048_sha256_mgf1_32',
  'rsa_pss_2048_sha256_mgf1_32_params',
  'rsa_pss_2048_sha256_mgf1sha1_20',
  'rsa_pss_2048_sha384_mgf1_48',
  'rsa_pss_2048_sha512_mgf1sha256_32_params',
  'rsa_pss_3072_sha256_mgf1_32',
  'rsa_pss_3072_sha256_mgf1_32_params',
  'rsa_pss_4096_sha256_mgf1_32',
  'rsa_pss_4096_sha384_mgf1_48',
  'rsa_pss_4096_sha512_mgf1_32',
  'rsa_pss_4096_sha512_mgf1_32_params',
  'rsa_pss_4096_sha512_mgf1_64',
  'rsa_pss_4096_sha512_mgf1_64_params',
  'rsa_pss_misc',
  'rsa_pss_misc_params',
  'rsa_signature_2048_sha256',
  'rsa_signature_2048_sha384',
  'rsa_signature_2048_sha512',
  'rsa_signature_3072_sha256',
  'rsa_signature_3072_sha384',
  'rsa_signature_3072_sha512',
  'rsa_signature_4096_sha256',
  'rsa_signature_4096_sha384',
  'rsa_signature_4096_sha512',
  'rsa_signature_8192_sha256',
  'rsa_signature_8192_sha384',
  'rsa_signature_8192_sha512',
];

/** Salt lengths of the hashes that we take. */
const hashLengths: ReadonlyMap<string, number> = new Map([
  ['SHA-256', 32],
  ['SHA-384', 48],
  ['SHA-512', 64],
]);

const hashOids: Readonly<Record<string, string>> = {
  'SHA-1': '1.3.14.3.2.26',
  'SHA-224': '2.16.840.1.101.3.4.2.4',
  'SHA-256': '2.16.840.1.101.3.4.2.1',
  'SHA-384': '2.16.840.1.101.3.4.2.2',
  'SHA-512': '2.16.840.1.101.3.4.2.3',
  'SHA-512/224': '2.16.840.1.101.3.4.2.5',
  'SHA-512/256': '2.16.840.1.101.3.4.2.6',
};

const signatureOids: Readonly<Record<string, string>> = {
  'ecdsa SHA-256': '1.2.840.10045.4.3.2',
  'ecdsa SHA-384': '1.2.840.10045.4.3.3',
  'ecdsa SHA-512': '1.2.840.10045.4.3.4',
  'rsa SHA-256': '1.2.840.113549.1.1.11',
  'rsa SHA-384': '1.2.840.113549.1.1.12',
  'rsa SHA-512': '1.2.840.113549.1.1.13',
  'ed25519 ': '1.3.101.112',
  'ed448 ': '1.3.101.113',
};

function groupsOf(file: string): readonly Group[] {
  const own = new URL(`../vectors/wycheproof/${file}_test.json.gz`, import.meta.url);
  const shared = new URL(`../../../crypto/test/vectors/wycheproof/${file}_test.json.gz`, import.meta.url);
  const { testGroups }: { readonly testGroups: readonly Group[] } = JSON.parse(
    gunzipSync(readFileSync(existsSync(own) ? own : shared)).toString(),
  );
  return testGroups;
}

/** The AlgorithmIdentifier of a certificate that is signed in this way. */
function identifierOf(file: string, { sha = '', mgfSha = sha, sLen = 0 }: Group): Uint8Array {
  if (!file.startsWith('rsa_pss')) {
    const oid = signatureOids[`${file.split('_', 1)[0]} ${sha}`] ?? assert.fail(sha);
    return der.sequence(der.oid(oid), ...(file.startsWith('rsa') ? [der.nothing()] : []));
  }
  const hash = (name: string): Uint8Array => der.sequence(der.oid(hashOids[name] ?? assert.fail(name)), der.nothing());
  return der.sequence(
    der.oid('1.2.840.113549.1.1.10'),
    der.sequence(
      der.explicit(0, hash(sha)),
      der.explicit(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), hash(mgfSha))),
      der.explicit(2, der.smallInteger(sLen)),
    ),
  );
}

/** Whether a certificate may be signed in this way, under this kind of key. */
function isTaken(file: string, { sha = '', mgfSha = sha, sLen = 0 }: Group): boolean {
  if (/brainpool|secp224/.test(file)) return false;
  return !file.startsWith('rsa_pss') || (mgfSha === sha && hashLengths.get(sha) === sLen);
}

/** The issuer's key, or `undefined` for one that we do not take. */
function keyOf({ publicKeyDer }: Group): PublicKeyInfo | undefined {
  try {
    return parsePublicKey(fromHex(publicKeyDer));
  } catch (error) {
    assert.ok(error instanceof CertificateError && error.code === 'unsupported_key', String(error));
    return undefined;
  }
}

async function verifies(provider: CryptoProvider, file: string, group: Group): Promise<number> {
  const key = keyOf(group);
  const identifier = new Uint8Array(identifierOf(file, group));
  const algorithm = signatureAlgorithmOf(
    readDer(identifier, 'algorithm', (r) => readAlgorithmIdentifier(r, 'algorithm')),
  );
  const taken = isTaken(file, group);
  assert.equal(key !== undefined && algorithm !== undefined, taken, `${group.sha} ${group.mgfSha} ${group.sLen}`);
  for (const { tcId, comment, msg, sig, result } of group.tests) {
    if (key === undefined || algorithm === undefined) break;
    const good = await runSettling(verifySignature(provider, key, algorithm, fromHex(msg), fromHex(sig)));
    assert.equal(good, result === 'valid', `${file}, case ${tcId}: ${comment}`);
  }
  return group.tests.length;
}

for (const provider of [nodeProvider, fullWebProvider]) {
  describe(`a certificate's signature with the provider ${provider.name}`, () => {
    for (const file of files) {
      it(`is judged as Wycheproof's ${file}`, async (t) => {
        let count = 0;
        for (const group of groupsOf(file)) count += await verifies(provider, file, group);
        t.diagnostic(`${count} vectors`);
      });
    }
  });
}
