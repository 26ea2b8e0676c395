/**
 * Certificates of ours with their keys, and which of them answers a peer: by name, by the peer's signature schemes, and
 * by what signed the chain (RFC 9846 §4.5.1.2).
 *
 * @module
 */

import type { MaybePromise, PublicKeyInfo, Signer } from '@handfast/crypto';
import { type Certificate, matchesHostname } from '@handfast/x509';
import { TlsError } from './errors.ts';
import { callUser, type Flow } from './flow.ts';
import { type SignatureScheme, schemeById } from './registry.ts';

/** A certificate chain and the key that proves it ours. */
export interface Credential {
  /** The first is our own; each following one signed the one before. The anchor may be left out. */
  readonly chain: readonly Certificate[];
  readonly signer: Signer;
  /**
   * An OCSP response (DER) for our certificate, sent to peers that ask: asked for at every such handshake, so a source
   * keeps its answer and renews it by itself. `undefined`: none at the moment.
   */
  readonly ocspResponse?: () => MaybePromise<Uint8Array | undefined>;
  /** A SignedCertificateTimestampList (RFC 6962 §3.3), sent to peers that ask. */
  readonly signedCertificateTimestamps?: () => MaybePromise<Uint8Array | undefined>;
}

/** Whether what a callback answered can be used as a credential. */
export function isCredential(value: unknown): value is Credential {
  if (typeof value !== 'object' || value === null) return false;
  const { chain, signer } = value as Partial<Credential>;
  return (
    Array.isArray(chain) && chain.length > 0 && typeof signer?.sign === 'function' && signer.publicKey !== undefined
  );
}

/** What a peer can verify. */
export interface PeerSchemes {
  /** signature_algorithms. */
  readonly handshake: readonly number[];
  /** signature_algorithms_cert; where absent, the same. */
  readonly certificates: readonly number[];
}

export interface Chosen {
  readonly credential: Credential;
  readonly scheme: SignatureScheme;
}

/** Whether a version's handshake can be signed so by such a key. */
export type SchemeRule = (scheme: SignatureScheme, key: PublicKeyInfo) => boolean;

/** The first of our schemes that this key can sign with and the peer can verify. */
export function schemeFor(
  { signer }: Credential,
  ours: readonly SignatureScheme[],
  peer: readonly number[],
  rule: SchemeRule,
): SignatureScheme | undefined {
  return ours.find(
    (scheme) =>
      rule(scheme, signer.publicKey) && signer.algorithms.includes(scheme.algorithm) && peer.includes(scheme.id),
  );
}

/**
 * The best credential: one that is for the name, whose chain the peer can verify; else one for the name; else the first
 * that can sign. A chain that does not fit `signature_algorithms_cert` is sent all the same where no other is there.
 */
export function chooseCredential(
  credentials: readonly Credential[],
  serverName: string | undefined,
  ours: readonly SignatureScheme[],
  peer: PeerSchemes,
  rule: SchemeRule,
): Chosen | undefined {
  let best: (Chosen & { readonly rank: number }) | undefined;
  for (const credential of credentials) {
    const scheme = schemeFor(credential, ours, peer.handshake, rule);
    if (scheme === undefined) continue;
    const rank = (isFor(credential, serverName) ? 2 : 0) + (chainFits(credential, peer.certificates) ? 1 : 0);
    if (best === undefined || rank > best.rank) best = { credential, scheme, rank };
  }
  return best;
}

/** Whether a credential's certificate is for a name. */
export function isFor({ chain: [leaf] }: Credential, serverName: string | undefined): boolean {
  return serverName !== undefined && leaf !== undefined && matchesHostname(leaf, serverName);
}

function chainFits({ chain }: Credential, schemes: readonly number[]): boolean {
  const algorithms = new Set(schemes.map((id) => schemeById.get(id)?.algorithm));
  return chain.every(({ signatureAlgorithm, issuer, subject }) => {
    // An anchor's own signature is nobody's concern.
    const selfIssued = issuer.toString() === subject.toString();
    return selfIssued || (signatureAlgorithm !== undefined && algorithms.has(signatureAlgorithm));
  });
}

/** What a credential's callback answers: bytes for the peer, or nothing. */
export function* optionalBytes(
  source: 'ocspResponse' | 'signedCertificateTimestamps',
  credential: Credential | undefined,
): Flow<Uint8Array | undefined> {
  const answer: unknown = yield* callUser(source, () => credential?.[source]?.());
  if (answer === undefined || (answer instanceof Uint8Array && answer.length > 0)) return answer;
  throw new TlsError('callback_failed', `the ${source} callback answered neither bytes nor undefined`);
}
