import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createSecureContext } from 'node:tls';
import { type Bytes, type CryptoProvider, concat, copyBytes, toHex, utf8 } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { fullWebProvider } from '@handfast/crypto/web/full';
import fc from 'fast-check';
import { DerReader } from '../src/der/reader.ts';
import * as der from '../src/der/writer.ts';
import {
  type Certificate,
  CertificateError,
  type CertificateErrorCode,
  decryptPrivateKey,
  type Pkcs12,
  type Pkcs12Contents,
  parseCertificates,
  parsePrivateKey,
  readPkcs12,
  writePkcs12,
} from '../src/index.ts';
import { legacyPbe } from '../src/legacy/index.ts';
import { pkcs12Kdf } from '../src/pbe/pkcs12-kdf.ts';
import { contentTypes, encodeContentInfo } from '../src/pkcs7.ts';
import { toBer } from './support/ber.ts';

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

const folder = new URL('vectors/containers/', import.meta.url);
const file = (name: string): Bytes => copyBytes(readFileSync(new URL(name, folder)));
const [leaf] = parseCertificates(file('leaf.pem')) as [Certificate];
const [ca] = parseCertificates(file('ca.pem')) as [Certificate];
const key = parsePrivateKey(file('key.pem'));
const password = 'handfast';
const quick = { encryption: { iterations: 1000 } };
const wrong = 'PKCS#12: the password is wrong, or the file is damaged';

/** The key as OpenSSL understands it, so that two encodings of one are the same. */
const sameKey = (a: Uint8Array, b: Uint8Array): boolean =>
  createPrivateKey({ key: Buffer.from(a), format: 'der', type: 'pkcs8' }).equals(
    createPrivateKey({ key: Buffer.from(b), format: 'der', type: 'pkcs8' }),
  );

/** The values in a SEQUENCE, DER. */
function partsOf(bytes: Bytes): readonly Bytes[] {
  const reader = new DerReader(bytes, 'test').sequence();
  return reader.list(() => reader.element().raw);
}

/** What is in it: names of certificates, `=` for the one with the first key's identifier. */
function summary({ keys, certificates, crls, skipped }: Pkcs12): readonly string[] {
  const id = keys[0]?.localKeyId;
  for (const { pkcs8 } of keys) assert.ok(sameKey(pkcs8, key));
  return [
    ...keys.map(({ friendlyName = '' }) => `key ${friendlyName}`.trim()),
    ...certificates.map(({ certificate, friendlyName = '', localKeyId, trusted }) => {
      const own = id !== undefined && localKeyId !== undefined && toHex(id) === toHex(localKeyId);
      return `${own ? '=' : ''}${certificate.subject.commonName} ${friendlyName}${trusted ? ' (trusted)' : ''}`.trim();
    }),
    ...crls.map(() => 'crl'),
    ...skipped.map(({ reason, friendlyName = '' }) => `skipped ${friendlyName}: ${reason}`),
  ];
}

