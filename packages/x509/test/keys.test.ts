import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { type KeyType, toHex } from '@handfast/crypto';
import fc from 'fast-check';
import * as der from '../src/der/writer.ts';
import {
  CertificateError,
  type CertificateErrorCode,
  keyFits,
  keyLabel,
  keyMatches,
  parsePrivateKey,
  parsePublicKey,
  parseSubjectKey,
  subjectKeyLabel,
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
      'a modulus of 8,193 bits',
      spki(rsa, rsaKey(new Uint8Array(1025).fill(0xff).with(0, 1), Uint8Array.of(3))),
      'unsupported_key',
      /^an RSA key of 8193 bits, over the limit of 8192, is not supported$/,
    ],
    [
      'an exponent of 34 bits',
      spki(rsa, rsaKey(modulus, Uint8Array.of(2, 0, 0, 0, 1))),
      'unsupported_key',
      /^an RSA exponent of 34 bits, over the limit of 33, is not supported$/,
    ],
    [
      'an X25519 key, with which nothing is signed',
      spki(algorithm('1.3.101.110'), new Uint8Array(32)),
      'unsupported_key',
      /^an X25519 key, which cannot sign, is not supported$/,
    ],
    [
      'a negative modulus',
      spki(rsa, der.sequence(der.value(2, modulus.with(0, 0x80)), der.smallInteger(3))),
      'malformed',
      /negative/,
    ],
    ['DSA', spki(algorithm('1.2.840.10040.4.1'), new Uint8Array(8)), 'unsupported_key', /^a DSA key is not supported$/],
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

describe('a public key at the limits', () => {
  it('of RSA has 8,192 bits and an exponent of 33 bits at most', () => {
    const most = parsePublicKey(spki(rsa, rsaKey(new Uint8Array(1024).fill(0xff), Uint8Array.of(1, 0, 0, 0, 1))));
    assert.deepEqual([most.type, most.bits], ['rsa', 8192]);
  });
});

describe('a key that a certificate may be about', () => {
  it('is every public key that verifies', async () => {
    const { publicKey } = await newSigner('ed25519');
    assert.deepEqual(parseSubjectKey(publicKey.spki), parsePublicKey(publicKey.spki));
    assert.equal(subjectKeyLabel(publicKey), 'Ed25519');
  });

  for (const [type, bits, label] of [
    ['x25519', 255, 'X25519'],
    ['x448', 448, 'X448'],
  ] as const) {
    it(`is one of ${label}`, () => {
      const { publicKey } = generateKeyPairSync(type as 'x25519');
      const key = parseSubjectKey(publicKey.export({ type: 'spki', format: 'der' }));
      assert.deepEqual([key.type, key.bits, subjectKeyLabel(key)], [type, bits, label]);
      assert.equal(
        toHex(key.raw),
        Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex'),
      );
    });
  }

  it('is one of DSA, with parameters or without', () => {
    const { publicKey } = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
    const key = parseSubjectKey(publicKey.export({ type: 'spki', format: 'der' }));
    assert.deepEqual([key.type, subjectKeyLabel(key)], ['dsa', 'DSA, 1024 bits']);
    const inherited = parseSubjectKey(spki(algorithm('1.2.840.10040.4.1'), der.smallInteger(5)));
    assert.equal(subjectKeyLabel(inherited), "DSA, under its issuer's parameters");
    assert.equal(keyMatches(key, inherited), false);
  });

  it('matches itself however its algorithm is written', () => {
    // RSA-PSS bound to SHA-256, and bound to nothing.
    const key = rsaKey(modulus, Uint8Array.of(3));
    const sha256 = algorithm('2.16.840.1.101.3.4.2.1', der.nothing());
    const bound = algorithm(
      '1.2.840.113549.1.1.10',
      der.sequence(
        der.explicit(0, sha256),
        der.explicit(1, algorithm('1.2.840.113549.1.1.8', sha256)),
        der.explicit(2, der.smallInteger(32)),
      ),
    );
    const one = parsePublicKey(spki(bound, key));
    const other = parsePublicKey(spki(algorithm('1.2.840.113549.1.1.10'), key));
    assert.equal(keyMatches(one, other), true);
    assert.equal(keyMatches(one, parsePublicKey(spki(rsa, key))), false);
  });

  for (const [what, bytes, why] of [
    ['X25519 parameters', spki(algorithm('1.3.101.110', der.nothing()), new Uint8Array(32)), /must be absent/],
    ['an X448 key of 32 bytes', spki(algorithm('1.3.101.111'), new Uint8Array(32)), /32 bytes, not 56/],
    [
      'a DSA modulus of 4,096 bits',
      spki(
        algorithm(
          '1.2.840.10040.4.1',
          der.sequence(der.unsigned(new Uint8Array(512).fill(255)), der.smallInteger(1), der.smallInteger(1)),
        ),
        der.smallInteger(5),
      ),
      /a modulus of 4096 bits/,
    ],
  ] as const) {
    it(`is refused with ${what}`, () => refuses(() => parseSubjectKey(bytes), 'malformed', why));
  }
});

