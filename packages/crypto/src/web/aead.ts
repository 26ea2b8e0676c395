/**
 * Record protection on the web. AES-GCM by WebCrypto, asynchronous: noble has it too, and small records would take it less time
 * than the way to another thread and back, but in JavaScript AES looks up secrets in tables, and is not constant-time; who
 * wants it all the same imports it from `./noble`. ChaCha20-Poly1305 by WebCrypto where the runtime has it; else by noble,
 * synchronous once that is known. There is no CCM: WebCrypto has none.
 *
 * @module
 */

import { chacha20poly1305 as nobleChacha } from '@noble/ciphers/chacha.js';
import { copyBytes, wipe } from '../bytes.ts';
import type { Aead, AeadKey, AeadName, Bytes, MaybePromise } from '../provider.ts';
import { has } from './features.ts';
import { aeadByNoble, checkLength, disposed, nonceLength, tagLength } from './noble-aead.ts';
import { errorName, plainBytes, subtle, wrapError } from './subtle.ts';

interface CipherName {
  readonly name: AeadName;
  readonly keyLength: number;
  /** WebCrypto's name of it, and of the format of its keys. */
  readonly algorithm: string;
  readonly format: string;
}

export const aes128gcm: Aead = /* @__PURE__ */ aeadByWebCrypto({
  name: 'aes-128-gcm',
  keyLength: 16,
  algorithm: 'AES-GCM',
  format: 'raw',
});
export const aes256gcm: Aead = /* @__PURE__ */ aeadByWebCrypto({
  name: 'aes-256-gcm',
  keyLength: 32,
  algorithm: 'AES-GCM',
  format: 'raw',
});

export const chacha20poly1305: Aead = /* @__PURE__ */ aeadByWebCrypto(
  { name: 'chacha20-poly1305', keyLength: 32, algorithm: 'ChaCha20-Poly1305', format: 'raw-secret' },
  /* @__PURE__ */ aeadByNoble('chacha20-poly1305', 32, nobleChacha, true),
);

/** @param other stands in where the runtime lacks the algorithm */
function aeadByWebCrypto(cipher: CipherName, other?: Aead): Aead {
  const { name, keyLength, algorithm } = cipher;
  return {
    name,
    keyLength,
    tagLength,
    reserveCopies: true,
    key(raw) {
      checkLength(raw, keyLength, `a key of ${name}`);
      const isNative = other === undefined || has(algorithm, ['encrypt', 'decrypt']);
      return other && isNative === false ? other.key(raw) : new WebKey(cipher, prepare(copyBytes(raw), isNative));
    },
  };

  async function prepare(raw: Bytes, isNative: MaybePromise<boolean>): Promise<CryptoKey | AeadKey> {
    try {
      if (other && !(await isNative)) return other.key(raw);
      return await subtle().importKey(cipher.format as 'raw', raw, algorithm, false, ['encrypt', 'decrypt']);
    } catch (cause) {
      throw wrapError(cause, 'failed', `WebCrypto does not import this ${name} key`);
    } finally {
      wipe(raw);
    }
  }
}

/** A key on its way into WebCrypto's hands, or in them. What is asked of it before it is there waits, on copies. */
class WebKey implements AeadKey {
  readonly #cipher: CipherName;
  #coming: Promise<CryptoKey | AeadKey> | undefined;
  #ready: CryptoKey | AeadKey | undefined;

  constructor(cipher: CipherName, coming: Promise<CryptoKey | AeadKey>) {
    this.#cipher = cipher;
    this.#coming = coming;
    coming.then(
      (key) => {
        if (this.#coming) this.#ready = key;
      },
      () => {}, // each use reports the failure; a key that is never used must not
    );
  }

  seal(nonce: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array, reserve = 0): MaybePromise<Bytes> {
    return this.#use(nonce, additionalData, plaintext, (key, iv, data, text) =>
      'seal' in key ? key.seal(iv, data, text, reserve) : sealed(this.#cipher, key, iv, data, text, reserve),
    );
  }

  open(nonce: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): MaybePromise<Bytes | undefined> {
    return this.#use(nonce, additionalData, sealed, (key, iv, data, text) => {
      if (text.length < tagLength) return undefined;
      return 'open' in key ? key.open(iv, data, text) : opened(this.#cipher, key, iv, data, text);
    });
  }

  dispose(): void {
    // A CryptoKey cannot be wiped; the last reference goes, and work under way keeps its own.
    this.#coming?.then(
      (key) => {
        if ('dispose' in key) key.dispose();
      },
      () => {},
    );
    this.#coming = undefined;
    this.#ready = undefined;
  }

  #use<T>(
    nonce: Uint8Array,
    additionalData: Uint8Array,
    text: Uint8Array,
    work: (key: CryptoKey | AeadKey, nonce: Bytes, additionalData: Bytes, text: Bytes) => MaybePromise<T>,
  ): MaybePromise<T> {
    const { name } = this.#cipher;
    if (this.#coming === undefined) throw disposed(name);
    checkLength(nonce, nonceLength, `a nonce of ${name}`);
    if (this.#ready) return work(this.#ready, plainBytes(nonce), plainBytes(additionalData), plainBytes(text));
    const own = [copyBytes(nonce), copyBytes(additionalData), copyBytes(text)] as const;
    return this.#coming.then((key) => work(key, ...own)).finally(() => wipe(own[2]));
  }
}

async function sealed(
  { name, algorithm }: CipherName,
  key: CryptoKey,
  iv: Bytes,
  additionalData: Bytes,
  plaintext: Bytes,
  reserve: number,
): Promise<Bytes> {
  try {
    const parameters = { name: algorithm, iv, additionalData, tagLength: 8 * tagLength };
    const sealed = new Uint8Array(await subtle().encrypt(parameters, key, plaintext));
    if (reserve === 0) return sealed;
    // WebCrypto leaves no room in front.
    const out = new Uint8Array(reserve + sealed.length);
    out.set(sealed, reserve);
    return out;
  } catch (cause) {
    throw wrapError(cause, 'failed', `${name} did not seal`);
  }
}

async function opened(
  { name, algorithm }: CipherName,
  key: CryptoKey,
  iv: Bytes,
  additionalData: Bytes,
  text: Bytes,
): Promise<Bytes | undefined> {
  try {
    const parameters = { name: algorithm, iv, additionalData, tagLength: 8 * tagLength };
    return new Uint8Array(await subtle().decrypt(parameters, key, text));
  } catch (cause) {
    if (errorName(cause) === 'OperationError') return undefined;
    throw wrapError(cause, 'failed', `${name} did not open`);
  }
}
