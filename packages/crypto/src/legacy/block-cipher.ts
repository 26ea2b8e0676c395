/**
 * What every CBC row checks, whatever does the work: lengths, and that a key is not used after its end.
 *
 * @module
 */

import { type BlockCipher, type Bytes, type CbcName, CryptoError } from '../provider.ts';

/** CBC without padding under one key. Lengths have been checked. */
export interface Cbc {
  encrypt(iv: Uint8Array, plaintext: Uint8Array): Bytes;
  decrypt(iv: Uint8Array, ciphertext: Uint8Array): Bytes;
  /** Wipes what can be wiped. It is not called again afterwards. */
  dispose(): void;
}

/** @param prepare copies the bytes of the key that it is given */
export function blockCipher(
  name: CbcName,
  keyLength: number,
  blockLength: number,
  prepare: (raw: Uint8Array) => Cbc,
): BlockCipher {
  return {
    name,
    keyLength,
    blockLength,
    key(raw) {
      checkLength(raw, keyLength, `a key of ${name}`);
      let cbc: Cbc | undefined = prepare(raw);
      const ready = (iv: Uint8Array, data: Uint8Array): Cbc => {
        if (cbc === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
        checkLength(iv, blockLength, `an initialization vector of ${name}`);
        if (data.length % blockLength !== 0) {
          throw new RangeError(`${name} takes whole blocks of ${blockLength} bytes, not ${data.length} bytes`);
        }
        return cbc;
      };
      return {
        encrypt: (iv, plaintext) => ready(iv, plaintext).encrypt(iv, plaintext),
        decrypt: (iv, ciphertext) => ready(iv, ciphertext).decrypt(iv, ciphertext),
        dispose() {
          cbc?.dispose();
          cbc = undefined;
        },
      };
    },
  };
}

function checkLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new RangeError(`${what} has ${length} bytes, not ${bytes.length}`);
}
