/**
 * `acme-client` of npm, a library: `acme-client-program.mjs` is over it.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type Client,
  done,
  email,
  forbiddenByCaa,
  issuedFor,
  leafIn,
  notIssuedFor,
  refused,
  renewed,
  revoked,
} from './client.ts';

const program = fileURLToPath(new URL('acme-client-program.mjs', import.meta.url));
const manifest = new URL('../../node_modules/acme-client/package.json', import.meta.url);

export const acmeClient: Client = {
  name: 'acme-client',
  from: 'npm',

  async version() {
    return /\d+\.\d+/.exec(JSON.parse(readFileSync(manifest, 'utf8')).version)?.[0] ?? '?';
  },

  async *run({ site, ca }) {
    const folder = join(site.folder, 'acme-client');
    await mkdir(folder);
    const settings = join(folder, 'settings.json');
    const { directory, external } = ca;
    await writeFile(settings, JSON.stringify({ directory, external, email, dnsUrl: site.dns.url }));
    const run = (step: string, ...args: readonly string[]): Promise<string> =>
      site.run(process.execPath, [program, settings, step, ...args], { env: { NODE_EXTRA_CA_CERTS: site.trustFile } });
    const leaf = (file: string) => leafIn(join(folder, file));

    await run('issue', 'http-01', 'app.test', 'first');
    await issuedFor(ca, await leaf('first'), 'DNS:app.test');
    yield done('account under an external key');
    yield done('http-01');

    await run('rekey');
    yield done('account key change', 'P-256 to RSA');

    await run('issue', 'http-01', 'app.test', 'second');
    renewed(await leaf('first'), await leaf('second'));
    yield done('renew', 'once more, from a program');

    await run('revoke', 'second');
    await revoked(ca, await leaf('second'));
    await assert.rejects(run('revoke', 'second'), /revoked already/);
    yield done('revoke by the account');

    await run('issue', 'dns-01', '*.app.test', 'wildcard');
    await issuedFor(ca, await leaf('wildcard'), 'DNS:*.app.test');
    yield done('dns-01');
    yield done('wildcard');

    await refused(ca, run('issue', 'http-01', 'www.example.com', 'none'), notIssuedFor);
    yield done('refused by policy');
    await refused(ca, run('issue', 'http-01', 'foreign.test', 'none'), forbiddenByCaa);
    yield done('refused by CAA');

    await run('deactivate');
    await assert.rejects(run('issue', 'http-01', 'app.test', 'none'), /deactivated/);
    yield done('deactivate');
  },
};
