/**
 * ML-KEM (FIPS 203): by `node:crypto` where it has it (Node 24.7 and later), else by noble where that is installed.
 *
 * @module
 */

import * as crypto from 'node:crypto';
import { concat, copyBytes, fromHex } from '../bytes.ts';
import { kemByNoble } from '../noble-kem.ts';
import { type Bytes, CryptoError, type GroupName, type KeyExchange } from '../provider.ts';
import { loadNoble } from './noble.ts';
import { plain } from './own-memory.ts';
import { importSpki } from './public-key.ts';

interface Parameters {
  readonly name: Extract<GroupName, 'mlkem768' | 'mlkem1024'>;
  generate(): { readonly publicKey: crypto.KeyObject; readonly privateKey: crypto.KeyObject };
  /** Of the encapsulation key and of the ciphertext, in bytes. */
  readonly keyLength: number;
  readonly ciphertextLength: number;
  /** What stands before the key in its SubjectPublicKeyInfo. */
  readonly spkiPrefix: Bytes;
}

const mlkem768: Parameters = {
  name: 'mlkem768',
  generate: () => crypto.generateKeyPairSync('ml-kem-768'),
  keyLength: 1184,
  ciphertextLength: 1088,
  spkiPrefix: fromHex('308204b2300b0609608648016503040402038204a100'),
};

const mlkem1024: Parameters = {
  name: 'mlkem1024',
  generate: () => crypto.generateKeyPairSync('ml-kem-1024'),
  keyLength: 1568,
  ciphertextLength: 1568,
  spkiPrefix: fromHex('30820632300b06096086480165030404030382062100'),
};

/** The rows of this runtime; empty where neither OpenSSL nor noble can. */
export function mlkemRows(): { readonly mlkem768?: KeyExchange; readonly mlkem1024?: KeyExchange } {
  if (hasNativeMlKem()) return { mlkem768: native(mlkem768), mlkem1024: native(mlkem1024) };
  const noble = loadNoble('ml-kem');
  if (noble === undefined) return {};
  return {
    mlkem768: kemByNoble('mlkem768', noble.ml_kem768),
    mlkem1024: kemByNoble('mlkem1024', noble.ml_kem1024),
  };
}

/** The functions came before the algorithm, and an OpenSSL that Node was linked with may lack it. */
export function hasNativeMlKem(): boolean {
  if (typeof crypto.encapsulate !== 'function' || typeof crypto.decapsulate !== 'function') return false;
  try {
    mlkem768.generate();
    return true;
  } catch {
    return false;
  }
}

function native({ name, generate, keyLength, ciphertextLength, spkiPrefix }: Parameters): KeyExchange {
  return {
    name,
    clientShareLength: keyLength,
    serverShareLength: ciphertextLength,
    generate() {
      const pair = generate();
      let privateKey: crypto.KeyObject | undefined = pair.privateKey;
      return {
        share: copyBytes(pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(spkiPrefix.length)),
        agree(serverShare) {
          if (privateKey === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
          checkLength(serverShare, ciphertextLength, `a ${name} ciphertext`);
          return plain(crypto.decapsulate(privateKey, serverShare));
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
      return { share: plain(ciphertext), secret: plain(sharedKey) };
    },
  };
}

function checkLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) {
    throw new CryptoError('invalid_share', `${what} has ${length} bytes, not ${bytes.length}`);
  }
}
