/**
 * `handfast trust`: where certificates come from, which are taken, and what is written.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { toHex } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { mozillaEdition, mozillaRoots } from '@handfast/roots';
import { type Certificate, issueCertificate, parsePkcs7, toPem, trustStore } from '@handfast/x509';
import { finish } from '../support/io.ts';

const directory = mkdtempSync(join(tmpdir(), 'handfast-trust-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const path = (name: string): string => join(directory, name);
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(path(name), content);
  return path(name);
};

const { signer } = await provider.generateKeyPair('secp256r1');
const rootOf = async (commonName: string, notAfter = '2036-01-01'): Promise<Certificate> =>
  issueCertificate({
    provider,
    subject: { commonName, organization: 'Example' },
    publicKey: signer.publicKey,
    issuer: { signer },
    notBefore: new Date('2020-01-01'),
    notAfter: new Date(notAfter),
    ca: true,
  });
const [one, two, old] = [
  await rootOf('First Root'),
  await rootOf('Second Root'),
  await rootOf('Old Root', '2021-01-01'),
];
const pem = (...certificates: readonly Certificate[]): string =>
  certificates.map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
const digest = ({ raw }: Certificate): string => toHex(provider.digest('sha256', raw));

const both = file('both.pem', pem(one, two));
mkdirSync(path('folder'));
file('folder/two.der', two.raw);
file('folder/old.pem', pem(old));
file('folder/notes.txt', 'nothing');

test('export takes files, folders and stdin together, each certificate once', async () => {
  const { exitCode, stdout, stderr } = await finish(['trust', 'export', both, path('folder'), '-'], pem(old, one));
  assert.equal(exitCode, 0);
  assert.equal(stderr.text, '');
  const trust = trustStore(stdout.text);
  assert.deepEqual([trust.size, ...[one, two, old].map((each) => trust.has(each))], [3, true, true, true]);
  assert.match(stdout.text, /^# 3 trusted certificates of \d{4}-\d\d-\d\d, by handfast trust export: "/);
});

test('a module is loaded as it is, and its types by the ending .ts', async () => {
  const out = path('roots.mjs');
  const { exitCode, stdout, stderr } = await finish(['trust', 'export', both, '--out', out]);
  assert.deepEqual([exitCode, stdout.text], [0, '']);
  assert.match(stderr.text, /^2 certificates: ".*both\.pem"\n$/);
  const { roots, firstRoot, edition } = await import(pathToFileURL(out).href);
  const trust = trustStore(roots);
  assert.deepEqual([trust.has(one), trust.has(two), trustStore(firstRoot).has(one)], [true, true, true]);
  assert.equal(edition.date, new Date().toISOString().slice(0, 10));

  await finish(['trust', 'export', both, '--out', path('roots.ts')]);
  assert.match(readFileSync(path('roots.ts'), 'utf8'), /^export const firstRoot: string =$/m);
  const { roots: typed } = await import(pathToFileURL(path('roots.ts')).href);
  assert.deepEqual(typed, roots);
});

test('of Mozilla’s roots those with a subject are taken, in any case, and the licence goes along', async () => {
  const { exitCode, stdout } = await finish([
    'trust',
    'export',
    '--mozilla',
    '--subject',
    'isrg',
    'GTS Root',
    '--format',
    'module',
  ]);
  assert.equal(exitCode, 0);
  const names = [...stdout.text.matchAll(/^export const (\w+)/gm)].map(([, name]) => name);
  assert.ok(['isrgRootX1', 'isrgRootX2', 'gtsRootR1', 'edition', 'roots'].every((name) => names.includes(name)));
  assert.ok(names.every((name) => /^(isrg|gts)Root|^edition$|^roots$/.test(name ?? '')));
  assert.match(stdout.text, /under the Mozilla Public License, v\. 2\.0: https:\/\/mozilla\.org\/MPL\/2\.0\//);
});

test('a fingerprint is given as tools print it, and takes one certificate', async () => {
  const colons = digest(two).toUpperCase().match(/../g)?.join(':') ?? '';
  const { exitCode, stdout } = await finish(['trust', 'export', both, '--format', 'json', '--fingerprint', colons]);
  assert.equal(exitCode, 0);
  const { edition, roots } = JSON.parse(stdout.text);
  assert.deepEqual(Object.keys(edition), ['date', 'source']);
  assert.deepEqual(roots, [
    {
      subject: 'CN=Second Root,O=Example',
      notBefore: '2020-01-01T00:00:00Z',
      notAfter: '2036-01-01T00:00:00Z',
      sha256: digest(two),
      pem: pem(two),
    },
  ]);
});

test('PKCS #7 holds several, DER one', async () => {
  const p7b = path('roots.p7b');
  assert.equal((await finish(['trust', 'export', both, '--out', p7b])).exitCode, 0);
  assert.deepEqual(
    parsePkcs7(new Uint8Array(readFileSync(p7b)))
      .certificates.map(digest)
      .sort(),
    [one, two].map(digest).sort(),
  );
  const der = path('one.der');
  assert.equal((await finish(['trust', 'export', both, '--subject', 'first', '--out', der])).exitCode, 0);
  assert.deepEqual(new Uint8Array(readFileSync(der)), one.raw);

  const refused = await finish(['trust', 'export', both, '--out', der]);
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr.text, /DER holds one certificate, and here are 2/);
});

test('what is left out is told, and what finds nothing is refused', async () => {
  mkdirSync(path('mixed'));
  file('mixed/good.pem', pem(one));
  file('mixed/bad.pem', pem(two).replace('MII', 'AII'));
  const mixed = await finish(['trust', 'export', path('mixed')]);
  assert.deepEqual([mixed.exitCode, trustStore(mixed.stdout.text).size], [0, 1]);
  assert.match(mixed.stderr.text, /^left out: .*bad\.pem: /);

  const refusals: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /no certificates to choose from\n.*name a file or a folder, or give --system or --mozilla/],
    [[both, '--subject', 'Third'], /--subject "Third" fits none of 2 certificates/],
    [[both, '--fingerprint', digest(old)], new RegExp(`--fingerprint ${digest(old)} fits\\s+none of 2 certificates`)],
    [[both, '--fingerprint', digest(one).slice(0, 16)], /is no SHA-256 fingerprint\n.*64 hexadecimal digits/],
    [[both, '--fingerprint', digest(one).slice(0, 40)], /is no\s+SHA-256 fingerprint\n.*as long as SHA-1’s/],
    [['-', '-'], /stdin \(-\) is given twice/],
    [[path('nothing.pem')], /SOURCE ".*nothing\.pem" cannot be read/],
    [[file('key.pem', toPem('PUBLIC KEY', one.spki))], /no certificate in it/],
    [[both, '--format', 'jks'], /Allowed choices are module, pem, der, p7b, json/],
  ];
  for (const [args, message] of refusals) {
    const { exitCode, stdout, stderr } = await finish(['trust', 'export', ...args]);
    assert.deepEqual([exitCode, stdout.text], [2, ''], args.join(' '));
    assert.match(stderr.text, message);
  }
});

test('list has a line for each: fingerprint, end, subject', async () => {
  const { exitCode, stdout, stderr } = await finish(['trust', 'list', both, path('folder')]);
  assert.equal(exitCode, 0);
  assert.deepEqual(stdout.lines, [
    `${digest(one)}  2036-01-01  CN=First Root,O=Example`,
    `${digest(old)}  2021-01-01 expired  CN=Old Root,O=Example`,
    `${digest(two)}  2036-01-01  CN=Second Root,O=Example`,
  ]);
  assert.match(stderr.text, /^3 certificates: ".*both\.pem", ".*folder"\n$/);
});

test('list of Mozilla’s roots has them all, also as JSON', async () => {
  const { stdout, stderr } = await finish(['trust', 'list', '--mozilla']);
  assert.equal(stdout.lines.length, mozillaRoots().size);
  assert.ok(stderr.text.includes(`Mozilla’s roots of ${mozillaEdition.date} (${mozillaEdition.source})`));
  const json = await finish(['trust', 'list', '--mozilla', '--subject', 'ISRG Root X1', '--json']);
  assert.deepEqual(
    json.stdout.values.map(({ subject, sha256 }) => [subject, sha256]),
    [
      [
        'CN=ISRG Root X1,O=Internet Security Research Group,C=US',
        '96bcec06264976f37460779acf28c5a7cfe8a3c0aae11a8ffcee05c0bddf08c6',
      ],
    ],
  );
});

test('the system’s store is a source', async () => {
  const { exitCode, stderr } = await finish(['trust', 'list', '--system']);
  // A system without a store says so: a refusal of ours, not a fault.
  if (exitCode === 0) assert.match(stderr.text, /certificates?: the system’s store\n$/);
  else assert.match(stderr.text, /the system's trust store was not found/);
});
