/**
 * certbot of Debian, with its webroot plug-in: an account under an external key, a certificate, renewed by `renew`, and revoked.
 */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { command } from './command.mjs';

const name = 'app.test';

export async function* run(ca) {
  const folders = ['config', 'work', 'logs'].flatMap((kind) => [`--${kind}-dir`, join(ca.folder, kind)]);
  const certbot = (...args) =>
    command('certbot', [...args, ...folders, '--non-interactive'], { REQUESTS_CA_BUNDLE: ca.rootFile });
  const leaf = async () => new X509Certificate(await readFile(join(ca.folder, 'config', 'live', name, 'cert.pem')));
  const webroot = ['--webroot', '--webroot-path', dirname(dirname(ca.challengeFolder))];
  const external = ['--eab-kid', ca.external.id, '--eab-hmac-key', ca.external.secret];
  const account = ['--server', ca.directory, '--agree-tos', '--email', 'ops@example.test', '--no-eff-email'];

  yield (await certbot('--version')).trim();
  await certbot('certonly', ...account, ...external, ...webroot, '--domain', name, '--domain', `www.${name}`);
  const first = await leaf();
  assert.equal(first.subjectAltName, `DNS:${name}, DNS:www.${name}`);
  yield 'a certificate for two names by http-01, for an account under an external key';

  await certbot('renew', '--force-renewal', '--no-random-sleep-on-renew');
  const second = await leaf();
  assert.notEqual(second.serialNumber, first.serialNumber);
  yield 'the certificate renewed';

  await certbot(
    'revoke',
    '--server',
    ca.directory,
    '--cert-name',
    name,
    '--reason',
    'superseded',
    '--no-delete-after-revoke',
  );
  assert.equal(await ca.statusOf(second.serialNumber.toLowerCase()), 'revoked');
  assert.equal(await ca.statusOf(first.serialNumber.toLowerCase()), 'valid');
  yield 'revoked, by the account';

  await certbot('renew', '--force-renewal', '--no-random-sleep-on-renew');
  const third = (await leaf()).serialNumber.toLowerCase();
  const live = join(ca.folder, 'config', 'live', name);
  const files = ['--cert-path', join(live, 'cert.pem'), '--key-path', join(live, 'privkey.pem')];
  await certbot('revoke', '--server', ca.directory, ...files, '--reason', 'keycompromise', '--no-delete-after-revoke');
  assert.equal(await ca.statusOf(third), 'revoked');
  yield "revoked, by the certificate's own key";

  await certbot('unregister', '--server', ca.directory);
  yield 'the account deactivated';
}
