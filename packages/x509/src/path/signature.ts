/**
 * One signature over something that a CA signs (a certificate, a CRL, an OCSP response): whether its algorithm is one
 * that is taken, whether the key may make it, and whether it verifies. The arithmetic, and all of PKCS #1's padding, is
 * the provider's.
 *
 * @module
 */

import {
  type Bytes,
  CryptoError,
  type CryptoProvider,
  type LegacySignatureAlgorithm,
  type PublicKeyInfo,
  type Settling,
  type SignatureAlgorithm,
  settle,
} from '@handfast/crypto';
import { signatureOid, weakSignature } from '../algorithms.ts';
import type { Oid } from '../der/oid.ts';
import { CertificateError } from '../errors.ts';
import { keyFits } from '../keys.ts';
import type { Context, Refusal } from './check.ts';

/** What verifying a signature takes of a provider. */
export type SignatureProvider = Pick<CryptoProvider, 'name' | 'signatures' | 'legacySignatures'>;

/** What is signed, as its parser left it. */
export interface Signed {
  /** The bytes that the signature is over. */
  readonly tbs: Bytes;
  readonly signature: Bytes;
  /** `undefined` for an algorithm, or parameters, that we do not verify. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signatureAlgorithmOid: Oid;
  /** One that only an explicit policy takes. */
  readonly legacySignatureAlgorithm?: LegacySignatureAlgorithm | undefined;
}

/**
 * Why the algorithm of a signature is not taken, before any arithmetic; `undefined` where it is.
 *
 * @param who what is signed, as messages begin: `certificate for "db.internal"`; asked only where something is refused
 */
export function algorithmRefusal(
  who: () => string,
  signed: Omit<Signed, 'tbs' | 'signature'>,
  provider: SignatureProvider,
  { policy, profile }: Pick<Context, 'policy' | 'profile'>,
): Refusal | undefined {
  const { signatureAlgorithm: algorithm, signatureAlgorithmOid: oid } = signed;
  const weak = algorithm === undefined ? weakSignature(oid) : undefined;
  const legacy = weak?.algorithm;
  if (legacy !== undefined && isTaken(legacy, policy, profile)) {
    if (signed.legacySignatureAlgorithm === undefined) return unknownAlgorithm(who(), oid);
    if (provider.legacySignatures?.[legacy] !== undefined) return undefined;
    return {
      rule: 'unsupported_algorithm',
      message: `${who()} is signed with ${weak?.name}, which the crypto provider "${provider.name}" does not verify`,
    };
  }
  if (weak !== undefined) {
    return { rule: 'weak_signature', message: `${who()} is signed with ${weak.name}, which is too weak to trust` };
  }
  if (algorithm === undefined) return unknownAlgorithm(who(), oid);
  if (policy.signatureAlgorithms?.includes(algorithm) === false) {
    return {
      rule: 'unsupported_algorithm',
      message: `${who()} is signed with ${algorithm}, which our policy does not take`,
    };
  }
  if (provider.signatures[algorithm] !== undefined) return undefined;
  return {
    rule: 'unsupported_algorithm',
    message: `${who()} is signed with ${algorithm} (${signatureOid(algorithm)}), which the crypto provider "${provider.name}" does not verify`,
  };
}

function unknownAlgorithm(who: string, oid: Oid): Refusal {
  return {
    rule: 'unsupported_algorithm',
    message: `${who} is signed with algorithm ${oid}, or parameters of it, that we do not verify`,
  };
}

/** SHA-1 only where the policy says so, DSA only under RFC 5280's profile: the web's CAs make neither. */
function isTaken(algorithm: LegacySignatureAlgorithm, policy: Context['policy'], profile: Context['profile']): boolean {
  return (
    profile?.name !== 'webpki' &&
    (!algorithm.endsWith('sha1') || policy.allowSha1 === true) &&
    (!algorithm.startsWith('dsa') || profile?.dsa !== undefined)
  );
}

/**
 * Whether `signature` over `data` is good under `key`. A key that cannot make such signatures makes none: `false`.
 *
 * @throws CertificateError `unsupported_key` for a key that the provider cannot import, `unsupported_algorithm` where it
 * does not verify such signatures
 */
export function* verifySignature(
  provider: SignatureProvider,
  key: PublicKeyInfo,
  algorithm: SignatureAlgorithm,
  data: Uint8Array,
  signature: Uint8Array,
): Settling<boolean> {
  if (!keyFits(algorithm, key)) return false;
  const verifier = provider.signatures[algorithm];
  if (verifier === undefined) throw notVerified(algorithm, provider);
  try {
    // Nothing but true is true: a verifier may be anybody's.
    return (yield* settle(verifier.verify(key, data, signature))) === true;
  } catch (error) {
    throw keyError(error);
  }
}

/** The same for a signature that only an explicit policy takes. `spki`: DER, with the parameters of a DSA key in it. */
export function* verifyLegacySignature(
  provider: SignatureProvider,
  spki: Uint8Array,
  algorithm: LegacySignatureAlgorithm,
  data: Uint8Array,
  signature: Uint8Array,
): Settling<boolean> {
  const verifier = provider.legacySignatures?.[algorithm];
  if (verifier === undefined) throw notVerified(algorithm, provider);
  try {
    return (yield* settle(verifier.verify(spki, data, signature))) === true;
  } catch (error) {
    throw keyError(error);
  }
}

function notVerified(algorithm: string, provider: SignatureProvider): CertificateError {
  return new CertificateError(
    'unsupported_algorithm',
    `the crypto provider "${provider.name}" does not verify ${algorithm}`,
  );
}

function keyError(error: unknown): unknown {
  if (!(error instanceof CryptoError) || error.code !== 'invalid_key') return error;
  return new CertificateError('unsupported_key', error.message, { cause: error });
}
