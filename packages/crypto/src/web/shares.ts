/**
 * Checks on a peer's share that several groups of the web provider make.
 *
 * @module
 */

import { type Bytes, CryptoError, type GroupName } from '../provider.ts';

/** Refuses a share of the wrong length. */
export function checkShareLength(name: GroupName, share: Uint8Array, length: number): void {
  if (share.length !== length) {
    throw new CryptoError('invalid_share', `a ${name} share has ${length} bytes, not ${share.length}`);
  }
}

/** Refuses a point that is not uncompressed (RFC 9846 §4.3.8.2): WebCrypto and noble take the other forms too. */
export function checkPoint(name: GroupName, share: Uint8Array): void {
  if (share[0] !== 4) throw new CryptoError('invalid_share', `a ${name} point must be uncompressed`);
}

/**
 * Refuses the all-zero result that a small-order share gives on X25519 and X448 (RFC 7748 §6, RFC 9846 §7.4.2). Not for the
 * P curves, where zero is an x-coordinate like others.
 */
export function checkSharedSecret(name: GroupName, secret: Bytes): Bytes {
  let bits = 0;
  for (const byte of secret) bits |= byte;
  if (bits === 0) throw new CryptoError('invalid_share', `the ${name} result is all zeros`);
  return secret;
}
