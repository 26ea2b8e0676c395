/**
 * Code that leaks on purpose: what a CBC record check and an RSA unpadding look like to whoever has not read of padding
 * oracles. The measurements must find it; nothing else may use it.
 *
 * @module
 */

import { createDecipheriv, createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { tlsPadding } from '../../../packages/tls/src/legacy/constant-time.ts';

export interface RecordKeys {
  readonly cipherKey: KeyObject;
  readonly macKey: KeyObject;
  readonly macName: string;
  readonly macLength: number;
}

/** The content of a payload of TLS 1.2's AES-128-CBC; undefined where something is wrong. */
export type RecordCheck = (keys: RecordKeys, sequence: number, payload: Uint8Array) => Uint8Array | undefined;

/** No MAC is computed where padding is bad (Vaudenay, 2002). */
export const stoppingCheck: RecordCheck = (keys, sequence, payload) => {
  const plaintext = decrypted(keys, payload);
  const count = plaintext.at(-1) ?? 0;
  if (keys.macLength + 1 + count > plaintext.length) return undefined;
  for (let i = 1; i <= count; i++) if (plaintext[plaintext.length - 1 - i] !== count) return undefined;
  return contentWithMac(keys, sequence, plaintext, count + 1);
};

/** The padding is looked at with care, but the MAC takes as long as the content that it leaves (Lucky 13). */
export const unevenCheck: RecordCheck = (keys, sequence, payload) => {
  const plaintext = decrypted(keys, payload);
  const padding = tlsPadding(plaintext, keys.macLength);
  const content = contentWithMac(keys, sequence, plaintext, padding.length);
  return padding.good === 0 ? undefined : content;
};

function decrypted({ cipherKey }: RecordKeys, payload: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-128-cbc', cipherKey, payload.subarray(0, 16)).setAutoPadding(false);
  const plaintext = decipher.update(payload.subarray(16));
  decipher.final();
  return plaintext;
}

function contentWithMac(
  { macKey, macName, macLength }: RecordKeys,
  sequence: number,
  plaintext: Uint8Array,
  paddingLength: number,
): Uint8Array | undefined {
  const end = plaintext.length - paddingLength - macLength;
  const content = plaintext.subarray(0, end);
  const header = Buffer.alloc(13);
  header.writeUIntBE(sequence, 2, 6);
  header.set([23, 3, 3, end >> 8, end & 0xff], 8);
  const mac = createHmac(macName, macKey).update(header).update(content).digest();
  return timingSafeEqual(mac, plaintext.subarray(end, end + macLength)) ? content : undefined;
}

/** A premaster secret out of an RSA block: every fault has its own place to stop, and an exception (Bleichenbacher). */
export function naiveUnpadding(block: Uint8Array, clientVersion: number): Uint8Array {
  if (block[0] !== 0 || block[1] !== 2) throw new Error('the block type is wrong');
  let at = 2;
  while (at < block.length && block[at] !== 0) at++;
  if (at < 10 || at === block.length) throw new Error('the padding is wrong');
  const premaster = block.slice(at + 1);
  if (premaster.length !== 48) throw new Error('the length is wrong');
  if ((((premaster[0] ?? 0) << 8) | (premaster[1] ?? 0)) !== clientVersion) throw new Error('the version is wrong');
  return premaster;
}
