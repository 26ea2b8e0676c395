/**
 * Synchronous rows for a web provider, by noble, in place of WebCrypto's: AEADs, X25519, the P curves and ML-KEM. For hosts
 * that have no `crypto.subtle`, and callers that cannot wait. Slower than WebCrypto by one to two orders of magnitude, and
 * constant-time only as far as JavaScript allows.
 *
 * @example
 * ```ts
 * import { createWebProvider } from '@handfast/crypto/web';
 * import { aes128gcm } from '@handfast/crypto/web/noble';
 *
 * const provider = createWebProvider({ aeads: { 'aes-128-gcm': aes128gcm } });
 * ```
 *
 * @module
 */

import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 as nobleChacha } from '@noble/ciphers/chacha.js';
import { x25519 as nobleX25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { hybrid } from '../hybrid.ts';
import { kemByNoble } from '../noble-kem.ts';
import type { Aead, KeyExchange } from '../provider.ts';
import type { WebRows } from './index.ts';
import { aeadByNoble } from './noble-aead.ts';
import { exchangeByNoble, type NobleCurve } from './noble-exchange.ts';

export const aes128gcm: Aead = /* @__PURE__ */ aeadByNoble('aes-128-gcm', 16, gcm, false);
export const aes256gcm: Aead = /* @__PURE__ */ aeadByNoble('aes-256-gcm', 32, gcm, false);
export const chacha20poly1305: Aead = /* @__PURE__ */ aeadByNoble('chacha20-poly1305', 32, nobleChacha, true);

export const mlkem768: KeyExchange = /* @__PURE__ */ kemByNoble('mlkem768', ml_kem768);
export const mlkem1024: KeyExchange = /* @__PURE__ */ kemByNoble('mlkem1024', ml_kem1024);

export const x25519: KeyExchange = /* @__PURE__ */ exchangeByNoble({
  name: 'x25519',
  shareLength: 32,
  isPoint: false,
  keygen: () => nobleX25519.keygen(),
  getPublicKey: (secretKey) => nobleX25519.getPublicKey(secretKey),
  agree: (secretKey, share) => nobleX25519.getSharedSecret(secretKey, share),
});

export const secp256r1: KeyExchange = /* @__PURE__ */ exchangeByNoble(
  /* @__PURE__ */ weierstrass('secp256r1', p256, 65),
);
export const secp384r1: KeyExchange = /* @__PURE__ */ exchangeByNoble(
  /* @__PURE__ */ weierstrass('secp384r1', p384, 97),
);
export const secp521r1: KeyExchange = /* @__PURE__ */ exchangeByNoble(
  /* @__PURE__ */ weierstrass('secp521r1', p521, 133),
);

function weierstrass(
  name: 'secp256r1' | 'secp384r1' | 'secp521r1',
  curve: typeof p256,
  shareLength: number,
): NobleCurve {
  return {
    name,
    shareLength,
    isPoint: true,
    keygen: () => curve.keygen(),
    getPublicKey: (secretKey) => curve.getPublicKey(secretKey, false),
    // A compressed point is a sign byte and the x-coordinate, which is the secret.
    agree: (secretKey, share) => curve.getSharedSecret(secretKey, share, true).slice(1),
  };
}

/** Every row of this module, and the hybrids made of them, for `createWebProvider`. */
export const nobleRows: Required<Pick<WebRows, 'aeads' | 'groups'>> = {
  aeads: { 'aes-128-gcm': aes128gcm, 'aes-256-gcm': aes256gcm, 'chacha20-poly1305': chacha20poly1305 },
  groups: {
    x25519,
    secp256r1,
    secp384r1,
    secp521r1,
    mlkem768,
    mlkem1024,
    x25519mlkem768: /* @__PURE__ */ hybrid('x25519mlkem768', mlkem768, x25519),
    secp256r1mlkem768: /* @__PURE__ */ hybrid('secp256r1mlkem768', secp256r1, mlkem768),
    secp384r1mlkem1024: /* @__PURE__ */ hybrid('secp384r1mlkem1024', secp384r1, mlkem1024),
  },
};
