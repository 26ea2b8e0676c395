import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Bytes, copyBytes } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  CertificateError,
  decryptPrivateKey,
  parseCertificates,
  parsePrivateKey,
  readPkcs12,
} from '../../src/index.ts';
import { legacyPbe } from '../../src/legacy/index.ts';
import { tripleDesPbe } from '../../src/node/index.ts';

const folder = new URL('../vectors/containers/', import.meta.url);
const file = (name: string): Bytes => copyBytes(readFileSync(new URL(name, folder)));
const [leaf, ca] = ['leaf.pem', 'ca.pem'].flatMap((name) => parseCertificates(file(name)));
const key = createPrivateKey(readFileSync(new URL('key.pem', folder)));
const password = 'handfast';
const options = { legacy: tripleDesPbe };

const isOurKey = (pkcs8: Uint8Array): boolean =>
  createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }).equals(key);

const refusal = (code: string) => (error: unknown) => error instanceof CertificateError && error.code === code;

describe('triple DES by node:crypto', () => {
  for (const name of ['3des.p12', '2des.p12']) {
    it(`opens a PKCS#12 file: ${name}`, async () => {
      const { keys, certificates, skipped } = await readPkcs12(nodeProvider, file(name), password, options);
      assert.deepEqual(skipped, []);
      assert.deepEqual(
        keys.map(({ pkcs8 }) => isOurKey(pkcs8)),
        [true],
      );
      assert.deepEqual(
        certificates.map(({ certificate }) => certificate.raw),
        [leaf?.raw, ca?.raw],
      );
      const other = await readPkcs12(nodeProvider, file(name), password, { legacy: legacyPbe });
      assert.deepEqual(
        other.keys.map(({ pkcs8 }) => pkcs8),
        keys.map(({ pkcs8 }) => pkcs8),
      );
      await assert.rejects(
        async () => readPkcs12(nodeProvider, file(name), 'wrong', options),
        refusal('wrong_password'),
      );
    });
  }

  for (const name of ['pbes1-PBE-SHA1-3DES.pem', 'pbes2-des3.pem']) {
    it(`opens a PKCS#8 key: ${name}`, async () => {
      const opened = await decryptPrivateKey(nodeProvider, file(name), password, options);
      assert.ok(isOurKey(opened));
      assert.deepEqual(parsePrivateKey(opened), opened);
      assert.equal(opened.buffer.byteLength, opened.length);
      await assert.rejects(
        async () => decryptPrivateKey(nodeProvider, file(name), 'wrong', options),
        refusal('wrong_password'),
      );
      await assert.rejects(
        async () => decryptPrivateKey(nodeProvider, file(name), password),
        refusal('unsupported_algorithm'),
      );
    });
  }

  it('says what would read more', async () => {
    await assert.rejects(
      async () => readPkcs12(nodeProvider, file('legacy-3des-rc2-40.p12'), password, options),
      (error) =>
        error instanceof CertificateError &&
        error.message === 'PKCS#12: it is encrypted with pbeWithSHAAnd40BitRC2-CBC, which is out of use' &&
        error.hint === 'pass legacyPbe of @handfast/x509/legacy to read it',
    );
  });

  it('leaves RC2, DES and the old PEM to what is imported for them', async () => {
    for (const name of ['legacy-3des-rc2-40.p12', 'legacy-2des-rc2-128.p12']) {
      await assert.rejects(
        async () => readPkcs12(nodeProvider, file(name), password, options),
        refusal('unsupported_algorithm'),
      );
    }
    for (const name of ['pbes1-PBE-SHA1-DES.pem', 'pbes2-des.pem', 'pbes2-rc2.pem', 'old-des.pem']) {
      await assert.rejects(
        async () => decryptPrivateKey(nodeProvider, file(name), password, options),
        refusal('unsupported_algorithm'),
      );
    }
  });
});
