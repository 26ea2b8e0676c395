import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { type KeyType, toHex } from '@handfast/crypto';
import * as der from '../src/der/writer.ts';
import {
  CertificateError,
  type CertificateErrorCode,
  keyFits,
  keyLabel,
  parsePrivateKey,
  parsePublicKey,
  toPem,
} from '../src/index.ts';
import { newSigner, nodeProvider } from './support/pki.ts';

function refuses(how: () => unknown, code: CertificateErrorCode, why: RegExp): void {
  assert.throws(how, (error) => {
    assert.ok(error instanceof CertificateError);
    assert.equal(error.code, code);
    assert.match(error.message, why);
    return true;
  });
}

const spki = (algorithm: Uint8Array, key: Uint8Array): Uint8Array => der.sequence(algorithm, der.bitString(key));
const algorithm = (oid: string, ...parameters: readonly Uint8Array[]): Uint8Array =>
  der.sequence(der.oid(oid), ...parameters);

const p256 = algorithm('1.2.840.10045.2.1', der.oid('1.2.840.10045.3.1.7'));
const rsa = algorithm('1.2.840.113549.1.1.1', der.nothing());
const ed25519 = '1.3.101.112';

const point = new Uint8Array(65).fill(1).with(0, 4);
const rsaKey = (modulus: Uint8Array, exponent: Uint8Array): Uint8Array =>
  der.sequence(der.unsigned(modulus), der.unsigned(exponent));
const modulus = new Uint8Array(256).fill(0xff);

describe('a public key', () => {
  const kinds: readonly (readonly [KeyType, number, string])[] = [
    ['rsa', 2048, 'RSA, 2048 bits'],
    ['rsa-pss', 2048, 'RSA-PSS, 2048 bits'],
    ['secp256r1', 256, 'ECDSA P-256'],
    ['secp384r1', 384, 'ECDSA P-384'],
    ['secp521r1', 521, 'ECDSA P-521'],
    ['ed25519', 256, 'Ed25519'],
    ['ed448', 456, 'Ed448'],
    ['ml-dsa-44', 128, 'ML-DSA-44'],
    ['ml-dsa-65', 192, 'ML-DSA-65'],
    ['ml-dsa-87', 256, 'ML-DSA-87'],
  ];
  for (const [type, bits, label] of kinds) {
    const skip = type.startsWith('ml-dsa') && nodeProvider.signatures['ml-dsa-44'] === undefined;
    it(`of kind ${type} is read`, { skip }, async () => {
      const { publicKey } = await newSigner(type);
      const key = parsePublicKey(publicKey.spki);
      assert.deepEqual([key.type, key.bits, keyLabel(key)], [type, bits, label]);
      assert.equal(toHex(key.spki).endsWith(toHex(key.raw)), true);
    });
  }

  for (const [what, bytes, code, why] of [
    [
      'explicit curve parameters',
      spki(algorithm('1.2.840.10045.2.1', der.sequence()), point),
      'unsupported_key',
      /explicit/,
    ],
    [
      'curve P-192',
      spki(algorithm('1.2.840.10045.2.1', der.oid('1.2.840.10045.3.1.1')), point),
      'unsupported_key',
      /1\.2\.840\.10045\.3\.1\.1/,
    ],
    ['no curve', spki(algorithm('1.2.840.10045.2.1'), point), 'malformed', /no named curve/],
    ['a compressed point', spki(p256, new Uint8Array(33).fill(2)), 'unsupported_key', /compressed/],
    ['a hybrid point', spki(p256, point.with(0, 6)), 'malformed', /uncompressed point of 65/],
    ['a short point', spki(p256, point.subarray(1).with(0, 4)), 'malformed', /uncompressed point of 65/],
    ['the point at infinity', spki(p256, Uint8Array.of(0)), 'malformed', /uncompressed point of 65/],
    ['an Ed25519 key of 31 bytes', spki(algorithm(ed25519), new Uint8Array(31)), 'malformed', /31 bytes, not 32/],
    ['Ed25519 parameters', spki(algorithm(ed25519, der.nothing()), new Uint8Array(32)), 'malformed', /must be absent/],
    [
      'an ML-DSA-65 key of the wrong length',
      spki(algorithm('2.16.840.1.101.3.4.3.18'), new Uint8Array(1312)),
      'malformed',
      /1312 bytes, not 1952/,
    ],
    [
      'RSA parameters absent',
      spki(algorithm('1.2.840.113549.1.1.1'), rsaKey(modulus, Uint8Array.of(3))),
      'malformed',
      /not NULL/,
    ],
    ['an even modulus', spki(rsa, rsaKey(modulus.with(255, 0xfe), Uint8Array.of(3))), 'malformed', /even modulus/],
    ['an exponent of 1', spki(rsa, rsaKey(modulus, Uint8Array.of(1))), 'malformed', /exponent/],
    ['an even exponent', spki(rsa, rsaKey(modulus, Uint8Array.of(4))), 'malformed', /exponent/],
    ['an exponent as long as the modulus', spki(rsa, rsaKey(modulus, modulus)), 'malformed', /exponent/],
    [
      'a modulus of 32,768 bits',
      spki(rsa, rsaKey(new Uint8Array(4096).fill(0xff), Uint8Array.of(3))),
      'unsupported_key',
      /32768 bits/,
    ],
    [
      'a negative modulus',
      spki(rsa, der.sequence(der.value(2, modulus.with(0, 0x80)), der.smallInteger(3))),
      'malformed',
      /negative/,
    ],
    ['DSA', spki(algorithm('1.2.840.10040.4.1'), new Uint8Array(8)), 'unsupported_key', /1\.2\.840\.10040\.4\.1/],
    [
      'RSA-PSS parameters by default, which are SHA-1',
      spki(algorithm('1.2.840.113549.1.1.10', der.sequence()), rsaKey(modulus, Uint8Array.of(3))),
      'unsupported_key',
      /RSA-PSS/,
    ],
    [
      'a BIT STRING with unused bits',
      der.sequence(p256, der.value(3, Uint8Array.of(1), point.with(64, 0))),
      'malformed',
      /whole bytes/,
    ],
    ['trailing bytes', new Uint8Array([...spki(p256, point), 0]), 'malformed', /too many/],
  ] as const) {
    it(`is refused with ${what}`, () => refuses(() => parsePublicKey(bytes), code, why));
  }

  it('of RSA-PSS that is bound to a hash fits that hash alone', () => {
    const { publicKey } = generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha384',
      mgf1HashAlgorithm: 'sha384',
    });
    const key = parsePublicKey(publicKey.export({ type: 'spki', format: 'der' }));
    assert.equal(key.type, 'rsa-pss');
    assert.equal(keyFits('rsa-pss-sha384', key), true);
    assert.equal(keyFits('rsa-pss-sha256', key), false);
    assert.equal(keyFits('rsa-pkcs1-sha384', key), false);
  });
});

