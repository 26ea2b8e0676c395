/**
 * Signatures over MD5 and SHA-1, and RSA key transport.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, type KeyObject, privateEncrypt, publicDecrypt } from 'node:crypto';
import { test } from 'node:test';
import {
  type Bytes,
  CryptoError,
  type CryptoErrorCode,
  concat,
  fromHex,
  type LegacyCryptography,
  type LegacyHandshakeSignature,
  type LegacyKey,
  type PublicKeyInfo,
  toHex,
  utf8,
} from '@handfast/crypto';
import { premasterOf } from '@handfast/crypto/legacy';
import { nodeLegacy } from '@handfast/crypto/legacy/node';
import { webLegacy } from '@handfast/crypto/legacy/web';
import { publicKeyOf } from '../support/public-key.ts';
import { type Case, eachCase, type Group, groupsOf } from '../support/wycheproof.ts';

const implementations: readonly (readonly [string, LegacyCryptography])[] = [
  ['node', nodeLegacy],
  ['web', webLegacy],
];
const message = utf8('client random, server random, parameters');

interface Pair {
  readonly privateKey: KeyObject;
  readonly pkcs8: Uint8Array;
  readonly info: PublicKeyInfo;
}

function pairOf({ publicKey, privateKey }: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }): Pair {
  return {
    privateKey,
    pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }),
    info: publicKeyOf(publicKey.export({ type: 'spki', format: 'der' })),
  };
}

const rsa = pairOf(generateKeyPairSync('rsa', { modulusLength: 1024 }));
const pairs = {
  rsa,
  secp256r1: pairOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  secp384r1: pairOf(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  secp521r1: pairOf(generateKeyPairSync('ec', { namedCurve: 'P-521' })),
};
const modulusLength = 128;

/** Awaits, so that what throws and what rejects are the same. */
function assertCode(work: () => unknown, code: CryptoErrorCode): Promise<void> {
  return assert.rejects(
    async () => work(),
    (error) => error instanceof CryptoError && error.code === code,
  );
}

const cases: readonly (readonly [keyof typeof pairs, readonly LegacyHandshakeSignature[]])[] = [
  ['rsa', ['rsa-pkcs1-sha1', 'rsa-pkcs1-md5-sha1']],
  ['secp256r1', ['ecdsa-sha1']],
  ['secp384r1', ['ecdsa-sha1']],
  ['secp521r1', ['ecdsa-sha1']],
];

