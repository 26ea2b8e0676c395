/**
 * Randomness, hashes and HMAC by `node:crypto`.
 *
 * @module
 */

import * as crypto from 'node:crypto';
import type { Bytes, CryptoProvider, Hash, HashName, Hmac, LegacyHash, PasswordHash } from '../provider.ts';
import { asBuffer, ownMemory, plain } from './own-memory.ts';

export function random(length: number): Bytes {
  // Not randomBytes: its small Buffers can come from a shared pool.
  return crypto.randomFillSync(new Uint8Array(length));
}

/** Which of them a provider has is its type's to say. */
type AnyHash = HashName | LegacyHash;

export function createHash(hash: AnyHash): Hash {
  return wrap(crypto.createHash(hash));
}

function wrap(hash: crypto.Hash): Hash {
  return {
    update(data) {
      hash.update(data);
      return this;
    },
    clone: () => wrap(hash.copy()),
    digest: () => plain(hash.digest()),
  };
}

export function digest(hash: AnyHash, data: Uint8Array): Bytes {
  return plain(crypto.hash(hash, data, 'buffer'));
}

export const legacyDigests: NonNullable<CryptoProvider['legacyDigests']> = {
  sha1: (data) => digest('sha1', data),
};

/** Bytes that each hash's compression function takes at once. */
const blockLength: Readonly<Record<HashName, number>> = { sha256: 64, sha384: 128, sha512: 128 };

/** Messages up to this length are hashed in one call, with what HMAC puts before them. */
const short = 512;
const innerInput = asBuffer(ownMemory(128 + short));
const outerInput = asBuffer(ownMemory(128 + 64));
const innerStarts: (Buffer | undefined)[] = Array(128 + short + 1).fill(undefined);
const outerStarts: (Buffer | undefined)[] = Array(128 + 64 + 1).fill(undefined);

/**
 * HMAC (RFC 2104 §2). A short message, as all are that keys are derived from, takes two one-shot hashes: less than half of
 * what node:crypto's Hmac object costs (docs/performance.md). Which way is taken is no secret of the message's length here;
 * where it would be one, `preparedHmac` is the one to take.
 */
export function hmac(hash: HashName, key: Uint8Array): Hmac {
  const block = blockLength[hash];
  if (key.length > block) return preparedHmac(hash, key);
  return (data) => (data.length > short ? preparedHmac(hash, key)(data) : twoHashes(hash, block, key, data));
}

function twoHashes(hash: HashName, block: number, key: Uint8Array, data: Uint8Array): Bytes {
  innerInput.fill(0x36, 0, block);
  outerInput.fill(0x5c, 0, block);
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] as number;
    innerInput[i] = byte ^ 0x36;
    outerInput[i] = byte ^ 0x5c;
  }
  innerInput.set(data, block);
  // As text the inner digest comes in a quarter of the time, and it is no key; the outer one, which may be, never is text.
  const inner = crypto.hash(hash, startOf(innerInput, innerStarts, block + data.length), 'binary');
  outerInput.write(inner, block, 'binary');
  const mac = crypto.hash(hash, startOf(outerInput, outerStarts, block + inner.length), 'buffer');
  innerInput.fill(0, 0, block + data.length);
  outerInput.fill(0, 0, block);
  return plain(mac);
}

/** The first bytes of an input; kept, since messages have a few lengths only, and making a Buffer takes as long as a hash. */
function startOf(input: Buffer, starts: (Buffer | undefined)[], length: number): Buffer {
  let start = starts[length];
  if (start === undefined) {
    start = input.subarray(0, length);
    starts[length] = start;
  }
  return start;
}

/** HMAC whose key is copied, for messages of any length, under a KeyObject: several times as fast as under a raw key. */
export function preparedHmac(hash: AnyHash | PasswordHash, key: Uint8Array): Hmac {
  const secret = crypto.createSecretKey(key);
  return (data) => plain(crypto.createHmac(hash, secret).update(data).digest());
}