for (const provider of [nodeProvider, fullWebProvider] satisfies CryptoProvider[]) {
  describe(`${provider.name}: a PKCS#12 file`, () => {
    const both = ['key', '=container leaf'];
    for (const [name, contents] of [
      ['openssl.p12', ['key leaf', '=container leaf leaf', 'Container CA']],
      ['mac-sha1.p12', both],
      ['mac-sha224.p12', both],
      ['mac-sha384.p12', both],
      ['mac-sha512.p12', both],
      ['legacy-3des-rc2-40.p12', both],
      ['legacy-2des-rc2-128.p12', both],
      [
        'java.p12',
        [
          'key leaf',
          '=container leaf leaf',
          'Container CA CN=Container CA',
          'Container CA ca root (trusted)',
          'skipped secret: a secret',
        ],
      ],
    ] as const) {
      it(`is read as others write it: ${name}`, async () => {
        const read = await readPkcs12(provider, file(name), password, { legacy: legacyPbe });
        assert.deepEqual(summary(read).toSorted(), contents.toSorted());
        await refuses(() => readPkcs12(provider, file(name), 'wrong'), 'wrong_password', wrong);
        await refuses(() => readPkcs12(provider, file(name), ''), 'wrong_password', wrong);
      });
    }

    it('under an empty password is read', async () => {
      const read = await readPkcs12(provider, file('openssl-empty-password.p12'), '');
      assert.deepEqual(summary(read), ['key leaf', '=container leaf leaf', 'Container CA root']);
    });

    it('without a MAC is refused, unless it is allowed', async () => {
      const error = await refuses(
        () => readPkcs12(provider, file('no-mac.p12'), password),
        'malformed',
        'PKCS#12: no MAC, so that anybody may have changed the file',
      );
      assert.equal(error.hint, 'if you trust the file all the same, say allowNoMac');
      assert.deepEqual(summary(await readPkcs12(provider, file('no-mac.p12'), password, { allowNoMac: true })), both);
      await refuses(
        () => readPkcs12(provider, file('no-mac.p12'), 'wrong', { allowNoMac: true }),
        'wrong_password',
        'private key: the password is wrong, or the file is damaged',
      );
    });

    it('whose MAC is under another password than a part of it is refused', async () => {
      const written = await writePkcs12(provider, { certificates: [{ certificate: leaf }] }, 'one', quick);
      const [, authSafe] = partsOf(written);
      const other = await writePkcs12(provider, { certificates: [{ certificate: leaf }] }, 'two', quick);
      await refuses(
        () => readPkcs12(provider, der.sequence(der.smallInteger(3), authSafe ?? written), 'two', { allowNoMac: true }),
        'wrong_password',
        'PKCS#12: a part of the file is under another password',
      );
      const [, , mac] = partsOf(other);
      const mixed = der.sequence(der.smallInteger(3), authSafe ?? written, mac ?? written);
      await refuses(() => readPkcs12(provider, mixed, 'two'), 'wrong_password', wrong);
    });

    it('that is out of use is refused by name', async () => {
      const error = await refuses(
        () => readPkcs12(provider, file('legacy-3des-rc2-40.p12'), password),
        'unsupported_algorithm',
        'PKCS#12: it is encrypted with pbeWithSHAAnd40BitRC2-CBC, which is out of use',
      );
      assert.equal(error.hint, 'pass legacyPbe of @handfast/x509/legacy to read it');
    });

    for (const mac of ['pkcs12', 'pbmac1'] as const) {
      for (const secret of ['handfast', 'pässword ☺', '']) {
        it(`is written and read again: MAC ${mac}, password "${secret}"`, async () => {
          const contents: Pkcs12Contents = {
            keys: [{ pkcs8: key, friendlyName: 'my ☺ key' }],
            certificates: [{ certificate: leaf }, { certificate: ca, friendlyName: 'root', trusted: true }],
          };
          const written = await writePkcs12(provider, contents, secret, { ...quick, mac });
          const read = await readPkcs12(provider, written, secret);
          assert.deepEqual(summary(read), ['key my ☺ key', '=container leaf', 'Container CA root (trusted)']);
          assert.deepEqual(summary(await readPkcs12(provider, written, utf8(secret))), summary(read));
          await refuses(() => readPkcs12(provider, written, 'wrong'), 'wrong_password', wrong);
        });

        it(`is written so that Node's TLS takes it: MAC ${mac}, password "${secret}"`, async () => {
          const contents = { keys: [{ pkcs8: key }], certificates: [{ certificate: leaf }, { certificate: ca }] };
          const pfx = Buffer.from(await writePkcs12(provider, contents, secret, { ...quick, mac }));
          // An OpenSSL before 3.4 has no PBMAC1, and says so by this name.
          const [major = 0, minor = 0] = process.versions.openssl.split('.').map(Number);
          const knows = mac === 'pkcs12' || major > 3 || (major === 3 && minor >= 4);
          if (knows) createSecureContext({ pfx, passphrase: secret });
          else assert.throws(() => createSecureContext({ pfx, passphrase: secret }));
          assert.throws(() => createSecureContext({ pfx, passphrase: 'wrong' }));
        });
      }
    }

    it('in BER, with indefinite lengths and strings in pieces, is read', async () => {
      for (const [name, options] of [
        ['openssl.p12', {}],
        ['java.p12', {}],
        ['legacy-3des-rc2-40.p12', { legacy: legacyPbe }],
      ] as const) {
        const ber = toBer(file(name));
        assert.notDeepEqual(ber, file(name));
        const read = await readPkcs12(provider, ber, password, options);
        assert.deepEqual(summary(read), summary(await readPkcs12(provider, file(name), password, options)));
      }
    });

    it('costs no more than its limits in all its parts together', async () => {
      // 2,048 for the MAC, and for each of two encryptions.
      await readPkcs12(provider, file('openssl.p12'), password, { limits: { iterations: 6144 } });
      await refuses(
        () => readPkcs12(provider, file('openssl.p12'), password, { limits: { iterations: 6143 } }),
        'budget',
        'encrypted private key: it asks for 2048 iterations more, over the limit of 6143 a file',
      );
      await refuses(
        () => readPkcs12(provider, file('openssl.p12'), password, { limits: { iterations: 2047 } }),
        'budget',
        'MAC of PKCS#12: it asks for 2048 iterations, over the limit of 2047 a file',
      );
    });

    it('that was changed anywhere is refused with an error of ours, or holds the same', async () => {
      const written = await writePkcs12(
        provider,
        { keys: [{ pkcs8: key }], certificates: [{ certificate: leaf }] },
        'a',
        {
          encryption: { iterations: 1000 },
        },
      );
      const limits = { iterations: 4000 };
      const expected = summary(await readPkcs12(provider, written, 'a', { limits }));
      await fc.assert(
        fc.asyncProperty(fc.nat(written.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
          const changed = copyBytes(written);
          changed[at] = (changed[at] ?? 0) ^ change;
          try {
            assert.deepEqual(summary(await readPkcs12(provider, changed, 'a', { limits })), expected);
          } catch (error) {
            assert.ok(error instanceof CertificateError, String(error));
          }
        }),
        { numRuns: 100 },
      );
    });

    it('of any bytes throws no error but ours', async () => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
          await assert.rejects(
            async () => readPkcs12(provider, bytes, ''),
            (error) => error instanceof CertificateError,
          );
        }),
      );
    });

    for (const name of [
      'pbes1-PBE-MD5-DES.pem',
      'pbes1-PBE-MD5-RC2-64.pem',
      'pbes1-PBE-SHA1-DES.pem',
      'pbes1-PBE-SHA1-RC2-64.pem',
      'pbes2-des.pem',
      'pbes2-rc2.pem',
      'pbes2-rc2-40-cbc.pem',
      'pbes2-rc2-64-cbc.pem',
      'old-des.pem',
      'scrypt.pem',
    ]) {
      it(`is not all that OpenSSL encrypts: ${name}`, async () => {
        assert.ok(sameKey(await decryptPrivateKey(provider, file(name), password, { legacy: legacyPbe }), key));
      });
    }
  });
}

