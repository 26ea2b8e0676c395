/**
 * Signatures and private keys between providers.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { constants, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import {
  CryptoError,
  type CryptoErrorCode,
  type CryptoProvider,
  copyBytes,
  fromHex,
  type GeneratedKeyPair,
  type KeyType,
  type PublicKeyInfo,
  type SignatureAlgorithm,
  utf8,
} from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { forcedAsync } from '@handfast/crypto/testing';
import { signerFromCryptoKey, webProvider } from '@handfast/crypto/web';
import { fullWebProvider } from '@handfast/crypto/web/full';
import { encode, inside, tag } from '../src/der.ts';
import { readPkcs8, writePkcs8, writeSpki } from '../src/key-containers.ts';
import { publicKeyOf } from './support/public-key.ts';

const providers: readonly CryptoProvider[] = [nodeProvider, fullWebProvider];
const message = utf8('signed here, verified there');

const rsaAlgorithms: readonly SignatureAlgorithm[] = [
  'rsa-pss-sha256',
  'rsa-pss-sha384',
  'rsa-pss-sha512',
  'rsa-pkcs1-sha256',
  'rsa-pkcs1-sha384',
  'rsa-pkcs1-sha512',
];

/** What a key signs with, in order of preference. */
const expected: Readonly<Record<KeyType, readonly SignatureAlgorithm[]>> = {
  rsa: rsaAlgorithms,
  'rsa-pss': rsaAlgorithms.slice(0, 3),
  secp256r1: ['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'],
  secp384r1: ['ecdsa-sha384', 'ecdsa-sha256', 'ecdsa-sha512'],
  secp521r1: ['ecdsa-sha512', 'ecdsa-sha256', 'ecdsa-sha384'],
  ed25519: ['ed25519'],
  ed448: ['ed448'],
  'ml-dsa-44': ['ml-dsa-44'],
  'ml-dsa-65': ['ml-dsa-65'],
  'ml-dsa-87': ['ml-dsa-87'],
};

const keyTypes = Object.keys(expected) as readonly KeyType[]; // keys of the table above

const hasCode = (code: CryptoErrorCode) => (error: unknown) => error instanceof CryptoError && error.code === code;

async function check(
  provider: CryptoProvider,
  algorithm: SignatureAlgorithm,
  key: PublicKeyInfo,
  data: Uint8Array,
  signature: Uint8Array,
) {
  const verifier = provider.signatures[algorithm];
  assert.ok(verifier, `${algorithm} is a row of ${provider.name}`);
  return verifier.verify(key, data, signature);
}

for (const maker of providers) {
  for (const type of keyTypes) {
    test(`a ${type} key made by ${maker.name} signs and verifies with every provider`, async () => {
      const made = await maker.generateKeyPair(type);
      for (const provider of [...providers, forcedAsync(nodeProvider)]) {
        const signer = await provider.importPrivateKey(made.pkcs8);
        assert.deepEqual(signer.publicKey, made.signer.publicKey);
        assert.deepEqual(signer.publicKey, { ...publicKeyOf(signer.publicKey.spki) });
        assert.deepEqual(signer.algorithms, expected[type]);
        for (const algorithm of signer.algorithms) {
          const data = copyBytes(message);
          const signing = signer.sign(algorithm, data);
          data.fill(0xee); // borrowed no longer than the call
          const signature = await signing;
          for (const other of [...providers, forcedAsync(fullWebProvider)]) {
            assert.equal(await check(other, algorithm, made.signer.publicKey, message, signature), true);
            assert.equal(await check(other, algorithm, made.signer.publicKey, data, signature), false);
          }
        }
      }
    });
  }
}

