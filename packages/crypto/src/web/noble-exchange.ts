/**
 * Diffie-Hellman over noble's curves, synchronous: rows of `./noble` and `./full`.
 *
 * @module
 */

import { copyBytes, wipe } from '../bytes.ts';
import { type Bytes, CryptoError, type GroupName, type KeyExchange } from '../provider.ts';
import { checkPoint, checkSharedSecret, checkShareLength } from './shares.ts';

/** A curve of noble's, its keys and results as TLS has them. */
export interface NobleCurve {
  readonly name: GroupName;
  readonly shareLength: number;
  /** Whether shares are points in X9.62's form; else they are the u-coordinates of RFC 7748. */
  readonly isPoint: boolean;
  keygen(): { readonly secretKey: Uint8Array };
  getPublicKey(secretKey: Uint8Array): Uint8Array;
  /** Throws for a share that is not a point of the curve. */
  agree(secretKey: Uint8Array, share: Uint8Array): Uint8Array;
}

export function exchangeByNoble(curve: NobleCurve): KeyExchange {
  const { name, shareLength, isPoint } = curve;

  function agree(secretKey: Uint8Array, share: Uint8Array): Bytes {
    checkShareLength(name, share, shareLength);
    if (isPoint) checkPoint(name, share);
    let secret: Bytes;
    try {
      const result = curve.agree(secretKey, share);
      secret = copyBytes(result);
      wipe(result);
    } catch (cause) {
      throw new CryptoError('invalid_share', `the ${name} share is not a point that can be used`, { cause });
    }
    return isPoint ? secret : checkSharedSecret(name, secret);
  }

  return {
    name,
    clientShareLength: shareLength,
    serverShareLength: shareLength,
    generate() {
      let secretKey: Uint8Array | undefined = curve.keygen().secretKey;
      return {
        share: copyBytes(curve.getPublicKey(secretKey)),
        agree(serverShare) {
          if (secretKey === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
          return agree(secretKey, serverShare);
        },
        dispose() {
          wipe(secretKey);
          secretKey = undefined;
        },
      };
    },
    encapsulate(clientShare) {
      const { secretKey } = curve.keygen();
      try {
        return { secret: agree(secretKey, clientShare), share: copyBytes(curve.getPublicKey(secretKey)) };
      } finally {
        wipe(secretKey);
      }
    },
  };
}
