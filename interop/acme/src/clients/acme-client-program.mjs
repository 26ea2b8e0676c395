/**
 * A program over `acme-client` of npm, which runs on the client's machine: `node acme-client-program.mjs SETTINGS STEP [ARGUMENT…]`.
 * What it keeps from step to step is in files beside its settings. It has a web server of its own, at port 80.
 */

import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import acme from 'acme-client';

const [, , settingsFile, step, ...given] = process.argv;
const { directory, external, email, dnsUrl } = JSON.parse(readFileSync(settingsFile, 'utf8'));
const fileOf = (name) => join(dirname(settingsFile), name);

const keyFile = fileOf('account-key.pem');
if (!existsSync(keyFile)) writeFileSync(keyFile, await acme.crypto.createPrivateEcdsaKey());
const client = new acme.Client({
  directoryUrl: directory,
  accountKey: readFileSync(keyFile),
  externalAccountBinding: { kid: external.id, hmacKey: external.secret },
  backoffMin: 10,
  backoffMax: 200,
});
// Who has an account is told its URL.
await client.createAccount({ termsOfServiceAgreed: true, contact: [`mailto:${email}`] });

/** STEP `issue`: CHALLENGE NAME FILE */
async function issue(challengeType, name, file) {
  const answers = new Map();
  const web = createServer(({ url = '' }, response) => {
    const answer = answers.get(url.split('/').at(-1));
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  web.listen(80);
  await once(web, 'listening');
  const txt = async (what, { identifier }, value) => {
    const body = JSON.stringify({ fqdn: `_acme-challenge.${identifier.value}.`, value });
    const { ok, statusText } = await fetch(`${dnsUrl}/${what}`, { method: 'POST', body });
    if (!ok) throw new Error(statusText);
  };
  try {
    const [key, csr] = await acme.crypto.createCsr({ altNames: [name] }, await acme.crypto.createPrivateEcdsaKey());
    const pem = await client.auto({
      csr,
      email,
      termsOfServiceAgreed: true,
      challengePriority: [challengeType],
      challengeCreateFn: async (authorization, { type, token }, value) => {
        if (type === 'dns-01') await txt('present', authorization, value);
        else answers.set(token, value);
      },
      challengeRemoveFn: async (authorization, { type, token }, value) => {
        if (type === 'dns-01') await txt('cleanup', authorization, value);
        else answers.delete(token);
      },
    });
    writeFileSync(fileOf(file), pem);
    writeFileSync(fileOf(`${file}.key`), key);
  } finally {
    web.close();
  }
}

const steps = {
  issue,
  async rekey() {
    const key = await acme.crypto.createPrivateRsaKey();
    await client.updateAccountKey(key);
    writeFileSync(keyFile, key);
  },
  async revoke(file) {
    const [leaf] = acme.crypto.splitPemChain(readFileSync(fileOf(file)));
    await client.revokeCertificate(leaf, { reason: 4 });
  },
  async deactivate() {
    await client.updateAccount({ status: 'deactivated' });
  },
};
await steps[step](...given);
