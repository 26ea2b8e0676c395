/**
 * ML-KEM (FIPS 203): by `node:crypto` where it has it (Node 24.7 and later), else by noble where that is installed.
 *
 * @module
 */

import * as crypto from 'node:crypto';
import { createRequire } from 'node:module';
import { concat, copyBytes, fromHex, wipe } from '../bytes.ts';
import { type Bytes, CryptoError, type GroupName, type KeyExchange } from '../provider.ts';
import { importSpki } from './public-key.ts';

interface Parameters {
  readonly name: Extract<GroupName, 'mlkem768' | 'mlkem1024'>;
  readonly native: 'ml-kem-768' | 'ml-kem-1024';
  readonly noble: 'ml_kem768' | 'ml_kem1024';
  /** Of the encapsulation key and of the ciphertext, in bytes. */
  readonly keyLength: number;
  readonly ciphertextLength: number;
  /** What stands before the key in its SubjectPublicKeyInfo. */
  readonly spkiPrefix: Bytes;
}

const mlkem768: Parameters = {
  name: 'mlkem768',
  native: 'ml-kem-768',
  noble: 'ml_kem768',
  keyLength: 1184,
  ciphertextLength: 1088,
  spkiPrefix: fromHex('308204b2300b0609608648016503040402038204a100'),
};

const mlkem1024: Parameters = {
  name: 'mlkem1024',
  native: 'ml-kem-1024',
  noble: 'ml_kem1024',
  keyLength: 1568,
  ciphertextLength: 1568,
  spkiPrefix: fromHex('30820632300b06096086480165030404030382062100'),
};

/** The rows of this runtime; empty where neither OpenSSL nor noble can. */
export function mlkemRows(): { readonly mlkem768?: KeyExchange; readonly mlkem1024?: KeyExchange } {
  if (hasNative()) return { mlkem768: native(mlkem768), mlkem1024: native(mlkem1024) };
  const noble = loadNoble();
  return noble ? { mlkem768: byNoble(mlkem768, noble), mlkem1024: byNoble(mlkem1024, noble) } : {};
}

function hasNative(): boolean {
  return typeof crypto.encapsulate === 'function' && typeof crypto.decapsulate === 'function';
}

function native({ name, native: type, keyLength, ciphertextLength, spkiPrefix }: Parameters): KeyExchange {
  return {
    name,
    clientShareLength: keyLength,
    serverShareLength: ciphertextLength,
    generate() {
      const pair = type === 'ml-kem-768' ? crypto.generateKeyPairSync(type) : crypto.generateKeyPairSync(type);
      let privateKey: crypto.KeyObject | undefined = pair.privateKey;
      return {
        share: copyBytes(pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(spkiPrefix.length)),
        agree(serverShare) {
          if (privateKey === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
          checkLength(serverShare, ciphertextLength, `a ${name} ciphertext`);
          const secret = crypto.decapsulate(privateKey, serverShare);
          return ownSecret(secret);
        },
        dispose() {
          privateKey = undefined;
        },
      };
    },
    encapsulate(clientShare) {
      checkLength(clientShare, keyLength, `a ${name} encapsulation key`);
      let publicKey: crypto.KeyObject;
      try {
        // OpenSSL makes the modulus check of FIPS 203 §7.2 here.
        publicKey = importSpki(concat(spkiPrefix, clientShare));
      } catch (cause) {
        throw new CryptoError('invalid_share', `the ${name} encapsulation key does not pass its check`, { cause });
      }
      const { sharedKey, ciphertext } = crypto.encapsulate(publicKey);
      return { share: copyBytes(ciphertext), secret: ownSecret(sharedKey) };
    },
  };
}

/** What we use of `@noble/post-quantum/ml-kem.js`. */
interface NobleKem {
  keygen(): { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };
  encapsulate(publicKey: Uint8Array): { readonly cipherText: Uint8Array; readonly sharedSecret: Uint8Array };
  decapsulate(cipherText: Uint8Array, secretKey: Uint8Array): Uint8Array;
}

type NobleModule = Readonly<Record<Parameters['noble'], NobleKem>>;

function loadNoble(): NobleModule | undefined {
  try {
    return createRequire(import.meta.url)('@noble/post-quantum/ml-kem.js') as NobleModule;
  } catch {
    // Not installed: it is an optional dependency.
    return undefined;
  }
}

function byNoble({ name, noble, keyLength, ciphertextLength }: Parameters, module: NobleModule): KeyExchange {
  const kem = module[noble];
  return {
    name,
    clientShareLength: keyLength,
    serverShareLength: ciphertextLength,
    generate() {
      const { publicKey, secretKey } = kem.keygen();
      return {
        share: copyBytes(publicKey),
        agree(serverShare) {
          checkLength(serverShare, ciphertextLength, `a ${name} ciphertext`);
          return ownSecret(kem.decapsulate(serverShare, secretKey));
        },
        dispose: () => wipe(secretKey),
      };
    },
    encapsulate(clientShare) {
      checkLength(clientShare, keyLength, `a ${name} encapsulation key`);
      try {
        const { cipherText, sharedSecret } = kem.encapsulate(clientShare);
        return { share: copyBytes(cipherText), secret: ownSecret(sharedSecret) };
      } catch (cause) {
        throw new CryptoError('invalid_share', `the ${name} encapsulation key does not pass its check`, { cause });
      }
    },
  };
}

function checkLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new CryptoError('invalid_share', `${what} has ${length} bytes, not ${bytes.length}`);
}

function ownSecret(secret: Uint8Array): Bytes {
  const own = copyBytes(secret);
  wipe(secret);
  return own;
}
