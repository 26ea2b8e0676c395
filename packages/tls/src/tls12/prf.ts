/**
 * TLS 1.2's pseudorandom function (RFC 5246 §5) and what is derived by it (§6.3, §7.4.9, §8.1, RFC 7627, RFC 5705). TLS
 * 1.0 and 1.1 have the same derivations over another function; SSL 3.0 has its own of all.
 *
 * @module
 */

import { type Bytes, type Cryptography, concat, type HashName, type Hmac, utf8, wipe } from '@handfast/crypto';
import type { Transcript12 } from './transcript.ts';

/** PRF(secret, label, seed), `length` bytes of it: the caller's to wipe. */
export type Prf = (secret: Uint8Array, label: string, seed: Uint8Array, length: number) => Bytes;

/** PRF(secret, label, seed) = P_hash(secret, label + seed). */
export function prf12(provider: Cryptography, hash: HashName): Prf {
  return (secret, label, seed, length) => {
    const out = new Uint8Array(length);
    pHash(provider.hmac(hash, secret), concat(utf8(label), seed), out);
    return out;
  };
}

/** P_hash (RFC 5246 §5), XORed into `out`. */
export function pHash(hmac: Hmac, seed: Uint8Array, out: Uint8Array): void {
  let a = hmac(seed);
  for (let at = 0; at < out.length; ) {
    const block = hmac(concat(a, seed));
    for (let i = 0; i < block.length && at < out.length; i++, at++) {
      out[at] = (out[at] as number) ^ (block[i] as number);
    }
    wipe(block);
    const next = at < out.length ? hmac(a) : undefined;
    wipe(a);
    if (next === undefined) return;
    a = next;
  }
}

/** Everything that a version derives from a premaster secret. Results are the caller's to wipe. */
export interface KeySchedule12 {
  /** 48 bytes. */
  masterSecret(premaster: Uint8Array, clientRandom: Uint8Array, serverRandom: Uint8Array): Bytes;
  /** 48 bytes, bound to the whole handshake so far (RFC 7627 §4). */
  extendedMasterSecret(premaster: Uint8Array, sessionHash: Uint8Array): Bytes;
  keyBlock(master: Uint8Array, clientRandom: Uint8Array, serverRandom: Uint8Array, length: number): Bytes;
  /** verify_data of a Finished. */
  finished(master: Uint8Array, from: 'client' | 'server', transcript: Transcript12): Bytes;
  /** `seed`: both randoms, and the context with its length where there is one (RFC 5705 §4). */
  exporter(master: Uint8Array, label: string, seed: Uint8Array, length: number): Bytes;
}

export function scheduleOf(prf: Prf): KeySchedule12 {
  return {
    masterSecret: (premaster, client, server) => prf(premaster, 'master secret', concat(client, server), 48),
    extendedMasterSecret: (premaster, sessionHash) => prf(premaster, 'extended master secret', sessionHash, 48),
    keyBlock: (master, client, server, length) => prf(master, 'key expansion', concat(server, client), length),
    finished: (master, from, transcript) => prf(master, `${from} finished`, transcript.hash(), 12),
    exporter: (master, label, seed, length) => prf(master, label, seed, length),
  };
}
