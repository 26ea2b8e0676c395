import { strict as assert } from 'node:assert';
import { checkPrimeSync, generateKeyPairSync, generatePrimeSync } from 'node:crypto';
import { test } from 'node:test';
import { concat, type KeyType, type PublicKeyInfo } from '@handfast/crypto';
import { parsePublicKey } from '@handfast/x509';
import { CaError, serverProfile } from '../../src/index.ts';
import { checkKey } from '../../src/issuing/keys.ts';
import { weakModulus } from '../../src/issuing/weak-rsa.ts';
import { newKey, nodeProvider, opened, refuses, request } from '../support/authority.ts';

function refusalOf(key: PublicKeyInfo): string | undefined {
  try {
    checkKey(key, serverProfile, []);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof CaError);
    assert.equal(error.code, 'bad_key');
    return error.message;
  }
}

function rsaKey(modulusLength: number, publicExponent = 65537): PublicKeyInfo {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
  return parsePublicKey(publicKey.export({ format: 'der', type: 'spki' }));
}

const kinds: readonly (readonly [KeyType, string | undefined])[] = [
  ['secp256r1', undefined],
  ['secp384r1', undefined],
  ['ed25519', undefined],
  ['rsa', undefined],
  ['secp521r1', 'the profile "server" takes no key of ECDSA P-521'],
  ['ed448', 'the profile "server" takes no key of Ed448'],
  ['ml-dsa-44', 'the profile "server" takes no key of ML-DSA-44'],
];

for (const [type, refusal] of kinds) {
  test(`a key of type ${type} is ${refusal === undefined ? 'taken' : 'refused'}`, async () => {
    assert.equal(refusalOf((await nodeProvider.generateKeyPair(type)).signer.publicKey), refusal);
  });
}

test('an RSA key of less than 2048 bits is refused', () => {
  assert.equal(refusalOf(rsaKey(2040)), 'a key of RSA, 2040 bits: the least is 2048 bits');
});

test('an RSA key with a small exponent is refused', () => {
  assert.equal(refusalOf(rsaKey(2048, 3)), 'a key of RSA, 2048 bits with the public exponent 3');
});

test('an RSA modulus with a small factor is refused', () => {
  const prime = generatePrimeSync(1024, { bigint: true });
  assert.equal(weakModulus(751n * prime), 'its modulus is divisible by 751');
  assert.equal(weakModulus(3n * prime), 'its modulus is divisible by 3');
});

/** A number whose residues modulo small primes are those of a power of 65537, as the flawed library's were. */
function rocaModulus(): bigint {
  let product = 1n;
  for (let prime = 3; prime < 168; prime += 2) {
    let isPrime = true;
    for (let factor = 3; factor * factor <= prime; factor += 2) isPrime &&= prime % factor !== 0;
    if (isPrime) product *= BigInt(prime);
  }
  const power = 65537n ** 1234n % product;
  for (let factor = 1n << 1840n; ; factor++) {
    const candidate = factor * product + power;
    if (weakModulus(candidate)?.startsWith('its modulus') !== true) return candidate;
  }
}

test('an RSA key with the pattern of ROCA is refused', () => {
  assert.equal(weakModulus(rocaModulus()), 'it has the pattern of keys that can be factored (ROCA, CVE-2017-15361)');
});

test('an RSA key whose primes are close to each other is refused', () => {
  const p = generatePrimeSync(512, { bigint: true });
  let q = p + 2n;
  while (!checkPrimeSync(q)) q += 2n;
  assert.equal(weakModulus(p * q), 'its primes are too close to each other (CVE-2022-26320)');
});

test('an honest RSA key shows no weakness', () => {
  assert.equal(refusalOf(rsaKey(2048)), undefined);
});

test('a point that is not on its curve is refused', async () => {
  const { spki, raw } = await newKey();
  const moved = parsePublicKey(concat(spki.subarray(0, -1), Uint8Array.of((raw.at(-1) ?? 0) ^ 1)));
  assert.equal(refusalOf(moved), 'the key of ECDSA P-256 is none: it cannot be imported');
});

test("a CA's own key is refused, the root's too", async (t) => {
  const { authority, issuer } = await opened(t);
  for (const { publicKey } of issuer.chain) {
    await refuses(authority.issue(await request({ publicKey })), 'bad_key', /^the key is a CA's own$/);
    await refuses(authority.checkKey(publicKey), 'bad_key', /^the key is a CA's own$/);
  }
});

test('a key that was blocked is refused, and stays so', async (t) => {
  const { authority, clock } = await opened(t);
  const publicKey = await newKey();
  await authority.checkKey(publicKey);
  assert.equal(await authority.blockKey({ key: publicKey, by: 'operator alice' }), 0);
  clock.time += 1_000_000_000;
  const words = /^the key is known to be compromised$/;
  await refuses(authority.checkKey(publicKey), 'bad_key', words);
  await refuses(authority.issue(await request({ publicKey })), 'bad_key', words);
  assert.deepEqual(await authority.unfinished(), []);
});
