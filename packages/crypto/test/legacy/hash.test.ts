/**
 * MD5, SHA-1 and HMAC over them, on both providers.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, type LegacyCryptography, type LegacyHash, toHex, utf8 } from '@handfast/crypto';
import { nodeLegacy } from '@handfast/crypto/legacy/node';
import { webLegacy } from '@handfast/crypto/legacy/web';
import { type Case, eachCase, type Group, groupsOf } from '../support/wycheproof.ts';

const implementations: readonly (readonly [string, LegacyCryptography])[] = [
  ['node', nodeLegacy],
  ['web', webLegacy],
];

/** RFC 1321 §A.5 and RFC 3174 §7.3, which hash the text so many times over. */
const digests: readonly (readonly [hash: LegacyHash, text: string, times: number, digest: string])[] = [
  ['md5', '', 1, 'd41d8cd98f00b204e9800998ecf8427e'],
  ['md5', 'a', 1, '0cc175b9c0f1b6a831c399e269772661'],
  ['md5', 'abc', 1, '900150983cd24fb0d6963f7d28e17f72'],
  ['md5', 'message digest', 1, 'f96b697d7cb7938d525a2f31aaf161d0'],
  ['md5', 'abcdefghijklmnopqrstuvwxyz', 1, 'c3fcd3d76192e4007dfb496cca67e13b'],
  ['md5', 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 1, 'd174ab98d277d9f5a5611c2c9f419d9f'],
  ['md5', '1234567890', 8, '57edf4a22be3c955ac49da2e2107b67a'],
  ['sha1', 'abc', 1, 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['sha1', 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', 1, '84983e441c3bd26ebaae4aa1f95129e5e54670f1'],
  ['sha1', 'a', 1_000_000, '34aa973cd4c4daa4f61eeb2bdbad27316534016f'],
  [
    'sha1',
    '0123456701234567012345670123456701234567012345670123456701234567',
    10,
    'dea356a2cddd90c7a7ecedc5ebb563934f460452',
  ],
];

/** RFC 2202 §2 and §3. */
const hmacs: readonly (readonly [hash: LegacyHash, key: string, data: string, mac: string])[] = [
  ['md5', '0b'.repeat(16), toHex(utf8('Hi There')), '9294727a3638bb1c13f48ef8158bfc9d'],
  ['md5', toHex(utf8('Jefe')), toHex(utf8('what do ya want for nothing?')), '750c783e6ab0b503eaa86e310a5db738'],
  ['md5', 'aa'.repeat(16), 'dd'.repeat(50), '56be34521d144c88dbb8c733f0e8b3f6'],
  ['md5', '0102030405060708090a0b0c0d0e0f10111213141516171819', 'cd'.repeat(50), '697eaf0aca3a3aea3a75164746ffaa79'],
  ['md5', '0c'.repeat(16), toHex(utf8('Test With Truncation')), '56461ef2342edc00f9bab995690efd4c'],
  [
    'md5',
    'aa'.repeat(80),
    toHex(utf8('Test Using Larger Than Block-Size Key - Hash Key First')),
    '6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd',
  ],
  [
    'md5',
    'aa'.repeat(80),
    toHex(utf8('Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data')),
    '6f630fad67cda0ee1fb1f562db3aa53e',
  ],
  ['sha1', '0b'.repeat(20), toHex(utf8('Hi There')), 'b617318655057264e28bc0b6fb378c8ef146be00'],
  [
    'sha1',
    toHex(utf8('Jefe')),
    toHex(utf8('what do ya want for nothing?')),
    'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
  ],
  ['sha1', 'aa'.repeat(20), 'dd'.repeat(50), '125d7342b9ac11cd91a39af48aa17b4f63f175d3'],
  [
    'sha1',
    'aa'.repeat(80),
    toHex(utf8('Test Using Larger Than Block-Size Key - Hash Key First')),
    'aa4ae5e15272d00e95705637ce8a3b55ed402112',
  ],
];

interface MacCase extends Case {
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
}

interface MacGroup extends Group<MacCase> {
  readonly tagSize: number;
}

for (const [name, legacy] of implementations) {
  test(`${name}: digests of RFC 1321 §A.5 and RFC 3174 §7.3, at once and in pieces`, () => {
    for (const [hash, text, times, digest] of digests) {
      const whole = utf8(text.repeat(times));
      assert.equal(toHex(legacy.digest(hash, whole)), digest);
      const middle = Math.floor(whole.length / 3);
      const pieces = legacy.createHash(hash).update(whole.subarray(0, middle)).update(whole.subarray(middle));
      assert.equal(toHex(pieces.digest()), digest);
    }
  });

  test(`${name}: HMACs of RFC 2202`, () => {
    for (const [hash, key, data, mac] of hmacs)
      assert.equal(toHex(legacy.hmac(hash, fromHex(key))(fromHex(data))), mac);
  });

  test(`${name}: HMAC-SHA-1 agrees with Wycheproof`, async () => {
    await eachCase<MacCase, MacGroup>(groupsOf<MacGroup>('hmac_sha1'), (vector, { tagSize }) => {
      const mac = toHex(legacy.hmac('sha1', fromHex(vector.key))(fromHex(vector.msg)));
      assert.equal(mac.slice(0, tagSize / 4) === vector.tag, vector.result === 'valid');
    });
  });

  for (const hash of ['md5', 'sha1'] as const) {
    test(`${name}: a ${hash} cloned half-way goes on by itself`, () => {
      const whole = legacy.createHash(hash).update(utf8('client hello'));
      const clone = whole.clone();
      whole.update(utf8('server hello'));
      assert.deepEqual(clone.digest(), legacy.digest(hash, utf8('client hello')));
      assert.deepEqual(whole.digest(), nodeLegacy.digest(hash, utf8('client helloserver hello')));
    });

    test(`${name}: an HMAC over ${hash} copies its key and serves many messages`, () => {
      const raw = utf8('a key');
      const mac = legacy.hmac(hash, raw);
      raw.fill(0);
      const first = mac(utf8('one'));
      mac(utf8('two'));
      assert.deepEqual(mac(utf8('one')), first);
      assert.deepEqual(first, nodeLegacy.hmac(hash, utf8('a key'))(utf8('one')));
      assert.equal(first.buffer.byteLength, first.length);
    });
  }
}
