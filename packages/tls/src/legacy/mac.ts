/**
 * The MACs of records before AEADs: HMAC (RFC 5246 §6.2.3.1), and SSL 3.0's own (RFC 6101 §5.2.3.1).
 *
 * @module
 */

import { type Bytes, type Cryptography, concat, copyBytes, wipe } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import { writeSequence } from '../record/protection12.ts';
import { legacyOf } from './provider.ts';

export type MacName = 'md5' | 'sha1' | 'sha256' | 'sha384';

/** A MAC under a key, for one direction. */
export interface RecordMac {
  readonly length: number;
  /**
   * The MAC of a record's content: the first `contentLength` bytes of `content`, or all. A caller whose `contentLength` is
   * secret passes the most that it can be: memory for all of it is taken, since engines keep small arrays elsewhere.
   */
  readonly compute: (sequence: number, type: number, content: Uint8Array, contentLength?: number) => Bytes;
  /**
   * Hashes as many blocks more as a content of `most` bytes would have cost than one of `length`: so that both take as
   * long (RFC 5246 §6.2.3.2's attack, known as Lucky 13). To be called after every `compute`, also for nothing.
   */
  readonly evenOut: (length: number, most: number) => void;
  readonly dispose: () => void;
}

interface MacRow {
  readonly length: number;
  /** Of the hash's compression function. */
  readonly blockLength: number;
  /** What the hash's own padding takes at least: a bit, and the length. */
  readonly padding: number;
}

export const macRows: Readonly<Record<MacName, MacRow>> = {
  md5: { length: 16, blockLength: 64, padding: 9 },
  sha1: { length: 20, blockLength: 64, padding: 9 },
  sha256: { length: 32, blockLength: 64, padding: 9 },
  sha384: { length: 48, blockLength: 128, padding: 17 },
};

const isLegacy = (name: MacName): name is 'md5' | 'sha1' => name === 'md5' || name === 'sha1';

function digestOf(provider: Cryptography, name: MacName): (data: Uint8Array) => Bytes {
  if (!isLegacy(name)) return (data) => provider.digest(name, data);
  const legacy = legacyOf(provider);
  return (data) => legacy.digest(name, data);
}

/** HMAC(MAC_write_key, seq_num + type + version + length + content). */
export function hmacOf(provider: Cryptography, name: MacName, key: Uint8Array, version: number): RecordMac {
  const { length, blockLength } = macRows[name];
  const hmac = legacyOf(provider).hmac(name, key);
  return {
    length,
    compute(sequence, type, content, contentLength = content.length) {
      const data = new Uint8Array(13 + content.length);
      writeSequence(sequence, data);
      data.set([type, version >> 8, version & 0xff, contentLength >> 8, contentLength & 0xff], 8);
      data.set(content, 13);
      return hmac(data.subarray(0, 13 + contentLength));
    },
    // The inner hash begins with a block of its key.
    evenOut: evenerOf(digestOf(provider, name), name, blockLength + 13),
    dispose: () => undefined,
  };
}

/** hash(MAC_write_secret + pad_2 + hash(MAC_write_secret + pad_1 + seq_num + type + length + content)). */
export function ssl30Mac(provider: Cryptography, name: MacName, key: Uint8Array): RecordMac {
  if (!isLegacy(name)) throw new TlsError('internal', `SSL 3.0 has no MAC by ${name}`);
  const { length } = macRows[name];
  const digest = digestOf(provider, name);
  const secret = copyBytes(key);
  const [inner, outer] = ssl30Pads(name);
  return {
    length,
    compute(sequence, type, content, contentLength = content.length) {
      const head = new Uint8Array(11);
      writeSequence(sequence, head);
      head.set([type, contentLength >> 8, contentLength & 0xff], 8);
      const start = concat(secret, inner, head);
      const data = concat(start, content);
      return digest(concat(secret, outer, digest(data.subarray(0, start.length + contentLength))));
    },
    evenOut: evenerOf(digest, name, secret.length + inner.length + 11),
    dispose: () => wipe(secret),
  };
}

/** pad_1 and pad_2: 48 bytes for MD5, 40 for SHA-1. */
export function ssl30Pads(name: 'md5' | 'sha1'): readonly [Uint8Array, Uint8Array] {
  const length = name === 'md5' ? 48 : 40;
  return [new Uint8Array(length).fill(0x36), new Uint8Array(length).fill(0x5c)];
}

/** @param before bytes that are hashed before the content. */
function evenerOf(digest: (data: Uint8Array) => Bytes, name: MacName, before: number): RecordMac['evenOut'] {
  const { blockLength, padding } = macRows[name];
  const shift = 31 - Math.clz32(blockLength);
  const blocks = (length: number): number => (before + length + padding + blockLength - 1) >> shift;
  // Padding is 256 bytes at most: so many blocks can be missing, the MAC's own, and the one that is always hashed.
  const filler = new Uint8Array(blockLength * 8);
  return (length, most) => {
    // One block more than is missing: hashes are quicker with no input than a block explains.
    digest(filler.subarray(0, (blocks(most) - blocks(length) + 1) << shift));
  };
}
