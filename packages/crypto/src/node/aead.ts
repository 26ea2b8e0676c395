/**
 * AEADs by `node:crypto`: a KeyObject and one `update` a record, which is what OpenSSL is fastest with.
 *
 * @module
 */

import {
  type CipherCCM,
  type CipherCCMTypes,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type DecipherCCM,
} from 'node:crypto';
import { type Aead, type AeadKey, type AeadName, CryptoError, type LegacyAeadName } from '../provider.ts';
import { ownMemory, plain, releaseMemory } from './own-memory.ts';

const nonceLength = 12;

export const aeads: Readonly<Record<AeadName, Aead>> = {
  'aes-128-gcm': row('aes-128-gcm', 'aes-128-gcm', 16, 16),
  'aes-256-gcm': row('aes-256-gcm', 'aes-256-gcm', 32, 16),
  'chacha20-poly1305': row('chacha20-poly1305', 'chacha20-poly1305', 32, 16),
  'aes-128-ccm': row('aes-128-ccm', 'aes-128-ccm', 16, 16),
  'aes-128-ccm-8': row('aes-128-ccm-8', 'aes-128-ccm', 16, 8),
};

/** An AEAD out of OpenSSL's name of its algorithm: one of the GCM or CCM modes, or `chacha20-poly1305`. */
export function row(name: AeadName | LegacyAeadName, algorithm: string, keyLength: number, tagLength: number): Aead {
  // The three families share one shape at run time; their overloads differ only in the algorithm's type.
  const cipher = algorithm as CipherCCMTypes;
  const options = { authTagLength: tagLength };
  const isCcm = algorithm.endsWith('ccm');
  return { name, keyLength, tagLength, key };

  function key(raw: Uint8Array): AeadKey {
    if (raw.length !== keyLength) throw new RangeError(`a key of ${name} has ${keyLength} bytes, not ${raw.length}`);
    let secret: ReturnType<typeof createSecretKey> | undefined = createSecretKey(raw);
    const current = () => {
      if (secret === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
      return secret;
    };
    // OpenSSL takes other lengths for some of these, and then makes other nonces of them.
    const checkNonce = (nonce: Uint8Array) => {
      if (nonce.length !== nonceLength) {
        throw new RangeError(`a nonce of ${name} has ${nonceLength} bytes, not ${nonce.length}`);
      }
    };
    return {
      seal(nonce, additionalData, plaintext, reserve = 0) {
        checkNonce(nonce);
        const sealing: CipherCCM = createCipheriv(cipher, current(), nonce, options);
        addData(sealing, additionalData, plaintext.length);
        const ciphertext = sealing.update(plaintext);
        sealing.final();
        const out = ownMemory(reserve + plaintext.length + tagLength);
        out.fill(0, 0, reserve);
        out.set(ciphertext, reserve);
        out.set(sealing.getAuthTag(), reserve + plaintext.length);
        releaseMemory(ciphertext);
        return out;
      },
      open(nonce, additionalData, sealed) {
        checkNonce(nonce);
        const inUse = current();
        const length = sealed.length - tagLength;
        if (length < 0) return undefined;
        const opening: DecipherCCM = createDecipheriv(cipher, inUse, nonce, options);
        opening.setAuthTag(sealed.subarray(length));
        addData(opening, additionalData, length);
        try {
          // CCM refuses in `update`, the others in `final`; nothing is released before.
          const plaintext = opening.update(sealed.subarray(0, length));
          opening.final();
          return plain(plaintext);
        } catch {
          return undefined;
        }
      },
      dispose() {
        // A KeyObject cannot be wiped; the last reference goes.
        secret = undefined;
      },
    };
  }

  function addData(cipher: CipherCCM | DecipherCCM, additionalData: Uint8Array, plaintextLength: number): void {
    if (isCcm) cipher.setAAD(additionalData, { plaintextLength });
    else (cipher as unknown as { setAAD(data: Uint8Array): unknown }).setAAD(additionalData);
  }
}
