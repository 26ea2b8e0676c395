/**
 * Bounds on what a peer can make us store or do. Limits of a config can be set; the others are what no honest peer
 * comes near.
 *
 * @module
 */

export interface Limits {
  /** Bytes of a Certificate message. OpenSSL takes 100 KiB by default. */
  readonly certificateBytes: number;
  /** Certificates in a chain. */
  readonly certificates: number;
  /** Bytes of early data that a server skips when it accepts none (RFC 9846 §4.3.10). */
  readonly skippedEarlyData: number;
}

export const defaultLimits: Limits = { certificateBytes: 102_400, certificates: 16, skippedEarlyData: 32_768 };

/** Consecutive things without progress, after which a peer is refused: BoringSSL counts 32 for the first three. */
export const maxConsecutive = {
  emptyRecords: 32,
  keyUpdates: 32,
  changeCipherSpecs: 32,
  warnings: 4,
} as const;
