/**
 * Keys and certificates as options: each input is given to `tls.createSecureContext` as well, and both must take it, or
 * refuse it with the same class, code and words.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { createServer, createSecureContext as nodeContext, type SecureContextOptions } from 'node:tls';
import type { Bytes, Signer } from '@handfast/crypto';
import { nodeLegacyProvider } from '@handfast/crypto/legacy/node';
import { nodeProvider } from '@handfast/crypto/node';
import { webProvider } from '@handfast/crypto/web';
import {
  type Certificate,
  CertificateError,
  type IssueOptions,
  issueCertificate,
  issueCrl,
  toPem,
  writePkcs12,
} from '@handfast/x509';
import { legacyPbe } from '@handfast/x509/legacy';
import { TlsConfigError } from '../../src/index.ts';
import { connect } from '../../src/node/index.ts';
import {
  type KeyMaterial,
  type KeyMaterialContext,
  type KeyMaterialOptions,
  readKeyMaterial,
} from '../../src/node/key-material.ts';

const day = 86_400_000;
const notBefore = new Date(Math.floor(Date.now() / day) * day);
const notAfter = new Date(notBefore.getTime() + 30 * day);

/** A key with a certificate for it. */
interface Identity {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
  readonly signer: Signer;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

interface Making {
  readonly privateKey?: KeyObject;
  readonly issuer?: Identity;
  readonly with?: Partial<IssueOptions>;
}

const ecKey = (namedCurve = 'P-256'): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;

async function make(commonName: string, { privateKey = ecKey(), issuer, with: more }: Making = {}): Promise<Identity> {
  const signer = await nodeProvider.importPrivateKey(der(privateKey));
  const certificate = await issueCertificate({
    provider: nodeProvider,
    subject: { commonName },
    publicKey: signer.publicKey,
    issuer: issuer ? { certificate: issuer.certificate, signer: issuer.signer } : { signer },
    notBefore,
    notAfter,
    unverifiable: true,
    ...more,
  });
  const [cert, key] = [toPem('CERTIFICATE', certificate.raw), pem(privateKey)];
  return { certificate, privateKey, signer, cert, key };
}

const der = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'pkcs8' });
const pem = (key: KeyObject): string => String(key.export({ format: 'pem', type: 'pkcs8' }));

const root = await make('Root', { with: { ca: true } });
const middle = await make('Middle', { issuer: root, with: { ca: true } });
const leaf = await make('localhost', { issuer: middle, with: { names: ['localhost'] } });
const other = await make('other', { issuer: root });
const p384 = await make('P-384', { privateKey: ecKey('P-384') });
const rsa = await make('RSA', { privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey });
const weak = await make('weak', { privateKey: generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey });
const pss = await make('PSS', { privateKey: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey });
const ed25519 = await make('Ed25519', { privateKey: generateKeyPairSync('ed25519').privateKey });
const ed448 = await make('Ed448', { privateKey: generateKeyPairSync('ed448').privateKey });

/** A verdict of either: taken, or the facts of the error. */
function verdictOf(act: () => unknown): readonly unknown[] {
  try {
    act();
    return ['taken'];
  } catch (error) {
    assert.ok(error instanceof Error);
    const { code, library, reason } = error as Error & Record<string, unknown>;
    return [error.constructor.name, code, library, reason, error.message];
  }
}

const ask = (options: object): readonly unknown[] =>
  verdictOf(() => nodeContext({ ciphers: 'DEFAULT@SECLEVEL=2', ...options } as SecureContextOptions));

const read = (options: object, context: KeyMaterialContext = {}): KeyMaterial =>
  readKeyMaterial(options as KeyMaterialOptions, context);

/** Both sides say the same; what they say. */
function agree(options: object, context: KeyMaterialContext = {}): readonly unknown[] {
  const nodes = ask(options);
  const shown = Object.entries(options).map(([name, value]) => `${name}: ${String(value).slice(0, 200)}`);
  assert.deepEqual(
    verdictOf(() => read(options, context)),
    nodes,
    shown.join(', '),
  );
  return nodes;
}

