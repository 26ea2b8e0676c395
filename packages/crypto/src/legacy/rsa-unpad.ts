/**
 * A TLS premaster secret out of an RSA decryption that left the padding on (RFC 5246 §7.4.7.1, RFC 8017 §7.2.2).
 *
 * Whoever learns of a ciphertext whether its padding is good can decrypt any recorded session with some thousand to a
 * million such questions (Bleichenbacher, 1998). An alert tells it, and so does a close, a wait, or a cache line: ROBOT
 * (2017) found 27 of the hundred largest sites telling, and Marvin (2023) found libraries that had long been mended still
 * telling by their timing. So a bad padding is no error here: the answer is another secret, which the caller made before,
 * and the handshake fails at Finished as it does for a wrong key (implicit rejection).
 *
 * "Constant time" in JavaScript means: the same operations in the same order whatever the bytes are. No branch, no early
 * return and no index depends on them; every number between stays a small integer, since engines keep others elsewhere.
 * What a just-in-time compiler and the processor make of it, nobody promises. The decryption before is OpenSSL's, blinded.
 *
 * @module
 */

import type { Bytes } from '../provider.ts';

/** Bytes in a premaster secret: the version that the ClientHello offered, and 46 random bytes. */
export const premasterLength = 48;

/** Two bytes of block type, at least eight of padding, and the zero that ends it (RFC 8017 §7.2.1). */
const shortestHead = 11;

/**
 * The premaster secret, or `fallback`, and no way to tell which: the last 48 bytes of `decrypted` if all of it is
 * 00 02, bytes that are not zero, 00, and 48 bytes that begin with `clientVersion`. The result is fresh; all three are the
 * caller's to wipe.
 *
 * Make `fallback` (48 random bytes) BEFORE decrypting: to make it only where the padding is bad, or after, is to tell.
 *
 * @param decrypted ciphertext ^ d mod n, as long as the modulus (`LegacyKey.decryptRaw`)
 * @param clientVersion the version that the ClientHello offered, such as 0x0303: not the one that was negotiated
 * @throws RangeError where `fallback` is not 48 bytes, or `decrypted` too short for any premaster secret: both are public
 * @example
 * ```ts
 * const fallback = provider.random(48);
 * const decrypted = await key.decryptRaw(encryptedPremaster);
 * const premaster = premasterOf(decrypted, 0x0303, fallback);
 * ```
 */
export function premasterOf(decrypted: Uint8Array, clientVersion: number, fallback: Uint8Array): Bytes {
  if (fallback.length !== premasterLength) {
    throw new RangeError(`the fallback has ${premasterLength} bytes, not ${fallback.length}`);
  }
  const start = decrypted.length - premasterLength;
  if (start < shortestHead) {
    throw new RangeError(`an RSA block of ${decrypted.length} bytes is too short for a premaster secret`);
  }
  // A DataView reads numbers; indexing reads `number | undefined`, and getting rid of `undefined` looks like a branch.
  const block = viewOf(decrypted);

  // Any bit that is set in here is a flaw.
  let flaws = block.getUint8(0) | (block.getUint8(1) ^ 2);
  for (let i = 2; i < start - 1; i++) flaws |= onesIfZero(block.getUint8(i));
  flaws |= block.getUint8(start - 1);
  flaws |= block.getUint8(start) ^ ((clientVersion >>> 8) & 0xff);
  flaws |= block.getUint8(start + 1) ^ (clientVersion & 0xff);

  const good = onesIfZero(flaws);
  const other = viewOf(fallback);
  const premaster = new Uint8Array(premasterLength);
  for (let i = 0; i < premasterLength; i++) {
    const instead = other.getUint8(i);
    premaster[i] = instead ^ ((instead ^ block.getUint8(start + i)) & good);
  }
  return premaster;
}

/** 0xff for 0, and 0 for any other byte: below 0, all higher bits are ones. */
function onesIfZero(byte: number): number {
  return ((byte - 1) >> 8) & 0xff;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