for (const provider of providers) {
  test(`${provider.name}: a signer refuses algorithms that are not its own`, async () => {
    const { signer } = await provider.generateKeyPair('secp256r1');
    await assert.rejects(async () => signer.sign('rsa-pss-sha256', message), hasCode('unsupported'));
    await assert.rejects(async () => signer.sign('ed25519', message), hasCode('unsupported'));
  });

  test(`${provider.name}: an algorithm does not verify with a key of another type`, async () => {
    const { signer } = await provider.generateKeyPair('ed25519');
    const signature = await signer.sign('ed25519', message);
    assert.equal(await check(provider, 'ecdsa-sha256', signer.publicKey, message, signature), false);
    assert.equal(await check(provider, 'rsa-pkcs1-sha256', signer.publicKey, message, signature), false);
  });

  test(`${provider.name}: RSA-PSS takes the salt of the hash's length alone, and makes it`, async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = publicKeyOf(publicKey.export({ type: 'spki', format: 'der' }));
    for (const [saltLength, good] of [
      [32, true],
      [0, false],
      [20, false],
      [222, false],
    ] as const) {
      const padding = constants.RSA_PKCS1_PSS_PADDING;
      const signature = sign('sha256', message, { key: privateKey, padding, saltLength });
      assert.equal(await check(provider, 'rsa-pss-sha256', key, message, signature), good, `salt of ${saltLength}`);
    }
    const signer = await provider.importPrivateKey(privateKey.export({ type: 'pkcs8', format: 'der' }));
    const options = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    assert.equal(verify('sha256', message, options, await signer.sign('rsa-pss-sha256', message)), true);
  });

  test(`${provider.name}: an id-RSASSA-PSS key bound to a hash signs and verifies with that hash alone`, async () => {
    const { privateKey } = generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha384',
      mgf1HashAlgorithm: 'sha384',
    });
    const signer = await provider.importPrivateKey(privateKey.export({ type: 'pkcs8', format: 'der' }));
    assert.equal(signer.publicKey.type, 'rsa-pss');
    assert.deepEqual(signer.algorithms, ['rsa-pss-sha384']);
    const signature = await signer.sign('rsa-pss-sha384', message);
    assert.equal(await check(provider, 'rsa-pss-sha384', signer.publicKey, message, signature), true);
    assert.equal(await check(provider, 'rsa-pss-sha256', signer.publicKey, message, signature), false);
    assert.equal(await check(provider, 'rsa-pkcs1-sha384', signer.publicKey, message, signature), false);
  });

  test(`${provider.name}: an id-RSASSA-PSS key that wants a longer salt than the hash, or SHA-1, signs with nothing`, async () => {
    const bound = [
      ['sha256', 'sha256', 48],
      ['sha1', 'sha1', 20],
      ['sha256', 'sha384', 32],
    ] as const;
    for (const [hashAlgorithm, mgf1HashAlgorithm, saltLength] of bound) {
      const options = { modulusLength: 2048, hashAlgorithm, mgf1HashAlgorithm, saltLength };
      const { privateKey } = generateKeyPairSync('rsa-pss', options as Omit<typeof options, 'saltLength'>); // typed as a string
      const signer = await provider.importPrivateKey(privateKey.export({ type: 'pkcs8', format: 'der' }));
      assert.deepEqual(signer.algorithms, []);
      const signature = new Uint8Array(256);
      assert.equal(await check(provider, 'rsa-pss-sha256', signer.publicKey, message, signature), false);
    }
  });

  test(`${provider.name}: EC keys with explicit parameters are refused`, async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' });
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    await assert.rejects(async () => provider.importPrivateKey(pkcs8), hasCode('invalid_key'));
    assert.throws(
      () => publicKeyOf(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })),
      hasCode('invalid_key'),
    );
  });

  test(`${provider.name}: a private key that repeats its curve repeats the same one`, async () => {
    const { pkcs8 } = await provider.generateKeyPair('secp256r1');
    const [version, scalar] = inside(readPkcs8(pkcs8).privateKey);
    assert.ok(version && scalar);
    const withCurve = (curve: string) =>
      writePkcs8(encode(tag.sequence, version.der, scalar.der, encode(0xa0, fromHex(curve))), 'secp256r1');
    const signer = await provider.importPrivateKey(withCurve('06082a8648ce3d030107'));
    assert.equal(signer.publicKey.type, 'secp256r1');
    for (const curve of ['06052b8104000a', '3003020101']) {
      await assert.rejects(async () => provider.importPrivateKey(withCurve(curve)), hasCode('invalid_key'));
    }
  });

  test(`${provider.name}: curves that TLS does not sign with are unsupported`, async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    await assert.rejects(async () => provider.importPrivateKey(pkcs8), hasCode('unsupported'));
  });

  test(`${provider.name}: public keys with compressed points are invalid_key`, async () => {
    const { signer } = await provider.generateKeyPair('secp256r1');
    const signature = await signer.sign('ecdsa-sha256', message);
    const raw = signer.publicKey.raw.slice(0, 33);
    raw[0] = 2 + ((signer.publicKey.raw[64] ?? 0) & 1);
    const compressed: PublicKeyInfo = { ...signer.publicKey, raw, spki: writeSpki(raw, 'secp256r1') };
    await assert.rejects(check(provider, 'ecdsa-sha256', compressed, message, signature), hasCode('invalid_key'));
  });

  test(`${provider.name}: a small RSA key has no RSA-PSS with hashes that do not fit it`, async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const signer = await provider.importPrivateKey(privateKey.export({ type: 'pkcs8', format: 'der' }));
    // emLen 128 < 2 * 64 + 2
    assert.deepEqual(
      signer.algorithms,
      rsaAlgorithms.filter((algorithm) => algorithm !== 'rsa-pss-sha512'),
    );
  });

  test(`${provider.name}: public keys that are no keys are invalid_key, when they are used`, async () => {
    const { signer } = await provider.generateKeyPair('secp256r1');
    const signature = await signer.sign('ecdsa-sha256', message);
    const { publicKey } = signer;
    const raw = publicKey.raw.slice();
    raw[40] = (raw[40] ?? 0) ^ 1;
    const spki = publicKey.spki.slice();
    spki.set(raw, spki.length - raw.length);
    const offCurve: PublicKeyInfo = { ...publicKey, raw, spki };
    await assert.rejects(check(provider, 'ecdsa-sha256', offCurve, message, signature), hasCode('invalid_key'));
  });

  test(`${provider.name}: private keys that are none are refused`, async () => {
    const { pkcs8 } = await provider.generateKeyPair('secp256r1');
    for (const bad of [new Uint8Array(), pkcs8.slice(0, -1), pkcs8.slice(1), new Uint8Array(64).fill(0x30)]) {
      await assert.rejects(async () => provider.importPrivateKey(bad), hasCode('invalid_key'));
    }
  });

  test(`${provider.name}: a key that agrees but does not sign is refused`, async () => {
    const { privateKey } = generateKeyPairSync('x25519');
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
    await assert.rejects(async () => provider.importPrivateKey(pkcs8), CryptoError);
  });
}

