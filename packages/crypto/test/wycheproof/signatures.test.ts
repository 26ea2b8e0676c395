/**
 * Wycheproof: signature verification on both providers.
 *
 * Policy for what Wycheproof leaves to the verifier:
 * - `MissingNull` ("acceptable"): a PKCS#1 v1.5 DigestInfo without its NULL is refused: RFC 8017 §8.2.2 compares encodings.
 * - RSA-PSS with a salt that is not as long as the hash ("valid" in its own right) is refused: RFC 9846 §4.3.3 fixes it.
 * - ML-DSA with a context is left out: TLS and X.509 use the empty one, and the interface has no other.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CryptoError,
  fromHex,
  type HashName,
  hashLength,
  type PublicKeyInfo,
  type SignatureAlgorithm,
} from '@handfast/crypto';
import { publicKeyOf } from '../support/public-key.ts';
import { type Case, eachCase, type Group, groupsOf, providers } from '../support/wycheproof.ts';

interface SignatureCase extends Case {
  readonly msg: string;
  readonly sig: string;
  readonly ctx?: string;
}

interface SignatureGroup extends Group<SignatureCase> {
  /** ML-DSA: absent where the key is not well-formed; `publicKey` is the raw key then. */
  readonly publicKeyDer?: string | null;
  readonly publicKey?: string;
  readonly sha?: string;
  readonly sLen?: number;
}

const files: readonly (readonly [file: string, family: string])[] = [
  ['ecdsa_secp256r1_sha256', 'ecdsa'],
  ['ecdsa_secp256r1_sha512', 'ecdsa'],
  ['ecdsa_secp384r1_sha256', 'ecdsa'],
  ['ecdsa_secp384r1_sha384', 'ecdsa'],
  ['ecdsa_secp521r1_sha512', 'ecdsa'],
  ['rsa_pss_2048_sha256_mgf1_0', 'rsa-pss'],
  ['rsa_pss_2048_sha256_mgf1_32', 'rsa-pss'],
  ['rsa_pss_2048_sha384_mgf1_48', 'rsa-pss'],
  ['rsa_pss_3072_sha256_mgf1_32', 'rsa-pss'],
  ['rsa_pss_4096_sha512_mgf1_64', 'rsa-pss'],
  ['rsa_pss_2048_sha256_mgf1_32_params', 'rsa-pss'],
  ['rsa_pss_4096_sha512_mgf1_64_params', 'rsa-pss'],
  ['rsa_pss_misc', 'rsa-pss'],
  ['rsa_signature_2048_sha256', 'rsa-pkcs1'],
  ['rsa_signature_2048_sha512', 'rsa-pkcs1'],
  ['rsa_signature_3072_sha384', 'rsa-pkcs1'],
  ['rsa_signature_4096_sha512', 'rsa-pkcs1'],
  ['ed25519', 'ed25519'],
  ['ed448', 'ed448'],
  ['mldsa_44_verify', 'ml-dsa-44'],
  ['mldsa_65_verify', 'ml-dsa-65'],
  ['mldsa_87_verify', 'ml-dsa-87'],
];

const hashes: ReadonlyMap<string | undefined, HashName> = new Map([
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
]);

function algorithmOf(family: string, group: SignatureGroup): SignatureAlgorithm {
  const hash = hashes.get(group.sha);
  // The files above name only algorithms of ours.
  return (hash === undefined || !/^(ecdsa|rsa)/.test(family) ? family : `${family}-${hash}`) as SignatureAlgorithm;
}

const keys = new WeakMap<SignatureGroup, PublicKeyInfo>();

function keyOf(group: SignatureGroup, algorithm: SignatureAlgorithm): PublicKeyInfo {
  const known = keys.get(group);
  if (known !== undefined) return known;
  const key = group.publicKeyDer
    ? publicKeyOf(fromHex(group.publicKeyDer))
    : // A malformed raw ML-DSA key, for which there is no SubjectPublicKeyInfo.
      { type: algorithm as 'ml-dsa-44', spki: new Uint8Array(), raw: fromHex(group.publicKey ?? ''), bits: 128 };
  keys.set(group, key);
  return key;
}

function isGood(family: string, vector: SignatureCase, group: SignatureGroup): boolean {
  const hash = hashes.get(group.sha);
  // Invalid with the salt of 0 bytes that its group says; its salt is the one that we want.
  if (hash !== undefined && vector.comment === `s_len changed to ${hashLength[hash]}`) return true;
  if (vector.result !== 'valid') return false;
  return family !== 'rsa-pss' || hash === undefined || group.sLen === hashLength[hash];
}

for (const provider of providers) {
  for (const [file, family] of files) {
    test(`${provider.name}: verification agrees with Wycheproof's ${file}`, async (t) => {
      let counted = 0;
      await eachCase<SignatureCase, SignatureGroup>(groupsOf<SignatureGroup>(file), async (vector, group) => {
        if (vector.ctx !== undefined && vector.ctx !== '') return;
        const algorithm = algorithmOf(family, group);
        const verifier = provider.signatures[algorithm];
        assert.ok(verifier, `${algorithm} is a row`);
        const key = keyOf(group, algorithm);
        const verify = async () => verifier.verify(key, fromHex(vector.msg), fromHex(vector.sig));
        if (vector.flags.includes('IncorrectPublicKeyLength')) {
          await assert.rejects(verify, (error) => error instanceof CryptoError && error.code === 'invalid_key');
        } else {
          assert.equal(await verify(), isGood(family, vector, group));
        }
        counted++;
      });
      t.diagnostic(`${counted} vectors`);
    });
  }
}
