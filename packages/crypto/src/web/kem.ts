/**
 * ML-KEM (FIPS 203) on the web: by WebCrypto where the runtime has it, which is constant-time as JavaScript cannot be, and
 * asynchronous; else by noble, synchronous once that is known.
 *
 * @module
 */

import { ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { checkKemLength, kemByNoble, kemLengths, type NobleKem } from '../noble-kem.ts';
import { type Bytes, CryptoError, type KeyExchange } from '../provider.ts';
import { nativeGroup } from './features.ts';
import { plainBytes, subtle, wrapError } from './subtle.ts';

/** What the library's types do not know yet (WICG, Modern Algorithms in the Web Cryptography API). */
interface KemCrypto {
  generateKey(algorithm: object, extractable: boolean, usages: readonly string[]): Promise<CryptoKeyPair>;
  exportKey(format: 'raw-public', key: CryptoKey): Promise<ArrayBuffer>;
  importKey(
    format: 'raw-public',
    data: Bytes,
    algorithm: object,
    extractable: boolean,
    usages: readonly string[],
  ): Promise<CryptoKey>;
  encapsulateBits(
    algorithm: object,
    key: CryptoKey,
  ): Promise<{ readonly ciphertext: ArrayBuffer; readonly sharedKey: ArrayBuffer }>;
  decapsulateBits(algorithm: object, key: CryptoKey, ciphertext: Bytes): Promise<ArrayBuffer>;
}

const usages = ['encapsulateBits', 'decapsulateBits'];

export const mlkem768: KeyExchange = /* @__PURE__ */ kem('mlkem768', 'ML-KEM-768', ml_kem768);
export const mlkem1024: KeyExchange = /* @__PURE__ */ kem('mlkem1024', 'ML-KEM-1024', ml_kem1024);

function kem(name: keyof typeof kemLengths, algorithm: string, noble: NobleKem): KeyExchange {
  return nativeGroup(algorithm, usages, kemByWebCrypto(name, algorithm), kemByNoble(name, noble));
}

function kemByWebCrypto(name: keyof typeof kemLengths, algorithm: string): KeyExchange {
  const parameters = { name: algorithm };
  const [keyLength, ciphertextLength] = kemLengths[name];
  const kems = (): KemCrypto => subtle() as unknown as KemCrypto;
  return {
    name,
    clientShareLength: keyLength,
    serverShareLength: ciphertextLength,
    async generate() {
      try {
        const pair = await kems().generateKey(parameters, false, usages);
        let privateKey: CryptoKey | undefined = pair.privateKey;
        return {
          share: new Uint8Array(await kems().exportKey('raw-public', pair.publicKey)),
          async agree(serverShare) {
            if (privateKey === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
            checkKemLength(serverShare, ciphertextLength, `a ${name} ciphertext`);
            try {
              return new Uint8Array(await kems().decapsulateBits(parameters, privateKey, plainBytes(serverShare)));
            } catch (cause) {
              throw wrapError(cause, 'failed', `WebCrypto does not decapsulate by ${name}`);
            }
          },
          dispose() {
            privateKey = undefined;
          },
        };
      } catch (cause) {
        throw wrapError(cause, 'failed', `WebCrypto made no ${name} key`);
      }
    },
    async encapsulate(share) {
      checkKemLength(share, keyLength, `a ${name} encapsulation key`);
      try {
        // Runtimes make the modulus check of FIPS 203 §7.2 in one of the two.
        const key = await kems().importKey('raw-public', plainBytes(share), parameters, false, ['encapsulateBits']);
        const { ciphertext, sharedKey } = await kems().encapsulateBits(parameters, key);
        return { share: new Uint8Array(ciphertext), secret: new Uint8Array(sharedKey) };
      } catch (cause) {
        throw wrapError(cause, 'invalid_share', `the ${name} encapsulation key does not pass its check`);
      }
    },
  };
}