describe('the PKCS#8 of a private key', () => {
  const pkcs8 = (identifier: Uint8Array, key: Uint8Array, version = 0): Uint8Array =>
    der.sequence(der.smallInteger(version), identifier, der.octetString(key));

  for (const type of ['ed25519', 'ed448', 'x25519', 'x448'] as const) {
    it(`of kind ${type} is read as it is`, () => {
      const { privateKey } = generateKeyPairSync(type as 'ed25519');
      const bytes = privateKey.export({ type: 'pkcs8', format: 'der' });
      assert.deepEqual(parsePrivateKey(bytes), new Uint8Array(bytes));
    });
  }

  it('of ML-DSA is a seed, an expanded key, or both', () => {
    const identifier = algorithm('2.16.840.1.101.3.4.3.17');
    const seed = der.implicit(0, new Uint8Array(32));
    const expanded = der.octetString(new Uint8Array(2560));
    const both = der.sequence(der.octetString(new Uint8Array(32)), expanded);
    for (const key of [seed, expanded, both]) {
      assert.deepEqual(parsePrivateKey(pkcs8(identifier, key)), pkcs8(identifier, key));
    }
  });

  const ecKey = (...parts: readonly Uint8Array[]): Uint8Array => der.sequence(der.smallInteger(1), ...parts);
  const p384 = der.explicit(0, der.oid('1.3.132.0.34'));
  const mlDsa65 = algorithm('2.16.840.1.101.3.4.3.18');
  for (const [what, bytes, code, why] of [
    [
      'an Ed25519 key of 31 bytes',
      pkcs8(algorithm(ed25519), der.octetString(new Uint8Array(31))),
      'malformed',
      /^ed25519 private key: 31 bytes, not 32$/,
    ],
    [
      'an Ed25519 key that is not wrapped',
      pkcs8(algorithm(ed25519), new Uint8Array(32)),
      'malformed',
      /ed25519 private key/,
    ],
    [
      'Ed25519 parameters',
      pkcs8(algorithm(ed25519, der.nothing()), der.octetString(new Uint8Array(32))),
      'malformed',
      /must be absent/,
    ],
    [
      'an ML-DSA-65 seed of 31 bytes',
      pkcs8(mlDsa65, der.implicit(0, new Uint8Array(31))),
      'malformed',
      /31 bytes, not 32/,
    ],
    [
      'an ML-DSA-65 key of ML-DSA-44',
      pkcs8(mlDsa65, der.octetString(new Uint8Array(2560))),
      'malformed',
      /2560 bytes, not 4032/,
    ],
    [
      'two curves',
      pkcs8(p256, ecKey(der.octetString(new Uint8Array(32)), p384)),
      'malformed',
      /curve 1\.2\.840\.10045\.3\.1\.7 outside, and 1\.3\.132\.0\.34 inside/,
    ],
    ['a short EC key', pkcs8(p256, ecKey(der.octetString(new Uint8Array(31)))), 'malformed', /31 bytes, not 32/],
    [
      'explicit curve parameters outside',
      pkcs8(algorithm('1.2.840.10045.2.1', der.sequence()), ecKey(der.octetString(new Uint8Array(32)))),
      'unsupported_key',
      /explicit/,
    ],
    ['an RSA key of three primes', pkcs8(rsa, der.sequence(der.smallInteger(1))), 'malformed', /more than two primes/],
    [
      'an RSA key of too few numbers',
      pkcs8(rsa, der.sequence(der.smallInteger(0), der.smallInteger(1))),
      'malformed',
      /1 numbers, not 8/,
    ],
    ['a version of its own', pkcs8(rsa, der.sequence(), 2), 'malformed', /version 2$/],
    [
      'version 2 and no public key',
      pkcs8(algorithm(ed25519), der.octetString(new Uint8Array(32)), 1),
      'malformed',
      /version 2 without a public key/,
    ],
    [
      'version 1 and a public key',
      der.sequence(
        der.smallInteger(0),
        algorithm(ed25519),
        der.octetString(der.octetString(new Uint8Array(32))),
        der.implicit(1, new Uint8Array(33)),
      ),
      'malformed',
      /version 1 with a public key/,
    ],
    [
      'an algorithm that nobody knows',
      pkcs8(algorithm('1.2.3'), new Uint8Array(1)),
      'unsupported_key',
      /^a key of algorithm 1\.2\.3 is not supported$/,
    ],
  ] as const) {
    it(`is refused with ${what}`, () => refuses(() => parsePrivateKey(bytes), code, why));
  }
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
  it('is read from the DER of SEC1 and PKCS#1', () => {
    same(ec.export({ type: 'sec1', format: 'der' }), ec);
    same(rsaPrivate.export({ type: 'pkcs1', format: 'der' }), rsaPrivate);
  });
  it('of any bytes throws no error but ours', () => {
    const keys = [ec.export({ type: 'pkcs8', format: 'der' }), rsaPrivate.export({ type: 'pkcs1', format: 'der' })];
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.nat(2000), fc.nat(255), (key, at, byte) => {
        try {
          parsePrivateKey(new Uint8Array(key).with(at % key.length, byte));
        } catch (error) {
          assert.ok(error instanceof CertificateError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
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
