/**
 * The current lego, built from its sources as the Go proxy has them (`install.sh`).
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { briefProfile } from '../authority.ts';
import {
  type Client,
  daysOf,
  done,
  email,
  forbiddenByCaa,
  issuedFor,
  leafIn,
  notIssuedFor,
  refused,
  renewed,
  revoked,
  succeeds,
} from './client.ts';

const program = fileURLToPath(new URL('../../../.cache/acme/lego', import.meta.url));

export const lego5: Client = {
  name: 'lego 5',
  from: 'Go proxy',

  async version(site) {
    return /^lego version v?(\d+\.\d+)/.exec(await site.run(program, ['--version']))?.[1] ?? '?';
  },

  async *run({ site, ca }) {
    const folder = join(site.folder, 'lego');
    const account = ['--server', ca.directory, '--path', folder, '--email', email];
    const external = ['--eab', '--eab.kid', ca.external.id, '--eab.hmac', ca.external.secret];
    const lego = (...args: readonly string[]): Promise<string> =>
      site.run(program, [...args, ...account, ...external], { env: { HTTPREQ_ENDPOINT: site.dns.url } });
    const run = (name: string, ...how: readonly string[]): Promise<string> =>
      lego('run', '--accept-tos', '--no-random-sleep', '--domains', name, ...how);
    const leaf = (name: string) => leafIn(join(folder, 'certificates', `${name.replace('*', '_')}.crt`));

    await run('app.test', '--http', '--profile', briefProfile.name);
    const first = await leaf('app.test');
    await issuedFor(ca, first, 'DNS:app.test');
    yield done('account under an external key');
    yield done('http-01');
    assert.equal(daysOf(first), 7);
    yield done('profile');

    await run('app.test', '--http', '--profile', briefProfile.name);
    assert.equal((await leaf('app.test')).serialNumber, first.serialNumber);
    await ca.revoke(first.serialNumber);
    await run('app.test', '--http', '--profile', briefProfile.name);
    const second = await leaf('app.test');
    await succeeds(ca, second, first);
    yield done('ARI', 'renews what was revoked, and names it');

    await run('app.test', '--http', '--renew-force');
    const third = await leaf('app.test');
    renewed(second, third);
    yield done('renew');

    const rollover = ['accounts', 'keyrollover', '--key-type', 'EC384', ...account, ...external];
    await site.run(program, rollover, { input: 'Y\n' });
    await lego('certificates', 'revoke', '--cert.name', 'app.test', '--reason', '4');
    await revoked(ca, third);
    yield done('account key change', 'P-256 to P-384');
    yield done('revoke by the account');

    await run('alpn.app.test', '--tls');
    await issuedFor(ca, await leaf('alpn.app.test'), 'DNS:alpn.app.test');
    yield done('tls-alpn-01');

    await run('*.app.test', '--dns', 'httpreq');
    await issuedFor(ca, await leaf('*.app.test'), 'DNS:*.app.test');
    yield done('dns-01');
    yield done('wildcard');

    const { client: address } = site.addresses;
    await run(address, '--tls');
    await issuedFor(ca, await leaf(address), `IP Address:${address}`);
    yield done('IP address', 'tls-alpn-01');

    await refused(ca, run('www.example.com', '--http'), notIssuedFor);
    yield done('refused by policy');
    await refused(ca, run('foreign.test', '--http'), forbiddenByCaa);
    yield done('refused by CAA');
    await site.dns.stopAuthoritative();
    await refused(ca, run('late.test', '--http'), /the CAA records of late\.test: the query failed/);
    yield done('refused without an answer on CAA');
  },
};
