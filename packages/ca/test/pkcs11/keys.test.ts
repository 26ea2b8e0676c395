import assert from 'node:assert/strict';
import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateEncrypt,
  sign,
  verify,
} from 'node:crypto';
import { test } from 'node:test';
import type { SignatureAlgorithm } from '@handfast/crypto';
import { CKM_ECDSA, CKM_RSA_PKCS, CKM_RSA_PKCS_PSS } from '../../pkcs11/src/cryptoki.ts';
import { algorithmsOf, signatureOf, signInput, signMechanisms } from '../../pkcs11/src/mechanisms.ts';
import { publicKeyOf } from '../../pkcs11/src/public-key.ts';

const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
const bytesOf = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const data = Buffer.from('to be signed');

test('an RSA key is read from modulus and exponent', () => {
  const { n, e } = rsa.publicKey.export({ format: 'jwk' });
  const key = publicKeyOf({ kind: 'rsa', modulus: bytesOf(n), exponent: bytesOf(e) });
  assert.deepEqual(Buffer.from(key.spki), spkiOf(rsa.publicKey));
  assert.equal(key.bits, 1024);
});

test('a point is read as an OCTET STRING, as a BIT STRING, and bare', () => {
  for (const [namedCurve, type, parameters, length] of [
    ['P-256', 'secp256r1', '06082a8648ce3d030107', 65],
    ['P-384', 'secp384r1', '06052b81040022', 97],
    ['P-521', 'secp521r1', '06052b81040023', 133],
  ] as const) {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve });
    const spki = spkiOf(publicKey);
    const point = spki.subarray(-length);
    const sizes = (size: number): number[] => (size < 128 ? [size] : [0x81, size]);
    for (const head of [[], [4, ...sizes(length)], [3, ...sizes(length + 1), 0]]) {
      const key = publicKeyOf({
        kind: 'ec',
        parameters: Buffer.from(parameters, 'hex'),
        point: Buffer.concat([Buffer.from(head), point]),
      });
      assert.deepEqual([Buffer.from(key.spki), key.type], [spki, type]);
    }
  }
});

test('an Ed25519 key is read by its identifier and by its name', () => {
  const spki = spkiOf(generateKeyPairSync('ed25519').publicKey);
  for (const parameters of ['06032b6570', '130c656477617264733235353139']) {
    const point = Buffer.concat([Buffer.of(4, 32), spki.subarray(-32)]);
    const key = publicKeyOf({ kind: 'ec', parameters: Buffer.from(parameters, 'hex'), point });
    assert.deepEqual([Buffer.from(key.spki), key.type], [spki, 'ed25519']);
  }
});

test('a SubjectPublicKeyInfo is taken as it is', () => {
  const spki = spkiOf(rsa.publicKey);
  assert.equal(publicKeyOf({ kind: 'spki', spki }).type, 'rsa');
});

test('another curve, a point that is short, compressed, or not on its curve, is refused', () => {
  const p256 = Buffer.from('06082a8648ce3d030107', 'hex');
  const secp256k1 = Buffer.from('06052b8104000a', 'hex');
  const refused = (parameters: Buffer, point: Buffer, code: string): void =>
    assert.throws(() => publicKeyOf({ kind: 'ec', parameters, point }), { name: 'Pkcs11Error', code });
  refused(secp256k1, Buffer.alloc(65, 4), 'unsupported');
  refused(p256, Buffer.alloc(64, 4), 'key');
  refused(p256, Buffer.alloc(66, 4), 'key');
  refused(p256, Buffer.alloc(65, 4), 'key');
  refused(p256, Buffer.alloc(33, 2), 'key');
});

test('a key has the algorithms that its token has mechanisms for', () => {
  const key = publicKeyOf({ kind: 'spki', spki: spkiOf(rsa.publicKey) });
  const pkcs1 = ['rsa-pkcs1-sha256', 'rsa-pkcs1-sha384', 'rsa-pkcs1-sha512'];
  // 128 bytes have no room for a hash and a salt of 64 each.
  assert.deepEqual(algorithmsOf(key, signMechanisms), ['rsa-pss-sha256', 'rsa-pss-sha384', ...pkcs1]);
  assert.deepEqual(algorithmsOf(key, [CKM_RSA_PKCS]), pkcs1);
  assert.deepEqual(algorithmsOf(key, [CKM_ECDSA]), []);
  const p384 = spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey);
  const own = algorithmsOf(publicKeyOf({ kind: 'spki', spki: p384 }), signMechanisms);
  assert.deepEqual(own, ['ecdsa-sha384', 'ecdsa-sha256', 'ecdsa-sha512']);
});

test('what an RSA token pads is the DigestInfo of RFC 8017', () => {
  const key = publicKeyOf({ kind: 'spki', spki: spkiOf(rsa.publicKey) });
  for (const hash of ['sha256', 'sha384', 'sha512'] as const) {
    const input = signInput(`rsa-pkcs1-${hash}`, key, data);
    assert.deepEqual([input.mechanism, input.signatureLength], [{ mechanism: CKM_RSA_PKCS }, 128]);
    const made = privateEncrypt({ key: rsa.privateKey, padding: constants.RSA_PKCS1_PADDING }, input.data);
    assert.deepEqual(made, sign(hash, data, rsa.privateKey));
  }
});

test('PSS has the hash’s length as salt, and the hash in its mask', () => {
  const key = publicKeyOf({ kind: 'spki', spki: spkiOf(rsa.publicKey) });
  assert.deepEqual(signInput('rsa-pss-sha384', key, data).mechanism, {
    mechanism: CKM_RSA_PKCS_PSS,
    parameter: { type: 5, hashAlg: 0x260, mgf: 3, saltLen: 48 },
  });
});

test('of a digest that is longer than the curve the first bytes go to the token', () => {
  const key = publicKeyOf({
    kind: 'spki',
    spki: spkiOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
  });
  const lengths = (['ecdsa-sha256', 'ecdsa-sha384', 'ecdsa-sha512'] as const).map((algorithm) => {
    const { data: digest, signatureLength } = signInput(algorithm, key, data);
    return [digest.length, signatureLength];
  });
  assert.deepEqual(lengths, [
    [32, 64],
    [32, 64],
    [32, 64],
  ]);
});

test('an ECDSA signature becomes DER, others stay', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const made = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  assert.equal(
    verify(
      'sha256',
      data,
      createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
      signatureOf('ecdsa-sha256', made),
    ),
    true,
  );
  for (const algorithm of ['ed25519', 'rsa-pkcs1-sha256'] satisfies SignatureAlgorithm[]) {
    assert.equal(signatureOf(algorithm, made), made);
  }
});
