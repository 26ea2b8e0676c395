/**
 * CBC's record check (`legacy/cbc.ts`): whether its time tells why a record was refused, which is what Vaudenay's attack
 * and Lucky 13 live on. Every record is new, as long as the others, and protected for its place in the sequence.
 *
 * @module
 */

import { createCipheriv, createHmac, createSecretKey, type KeyObject, randomBytes, randomFillSync } from 'node:crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { cbcWithHmac } from '../../../packages/tls/src/legacy/cbc.ts';
import type { Case } from './measure.ts';
import { type RecordCheck, type RecordKeys, stoppingCheck, unevenCheck } from './naive.ts';

/** Blocks of AES in a record, after its IV: longer than the longest padding with the longest MAC. */
const plaintextLength = 320;
const ivLength = 16;
const payloadLength = ivLength + plaintextLength;
const applicationData = 23;
const TLS12 = 0x0303;

type MacName = 'sha1' | 'sha256' | 'sha384';

const macs: Readonly<Record<MacName, { readonly length: number; readonly blockLength: number }>> = {
  sha1: { length: 20, blockLength: 64 },
  sha256: { length: 32, blockLength: 64 },
  sha384: { length: 48, blockLength: 128 },
};

interface RecordClass {
  readonly name: string;
  /** The padding's length byte. */
  readonly padding: number;
  readonly isMacWrong?: boolean;
  /** The byte of the padding that is wrong: 0 is the length byte itself, 1 the one before it. */
  readonly wrongAt?: number;
}

const macWrong: RecordClass = { name: 'the MAC is wrong before 15 bytes of padding', padding: 15, isMacWrong: true };
const right: RecordClass = { name: 'all is right', padding: 15 };
const lastByteWrong: RecordClass = { name: "padding's last byte is wrong", padding: 15, wrongAt: 0 };
const firstByteWrong: RecordClass = { name: "padding's first byte is wrong", padding: 15, wrongAt: 15 };
const deepWrong: RecordClass = { name: 'the first of 255 bytes of padding is wrong', padding: 255, wrongAt: 255 };
const shortest: RecordClass = { name: 'the MAC is wrong after no padding', padding: 0, isMacWrong: true };
const longest: RecordClass = { name: 'the MAC is wrong before 255 bytes of padding', padding: 255, isMacWrong: true };
const blockShorter: RecordClass = {
  name: 'the MAC is wrong before 79 bytes of padding',
  padding: macWrong.padding + macs.sha1.blockLength,
  isMacWrong: true,
};

/** The hash's own padding just needs a block more, which OpenSSL then hashes apart from the others. */
function brimful(mac: MacName): RecordClass {
  const { length, blockLength } = macs[mac];
  const most = 13 + plaintextLength - 1 - length;
  return {
    name: "the MAC is wrong, the content fills the hash's last block",
    padding: (most + 4) % blockLength,
    isMacWrong: true,
  };
}

/**
 * What is seen is about half of it: OpenSSL hashes a content that fits one block with its header, or just needs a block more,
 * by another path, which `evenOut` cannot follow. Lucky 13 told about a microsecond apart over a LAN.
 */
const bound = 100;

export function cbcCases(): readonly Case[] {
  return [
    naive('a record check that stops at bad padding', stoppingCheck, [macWrong, lastByteWrong]),
    naive('a record check whose MAC is not evened out', unevenCheck, [shortest, longest]),
    naive('the same, by one block of SHA-1', unevenCheck, [macWrong, blockShorter]),
    real('sha1'),
    real('sha256'),
    real('sha384'),
  ];
}

function real(mac: MacName): Case {
  const keys = newKeys(mac);
  const protection = cbcWithHmac('aes-128-cbc', 16, ivLength, mac).protection(
    nodeLegacyProvider,
    { macKey: keys.macKey.export(), key: keys.cipherKey.export(), iv: new Uint8Array(ivLength) },
    { version: TLS12, encryptThenMac: false },
  );
  const header = Uint8Array.of(applicationData, TLS12 >> 8, TLS12 & 0xff, payloadLength >> 8, payloadLength & 0xff);
  const classes = [macWrong, right, lastByteWrong, firstByteWrong, deepWrong, shortest, longest, brimful(mac)];
  const names = classes.map(({ name }) => name);
  return {
    name: `a record of AES-CBC with HMAC-${mac.toUpperCase()}`,
    classes: names,
    pairs: [...names.slice(1).map((_, index) => [0, index + 1] as const), [6, 5], [6, 7]],
    told: classes.indexOf(right),
    bound,
    share: 6,
    inputLength: payloadLength,
    write: (which, input, sequence) => writeRecord(keys, classes[which] ?? right, sequence, input),
    work: (payload) => protection.unprotect({ type: applicationData, header, payload }),
    expects: (which, result) => (result !== undefined) === (classes[which] === right),
  };
}

function naive(name: string, check: RecordCheck, two: readonly [RecordClass, RecordClass]): Case {
  const keys = newKeys('sha1');
  let sequence = 0;
  return {
    name,
    classes: two.map((one) => one.name),
    control: true,
    bound,
    share: 2,
    inputLength: payloadLength,
    write: (which, input, number) => writeRecord(keys, two[which] ?? right, number, input),
    work: (payload) => check(keys, sequence++, payload),
    expects: (_, result) => result === undefined,
  };
}

function newKeys(macName: MacName): RecordKeys {
  const macLength = macs[macName].length;
  const key = (length: number): KeyObject => createSecretKey(randomBytes(length));
  return { cipherKey: key(16), macKey: key(macLength), macName, macLength };
}

/** IV, then the encrypted content, MAC and padding; with `node:crypto` alone, so that it owes nothing to what it tests. */
function writeRecord(keys: RecordKeys, kind: RecordClass, sequence: number, payload: Uint8Array): void {
  const plaintext = randomBytes(plaintextLength);
  const end = plaintextLength - keys.macLength - 1 - kind.padding;
  const header = Buffer.alloc(13);
  header.writeUIntBE(sequence, 2, 6);
  header.set([applicationData, TLS12 >> 8, TLS12 & 0xff, end >> 8, end & 0xff], 8);
  const mac = createHmac(keys.macName, keys.macKey).update(header).update(plaintext.subarray(0, end)).digest();
  if (kind.isMacWrong !== true) plaintext.set(mac, end);
  plaintext.fill(kind.padding, end + keys.macLength);
  if (kind.wrongAt !== undefined) {
    const at = plaintextLength - 1 - kind.wrongAt;
    plaintext[at] = (plaintext[at] ?? 0) ^ 0x40;
  }
  const iv = randomFillSync(payload.subarray(0, ivLength));
  payload.set(createCipheriv('aes-128-cbc', keys.cipherKey, iv).setAutoPadding(false).update(plaintext), ivLength);
}
