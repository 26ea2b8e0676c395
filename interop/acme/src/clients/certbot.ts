/**
 * certbot, of Debian and of PyPI: its own web server, its webroot plug-in, and hooks for dns-01.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { briefProfile, olderRootName } from '../authority.ts';
import {
  type Client,
  type Done,
  daysOf,
  done,
  email,
  forbiddenByCaa,
  issuedFor,
  leafIn,
  notIssuedFor,
  type Place,
  refused,
  renewed,
  revoked,
} from './client.ts';

const hook = fileURLToPath(new URL('hook.sh', import.meta.url));
const recent = fileURLToPath(new URL('../../../.cache/acme/certbot/bin/certbot', import.meta.url));

/** What all of them do, and what only some can. */
function certbot(name: string, from: string, program: string, more?: (tool: Tool) => AsyncGenerator<Done>): Client {
  return {
    name,
    from,
    async version(site) {
      return /^certbot (\d+\.\d+)/m.exec(await site.run(program, ['--version']))?.[1] ?? '?';
    },
    async *run(place) {
      const tool = toolOf(program, place);
      yield* basics(tool);
      if (more !== undefined) yield* more(tool);
      await tool.certbot('unregister', '--server', place.ca.directory);
      yield done('deactivate');
    },
  };
}

export const certbot2: Client = certbot('certbot', 'Debian', '/usr/bin/certbot');
export const certbot5: Client = certbot('certbot 5', 'PyPI', recent, newer);

interface Tool extends Place {
  certbot(...args: readonly string[]): Promise<string>;
  /** Asks for a certificate, under the name of the first that it is for. */
  certonly(...args: readonly string[]): Promise<string>;
  leaf(name: string): Promise<X509Certificate>;
  fileOf(name: string, file: string): string;
}

const standalone = ['--standalone', '--preferred-challenges', 'http'];

function toolOf(program: string, { site, ca }: Place): Tool {
  const folders = ['config', 'work', 'logs'].flatMap((kind) => [`--${kind}-dir`, join(site.folder, 'certbot', kind)]);
  const run = (...args: readonly string[]): Promise<string> =>
    site.run(program, [...args, ...folders, '--non-interactive'], {
      env: { REQUESTS_CA_BUNDLE: site.trustFile, DNS_URL: site.dns.url },
    });
  const fileOf = (name: string, file: string): string => join(site.folder, 'certbot', 'config', 'live', name, file);
  const external = ['--eab-kid', ca.external.id, '--eab-hmac-key', ca.external.secret];
  return {
    site,
    ca,
    certbot: run,
    certonly: (...args) =>
      run(
        'certonly',
        '--server',
        ca.directory,
        '--agree-tos',
        '--email',
        email,
        '--no-eff-email',
        ...external,
        ...args,
      ),
    leaf: (name) => leafIn(fileOf(name, 'cert.pem')),
    fileOf,
  };
}

async function* basics({ ca, certbot, certonly, leaf, fileOf }: Tool): AsyncGenerator<Done> {
  await certonly(...standalone, '--domain', 'app.test', '--domain', 'www.app.test');
  const first = await leaf('app.test');
  await issuedFor(ca, first, 'DNS:app.test', 'DNS:www.app.test');
  yield done('account under an external key');
  yield done('http-01', 'two names');

  await certbot('renew', '--force-renewal', '--no-random-sleep-on-renew');
  const second = await leaf('app.test');
  renewed(first, second);
  yield done('renew');

  const revoke = ['revoke', '--server', ca.directory, '--no-delete-after-revoke'];
  await certbot(...revoke, '--cert-name', 'app.test', '--reason', 'superseded');
  await revoked(ca, second);
  assert.equal(await ca.statusOf(first.serialNumber), 'valid');
  yield done('revoke by the account');

  await certonly(...standalone, '--domain', 'older.app.test', '--preferred-chain', olderRootName);
  const chain = fileOf('older.app.test', 'chain.pem');
  const [issuer, top] = (await readFile(chain, 'utf8'))
    .split(/(?=^-----BEGIN)/m)
    .map((pem) => new X509Certificate(pem));
  assert.deepEqual([issuer?.subject, top?.issuer], ['CN=Interop intermediate', `CN=${olderRootName}`]);
  yield done('alternate chain');

  const hooks = ['--manual', '--manual-auth-hook', `${hook} present`, '--manual-cleanup-hook', `${hook} cleanup`];
  await certonly(...hooks, '--preferred-challenges', 'dns', '--domain', '*.app.test');
  const wildcard = await leaf('app.test-0001');
  await issuedFor(ca, wildcard, 'DNS:*.app.test');
  yield done('dns-01');
  yield done('wildcard');

  const files = [
    '--cert-path',
    fileOf('app.test-0001', 'cert.pem'),
    '--key-path',
    fileOf('app.test-0001', 'privkey.pem'),
  ];
  await certbot(...revoke, ...files, '--reason', 'keycompromise');
  await revoked(ca, wildcard);
  yield done('revoke by the key');

  await refused(ca, certonly(...standalone, '--domain', 'www.example.com'), notIssuedFor);
  yield done('refused by policy');
  await refused(ca, certonly(...standalone, '--domain', 'foreign.test'), forbiddenByCaa);
  yield done('refused by CAA');
}

async function* newer({ site, ca, certbot, certonly, leaf }: Tool): AsyncGenerator<Done> {
  const name = 'brief.app.test';
  await certonly(...standalone, '--domain', name, '--required-profile', briefProfile.name);
  const first = await leaf(name);
  await issuedFor(ca, first, `DNS:${name}`);
  assert.equal(daysOf(first), 7);
  yield done('profile');

  const renew = ['renew', '--cert-name', name, '--no-random-sleep-on-renew'];
  await certbot(...renew);
  assert.equal((await leaf(name)).serialNumber, first.serialNumber);
  await ca.revoke(first.serialNumber);
  await certbot(...renew);
  // Its order says nothing of what it replaces.
  renewed(first, await leaf(name));
  yield done('ARI', 'renews what was revoked');

  const { client: address } = site.addresses;
  await certonly(...standalone, '--ip-address', address);
  await issuedFor(ca, await leaf(address), `IP Address:${address}`);
  yield done('IP address', 'http-01');
}
