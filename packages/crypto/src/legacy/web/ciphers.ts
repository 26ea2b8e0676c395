/**
 * AES in CBC mode by noble, synchronous: WebCrypto's has no mode without padding. noble's AES reads tables by secret
 * indices, so it is constant-time only as far as the processor's cache lets it be.
 *
 * @module
 */

import { cbc as nobleCbc } from '@noble/ciphers/aes.js';
import { copyBytes, wipe } from '../../bytes.ts';
import type { BlockCipher, Bytes, CbcName } from '../../provider.ts';
import { blockCipher, type Cbc } from '../block-cipher.ts';

export const blockCiphers: Readonly<Partial<Record<CbcName, BlockCipher>>> = {
  'aes-128-cbc': /* @__PURE__ */ blockCipher('aes-128-cbc', 16, 16, cbc),
  'aes-256-cbc': /* @__PURE__ */ blockCipher('aes-256-cbc', 32, 16, cbc),
};

function cbc(raw: Uint8Array): Cbc {
  const key = copyBytes(raw);
  const start = (iv: Uint8Array) => nobleCbc(key, iv, { disablePadding: true });
  return {
    encrypt(iv, plaintext): Bytes {
      const ciphertext = new Uint8Array(plaintext.length);
      start(iv).encrypt(plaintext, ciphertext);
      return ciphertext;
    },
    decrypt(iv, ciphertext): Bytes {
      const plaintext = new Uint8Array(ciphertext.length);
      start(iv).decrypt(ciphertext, plaintext);
      return plaintext;
    },
    dispose: () => wipe(key),
  };
}
