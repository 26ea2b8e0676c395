/**
 * The peer's certificates, handed to `@handfast/x509`, and the verdict handed back: the built-in verification first,
 * then the user's `verifyPeer`, which may overrule it either way.
 *
 * @module
 */

import type { Bytes, Cryptography } from '@handfast/crypto';
import {
  type AbortSignalLike,
  type Certificate,
  CertificateError,
  type CertificateErrorCode,
  type KeyUsage,
  type PathPolicy,
  type Revocation,
  type SctVerdict,
  type Transparency,
  type TrustStore,
  type VerifiedPath,
} from '@handfast/x509';
import type { CertificateCache } from './certificate-cache.ts';
import { quote, TlsError, type TlsErrorCode } from './errors.ts';
import { callUser, type Flow } from './flow.ts';
import type { CertificateEntryExtensions } from './messages/extensions.ts';
import { type AlertName, isAlertName } from './registry.ts';

/** Who a peer is, as far as its certificates tell. */
export interface PeerIdentity {
  /** As it was sent; the first is the peer's own. */
  readonly chain: readonly Certificate[];
  /** The path to a trust anchor; undefined where there is none and the connection was accepted all the same. */
  readonly path: VerifiedPath | undefined;
  /** Why the built-in verification refused it; undefined where it did not. */
  readonly error: CertificateError | undefined;
  /** The OCSP response (DER) that was stapled to its certificate. */
  readonly ocspResponse: Uint8Array | undefined;
  /** The SignedCertificateTimestampList that came beside its certificate. */
  readonly signedCertificateTimestamps: Uint8Array | undefined;
  /** What `transparency` found of its timestamps; empty where nobody looked. */
  readonly scts: readonly SctVerdict[];
}

/** What `verifyPeer` is told. */
export interface PeerVerification extends PeerIdentity {
  readonly role: 'client' | 'server';
  /** The name that was asked for, with a server's certificate. */
  readonly serverName: string | undefined;
  readonly signal: AbortSignalLike;
}

/**
 * What `verifyPeer` answers. Exactly one of these objects: anything else, `undefined` and `true` included, is a refusal.
 */
export type PeerVerdict =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly reason: string; readonly alert?: AlertName };

/** What certificates must have of strength; see `PathPolicy` of `@handfast/x509`. */
export type StrengthPolicy = Pick<PathPolicy, 'minRsaBits' | 'minCurveBits' | 'signatureAlgorithms'>;

export interface PeerPolicy {
  readonly provider: Cryptography;
  readonly trust: TrustStore;
  readonly time: () => Date;
  readonly verifyPeer: ((peer: PeerVerification) => PeerVerdict | Promise<PeerVerdict>) | undefined;
  readonly revocation: Revocation | undefined;
  readonly transparency: Transparency | undefined;
  readonly maxCertificates: number;
  /** How strong certificates must be. */
  readonly pathPolicy?: StrengthPolicy | undefined;
  /** What the leaf's KeyUsage must have: digitalSignature unless the key exchange says otherwise. */
  readonly keyUsage?: readonly KeyUsage[];
}

/** Today, as the config's callback has it. */
export function* timeOf(policy: Pick<PeerPolicy, 'time'>): Flow<Date> {
  const time: unknown = yield* callUser('time', policy.time);
  if (time instanceof Date && !Number.isNaN(time.getTime())) return time;
  throw new TlsError('callback_failed', 'the time callback answered no valid Date');
}

/** Parses the chain, before its key is used. */
export function parseChain(
  chain: readonly Bytes[],
  maxCertificates: number,
  cache: CertificateCache,
): readonly [Certificate, ...Certificate[]] {
  if (chain.length > maxCertificates) {
    throw new TlsError(
      'message_too_large',
      `a chain of ${chain.length} certificates, where ${maxCertificates} are taken`,
    );
  }
  try {
    const [leaf, ...rest] = chain.map((der) => cache.parse(der));
    if (leaf === undefined) throw new TlsError('decode_error', 'Certificate: the list of certificates is empty');
    // Certificates are lazy: this one's key is needed next, and whether it is one is found out here.
    void leaf.publicKey;
    return [leaf, ...rest];
  } catch (error) {
    if (error instanceof CertificateError) throw certificateRefused(error);
    throw error;
  }
}

/**
 * Verifies the chain and asks `verifyPeer`.
 * @param beside what came with the peer's own certificate.
 * @param role whose certificate it is.
 * @param name what a server's certificate must be for.
 */