describe('a PKCS#12 file', () => {
  const write = (contents: Pkcs12Contents, options = {}) =>
    writePkcs12(nodeProvider, contents, 'a', { ...quick, ...options });

  it('is read and written synchronously by the node provider', () => {
    const written = write({ certificates: [{ certificate: ca }] });
    assert.ok(written instanceof Uint8Array);
    assert.equal('then' in readPkcs12(nodeProvider, written, 'a'), false);
  });

  it('gives a key and its certificate one identifier, whichever place it stands at', async () => {
    const written = await write({ keys: [{ pkcs8: key }], certificates: [{ certificate: ca }, { certificate: leaf }] });
    const { keys, certificates } = await readPkcs12(nodeProvider, written, 'a');
    assert.deepEqual(
      certificates.map(({ localKeyId }) => localKeyId),
      [undefined, keys[0]?.localKeyId],
    );
    const own = createPrivateKey(readFileSync(new URL('key.pem', folder)));
    assert.ok(new X509Certificate(leaf.raw).checkPrivateKey(own));
  });

  it('keeps identifiers that are given', async () => {
    const localKeyId = Uint8Array.of(1, 2, 3);
    const written = await write({
      keys: [{ pkcs8: key, localKeyId }],
      certificates: [{ certificate: leaf, localKeyId }],
    });
    const { keys, certificates } = await readPkcs12(nodeProvider, written, 'a');
    assert.deepEqual([keys[0]?.localKeyId, certificates[0]?.localKeyId], [localKeyId, localKeyId]);
  });

  it('is not written of nothing, nor with numbers that make no sense', () => {
    assert.throws(() => write({}), new RangeError('a PKCS#12 file of nothing'));
    assert.throws(() => write({ certificates: [{ certificate: ca }] }, { macIterations: 1 }), RangeError);
    assert.throws(
      () => writePkcs12(nodeProvider, { certificates: [{ certificate: ca }] }, Uint8Array.of(0xff), quick),
      {
        name: 'RangeError',
        message: 'a password of PKCS#12 is text: these bytes are no UTF-8',
      },
    );
  });

  const pfx = (authSafe: Uint8Array, version = 3): Bytes => der.sequence(der.smallInteger(version), authSafe);
  const data = (content: Uint8Array): Bytes => encodeContentInfo(contentTypes.data, der.octetString(content));
  const safe = (...bags: readonly Uint8Array[]): Bytes => pfx(data(der.sequence(data(der.sequence(...bags)))));
  const allowNoMac = { allowNoMac: true };
  for (const [what, bytes, code, message] of [
    ['version 1', pfx(data(der.sequence()), 1), 'malformed', 'PKCS#12: version 1, not 3'],
    [
      'a signature in place of a MAC',
      pfx(encodeContentInfo(contentTypes.signedData, der.sequence())),
      'unsupported_algorithm',
      'PKCS#12: signedData is not supported, only a password is',
    ],
    [
      'a part that is enveloped',
      pfx(data(der.sequence(encodeContentInfo(contentTypes.envelopedData, der.sequence())))),
      'unsupported_algorithm',
      'PKCS#12: envelopedData is not supported, only a password is',
    ],
    [
      'another content',
      pfx(encodeContentInfo('1.2.3', der.nothing())),
      'unsupported_algorithm',
      'PKCS#12: 1.2.3 is not supported, only a password is',
    ],
  ] as const) {
    it(`is refused with ${what}`, async () => {
      await refuses(() => readPkcs12(nodeProvider, bytes, '', allowNoMac), code, message);
    });
  }

  it('passes over a certificate that does not parse, a kind of key that is not taken, and bags of other kinds', async () => {
    const bag = (type: string, value: Uint8Array): Bytes => der.sequence(der.oid(type), der.explicit(0, value));
    const certificate = (type: string, raw: Uint8Array): Bytes =>
      bag('1.2.840.113549.1.12.10.1.3', der.sequence(der.oid(type), der.explicit(0, der.octetString(raw))));
    const dsa = der.sequence(
      der.smallInteger(0),
      der.sequence(der.oid('1.2.840.10040.4.1')),
      der.octetString(new Uint8Array(2)),
    );
    const file = safe(
      certificate('1.2.840.113549.1.9.22.1', der.sequence()),
      certificate('1.2.840.113549.1.9.22.2', der.sequence()),
      certificate('1.2.840.113549.1.9.22.1', ca.raw),
      bag('1.2.840.113549.1.12.10.1.1', dsa),
      bag('1.2.3.4', der.nothing()),
      bag(
        '1.2.840.113549.1.12.10.1.4',
        der.sequence(der.oid('1.2.840.113549.1.9.23.1'), der.explicit(0, der.octetString(der.sequence()))),
      ),
      bag('1.2.840.113549.1.12.10.1.6', der.sequence(certificate('1.2.840.113549.1.9.22.1', leaf.raw))),
    );
    const read = await readPkcs12(nodeProvider, file, '', allowNoMac);
    assert.deepEqual(
      summary(read).map((line) => line.replace(/\(at byte.*/, '')),
      [
        'Container CA',
        'container leaf',
        'crl',
        'skipped : certificate: cut short ',
        'skipped : a certificate that is not of X.509',
        'skipped : a DSA key is not supported',
        'skipped : a bag of type 1.2.3.4',
      ],
    );
  });

  it('of bags in bags in bags ends somewhere', async () => {
    let bags = der.sequence();
    for (let depth = 0; depth < 40; depth++) {
      bags = der.sequence(der.sequence(der.oid('1.2.840.113549.1.12.10.1.6'), der.explicit(0, bags)));
    }
    await refuses(
      () => readPkcs12(nodeProvider, pfx(data(der.sequence(data(bags)))), '', allowNoMac),
      'malformed',
      'PKCS#12: nested deeper than 32',
    );
  });

  it('derives the keys of RFC 7292 Appendix B', () => {
    const { passwords } = nodeProvider;
    assert.ok(passwords);
    // Over more than one block of output, in agreement with OpenSSL's PKCS12KDF; see the files above for the rest.
    const derived = pkcs12Kdf(passwords, {
      hash: 'sha1',
      purpose: 1,
      password: concat(Uint8Array.of(0, 0x73, 0, 0x6d, 0, 0x65, 0, 0x67), new Uint8Array(2)),
      salt: Uint8Array.of(0x0a, 0x58, 0xcf, 0x64, 0x53, 0x0d, 0x82, 0x3f),
      iterations: 1,
      length: 24,
    });
    assert.equal(toHex(derived), '8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3');
  });
});
