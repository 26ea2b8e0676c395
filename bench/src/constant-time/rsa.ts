/**
 * RSA key transport (`legacy/rsa.ts`): whether the server's time tells what was wrong with a premaster secret's padding,
 * which is what Bleichenbacher's attack and its returns (ROBOT, Marvin) live on. First the unpadding alone, where little
 * can be seen, then all that the server does with a ClientKeyExchange, where the exponentiation is most of the time.
 *
 * @module
 */

import { constants, generateKeyPairSync, publicEncrypt, randomBytes } from 'node:crypto';
import { runSettling, type Settling } from '@handfast/crypto';
import { premasterLength, premasterOf } from '@handfast/crypto/legacy';
import { nodeLegacy, nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { decryptPremaster } from '../../../packages/tls/src/legacy/rsa.ts';
import { Reader } from '../../../packages/tls/src/messages/reader.ts';
import type { ServerContext } from '../../../packages/tls/src/tls12/key-exchange.ts';
import type { Case } from './measure.ts';
import { naiveUnpadding } from './naive.ts';

/** Few for a key in use, so that less time goes to the exponentiation, whose noise hides all else. */
const bits = 1024;
const blockLength = bits / 8;
const TLS12 = 0x0303;
/** Where the premaster secret begins. */
const start = blockLength - premasterLength;

interface BlockClass {
  readonly name: string;
  /** What is done to a good block. */
  readonly spoil: (block: Uint8Array) => void;
}

const good: BlockClass = { name: 'all is right', spoil: () => undefined };
const typeWrong: BlockClass = { name: 'the block type is wrong', spoil: (block) => block.set([0, 1]) };
const leadingZeros: BlockClass = { name: 'it begins with sixteen zeros', spoil: (block) => block.fill(0, 0, 16) };
const earlyZero: BlockClass = {
  name: 'a zero in the first eight bytes of padding',
  spoil: (block) => block.set([0], 5),
};
const noZero: BlockClass = { name: 'no zero at all', spoil: (block) => block.set([0x7f], start - 1) };
const versionWrong: BlockClass = { name: 'the version is wrong', spoil: (block) => block.set([3, 1], start) };
const tooShort: BlockClass = {
  name: 'the secret is a byte too short',
  spoil: (block) => block.set([0x7f, 0, 3, 3], start - 1),
};
const tooLong: BlockClass = {
  name: 'the secret is a byte too long',
  spoil: (block) => block.set([0, 3, 3], start - 2),
};

const classes = [good, typeWrong, leadingZeros, earlyZero, noZero, versionWrong, tooShort, tooLong];

/** Ciphertexts of each class, drawn at random: one number could take longer than another by itself. */
const poolSize = 128;

export function rsaCases(): readonly Case[] {
  return [...unpaddingCases(), ...serverCases()];
}

function unpaddingCases(): readonly Case[] {
  const shared = {
    inputLength: blockLength,
    calls: 16,
    bound: 20,
  };
  const fallback = randomBytes(premasterLength);
  const two = [earlyZero, noZero];
  return [
    {
      ...shared,
      name: 'an unpadding that stops at the zero, and throws',
      classes: two.map(({ name }) => name),
      control: true,
      share: 2,
      write: (which, input) => writeBlock(two[which] ?? good, input),
      work: (block) => caught(() => naiveUnpadding(block, TLS12)),
    },
    {
      ...shared,
      name: 'the unpadding of a premaster secret',
      classes: classes.map(({ name }) => name),
      share: 6,
      write: (which, input) => writeBlock(classes[which] ?? good, input),
      work: (block) => premasterOf(block, TLS12, fallback),
      expects: comesToWhatItShould,
    },
  ];
}

function serverCases(): readonly Case[] {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const legacyKey = nodeLegacy.importPrivateKey(privateKey.export({ format: 'der', type: 'pkcs8' }));
  if (legacyKey instanceof Promise) throw new Error('the node provider is synchronous');
  const encrypt = (kind: BlockClass): Buffer => {
    const block = new Uint8Array(blockLength);
    writeBlock(kind, block);
    return publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block);
  };
  const pools = classes.map((kind) => Array.from({ length: poolSize }, () => encrypt(kind)));
  // The seam: of a server's whole state, decryptPremaster looks at this.
  const context = {
    config: { provider: nodeLegacyProvider },
    hello: { legacyVersion: TLS12 },
    credential: { legacyKey },
    version: TLS12,
  } as unknown as ServerContext;
  const shared = {
    inputLength: 2 + blockLength,
    bound: 1_000,
    write(which: number, input: Uint8Array, sequence: number) {
      input.set([blockLength >> 8, blockLength & 0xff]);
      input.set(pools[which]?.[sequence % poolSize] ?? [], 2);
    },
  };
  return [
    {
      ...shared,
      name: 'a server that throws at bad padding',
      classes: [good.name, typeWrong.name],
      control: true,
      share: 4,
      work: (params) => caught(() => naiveUnpadding(decrypted(legacyKey.decryptRaw?.(params.subarray(2))), TLS12)),
    },
    {
      ...shared,
      name: 'a server that decrypts a ClientKeyExchange',
      classes: classes.map(({ name }) => name),
      share: 14,
      work: (params) =>
        runSettling(decryptPremaster(context, new Reader(params, 'ClientKeyExchange')) as Settling<Uint8Array>),
      expects: comesToWhatItShould,
    },
  ];
}

/** 00 02, padding, 00, the version, and 46 bytes of which the last are known: then something is done to it. */
function writeBlock({ spoil }: BlockClass, block: Uint8Array): void {
  block.set(nonZero(blockLength));
  block.set([0, 2]);
  block.set([0, TLS12 >> 8, TLS12 & 0xff], start - 1);
  block.set(marker, blockLength - marker.length);
  spoil(block);
}

/** What every secret ends in: by it a made-up one is told from what the block held. */
const marker = new Uint8Array(8).fill(0x5a);

function comesToWhatItShould(which: number, result: unknown): boolean {
  if (!(result instanceof Uint8Array) || result.length !== premasterLength) return false;
  const isTaken = marker.every((byte, index) => result[premasterLength - marker.length + index] === byte);
  return isTaken === (classes[which] === good);
}

/** Zeros become ones: for padding, and for secrets, so that a zero stands nowhere else. */
function nonZero(length: number): Uint8Array {
  return randomBytes(length).map((byte) => byte || 1);
}

function decrypted(block: Uint8Array | Promise<Uint8Array> | undefined): Uint8Array {
  if (!(block instanceof Uint8Array)) throw new Error('the node provider decrypts, and is synchronous');
  return block;
}

function caught(work: () => Uint8Array): Uint8Array | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