test('every form of an ML-DSA private key is read, and a seed that does not fit its expanded key is refused', async () => {
  const web: GeneratedKeyPair = await fullWebProvider.generateKeyPair('ml-dsa-44');
  const node: GeneratedKeyPair = await nodeProvider.generateKeyPair('ml-dsa-44');
  assert.equal(web.pkcs8.length, 54); // the seed alone
  const both = await fullWebProvider.importPrivateKey(node.pkcs8);
  assert.deepEqual(both.publicKey, node.signer.publicKey);
  const forged = node.pkcs8.slice();
  if (forged.length < 2000) return; // a runtime that exports the seed alone
  const last = forged.length - 1;
  forged[last] = (forged[last] ?? 0) ^ 1;
  await assert.rejects(async () => fullWebProvider.importPrivateKey(forged), hasCode('invalid_key'));
});

test('a PKCS#8 with an EC key that does not repeat its public half is read', async () => {
  const { pkcs8, signer } = await nodeProvider.generateKeyPair('secp256r1');
  const jwk = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
  assert.ok(jwk.d);
  const scalar = Buffer.from(jwk.d, 'base64url');
  const head = Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex');
  const without = copyBytes(Buffer.concat([head, scalar]));
  for (const provider of providers) {
    assert.deepEqual((await provider.importPrivateKey(without)).publicKey, signer.publicKey);
  }
});

test('a non-extractable WebCrypto key signs: an EC key with every hash, an RSA key with its own alone', async () => {
  const { subtle } = globalThis.crypto;
  const ec = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, false, ['sign', 'verify']);
  const ecKey = publicKeyOf(new Uint8Array(await subtle.exportKey('spki', ec.publicKey)));
  const ecSigner = signerFromCryptoKey(ec.privateKey, ecKey.spki);
  assert.deepEqual(ecSigner.algorithms, expected.secp384r1);
  for (const algorithm of ecSigner.algorithms) {
    const signature = await ecSigner.sign(algorithm, message);
    assert.equal(await check(nodeProvider, algorithm, ecKey, message, signature), true);
  }
  const parameters = { name: 'RSA-PSS', hash: 'SHA-384', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) };
  const rsa = await subtle.generateKey(parameters, false, ['sign', 'verify']);
  const rsaKey = publicKeyOf(new Uint8Array(await subtle.exportKey('spki', rsa.publicKey)));
  const rsaSigner = signerFromCryptoKey(rsa.privateKey, rsaKey);
  assert.deepEqual(rsaSigner.algorithms, ['rsa-pss-sha384']);
  const signature = await rsaSigner.sign('rsa-pss-sha384', message);
  assert.equal(await check(nodeProvider, 'rsa-pss-sha384', rsaKey, message, signature), true);
  assert.throws(() => signerFromCryptoKey(rsa.privateKey, ecKey), hasCode('invalid_key'));
  assert.throws(() => signerFromCryptoKey(ec.publicKey, ecKey), hasCode('invalid_key'));
});

test('the default web provider says which private keys it has no row for', async () => {
  const { pkcs8 } = await nodeProvider.generateKeyPair('ed448');
  await assert.rejects(async () => webProvider.importPrivateKey(pkcs8), hasCode('unsupported'));
});
