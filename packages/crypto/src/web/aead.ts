/**
 * Record protection on the web: AES-GCM by WebCrypto, asynchronous; ChaCha20-Poly1305 by noble, synchronous. There is no
 * CCM: WebCrypto has none.
 *
 * @module
 */

import { chacha20poly1305 as nobleChacha } from '@noble/ciphers/chacha.js';
import { copyBytes, wipe } from '../bytes.ts';
import type { Aead, AeadKey, Bytes } from '../provider.ts';
import { aeadByNoble, checkLength, disposed, nonceLength, tagLength } from './noble-aead.ts';
import { errorName, subtle, wrapError } from './subtle.ts';

export const aes128gcm: Aead = /* @__PURE__ */ gcm('aes-128-gcm', 16);
export const aes256gcm: Aead = /* @__PURE__ */ gcm('aes-256-gcm', 32);

function gcm(name: 'aes-128-gcm' | 'aes-256-gcm', keyLength: number): Aead {
  return { name, keyLength, tagLength, key };

  function key(raw: Uint8Array): AeadKey {
    checkLength(raw, keyLength, `a key of ${name}`);
    let imported: Promise<CryptoKey> | undefined = importKey(copyBytes(raw));
    imported.catch(() => {}); // each use reports the failure; a key that is never used must not
    const current = (): Promise<CryptoKey> => {
      if (imported === undefined) throw disposed(name);
      return imported;
    };
    return {
      seal(nonce, additionalData, plaintext, reserve = 0) {
        checkLength(nonce, nonceLength, `a nonce of ${name}`);
        return seal(current(), parameters(nonce, additionalData), copyBytes(plaintext), reserve);
      },
      open(nonce, additionalData, sealed) {
        checkLength(nonce, nonceLength, `a nonce of ${name}`);
        const key = current();
        if (sealed.length < tagLength) return undefined;
        return open(key, parameters(nonce, additionalData), copyBytes(sealed));
      },
      dispose() {
        // A CryptoKey cannot be wiped; the last reference goes, and work under way keeps its own.
        imported = undefined;
      },
    };
  }

  async function importKey(raw: Bytes): Promise<CryptoKey> {
    try {
      return await subtle().importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
    } catch (cause) {
      throw wrapError(cause, 'failed', `WebCrypto does not import this ${name} key`);
    } finally {
      wipe(raw);
    }
  }

  async function seal(key: Promise<CryptoKey>, gcm: AesGcmParams, plaintext: Bytes, reserve: number): Promise<Bytes> {
    try {
      const sealed = new Uint8Array(await subtle().encrypt(gcm, await key, plaintext));
      if (reserve === 0) return sealed;
      const out = new Uint8Array(reserve + sealed.length);
      out.set(sealed, reserve);
      return out;
    } catch (cause) {
      throw wrapError(cause, 'failed', `${name} did not seal`);
    } finally {
      wipe(plaintext);
    }
  }

  async function open(key: Promise<CryptoKey>, gcm: AesGcmParams, sealed: Bytes): Promise<Bytes | undefined> {
    const imported = await key;
    try {
      return new Uint8Array(await subtle().decrypt(gcm, imported, sealed));
    } catch (cause) {
      if (errorName(cause) === 'OperationError') return undefined;
      throw wrapError(cause, 'failed', `${name} did not open`);
    }
  }
}

function parameters(nonce: Uint8Array, additionalData: Uint8Array): AesGcmParams {
  return {
    name: 'AES-GCM',
    iv: copyBytes(nonce),
    additionalData: copyBytes(additionalData),
    tagLength: 8 * tagLength,
  };
}

export const chacha20poly1305: Aead = /* @__PURE__ */ aeadByNoble('chacha20-poly1305', 32, nobleChacha, true);