for (const [name, legacy] of implementations) {
  for (const [type, allAlgorithms] of cases) {
    const { pkcs8, info } = pairs[type];
    const algorithms = allAlgorithms.filter((algorithm) => name === 'node' || algorithm !== 'rsa-pkcs1-md5-sha1');

    test(`${name}: a key of type ${type} signs with ${algorithms.join(', ')}, and nothing else`, async () => {
      const key = await legacy.importPrivateKey(pkcs8);
      assert.deepEqual(key.algorithms, algorithms);
      assert.deepEqual(key.publicKey, info);
      const others: readonly LegacyHandshakeSignature[] = ['rsa-pkcs1-md5-sha1', 'rsa-pkcs1-sha1', 'ecdsa-sha1'];
      for (const other of others) {
        if (!algorithms.includes(other)) await assertCode(() => key.sign(other, message), 'unsupported');
      }
    });

    for (const algorithm of algorithms) {
      test(`${name}: ${algorithm} by ${type} is verified by both, and nothing that differs is`, async () => {
        const key = await legacy.importPrivateKey(pkcs8);
        const borrowed = message.slice();
        const signing = key.sign(algorithm, borrowed);
        borrowed.fill(0);
        const signature = await signing;
        for (const [verifier, other] of implementations) {
          if (verifier === 'web' && algorithm === 'rsa-pkcs1-md5-sha1') continue;
          const verify = (data: Uint8Array, bytes: Uint8Array) => other.verify(algorithm, info, data, bytes);
          assert.equal(await verify(message, signature), true);
          assert.equal(await verify(utf8('something else'), signature), false);
          for (const at of [0, 1, signature.length >> 1, signature.length - 1]) {
            const changed = signature.slice();
            changed[at] = (changed[at] ?? 0) ^ 1;
            assert.equal(await verify(message, changed), false, `byte ${at}`);
          }
          for (const bytes of [signature.subarray(1), concat(signature, fromHex('00')), new Uint8Array(0)]) {
            assert.equal(await verify(message, bytes), false);
          }
        }
      });
    }
  }

  test(`${name}: a signature by another kind of key is false`, async () => {
    const signature = await (await nodeLegacy.importPrivateKey(rsa.pkcs8)).sign('rsa-pkcs1-sha1', message);
    assert.equal(await legacy.verify('ecdsa-sha1', rsa.info, message, signature), false);
    assert.equal(await legacy.verify('rsa-pkcs1-sha1', pairs.secp256r1.info, message, signature), false);
    const pss: PublicKeyInfo = { ...rsa.info, type: 'rsa-pss' };
    assert.equal(await legacy.verify('rsa-pkcs1-sha1', pss, message, signature), false);
  });

  test(`${name}: public keys that are not what they say are refused, and so are points that are not whole`, async () => {
    const { info } = pairs.secp256r1;
    const compressed = concat(fromHex('02'), info.raw.subarray(1, 33));
    const hybrid = concat(fromHex('06'), info.raw.subarray(1));
    const signature = await (await nodeLegacy.importPrivateKey(pairs.secp256r1.pkcs8)).sign('ecdsa-sha1', message);
    for (const raw of [compressed, hybrid, info.raw.slice(0, 64), new Uint8Array(0)]) {
      await assertCode(() => legacy.verify('ecdsa-sha1', { ...info, raw }, message, signature), 'invalid_key');
    }
    const notRsa: PublicKeyInfo = { ...rsa.info, raw: fromHex('3000') };
    await assertCode(
      () => legacy.verify('rsa-pkcs1-sha1', notRsa, message, new Uint8Array(modulusLength)),
      'invalid_key',
    );
  });

  test(`${name}: keys without old ways are unsupported, and what is no key is invalid`, async () => {
    for (const { privateKey } of [
      generateKeyPairSync('rsa-pss', { modulusLength: 1024 }),
      generateKeyPairSync('ed25519'),
      generateKeyPairSync('ed448'),
    ]) {
      const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
      await assertCode(() => legacy.importPrivateKey(pkcs8), 'unsupported');
    }
    await assertCode(() => legacy.importPrivateKey(rsa.pkcs8.subarray(1)), 'invalid_key');
    await assertCode(() => legacy.importPrivateKey(new Uint8Array(0)), 'invalid_key');
  });
}

test('the web has no MD5 in signatures, and no RSA key transport', async () => {
  await assertCode(
    () => webLegacy.verify('rsa-pkcs1-md5-sha1', rsa.info, message, new Uint8Array(modulusLength)),
    'unsupported',
  );
  assert.equal(webLegacy.rsaEncrypt, undefined);
  assert.equal('decryptRaw' in (await webLegacy.importPrivateKey(rsa.pkcs8)), false);
});

/** RSASP1 of any block: a signature over exactly these bytes. */
function signedBlock(block: Uint8Array): Bytes {
  const options = { key: rsa.privateKey, padding: constants.RSA_NO_PADDING };
  return new Uint8Array(privateEncrypt(options, block));
}

/** 00 type, so many bytes of padding, 00, and the rest, up to the modulus. */
function block(type: number, padding: number, content: Uint8Array, fill = 0xff): Bytes {
  const head = concat(Uint8Array.of(0, type), new Uint8Array(padding).fill(fill), Uint8Array.of(0), content);
  return concat(head, new Uint8Array(modulusLength - head.length).fill(0x5a));
}

