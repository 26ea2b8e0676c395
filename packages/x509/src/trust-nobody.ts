/**
 * A trust store without anchors, for a config that was given none: it trusts nobody, and brings nothing of what verifying
 * takes.
 *
 * @module
 */

import type { Certificate } from './certificate.ts';
import { CertificateError } from './errors.ts';
import type { TrustStore } from './trust.ts';

/** Trusts nobody: every certificate is refused as `empty_trust`. */
export const trustNobody: TrustStore = /* @__PURE__ */ Object.freeze<TrustStore>({
  size: 0,
  anchors: [],
  skipped: [],
  bySubject: () => [],
  has: () => false,
  limitsOf: () => [],
  // biome-ignore lint/correctness/useYield: it answers at once, and verifying is a computation.
  *verify({ leaf }) {
    throw emptyTrust(leaf);
  },
});

/** The refusal where there are no anchors, or there is nothing to verify. */
export function emptyTrust(leaf: Certificate | undefined): CertificateError {
  if (leaf === undefined) return new CertificateError('no_certificate', 'there is no certificate to verify');
  return new CertificateError('empty_trust', 'the trust store is empty, so no certificate is trusted', {
    certificate: leaf,
    hint: 'give the CA certificates to trust; nothing is trusted by default',
  });
}
