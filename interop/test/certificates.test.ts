import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Certificates } from '../src/certificates.ts';

const directory = mkdtempSync(join(tmpdir(), 'handfast-certificates-'));
after(() => rmSync(directory, { recursive: true }));

test('who asks for a staple at the same time, or later, gets the one that lies in the file', async () => {
  const family = await new Certificates(directory).family('ecdsa_secp256r1_sha256');
  const [one, other] = await Promise.all([family.staple('good'), family.staple('good')]);
  const later = await family.staple('good');
  assert.deepEqual([other, later], [one, one]);
  assert.deepEqual(new Uint8Array(readFileSync(one.file)), new Uint8Array(one.der));
});

test('good and revoked are two staples', async () => {
  const family = await new Certificates(directory).family('ecdsa_secp256r1_sha256');
  const [good, revoked] = [await family.staple('good'), await family.staple('revoked')];
  assert.notEqual(good.file, revoked.file);
  assert.notDeepEqual(good.der, revoked.der);
});
