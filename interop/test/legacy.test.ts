import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeLegacyProvider as provider } from '@handfast/crypto/legacy/node';
import type { Credential } from '@handfast/tls';
import { issueCertificate } from '@handfast/x509';
import { lies } from '../src/legacy/lies.ts';

async function rsaCredential(): Promise<Credential> {
  const pair = await provider.generateKeyPair('rsa');
  const now = Date.now();
  const certificate = await issueCertificate({
    ...{ provider, issuer: { signer: pair.signer }, publicKey: pair.signer.publicKey },
    ...{ subject: { commonName: 'localhost' }, names: ['localhost'] },
    ...{ notBefore: new Date(now - 60_000), notAfter: new Date(now + 3_600_000) },
    keyUsage: ['digitalSignature', 'keyEncipherment'],
    extendedKeyUsage: ['serverAuth'],
  });
  const legacyKey = await provider.legacy?.importPrivateKey(pair.pkcs8);
  assert.ok(legacyKey);
  return { chain: [certificate], signer: pair.signer, legacyKey };
}

const credential = rsaCredential();

for (const { role, id, run } of lies) {
  const who = { server: 'a server', client: 'a client', between: 'somebody in between' }[role];
  test(`with ${who} that lies: ${id}`, async () => run([await credential]));
}