const taken = (options: object): void => assert.deepEqual(agree(options), ['taken']);
const refusedAs = (code: string | undefined, options: object): void => assert.equal(agree(options)[1], code);

/** Names of chains, the key's kind first. */
const summary = ({ credentials }: KeyMaterial): readonly string[] =>
  credentials.map(
    ({ chain, signer }) => `${signer.publicKey.type}: ${chain.map(({ subject }) => subject.commonName).join(' < ')}`,
  );

const names = (certificates: readonly Certificate[] | undefined): readonly (string | undefined)[] | undefined =>
  certificates?.map(({ subject }) => subject.commonName);

describe('key and cert', () => {
  it('every kind of key has its place', () => {
    const kinds = [leaf, rsa, pss, ed25519, ed448];
    for (const { key, cert } of kinds) taken({ key, cert });
    const options = { key: kinds.map(({ key }) => key).toReversed(), cert: kinds.map(({ cert }) => cert) };
    taken(options);
    assert.deepEqual(summary(read(options)), [
      'secp256r1: localhost',
      'rsa: RSA',
      'rsa-pss: PSS',
      'ed25519: Ed25519',
      'ed448: Ed448',
    ]);
  });

  it('ML-DSA keys have places of their own, on a Node without a name for them as well', async () => {
    const [one, another] = [
      await nodeProvider.generateKeyPair('ml-dsa-65'),
      await nodeProvider.generateKeyPair('ml-dsa-65'),
    ];
    const { publicKey } = one.signer;
    const { cert } = await make('ML-DSA', { issuer: root, with: { publicKey } });
    const options = { key: toPem('PRIVATE KEY', one.pkcs8), cert };
    taken(options);
    assert.deepEqual(summary(read(options)), ['ml-dsa-65: ML-DSA']);
    refusedAs('ERR_OSSL_X509_KEY_VALUES_MISMATCH', { key: toPem('PRIVATE KEY', another.pkcs8), cert });
  });

  it('keys are found by their public key, and the last of a kind stands', () => {
    const mismatch = 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
    refusedAs(mismatch, { key: other.key, cert: leaf.cert });
    refusedAs(mismatch, { key: p384.key, cert: leaf.cert });
    refusedAs(mismatch, { key: [leaf.key, other.key], cert: [leaf.cert, other.cert] });
    refusedAs(mismatch, { key: [other.key, leaf.key], cert: [leaf.cert, other.cert] });
    refusedAs(mismatch, { key: leaf.key, cert: middle.cert + leaf.cert });
    taken({ key: p384.key, cert: [leaf.cert, p384.cert] });
    assert.deepEqual(summary(read({ key: p384.key, cert: [leaf.cert, p384.cert] })), ['secp384r1: P-384']);
  });

  it('what has no other half is taken, not used, and reported', () => {
    for (const options of [{ key: leaf.key }, { cert: leaf.cert }, { key: rsa.key, cert: leaf.cert }]) {
      taken(options);
      assert.deepEqual(read(options).credentials, []);
    }
    assert.deepEqual(read({ key: rsa.key, cert: leaf.cert }).unpaired, ['a certificate (ec)', 'a key (rsa)']);
  });

  it('keys too weak for the security level are refused in a chain, and taken by themselves', () => {
    refusedAs('ERR_SSL_EE_KEY_TOO_SMALL', { key: weak.key, cert: weak.cert });
    refusedAs('ERR_SSL_CA_KEY_TOO_SMALL', { key: leaf.key, cert: leaf.cert + weak.cert });
    taken({ key: weak.key, ca: weak.cert });
    for (const securityLevel of [0, 1, 3, 4, 5] as const) {
      for (const { cert } of [weak, rsa, leaf, p384, ed25519, ed448]) {
        agree({ cert, ciphers: `DEFAULT@SECLEVEL=${securityLevel}` }, { securityLevel });
      }
    }
  });

  it('keys that sign nothing have no place', async () => {
    const x25519 = generateKeyPairSync('x25519');
    refusedAs('ERR_SSL_UNKNOWN_CERTIFICATE_TYPE', { key: pem(x25519.privateKey) });
    const publicKey = { ...root.signer.publicKey, spki: spkiBytes(x25519.publicKey) };
    const { cert } = await make('odd', { issuer: root, with: { publicKey } });
    refusedAs('ERR_SSL_UNKNOWN_CERTIFICATE_TYPE', { cert });
  });

  it('a curve that Node takes and we do not is refused by name once it has a certificate', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    const { cert } = await make('odd', {
      issuer: root,
      with: { publicKey: { ...root.signer.publicKey, spki: spkiBytes(publicKey) } },
    });
    const options = { key: pem(privateKey), cert };
    assert.deepEqual(ask(options), ['taken']);
    assert.throws(
      () => read(options),
      (error) =>
        error instanceof CertificateError &&
        error.code === 'unsupported_key' &&
        error.message === 'an EC key on curve 1.3.132.0.10 is not supported',
    );
    taken({ key: pem(privateKey) });
    refusedAs('ERR_OSSL_X509_KEY_VALUES_MISMATCH', { key: pem(privateKey), cert: leaf.cert });
  });

  it('text, buffers, typed arrays and views are one', () => {
    const views = (text: string): readonly NodeJS.ArrayBufferView[] => {
      const bytes = Buffer.from(text);
      const framed = new Uint8Array(bytes.length + 7);
      framed.set(bytes, 3);
      return [
        bytes,
        new Uint8Array(bytes),
        new DataView(framed.buffer, 3, bytes.length),
        framed.subarray(3, 3 + bytes.length),
      ];
    };
    const keys = views(leaf.key);
    for (const [index, cert] of views(leaf.cert).entries()) {
      const options = { key: keys[index], cert };
      taken(options);
      assert.deepEqual(summary(read(options)), ['secp256r1: localhost']);
    }
    refusedAs('ERR_OSSL_PEM_NO_START_LINE', { cert: new Uint16Array(2) });
  });

  it('values of other types are refused, and falsy ones are none', () => {
    const odd = [5, true, {}, [null], [undefined], [5], [{}], new ArrayBuffer(1), leaf.privateKey, [leaf.privateKey]];
    for (const value of [...odd, new X509Certificate(leaf.cert)]) {
      for (const name of ['key', 'cert', 'ca', 'crl']) refusedAs('ERR_INVALID_ARG_TYPE', { [name]: value });
    }
    refusedAs('ERR_INVALID_ARG_TYPE', { key: { pem: leaf.key } });
    for (const value of [undefined, null, '', 0, false, []]) taken({ key: value, cert: value, ca: value });
    for (const value of [undefined, null, []]) taken({ crl: value, pfx: value });
    for (const value of [0, false]) refusedAs('ERR_INVALID_ARG_TYPE', { crl: value });
  });

  it('is of an object alone what its own properties say', () => {
    Object.defineProperty(Object.prototype, 'passphrase', { value: 5, configurable: true });
    try {
      assert.equal(read(Object.assign(Object.create(null), { key: [leaf.key] })).unpaired.length, 1);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'passphrase');
    }
  });

  it('a signer is a key, alone, in a list, and beside others', () => {
    const { signer } = leaf;
    const [credential] = read({ key: signer, cert: leaf.cert }).credentials;
    assert.equal(credential?.signer, signer);
    assert.deepEqual(summary(read({ key: [rsa.key, { pem: signer }], cert: [leaf.cert, rsa.cert] })), [
      'secp256r1: localhost',
      'rsa: RSA',
    ]);
    assert.equal(verdictOf(() => read({ key: signer, cert: other.cert }))[1], 'ERR_OSSL_X509_KEY_VALUES_MISMATCH');
  });

  it('a legacy provider has the old ways of a key as well', () => {
    const context = { provider: nodeLegacyProvider };
    const [credential] = read({ key: rsa.key, cert: rsa.cert }, context).credentials;
    assert.equal(typeof credential?.legacyKey?.decryptRaw, 'function');
    assert.equal(read({ key: ed25519.key, cert: ed25519.cert }, context).credentials[0]?.legacyKey, undefined);
  });

  it('a provider that imports keys later is told of credentials', () => {
    assert.throws(
      () => read({ key: leaf.key, cert: leaf.cert }, { provider: webProvider }),
      (error) => error instanceof TlsConfigError && /imports keys asynchronously/.test(error.message),
    );
  });
});

