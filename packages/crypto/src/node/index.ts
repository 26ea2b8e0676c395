/**
 * Cryptography by `node:crypto`: everything is synchronous. What this Node's OpenSSL lacks (ML-KEM and ML-DSA before 24.7) comes from
 * noble where that is installed, else its row is absent.
 *
 * @module
 */

import { hybrid } from '../hybrid.ts';
import type { CryptoProvider, GroupName, KeyExchange } from '../provider.ts';
import { aeads } from './aead.ts';
import { secp256r1, secp384r1, secp521r1, x448, x25519 } from './ecdh.ts';
import { ffdhe } from './ffdhe.ts';
import { createHash, digest, hmac, legacyDigests, random } from './hash.ts';
import { generateKeyPair, importPrivateKey } from './keys.ts';
import { legacySignatures } from './legacy-signatures.ts';
import { mlkemRows } from './mlkem.ts';
import { passwords } from './passwords.ts';
import { signatureRows } from './signatures.ts';

export { releaseMemory } from './own-memory.ts';

let groups: CryptoProvider['groups'] | undefined;
let signatures: CryptoProvider['signatures'] | undefined;

/** Tables that depend on the runtime are made when first asked for. */
export const nodeProvider: CryptoProvider = {
  name: 'node',
  random,
  createHash,
  digest,
  legacyDigests,
  hmac,
  aeads,
  get groups() {
    groups ??= makeGroups();
    return groups;
  },
  get signatures() {
    signatures ??= signatureRows();
    return signatures;
  },
  legacySignatures,
  passwords,
  importPrivateKey,
  generateKeyPair,
};

function makeGroups(): Readonly<Partial<Record<GroupName, KeyExchange>>> {
  const { mlkem768, mlkem1024 } = mlkemRows();
  return {
    ...(mlkem768 && {
      mlkem768,
      x25519mlkem768: hybrid('x25519mlkem768', mlkem768, x25519),
      secp256r1mlkem768: hybrid('secp256r1mlkem768', secp256r1, mlkem768),
    }),
    ...(mlkem1024 && { mlkem1024, secp384r1mlkem1024: hybrid('secp384r1mlkem1024', secp384r1, mlkem1024) }),
    x25519,
    secp256r1,
    x448,
    secp384r1,
    secp521r1,
    ffdhe2048: ffdhe(2048),
    ffdhe3072: ffdhe(3072),
    ffdhe4096: ffdhe(4096),
    ffdhe6144: ffdhe(6144),
    ffdhe8192: ffdhe(8192),
  };
}
