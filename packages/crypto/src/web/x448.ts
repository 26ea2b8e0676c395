/**
 * X448 (RFC 7748) by noble: WebCrypto has it in few runtimes.
 *
 * @module
 */

import { x448 as nobleX448 } from '@noble/curves/ed448.js';
import type { KeyExchange } from '../provider.ts';
import { exchangeByNoble } from './noble-exchange.ts';

export const x448: KeyExchange = /* @__PURE__ */ exchangeByNoble({
  name: 'x448',
  shareLength: 56,
  isPoint: false,
  keygen: () => nobleX448.keygen(),
  getPublicKey: (secretKey) => nobleX448.getPublicKey(secretKey),
  agree: (secretKey, share) => nobleX448.getSharedSecret(secretKey, share),
});
