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
  type KeyObject,
} from 'node:crypto';
import { type Aead, type AeadKey, type AeadName, type Bytes, CryptoError, type LegacyAeadName } from '../provider.ts';
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
  const kind: Kind = {
    name,
    // The three families share one shape at run time; their overloads differ only in the algorithm's type.
    cipher: algorithm as CipherCCMTypes,
    options: { authTagLength: tagLength },
    isCcm: algorithm.endsWith('ccm'),
  };
  return {
    ...{ name, keyLength, tagLength },
    key(raw) {
      if (raw.length !== keyLength) throw new RangeError(`a key of ${name} has ${keyLength} bytes, not ${raw.length}`);
      return new NodeAeadKey(kind, createSecretKey(raw));
    },
  };
}

interface Kind {
  readonly name: string;
  readonly cipher: CipherCCMTypes;
  readonly options: { readonly authTagLength: number };
  readonly isCcm: boolean;
}

class NodeAeadKey implements AeadKey {
  readonly #kind: Kind;
  #secret: KeyObject | undefined;

  constructor(kind: Kind, secret: KeyObject) {
    this.#kind = kind;
    this.#secret = secret;
  }

  seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array, reserve = 0): Bytes {
    const { cipher, options } = this.#kind;
    const sealing: CipherCCM = createCipheriv(cipher, this.#keyFor(nonce), nonce, options);
    this.#add(sealing, additionalData, plaintext.length);
    const ciphertext = sealing.update(plaintext);
    sealing.final();
    const out = ownMemory(reserve + plaintext.length + options.authTagLength);
    out.fill(0, 0, reserve);
    out.set(ciphertext, reserve);
    out.set(sealing.getAuthTag(), reserve + plaintext.length);
    releaseMemory(ciphertext);
    return out;
  }

  open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Bytes | undefined {
    const { cipher, options } = this.#kind;
    const key = this.#keyFor(nonce);
    const length = sealed.length - options.authTagLength;
    if (length < 0) return undefined;
    const opening: DecipherCCM = createDecipheriv(cipher, key, nonce, options);
    opening.setAuthTag(sealed.subarray(length));
    this.#add(opening, additionalData, length);
    try {
      // CCM refuses in `update`, the others in `final`; nothing is released before.
      const plaintext = opening.update(sealed.subarray(0, length));
      opening.final();
      return plain(plaintext);
    } catch {
      return undefined;
    }
  }

  dispose(): void {
    // A KeyObject cannot be wiped; the last reference goes.
    this.#secret = undefined;
  }

  #keyFor(nonce: Uint8Array): KeyObject {
    const { name } = this.#kind;
    // OpenSSL takes other lengths for some of these, and then makes other nonces of them.
    if (nonce.length !== nonceLength) {
      throw new RangeError(`a nonce of ${name} has ${nonceLength} bytes, not ${nonce.length}`);
    }
    if (this.#secret === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
    return this.#secret;
  }

  #add(cipher: CipherCCM | DecipherCCM, additionalData: Uint8Array, plaintextLength: number): void {
    if (this.#kind.isCcm) cipher.setAAD(additionalData, { plaintextLength });
    else (cipher as unknown as { setAAD(data: Uint8Array): unknown }).setAAD(additionalData);
  }
}
