/**
 * HKDF (RFC 5869), written once over a provider's HMAC.
 *
 * @module
 */

import { wipe } from './bytes.ts';
import type { Bytes, CryptoProvider, HashName, Hmac } from './provider.ts';

/** Bytes in a digest. */
export const hashLength: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** HKDF-Extract (RFC 5869 §2.2): a pseudorandom key of `hashLength[hash]` bytes, the caller's to wipe. */
export function hkdfExtract(
  provider: Pick<CryptoProvider, 'hmac'>,
  hash: HashName,
  salt: Uint8Array,
  inputKey: Uint8Array,
): Bytes {
  return provider.hmac(hash, salt.length > 0 ? salt : new Uint8Array(hashLength[hash]))(inputKey);
}

/**
 * HKDF-Expand (RFC 5869 §2.3): `length` bytes, the caller's to wipe.
 * @param hmac HMAC with `hash` under the pseudorandom key.
 * @throws RangeError where `length` is over 255 digests.
 */
export function hkdfExpand(hash: HashName, hmac: Hmac, info: Uint8Array, length: number): Bytes {
  const size = hashLength[hash];
  const blocks = Math.ceil(length / size);
  if (blocks > 255) throw new RangeError(`HKDF-Expand gives at most ${255 * size} bytes with ${hash}, not ${length}`);
  if (blocks === 1) return expandOnce(hmac, info, length);
  const out = new Uint8Array(length);
  // T(i) = HMAC(PRK, T(i-1) | info | i): one buffer holds the input, T(i-1) at its front.
  const input = new Uint8Array(size + info.length + 1);
  input.set(info, size);
  for (let i = 1; i <= blocks; i++) {
    input[input.length - 1] = i;
    const block = hmac(i === 1 ? input.subarray(size) : input);
    input.set(block);
    const at = (i - 1) * size;
    out.set(at + size <= length ? block : block.subarray(0, length - at), at);
    wipe(block);
  }
  wipe(input);
  return out;
}

/** T(1) alone, which is all that TLS ever needs of a secret. */
function expandOnce(hmac: Hmac, info: Uint8Array, length: number): Bytes {
  const input = new Uint8Array(info.length + 1);
  input.set(info);
  input[info.length] = 1;
  const block = hmac(input);
  if (length === block.length) return block;
  const out = block.slice(0, length);
  wipe(block);
  return out;
}
