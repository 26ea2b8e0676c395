/**
 * The finite-field groups of RFC 7919 by `node:crypto`. Keys are made by `generateKeyPairSync` with the prime given:
 * `createDiffieHellman(prime)` would test for primality, for up to half a minute.
 *
 * @module
 */

import { diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { copyBytes, wipe } from '../bytes.ts';
import { type Bytes, CryptoError, type KeyExchange } from '../provider.ts';
import { bitStringOf, elementAt } from './der.ts';
import { ffdhePrime } from './ffdhe-primes.ts';
import { importSpki } from './public-key.ts';

/** Node's types leave this overload out. */
const generateDh = (prime: Uint8Array): KeyPair => {
  const generate = generateKeyPairSync as unknown as (type: 'dh', options: DhOptions) => KeyPair;
  return generate('dh', { prime: Buffer.from(prime), generator: 2 });
};

interface DhOptions {
  readonly prime: Buffer;
  readonly generator: number;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

type Bits = 2048 | 3072 | 4096 | 6144 | 8192;

export function ffdhe(bits: Bits): KeyExchange {
  const name = `ffdhe${bits}` as const;
  const length = bits / 8;
  // Made at first use: these groups are rare.
  let made: { readonly prime: Bytes; readonly last: bigint } | undefined;
  const parameters = () => {
    if (made === undefined) {
      const prime = ffdhePrime(bits);
      made = { prime, last: BigInt(`0x${Buffer.from(prime).toString('hex')}`) - 2n };
    }
    return made;
  };
  const pair = () => generateDh(parameters().prime);

  function agree(privateKey: KeyObject, peerShare: Uint8Array): Bytes {
    checkRange(peerShare);
    try {
      const publicKey = importSpki(spkiOf(parameters().prime, peerShare));
      const secret = diffieHellman({ privateKey, publicKey });
      // RFC 9846 §7.4.1: as long as the prime, zeros in front.
      const padded = leftPadded(secret, length);
      wipe(secret);
      return padded;
    } catch (cause) {
      throw new CryptoError('invalid_share', `the ${name} share cannot be used`, { cause });
    }
  }

  /** RFC 9846 §4.3.8.1: 1 < Y < p - 1, of exactly the prime's length. */
  function checkRange(share: Uint8Array): void {
    if (share.length !== length) {
      throw new CryptoError('invalid_share', `a ${name} share has ${length} bytes, not ${share.length}`);
    }
    const y = BigInt(`0x${Buffer.from(share).toString('hex')}`);
    if (y <= 1n || y > parameters().last) {
      throw new CryptoError('invalid_share', `the ${name} share is outside 1 < Y < p - 1`);
    }
  }

  return {
    name,
    clientShareLength: length,
    serverShareLength: length,
    generate() {
      const { publicKey, privateKey } = pair();
      let own: KeyObject | undefined = privateKey;
      return {
        share: shareOf(publicKey, length),
        agree(serverShare) {
          if (own === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
          return agree(own, serverShare);
        },
        dispose() {
          own = undefined;
        },
      };
    },
    encapsulate(clientShare) {
      checkRange(clientShare);
      const { publicKey, privateKey } = pair();
      return { secret: agree(privateKey, clientShare), share: shareOf(publicKey, length) };
    },
  };
}

/** The INTEGER in the SubjectPublicKeyInfo's BIT STRING. */
function shareOf(publicKey: KeyObject, length: number): Bytes {
  const integer = bitStringOf(publicKey.export({ type: 'spki', format: 'der' }));
  const { start, end } = elementAt(integer, 0);
  const digits = integer.subarray(start, end);
  return leftPadded(digits[0] === 0 ? digits.subarray(1) : digits, length);
}

/** PKCS #3 dhKeyAgreement: SEQUENCE { SEQUENCE { OID, SEQUENCE { INTEGER p, INTEGER 2 } }, BIT STRING { INTEGER y } } */
function spkiOf(prime: Uint8Array, y: Uint8Array): Buffer {
  const oid = Buffer.from('06092a864886f70d010301', 'hex');
  const group = element(0x30, Buffer.concat([integer(prime), integer(Uint8Array.of(2))]));
  const bits = element(0x03, Buffer.concat([Uint8Array.of(0), integer(y)]));
  return element(0x30, Buffer.concat([element(0x30, Buffer.concat([oid, group])), bits]));
}

function integer(value: Uint8Array): Buffer {
  const start = value.findIndex((byte) => byte !== 0);
  const digits = value.subarray(start);
  const needsZero = ((digits[0] ?? 0) & 0x80) !== 0;
  return element(0x02, needsZero ? Buffer.concat([Uint8Array.of(0), digits]) : digits);
}

function element(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), content]);
}

function leftPadded(bytes: Uint8Array, length: number): Bytes {
  if (bytes.length === length) return copyBytes(bytes);
  const out = new Uint8Array(length);
  out.set(bytes, length - bytes.length);
  return out;
}
