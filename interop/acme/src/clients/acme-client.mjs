/**
 * `acme-client` of npm: an account under an external key, a certificate by http-01, another key for the account, the certificate
 * renewed, and revoked.
 */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import acme from 'acme-client';

const name = 'app.localhost';

export async function* run(ca) {
  acme.axios.defaults.httpsAgent = new Agent({ ca: ca.root });
  const client = new acme.Client({
    directoryUrl: ca.directory,
    accountKey: await acme.crypto.createPrivateEcdsaKey(),
    externalAccountBinding: { kid: ca.external.id, hmacKey: ca.external.secret },
    backoffMin: 10,
    backoffMax: 100,
  });

  const first = await certificateFrom(client, ca);
  yield 'a certificate by http-01, for an account under an external key';

  await client.updateAccountKey(await acme.crypto.createPrivateRsaKey());
  yield "the account's key changed, from P-256 to RSA";

  const second = await certificateFrom(client, ca);
  assert.notEqual(second.leaf.serialNumber, first.leaf.serialNumber);
  yield 'the certificate renewed';

  await client.revokeCertificate(second.pem, { reason: 4 });
  assert.equal(await ca.statusOf(second.leaf.serialNumber.toLowerCase()), 'revoked');
  assert.equal(await ca.statusOf(first.leaf.serialNumber.toLowerCase()), 'valid');
  await assert.rejects(client.revokeCertificate(second.pem), /revoked already/);
  yield 'revoked, once';

  await assert.rejects(certificateFrom(client, ca, 'www.example.com'), /does not issue/);
  yield 'refused a name that the policy does not have';

  await client.updateAccount({ status: 'deactivated' });
  await assert.rejects(certificateFrom(client, ca), /deactivated/);
  yield 'the account deactivated';
}

async function certificateFrom(client, ca, host = name) {
  const [, csr] = await acme.crypto.createCsr({ altNames: [host] }, await acme.crypto.createPrivateEcdsaKey());
  const pem = await client.auto({
    csr,
    email: 'ops@example.test',
    termsOfServiceAgreed: true,
    skipChallengeVerification: true, // it would ask the real port 80
    challengePriority: ['http-01'],
    challengeCreateFn: async (_, challenge, content) =>
      await writeFile(join(ca.challengeFolder, challenge.token), content),
    challengeRemoveFn: async (_, challenge) => await rm(join(ca.challengeFolder, challenge.token)),
  });
  const [leaf, issuer] = acme.crypto.splitPemChain(pem).map((part) => new X509Certificate(part));
  const root = new X509Certificate(ca.root);
  assert.ok(leaf.verify(issuer.publicKey) && issuer.verify(root.publicKey));
  assert.equal(leaf.subjectAltName, `DNS:${host}`);
  return { pem, leaf };
}
