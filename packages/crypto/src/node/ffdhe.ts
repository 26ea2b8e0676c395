/**
 * Finite-field Diffie-Hellman by `node:crypto`: the groups of RFC 7919, and `exchangeModulo` for any prime. Keys are made
 * by `generateKeyPairSync` with the prime given: `createDiffieHellman(prime)` would test for primality, for up to half a
 * minute.
 *
 * @module
 */

import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { fromHex, toHex, wipe } from '../bytes.ts';
import { elements, encode, encodeUnsigned, inside, malformed, only, tag } from '../der.ts';
import { ffdhePrime } from '../ffdhe-primes.ts';
import { writeSpki } from '../key-containers.ts';
import { type Bytes, CryptoError, type Encapsulation, type EphemeralKey, type KeyExchange } from '../provider.ts';
import { random } from './hash.ts';
import { asBuffer } from './own-memory.ts';
import { importSpki } from './public-key.ts';

type Bits = 2048 | 3072 | 4096 | 6144 | 8192;

export function ffdhe(bits: Bits): KeyExchange {
  const name = `ffdhe${bits}` as const;
  const length = bits / 8;
  // Made at first use: these groups are rare.
  let made: Exchange | undefined;
  const exchange = () => {
    made ??= exchangeModulo(name, ffdhePrime(bits), Uint8Array.of(2));
    return made;
  };
  return {
    name,
    clientShareLength: length,
    serverShareLength: length,
    generate: () => exchange().generate(),
    encapsulate: (clientShare) => exchange().encapsulate(clientShare),
  };
}

/** The two steps of a key exchange, synchronous. */
interface Exchange {
  generate(): EphemeralKey;
  encapsulate(peerShare: Uint8Array): Encapsulation;
}

/**
 * Diffie-Hellman modulo `prime`, whose first byte is not zero. Shares and secrets are as long as the prime. A share of
 * another length or outside 1 < Y < p - 1 is a `CryptoError` `invalid_share`. Whether the prime is one is not tested.
 *
 * @param name of the group, for messages
 */
export function exchangeModulo(name: string, prime: Bytes, generator: Uint8Array): Exchange {
  const { length } = prime;
  const group: Group = { prime, generator };
  const last = numberOf(prime) - 2n;

  function agree(privateKey: KeyObject, peerShare: Uint8Array): Bytes {
    checkRange(peerShare);
    try {
      const publicKey = importSpki(spkiOf(group, peerShare));
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
    const y = numberOf(share);
    if (y <= 1n || y > last) {
      throw new CryptoError('invalid_share', `the ${name} share is outside 1 < Y < p - 1`);
    }
  }

  return {
    generate() {
      const { publicKey, privateKey } = generate(group);
      let own: KeyObject | undefined = privateKey;
      return {
        share: shareOf(publicKey, length),
        agree(peerShare) {
          if (own === undefined) throw new CryptoError('failed', `this ${name} key has been disposed of`);
          return agree(own, peerShare);
        },
        dispose() {
          own = undefined;
        },
      };
    },
    encapsulate(peerShare) {
      checkRange(peerShare);
      const { publicKey, privateKey } = generate(group);
      return { secret: agree(privateKey, peerShare), share: shareOf(publicKey, length) };
    },
  };
}

interface Group {
  readonly prime: Bytes;
  readonly generator: Uint8Array;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Node takes a generator as a number of 31 bits. Those of RFC 5114 are as long as the prime: they go by PKCS#8. */
function generate({ prime, generator }: Group): KeyPair {
  const small = numberOf(generator);
  return small < 2n ** 31n ? generateDh(prime, Number(small)) : importRandom({ prime, generator });
}

/** Node's types leave this overload out. */
const generateDh = (prime: Uint8Array, generator: number): KeyPair => {
  const generate = generateKeyPairSync as unknown as (type: 'dh', options: DhOptions) => KeyPair;
  return generate('dh', { prime: asBuffer(prime), generator });
};

interface DhOptions {
  readonly prime: Buffer;
  readonly generator: number;
}

/** A private key out of a random exponent below 2^(bits - 1), which is what OpenSSL takes for a group that it does not know. */
function importRandom(group: Group): KeyPair {
  const exponent = random(group.prime.length);
  const clear = Math.clz32(group.prime[0] ?? 0) - 24 + 1;
  exponent[0] = (exponent[0] ?? 0) & (0xff >> clear);
  const integer = encodeUnsigned(exponent);
  const octets = encode(tag.octetString, integer);
  const pkcs8 = encode(tag.sequence, Uint8Array.of(tag.integer, 1, 0), algorithmOf(group), octets);
  try {
    const privateKey = createPrivateKey({ key: asBuffer(pkcs8), format: 'der', type: 'pkcs8' });
    return { privateKey, publicKey: createPublicKey(privateKey) };
  } finally {
    wipe(exponent, integer, octets, pkcs8);
  }
}

/** The INTEGER in the SubjectPublicKeyInfo's BIT STRING, as long as the prime. */
function shareOf(publicKey: KeyObject, length: number): Bytes {
  const [, bits] = inside(publicKey.export({ type: 'spki', format: 'der' }));
  if (bits === undefined) throw malformed();
  const { content } = only(elements(bits.content.subarray(1)), tag.integer);
  return leftPadded(content[0] === 0 ? content.subarray(1) : content, length);
}

const dhKeyAgreement: Bytes = fromHex('06092a864886f70d010301');

/** SEQUENCE { AlgorithmIdentifier, BIT STRING { INTEGER y } } */
function spkiOf(group: Group, y: Uint8Array): Bytes {
  return writeSpki(encodeUnsigned(y), algorithmOf(group));
}

/** PKCS #3 dhKeyAgreement: SEQUENCE { OID, SEQUENCE { INTEGER p, INTEGER g } } */
function algorithmOf({ prime, generator }: Group): Bytes {
  const parameters = encode(tag.sequence, encodeUnsigned(prime), encodeUnsigned(generator));
  return encode(tag.sequence, dhKeyAgreement, parameters);
}

/** An unsigned big-endian number, public. */
function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}

/** `bytes` at the end of `length` bytes, zeros in front. */
export function leftPadded(bytes: Uint8Array, length: number): Bytes {
  const out = new Uint8Array(length);
  out.set(bytes, length - bytes.length);
  return out;
}
