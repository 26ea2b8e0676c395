/**
 * ML-KEM (FIPS 203) by noble, for either provider: each loads noble in its own way and passes it in.
 *
 * @module
 */

import { copyBytes, wipe } from './bytes.ts';
import { type Bytes, CryptoError, type KeyExchange } from './provider.ts';

/** What is used of `@noble/post-quantum/ml-kem.js`. */
export interface NobleKem {
  keygen(): { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
  encapsulate(publicKey: Uint8Array): { readonly cipherText: Uint8Array; readonly sharedSecret: Uint8Array };
  decapsulate(cipherText: Uint8Array, secretKey: Uint8Array): Uint8Array;
}

/** Bytes in an encapsulation key, and in a ciphertext (FIPS 203 §8, table 3). */
export const kemLengths: Readonly<Record<'mlkem768' | 'mlkem1024', readonly [key: number, ciphertext: number]>> = {
  mlkem768: [1184, 1088],
  mlkem1024: [1568, 1568],
};

export function kemByNoble(name: keyof typeof kemLengths, kem: NobleKem): KeyExchange {
  const [keyLength, ciphertextLength] = kemLengths[name];
  return {
    name,
    clientShareLength: keyLength,
    serverShareLength: ciphertextLength,
    generate() {
      const pair = kem.keygen();
      let secretKey: Uint8Array | undefined = pair.secretKey;
      return {
        share: copyBytes(pair.publicKey),
        agree(serverShare) {
          if (secretKey === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
          checkKemLength(serverShare, ciphertextLength, `a ${name} ciphertext`);
          return own(kem.decapsulate(serverShare, secretKey));
        },
        dispose() {
          wipe(secretKey);
          secretKey = undefined;
        },
      };
    },
    encapsulate(clientShare) {
      checkKemLength(clientShare, keyLength, `a ${name} encapsulation key`);
      try {
        // noble makes the modulus check of FIPS 203 §7.2 here.
        const { cipherText, sharedSecret } = kem.encapsulate(clientShare);
        return { share: copyBytes(cipherText), secret: own(sharedSecret) };
      } catch (cause) {
        throw new CryptoError('invalid_share', `the ${name} encapsulation key does not pass its check`, { cause });
      }
    },
  };
}

export function checkKemLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) {
    throw new CryptoError('invalid_share', `${what} has ${length} bytes, not ${bytes.length}`);
  }
}

/** The secret in memory of its own: noble's results may be parts of larger ones. */
function own(secret: Uint8Array): Bytes {
  const copy = copyBytes(secret);
  wipe(secret);
  return copy;
}
