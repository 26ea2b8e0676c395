/**
 * lego of Debian (4.9): http-01, dns-01 by an HTTP request, tls-alpn-01.
 *
 * @module
 */

import { join } from 'node:path';
import { type Client, done, email, issuedFor, leafIn, renewed, revoked } from './client.ts';

export const lego: Client = {
  name: 'lego',
  from: 'Debian',

  async version(site) {
    // Of itself it says `dev`.
    return /^Version: (\d+\.\d+)/m.exec(await site.run('dpkg-query', ['--status', 'lego']))?.[1] ?? '?';
  },

  async *run({ site, ca }) {
    const folder = join(site.folder, 'lego');
    // It wants them every time.
    const external = ['--eab', '--kid', ca.external.id, '--hmac', ca.external.secret];
    const run = (how: readonly string[], name: string, command: readonly string[]): Promise<string> =>
      site.run(
        'lego',
        [
          '--server',
          ca.directory,
          '--path',
          folder,
          '--email',
          email,
          '--accept-tos',
          ...external,
          '--domains',
          name,
          ...how,
          ...command,
        ],
        { env: { HTTPREQ_ENDPOINT: site.dns.url } },
      );
    const leaf = (name: string) => leafIn(join(folder, 'certificates', `${name.replace('*', '_')}.crt`));

    await run(['--http'], 'app.test', ['run']);
    const first = await leaf('app.test');
    await issuedFor(ca, first, 'DNS:app.test');
    yield done('account under an external key');
    yield done('http-01');

    await run(['--http'], 'app.test', ['renew', '--days', '3650', '--no-random-sleep']);
    const second = await leaf('app.test');
    renewed(first, second);
    yield done('renew');

    await run(['--http'], 'app.test', ['revoke', '--reason', '4']);
    await revoked(ca, second);
    yield done('revoke by the account');

    await run(['--tls'], 'alpn.app.test', ['run']);
    await issuedFor(ca, await leaf('alpn.app.test'), 'DNS:alpn.app.test');
    yield done('tls-alpn-01');

    await run(['--dns', 'httpreq'], '*.app.test', ['run']);
    await issuedFor(ca, await leaf('*.app.test'), 'DNS:*.app.test');
    yield done('dns-01');
    yield done('wildcard');
  },
};