test('rsa-pkcs1-md5-sha1 signs a block of type 1 around 36 bytes, with no DigestInfo', async () => {
  const signature = await (await nodeLegacy.importPrivateKey(rsa.pkcs8)).sign('rsa-pkcs1-md5-sha1', message);
  const both = concat(nodeLegacy.digest('md5', message), nodeLegacy.digest('sha1', message));
  const recovered = publicDecrypt({ key: rsa.privateKey, padding: constants.RSA_NO_PADDING }, signature);
  assert.equal(toHex(recovered), toHex(block(1, modulusLength - 39, both)));
  assert.equal(toHex(signature), toHex(signedBlock(block(1, modulusLength - 39, both))));
});

test('rsa-pkcs1-md5-sha1 compares the whole block: what is forged for lenient parsers is false', async () => {
  const md5 = nodeLegacy.digest('md5', message);
  const sha1 = nodeLegacy.digest('sha1', message);
  const both = concat(md5, sha1);
  const full = modulusLength - 39;
  const verify = (bytes: Uint8Array) => nodeLegacy.verify('rsa-pkcs1-md5-sha1', rsa.info, message, signedBlock(bytes));
  assert.equal(await verify(block(1, full, both)), true);
  const good = block(1, full, both);
  const sha1Info = concat(fromHex('3021300906052b0e03021a05000414'), sha1);
  const md5Info = concat(fromHex('3020300c06082a864886f70d020505000410'), md5);
  const forged: Readonly<Record<string, Bytes>> = {
    'little padding, garbage behind the digests': block(1, 8, both),
    'one byte of garbage behind the digests': block(1, full - 1, both),
    'one byte of padding too few, a zero before the digests': block(1, full - 1, concat(fromHex('00'), both)),
    'type 2': block(2, full, both),
    'type 0': block(0, full, both, 0),
    'padding that is not ff': block(1, full, both, 0xfe),
    'no padding': block(1, 0, both),
    'MD5 alone': block(1, modulusLength - 19, md5),
    'SHA-1 alone': block(1, modulusLength - 23, sha1),
    'both the other way about': block(1, full, concat(sha1, md5)),
    'a DigestInfo of SHA-1': block(1, modulusLength - 3 - sha1Info.length, sha1Info),
    'a DigestInfo of MD5': block(1, modulusLength - 3 - md5Info.length, md5Info),
    'both in an OCTET STRING': block(1, full - 2, concat(fromHex('0424'), both)),
    nothing: new Uint8Array(modulusLength),
  };
  for (const [what, bytes] of Object.entries(forged)) assert.equal(await verify(bytes), false, what);
  for (let at = 0; at < good.length; at++) {
    const changed = good.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(await verify(changed), false, `byte ${at}`);
  }
});

