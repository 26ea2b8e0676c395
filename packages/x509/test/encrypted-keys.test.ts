import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { type CryptoProvider, copyBytes, utf8 } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { webProvider } from '@handfast/crypto/web';
import { fullWebProvider } from '@handfast/crypto/web/full';
import fc from 'fast-check';
import * as der from '../src/der/writer.ts';
import {
  CertificateError,
  type CertificateErrorCode,
  decryptPrivateKey,
  encryptPrivateKey,
  type PasswordEncryption,
  parsePrivateKey,
  toPem,
} from '../src/index.ts';
import { legacyPbe } from '../src/legacy/index.ts';
import { encodeKeyDerivation, type KeyDerivation } from '../src/pbe/derive.ts';

async function refuses(how: () => unknown, code: CertificateErrorCode, message: string): Promise<CertificateError> {
  let found: CertificateError | undefined;
  await assert.rejects(
    async () => how(),
    (error) => {
      assert.ok(error instanceof CertificateError, String(error));
      assert.deepEqual([error.code, error.message], [code, message]);
      found = error;
      return true;
    },
  );
  assert.ok(found);
  return found;
}

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const plain = copyBytes(ec.export({ type: 'pkcs8', format: 'der' }));
const password = 'pässword ☺';
const wrong = 'private key: the password is wrong, or the file is damaged';
const quick = { iterations: 1000 };

/** An EncryptedPrivateKeyInfo that asks for this derivation, over nothing. */
function asking(derivation: KeyDerivation): Uint8Array {
  const cipher = der.sequence(der.oid('2.16.840.1.101.3.4.1.42'), der.octetString(new Uint8Array(16)));
  const pbes2 = der.sequence(der.oid('1.2.840.113549.1.5.13'), der.sequence(encodeKeyDerivation(derivation), cipher));
  return der.sequence(pbes2, der.octetString(new Uint8Array(16)));
}

