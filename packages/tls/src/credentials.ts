/**
 * Certificates of ours with their keys, and which of them answers a peer: by name, by the peer's signature schemes, and
 * by what signed the chain (RFC 9846 §4.5.1.2).
 *
 * @module
 */

import type { LegacyKey, MaybePromise, SignatureAlgorithm, Signer } from '@handfast/crypto';
import { type Certificate, matchesHostname } from '@handfast/x509';
import { TlsError } from './errors.ts';
import { callUser, type Flow } from './flow.ts';
import { type HandshakeScheme, schemeById } from './registry.ts';

/** A certificate chain and the key that proves it ours. */
export interface Credential {
  /** The first is our own; each following one signed the one before. The anchor may be left out. */
  readonly chain: readonly Certificate[];
  readonly signer: Signer;
  /**
   * The same key for what is out of use: RSA key exchange, and signatures before TLS 1.2. Made by a legacy provider's
   * `importPrivateKey`.
   */
  readonly legacyKey?: LegacyKey;
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
  /** supported_groups, where they bind the certificate's key as well: before TLS 1.3. */
  readonly curves?: readonly number[] | undefined;
}

export interface Chosen {
  readonly credential: Credential;
  readonly scheme: HandshakeScheme;
}

/** Whether a version's handshake can be signed so with this credential. */
export type SchemeRule = (scheme: HandshakeScheme, credential: Credential) => boolean;

/** A scheme's algorithm, where a credential's signer has it. */
export function signerAlgorithm(
  { signer }: Credential,
  { algorithm }: HandshakeScheme,
): SignatureAlgorithm | undefined {
  return signer.algorithms.find((one) => one === algorithm);
}

/** A signature by a credential's signer. */
export function signBy({ credential, scheme }: Chosen, content: Uint8Array): MaybePromise<Uint8Array> {
  const algorithm = signerAlgorithm(credential, scheme);
  if (algorithm === undefined) throw new TlsError('signing_failed', `the signer has no ${scheme.algorithm}`);
  return credential.signer.sign(algorithm, content);
}

/** The first of our schemes that this key can sign with and the peer can verify. */
export function schemeFor(
  credential: Credential,
  ours: readonly HandshakeScheme[],
  peer: readonly number[],
  rule: SchemeRule,
): HandshakeScheme | undefined {
  return ours.find((scheme) => peer.includes(scheme.id) && rule(scheme, credential));
}

/**
 * The best credential: one that is for the name, whose chain the peer can verify; else one for the name; else the first
 * that can sign. A chain that does not fit `signature_algorithms_cert` is sent all the same where no other is there.
 */
export function chooseCredential(
  credentials: readonly Credential[],
  serverName: string | undefined,
  ours: readonly HandshakeScheme[],
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