describe('PEM', () => {
  const feed = (text: string): string => text.replaceAll('\n', '\r\n');
  const joined = (text: string): string =>
    text.replace(/-----\n([^-]*)\n-----END/, (_, body: string) => `-----\n${body.replaceAll('\n', '')}\n-----END`);
  const spoiled = (text: string): string => text.replace(/\n(.)/, '\n!');
  const block = (label: string, base64: string): string =>
    `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;

  it('is read as OpenSSL reads it', () => {
    const { cert, key } = leaf;
    for (const form of [feed, joined, (text: string) => text.trim(), (text: string) => `\ufeff${text}`]) {
      taken({ key: form(key), cert: form(cert) });
      taken({ key: Buffer.from(form(key)), cert: Buffer.from(form(cert)) });
      assert.deepEqual(summary(read({ key: form(key), cert: `${form(cert)}\n${middle.cert}` })), [
        'secp256r1: localhost < Middle',
      ]);
    }
    const texts = [
      ...[`before\n${cert}between\n${middle.cert}after`, key + cert, cert + key + middle.cert, cert.slice(0, 200)],
      ...[cert + middle.cert.slice(0, 200), cert.replace(/-----END.*\n/, ''), cert.replaceAll('\n', '')],
      ...[cert.replaceAll('\n', '\n  '), cert.replaceAll('\n', '\\n'), spoiled(cert), cert + spoiled(middle.cert)],
      ...[spoiled(key) + cert, cert.replace('END CERT', 'END OTHER CERT'), cert.replaceAll('\n', ' \t\n')],
      ...[block('CERTIFICATE', 'MAMCAQE='), block('X', 'MAMCAQE=') + cert, ` ${cert}`, `-----\n${cert}`, 'x', '\n'],
      ...[cert.replaceAll('CERTIFICATE', 'X509 CERTIFICATE'), cert.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')],
      ...[cert + cert.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'), cert.replaceAll('-----', '----'), key],
    ];
    for (const text of texts) for (const given of [text, Buffer.from(text)]) agree({ cert: given, ca: given, key });
  });

  it('the first key of a text counts', () => {
    const { cert, key } = leaf;
    const sec1 = String(leaf.privateKey.export({ format: 'pem', type: 'sec1' }));
    const pkcs1 = String(rsa.privateKey.export({ format: 'pem', type: 'pkcs1' }));
    const parameters = block('EC PARAMETERS', 'BggqhkjOPQMBBw==');
    for (const text of [key + other.key, other.key + key, cert + key, sec1, parameters + sec1, pkcs1]) {
      agree({ key: text, cert });
    }
    assert.deepEqual(summary(read({ key: key + other.key, cert })), ['secp256r1: localhost']);
    const texts = [
      ...['x', '\n', cert, spoiled(key), key.slice(0, 100), key.replaceAll('\n', '\\n'), key.replaceAll('\n', '')],
      ...['PRIVATE', 'RSA PRIVATE', 'EC PRIVATE', 'PUBLIC', 'OPENSSH PRIVATE'].map((label) =>
        block(`${label} KEY`, 'MAMCAQE='),
      ),
      ...[block('PRIVATE KEY', 'MAMCAQE=') + key, toPem('PUBLIC KEY', leaf.certificate.spki)],
    ];
    for (const text of texts) agree({ key: text });
    for (const empty of ['', Buffer.alloc(0)]) agree({ key: [empty] });
  });

  it('DER is taken beside what Node takes', () => {
    const encrypted = leaf.privateKey.export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'pw' });
    for (const key of [der(leaf.privateKey), leaf.privateKey.export({ format: 'der', type: 'sec1' }), encrypted]) {
      const options = { key, cert: leaf.certificate.raw, ca: root.certificate.raw, passphrase: 'pw' };
      assert.equal(ask(options)[1], 'ERR_OSSL_PEM_NO_START_LINE');
      assert.deepEqual(summary(read(options)), ['secp256r1: localhost']);
      assert.deepEqual(names(read(options).trustedCertificates), ['Root']);
    }
    assert.equal(String(verdictOf(() => read({ key: encrypted, passphrase: 'x' }))[1]).slice(0, 9), 'ERR_OSSL_');
  });
});

describe('passphrase', () => {
  const pkcs8 = (cipher: string): string =>
    String(leaf.privateKey.export({ format: 'pem', type: 'pkcs8', cipher, passphrase: 'pw' }));
  const old = (cipher: string): string =>
    String(leaf.privateKey.export({ format: 'pem', type: 'sec1', cipher, passphrase: 'pw' }));
  const all = [
    ...[pkcs8('aes-128-cbc'), pkcs8('aes-256-cbc'), pkcs8('des-ede3-cbc')],
    ...[old('aes-128-cbc'), old('aes-256-cbc'), old('des-ede3-cbc')],
  ];
  const [first = ''] = all;
  /** A key that is always the same, so that a wrong passphrase always makes bad padding. */
  const encrypted = readFileSync(
    new URL('../../../x509/test/vectors/key-files/pkcs8/ec_private_key_encrypted.pem', import.meta.url),
  );

  it('opens keys of every form', () => {
    for (const key of all) {
      const options = { key, cert: leaf.cert, passphrase: 'pw' };
      taken(options);
      assert.deepEqual(summary(read(options)), ['secp256r1: localhost']);
      // One wrong passphrase in 256 makes good padding, and another error.
      for (const passphrase of ['x', '', undefined, null]) {
        assert.match(String(agree({ key, passphrase })[1]), /^ERR_OSSL_/);
      }
    }
    taken({ key: leaf.key, passphrase: 'not needed' });
    const key = encrypted;
    for (const passphrase of ['x', '', undefined, null]) refusedAs('ERR_OSSL_BAD_DECRYPT', { key, passphrase });
  });

  it('of its own goes before that of all', () => {
    taken({ key: [{ pem: first, passphrase: 'pw' }] });
    taken({ key: [{ pem: first, passphrase: 'pw' }], passphrase: 'x' });
    taken({ key: [{ pem: first }, first], passphrase: 'pw' });
    for (const own of [null, 'x']) {
      refusedAs('ERR_OSSL_BAD_DECRYPT', { key: [{ pem: encrypted, passphrase: own }], passphrase: '123456' });
    }
  });

  it('is text, of at most 1,024 bytes', () => {
    for (const passphrase of [5, Buffer.from('pw'), {}]) {
      refusedAs('ERR_INVALID_ARG_TYPE', { key: first, passphrase });
      refusedAs('ERR_INVALID_ARG_TYPE', { key: [{ pem: leaf.key, passphrase }] });
    }
    taken({ passphrase: 5 });
    refusedAs('ERR_OSSL_BAD_DECRYPT', { key: encrypted, passphrase: 'x'.repeat(1024) });
    refusedAs('ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED', { key: first, passphrase: 'x'.repeat(1025) });
  });

  it('opens nothing that was encrypted by what Node has put away', () => {
    for (const name of ['pbes1-PBE-MD5-DES.pem', 'pbes2-rc2.pem', 'scrypt.pem', 'old-des.pem']) {
      agree({ key: vector(name), passphrase: 'handfast' });
    }
  });
});

describe('pfx', async () => {
  const encryption = { iterations: 1000 };
  const file = async (keys: readonly Identity[], certificates: readonly Identity[], password = 'pw'): Promise<Buffer> =>
    Buffer.from(
      await writePkcs12(
        nodeProvider,
        {
          keys: keys.map(({ privateKey }) => ({ pkcs8: der(privateKey) })),
          certificates: certificates.map(({ certificate }) => ({ certificate })),
        },
        password,
        { encryption },
      ),
    );
  const pfx = await file([leaf], [leaf, middle, root]);

  it('holds key, chain and those to trust', () => {
    const options = { pfx, passphrase: 'pw' };
    taken(options);
    const material = read(options);
    assert.deepEqual(summary(material), ['secp256r1: localhost < Middle < Root']);
    assert.deepEqual(names(material.trustedCertificates), ['Middle', 'Root']);
    assert.equal(material.trustsDefaults, true);
    const beside = read({ ...options, ca: other.cert });
    assert.deepEqual(names(beside.trustedCertificates), ['other', 'Middle', 'Root']);
    assert.equal(beside.trustsDefaults, false);
  });

  it('the certificate of the key is found wherever it stands', async () => {
    const options = { pfx: await file([leaf], [root, leaf, middle]), passphrase: 'pw' };
    taken(options);
    assert.deepEqual(summary(read(options)), ['secp256r1: localhost < Root < Middle']);
  });

  it('a lone certificate leads to nobody else', async () => {
    const material = read({ pfx: await file([leaf], [leaf]), passphrase: 'pw' });
    assert.deepEqual(summary(material), ['secp256r1: localhost']);
    assert.equal(material.trustedCertificates, undefined);
  });

  it('takes the place of key and cert of its kind', async () => {
    const options = { pfx, passphrase: 'pw', key: [other.key, rsa.key], cert: [other.cert, rsa.cert] };
    taken(options);
    assert.deepEqual(summary(read(options)), ['secp256r1: localhost < Middle < Root', 'rsa: RSA']);
    const two = { pfx: [pfx, { buf: await file([rsa], [rsa], 'own'), passphrase: 'own' }], passphrase: 'pw' };
    taken(two);
    assert.deepEqual(summary(read(two)), ['secp256r1: localhost < Middle < Root', 'rsa: RSA']);
  });

  it('a passphrase that is wrong or missing, and files without one', async () => {
    const bare = await file([leaf], [leaf], '');
    for (const passphrase of ['pw', 'x', '', undefined, null]) {
      agree({ pfx, passphrase });
      agree({ pfx: [pfx], passphrase });
      agree({ pfx: [{ buf: pfx, passphrase }] });
      agree({ pfx: bare, passphrase });
      agree({ pfx: vector('no-mac.p12'), passphrase });
    }
    assert.deepEqual(agree({ pfx, passphrase: 'x' }), ['Error', undefined, undefined, undefined, 'mac verify failure']);
    for (const passphrase of ['handfast', 'handfast\0more']) taken({ pfx: vector('no-mac.p12'), passphrase });
    for (const passphrase of [Buffer.from('pw'), new Uint8Array([112, 119])]) taken({ pfx: [pfx], passphrase });
    for (const passphrase of [5, {}, true]) {
      refusedAs('ERR_INVALID_ARG_TYPE', { pfx, passphrase });
      refusedAs('ERR_INVALID_ARG_TYPE', { pfx: [{ buf: pfx, passphrase }] });
    }
  });

  it('without a key, without its certificate, with a key that is too weak', async () => {
    const failed = 'ERR_CRYPTO_OPERATION_FAILED';
    refusedAs(failed, { pfx: await file([], [leaf]), passphrase: 'pw' });
    refusedAs(failed, { pfx: await file([leaf], []), passphrase: 'pw' });
    refusedAs(failed, { pfx: await file([leaf], [middle]), passphrase: 'pw' });
    assert.equal(agree({ pfx: await file([weak], [weak]), passphrase: 'pw' })[4], 'ee key too small');
    assert.equal(agree({ pfx: await file([leaf], [leaf, weak]), passphrase: 'pw' })[4], 'ca key too small');
  });

  it('is bytes, and ends where it ends', () => {
    for (const value of [5, true, {}, new ArrayBuffer(1), { buf: pfx }, [5], [{}]]) {
      refusedAs('ERR_CRYPTO_OPERATION_FAILED', { pfx: value, passphrase: 'pw' });
    }
    assert.deepEqual(
      [ask({ pfx: [null] })[0], verdictOf(() => read({ pfx: [null] }))[1]],
      ['TypeError', 'ERR_CRYPTO_OPERATION_FAILED'],
    );
    const view = new DataView(new Uint8Array(pfx).buffer);
    for (const value of [new Uint8Array(pfx), view, Buffer.concat([pfx, Buffer.from('more')])]) {
      taken({ pfx: value, passphrase: 'pw' });
    }
    for (const value of ['', 'text', Buffer.alloc(0), pfx.subarray(0, 300), pfx.toString('latin1')]) {
      const [nodes, ours] = [ask({ pfx: value }), verdictOf(() => read({ pfx: value }))];
      assert.deepEqual(nodes.slice(0, 4), ['Error', undefined, undefined, undefined]);
      assert.deepEqual(ours.slice(0, 4), nodes.slice(0, 4));
      assert.match(String(ours[4]), /^PKCS#12: /);
    }
  });

  it('triple DES is read, as Windows writes it', () => {
    for (const name of ['3des.p12', '2des.p12']) {
      const options = { pfx: vector(name), passphrase: 'handfast' };
      taken(options);
      assert.equal(read(options).credentials.length, 1);
      assert.equal(agree({ ...options, passphrase: 'x' })[4], 'mac verify failure');
    }
  });

  it('RC2 is read by what is imported for it, and the error says so', () => {
    const refused = (name: string): readonly unknown[] =>
      verdictOf(() => read({ pfx: vector(name), passphrase: 'handfast' }));
    assert.deepEqual(refused('legacy-3des-rc2-40.p12').slice(0, 2), ['Error', 'ERR_CRYPTO_UNSUPPORTED_OPERATION']);
    assert.equal(
      refused('legacy-3des-rc2-40.p12')[4],
      'Unsupported PKCS12 PFX data: PKCS#12: it is encrypted with pbeWithSHAAnd40BitRC2-CBC, which is out of use (pass legacyPbe of @handfast/x509/legacy to read it)',
    );
    for (const name of ['legacy-3des-rc2-40.p12', 'legacy-2des-rc2-128.p12']) {
      const options = { pfx: vector(name), passphrase: 'handfast' };
      assert.equal(ask(options)[1], 'ERR_CRYPTO_UNSUPPORTED_OPERATION');
      assert.equal(refused(name)[1], 'ERR_CRYPTO_UNSUPPORTED_OPERATION');
      assert.equal(read(options, { legacyPbe }).credentials.length, 1);
      assert.equal(verdictOf(() => read({ ...options, passphrase: 'x' }, { legacyPbe }))[4], 'mac verify failure');
    }
    for (const name of ['openssl.p12', 'mac-sha1.p12', 'mac-sha512.p12', 'openssl-empty-password.p12']) {
      agree({ pfx: vector(name), passphrase: name.includes('empty') ? '' : 'handfast' });
    }
  });
});

describe('ca', () => {
  it('nobody named is not the same as nobody trusted', () => {
    assert.equal(read({}).trustedCertificates, undefined);
    assert.equal(read({}).trustsDefaults, true);
    for (const ca of ['x', [], [''], Buffer.from('x')]) {
      taken({ ca });
      const { trustedCertificates, trustsDefaults } = read({ ca });
      assert.deepEqual([trustedCertificates, trustsDefaults], [[], false]);
    }
  });

  it('all of a text are trusted, up to the first that cannot be read', () => {
    const ca = [`${root.cert}${middle.cert}`, leaf.cert + root.cert.slice(0, 200) + other.cert];
    taken({ ca });
    assert.deepEqual(names(read({ ca }).trustedCertificates), ['Root', 'Middle', 'localhost']);
  });

  it('one that says what it is trusted for is not trusted for all', () => {
    const trusted = (...aux: readonly number[]): string =>
      toPem('TRUSTED CERTIFICATE', Buffer.concat([root.certificate.raw, Uint8Array.from(aux)]));
    const serverAuth = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
    const alias = trusted(0x30, 0x04, 0x0c, 0x02, 0x68, 0x69);
    const rejected = trusted(0x30, 0x0c, 0xa0, 0x0a, ...serverAuth);
    const limited = trusted(0x30, 0x0c, 0x30, 0x0a, ...serverAuth);
    for (const ca of [alias, rejected, limited]) taken({ ca });
    assert.deepEqual(names(read({ ca: [trusted(), trusted(0x30, 0), alias] }).trustedCertificates), [
      'Root',
      'Root',
      'Root',
    ]);
    assert.deepEqual(names(read({ ca: [rejected, limited] }).trustedCertificates), []);
  });

  it('completes the chain of a certificate that stands alone, as a server of Node sends it', async () => {
    const options = { key: leaf.key, cert: leaf.cert, ca: [root.cert, other.cert, middle.cert] };
    assert.deepEqual(summary(read(options)), ['secp256r1: localhost < Middle']);
    assert.deepEqual(await chainFrom(options), ['localhost', 'Middle', 'Root']);
    const whole = { ...options, cert: leaf.cert + other.cert };
    assert.deepEqual(summary(read(whole)), ['secp256r1: localhost < other']);
    assert.deepEqual(await chainFrom(whole), ['localhost', 'other']);
  });
});

describe('crl', async () => {
  const issuer = { certificate: root.certificate, signer: root.signer };
  const made = await issueCrl({ issuer, number: 1n, thisUpdate: notBefore, nextUpdate: notAfter, revoked: [] });
  const crl = toPem('X509 CRL', made.raw);

  it('is PEM, in text and bytes, one or several', () => {
    for (const value of [crl, Buffer.from(crl), [crl], [crl, crl], leaf.cert + crl, `${crl}more`]) {
      taken({ crl: value });
      assert.deepEqual(read({ crl: value }).crls.at(0)?.raw, made.raw);
    }
    assert.deepEqual(read({}).crls, []);
    assert.equal(read({ crl: [crl + crl, made.raw] }).crls.length, 3);
  });

  it('what is none is refused', () => {
    for (const value of [
      '',
      'x',
      leaf.cert,
      [crl, 'x'],
      Buffer.alloc(0),
      crl.slice(0, 100),
      crl.replace(/\n(.)/, '\n!'),
    ]) {
      refusedAs('ERR_CRYPTO_OPERATION_FAILED', { crl: value });
    }
    // Node 24 does not look at the second, Node 26 does.
    assert.equal(verdictOf(() => read({ crl: crl + crl.slice(0, 100) }))[1], 'ERR_CRYPTO_OPERATION_FAILED');
  });
});

describe('engines', () => {
  it('are refused: there are none', () => {
    const code = 'ERR_CRYPTO_CUSTOM_ENGINE_NOT_SUPPORTED';
    for (const options of [{ clientCertEngine: 'x' }, { privateKeyIdentifier: 'x', privateKeyEngine: 'y' }]) {
      assert.equal(ask(options)[0], 'Error');
      const [name, found, , , message] = verdictOf(() => read(options));
      assert.deepEqual([name, found], ['Error', code]);
      assert.match(String(message), /no OpenSSL engine/);
    }
  });

  it('what makes no sense is refused as Node does', () => {
    refusedAs('ERR_INVALID_ARG_TYPE', { clientCertEngine: 5 });
    refusedAs('ERR_INVALID_ARG_VALUE', { privateKeyIdentifier: 'x' });
    refusedAs('ERR_INVALID_ARG_VALUE', { privateKeyIdentifier: 'x', privateKeyEngine: 'y', key: leaf.key });
    refusedAs('ERR_INVALID_ARG_TYPE', { privateKeyIdentifier: 5, privateKeyEngine: 'y' });
    refusedAs('ERR_INVALID_ARG_TYPE', { privateKeyIdentifier: 'x', privateKeyEngine: 5 });
    taken({ privateKeyEngine: 'y' });
    taken({ clientCertEngine: null, privateKeyIdentifier: null });
  });
});

function spkiBytes(key: KeyObject): Bytes {
  return Uint8Array.from(key.export({ format: 'der', type: 'spki' }));
}

/** One of the containers that other programs wrote. */
function vector(name: string): Buffer {
  return readFileSync(new URL(`../../../x509/test/vectors/containers/${name}`, import.meta.url));
}

/** The names of the certificates that a server of Node sends. */
async function chainFrom(options: SecureContextOptions): Promise<readonly (string | undefined)[]> {
  const server = createServer(options).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, verifyPeer: () => ({ accepted: true }) as const });
  await once(socket, 'secureConnect');
  const chain = socket.negotiated?.peer?.chain;
  socket.destroy();
  server.close();
  return names(chain) ?? [];
}
