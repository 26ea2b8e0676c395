/**
 * DES, triple DES and RC2 in CBC mode, and MD5, by node-forge: decryption alone. Padding is taken off here, strictly.
 *
 * @module
 */

/// <reference path="./forge.d.mts" />

import type { Bytes } from '@handfast/crypto';
import des from 'node-forge/lib/des.js';
import md5Hash from 'node-forge/lib/md5.js';
import rc2 from 'node-forge/lib/rc2.js';
import util from 'node-forge/lib/util.js';
import { latin1 } from '../text.ts';

const blockLength = 8;

/** DES with a key of 8 bytes, triple DES with 24. `undefined` where length or padding is wrong. */
export function openDes(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Bytes | undefined {
  const decipher = des.createDecryptionCipher(buffer(key), 'CBC');
  decipher.start(buffer(iv));
  return run(decipher, ciphertext);
}

export function openRc2(
  key: Uint8Array,
  effectiveKeyBits: number,
  iv: Uint8Array,
  ciphertext: Uint8Array,
): Bytes | undefined {
  const decipher = rc2.createDecryptionCipher(buffer(key), effectiveKeyBits);
  decipher.start(buffer(iv));
  return run(decipher, ciphertext);
}

export function md5(data: Uint8Array): Bytes {
  const hash = md5Hash.create();
  hash.update(latin1(data));
  return bytesOf(hash.digest());
}

function run(decipher: ForgeDecipher, ciphertext: Uint8Array): Bytes | undefined {
  if (ciphertext.length === 0 || ciphertext.length % blockLength !== 0) return undefined;
  decipher.update(buffer(ciphertext));
  return decipher.finish(() => true) ? unpadded(bytesOf(decipher.output)) : undefined;
}

/** The padding of PKCS#7 (RFC 8018 §6.1.1): n bytes of n. */
function unpadded(padded: Bytes): Bytes | undefined {
  const count = padded.at(-1) ?? 0;
  if (count < 1 || count > blockLength || count > padded.length) return undefined;
  return padded.subarray(-count).every((byte) => byte === count) ? padded.slice(0, -count) : undefined;
}

/** forge works on strings of one character a byte. */
function buffer(bytes: Uint8Array): ForgeBuffer {
  return util.createBuffer(latin1(bytes));
}

function bytesOf(output: ForgeBuffer): Bytes {
  const text = output.getBytes();
  return Uint8Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
}
