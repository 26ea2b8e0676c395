/**
 * Wycheproof: key exchange on both providers, with the vectors' private keys put in place of generated ones.
 *
 * Policy for what Wycheproof leaves to the implementation ("acceptable"):
 * - `CompressedPoint`: refused. TLS 1.3 has uncompressed points alone (RFC 9846 §4.3.8.2).
 * - `ZeroSharedSecret`: refused. RFC 9846 §7.4.2 has us abort on an all-zero result.
 * - `Twist`, `NonCanonicalPublic`, `LowOrderPublic`, `SmallPublicKey`, `SpecialPublicKey`, `EdgeCase…`, `Ktv` otherwise:
 *   agreed on, with the vector's secret, as RFC 7748 §5 computes with every string of the right length.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Bytes,
  CryptoError,
  type CryptoProvider,
  type EphemeralKey,
  fromHex,
  type KeyExchange,
  toHex,
} from '@handfast/crypto';
import { createWebProvider } from '@handfast/crypto/web';
import { nobleRows } from '@handfast/crypto/web/noble';
import { hasNativeMlKem } from '../../src/node/mlkem.ts';
import { has } from '../../src/web/features.ts';
import { type FixedGroup, withNodeKey, withRandom, withSubtleKey } from '../support/fixed-keys.ts';
import { type Case, eachCase, type Group, groupsOf, providers } from '../support/wycheproof.ts';

interface EcdhCase extends Case {
  readonly public: string;
  readonly private: string;
  readonly shared: string;
}

const files: readonly (readonly [file: string, group: FixedGroup])[] = [
  ['x25519', 'x25519'],
  ['x448', 'x448'],
  ['ecdh_secp256r1_ecpoint', 'secp256r1'],
  ['ecdh_secp384r1_ecpoint', 'secp384r1'],
  ['ecdh_secp521r1_ecpoint', 'secp521r1'],
];

/** The group's ephemeral key, made from the vector's private key. */
async function fixedKey(provider: CryptoProvider, name: FixedGroup, privateKey: string): Promise<EphemeralKey> {
  const group = groupOf(provider, name);
  const key = fromHex(privateKey);
  const generate = async () => group.generate();
  const isKem = name === 'mlkem768' || name === 'mlkem1024';
  if (provider.name === 'node' && (!isKem || hasNativeMlKem())) return withNodeKey(name, key, generate);
  if (provider === nobleProvider && name.startsWith('secp')) return withRandom(seedOf(name, key), generate);
  const byNoble = provider === nobleProvider || !(await isOnTheWeb(name));
  return byNoble ? withRandom(key, generate) : withSubtleKey(name, key, generate);
}

/** Whether this runtime's WebCrypto has what not all have. */
async function isOnTheWeb(name: FixedGroup): Promise<boolean> {
  if (name === 'x448') return has('X448', ['deriveBits']);
  const kem = kemNames[name];
  return kem === undefined || has(kem, ['encapsulateBits', 'decapsulateBits']);
}

const kemNames: Readonly<Partial<Record<FixedGroup, string>>> = { mlkem768: 'ML-KEM-768', mlkem1024: 'ML-KEM-1024' };

/** noble's P curves make a key of a seed: the seed modulo n - 1, plus 1. */
function seedOf(name: FixedGroup, key: Bytes): Bytes {
  const length = seedLengths[name];
  assert.ok(length);
  const digits = (BigInt(`0x${toHex(key)}`) - 1n).toString(16);
  return fromHex(digits.padStart(2 * length, '0'));
}

const seedLengths: Readonly<Partial<Record<FixedGroup, number>>> = { secp256r1: 48, secp384r1: 72, secp521r1: 99 };

function groupOf(provider: CryptoProvider, name: FixedGroup): KeyExchange {
  const group = provider.groups[name];
  assert.ok(group, `${name} is a row of ${provider.name}`);
  return group;
}

const isInvalidShare = (error: unknown) => error instanceof CryptoError && error.code === 'invalid_share';

const refusedFlags: readonly string[] = ['CompressedPoint', 'ZeroSharedSecret'];

function isRefused({ result, flags }: Case): boolean {
  return result === 'invalid' || refusedFlags.some((flag) => flags.includes(flag));
}

