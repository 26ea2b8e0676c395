/**
 * dehydrated of Debian, a shell script over curl and openssl: an account under an external key, a certificate, renewed, revoked.
 */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.mjs';

const name = 'app.test';

export async function* run(ca) {
  const config = join(ca.folder, 'dehydrated.conf');
  const settings = {
    CA: ca.directory,
    BASEDIR: ca.folder,
    WELLKNOWN: ca.challengeFolder,
    CONTACT_EMAIL: 'ops@example.test',
    EAB_KID: ca.external.id,
    EAB_HMAC_KEY: ca.external.secret,
    KEY_ALGO: 'secp384r1',
  };
  await writeFile(
    config,
    Object.entries(settings)
      .map(([key, value]) => `${key}="${value}"\n`)
      .join(''),
  );
  const dehydrated = (...args) => command('dehydrated', ['--config', config, ...args], { CURL_CA_BUNDLE: ca.rootFile });
  const file = join(ca.folder, 'certs', name, 'cert.pem');
  const leaf = async () => new X509Certificate(await readFile(file));

  yield (await dehydrated('--version')).split('\n').find((line) => line.startsWith('Dehydrated version')) ?? '?';
  await dehydrated('--register', '--accept-terms');
  await dehydrated('--cron', '--domain', name);
  const first = await leaf();
  assert.equal(first.subjectAltName, `DNS:${name}`);
  yield 'a certificate by http-01, for an account under an external key';

  await dehydrated('--cron', '--force', '--domain', name);
  const second = await leaf();
  assert.notEqual(second.serialNumber, first.serialNumber);
  yield 'the certificate renewed';

  await dehydrated('--revoke', file);
  assert.equal(await ca.statusOf(second.serialNumber.toLowerCase()), 'revoked');
  yield 'revoked, by the account';
}