/** RSADP as its definition has it. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % modulus) {
    if (rest & 1n) result = (result * square) % modulus;
  }
  return result;
}

const jwk = rsa.privateKey.export({ format: 'jwk' });
const numberOf = (base64url: string | undefined) =>
  BigInt(`0x${Buffer.from(base64url ?? '', 'base64url').toString('hex')}`);
const n = numberOf(jwk.n);
const bytesOf = (value: bigint) => fromHex(value.toString(16).padStart(2 * modulusLength, '0'));

async function decrypterOf(pkcs8: Uint8Array): Promise<NonNullable<LegacyKey['decryptRaw']>> {
  const { decryptRaw } = await nodeLegacy.importPrivateKey(pkcs8);
  assert.ok(decryptRaw);
  return decryptRaw;
}

test('decryptRaw is the power of the private exponent, as long as the modulus, zeros in front', async () => {
  const decryptRaw = await decrypterOf(rsa.pkcs8);
  const ciphertexts = [0n, 1n, 2n, n - 1n, power(3n, 65537n, n), power(0xffff_ffffn, 65537n, n), n >> 1n];
  for (const ciphertext of ciphertexts) {
    const block = await decryptRaw(bytesOf(ciphertext));
    assert.equal(toHex(block), toHex(bytesOf(power(ciphertext, numberOf(jwk.d), n))));
    assert.equal(block.buffer.byteLength, modulusLength);
    assert.equal(Object.getPrototypeOf(block), Uint8Array.prototype);
  }
  assert.equal(toHex(await decryptRaw(bytesOf(power(3n, 65537n, n)))), toHex(bytesOf(3n)));
});

test('decryptRaw fails for what anybody can see alone: the length, and the range', async () => {
  const decryptRaw = await decrypterOf(rsa.pkcs8);
  for (const length of [0, 1, modulusLength - 1, modulusLength + 1]) {
    await assertCode(() => decryptRaw(new Uint8Array(length)), 'failed');
  }
  for (const value of [n, n + 1n, 2n ** 1024n - 1n]) await assertCode(() => decryptRaw(bytesOf(value)), 'failed');
});

test('an EC key has no decryptRaw', async () => {
  assert.equal('decryptRaw' in (await nodeLegacy.importPrivateKey(pairs.secp256r1.pkcs8)), false);
});

test('a premaster secret that rsaEncrypt sends arrives, also where its bytes are zeros', async () => {
  const { rsaEncrypt } = nodeLegacy;
  assert.ok(rsaEncrypt);
  const decryptRaw = await decrypterOf(rsa.pkcs8);
  const fallback = new Uint8Array(48).fill(0xee);
  for (const fill of [0, 1, 0xff]) {
    const premaster = concat(fromHex('0301'), new Uint8Array(46).fill(fill));
    const block = await decryptRaw(await rsaEncrypt(rsa.info, premaster));
    assert.deepEqual([...block.subarray(0, 2)], [0, 2]);
    assert.deepEqual(premasterOf(block, 0x0301, fallback), premaster);
    assert.deepEqual(premasterOf(block, 0x0303, fallback), fallback);
  }
});

test('rsaEncrypt takes RSA keys alone, and as much as fits', async () => {
  const { rsaEncrypt } = nodeLegacy;
  assert.ok(rsaEncrypt);
  await assertCode(() => rsaEncrypt(pairs.secp256r1.info, new Uint8Array(48)), 'unsupported');
  await assertCode(() => rsaEncrypt({ ...rsa.info, type: 'rsa-pss' }, new Uint8Array(48)), 'unsupported');
  await assertCode(() => rsaEncrypt({ ...rsa.info, raw: fromHex('3000') }, new Uint8Array(48)), 'invalid_key');
  await assertCode(() => rsaEncrypt(rsa.info, new Uint8Array(modulusLength - 10)), 'failed');
  assert.equal((await rsaEncrypt(rsa.info, new Uint8Array(modulusLength - 11))).length, modulusLength);
});

interface RsaCase extends Case {
  readonly msg: string;
  readonly ct: string;
}

interface RsaGroup extends Group<RsaCase> {
  readonly privateKeyPkcs8: string;
}

/** RFC 8017 §7.2.2, step 3, on a block that is no secret. */
function messageIn(block: Uint8Array): string | undefined {
  const end = block.indexOf(0, 2);
  return block[0] === 0 && block[1] === 2 && end >= 10 ? toHex(block.subarray(end + 1)) : undefined;
}

test('decryptRaw agrees with Wycheproof on RSAES-PKCS1-v1_5, and throws for no padding', async () => {
  await eachCase<RsaCase, RsaGroup>(groupsOf<RsaGroup>('rsa_pkcs1_2048'), async (vector, { privateKeyPkcs8 }) => {
    const decryptRaw = await decrypterOf(fromHex(privateKeyPkcs8));
    const ciphertext = fromHex(vector.ct);
    if (vector.flags.includes('InvalidCiphertextFormat')) {
      await assertCode(() => decryptRaw(ciphertext), 'failed');
      return;
    }
    assert.equal(messageIn(await decryptRaw(ciphertext)), vector.result === 'valid' ? vector.msg : undefined);
  });
});
