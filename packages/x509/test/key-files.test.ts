/**
 * The PKCS#8, PKCS#12 and PKCS#7 files of pyca/cryptography's vectors, each read or refused for its own reason, with and
 * without `legacyPbe`, on both providers.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type CryptoProvider, type KeyType, toHex } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { fullWebProvider } from '@handfast/crypto/web/full';
import {
  CertificateError,
  type CertificateErrorCode,
  decryptPrivateKey,
  parsePem,
  parsePkcs7,
  parsePublicKey,
  parseSubjectKey,
  readPkcs12,
  subjectKeyLabel,
} from '../src/index.ts';
import { legacyPbe } from '../src/legacy/index.ts';

const folder = new URL('vectors/key-files/', import.meta.url);
const file = (path: string): Buffer => readFileSync(new URL(path, folder));
const providers: readonly CryptoProvider[] = [nodeProvider, fullWebProvider];

type Refusal = readonly [code: CertificateErrorCode, why: RegExp];
type Expected = KeyType | Refusal;

async function outcome<T>(read: () => Promise<T>, expected: Refusal | undefined): Promise<T | undefined> {
  if (expected === undefined) return read();
  await assert.rejects(read, (error) => {
    assert.ok(error instanceof CertificateError, String(error));
    assert.deepEqual([error.code, expected[1].test(error.message) || error.message], [expected[0], true]);
    return true;
  });
  return undefined;
}

const outOfUse = (name: string): Refusal => [
  'unsupported_algorithm',
  new RegExp(`encrypted with ${name}, which is out of use`),
];
const explicit: Refusal = ['unsupported_key', /explicit curve parameters/];
const pss: Refusal = ['unsupported_key', /RSA-PSS key bound to other parameters/];
const tripleDes = outOfUse('pbeWithSHAAnd3-KeyTripleDES-CBC');

/** Name, password, and what comes of it; then, where it differs, what comes of it with `legacyPbe`. */
const pkcs8: readonly (readonly [name: string, password: string, plain: Expected, legacy?: Expected])[] = [
  ['bad-encryption-oid.pem', '', ['unsupported_algorithm', /the encryption 0\.24\.97\.792\.97\.792\.97\.792 is not/]],
  ['bad-oid-dsa-key.pem', '', ['unsupported_key', /^a key of algorithm 0\.37\.11229\.117\.11229\.113 is not/]],
  ['ec-consistent-curve.pem', '', 'secp256r1'],
  [
    'ec-inconsistent-curve.pem',
    '',
    ['malformed', /curve 1\.2\.840\.10045\.3\.1\.7 outside, and 1\.3\.132\.0\.34 inside/],
  ],
  [
    'ec-inconsistent-curve2.pem',
    '',
    ['malformed', /curve 1\.3\.132\.0\.34 outside, and 1\.2\.840\.10045\.3\.1\.7 inside/],
  ],
  ['ec-invalid-private-scalar.pem', '', ['malformed', /a private key of 115 bytes, not 32/]],
  ['ec-invalid-version.pem', '', ['malformed', /a version that is not 1/]],
  ['ec_oid_not_in_reg_private_2.pkcs8.pem', '', explicit],
  ['ec_private_key.pem', '', 'secp256r1'],
  ['ec_private_key_encrypted.pem', '123456', 'secp256r1'],
  ['ecc_private_with_rfc5915_ext.pem', '', 'secp256r1'],
  ['ed25519-scrypt.pem', 'hunter42', 'ed25519'],
  [
    'enc-ec-sha1-128-rc4.pem',
    'password',
    outOfUse('pbeWithSHAAnd128BitRC4'),
    ['unsupported_algorithm', /pbeWithSHAAnd128BitRC4 is not supported, not even as legacy/],
  ],
  ['enc-rsa-3des.pem', 'password', outOfUse('DES-EDE3-CBC'), 'rsa'],
  ['enc-rsa-pkcs8-pbkdf2-0iter.pem', 'baz', ['malformed', /an iteration count of zero/]],
  ['enc-rsa-pkcs8.pem', 'foobar', tripleDes, 'rsa'],
  [
    'enc-unknown-algorithm.pem',
    'password',
    ['unsupported_algorithm', /the cipher 1\.2\.840\.113549\.3\.7\.23\.321\.3/],
  ],
  [
    'enc-unknown-kdf.pem',
    'password',
    ['unsupported_algorithm', /the key derivation 1\.2\.840\.113549\.1\.5\.12\.321\.321/],
  ],
  ['enc-unknown-pbkdf2-prf.pem', 'password', ['unsupported_algorithm', /the hmac 1\.2\.840\.113549\.2\.9\.213\.321/]],
  ['enc2-rsa-pkcs8.pem', 'baz', 'rsa'],
  ['invalid-version.der', '', ['malformed', /version 2 without a public key/]],
  ['nodompar_private.pkcs8.pem', '', explicit],
  ...[9607, 9671, 9925, 9926, 9927, 9928, 9929, 9930, 9931, 9932].map(
    (number) => [`pkcs12_s2k_pem-X_${number}.pem`, '123456', tripleDes, 'rsa'] as const,
  ),
  ['private.pem', '', explicit],
  ['rsa-40bitrc2.pem', 'baz', outOfUse('pbeWithSHAAnd40BitRC2-CBC'), 'rsa'],
  ['rsa-aes-192-cbc.pem', 'PolarSSLTest', 'rsa'],
  ['rsa-pbe-3des-long-salt.pem', 'password', tripleDes, 'rsa'],
  ['rsa-pbewithmd5anddescbc.pem', 'hunter2', outOfUse('pbeWithMD5AndDES-CBC'), 'rsa'],
  // The next but one with other effective key bits than it was encrypted with.
  [
    'rsa-rc2-cbc-effective-key-length.pem',
    'Red Hat Enterprise Linux 7.4',
    outOfUse('RC2-CBC'),
    ['wrong_password', /the password is wrong, or the file is damaged/],
  ],
  ['rsa-rc2-cbc.pem', 'Red Hat Enterprise Linux 7.4', outOfUse('RC2-CBC'), 'rsa'],
  ['rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha224.pem', 'PolarSSLTest', outOfUse('DES-EDE3-CBC'), 'rsa'],
  ['rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha384.pem', 'PolarSSLTest', outOfUse('DES-EDE3-CBC'), 'rsa'],
  ['rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha512.pem', 'PolarSSLTest', outOfUse('DES-EDE3-CBC'), 'rsa'],
  ['rsa_pss_2048.pem', '', 'rsa-pss'],
  ['rsa_pss_2048_hash.pem', '', pss],
  ['rsa_pss_2048_hash_mask.pem', '', pss],
  ['rsa_pss_2048_hash_mask_diff.pem', '', pss],
  ['rsa_pss_2048_hash_mask_salt.pem', '', 'rsa-pss'],
  ['unenc-dsa-pkcs8.pem', '', ['unsupported_key', /^a DSA key is not supported$/]],
  ['unenc-rsa-pkcs8.pem', '', 'rsa'],
  ['unknown-oid.der', '', ['unsupported_key', /^a key of algorithm 1\.2\.840\.1004321\.3213\.321 is not/]],
  [
    'withdompar_private.pkcs8.pem',
    '',
    ['unsupported_key', /an EC key on curve 1\.3\.6\.1\.4\.1\.8301\.3\.1\.2\.9\.0\.33/],
  ],
  ['wrong-pem-delimiter-rsa.pem', '', ['malformed', /it is PKCS#8, whose label is "PRIVATE KEY"/]],
];

const publicKeys = ['rsa_pss_2048_pub.der', 'unenc-dsa-pkcs8.pub.pem', 'unenc-rsa-pkcs8.pub.pem'];

test('every PKCS#8 file has its row', () => {
  assert.deepEqual(
    [...pkcs8.map(([name]) => name), ...publicKeys].sort(),
    readdirSync(new URL('pkcs8/', folder)).sort(),
  );
});

for (const provider of providers) {
  for (const [name, password, plain, legacy = plain] of pkcs8) {
    test(`${provider.name}: ${name}`, async () => {
      for (const [expected, options] of [
        [plain, {}],
        [legacy, { legacy: legacyPbe }],
      ] as const) {
        const refusal = typeof expected === 'string' ? undefined : expected;
        const key = await outcome(
          async () => decryptPrivateKey(provider, file(`pkcs8/${name}`), password, options),
          refusal,
        );
        if (key !== undefined) assert.equal((await provider.importPrivateKey(key)).publicKey.type, expected);
      }
    });
  }
}

test('public keys beside them', () => {
  assert.equal(parsePublicKey(file('pkcs8/rsa_pss_2048_pub.der')).type, 'rsa-pss');
  const labels = publicKeys.slice(1).map((name) => {
    const [block] = parsePem(file(`pkcs8/${name}`));
    assert.equal(block?.label, 'PUBLIC KEY');
    return subjectKeyLabel(parseSubjectKey(block.bytes));
  });
  assert.deepEqual(labels, ['DSA, 1024 bits', 'RSA, 1024 bits']);
});

/** Keys and certificates by name; a certificate with `+` has the local key identifier of the key. */
type Contents = string;
const ca = 'cryptography CA';
const leaf = 'www.cryptography.io';
const encrypt = "Let's Encrypt Authority X3";

interface Pkcs12Row {
  readonly name: string;
  readonly password: string;
  readonly contents: Contents;
  /** What it takes to be read; without it, it is refused. */
  readonly needs?: 'pbeWithSHAAnd40BitRC2-CBC' | 'pbeWithSHAAnd3-KeyTripleDES-CBC';
}

/** With and without a password, and with and without the key and its certificate. */
function named(name: string, key: string, of: string, first: string, second: string): Pkcs12Row[] {
  const rest = `${leaf}${first} | ${encrypt}${second}`;
  const full = key === 'absent' ? rest : `key${key} | ${ca}+${of} | ${rest}`;
  return [
    { name: `${name}-no-pwd.p12`, password: '', contents: full },
    { name: `${name}-pwd.p12`, password: 'password', contents: full, needs: 'pbeWithSHAAnd3-KeyTripleDES-CBC' },
  ];
}

const pkcs12: readonly Pkcs12Row[] = [
  { name: 'cert-aes256cbc-no-key.p12', password: 'cryptography', contents: ca },
  { name: 'cert-key-aes256cbc.p12', password: 'cryptography', contents: `key | ${ca}+` },
  { name: 'cert-none-key-none.p12', password: 'cryptography', contents: `key | ${ca}+` },
  {
    name: 'cert-rc2-key-3des.p12',
    password: 'cryptography',
    contents: `key | ${ca}+`,
    needs: 'pbeWithSHAAnd40BitRC2-CBC',
  },
  { name: 'java-truststore.p12', password: '', contents: `PyCA DSA CA "cert1" trusted | ${encrypt} trusted` },
  { name: 'no-cert-key-aes256cbc.p12', password: 'cryptography', contents: 'key' },
  {
    name: 'no-password.p12',
    password: '',
    contents: `key "6BC162DA\u0000" | ${ca}+ "cryptography CA"`,
    needs: 'pbeWithSHAAnd40BitRC2-CBC',
  },
  ...named('name-1', ' "name"', ' "name"', '', ''),
  ...named('name-2', '', '', ' "name2"', ''),
  ...named('name-3', '', '', '', ' "name3"'),
  ...named('name-2-3', '', '', ' "name2"', ' "name3"'),
  ...named('name-all', ' "name"', ' "name"', ' "name2"', ' "name3"'),
  ...named('name-unicode', ' "☺"', ' "☺"', ' "ä"', ' "ç"'),
  ...named('no-name', '', '', '', ''),
  ...named('no-cert-name-2', 'absent', '', ' "name2"', ''),
  ...named('no-cert-name-3', 'absent', '', '', ' "name3"'),
  ...named('no-cert-name-all', 'absent', '', ' "name2"', ' "name3"'),
  ...named('no-cert-name-unicode', 'absent', '', ' "☹"', ' "ï"'),
  ...named('no-cert-no-name', 'absent', '', '', ''),
];

test('every PKCS#12 file has its row', () => {
  const files = readdirSync(new URL('pkcs12/', folder)).filter((name) => name.endsWith('.p12'));
  assert.deepEqual(pkcs12.map(({ name }) => name).sort(), files.sort());
});

for (const provider of providers) {
  for (const { name, password, contents, needs } of pkcs12) {
    test(`${provider.name}: ${name}`, async () => {
      const bytes = file(`pkcs12/${name}`);
      if (needs !== undefined) await outcome(async () => readPkcs12(provider, bytes, password), outOfUse(needs));
      const read = await readPkcs12(provider, bytes, password, { legacy: legacyPbe });
      const quoted = (friendlyName: string | undefined): string =>
        friendlyName === undefined ? '' : ` "${friendlyName}"`;
      const id = read.keys[0]?.localKeyId;
      const found = [
        ...read.keys.map((key) => `key${quoted(key.friendlyName)}`),
        ...read.certificates.map((entry) => {
          const own = entry.localKeyId !== undefined && id !== undefined && toHex(entry.localKeyId) === toHex(id);
          const mark = entry.trusted ? ' trusted' : '';
          return `${entry.certificate.subject.commonName}${own ? '+' : ''}${quoted(entry.friendlyName)}${mark}`;
        }),
      ].join(' | ');
      assert.equal(found, contents);
      assert.deepEqual([read.crls, read.skipped], [[], []]);
      for (const { pkcs8: key } of read.keys) {
        assert.equal((await provider.importPrivateKey(key)).publicKey.type, 'secp256r1');
      }
      await outcome(
        async () => readPkcs12(provider, bytes, 'wrong', { legacy: legacyPbe }),
        ['wrong_password', /^PKCS#12: the password is wrong, or the file is damaged$/],
      );
    });
  }
}

const enveloped: Refusal = ['unsupported_algorithm', /^PKCS#7: envelopedData is no bundle of certificates$/];
const noBlock: Refusal = ['malformed', /no PEM block "PKCS7" or "CMS"; the text holds "CERTIFICATE"$/];
const amazon = ['Amazon Root CA 3', 'Amazon Root CA 2'];

const pkcs7: readonly (readonly [name: string, expected: readonly string[] | undefined, refusal?: Refusal])[] = [
  ['amazon-roots.der', amazon],
  ['amazon-roots.p7b', amazon],
  ['ascii-san.pem', undefined, noBlock],
  ['enveloped-no-content.der', undefined, enveloped],
  ['enveloped-rsa-oaep.pem', undefined, enveloped],
  ['enveloped-triple-des.pem', undefined, enveloped],
  ['enveloped.pem', undefined, enveloped],
  ['isrg.pem', ['ISRG Root X1']],
  ['non-ascii-san.pem', undefined, noBlock],
];

test('every PKCS#7 file has its row', () => {
  assert.deepEqual(pkcs7.map(([name]) => name).sort(), readdirSync(new URL('pkcs7/', folder)).sort());
});

for (const [name, expected, refusal] of pkcs7) {
  test(`PKCS#7: ${name}`, async () => {
    const read = await outcome(async () => parsePkcs7(file(`pkcs7/${name}`)), refusal);
    assert.deepEqual(
      read?.certificates.map(({ subject }) => subject.commonName),
      expected,
    );
  });
}
