/**
 * CBC without padding and the rarer AEADs, against published vectors, on both providers.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Aead,
  type BlockCipher,
  type CbcName,
  CryptoError,
  concat,
  fromHex,
  type LegacyAeadName,
  type LegacyCryptography,
  toHex,
} from '@handfast/crypto';
import { nodeLegacy } from '@handfast/crypto/legacy/node';
import { webLegacy } from '@handfast/crypto/legacy/web';
import { type Case, eachCase, type Group, groupsOf } from '../support/wycheproof.ts';

const implementations: readonly (readonly [string, LegacyCryptography])[] = [
  ['node', nodeLegacy],
  ['web', webLegacy],
];
const isDisposed = (error: unknown) => error instanceof CryptoError && error.code === 'failed';

function* ciphers(): Generator<readonly [name: string, cipher: BlockCipher]> {
  for (const [name, legacy] of implementations) {
    for (const cipher of Object.values(legacy.blockCiphers)) yield [`${name}: ${cipher.name}`, cipher];
  }
}

test('node has every CBC row, the web AES alone', () => {
  const names: readonly CbcName[] = [
    'aes-128-cbc',
    'aes-256-cbc',
    '3des-ede-cbc',
    'camellia-128-cbc',
    'camellia-256-cbc',
    'aria-128-cbc',
    'aria-256-cbc',
  ];
  assert.deepEqual(Object.keys(nodeLegacy.blockCiphers), names);
  assert.deepEqual(Object.keys(webLegacy.blockCiphers), ['aes-128-cbc', 'aes-256-cbc']);
  const lengths = Object.values(nodeLegacy.blockCiphers).map(({ keyLength, blockLength }) => [keyLength, blockLength]);
  assert.deepEqual(lengths, [
    [16, 16],
    [32, 16],
    [24, 8],
    [16, 16],
    [32, 16],
    [16, 16],
    [32, 16],
  ]);
});

interface CbcVector {
  readonly key: string;
  readonly iv: string;
  readonly plaintext: string;
  readonly ciphertext: string;
}

const vectors = new Map<string, CbcVector[]>();
for (const line of readFileSync(new URL('../vectors/cbc.txt', import.meta.url), 'utf8').split('\n')) {
  if (line === '' || line.startsWith('#')) continue;
  const [name = '', key = '', iv = '', plaintext = '', ciphertext = ''] = line.split(' ');
  const known = vectors.get(name) ?? [];
  vectors.set(name, known);
  known.push({ key, iv, plaintext, ciphertext });
}

/** Vectors of each row in `cbc.txt`, so that none is lost without a word. */
const counts: Readonly<Record<CbcName, number>> = {
  'aes-128-cbc': 20,
  'aes-256-cbc': 20,
  '3des-ede-cbc': 20,
  'camellia-128-cbc': 2,
  'camellia-256-cbc': 2,
  'aria-128-cbc': 2,
  'aria-256-cbc': 2,
};

for (const [name, cipher] of ciphers()) {
  test(`${name} agrees with the published vectors, both ways`, () => {
    const known = vectors.get(cipher.name) ?? [];
    assert.equal(known.length, counts[cipher.name]);
    for (const vector of known) {
      const key = cipher.key(fromHex(vector.key));
      assert.equal(toHex(key.encrypt(fromHex(vector.iv), fromHex(vector.plaintext))), vector.ciphertext);
      assert.equal(toHex(key.decrypt(fromHex(vector.iv), fromHex(vector.ciphertext))), vector.plaintext);
    }
  });

  test(`${name} takes no data for no data`, () => {
    const key = cipher.key(new Uint8Array(cipher.keyLength));
    const iv = new Uint8Array(cipher.blockLength);
    assert.equal(key.encrypt(iv, new Uint8Array(0)).length, 0);
    assert.equal(key.decrypt(iv, new Uint8Array(0)).length, 0);
  });

  test(`${name} refuses what is no whole number of blocks, and vectors and keys of other lengths`, () => {
    const { keyLength, blockLength } = cipher;
    for (const length of [0, keyLength - 1, keyLength + 1]) {
      assert.throws(() => cipher.key(new Uint8Array(length)), RangeError);
    }
    const key = cipher.key(new Uint8Array(keyLength));
    const iv = new Uint8Array(blockLength);
    for (const length of [1, blockLength - 1, blockLength + 1, 5 * blockLength - 1]) {
      assert.throws(() => key.encrypt(iv, new Uint8Array(length)), RangeError);
      assert.throws(() => key.decrypt(iv, new Uint8Array(length)), RangeError);
    }
    for (const length of [0, blockLength - 1, blockLength + 1]) {
      assert.throws(() => key.encrypt(new Uint8Array(length), iv), RangeError);
      assert.throws(() => key.decrypt(new Uint8Array(length), iv), RangeError);
    }
  });

  test(`${name} copies its key, writes to no argument, and answers memory of its own`, () => {
    const raw = new Uint8Array(cipher.keyLength).fill(1);
    const key = cipher.key(raw);
    raw.fill(0);
    // Not at the beginning of their memory, nor aligned.
    const iv = new Uint8Array(cipher.blockLength + 1).fill(2).subarray(1);
    const plaintext = new Uint8Array(4 * cipher.blockLength + 1).fill(3).subarray(1);
    const ciphertext = key.encrypt(iv, plaintext);
    const shifted = concat(fromHex('00'), ciphertext).subarray(1);
    const before = toHex(shifted);
    const back = key.decrypt(iv, shifted);
    assert.deepEqual(new Uint8Array(back), new Uint8Array(plaintext));
    assert.equal(toHex(shifted), before);
    assert.ok(iv.every((byte) => byte === 2) && plaintext.every((byte) => byte === 3));
    for (const bytes of [ciphertext, back]) {
      assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
      assert.equal(bytes.buffer.byteLength, plaintext.length);
    }
    const again = cipher.key(new Uint8Array(cipher.keyLength).fill(1)).encrypt(iv, plaintext);
    assert.deepEqual(again, ciphertext);
  });

  test(`${name} works no more after dispose`, () => {
    const key = cipher.key(new Uint8Array(cipher.keyLength));
    key.dispose();
    key.dispose();
    const block = new Uint8Array(cipher.blockLength);
    assert.throws(() => key.encrypt(block, block), isDisposed);
    assert.throws(() => key.decrypt(block, block), isDisposed);
  });
}

