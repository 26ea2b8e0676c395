/**
 * What is known about whether a certificate was revoked: the vocabulary that CRLs, OCSP and the verdict share.
 *
 * @module
 */

import type { Certificate } from '../certificate.ts';

/** CRLReason (RFC 5280 §5.3.1) by its number; 7 is not used. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type RevocationReason = keyof typeof revocationReasons;

/** Where an answer came from: a CRL, an OCSP response that was given or fetched, or one that the peer stapled. */
export type RevocationSource = 'crl' | 'ocsp' | 'staple';

/** What one source says about one certificate. Its signature, its scope and its age have been checked. */
export type RevocationAnswer =
  | {
      readonly status: 'good';
      readonly source: RevocationSource;
      /** When the answer was true. */
      readonly thisUpdate: Date;
      /** When a newer one is due. */
      readonly nextUpdate: Date | undefined;
    }
  | {
      readonly status: 'revoked';
      readonly source: RevocationSource;
      readonly thisUpdate: Date;
      readonly nextUpdate: Date | undefined;
      readonly revokedAt: Date;
      readonly reason: RevocationReason;
    }
  | {
      readonly status: 'unknown';
      /** In words: no CRL covers it, the response is too old, … */
      readonly why: string;
    };

/** The verdict for one certificate of a path. */
export interface RevocationVerdict {
  readonly certificate: Certificate;
  readonly answer: RevocationAnswer;
}
