/**
 * `handfast cert`: every subcommand, on files of every kind, with what a person sees, what a program gets, and how it exits.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Certificate,
  encryptPrivateKey,
  issueCertificate,
  issueCrl,
  issueOcspResponse,
  issueRequest,
  ocspRequest,
  parseCertificates,
  toPem,
  writePkcs7,
  writePkcs12,
} from '@handfast/x509';
import { finish } from '../support/io.ts';

const directory = mkdtempSync(join(tmpdir(), 'handfast-cert-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const path = (name: string): string => join(directory, name);
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(path(name), content);
  return path(name);
};

const now = Date.now();
const hours = (count: number): Date => new Date(now + count * 3_600_000);
const dates = { provider, notBefore: hours(-48), notAfter: hours(48) } as const;
const pem = (...certificates: readonly Certificate[]): string =>
  certificates.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');

const rootKey = await provider.generateKeyPair('secp256r1');
const caKey = await provider.generateKeyPair('secp256r1');
const leafKey = await provider.generateKeyPair('secp256r1');
const root = await issueCertificate({
  ...dates,
  subject: { commonName: 'Test root' },
  publicKey: rootKey.signer.publicKey,
  issuer: { signer: rootKey.signer },
  ca: true,
});
const byRoot = { certificate: root, signer: rootKey.signer };
const ca = await issueCertificate({
  ...dates,
  subject: { commonName: 'Issuing CA' },
  publicKey: caKey.signer.publicKey,
  issuer: byRoot,
  ca: { pathLength: 0 },
});
const byCa = { certificate: ca, signer: caKey.signer };
const leafOf = (change = {}): Promise<Certificate> =>
  Promise.resolve(
    issueCertificate({
      ...dates,
      subject: { commonName: 'db.internal' },
      publicKey: leafKey.signer.publicKey,
      issuer: byCa,
      names: ['db.internal', '192.0.2.1'],
      extendedKeyUsage: ['serverAuth'],
      crlUrls: ['http://crl.example/1'],
      ...change,
    }),
  );
const leaf = await leafOf();
const expired = await leafOf({ notAfter: hours(-24) });
const fresh = { thisUpdate: hours(-1), nextUpdate: hours(1) } as const;
const list = async (...revoked: readonly Certificate[]): Promise<string> => {
  const crl = await issueCrl({
    ...fresh,
    issuer: byCa,
    number: 3n,
    revoked: revoked.map(({ serialNumber }) => ({ serialNumber, revokedAt: hours(-2), reason: 'superseded' })),
  });
  return toPem('X509 CRL', crl.raw);
};
const ofRoot = toPem('X509 CRL', (await issueCrl({ ...fresh, issuer: byRoot, number: 1n, revoked: [] })).raw);
const response = await issueOcspResponse({
  provider,
  responder: { signer: caKey.signer },
  issuer: ca,
  answers: [{ subject: leaf, status: 'good', ...fresh }],
  producedAt: hours(-1),
});
const request = await issueRequest({
  provider,
  signer: leafKey.signer,
  subject: { commonName: 'db.internal' },
  names: ['db.internal'],
});

const files = {
  root: file('root.pem', pem(root)),
  ca: file('ca.pem', pem(ca)),
  leaf: file('leaf.der', leaf.raw),
  chain: file('chain.pem', `text before\n${pem(leaf, ca)}text after\n`),
  expired: file('expired.pem', pem(expired)),
  suffix: file('suffix.pem', pem(await leafOf({ names: ['*.co.uk'] }), ca)),
  key: file('key.pem', toPem('PRIVATE KEY', leafKey.pkcs8)),
  otherKey: file('other.pem', toPem('PRIVATE KEY', caKey.pkcs8)),
  password: file('password', 'correct horse\nnot this line\n'),
  wrong: file('wrong', 'battery staple\n'),
  encrypted: file(
    'encrypted.pem',
    toPem(
      'ENCRYPTED PRIVATE KEY',
      await encryptPrivateKey(provider, leafKey.pkcs8, 'correct horse', { iterations: 1000 }),
    ),
  ),
  p12: file(
    'bundle.p12',
    await writePkcs12(
      provider,
      { keys: [{ pkcs8: leafKey.pkcs8, friendlyName: 'db' }], certificates: [{ certificate: leaf }] },
      'correct horse',
      { encryption: { iterations: 1000 }, macIterations: 1000 },
    ),
  ),
  p7: file('bundle.p7b', writePkcs7([leaf, ca])),
  crl: file('list.pem', await list()),
  revoking: file('revoking.pem', await list(leaf)),
  rootCrl: file('root-list.pem', ofRoot),
  ocsp: file('response.der', response),
  ocspRequest: file('request.der', ocspRequest({ provider, certificate: leaf, issuer: ca, nonce: true })),
  request: file('request.pem', toPem('CERTIFICATE REQUEST', request.raw)),
  publicKey: file('public.pem', toPem('PUBLIC KEY', leafKey.signer.publicKey.spki)),
  text: file('notes.txt', 'nothing of the kind\n'),
  broken: file('broken.pem', pem(leaf).replace(/\n..../, '\nAAAA')),
};

describe('cert show', () => {
  const seen: readonly (readonly [string, readonly string[], readonly RegExp[]])[] = [
    [
      'a certificate, in DER',
      [files.leaf],
      [
        /certificate "db\.internal"/,
        /Valid .*\n +expires in \d+ (hours|days)/,
        /DNS "db\.internal", IP 192\.0\.2\.1|DNS "db\.internal"/,
        /crl\.example/,
      ],
    ],
    [
      'a bundle with text between',
      [files.chain],
      [/block 1 of .*"db\.internal"/s, /block 2 of .*CA certificate "Issuing CA"/s],
    ],
    ['one that has expired', [files.expired], [/expired 24 hours ago|expired 1 day ago/]],
    ['a request', [files.request], [/certificate request/, /Possession +proven/]],
    ['a CRL', [files.revoking], [/CRL of "CN=Issuing CA"/, /1 certificate/, /superseded/, /due in/]],
    ['an OCSP response', [files.ocsp], [/OCSP response/, /serial [0-9A-F:]+: good/s]],
    ['an OCSP request', [files.ocspRequest], [/OCSP request/, /Nonce +32 bytes/]],
    ['a private key', [files.key], [/private key/, /ECDSA P-256/, /whoever has this file has the key/]],
    ['an encrypted key', [files.encrypted], [/private key/, /Encrypted .*PBKDF2.*AES-256-CBC|Encrypted .*AES/]],
    ['a public key', [files.publicKey], [/public key/, /ECDSA P-256/]],
    ['a PKCS #7 bundle', [files.p7], [/PKCS #7 bundle/, /2 objects/, /Issuing CA/]],
    [
      'a PKCS #12 file',
      [files.p12, '--password-file', files.password],
      [/PKCS #12 file/, /Called +"db"/, /private key/],
    ],
  ];
  for (const [what, args, expected] of seen) {
    test(what, async () => {
      const { exitCode, stdout } = await finish(['cert', 'show', ...args]);
      assert.equal(exitCode, 0, stdout.text);
      for (const pattern of expected) assert.match(stdout.text, pattern);
      for (const line of stdout.lines) {
        // Paths are the tests' own, and long.
        if (!line.includes(directory)) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
      }
      assert.ok(!stdout.text.includes(Buffer.from(leafKey.pkcs8).toString('hex').slice(60, 120)));
    });
  }
  test('stdin, and several files', async () => {
    const { exitCode, stdout } = await finish(['cert', 'show', '-', files.key], pem(root));
    assert.equal(exitCode, 0);
    assert.match(stdout.text, /CA certificate "Test root"[\s\S]*private key/);
  });
  test('as JSON, a value an object', async () => {
    const { exitCode, stdout } = await finish([
      'cert',
      'show',
      '--json',
      files.chain,
      files.crl,
      files.ocsp,
      files.request,
    ]);
    assert.equal(exitCode, 0);
    const values = stdout.values;
    assert.equal(values.length, 5);
    assert.equal(values[0]?.subject, 'CN=db.internal');
    assert.equal(values[0]?.serialNumber, leaf.serialNumberHex);
    assert.ok(JSON.stringify(values[3]).includes('"good"'));
  });
  test('what cannot be read does not hide the rest, and is 2', async () => {
    const { exitCode, stdout } = await finish(['cert', 'show', files.broken, files.key]);
    assert.equal(exitCode, 2);
    assert.match(stdout.text, /cannot be\s+read[\s\S]*private key/);
  });
  test('under a wrong password, or none, says so', async () => {
    const wrong = await finish(['cert', 'show', files.p12, '--password-file', files.wrong]);
    assert.match(wrong.stdout.text, /password/);
    const none = await finish(['cert', 'show', files.p12]);
    assert.match(none.stdout.text, /--password-file/);
  });
  test('of a file that is not there, or holds nothing, is 2', async () => {
    assert.equal((await finish(['cert', 'show', path('nowhere')])).exitCode, 2);
    const { exitCode, stderr } = await finish(['cert', 'show', files.text]);
    assert.equal(exitCode, 2);
    assert.match(stderr.text, /holds neither PEM nor any DER/);
  });
});

describe('cert verify', () => {
  const good = ['cert', 'verify', files.chain, '--ca', files.root];
  test('prints the path and what each certificate was checked for', async () => {
    const { exitCode, stdout } = await finish([...good, '--name', 'db.internal']);
    assert.equal(exitCode, 0);
    assert.match(
      stdout.text,
      /"db\.internal" is verified[\s\S]*0 "db\.internal"[\s\S]*1 "Issuing CA"[\s\S]*2 "Test root"/,
    );
  });
  test('takes intermediates, PKCS #7 among them, and a time', async () => {
    const more = ['--intermediates', files.p7, '--time', new Date(now).toISOString()];
    assert.equal((await finish(['cert', 'verify', files.leaf, '--ca', files.root, ...more])).exitCode, 0);
  });
  const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['another name', [...good, '--name', 'other.internal'], /name_mismatch/],
    [
      'a wildcard over other people’s names',
      ['cert', 'verify', files.suffix, '--ca', files.root, '--name', 'example.co.uk'],
      /name_mismatch/,
    ],
    ['another use', [...good, '--usage', 'clientAuth'], /is not for clientAuth/],
    ['another time', [...good, '--time', '2100-01-01T00:00:00Z'], /expired/],
    ['a missing intermediate', ['cert', 'verify', files.leaf, '--ca', files.root], /Issuing CA/],
    ['another root', ['cert', 'verify', files.chain, '--ca', files.expired], /unknown_issuer|not_a_ca/],
    ['a revoked certificate', [...good, '--crl', files.revoking, files.rootCrl], /revoked[\s\S]*superseded/],
    ['a status that nobody knows', [...good, '--crl', files.crl], /revocation_unknown/],
  ];
  for (const [what, args, why] of refused) {
    test(`refuses ${what}, with 5`, async () => {
      const { exitCode, stderr } = await finish(args);
      assert.equal(exitCode, 5, stderr.text);
      assert.match(stderr.text, why);
    });
  }
  test('says where the status came from', async () => {
    const byList = await finish([...good, '--crl', files.crl, files.rootCrl]);
    assert.equal(byList.exitCode, 0, byList.stderr.text);
    assert.match(byList.stdout.text, /revocation +good, says the CRL of /);
    const byResponse = await finish([...good, '--ocsp', files.ocsp, '--crl', files.rootCrl]);
    assert.equal(byResponse.exitCode, 0, byResponse.stderr.text);
    assert.match(byResponse.stdout.text, /revocation +good, says the OCSP response of /);
  });
  test('as JSON', async () => {
    const { stdout } = await finish([...good, '--json']);
    assert.equal(stdout.values[0]?.verified, true);
    const no = await finish([...good, '--json', '--name', 'x.internal']);
    assert.equal(no.exitCode, 5);
    assert.deepEqual([no.stdout.values[0]?.verified, no.stdout.values[0]?.code], [false, 'name_mismatch']);
  });
  test('of what is none is 2', async () => {
    assert.equal((await finish([...good, '--crl', files.ca])).exitCode, 2);
    assert.equal((await finish([...good, '--usage', 'cooking'])).exitCode, 2);
    assert.equal((await finish(['cert', 'verify', files.key, '--ca', files.root])).exitCode, 2);
  });
});

describe('cert chain', () => {
  const subjects = (text: string): readonly string[] =>
    parseCertificates(text).map(({ subject }) => subject.toString());
  test('puts a bundle in order, leaf first, without the root', async () => {
    const { exitCode, stdout } = await finish(['cert', 'chain', files.root, files.ca, files.leaf, '--ca', files.root]);
    assert.equal(exitCode, 0);
    assert.deepEqual(subjects(stdout.text), ['CN=db.internal', 'CN=Issuing CA']);
  });
  test('keeps the root where it is asked to, and writes a file', async () => {
    const out = path('ordered.pem');
    await finish(['cert', 'chain', files.root, files.ca, files.leaf, '--ca', files.root, '--with-root', '--out', out]);
    assert.deepEqual(subjects(readFileSync(out, 'utf8')), ['CN=db.internal', 'CN=Issuing CA', 'CN=Test root']);
  });
  test('says what is missing, with 1', async () => {
    const { exitCode, stderr, stdout } = await finish(['cert', 'chain', files.leaf, '--ca', files.root]);
    assert.equal(exitCode, 1);
    assert.match(`${stderr.text}${stdout.text}`, /missing[\s\S]*Issuing CA/);
  });
  test('says what has expired, with 1', async () => {
    const { exitCode, stderr } = await finish(['cert', 'chain', files.expired, files.ca, '--ca', files.root]);
    assert.equal(exitCode, 1);
    assert.match(stderr.text, /expired/);
  });
});

describe('cert convert', () => {
  test('PEM to DER and back is the same', async () => {
    await finish(['cert', 'convert', files.ca, '--to', 'der', '--out', path('ca.der')]);
    assert.deepEqual(readFileSync(path('ca.der')), Buffer.from(ca.raw));
    const { stdout } = await finish(['cert', 'convert', path('ca.der'), '--to', 'pem']);
    assert.equal(parseCertificates(stdout.text)[0]?.serialNumberHex, ca.serialNumberHex);
  });
  test('to PKCS #12 and back, for its owner alone, and never over a file', async () => {
    const out = path('made.p12');
    const args = ['cert', 'convert', files.chain, '--key', files.key, '--to', 'p12', '--out', out];
    assert.equal((await finish([...args, '--new-password-file', files.password])).exitCode, 0);
    if (process.platform !== 'win32') assert.equal(statSync(out).mode & 0o777, 0o600);
    const again = await finish([...args, '--new-password-file', files.password]);
    assert.equal(again.exitCode, 2);
    assert.match(again.stderr.text, /--force/);
    const { stdout } = await finish(['cert', 'convert', out, '--password-file', files.password, '--to', 'pem']);
    assert.match(stdout.text, /BEGIN PRIVATE KEY/);
    assert.equal(parseCertificates(stdout.text).length, 2);
  });
  test('to PKCS #7', async () => {
    await finish(['cert', 'convert', files.chain, '--to', 'p7b', '--out', path('made.p7b')]);
    const { stdout } = await finish(['cert', 'show', path('made.p7b')]);
    assert.match(stdout.text, /2 objects/);
  });
  test('PKCS #12 without a password is 2', async () => {
    const args = ['cert', 'convert', files.chain, '--key', files.key, '--to', 'p12', '--out', path('never.p12')];
    assert.equal((await finish(args)).exitCode, 2);
    assert.equal(existsSync(path('never.p12')), false);
  });
});

describe('cert match', () => {
  test('a key with its certificate, its request and its public half: 0', async () => {
    for (const one of [files.leaf, files.request, files.publicKey]) {
      const { exitCode, stdout } = await finish(['cert', 'match', one, files.key]);
      assert.equal(exitCode, 0, stdout.text);
      assert.match(stdout.text, /belong together/);
    }
    const encrypted = await finish(['cert', 'match', files.leaf, files.encrypted, '--password-file', files.password]);
    assert.equal(encrypted.exitCode, 0);
  });
  test('another key: 1, with both fingerprints', async () => {
    const { exitCode, stdout } = await finish(['cert', 'match', files.leaf, files.otherKey]);
    assert.equal(exitCode, 1);
    assert.equal(stdout.text.match(/Key SHA-256/g)?.length, 2);
    const json = await finish(['cert', 'match', files.leaf, files.otherKey, '--json']);
    assert.equal(json.stdout.values[0]?.match, false);
  });
});
