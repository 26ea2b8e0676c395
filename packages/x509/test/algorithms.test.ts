import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SignatureAlgorithm } from '@handfast/crypto';
import { encodeSignatureAlgorithm, readAlgorithmIdentifier, signatureAlgorithmOf } from '../src/algorithms.ts';
import { readDer } from '../src/der/reader.ts';
import * as der from '../src/der/writer.ts';
import { CertificateError } from '../src/errors.ts';

const algorithmOf = (bytes: Uint8Array): SignatureAlgorithm | undefined =>
  signatureAlgorithmOf(readDer(Uint8Array.from(bytes), 'x', (reader) => readAlgorithmIdentifier(reader, 'x')));

const all: readonly SignatureAlgorithm[] = [
  'ecdsa-sha256',
  'ecdsa-sha384',
  'ecdsa-sha512',
  'rsa-pss-sha256',
  'rsa-pss-sha384',
  'rsa-pss-sha512',
  'rsa-pkcs1-sha256',
  'rsa-pkcs1-sha384',
  'rsa-pkcs1-sha512',
  'ed25519',
  'ed448',
  'ml-dsa-44',
  'ml-dsa-65',
  'ml-dsa-87',
];

const sha256 = '2.16.840.1.101.3.4.2.1';
const sha384 = '2.16.840.1.101.3.4.2.2';
const sha1 = '1.3.14.3.2.26';
const mgf1 = '1.2.840.113549.1.1.8';
const hash = (oid: string, ...parameters: readonly Uint8Array[]): Uint8Array =>
  der.sequence(der.oid(oid), ...parameters);
const pss = (...fields: readonly Uint8Array[]): Uint8Array =>
  der.sequence(der.oid('1.2.840.113549.1.1.10'), der.sequence(...fields));
const pssOf = (digest: string, mgf: string, salt: number): Uint8Array =>
  pss(
    der.explicit(0, hash(digest)),
    der.explicit(1, der.sequence(der.oid(mgf1), hash(mgf))),
    der.explicit(2, der.smallInteger(salt)),
  );

describe('an AlgorithmIdentifier', () => {
  for (const algorithm of all) {
    it(`of ${algorithm} is written and read`, () =>
      assert.equal(algorithmOf(encodeSignatureAlgorithm(algorithm)), algorithm));
  }
  it('of ECDSA has no parameters (RFC 5758 §3.2)', () => {
    assert.equal(algorithmOf(hash('1.2.840.10045.4.3.2', der.nothing())), undefined);
  });
  it('of EdDSA has no parameters (RFC 8410 §3)', () =>
    assert.equal(algorithmOf(hash('1.3.101.112', der.nothing())), undefined));
  it('of RSA PKCS #1 has NULL, or nothing (RFC 4055 §5)', () => {
    assert.equal(algorithmOf(hash('1.2.840.113549.1.1.11')), 'rsa-pkcs1-sha256');
    assert.equal(algorithmOf(hash('1.2.840.113549.1.1.11', der.sequence())), undefined);
  });
  it('of RSA-PSS may leave out the NULL of its hashes (RFC 4055 §2.1)', () => {
    assert.equal(algorithmOf(pssOf(sha256, sha256, 32)), 'rsa-pss-sha256');
  });
  for (const [what, bytes] of [
    ['another hash in MGF1', pssOf(sha256, sha384, 32)],
    ['a salt shorter than the hash', pssOf(sha256, sha256, 20)],
    ['a salt longer than the hash', pssOf(sha256, sha256, 222)],
    ['SHA-1', pssOf(sha1, sha1, 20)],
    ['everything by default', pss()],
    ['no parameters at all', hash('1.2.840.113549.1.1.10')],
  ] as const) {
    it(`of RSA-PSS is none of ours with ${what}`, () => assert.equal(algorithmOf(bytes), undefined));
  }
  it('of RSA-PSS is malformed with its default trailer written out', () => {
    assert.throws(() => algorithmOf(pss(der.explicit(3, der.smallInteger(1)))), CertificateError);
  });
  it('of something else is none of ours', () =>
    assert.equal(algorithmOf(hash('1.2.840.113549.1.1.5', der.nothing())), undefined));
});
