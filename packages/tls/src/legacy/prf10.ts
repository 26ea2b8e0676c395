/**
 * The pseudorandom function of TLS 1.0 and 1.1 (RFC 2246 §5): MD5 and SHA-1, each over one half of the secret, XORed.
 *
 * @module
 */

import { type Cryptography, concat, utf8 } from '@handfast/crypto';
import { type Prf, pHash } from '../tls12/prf.ts';
import { legacyOf } from './provider.ts';

export function prf10(provider: Cryptography): Prf {
  const { hmac } = legacyOf(provider);
  return (secret, label, seed, length) => {
    // The halves share their middle byte where the length is odd.
    const half = Math.ceil(secret.length / 2);
    const labelled = concat(utf8(label), seed);
    const out = new Uint8Array(length);
    pHash(hmac('md5', secret.subarray(0, half)), labelled, out);
    pHash(hmac('sha1', secret.subarray(secret.length - half)), labelled, out);
    return out;
  };
}
