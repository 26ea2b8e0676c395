/**
 * What SSL 3.0 derives, and how (RFC 6101 §5.6.9, §6): hashes within hashes where TLS has a function for all.
 *
 * @module
 */

import { type Bytes, type Cryptography, concat, type Hash, utf8, wipe } from '@handfast/crypto';
import { TlsError } from '../errors.ts';
import type { KeySchedule12 } from '../tls12/prf.ts';
import { ssl30Pads } from './mac.ts';
import { legacyOf } from './provider.ts';

/** Said in Finished: who sends it. */
const senders = { client: /* @__PURE__ */ utf8('CLNT'), server: /* @__PURE__ */ utf8('SRVR') } as const;

export function schedule30(provider: Cryptography): KeySchedule12 {
  const { digest } = legacyOf(provider);

  /** MD5(secret + SHA('A' + secret + seed)) + MD5(secret + SHA('BB' + secret + seed)) + … */
  function expand(secret: Uint8Array, seed: Uint8Array, length: number): Bytes {
    const out = new Uint8Array(length);
    for (let at = 0, round = 1; at < length; at += 16, round++) {
      const letters = new Uint8Array(round).fill(0x40 + round);
      const inner = digest('sha1', concat(letters, secret, seed));
      const block = digest('md5', concat(secret, inner));
      out.set(block.subarray(0, Math.min(16, length - at)), at);
      wipe(inner, block);
    }
    return out;
  }

  return {
    masterSecret: (premaster, client, server) => expand(premaster, concat(client, server), 48),
    extendedMasterSecret() {
      throw new TlsError('internal', 'SSL 3.0 has no extended master secret');
    },
    keyBlock: (master, client, server, length) => expand(master, concat(server, client), length),
    finished(master, from, transcript) {
      const [md5, sha1] = transcript.clones();
      if (md5 === undefined || sha1 === undefined) throw new TypeError('SSL 3.0 hashes by MD5 and SHA-1');
      const end = (name: 'md5' | 'sha1', hash: Hash): Bytes => {
        const [pad1, pad2] = ssl30Pads(name);
        const inner = hash.update(senders[from]).update(master).update(pad1).digest();
        return digest(name, concat(master, pad2, inner));
      };
      return concat(end('md5', md5), end('sha1', sha1));
    },
    exporter() {
      throw new TlsError('not_supported', 'SSL 3.0 exports no keying material');
    },
  };
}
