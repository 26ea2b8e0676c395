/**
 * What a peer proved itself by on an earlier connection, kept with the session, and verified again whenever that is to go on.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import type { AbortSignalLike } from '@handfast/x509';
import { certificateCacheOf } from '../certificate-cache.ts';
import type { Flow } from '../flow.ts';
import { type PeerIdentity, type PeerPolicy, parseChain, verifyPeerChain } from '../peer.ts';

/** As it came. */
export interface PeerProof {
  readonly chain: readonly Bytes[];
  readonly ocspResponse: Uint8Array | undefined;
  readonly signedCertificateTimestamps: Uint8Array | undefined;
}

export function proofOf({ chain, ocspResponse, signedCertificateTimestamps }: PeerIdentity): PeerProof {
  return { chain: chain.map(({ raw }) => raw), ocspResponse, signedCertificateTimestamps };
}

/**
 * Verifies by today's trust, time, name and revocation, and asks `verifyPeer` again.
 * @param role whose proof it is.
 * @param name what a server's certificate must be for.
 * @throws TlsError
 */
export function* verifyProof(
  { chain, ocspResponse, signedCertificateTimestamps }: PeerProof,
  role: 'client' | 'server',
  name: string | undefined,
  policy: PeerPolicy,
  signal: () => AbortSignalLike,
): Flow<PeerIdentity> {
  const parsed = parseChain(chain, policy.maxCertificates, certificateCacheOf(policy.trust));
  const beside = {
    ...(ocspResponse && { status_request: ocspResponse }),
    ...(signedCertificateTimestamps && { signed_certificate_timestamp: signedCertificateTimestamps }),
  };
  return yield* verifyPeerChain(parsed, beside, role, name, policy, signal);
}
