/**
 * WebCrypto as this realm has it, and its errors in our words.
 *
 * @module
 */

import { copyBytes } from '../bytes.ts';
import { type Bytes, CryptoError, type CryptoErrorCode } from '../provider.ts';

/** `crypto.subtle`, looked up at each use: importing a module must work where it is absent. */
export function subtle(): SubtleCrypto {
  // Typed as always present, but browsers leave it out of insecure contexts.
  const found: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (found === undefined) {
    throw new CryptoError(
      'unsupported',
      'crypto.subtle is not available: WebCrypto needs a secure context (https:, or localhost)',
    );
  }
  return found;
}

/**
 * Borrowed bytes as WebCrypto takes them. It copies its arguments before the call returns (Web Cryptography API §14.3), so none
 * of ours is needed; but shared memory, which it refuses, is copied here.
 */
export function plainBytes(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Bytes) : copyBytes(bytes);
}

const randomChunk = 65536; // what `getRandomValues` gives at most in one call

/** Cryptographically strong random bytes. */
export function random(length: number): Bytes {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += randomChunk) {
    globalThis.crypto.getRandomValues(out.subarray(at, Math.min(length, at + randomChunk)));
  }
  return out;
}

/**
 * A failure of WebCrypto as a `CryptoError`: `unsupported` where the runtime lacks the algorithm, else `code`.
 * A `CryptoError` stays what it is.
 */
export function wrapError(cause: unknown, code: CryptoErrorCode, message: string): CryptoError {
  if (cause instanceof CryptoError) return cause;
  if (errorName(cause) === 'NotSupportedError') {
    return new CryptoError('unsupported', `${message}: this runtime's WebCrypto lacks the algorithm`, { cause });
  }
  return new CryptoError(code, message, { cause });
}

/** The `name` of an error of any realm: a DOMException need not be an instance of this realm's class. */
export function errorName(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('name' in error)) return undefined;
  return typeof error.name === 'string' ? error.name : undefined;
}
