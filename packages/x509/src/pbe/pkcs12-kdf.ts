/**
 * PKCS#12's own derivation of keys from passwords (RFC 7292 Appendix B): for the MAC of files that most tools still write,
 * and for encryption that they no longer do. Hashing is the provider's.
 *
 * @module
 */

import { type Bytes, type PasswordCryptography, type PasswordHash, wipe } from '@handfast/crypto';

/** What the bytes are for (§B.3): each purpose has other bytes. */
export const pkcs12Purpose = { key: 1, iv: 2, mac: 3 } as const;

/** Bytes of a block of each hash, and of its result: `v` and `u` of §B.2. */
const hashSizes: Readonly<Record<PasswordHash, { readonly block: number; readonly digest: number }>> = {
  sha1: { block: 64, digest: 20 },
  sha224: { block: 64, digest: 28 },
  sha256: { block: 64, digest: 32 },
  sha384: { block: 128, digest: 48 },
  sha512: { block: 128, digest: 64 },
};

export interface Pkcs12KdfInput {
  readonly hash: PasswordHash;
  readonly purpose: (typeof pkcs12Purpose)[keyof typeof pkcs12Purpose];
  /** A BMPString with its two zero bytes; empty for no password at all. */
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  /** Already paid for. */
  readonly iterations: number;
  /** Bytes wanted. */
  readonly length: number;
}

/** §B.2, by its letters. */
export function pkcs12Kdf(passwords: PasswordCryptography, input: Pkcs12KdfInput): Bytes {
  const { hash, purpose, iterations, length } = input;
  const { block: v, digest: u } = hashSizes[hash];
  const salt = repeatedToBlocks(input.salt, v);
  const password = repeatedToBlocks(input.password, v);
  // D in front of I, so that both are hashed in one piece.
  const message = new Uint8Array(v + salt.length + password.length).fill(purpose, 0, v);
  message.set(salt, v);
  message.set(password, v + salt.length);
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += u) {
    let digest = passwords.digest(hash, message);
    for (let round = 1; round < iterations; round++) digest = passwords.digest(hash, digest);
    out.set(digest.subarray(0, length - at), at);
    const b = repeatedToLength(digest, v);
    for (let start = v; start < message.length; start += v) addPlusOne(message.subarray(start, start + v), b);
    wipe(digest, b);
  }
  wipe(message, password);
  return out;
}

/** `bytes` over and over, to the next multiple of `block`; nothing stays nothing. */
function repeatedToBlocks(bytes: Uint8Array, block: number): Bytes {
  return repeatedToLength(bytes, block * Math.ceil(bytes.length / block));
}

function repeatedToLength(bytes: Uint8Array, length: number): Bytes {
  return Uint8Array.from({ length }, (_, at) => bytes[at % bytes.length] ?? 0);
}

/** `block` becomes `block + addend + 1`, big-endian, modulo its size (§B.2, step 6C). */
function addPlusOne(block: Uint8Array, addend: Uint8Array): void {
  let carry = 1;
  for (let at = block.length - 1; at >= 0; at--) {
    carry += (block[at] ?? 0) + (addend[at] ?? 0);
    block[at] = carry & 0xff;
    carry >>= 8;
  }
}