for (const provider of [nodeProvider, fullWebProvider] satisfies CryptoProvider[]) {
  describe(`${provider.name}: a private key under a password`, () => {
    const kinds: readonly PasswordEncryption[] = [
      quick,
      { ...quick, cipher: 'aes-128-cbc' },
      { ...quick, cipher: 'aes-192-cbc', hash: 'sha384' },
      { ...quick, hash: 'sha512' },
      { scrypt: true },
      { scrypt: { N: 1024, r: 8, p: 2 }, cipher: 'aes-128-cbc' },
    ];
    for (const options of kinds) {
      it(`is written so that OpenSSL reads it, and read again: ${JSON.stringify(options)}`, async () => {
        const sealed = await encryptPrivateKey(provider, plain, password, options);
        const opened = createPrivateKey({
          key: Buffer.from(sealed),
          format: 'der',
          type: 'pkcs8',
          passphrase: password,
        });
        assert.ok(opened.equals(ec));
        assert.deepEqual(await decryptPrivateKey(provider, sealed, password), parsePrivateKey(plain));
        assert.deepEqual(await decryptPrivateKey(provider, sealed, utf8(password)), parsePrivateKey(plain));
        await refuses(() => decryptPrivateKey(provider, sealed, 'password'), 'wrong_password', wrong);
      });
    }

    it('is written with 600,000 iterations of PBKDF2 and AES-256 by default', async () => {
      const sealed = Buffer.from(await encryptPrivateKey(provider, plain, password));
      // INTEGER 600000, then hmacWithSHA256; and aes256-CBC.
      assert.ok(sealed.includes(Buffer.from('02030927c0300c06082a864886f70d02090500', 'hex')));
      assert.ok(sealed.includes(Buffer.from('060960864801650304012a', 'hex')));
    });

    for (const cipher of ['aes-128-cbc', 'aes-256-cbc'] as const) {
      it(`is read as OpenSSL writes it: PKCS#8 with ${cipher}, PEM and DER`, async () => {
        const pem = rsa.export({ type: 'pkcs8', format: 'pem', cipher, passphrase: password }).toString();
        const bytes = rsa.export({ type: 'pkcs8', format: 'der', cipher, passphrase: password });
        const expected = parsePrivateKey(rsa.export({ type: 'pkcs8', format: 'der' }));
        assert.deepEqual(await decryptPrivateKey(provider, `text before\n${pem}text after`, password), expected);
        assert.deepEqual(await decryptPrivateKey(provider, bytes, password), expected);
      });
    }

    for (const cipher of ['des-ede3-cbc', 'aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'] as const) {
      it(`is read as OpenSSL wrote it once, as legacy: PKCS#1 and SEC1 with ${cipher}`, async () => {
        for (const [key, type] of [
          [rsa, 'pkcs1'],
          [ec, 'sec1'],
        ] as const) {
          const pem = key.export({ type, format: 'pem', cipher, passphrase: password }).toString();
          const expected = parsePrivateKey(key.export({ type: 'pkcs8', format: 'der' }));
          const opened = await decryptPrivateKey(provider, pem, password, { legacy: legacyPbe });
          assert.ok(createPrivateKey({ key: Buffer.from(opened), format: 'der', type: 'pkcs8' }).equals(key));
          if (type === 'pkcs1') assert.deepEqual(opened, expected);
          const error = await refuses(
            () => decryptPrivateKey(provider, pem, password),
            'unsupported_algorithm',
            `encrypted PEM: it is encrypted with ${cipher.toUpperCase()} under MD5, which is out of use`,
          );
          assert.equal(error.hint, 'pass legacyPbe of @handfast/x509/legacy to read it');
        }
      });
    }

    it('is refused where the old PEM was under another password', async () => {
      const pem = rsa.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'one' }).toString();
      await refuses(() => decryptPrivateKey(provider, pem, 'two', { legacy: legacyPbe }), 'wrong_password', wrong);
    });

    it('that is under none is read all the same', async () => {
      assert.deepEqual(await decryptPrivateKey(provider, plain, 'unneeded'), parsePrivateKey(plain));
    });

    it('may have a password of nothing', async () => {
      const sealed = await encryptPrivateKey(provider, plain, '', quick);
      assert.deepEqual(await decryptPrivateKey(provider, sealed, ''), parsePrivateKey(plain));
    });

    const salt = new Uint8Array(8);
    for (const [what, derivation, code, message] of [
      [
        'PBKDF2 of 2,000,000,000 iterations',
        { kind: 'pbkdf2', hash: 'sha256', salt, iterations: 2_000_000_000 },
        'budget',
        'encrypted private key: it asks for 2000000000 iterations, over the limit of 10000000 a file',
      ],
      [
        'scrypt in 1 GiB',
        { kind: 'scrypt', salt, cost: { N: 1 << 20, r: 8, p: 1 } },
        'budget',
        'encrypted private key: it asks for scrypt in 1073741824 bytes of memory, over the limit of 67108864',
      ],
      [
        'scrypt of many passes',
        { kind: 'scrypt', salt, cost: { N: 1 << 10, r: 8, p: 1 << 20 } },
        'budget',
        'encrypted private key: it asks for scrypt over 1099511627776 bytes, over the limit of 536870912 a file',
      ],
      [
        'scrypt whose N is no power of two',
        { kind: 'scrypt', salt, cost: { N: 1000, r: 8, p: 1 } },
        'malformed',
        'encrypted private key: scrypt with N = 1000, r = 8 and p = 1, which is none',
      ],
      [
        'a salt of 5,000 bytes',
        { kind: 'pbkdf2', hash: 'sha256', salt: new Uint8Array(5000), iterations: 1 },
        'malformed',
        'encrypted private key: a salt of 5000 bytes',
      ],
      [
        "a key length that is not the cipher's",
        { kind: 'pbkdf2', hash: 'sha256', salt, iterations: 1, keyLength: 16 },
        'malformed',
        'encrypted private key: a key of 16 bytes is derived, and one of 32 is needed',
      ],
    ] satisfies readonly (readonly [string, KeyDerivation, CertificateErrorCode, string])[]) {
      it(`is refused, before any work, with ${what}`, async () => {
        await refuses(() => decryptPrivateKey(provider, asking(derivation), password), code, message);
      });
    }

    it('is refused with an error of ours where the provider refuses its numbers', async () => {
      // RFC 7914 §2: N < 2^(128·r/8).
      const file = asking({ kind: 'scrypt', salt, cost: { N: 1 << 16, r: 1, p: 1 } });
      await assert.rejects(
        async () => decryptPrivateKey(provider, file, password),
        (error) =>
          error instanceof CertificateError && ['unsupported_algorithm', 'wrong_password'].includes(error.code),
      );
    });

    it('that costs more than usual is read where its limit is raised', async () => {
      const sealed = await encryptPrivateKey(provider, plain, password, { iterations: 20_000 });
      const limits = { iterations: 19_999 };
      await refuses(
        () => decryptPrivateKey(provider, sealed, password, { limits }),
        'budget',
        'encrypted private key: it asks for 20000 iterations, over the limit of 19999 a file',
      );
      await decryptPrivateKey(provider, sealed, password, { limits: { iterations: 20_000 } });
    });

    it('whose every bit is changed is refused with an error of ours, or is another key', async () => {
      const sealed = await encryptPrivateKey(provider, plain, password, quick);
      await fc.assert(
        fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
          const changed = copyBytes(sealed);
          changed[at] = (changed[at] ?? 0) ^ change;
          try {
            await decryptPrivateKey(provider, changed, password, { legacy: legacyPbe, limits: { iterations: 1000 } });
          } catch (error) {
            assert.ok(error instanceof CertificateError, String(error));
          }
        }),
        { numRuns: 150 },
      );
    });
  });
}