const nobleProvider: CryptoProvider = { ...createWebProvider(nobleRows), name: 'noble' };
/** noble tests its curves itself, slowly as they go: every fifth case, and of the larger curves only the first ones. */
const nobleSample = 5;
const largeCurves: readonly FixedGroup[] = ['secp384r1', 'secp521r1'];

function isLeftOut(name: FixedGroup, { tcId }: Case): boolean {
  return tcId % nobleSample !== 0 || (largeCurves.includes(name) && tcId > 100);
}

for (const provider of [...providers, nobleProvider]) {
  for (const [file, name] of files.filter(([, group]) => group in provider.groups)) {
    test(`${provider.name}: ${name} agrees with Wycheproof`, async (t) => {
      const group = groupOf(provider, name);
      // Many vectors share a private key, and importing one costs as much as agreeing.
      const keys = new Map<string, EphemeralKey>();
      const count = await eachCase<EcdhCase, Group<EcdhCase>>(groupsOf(file), async (vector) => {
        if (provider === nobleProvider && !isRefused(vector) && isLeftOut(name, vector)) return;
        const share = fromHex(vector.public);
        const key = keys.get(vector.private) ?? (await fixedKey(provider, name, vector.private));
        keys.set(vector.private, key);
        const agree = async () => toHex(await key.agree(share));
        if (!isRefused(vector)) {
          assert.equal(await agree(), vector.shared);
          return;
        }
        await assert.rejects(agree, isInvalidShare);
        // The server's side looks at the same bytes.
        await assert.rejects(async () => group.encapsulate(share), isInvalidShare);
      });
      t.diagnostic(`${count} vectors`);
    });
  }
}

interface KemCase extends Case {
  readonly seed: string;
  readonly ek?: string;
  readonly c: string;
  readonly K: string;
}

interface EncapsCase extends Case {
  readonly ek: string;
  readonly m: string;
  readonly c: string;
  readonly K: string;
}

const kems: readonly (readonly [suffix: string, group: 'mlkem768' | 'mlkem1024'])[] = [
  ['768', 'mlkem768'],
  ['1024', 'mlkem1024'],
];

for (const provider of [...providers, nobleProvider]) {
  for (const [suffix, name] of kems) {
    test(`${provider.name}: ${name} keys from seeds, and decapsulation, agree with Wycheproof`, async (t) => {
      const group = groupOf(provider, name);
      let counted = 0;
      await eachCase<KemCase, Group<KemCase>>(groupsOf(`mlkem_${suffix}`), async (vector) => {
        if (vector.seed.length !== 128) return; // a seed of the wrong length cannot come about here
        const key = await fixedKey(provider, name, vector.seed);
        if (vector.result === 'valid') {
          assert.equal(toHex(key.share), vector.ek);
          assert.equal(toHex(await key.agree(fromHex(vector.c))), vector.K);
        } else {
          assert.notEqual(fromHex(vector.c).length, group.serverShareLength);
          await assert.rejects(async () => key.agree(fromHex(vector.c)), isInvalidShare);
        }
        counted++;
      });
      t.diagnostic(`${counted} vectors`);
    });

    test(`${provider.name}: ${name} encapsulation agrees with Wycheproof`, async (t) => {
      const group = groupOf(provider, name);
      const count = await eachCase<EncapsCase, Group<EncapsCase>>(
        groupsOf(`mlkem_${suffix}_encaps`),
        async (vector) => {
          const encapsulate = async () => group.encapsulate(fromHex(vector.ek));
          if (vector.result === 'invalid') {
            await assert.rejects(encapsulate, isInvalidShare);
          } else if (
            provider.name === 'node' ? hasNativeMlKem() : provider.name === 'web' && (await isOnTheWeb(name))
          ) {
            await encapsulate(); // neither takes a message from outside: the key is accepted, that is all
          } else {
            const { share, secret } = await withRandom(fromHex(vector.m), encapsulate);
            assert.equal(toHex(share), vector.c);
            assert.equal(toHex(secret), vector.K);
          }
        },
      );
      t.diagnostic(`${count} vectors`);
    });
  }
}
