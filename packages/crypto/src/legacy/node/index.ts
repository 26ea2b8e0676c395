/**
 * The weak primitives by `node:crypto`, and the node provider with them. All synchronous.
 *
 * @module
 */

import { createHash, digest, preparedHmac } from '../../node/hash.ts';
import { nodeProvider } from '../../node/index.ts';
import type { CryptoProvider, LegacyCryptography } from '../../provider.ts';
import { rc4 } from '../rc4.ts';
import { aeads, blockCiphers } from './ciphers.ts';
import { finiteField } from './finite-field.ts';
import { importPrivateKey, rsaEncrypt, verify } from './keys.ts';

let blockCipherRows: LegacyCryptography['blockCiphers'] | undefined;
let aeadRows: LegacyCryptography['aeads'] | undefined;

/** Tables that depend on the runtime are made when first asked for. */
export const nodeLegacy: LegacyCryptography = {
  createHash,
  digest,
  hmac: preparedHmac,
  get blockCiphers() {
    blockCipherRows ??= blockCiphers();
    return blockCipherRows;
  },
  streamCiphers: { rc4 },
  get aeads() {
    aeadRows ??= aeads();
    return aeadRows;
  },
  verify,
  importPrivateKey,
  rsaEncrypt,
  finiteField,
};

/** `nodeProvider`, and what the versions and suites before TLS 1.3 need. */
export const nodeLegacyProvider: CryptoProvider = Object.create(Object.prototype, {
  // Descriptors, not values: a table that is made when first asked for stays unmade.
  ...Object.getOwnPropertyDescriptors(nodeProvider),
  legacy: { value: nodeLegacy, enumerable: true },
});
