/**
 * X448 (RFC 7748): by WebCrypto in the few runtimes that have it, else by noble.
 *
 * @module
 */

import { x448 as nobleX448 } from '@noble/curves/ed448.js';
import type { KeyExchange } from '../provider.ts';
import { nativeGroup } from './features.ts';
import { exchange } from './groups.ts';
import { exchangeByNoble } from './noble-exchange.ts';

const native: KeyExchange = /* @__PURE__ */ exchange({
  name: 'x448',
  algorithm: { name: 'X448' },
  shareLength: 56,
  secretLength: 56,
});

const byNoble: KeyExchange = /* @__PURE__ */ exchangeByNoble({
  name: 'x448',
  shareLength: 56,
  isPoint: false,
  keygen: () => nobleX448.keygen(),
  getPublicKey: (secretKey) => nobleX448.getPublicKey(secretKey),
  agree: (secretKey, share) => nobleX448.getSharedSecret(secretKey, share),
});

export const x448: KeyExchange = /* @__PURE__ */ nativeGroup('X448', ['deriveBits'], native, byNoble);