export function* verifyPeerChain(
  chain: readonly Certificate[],
  beside: CertificateEntryExtensions | undefined,
  role: 'client' | 'server',
  name: string | undefined,
  policy: PeerPolicy,
  signal: () => AbortSignalLike,
): Flow<PeerIdentity> {
  const { provider, trust, verifyPeer } = policy;
  const time = yield* timeOf(policy);
  let path: VerifiedPath | undefined;
  let scts: readonly SctVerdict[] = [];
  let error: CertificateError | undefined;
  try {
    const [leaf, ...intermediates] = chain;
    const usage = role === 'server' ? 'serverAuth' : 'clientAuth';
    const { revocation, transparency, pathPolicy, keyUsage } = policy;
    const found = yield* trust.verify({
      ...{ provider, leaf, intermediates, time, usage, name },
      policy: { ...pathPolicy, ...(keyUsage && { keyUsage }) },
      ...(revocation && { revocation, staple: beside?.status_request }),
      ...(revocation?.fetches && { signal: signal() }),
    });
    requirePath(found, leaf, trust);
    const timestamps = beside?.signed_certificate_timestamp;
    if (transparency !== undefined) scts = yield* transparency({ provider, path: found.path, time, timestamps });
    path = found;
  } catch (thrown) {
    if (!(thrown instanceof CertificateError)) throw thrown;
    error = thrown;
  }
  const identity: PeerIdentity = {
    chain,
    path,
    error,
    ocspResponse: beside?.status_request,
    signedCertificateTimestamps: beside?.signed_certificate_timestamp,
    scts,
  };
  if (verifyPeer === undefined) {
    if (error !== undefined) throw certificateRefused(error);
    return identity;
  }
  const verdict: unknown = yield* callUser('verifyPeer', () =>
    verifyPeer({ ...identity, role, serverName: name, signal: signal() }),
  );
  if (!isAccepting(verdict)) throw refusedBy(verdict, error);
  return identity;
}

/** A store may be anybody's: what is no path to an anchor of it has refused, as any other verdict that is none. */
function requirePath(found: Partial<VerifiedPath> | undefined, leaf: Certificate | undefined, trust: TrustStore): void {
  const { path, anchor } = found ?? {};
  if (leaf && anchor && path?.[0] === leaf && path.at(-1) === anchor && trust.has(anchor)) return;
  throw new TlsError(
    'callback_failed',
    'trust.verify answered no path from the peer’s certificate to an anchor of the store: refused',
  );
}

function isAccepting(verdict: unknown): boolean {
  return typeof verdict === 'object' && verdict !== null && 'accepted' in verdict && verdict.accepted === true;
}

function refusedBy(verdict: unknown, error: CertificateError | undefined): TlsError {
  const refusal = verdict as Partial<Extract<PeerVerdict, { accepted: false }>> | null | undefined;
  if (typeof refusal !== 'object' || refusal === null || refusal.accepted !== false) {
    return new TlsError(
      'certificate_refused',
      `verifyPeer answered ${describe(verdict)}, which is not a verdict: refused`,
      {
        hint: 'answer { accepted: true } or { accepted: false, reason }',
      },
    );
  }
  if (error !== undefined && refusal.reason === undefined) return certificateRefused(error);
  const reason = typeof refusal.reason === 'string' ? refusal.reason : 'no reason given';
  return new TlsError('certificate_refused', `verifyPeer refused the certificate: ${reason}`, {
    ...(typeof refusal.alert === 'string' && isAlertName(refusal.alert) ? { alert: refusal.alert } : {}),
    ...(error === undefined ? {} : { cause: error }),
  });
}

function describe(value: unknown): string {
  return typeof value === 'string'
    ? quote(value)
    : typeof value === 'object' && value !== null
      ? 'an object'
      : String(value);
}

/** A refusal of `@handfast/x509`, as the connection's error: its words, our code and alert. */
export function certificateRefused(error: CertificateError): TlsError {
  return new TlsError(codeOf[error.code], error.message, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}

/** No default: a new reason to refuse a certificate does not compile without its row. */
const codeOf: Readonly<Record<CertificateErrorCode, TlsErrorCode>> = {
  malformed: 'certificate_malformed',
  unsupported_key: 'certificate_unsupported',
  encrypted_key: 'certificate_unsupported',
  wrong_password: 'certificate_unsupported',
  empty_trust: 'certificate_unknown_issuer',
  no_certificate: 'certificate_unknown_issuer',
  unknown_issuer: 'certificate_unknown_issuer',
  self_signed: 'certificate_unknown_issuer',
  budget: 'certificate_refused',
  expired: 'certificate_expired',
  not_yet_valid: 'certificate_expired',
  bad_signature: 'certificate_bad_signature',
  unsupported_algorithm: 'certificate_unsupported',
  weak_signature: 'certificate_refused',
  weak_key: 'certificate_refused',
  not_a_ca: 'certificate_refused',
  path_length: 'certificate_refused',
  key_usage: 'certificate_refused',
  extended_key_usage: 'certificate_refused',
  critical_extension: 'certificate_unsupported',
  name_constraints: 'certificate_refused',
  certificate_policies: 'certificate_refused',
  profile: 'certificate_refused',
  revoked: 'certificate_revoked',
  revocation_unknown: 'certificate_status_unknown',
  bad_status_response: 'bad_certificate_status_response',
  certificate_transparency: 'certificate_refused',
  name_mismatch: 'certificate_name_mismatch',
};