for (const name of ['aes-128-cbc', 'aes-256-cbc'] as const) {
  test(`${name}: node and the web agree on texts of every number of blocks up to 64`, () => {
    const here = nodeLegacy.blockCiphers[name];
    const there = webLegacy.blockCiphers[name];
    assert.ok(here && there);
    const raw = Uint8Array.from({ length: here.keyLength }, (_, index) => 7 * index);
    const iv = Uint8Array.from({ length: 16 }, (_, index) => 11 * index);
    for (let blocks = 1; blocks <= 64; blocks++) {
      const plaintext = Uint8Array.from({ length: 16 * blocks }, (_, index) => index);
      const ciphertext = here.key(raw).encrypt(iv, plaintext);
      assert.deepEqual(there.key(raw).encrypt(iv, plaintext), ciphertext);
      assert.deepEqual(there.key(raw).decrypt(iv, ciphertext), plaintext);
    }
  });
}

interface PaddedCase extends Case {
  readonly key: string;
  readonly iv: string;
  readonly msg: string;
  readonly ct: string;
}

interface SizedGroup<C extends Case> extends Group<C> {
  readonly keySize: number;
  readonly tagSize?: number;
}

const paddedFiles: readonly (readonly [file: string, name: CbcName, keySize: number])[] = [
  ['aes_cbc_pkcs5', 'aes-128-cbc', 128],
  ['aes_cbc_pkcs5', 'aes-256-cbc', 256],
  ['camellia_cbc_pkcs5', 'camellia-128-cbc', 128],
  ['camellia_cbc_pkcs5', 'camellia-256-cbc', 256],
  ['aria_cbc_pkcs5', 'aria-128-cbc', 128],
  ['aria_cbc_pkcs5', 'aria-256-cbc', 256],
];

/** The message with PKCS #7 padding: what lies inside Wycheproof's ciphertexts. */
function padded(message: string): string {
  const missing = 16 - ((message.length / 2) % 16);
  return message + missing.toString(16).padStart(2, '0').repeat(missing);
}

for (const [implementation, legacy] of implementations) {
  for (const [file, name, keySize] of paddedFiles) {
    const cipher = legacy.blockCiphers[name];
    if (cipher === undefined) continue;
    test(`${implementation}: ${name} finds what Wycheproof padded, whether its padding is good or not`, async () => {
      const groups = groupsOf<SizedGroup<PaddedCase>>(file).filter((group) => group.keySize === keySize);
      await eachCase<PaddedCase, SizedGroup<PaddedCase>>(groups, (vector) => {
        const key = cipher.key(fromHex(vector.key));
        const [iv, ciphertext] = [fromHex(vector.iv), fromHex(vector.ct)];
        if (ciphertext.length % 16 !== 0) {
          assert.throws(() => key.decrypt(iv, ciphertext), RangeError);
          return;
        }
        const plaintext = toHex(key.decrypt(iv, ciphertext));
        assert.equal(plaintext === padded(vector.msg), vector.result === 'valid');
        if (vector.result === 'valid') assert.equal(toHex(key.encrypt(iv, fromHex(padded(vector.msg)))), vector.ct);
      });
    });
  }
}