describe('a private key', () => {
  const same = (pem: string | Uint8Array, key: KeyObject): void => {
    const read = createPrivateKey({ key: Buffer.from(parsePrivateKey(pem)), format: 'der', type: 'pkcs8' });
    assert.ok(read.equals(key));
  };
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const rsaPrivate = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

  it('is read from PKCS#8, SEC1 and PKCS#1, as PEM', () => {
    same(ec.export({ type: 'pkcs8', format: 'pem' }).toString(), ec);
    same(ec.export({ type: 'sec1', format: 'pem' }).toString(), ec);
    same(rsaPrivate.export({ type: 'pkcs8', format: 'pem' }).toString(), rsaPrivate);
    same(rsaPrivate.export({ type: 'pkcs1', format: 'pem' }).toString(), rsaPrivate);
  });
  it('is read from the DER of PKCS#8', () => same(ec.export({ type: 'pkcs8', format: 'der' }), ec));
  it('is read from PEM bytes', () => same(Buffer.from(ec.export({ type: 'sec1', format: 'pem' })), ec));
  it('is found beside other blocks', () => {
    same(
      `${toPem('EC PARAMETERS', der.oid('1.3.132.0.34'))}${toPem('CERTIFICATE', der.sequence())}${ec.export({ type: 'sec1', format: 'pem' })}`,
      ec,
    );
  });
  it('with attributes and public key loses them', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const plain = parsePrivateKey(privateKey.export({ type: 'pkcs8', format: 'der' }));
    const inner = plain.subarray(5);
    const extended = der.sequence(der.smallInteger(1), inner, der.value(0xa0), der.implicit(1, new Uint8Array(33)));
    assert.deepEqual(parsePrivateKey(extended), plain);
  });
  it('is imported by the provider', async () => {
    const signer = await nodeProvider.importPrivateKey(
      parsePrivateKey(ec.export({ type: 'sec1', format: 'pem' }).toString()),
    );
    assert.equal(signer.publicKey.type, 'secp384r1');
  });
  it('under a password is refused as such', () => {
    const options = { format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' } as const;
    const old = [
      '-----BEGIN RSA PRIVATE KEY-----',
      'Proc-Type: 4,ENCRYPTED',
      'DEK-Info: AES-128-CBC,00',
      '',
      'AAAA',
      '-----END RSA PRIVATE KEY-----',
    ].join('\n');
    refuses(() => parsePrivateKey(ec.export({ type: 'pkcs8', ...options }).toString()), 'encrypted_key', /password/);
    refuses(
      () => parsePrivateKey(ec.export({ type: 'pkcs8', ...options, format: 'der' })),
      'encrypted_key',
      /password/,
    );
    refuses(() => parsePrivateKey(old), 'encrypted_key', /password/);
  });
  it('that is not there is said so, with what is', () => {
    refuses(() => parsePrivateKey(toPem('CERTIFICATE', der.sequence())), 'malformed', /holds "CERTIFICATE"/);
    refuses(() => parsePrivateKey('hello'), 'malformed', /no PEM block at all/);
  });
  it('is one, not two', () => {
    const pem = ec.export({ type: 'pkcs8', format: 'pem' }).toString();
    refuses(() => parsePrivateKey(pem + pem), 'malformed', /2 private keys/);
  });
  it('of an unknown container is refused', () => {
    refuses(() => parsePrivateKey(toPem('OPENSSH PRIVATE KEY', der.sequence())), 'unsupported_key', /OPENSSH/);
  });
  it('on explicit curve parameters is refused', () => {
    const key = der.sequence(der.smallInteger(1), der.octetString(new Uint8Array(32)), der.explicit(0, der.sequence()));
    refuses(() => parsePrivateKey(toPem('EC PRIVATE KEY', key)), 'unsupported_key', /explicit/);
  });
  it('never shows its bytes in an error', () => {
    const secret = ec.export({ type: 'pkcs8', format: 'der' });
    const cut = secret.subarray(0, secret.length - 4);
    assert.throws(
      () => parsePrivateKey(cut),
      (error) => error instanceof CertificateError && !error.message.includes(toHex(cut.subarray(40, 44))),
    );
  });
});
