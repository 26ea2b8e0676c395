/**
 * The parts of `handfast cert` below its commands: what a file's pieces are, how they are laid out, where results go.
 *
 * @module
 */

import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { encodeSctList, encryptPrivateKey, issueCertificate, issueCrl, toPem, writePkcs12 } from '@handfast/x509';
import fc from 'fast-check';
import { encryptionOf } from '../../src/cert/encryption.ts';
import { spanText, whenText } from '../../src/cert/layout.ts';
import { shapeOf } from '../../src/cert/shape.ts';
import { parseTime } from '../../src/cert/time.ts';
import { finish } from '../support/io.ts';

const directory = mkdtempSync(join(tmpdir(), 'handfast-pieces-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const path = (name: string): string => join(directory, name);
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(path(name), content);
  return path(name);
};

const time = '2027-01-15T00:00:00Z';
const { signer, pkcs8 } = await provider.generateKeyPair('secp256r1');
const basics = {
  provider,
  subject: { commonName: 'Root' },
  publicKey: signer.publicKey,
  issuer: { signer },
  ca: true,
  notBefore: new Date('2027-01-01T00:00:00Z'),
  notAfter: new Date('2027-01-27T12:00:00Z'),
} as const;
const root = await issueCertificate(basics);
const password = file('password', 'correct horse\r\n');

describe('a file', () => {
  test('of OpenSSL’s, with EC PARAMETERS before the key, is matched by its key', async () => {
    const parameters = toPem('EC PARAMETERS', Uint8Array.of(6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7));
    const key = file('ecparam.pem', parameters + toPem('PRIVATE KEY', pkcs8));
    const { exitCode } = await finish(['cert', 'match', file('root.pem', toPem('CERTIFICATE', root.raw)), key]);
    assert.equal(exitCode, 0);
    const { stdout } = await finish(['cert', 'show', key]);
    assert.match(stdout.text, /"EC PARAMETERS", nothing\s+known\s+here\n {2}Holds +10 bytes: 06082a8648ce3d030107\n/);
  });
  test('in DER is not read by the PEM that somebody wrote into it', async () => {
    const inner = toPem('CERTIFICATE', root.raw);
    const oid = '1.3.6.1.4.1.99999.1';
    const value = new TextEncoder().encode(inner);
    const length = Uint8Array.of(0x82, value.length >> 8, value.length & 0xff);
    const extension = { oid, critical: false, value: Uint8Array.of(0x0c, ...length, ...value) };
    const outer = await issueCertificate({ ...basics, subject: { commonName: 'Outer' }, extensions: [extension] });
    const { stdout } = await finish(['cert', 'show', '--json', file('outer.der', outer.raw)]);
    assert.deepEqual(
      stdout.values.map(({ subject }) => subject),
      ['CN=Outer'],
    );
  });
  test('whose label says another thing than its content is not read', async () => {
    const { exitCode, stdout } = await finish(['cert', 'show', file('mislabelled.pem', toPem('CERTIFICATE', pkcs8))]);
    assert.equal(exitCode, 2);
    assert.match(stdout.text, /Refused +a PEM block "CERTIFICATE" that holds a private key/);
  });
  test('with control characters in its names moves no cursor', async () => {
    const evil = await issueCertificate({ ...basics, subject: { commonName: 'a\u001b[2Jb\u202ec' } });
    const { stdout } = await finish(['cert', 'show', file('evil.der', evil.raw)]);
    for (const character of ['\u001b', '\u202e']) assert.ok(!stdout.text.includes(character));
    assert.match(stdout.text, /a\\u\{1b\}\[2Jb\\u\{202e\}c/);
  });
  test('is shown as of --time', async () => {
    const { stdout } = await finish(['cert', 'show', path('root.pem'), '--time', time]);
    assert.match(stdout.text, /Valid +2027-01-01T00:00:00Z to 2027-01-27T12:00:00Z\n +expires in 12 days\n/);
  });
});

describe('what is under a password', () => {
  const quick = { iterations: 1000 } as const;
  test('is told without it, and opened with it; the key’s bytes are never printed', async () => {
    const der = await encryptPrivateKey(provider, pkcs8, 'correct horse', quick);
    assert.equal(encryptionOf(der), 'AES-256-CBC, by PBKDF2 with HMAC-SHA256 and 1,000 iterations');
    const key = file('encrypted.der', der);
    const closed = await finish(['cert', 'show', '--json', key]);
    assert.equal(closed.exitCode, 0);
    assert.equal(closed.stdout.values[0]?.key, null);
    const open = await finish(['cert', 'show', '--json', key, '--password-file', password]);
    assert.match(JSON.stringify(open.stdout.values[0]?.key), /^\{"type":"secp256r1","bits":256,/);
    const secret = Buffer.from(pkcs8).subarray(36, 68);
    for (const encoding of ['hex', 'base64'] as const) assert.ok(!open.stdout.text.includes(secret.toString(encoding)));
  });
  test('and not opened is 2', async () => {
    const bytes = await writePkcs12(provider, { keys: [{ pkcs8 }] }, 'correct horse', {
      encryption: quick,
      macIterations: 1000,
    });
    const p12 = file('key.p12', bytes);
    for (const more of [[], ['--password-file', file('wrong', 'battery staple')]]) {
      assert.equal((await finish(['cert', 'show', p12, ...more])).exitCode, 2);
      assert.equal((await finish(['cert', 'show', '--json', p12, ...more])).exitCode, 2);
    }
    const { stdout } = await finish(['cert', 'show', p12, '--password-file', password]);
    assert.match(stdout.text, /private key[\s\S]*Encrypted +with its file/);
  });
});

describe('extensions', () => {
  test('of logs, of stapling, of a CRL, and unknown ones', async () => {
    const sct = Uint8Array.of(0, ...new Array(32).fill(0xab), ...[0, 0, 1, 0x9f, 0, 0, 0, 0], 0, 0, 4, 3, 0, 1, 0);
    const list = encodeSctList([sct]);
    const certificate = await issueCertificate({
      ...basics,
      extensions: [
        { oid: '1.3.6.1.4.1.11129.2.4.2', critical: false, value: Uint8Array.of(4, list.length, ...list) },
        { oid: '1.3.6.1.5.5.7.1.24', critical: false, value: Uint8Array.of(0x30, 3, 2, 1, 5) },
        { oid: '1.3.6.1.4.1.99999.2', critical: true, value: Uint8Array.of(5, 0) },
      ],
    });
    const { stdout } = await finish(['cert', 'show', file('extended.der', certificate.raw)]);
    assert.match(stdout.text, /Logged +2026-\S+Z by abababababababab…\n/);
    assert.match(stdout.text, /TLS feature +its server must staple an OCSP response\n/);
    assert.match(stdout.text, /1\.3\.6\.1\.4\.1\.99999\.2\n +2 bytes: 0500 \(critical\)\n/);
    const crl = await issueCrl({
      issuer: { certificate: root, signer },
      number: 7n,
      thisUpdate: new Date('2027-01-14T00:00:00Z'),
      nextUpdate: new Date('2027-01-14T12:00:00Z'),
      revoked: [],
    });
    const shown = await finish(['cert', 'show', file('crl.der', crl.raw), '--time', time]);
    assert.match(shown.stdout.text, /Number +7\n/);
    assert.match(shown.stdout.text, /Revoked +none\n/);
    assert.match(shown.stdout.text, /next 2027-01-14T12:00:00Z, overdue for 12 hours\n/);
  });
});

describe('results', () => {
  test('with a key in them replace a file only by --force, and are for their owner alone', async () => {
    const out = file('key.out', 'precious');
    chmodSync(out, 0o644);
    const args = ['cert', 'convert', file('plain.pem', toPem('PRIVATE KEY', pkcs8)), '--to', 'der', '--out', out];
    const refused = await finish(args);
    assert.equal(refused.exitCode, 2);
    assert.match(refused.stderr.text, /is there already, and would hold a private key\n +hint +--force replaces it\n/);
    assert.equal(readFileSync(out, 'utf8'), 'precious');
    assert.equal((await finish([...args, '--force'])).exitCode, 0);
    assert.deepEqual(readFileSync(out), Buffer.from(pkcs8));
    if (process.platform !== 'win32') assert.equal(statSync(out).mode & 0o777, 0o600);
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.startsWith('.')),
      [],
    );
  });
  test('go through a link to what it points to', async () => {
    const target = file('target.der', '');
    symlinkSync(target, path('link.der'));
    const { exitCode } = await finish(['cert', 'convert', path('root.pem'), '--to', 'der', '--out', path('link.der')]);
    assert.equal(exitCode, 0);
    assert.ok(lstatSync(path('link.der')).isSymbolicLink());
    assert.deepEqual(readFileSync(target), Buffer.from(root.raw));
  });
  test('of two objects are no DER, and keys are not dropped from PKCS #7', async () => {
    const both = [path('root.pem'), '--key', path('plain.pem')];
    const der = await finish(['cert', 'convert', ...both, '--to', 'der']);
    assert.equal(der.exitCode, 2);
    assert.match(der.stderr.text, /DER holds one object, and here are 2 objects/);
    const p7b = await finish(['cert', 'convert', ...both, '--to', 'p7b']);
    assert.equal(p7b.exitCode, 2);
    assert.match(p7b.stderr.text, /PKCS #7 does not hold/);
    assert.equal(p7b.stdout.text, '');
  });
});

test('times are RFC 3339’s, of the calendar', () => {
  assert.equal(parseTime('2027-01-15').toISOString(), '2027-01-15T00:00:00.000Z');
  assert.equal(parseTime('2027-01-15t12:00:00.5+02:00').toISOString(), '2027-01-15T10:00:00.500Z');
  for (const text of ['2027-02-30T00:00:00Z', '2027-01-15T12:00:00', '15.1.2027', '2027-13-01', ''])
    assert.throws(() => parseTime(text), { message: `--time "${text}" is no time` });
});

test('spans are told in two of a unit at least', () => {
  const second = 1000;
  const day = 86_400 * second;
  assert.equal(spanText(1 * second), '1 second');
  assert.equal(spanText(119 * second), '119 seconds');
  assert.equal(spanText(47 * 3600 * second), '47 hours');
  assert.equal(spanText(12.5 * day), '12 days');
  assert.equal(spanText(800 * day), '2 years');
  assert.equal(whenText(new Date(0), new Date(3 * day)), '3 days ago');
});

test('no bytes make the shape, or the encryption, of something throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      shapeOf(bytes);
      encryptionOf(bytes);
    }),
  );
  fc.assert(
    fc.property(fc.nat(root.raw.length - 1), fc.nat(255), (at, byte) => {
      const mutated = Uint8Array.from(root.raw);
      mutated[at] = byte;
      shapeOf(mutated);
      shapeOf(mutated.subarray(0, at));
    }),
  );
  assert.equal(shapeOf(root.raw), 'certificate');
});
