/**
 * X25519, X448 and the P curves by `node:crypto`, over KeyObjects: `createECDH` takes compressed and hybrid points, and is
 * slower.
 *
 * @module
 */

import { diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { concat, copyBytes, fromHex } from '../bytes.ts';
import { type Bytes, CryptoError, type EphemeralKey, type KeyExchange } from '../provider.ts';
import { plain } from './own-memory.ts';
import { importSpki } from './public-key.ts';

interface Curve {
  readonly name: 'x25519' | 'x448' | 'secp256r1' | 'secp384r1' | 'secp521r1';
  readonly shareLength: number;
  generate(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** The share of a public key, and the public key of a share whose length and form are right. */
  share(publicKey: KeyObject): Bytes;
  publicKey(share: Uint8Array): KeyObject;
}

/** @param spkiPrefix what stands before the share in a SubjectPublicKeyInfo. */
function montgomery(name: 'x25519' | 'x448', shareLength: number, spkiPrefix: Bytes): Curve {
  return {
    name,
    shareLength,
    generate: () => (name === 'x25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('x448')),
    share: (publicKey) => fromBase64url(publicKey.export({ format: 'jwk' }).x),
    publicKey: (share) => importSpki(concat(spkiPrefix, share)),
  };
}

function weierstrass(
  name: 'secp256r1' | 'secp384r1' | 'secp521r1',
  crv: string,
  shareLength: number,
  spkiPrefix: Bytes,
): Curve {
  return {
    name,
    shareLength,
    generate: () => generateKeyPairSync('ec', { namedCurve: crv }),
    share(publicKey) {
      const { x, y } = publicKey.export({ format: 'jwk' });
      return concat(Uint8Array.of(4), fromBase64url(x), fromBase64url(y));
    },
    publicKey(share) {
      if (share[0] !== 4) throw new CryptoError('invalid_share', `a ${name} point must be uncompressed`);
      // OpenSSL refuses coordinates out of range and points off the curve here.
      return importSpki(concat(spkiPrefix, share));
    },
  };
}

function exchange(curve: Curve): KeyExchange {
  const { name, shareLength } = curve;

  function agree(privateKey: KeyObject, peerShare: Uint8Array): Bytes {
    if (peerShare.length !== shareLength) {
      throw new CryptoError('invalid_share', `a ${name} share has ${shareLength} bytes, not ${peerShare.length}`);
    }
    try {
      const secret = plain(diffieHellman({ privateKey, publicKey: curve.publicKey(peerShare) }));
      // OpenSSL refuses the all-zero result of X25519 and X448; RFC 7748 §6 has us look all the same. On a P curve zero is
      // an x-coordinate like others.
      if ((name === 'x25519' || name === 'x448') && secret.every((byte) => byte === 0)) {
        throw new CryptoError('invalid_share', `the ${name} result is all zeros`);
      }
      return secret;
    } catch (cause) {
      if (cause instanceof CryptoError) throw cause;
      throw new CryptoError('invalid_share', `the ${name} share is not a point that can be used`, { cause });
    }
  }

  function generate(): EphemeralKey {
    const pair = curve.generate();
    let privateKey: KeyObject | undefined = pair.privateKey;
    return {
      share: curve.share(pair.publicKey),
      agree(serverShare) {
        if (privateKey === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
        return agree(privateKey, serverShare);
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
    encapsulate(clientShare) {
      const pair = curve.generate();
      return { secret: agree(pair.privateKey, clientShare), share: curve.share(pair.publicKey) };
    },
  };
}

export const x25519: KeyExchange = exchange(montgomery('x25519', 32, fromHex('302a300506032b656e032100')));
export const x448: KeyExchange = exchange(montgomery('x448', 56, fromHex('3042300506032b656f033900')));
export const secp256r1: KeyExchange = exchange(
  weierstrass('secp256r1', 'P-256', 65, fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200')),
);
export const secp384r1: KeyExchange = exchange(
  weierstrass('secp384r1', 'P-384', 97, fromHex('3076301006072a8648ce3d020106052b81040022036200')),
);
export const secp521r1: KeyExchange = exchange(
  weierstrass('secp521r1', 'P-521', 133, fromHex('30819b301006072a8648ce3d020106052b8104002303818600')),
);

function fromBase64url(text: string | undefined): Bytes {
  if (text === undefined) throw new CryptoError('failed', 'a JWK lacks a coordinate');
  return copyBytes(Buffer.from(text, 'base64url'));
}
