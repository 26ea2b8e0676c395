/**
 * Key exchange on the web: X25519 and the P curves by WebCrypto, asynchronous. ML-KEM is in `kem.ts`.
 *
 * @module
 */

import { copyBytes } from '../bytes.ts';
import { type Bytes, CryptoError, type EphemeralKey, type GroupName, type KeyExchange } from '../provider.ts';
import { checkPoint, checkSharedSecret, checkShareLength } from './shares.ts';
import { subtle, wrapError } from './subtle.ts';

interface Curve {
  readonly name: GroupName;
  readonly algorithm: { readonly name: 'X25519' | 'X448' } | { readonly name: 'ECDH'; readonly namedCurve: string };
  readonly shareLength: number;
  readonly secretLength: number;
}

export const x25519: KeyExchange = /* @__PURE__ */ exchange({
  name: 'x25519',
  algorithm: { name: 'X25519' },
  shareLength: 32,
  secretLength: 32,
});
export const secp256r1: KeyExchange = /* @__PURE__ */ exchange(/* @__PURE__ */ weierstrass('secp256r1', 'P-256', 32));
export const secp384r1: KeyExchange = /* @__PURE__ */ exchange(/* @__PURE__ */ weierstrass('secp384r1', 'P-384', 48));
export const secp521r1: KeyExchange = /* @__PURE__ */ exchange(/* @__PURE__ */ weierstrass('secp521r1', 'P-521', 66));

function weierstrass(name: GroupName, namedCurve: string, coordinate: number): Curve {
  return { name, algorithm: { name: 'ECDH', namedCurve }, shareLength: 1 + 2 * coordinate, secretLength: coordinate };
}

/** A copy of a share that has the right length and form, before any API sees it. */
function checked({ name, algorithm, shareLength }: Curve, share: Uint8Array): Bytes {
  checkShareLength(name, share, shareLength);
  if (algorithm.name === 'ECDH') checkPoint(name, share);
  return copyBytes(share);
}

async function derive({ name, algorithm, secretLength }: Curve, privateKey: CryptoKey, share: Bytes): Promise<Bytes> {
  let secret: Bytes;
  try {
    const publicKey = await subtle().importKey('raw', share, algorithm, false, []);
    const parameters = { name: algorithm.name, public: publicKey };
    secret = new Uint8Array(await subtle().deriveBits(parameters, privateKey, 8 * secretLength));
  } catch (cause) {
    throw wrapError(cause, 'invalid_share', `the ${name} share is not a point that can be used`);
  }
  return algorithm.name === 'ECDH' ? secret : checkSharedSecret(name, secret);
}

/** ECDH with a key of one's own on a P curve: the secret, the caller's to wipe. */
export function agreeOn(
  name: GroupName,
  { name: namedCurve, length }: { readonly name: string; readonly length: number },
  privateKey: CryptoKey,
  share: Uint8Array,
): Promise<Bytes> {
  const curve = weierstrass(name, namedCurve, length);
  return derive(curve, privateKey, checked(curve, share));
}

export function exchange(curve: Curve): KeyExchange {
  const { name, algorithm, shareLength } = curve;

  async function newKey(): Promise<{ readonly privateKey: CryptoKey; readonly share: Bytes }> {
    try {
      const pair = await subtle().generateKey(algorithm, false, ['deriveBits']);
      if (!('privateKey' in pair)) throw new CryptoError('failed', `WebCrypto made no ${name} key pair`);
      const share = new Uint8Array(await subtle().exportKey('raw', pair.publicKey));
      return { privateKey: pair.privateKey, share };
    } catch (cause) {
      throw wrapError(cause, 'failed', `WebCrypto made no ${name} key`);
    }
  }

  async function generate(): Promise<EphemeralKey> {
    const made = await newKey();
    let privateKey: CryptoKey | undefined = made.privateKey;
    return {
      share: made.share,
      async agree(serverShare) {
        if (privateKey === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
        return derive(curve, privateKey, checked(curve, serverShare));
      },
      dispose() {
        privateKey = undefined;
      },
    };
  }

  return {
    name,
    clientShareLength: shareLength,
    serverShareLength: shareLength,
    generate,
    async encapsulate(clientShare) {
      const peer = checked(curve, clientShare);
      const { privateKey, share } = await newKey();
      return { share, secret: await derive(curve, privateKey, peer) };
    },
  };
}
