/**
 * The web provider where the web platform is not what it should be.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CryptoError, isThenable } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { createWebProvider, signerFromCryptoKey, webProvider } from '@handfast/crypto/web';
import { fullWebProvider, x448 } from '@handfast/crypto/web/full';
import { has } from '../src/web/features.ts';

async function withCrypto<T>(value: object, work: () => T | Promise<T>): Promise<T> {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  assert.ok(own);
  Object.defineProperty(globalThis, 'crypto', { value, configurable: true });
  try {
    return await work();
  } finally {
    Object.defineProperty(globalThis, 'crypto', own);
  }
}

const needsSecureContext = (error: unknown) =>
  error instanceof CryptoError && error.code === 'unsupported' && /secure context/.test(error.message);

test('without crypto.subtle, every operation that needs it says that a secure context is needed', async () => {
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
  const signature = await signer.sign('ecdsa-sha256', new Uint8Array());
  const insecure = { getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto) };
  await withCrypto(insecure, async () => {
    const { aeads, groups, signatures } = webProvider;
    await assert.rejects(async () => groups.x25519?.generate(), needsSecureContext);
    await assert.rejects(async () => groups.secp256r1?.encapsulate(signer.publicKey.raw), needsSecureContext);
    await assert.rejects(async () => webProvider.importPrivateKey(pkcs8), needsSecureContext);
    await assert.rejects(async () => webProvider.generateKeyPair('rsa'), needsSecureContext);
    const verifier = signatures['ecdsa-sha256'];
    await assert.rejects(
      async () => verifier?.verify(signer.publicKey, new Uint8Array(), signature),
      needsSecureContext,
    );
    const key = aeads['aes-128-gcm']?.key(new Uint8Array(16));
    assert.ok(key);
    await assert.rejects(
      async () => key.seal(new Uint8Array(12), new Uint8Array(), new Uint8Array()),
      needsSecureContext,
    );
    await assert.rejects(
      async () => key.open(new Uint8Array(12), new Uint8Array(), new Uint8Array(16)),
      needsSecureContext,
    );
    // noble's part works on.
    assert.equal((await groups.mlkem768?.generate())?.share.length, 1184);
    assert.equal(webProvider.random(8).length, 8);
  });
});

test('an algorithm that the runtime lacks is unsupported', async () => {
  const notSupported = async () => {
    throw new DOMException('Unrecognized name.', 'NotSupportedError');
  };
  await withCrypto({ subtle: { generateKey: notSupported, importKey: notSupported } }, async () => {
    await assert.rejects(
      async () => webProvider.groups.x25519?.generate(),
      (error) => error instanceof CryptoError && error.code === 'unsupported',
    );
  });
});

test('rows are added to the default ones', () => {
  const provider = createWebProvider({ groups: { x448 } });
  assert.equal(provider.groups.x448, x448);
  assert.equal(provider.groups.x25519, webProvider.groups.x25519);
});

const parts = [new Uint8Array(12), new Uint8Array(), new Uint8Array(9)] as const;

/** WebCrypto as it was before ML-KEM and its like: what it does not know it calls by one error or another. */
function olderCrypto(error: () => Error): { crypto: object; trials: string[] } {
  const { crypto } = globalThis;
  const trials: string[] = [];
  const subtle = new Proxy(crypto.subtle, {
    get(target, name) {
      if (name === 'generateKey') {
        return async (algorithm: { readonly name: string }, ...rest: [boolean, KeyUsage[]]) => {
          if (!['X25519', 'ECDH', 'ECDSA', 'Ed25519'].includes(algorithm.name)) {
            trials.push(algorithm.name);
            throw error();
          }
          return target.generateKey(algorithm, ...rest);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { crypto: { subtle, getRandomValues: crypto.getRandomValues.bind(crypto) }, trials };
}

test('AES-GCM is asynchronous on the web', async () => {
  for (const name of ['aes-128-gcm', 'aes-256-gcm'] as const) {
    const aead = webProvider.aeads[name];
    const key = aead?.key(new Uint8Array(aead.keyLength));
    for (let i = 0; i < 3; i++) {
      const sealing = key?.seal(...parts, 5);
      assert.ok(isThenable(sealing));
      const sealed = await sealing;
      assert.deepEqual(await key?.open(parts[0], parts[1], sealed.slice(5)), parts[2]);
      assert.equal(await key?.open(parts[0], parts[1], sealed.slice(4)), undefined);
    }
  }
});

test('where the runtime lacks an algorithm noble stands in, synchronous once that is known; it is tried once', async () => {
  const errors = [
    () => new DOMException('Unrecognized name.', 'NotSupportedError'),
    () => new TypeError('no such usage'),
  ];
  for (const error of errors) {
    const { crypto, trials } = olderCrypto(error);
    await withCrypto(crypto, async () => {
      const { aeads, groups, signatures } = fullWebProvider;
      const right = nodeProvider.aeads['chacha20-poly1305']?.key(new Uint8Array(32)).seal(...parts);
      const first = aeads['chacha20-poly1305']?.key(new Uint8Array(32));
      const sealing = first?.seal(...parts);
      // What was asked of a key is done, also where the key is given up before it is there.
      first?.dispose();
      assert.ok(isThenable(sealing));
      assert.deepEqual(await sealing, right);
      const second = aeads['chacha20-poly1305']?.key(new Uint8Array(32));
      assert.deepEqual(second?.seal(...parts), right);
      assert.deepEqual(second?.open(parts[0], parts[1], right as Uint8Array), parts[2]);
      for (const group of [groups.mlkem768, groups.x448]) {
        assert.ok(group);
        const key = await group.generate();
        const { share, secret } = await group.encapsulate(key.share);
        assert.deepEqual(await key.agree(share), secret);
        assert.ok(!isThenable(group.generate()));
      }
      for (const type of ['ml-dsa-44', 'ed448'] as const) {
        const { signer } = await fullWebProvider.generateKeyPair(type);
        const signature = await signer.sign(type, parts[2]);
        assert.equal(signatures[type]?.verify(signer.publicKey, parts[2], signature), true);
      }
    });
    assert.deepEqual(trials.sort(), ['ChaCha20-Poly1305', 'Ed448', 'ML-DSA-44', 'ML-KEM-768', 'X448']);
  }
});

test('ML-KEM, X448, Ed448 and ML-DSA agree with those of node, whoever does the arithmetic', async () => {
  for (const name of ['mlkem768', 'mlkem1024', 'x25519mlkem768', 'x448'] as const) {
    for (const [one, other] of [
      [fullWebProvider, nodeProvider],
      [nodeProvider, fullWebProvider],
    ] as const) {
      const key = await one.groups[name]?.generate();
      assert.ok(key);
      const answer = await other.groups[name]?.encapsulate(key.share);
      assert.ok(answer);
      assert.deepEqual(await key.agree(answer.share), answer.secret);
      await assert.rejects(async () => key.agree(answer.share.subarray(1)), isInvalidShare);
    }
  }
  for (const type of ['ed448', 'ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'] as const) {
    const { signer, pkcs8 } = await fullWebProvider.generateKeyPair(type);
    const same = await nodeProvider.importPrivateKey(pkcs8);
    assert.deepEqual(signer.publicKey, same.publicKey);
    for (const [by, at] of [
      [signer, nodeProvider],
      [same, fullWebProvider],
    ] as const) {
      const signature = await by.sign(type, parts[2]);
      assert.equal(await at.signatures[type]?.verify(by.publicKey, parts[2], signature), true);
      assert.equal(await at.signatures[type]?.verify(by.publicKey, parts[1], signature), false);
    }
  }
});

const isInvalidShare = (error: unknown): boolean => error instanceof CryptoError && error.code === 'invalid_share';

test('a share of X25519 that the runtime refuses at import is invalid, as one that gives zeros is', async () => {
  const { crypto } = globalThis;
  const refuse = async () => {
    throw new DOMException('The share is all zeros', 'DataError');
  };
  const x25519 = webProvider.groups.x25519;
  await assert.rejects(async () => x25519?.encapsulate(new Uint8Array(32)), isInvalidShare);
  const { subtle: whole } = crypto;
  const subtle = {
    generateKey: whole.generateKey.bind(whole),
    exportKey: whole.exportKey.bind(whole),
    importKey: refuse,
  };
  await withCrypto({ subtle }, () =>
    assert.rejects(async () => x25519?.encapsulate(new Uint8Array(32)), isInvalidShare),
  );
});

test('a non-extractable CryptoKey signs, for every algorithm that it was made for', async () => {
  const { subtle } = globalThis.crypto;
  const rsa = { modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' };
  const made = [
    [{ name: 'ECDSA', namedCurve: 'P-256' }, ['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512']],
    [{ name: 'ECDSA', namedCurve: 'P-384' }, ['ecdsa-sha384', 'ecdsa-sha256', 'ecdsa-sha512']],
    [{ name: 'RSA-PSS', ...rsa }, ['rsa-pss-sha256']],
    [{ name: 'RSASSA-PKCS1-v1_5', ...rsa, hash: 'SHA-384' }, ['rsa-pkcs1-sha384']],
    [{ name: 'Ed25519' }, ['ed25519']],
    [{ name: 'Ed448' }, ['ed448']],
    [{ name: 'ML-DSA-65' }, ['ml-dsa-65']],
  ] as const;
  for (const [parameters, algorithms] of made) {
    if (!(await has(parameters.name, ['sign', 'verify'])) && /^(ML|Ed448)/.test(parameters.name)) continue;
    const pair = (await subtle.generateKey(parameters, false, ['sign', 'verify'])) as CryptoKeyPair;
    assert.equal(pair.privateKey.extractable, false);
    const spki = new Uint8Array(await subtle.exportKey('spki', pair.publicKey));
    const signer = signerFromCryptoKey(pair.privateKey, spki);
    assert.deepEqual(signer.algorithms, algorithms);
    for (const algorithm of algorithms) {
      const signature = await signer.sign(algorithm, parts[2]);
      assert.equal(await nodeProvider.signatures[algorithm]?.verify(signer.publicKey, parts[2], signature), true);
    }
    await assert.rejects(async () => signer.sign('rsa-pss-sha512', parts[2]), /makes no rsa-pss-sha512 signatures/);
  }
});

test('a CryptoKey that cannot sign is refused, and the error says why', async () => {
  const { subtle } = globalThis.crypto;
  const p256 = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await subtle.generateKey(p256, false, ['sign', 'verify']);
  const spki = new Uint8Array(await subtle.exportKey('spki', pair.publicKey));
  const exchange = await subtle.generateKey({ ...p256, name: 'ECDH' }, false, ['deriveBits', 'deriveKey']);
  const other = await subtle.generateKey({ ...p256, namedCurve: 'P-384' }, false, ['sign', 'verify']);
  const hmac = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  for (const [key, why] of [
    [pair.publicKey, /not a private key that may sign: it is public/],
    [exchange.privateKey, /not a private key that may sign: it may deriveBits and deriveKey|deriveKey and deriveBits/],
    [hmac, /not a private key that may sign: it is secret/],
    [other.privateKey, /a CryptoKey for ECDSA, P-384 does not sign for this secp256r1 key/],
  ] as const) {
    assert.throws(
      () => signerFromCryptoKey(key, spki),
      (error) => error instanceof CryptoError && error.code === 'invalid_key' && why.test(error.message),
    );
  }
});

test('nothing of the web provider names node:', () => {
  const folder = new URL('../src/web/', import.meta.url);
  const files = readdirSync(folder);
  assert.ok(files.length > 5);
  for (const file of files) assert.doesNotMatch(readFileSync(new URL(file, folder), 'utf8'), /['"]node:|\bBuffer\b/);
});
