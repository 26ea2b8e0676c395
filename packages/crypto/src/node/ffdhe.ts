/**
 * The finite-field groups of RFC 7919 by `node:crypto`. Keys are made by `generateKeyPairSync` with the prime given:
 * `createDiffieHellman(prime)` would test for primality, for up to half a minute.
 *
 * @module
 */

import { diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { fromHex, toHex, wipe } from '../bytes.ts';
import { elements, encode, encodeUnsigned, inside, malformed, only, tag } from '../der.ts';
import { writeSpki } from '../key-containers.ts';
import { type Bytes, CryptoError, type KeyExchange } from '../provider.ts';
import { ffdhePrime } from './ffdhe-primes.ts';
import { asBuffer } from './own-memory.ts';
import { importSpki } from './public-key.ts';

/** Node's types leave this overload out. */
const generateDh = (prime: Uint8Array): KeyPair => {
  const generate = generateKeyPairSync as unknown as (type: 'dh', options: DhOptions) => KeyPair;
  return generate('dh', { prime: asBuffer(prime), generator: 2 });
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
      made = { prime, last: BigInt(`0x${toHex(prime)}`) - 2n };
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
    const y = BigInt(`0x${toHex(share)}`);
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

/** The INTEGER in the SubjectPublicKeyInfo's BIT STRING, as long as the prime. */
function shareOf(publicKey: KeyObject, length: number): Bytes {
  const [, bits] = inside(publicKey.export({ type: 'spki', format: 'der' }));
  if (bits === undefined) throw malformed();
  const { content } = only(elements(bits.content.subarray(1)), tag.integer);
  return leftPadded(content[0] === 0 ? content.subarray(1) : content, length);
}

const dhKeyAgreement: Bytes = fromHex('06092a864886f70d010301');

/** PKCS #3 dhKeyAgreement: SEQUENCE { SEQUENCE { OID, SEQUENCE { INTEGER p, INTEGER 2 } }, BIT STRING { INTEGER y } } */
function spkiOf(prime: Uint8Array, y: Uint8Array): Bytes {
  const group = encode(tag.sequence, encodeUnsigned(prime), encodeUnsigned(Uint8Array.of(2)));
  const algorithm = encode(tag.sequence, dhKeyAgreement, group);
  return writeSpki(encodeUnsigned(y), algorithm);
}

/** `bytes` at the end of `length` bytes, zeros in front. */
export function leftPadded(bytes: Uint8Array, length: number): Bytes {
  const out = new Uint8Array(length);
  out.set(bytes, length - bytes.length);
  return out;
}