describe('a private key under a password', () => {
  it('is opened synchronously by the node provider', () => {
    const sealed = encryptPrivateKey(nodeProvider, plain, password, quick);
    assert.ok(sealed instanceof Uint8Array);
    assert.ok(decryptPrivateKey(nodeProvider, sealed, password) instanceof Uint8Array);
  });

  it('is said to be so where no password is asked for, and what to do', async () => {
    const sealed = await encryptPrivateKey(nodeProvider, plain, password, quick);
    const error = await refuses(
      () => parsePrivateKey(toPem('ENCRYPTED PRIVATE KEY', sealed)),
      'encrypted_key',
      'the private key is encrypted under a password',
    );
    assert.equal(
      error.hint,
      'open it with decryptPrivateKey, or on the command line: openssl pkey -in key.pem -out plain.pem',
    );
  });

  it('needs a provider that has the means', async () => {
    const sealed = await encryptPrivateKey(nodeProvider, plain, password, quick);
    assert.throws(
      () => decryptPrivateKey(webProvider, sealed, password),
      new RangeError('the provider "web" has no means for passwords; @handfast/crypto/node and /web/full have'),
    );
  });

  it('is not written with numbers that make no sense, nor for what is no key', () => {
    const write = (options: PasswordEncryption) => () => encryptPrivateKey(nodeProvider, plain, password, options);
    assert.throws(write({ iterations: 999 }), new RangeError('999 iterations: from 1,000 to 10,000,000 are sensible'));
    assert.throws(write({ scrypt: { N: 3, r: 8, p: 1 } }), /scrypt with N = 3, r = 8, p = 1: N is a power of two/);
    assert.throws(() => encryptPrivateKey(nodeProvider, new Uint8Array(3), password), CertificateError);
  });

  for (const [what, headers, message] of [
    ['no DEK-Info', ['Proc-Type: 4,ENCRYPTED'], 'encrypted PEM: no DEK-Info header that can be read'],
    ['DEK-Info without a vector', ['DEK-Info: AES-128-CBC'], 'encrypted PEM: no DEK-Info header that can be read'],
    ['an odd vector', ['DEK-Info: AES-128-CBC,123'], 'encrypted PEM: no DEK-Info header that can be read'],
    ['a short vector', ['DEK-Info: AES-128-CBC,0011'], 'encrypted PEM: an initialization vector of 2 bytes, not 16'],
    [
      'a short vector of DES',
      ['DEK-Info: DES-EDE3-CBC,00'],
      'encrypted PEM: an initialization vector of 1 bytes, not 8',
    ],
  ] as const) {
    it(`in the old PEM is refused with ${what}`, async () => {
      const all = headers[0].startsWith('Proc') ? headers : ['Proc-Type: 4,ENCRYPTED', ...headers];
      const pem = ['-----BEGIN RSA PRIVATE KEY-----', ...all, '', 'AAAA', '-----END RSA PRIVATE KEY-----'].join('\n');
      await refuses(() => decryptPrivateKey(nodeProvider, pem, '', { legacy: legacyPbe }), 'malformed', message);
    });
  }

  it('in the old PEM under an unknown cipher is refused by name', async () => {
    const pem = toPem('RSA PRIVATE KEY', new Uint8Array(8)).replace(
      '\n',
      '\nProc-Type: 4,ENCRYPTED\nDEK-Info: IDEA-CBC,0011223344556677\n\n',
    );
    await refuses(
      () => decryptPrivateKey(nodeProvider, pem, '', { legacy: legacyPbe }),
      'unsupported_algorithm',
      'encrypted PEM: IDEA-CBC is not supported, not even as legacy',
    );
  });
});
