/**
 * What files under a password are made of, on both providers: PBKDF2 and AES-CBC by Wycheproof (no case of these files is
 * "acceptable"), scrypt by RFC 7914.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CryptoError,
  type CryptoProvider,
  fromHex,
  type PasswordCryptography,
  type PasswordHash,
  toHex,
  utf8,
} from '@handfast/crypto';
import { webProvider } from '@handfast/crypto/web';
import { type Case, eachCase, type Group, groupsOf, providers } from './support/wycheproof.ts';

interface PbkdfCase extends Case {
  readonly password: string;
  readonly salt: string;
  readonly iterationCount: number;
  readonly dkLen: number;
  readonly dk: string;
}

interface CbcCase extends Case {
  readonly key: string;
  readonly iv: string;
  readonly msg: string;
  readonly ct: string;
}

/** RFC 6070's case of 2^24 iterations takes seconds, and 80,000 take noble one: these run below. */
const mostIterations = (provider: CryptoProvider, hash: PasswordHash): number =>
  provider.name === 'web' && hash === 'sha224' ? 4096 : 100_000;

function passwordsOf(provider: CryptoProvider): PasswordCryptography {
  assert.ok(provider.passwords);
  return provider.passwords;
}

for (const provider of providers) {
  const passwords = passwordsOf(provider);

  for (const hash of ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const) {
    test(`${provider.name}: PBKDF2 with HMAC-${hash} agrees with Wycheproof`, async (t) => {
      const most = mostIterations(provider, hash);
      const groups = groupsOf<Group<PbkdfCase>>(`pbkdf2_hmac${hash}`).map((group) => ({
        ...group,
        tests: group.tests.filter(({ iterationCount }) => iterationCount <= most),
      }));
      const count = await eachCase<PbkdfCase, Group<PbkdfCase>>(
        groups,
        async ({ password, salt, iterationCount, dkLen, dk, result }) => {
          assert.equal(result, 'valid');
          const key = await passwords.pbkdf2(hash, fromHex(password), fromHex(salt), iterationCount, dkLen);
          assert.equal(toHex(key), dk);
        },
      );
      t.diagnostic(`${count} cases`);
    });
  }

  test(`${provider.name}: AES-CBC with the padding of PKCS#7 agrees with Wycheproof`, async (t) => {
    const count = await eachCase<CbcCase, Group<CbcCase>>(
      groupsOf('aes_cbc_pkcs5'),
      async ({ key, iv, msg, ct, result }) => {
        const opened = await passwords.decryptAesCbc(fromHex(key), fromHex(iv), fromHex(ct));
        assert.equal(opened && toHex(opened), result === 'valid' ? msg : undefined);
        if (result !== 'valid') return;
        assert.equal(toHex(await passwords.encryptAesCbc(fromHex(key), fromHex(iv), fromHex(msg))), ct);
      },
    );
    t.diagnostic(`${count} cases`);
  });

  test(`${provider.name}: scrypt agrees with RFC 7914 §12`, async () => {
    const cases = [
      ['', '', { N: 16, r: 1, p: 1 }, '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442'],
      [
        'password',
        'NaCl',
        { N: 1024, r: 8, p: 16 },
        'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162',
      ],
      [
        'pleaseletmein',
        'SodiumChloride',
        { N: 16384, r: 8, p: 1 },
        '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2',
      ],
    ] as const;
    for (const [password, salt, cost, expected] of cases) {
      assert.equal(toHex(await passwords.scrypt(utf8(password), utf8(salt), cost, 32)), expected);
    }
  });

  test(`${provider.name}: scrypt takes 64 MiB, and no impossible cost`, async () => {
    const key = await passwords.scrypt(utf8('a'), utf8('b'), { N: 65536, r: 8, p: 1 }, 16);
    assert.equal(key.length, 16);
    await assert.rejects(
      async () => passwords.scrypt(utf8('a'), utf8('b'), { N: 1000, r: 8, p: 1 }, 16),
      (error) => error instanceof CryptoError && error.code === 'unsupported' && /N = 1000/.test(error.message),
    );
  });

  test(`${provider.name}: digests and HMACs of password files`, () => {
    const abc = utf8('abc');
    assert.equal(toHex(passwords.digest('sha1', abc)), 'a9993e364706816aba3e25717850c26c9cd0d89d');
    assert.equal(toHex(passwords.digest('sha224', abc)), '23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7');
    // RFC 2202 §3, case 2.
    const hmac = passwords.hmac('sha1', utf8('Jefe'));
    assert.equal(toHex(hmac(utf8('what do ya want for nothing?'))), 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79');
    assert.equal(toHex(passwords.hmac('sha256', new Uint8Array(0))(abc)).length, 64, 'an empty key is one');
  });
}

test('the smaller web provider leaves them out', () => assert.equal(webProvider.passwords, undefined));
