/**
 * The block ciphers in CBC mode and the rarer AEADs by `node:crypto`. A cipher that this OpenSSL was built without, or that
 * its policy forbids, is an absent row; Camellia in GCM is in no OpenSSL.
 *
 * @module
 */

import { createCipheriv, createDecipheriv, createSecretKey, getCiphers } from 'node:crypto';
import { row } from '../../node/aead.ts';
import { plain } from '../../node/own-memory.ts';
import type { Aead, BlockCipher, CbcName, LegacyAeadName } from '../../provider.ts';
import { blockCipher, type Cbc } from '../block-cipher.ts';

type CbcRow = readonly [name: CbcName, algorithm: string, keyLength: number, blockLength: number];

const cbcRows: readonly CbcRow[] = [
  ['aes-128-cbc', 'aes-128-cbc', 16, 16],
  ['aes-256-cbc', 'aes-256-cbc', 32, 16],
  ['3des-ede-cbc', 'des-ede3-cbc', 24, 8],
  ['camellia-128-cbc', 'camellia-128-cbc', 16, 16],
  ['camellia-256-cbc', 'camellia-256-cbc', 32, 16],
  ['aria-128-cbc', 'aria-128-cbc', 16, 16],
  ['aria-256-cbc', 'aria-256-cbc', 32, 16],
];

type AeadRow = readonly [name: LegacyAeadName, algorithm: string, keyLength: number, tagLength: number];

const aeadRows: readonly AeadRow[] = [
  ['aes-256-ccm', 'aes-256-ccm', 32, 16],
  ['aes-256-ccm-8', 'aes-256-ccm', 32, 8],
  ['aria-128-gcm', 'aria-128-gcm', 16, 16],
  ['aria-256-gcm', 'aria-256-gcm', 32, 16],
];

export function blockCiphers(): Readonly<Partial<Record<CbcName, BlockCipher>>> {
  const rows: Partial<Record<CbcName, BlockCipher>> = {};
  const here = new Set(getCiphers());
  for (const [name, algorithm, keyLength, blockLength] of cbcRows) {
    if (here.has(algorithm)) rows[name] = blockCipher(name, keyLength, blockLength, (raw) => cbc(algorithm, raw));
  }
  return rows;
}

export function aeads(): Readonly<Partial<Record<LegacyAeadName, Aead>>> {
  const rows: Partial<Record<LegacyAeadName, Aead>> = {};
  const here = new Set(getCiphers());
  for (const [name, algorithm, keyLength, tagLength] of aeadRows) {
    if (here.has(algorithm)) rows[name] = row(name, algorithm, keyLength, tagLength);
  }
  return rows;
}

function cbc(algorithm: string, raw: Uint8Array): Cbc {
  const key = createSecretKey(raw);
  return {
    encrypt(iv, plaintext) {
      const cipher = createCipheriv(algorithm, key, iv).setAutoPadding(false);
      const ciphertext = plain(cipher.update(plaintext));
      cipher.final();
      return ciphertext;
    },
    decrypt(iv, ciphertext) {
      const decipher = createDecipheriv(algorithm, key, iv).setAutoPadding(false);
      const plaintext = plain(decipher.update(ciphertext));
      decipher.final();
      return plaintext;
    },
    // A KeyObject cannot be wiped; the row lets go of it.
    dispose() {},
  };
}
