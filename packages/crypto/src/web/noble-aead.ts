/**
 * AEADs by noble, synchronous: a row is noble's cipher and its names.
 *
 * @module
 */

import { copyBytes, wipe } from '../bytes.ts';
import { type Aead, type AeadName, type Bytes, CryptoError } from '../provider.ts';

export const nonceLength = 12;
export const tagLength = 16;

/** What is used of noble's ciphers. */
export type NobleCipher = (
  key: Uint8Array,
  nonce: Uint8Array,
  additionalData: Uint8Array,
) => {
  /** Writes into `output` where the cipher takes one, and answers what it wrote. */
  encrypt(plaintext: Uint8Array, output?: Uint8Array): Uint8Array;
  /** Compares the tag before it decrypts, and throws where it differs. */
  decrypt(sealed: Uint8Array): Uint8Array;
};

/** @param takesOutput whether `encrypt` writes into memory that it is given */
export function aeadByNoble(name: AeadName, keyLength: number, cipher: NobleCipher, takesOutput: boolean): Aead {
  return {
    name,
    keyLength,
    tagLength,
    key(raw) {
      checkLength(raw, keyLength, `a key of ${name}`);
      let secret: Bytes | undefined = copyBytes(raw);
      const start = (nonce: Uint8Array, additionalData: Uint8Array) => {
        if (secret === undefined) throw disposed(name);
        checkLength(nonce, nonceLength, `a nonce of ${name}`);
        return cipher(secret, nonce, additionalData);
      };
      return {
        seal(nonce, additionalData, plaintext, reserve = 0) {
          const sealing = start(nonce, additionalData);
          const out = new Uint8Array(reserve + plaintext.length + tagLength);
          if (takesOutput) sealing.encrypt(plaintext, out.subarray(reserve));
          else out.set(sealing.encrypt(plaintext), reserve);
          return out;
        },
        open(nonce, additionalData, sealed) {
          const opening = start(nonce, additionalData);
          if (sealed.length < tagLength) return undefined;
          try {
            return own(opening.decrypt(sealed));
          } catch {
            return undefined;
          }
        },
        dispose() {
          wipe(secret);
          secret = undefined;
        },
      };
    },
  };
}

export function checkLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new RangeError(`${what} has ${length} bytes, not ${bytes.length}`);
}

export function disposed(name: AeadName): CryptoError {
  return new CryptoError('failed', `this ${name} key has been disposed of`);
}

/** noble answers fresh memory; a copy is made only of what is part of something larger. */
function own(bytes: Uint8Array): Bytes {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length
    ? new Uint8Array(buffer)
    : copyBytes(bytes);
}
