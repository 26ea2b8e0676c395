/**
 * Records before AEADs, made a second time with `node:crypto` alone, as the specifications say them: what the protections
 * of `src/legacy/` are compared with, and how records are made that no sound sender makes.
 *
 * @module
 */

import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';
import type { CbcName } from '@handfast/crypto';
import type { MacName } from '../../src/legacy/mac.ts';

export const ssl30Id = 0x0300;
export const tls10Id = 0x0301;
export const tls11Id = 0x0302;
export const tls12Id = 0x0303;

interface CbcRow {
  readonly openssl: string;
  readonly keyLength: number;
  readonly blockLength: 8 | 16;
}

export const cbcRows: Readonly<Record<CbcName, CbcRow>> = {
  'aes-128-cbc': { openssl: 'aes-128-cbc', keyLength: 16, blockLength: 16 },
  'aes-256-cbc': { openssl: 'aes-256-cbc', keyLength: 32, blockLength: 16 },
  '3des-ede-cbc': { openssl: 'des-ede3-cbc', keyLength: 24, blockLength: 8 },
  'camellia-128-cbc': { openssl: 'camellia-128-cbc', keyLength: 16, blockLength: 16 },
  'camellia-256-cbc': { openssl: 'camellia-256-cbc', keyLength: 32, blockLength: 16 },
  'aria-128-cbc': { openssl: 'aria-128-cbc', keyLength: 16, blockLength: 16 },
  'aria-256-cbc': { openssl: 'aria-256-cbc', keyLength: 32, blockLength: 16 },
};

export const macLengths: Readonly<Record<MacName, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48 };

/** Bytes that are the same in every run, and of no pattern that a fault could hide behind. */
export function bytesOf(length: number, seed: number = length): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  for (let i = 0, state = seed + 1; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    out[i] = state >>> 16;
  }
  return out;
}

/** A MAC by its hash, key and version. */
export interface MacOptions {
  readonly mac: MacName;
  readonly macKey: Uint8Array;
  readonly version: number;
}

/** seq_num, type, version (not in SSL 3.0) and length. */
function macHeader(version: number, sequence: number | bigint, type: number, length: number): Buffer {
  const header = Buffer.alloc(version === ssl30Id ? 11 : 13);
  header.writeBigUInt64BE(BigInt(sequence));
  header[8] = type;
  if (version !== ssl30Id) header.writeUInt16BE(version, 9);
  header.writeUInt16BE(length, header.length - 2);
  return header;
}

/** RFC 5246 §6.2.3.1, and for SSL 3.0 RFC 6101 §5.2.3.1. */
export function referenceMac(
  { mac, macKey, version }: MacOptions,
  sequence: number | bigint,
  type: number,
  content: Uint8Array,
): Buffer {
  const header = macHeader(version, sequence, type, content.length);
  if (version !== ssl30Id) return createHmac(mac, macKey).update(header).update(content).digest();
  const pad = (byte: number): Buffer => Buffer.alloc(mac === 'md5' ? 48 : 40, byte);
  const inner = createHash(mac).update(macKey).update(pad(0x36)).update(header).update(content).digest();
  return createHash(mac).update(macKey).update(pad(0x5c)).update(inner).digest();
}

/** Everything that one direction of CBC needs. */
export interface CbcOptions extends MacOptions {
  readonly cipher: CbcName;
  readonly key: Uint8Array;
  /** Of the key block: used for the first record, before TLS 1.1. */
  readonly iv: Uint8Array;
  readonly encryptThenMac: boolean;
}

/** `length` bytes of padding and the byte that says so; a whole number of blocks where `length` is left out. */
export function paddingOf(inner: number, blockLength: number, length: number = -1): Buffer {
  const count = length < 0 ? blockLength - 1 - (inner % blockLength) : length;
  return Buffer.alloc(count + 1, count);
}

/** What stands under the cipher: content, MAC (without encrypt_then_mac) and padding. */
export function referenceInner(
  options: CbcOptions,
  sequence: number,
  type: number,
  content: Uint8Array,
  paddingLength?: number,
): Buffer {
  const inner = options.encryptThenMac
    ? Buffer.from(content)
    : Buffer.concat([content, referenceMac(options, sequence, type, content)]);
  return Buffer.concat([inner, paddingOf(inner.length, cbcRows[options.cipher].blockLength, paddingLength)]);
}

/** The payload of a record, from what stands under the cipher; `iv` goes before it from TLS 1.1 on. */
export function referencePayload(
  options: CbcOptions,
  sequence: number,
  type: number,
  inner: Uint8Array,
  iv: Uint8Array,
): Buffer {
  const { cipher, key, version, encryptThenMac } = options;
  const encrypt = createCipheriv(cbcRows[cipher].openssl, key, iv).setAutoPadding(false);
  const ciphertext = Buffer.concat([encrypt.update(inner), encrypt.final()]);
  const sealed = version >= tls11Id ? Buffer.concat([iv, ciphertext]) : ciphertext;
  return encryptThenMac ? Buffer.concat([sealed, referenceMac(options, sequence, type, sealed)]) : sealed;
}

/** What stands under the cipher of a payload, MAC and padding included; encrypt_then_mac's MAC is cut off unread. */
export function referenceOpen(options: CbcOptions, payload: Uint8Array, chainedIv: Uint8Array): Buffer {
  const { cipher, key, version, encryptThenMac, mac } = options;
  const { openssl, blockLength } = cbcRows[cipher];
  const sealed = encryptThenMac ? payload.subarray(0, payload.length - macLengths[mac]) : payload;
  const explicit = version >= tls11Id;
  const iv = explicit ? sealed.subarray(0, blockLength) : chainedIv;
  const decrypt = createDecipheriv(openssl, key, iv).setAutoPadding(false);
  return Buffer.concat([decrypt.update(explicit ? sealed.subarray(blockLength) : sealed), decrypt.final()]);
}