test('node has the AEADs that its OpenSSL has, which is not Camellia in GCM; the web has none', () => {
  const names: readonly LegacyAeadName[] = ['aes-256-ccm', 'aes-256-ccm-8', 'aria-128-gcm', 'aria-256-gcm'];
  assert.deepEqual(Object.keys(nodeLegacy.aeads), names);
  for (const name of names) assert.equal(nodeLegacy.aeads[name]?.name, name);
  assert.deepEqual(webLegacy.aeads, {});
});

interface AeadCase extends PaddedCase {
  readonly aad: string;
  readonly tag: string;
}

const aeadFiles: readonly (readonly [file: string, name: LegacyAeadName, keySize: number, tagSize: number])[] = [
  ['aes_ccm_256', 'aes-256-ccm', 256, 128],
  ['aes_ccm_256', 'aes-256-ccm-8', 256, 64],
  ['aria_gcm', 'aria-128-gcm', 128, 128],
  ['aria_gcm', 'aria-256-gcm', 256, 128],
];

function aeadOf(name: LegacyAeadName): Aead {
  const aead = nodeLegacy.aeads[name];
  assert.ok(aead);
  return aead;
}

for (const [file, name, keySize, tagSize] of aeadFiles) {
  test(`node: ${name} agrees with Wycheproof`, async () => {
    const aead = aeadOf(name);
    assert.deepEqual([8 * aead.keyLength, 8 * aead.tagLength], [keySize, tagSize]);
    const groups = groupsOf<SizedGroup<AeadCase>>(file).filter(
      (group) => group.keySize === keySize && group.tagSize === tagSize,
    );
    await eachCase<AeadCase, SizedGroup<AeadCase>>(groups, async (vector) => {
      const key = aead.key(fromHex(vector.key));
      const [nonce, data] = [fromHex(vector.iv), fromHex(vector.aad)];
      const opened = await key.open(nonce, data, fromHex(vector.ct + vector.tag));
      assert.equal(opened && toHex(opened), vector.result === 'valid' ? vector.msg : undefined);
      if (vector.result !== 'valid') return;
      assert.equal(toHex(await key.seal(nonce, data, fromHex(vector.msg))), vector.ct + vector.tag);
    });
  });
}

const rfc8269 = {
  nonce: '000020e8f5eb00000000315e',
  data: '8008315ebf2e6fe020e8f5eb',
  plaintext:
    'f57af5fd4ae19562976ec57a5a7ad55a5af5c5e5c5fdf5c55ad57a4a7272d57262e9729566ed66e97ac54a4a5a7ad5e15ae5fdd5fd5ac5d56ae56ad5c572d54ae54ac55a956afd6aed5a4ac562957a9516991691d572fd14e97ae962ed7a9f4a955af572e162f57a956666e17ae1f54a95f566d54a66e16e4afd6a9f7ae1c5c55ae5d56afde916c5e94a6ec56695e14afde1148416e94ad57ac5146ed59d1cc5',
  rows: [
    [
      'aria-128-gcm',
      'e91e5e75da65554a48181f3846349562',
      '4d8a9a0675550c704b17d8c9ddc81a5cd6f7da34f2fe1b3db7cb3dfb9697102ea0f3c1fc2dbc873d44bceeae8e4442974ba21ff6789d3272613fb9631a7cf3f14bacbeb421633a90ffbe58c2fa6bdca534f10d0de0502ce1d531b6336e58878278531e5c22bc6c85bbd784d78d9e680aa19031aaf89101d669d7a3965c1f7e16229d7463e0535f4e253f5d18187d40b8ae0f564bd970b5e7e2adfb211e89a9535abace3f37f5a736f4be984bbffbedc1',
    ],
    [
      'aria-256-gcm',
      '0c5ffd37a11edc42c325287fc0604f2e3e8cd5671a00fe3216aa5eb105783b54',
      '6f9e4bcbc8c85fc0128fb1e4a0a20cb9932ff74581f54fc013dd054b19f99371425b352d97d3f337b90b63d1b082adeeea9d2d7391897d591b985e55fb50cb5350cf7d38dc27dda127c078a149c8eb98083d66363a46e3726af217d3a00275ad5bf772c7610ea4c23006878f0ee69a8397703169a419303f40b72e4573714d19e2697df61e7c7252e5abc6bade876ac4961bfac4d5e867afca351a48aed52822e210d6ced2cf430ff841472915e7ef48',
    ],
  ],
} as const;

for (const [name, key, sealed] of rfc8269.rows) {
  test(`node: RFC 8269 appendix A.2: ${name}`, async () => {
    const aead = aeadOf(name).key(fromHex(key));
    const [nonce, data] = [fromHex(rfc8269.nonce), fromHex(rfc8269.data)];
    assert.equal(toHex(await aead.seal(nonce, data, fromHex(rfc8269.plaintext))), sealed);
    assert.deepEqual(await aead.open(nonce, data, fromHex(sealed)), fromHex(rfc8269.plaintext));
  });
}
