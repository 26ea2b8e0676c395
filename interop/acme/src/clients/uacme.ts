/**
 * uacme of Debian, in C over libcurl; its ualpn answers tls-alpn-01.
 *
 * @module
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, done, email, issuedFor, leafIn, renewed, revoked } from './client.ts';
import { listening, serveFiles } from './web.ts';

const hook = fileURLToPath(new URL('hook.sh', import.meta.url));

export const uacme: Client = {
  name: 'uacme',
  from: 'Debian',

  async version(site) {
    // It calls that a failure.
    return /uacme: version (\d+\.\d+)/.exec(await site.run('sh', ['-c', 'uacme --version || true']))?.[1] ?? '?';
  },

  async *run({ site, ca }) {
    const folder = join(site.folder, 'uacme');
    const web = join(folder, 'web');
    await mkdir(web, { recursive: true });
    const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> =>
      site.run('uacme', ['--verbose', '--confdir', folder, '--acme-url', ca.directory, ...args], {
        env: { DNS_URL: site.dns.url, ...env },
      });
    const file = (name: string): string => join(folder, name, 'cert.pem');

    await run(['--yes', '--eab', `${ca.external.id}:${ca.external.secret}`, 'new', email]);
    yield done('account under an external key');
    {
      await using _ = await serveFiles(site, web);
      const issue = ['--hook', hook, 'issue', 'app.test', 'www.app.test'];
      await run(issue, { WEB_FOLDER: web });
      const first = await leafIn(file('app.test'));
      await issuedFor(ca, first, 'DNS:app.test', 'DNS:www.app.test');
      yield done('http-01', 'two names');

      await run(['--force', ...issue], { WEB_FOLDER: web });
      const second = await leafIn(file('app.test'));
      renewed(first, second);
      yield done('renew');

      await run(['newkey']);
      await run(['revoke', file('app.test')]);
      await revoked(ca, second);
      yield done('account key change', 'RSA to RSA');
      yield done('revoke by the account');

      const { client: address } = site.addresses;
      await run(['--hook', hook, 'issue', address], { WEB_FOLDER: web });
      await issuedFor(ca, await leafIn(file(address)), `IP Address:${address}`);
      yield done('IP address', 'http-01');
    }
    await run(['--hook', hook, 'issue', '*.wild.app.test']);
    await issuedFor(ca, await leafIn(file('wild.app.test')), 'DNS:*.wild.app.test');
    yield done('dns-01');
    yield done('wildcard');

    const socket = join(folder, 'ualpn.sock');
    const server = site.start('ualpn', ['--bind', '0.0.0.0@443', '--sock', socket, '--connect', '127.0.0.1@444']);
    try {
      await listening(site, 443, server);
      await run(['--hook', hook, 'issue', 'alpn.app.test'], { UALPN_SOCKET: socket });
    } finally {
      await server.stop();
    }
    await issuedFor(ca, await leafIn(file('alpn.app.test')), 'DNS:alpn.app.test');
    yield done('tls-alpn-01');

    await run(['deactivate']);
    yield done('deactivate');
  },
};
