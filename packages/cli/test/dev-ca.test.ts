import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { dataDirectory, developmentCa, RenewedCredential, trustAdvice } from '../src/dev-ca.ts';

const dayMs = 86_400_000;
const now = new Date('2026-11-21T12:00:00Z');
let root: string;
let directory: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'handfast-ca-'));
  directory = join(root, 'share', 'dev-ca');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('the CA is made once; its path length is 0, its key is for the user alone', async () => {
  const first = await developmentCa(directory, now);
  assert.equal(first.created, true);
  const { certificate } = first.issuer;
  assert.deepEqual(certificate.basicConstraints, { ca: true, pathLength: 0 });
  assert.ok(certificate.notAfter.getTime() - now.getTime() > 4 * 365 * dayMs);
  if (process.platform !== 'win32') {
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    assert.equal(statSync(join(directory, 'ca-key.pem')).mode & 0o777, 0o600);
  }
  assert.deepEqual(readdirSync(directory).toSorted(), ['ca-key.pem', 'ca.pem']);
  const second = await developmentCa(directory, now);
  assert.equal(second.created, false);
  assert.deepEqual(second.issuer.certificate.raw, certificate.raw);
});

test('two processes that make it at once end with the same one', async () => {
  const made = await Promise.all(Array.from({ length: 4 }, () => developmentCa(directory, now)));
  assert.equal(new Set(made.map(({ issuer }) => issuer.certificate.serialNumberHex)).size, 1);
  assert.deepEqual(readdirSync(join(root, 'share')), ['dev-ca']);
});

test('a key that others can read is closed to them', { skip: process.platform === 'win32' }, async () => {
  await developmentCa(directory, now);
  chmodSync(join(directory, 'ca-key.pem'), 0o644);
  await developmentCa(directory, now);
  assert.equal(statSync(join(directory, 'ca-key.pem')).mode & 0o777, 0o600);
});

test('a CA near its end gives way to another, and is kept aside', async () => {
  const { issuer } = await developmentCa(directory, now);
  const later = new Date(issuer.certificate.notAfter.getTime() - 30 * dayMs);
  const next = await developmentCa(directory, later);
  assert.equal(next.created, true);
  assert.notEqual(next.issuer.certificate.serialNumberHex, issuer.certificate.serialNumberHex);
  assert.equal(readdirSync(join(root, 'share')).length, 2);
});

test('files that are broken, or do not fit together, end with 2 and name the file', async () => {
  await developmentCa(directory, now);
  const other = join(root, 'other');
  await developmentCa(other, now);
  writeFileSync(join(directory, 'ca-key.pem'), 'no key');
  await assert.rejects(developmentCa(directory, now), { exitCode: 2, message: /ca-key\.pem/ });
});

test('a leaf is for its names, valid for 90 days at the most, and replaced in time', async () => {
  const { issuer } = await developmentCa(directory, now);
  let clock = now;
  const credential = await RenewedCredential.make(issuer, ['localhost', '127.0.0.1', '::1'], () => clock);
  const [leaf] = (await credential.current()).chain;
  assert.ok(leaf !== undefined);
  assert.deepEqual(leaf.subjectAltName?.dnsNames, ['localhost']);
  assert.equal(leaf.subjectAltName?.ipAddresses.length, 2);
  assert.ok(leaf.notAfter.getTime() - leaf.notBefore.getTime() <= 90 * dayMs);
  clock = new Date(now.getTime() + 50 * dayMs);
  assert.equal((await credential.current()).chain[0], leaf);
  clock = new Date(now.getTime() + 61 * dayMs);
  const [renewed, again] = await Promise.all([credential.current(), credential.current()]);
  assert.notEqual(renewed.chain[0], leaf);
  assert.equal((await credential.current()).chain[0], again.chain[0]);
});

test('the data directory follows XDG where it is set, and the platform', () => {
  assert.equal(dataDirectory({ XDG_DATA_HOME: '/data' }, 'linux'), join('/data', 'handfast'));
  assert.equal(
    dataDirectory({ HOME: '/home/a', XDG_DATA_HOME: 'relative' }, 'linux'),
    join('/home/a', '.local', 'share', 'handfast'),
  );
  assert.equal(
    dataDirectory({ HOME: '/Users/a' }, 'darwin'),
    join('/Users/a', 'Library', 'Application Support', 'handfast'),
  );
});

test('commands to copy quote a path that a shell would take apart', () => {
  assert.match(
    trustAdvice("/home/o'brien x/ca.pem", undefined).join('\n'),
    /NODE_EXTRA_CA_CERTS='\/home\/o'\\''brien x\/ca\.pem'/,
  );
});
