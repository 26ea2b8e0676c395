/**
 * dehydrated of Debian, a shell script over curl and openssl.
 *
 * @module
 */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, done, email, issuedFor, leafIn, renewed, revoked } from './client.ts';
import { serveFiles } from './web.ts';

const hook = fileURLToPath(new URL('hook.sh', import.meta.url));

export const dehydrated: Client = {
  name: 'dehydrated',
  from: 'Debian',

  async version(site) {
    return /Dehydrated version: (\d+\.\d+)/.exec(await site.run('dehydrated', ['--version']))?.[1] ?? '?';
  },

  async *run({ site, ca }) {
    const folder = join(site.folder, 'dehydrated');
    const web = join(folder, 'web');
    const alpn = join(folder, 'alpn');
    for (const one of [folder, web, alpn]) await mkdir(one);
    const config = join(folder, 'config');
    const settings = {
      CA: ca.directory,
      BASEDIR: folder,
      WELLKNOWN: web,
      ALPNCERTDIR: alpn,
      CONTACT_EMAIL: email,
      EAB_KID: ca.external.id,
      EAB_HMAC_KEY: ca.external.secret,
      KEY_ALGO: 'secp384r1',
      // Its own choice, 4096, takes a slow machine long.
      ACCOUNT_KEYSIZE: '2048',
    };
    await writeFile(
      config,
      Object.entries(settings)
        .map(([key, value]) => `${key}="${value}"\n`)
        .join(''),
    );
    const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> =>
      site.run('dehydrated', ['--config', config, ...args], { env: { DNS_URL: site.dns.url, ...env } });
    const file = (name: string): string => join(folder, 'certs', name, 'cert.pem');

    await run(['--register', '--accept-terms']);
    yield done('account under an external key');
    {
      await using _ = await serveFiles(site, web);
      await run(['--cron', '--domain', 'app.test']);
      const first = await leafIn(file('app.test'));
      await issuedFor(ca, first, 'DNS:app.test');
      yield done('http-01', 'P-384 leaf');

      await run(['--cron', '--force', '--domain', 'app.test']);
      const second = await leafIn(file('app.test'));
      renewed(first, second);
      yield done('renew');

      await run(['--revoke', file('app.test')]);
      await revoked(ca, second);
      yield done('revoke by the account');
    }
    const byHook = ['--cron', '--hook', hook, '--challenge'];
    await run([...byHook, 'tls-alpn-01', '--domain', 'alpn.app.test'], { ALPN_FOLDER: alpn });
    await issuedFor(ca, await leafIn(file('alpn.app.test')), 'DNS:alpn.app.test');
    yield done('tls-alpn-01');

    await run([...byHook, 'dns-01', '--alias', 'wildcard', '--domain', '*.app.test']);
    await issuedFor(ca, await leafIn(file('wildcard')), 'DNS:*.app.test');
    yield done('dns-01');
    yield done('wildcard');

    await run(['--deactivate']);
    yield done('deactivate');
  },
};
