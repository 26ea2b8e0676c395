/**
 * Signature algorithms as PKCS #11's mechanisms. The hash is made here, so that the token needs only the plain mechanism.
 *
 * @module
 */

import { createHash } from 'node:crypto';
import {
  concat,
  copyBytes,
  ecdsaToDer,
  fromHex,
  type HashName,
  type PublicKeyInfo,
  type SignatureAlgorithm,
} from '@handfast/crypto';
import {
  CK_PARAMS_RSA_PSS,
  CKG_MGF1_SHA256,
  CKG_MGF1_SHA384,
  CKG_MGF1_SHA512,
  CKM_ECDSA,
  CKM_EDDSA,
  CKM_RSA_PKCS,
  CKM_RSA_PKCS_PSS,
  CKM_SHA256,
  CKM_SHA384,
  CKM_SHA512,
  type Mechanism,
} from './cryptoki.ts';

/** What a token is asked to sign. */
export interface SignInput {
  readonly mechanism: Mechanism;
  readonly data: Uint8Array;
  /** Bytes that the signature has at the most. */
  readonly signatureLength: number;
}

interface Hash {
  readonly name: HashName;
  readonly length: number;
  readonly mechanism: number;
  readonly mgf: number;
  /** What comes before the digest in a DigestInfo (RFC 8017 §9.2, note 1). */
  readonly digestInfo: Uint8Array;
}

const sha256: Hash = {
  name: 'sha256',
  length: 32,
  mechanism: CKM_SHA256,
  mgf: CKG_MGF1_SHA256,
  digestInfo: fromHex('3031300d060960864801650304020105000420'),
};
const sha384: Hash = {
  name: 'sha384',
  length: 48,
  mechanism: CKM_SHA384,
  mgf: CKG_MGF1_SHA384,
  digestInfo: fromHex('3041300d060960864801650304020205000430'),
};
const sha512: Hash = {
  name: 'sha512',
  length: 64,
  mechanism: CKM_SHA512,
  mgf: CKG_MGF1_SHA512,
  digestInfo: fromHex('3051300d060960864801650304020305000440'),
};

type Kind = 'ecdsa' | 'pkcs1' | 'pss';

const hashed: ReadonlyMap<SignatureAlgorithm, { readonly kind: Kind; readonly hash: Hash }> = new Map([
  ['ecdsa-sha256', { kind: 'ecdsa', hash: sha256 }],
  ['ecdsa-sha384', { kind: 'ecdsa', hash: sha384 }],
  ['ecdsa-sha512', { kind: 'ecdsa', hash: sha512 }],
  ['rsa-pss-sha256', { kind: 'pss', hash: sha256 }],
  ['rsa-pss-sha384', { kind: 'pss', hash: sha384 }],
  ['rsa-pss-sha512', { kind: 'pss', hash: sha512 }],
  ['rsa-pkcs1-sha256', { kind: 'pkcs1', hash: sha256 }],
  ['rsa-pkcs1-sha384', { kind: 'pkcs1', hash: sha384 }],
  ['rsa-pkcs1-sha512', { kind: 'pkcs1', hash: sha512 }],
]);

/** By type of key, in order of preference. */
const byKeyType: ReadonlyMap<string, readonly SignatureAlgorithm[]> = new Map<string, readonly SignatureAlgorithm[]>([
  ['secp256r1', ['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512']],
  ['secp384r1', ['ecdsa-sha384', 'ecdsa-sha256', 'ecdsa-sha512']],
  ['secp521r1', ['ecdsa-sha512', 'ecdsa-sha256', 'ecdsa-sha384']],
  [
    'rsa',
    ['rsa-pss-sha256', 'rsa-pss-sha384', 'rsa-pss-sha512', 'rsa-pkcs1-sha256', 'rsa-pkcs1-sha384', 'rsa-pkcs1-sha512'],
  ],
  ['ed25519', ['ed25519']],
]);

/** Mechanisms that a token is asked about. */
export const signMechanisms: readonly number[] = [CKM_ECDSA, CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_EDDSA];

/** What a key can sign with by a token that has these mechanisms, in order of preference. */
export function algorithmsOf(key: PublicKeyInfo, mechanisms: readonly number[]): readonly SignatureAlgorithm[] {
  return (byKeyType.get(key.type) ?? []).filter((algorithm) => {
    const { kind, hash } = hashed.get(algorithm) ?? {};
    // A salt as long as the hash must fit (RFC 8017 §9.1.1).
    if (kind === 'pss' && hash !== undefined && Math.ceil((key.bits - 1) / 8) < 2 * hash.length + 2) return false;
    return mechanisms.includes(mechanismOf(kind));
  });
}

/** How `data` is signed, for one of `algorithmsOf` the key. Its bytes are their own, to be sent to a thread. */
export function signInput(algorithm: SignatureAlgorithm, key: PublicKeyInfo, data: Uint8Array): SignInput {
  const { kind, hash } = hashed.get(algorithm) ?? {};
  const mechanism = mechanismOf(kind);
  if (kind === undefined || hash === undefined)
    return { mechanism: { mechanism }, data: copyBytes(data), signatureLength: 64 };
  const digest = createHash(hash.name).update(data).digest();
  const length = Math.ceil(key.bits / 8);
  switch (kind) {
    case 'ecdsa':
      // Of a longer digest its first bits count (FIPS 186-5 §6.4.1), which tokens leave to who asks.
      return { mechanism: { mechanism }, data: copyBytes(digest.subarray(0, length)), signatureLength: 2 * length };
    case 'pkcs1':
      return { mechanism: { mechanism }, data: concat(hash.digestInfo, digest), signatureLength: length };
    case 'pss': {
      const { mechanism: hashAlg, mgf, length: saltLen } = hash;
      const parameter = { type: CK_PARAMS_RSA_PSS, hashAlg, mgf, saltLen } as const;
      return { mechanism: { mechanism, parameter }, data: copyBytes(digest), signatureLength: length };
    }
  }
}

/** A token's signature as X.509 and TLS have it. */
export function signatureOf(algorithm: SignatureAlgorithm, made: Uint8Array): Uint8Array {
  return hashed.get(algorithm)?.kind === 'ecdsa' ? ecdsaToDer(made) : made;
}

function mechanismOf(kind: Kind | undefined): number {
  return kind === undefined ? CKM_EDDSA : { ecdsa: CKM_ECDSA, pkcs1: CKM_RSA_PKCS, pss: CKM_RSA_PKCS_PSS }[kind];
}
