/**
 * The weak primitives that the web platform has, with noble: MD5, SHA-1, AES-CBC, RC4, and signatures over SHA-1.
 *
 * Absent: 3DES, Camellia and ARIA, CCM, RSA key transport, `rsa-pkcs1-md5-sha1`, and finite-field Diffie-Hellman, which
 * neither has.
 *
 * @module
 */

import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import type { CryptoProvider, LegacyCryptography } from '../../provider.ts';
import { hashesByNoble } from '../../web/noble-hash.ts';
import { rc4 } from '../rc4.ts';
import { blockCiphers } from './ciphers.ts';
import { importPrivateKey, verify } from './keys.ts';

export const webLegacy: LegacyCryptography = {
  .../* @__PURE__ */ hashesByNoble({ md5, sha1 }),
  hmac: /* @__PURE__ */ hashesByNoble({ md5, sha1, sha256, sha384, sha512 }).hmac,
  blockCiphers,
  streamCiphers: { rc4 },
  aeads: {},
  verify,
  importPrivateKey,
};

/**
 * `provider`, and what the versions and suites before TLS 1.3 need.
 *
 * @example
 * ```ts
 * import { createWebLegacyProvider } from '@handfast/crypto/legacy/web';
 * import { webProvider } from '@handfast/crypto/web';
 *
 * const provider = createWebLegacyProvider(webProvider);
 * ```
 */
export function createWebLegacyProvider(provider: CryptoProvider): CryptoProvider {
  return { ...provider, legacy: webLegacy };
}
