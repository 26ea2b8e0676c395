/**
 * Servers that want a certificate of their client, and look it up in the list of `handfast ca crl export`.
 *
 * @module
 */

import { type EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { createHttpsServer } from '@handfast/tls/node';
import { listening } from '../clients/web.ts';
import { postgresProgram, startPostgres } from '../postgres/server.ts';
import { runHere } from '../world/processes.ts';
import type { CommandCa, Standing } from './ca.ts';
import { expect, type Program, versionBy } from './verifier.ts';

const column = 'clients, by CRL';

/** Asks a server as a client with a certificate: TLS 1.2, in which a client hears at once that it was refused. */
async function ask({ site, root, client }: CommandCa, url: string, standing: Standing): Promise<void> {
  const { chain, key } = client[standing];
  const how = ['-sS', '--tls-max', '1.2', '--cacert', root, '--cert', chain, '--key', key];
  expect(await site.run('curl', [...how, url]), /^served/);
}

const nginx: Program = {
  name: 'nginx',
  version: versionBy('nginx', '-v'),
  async start({ site, root, crls, server }) {
    const folder = join(site.folder, 'nginx');
    await mkdir(folder);
    const file = join(folder, 'nginx.conf');
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `  ${kind}_temp_path ${join(folder, kind)};\n`)
      .join('');
    await writeFile(
      file,
      `daemon off;
user root;
worker_processes 1;
pid ${join(folder, 'pid')};
error_log stderr;
events {}
http {
${temporary}  access_log off;
  server {
    listen 443 ssl;
    ssl_certificate ${server.good.chain};
    ssl_certificate_key ${server.good.key};
    ssl_client_certificate ${root};
    ssl_verify_client on;
    ssl_verify_depth 2;
    ssl_crl ${crls};
    location / { return 200 "served\\n"; }
  }
}
`,
    );
    const running = site.start('nginx', ['-c', file, '-p', folder, '-e', 'stderr']);
    await listening(site, 443, running);
    return { [Symbol.asyncDispose]: () => running.stop() };
  },
  verifiers: [
    {
      column,
      how: '`ssl_crl`',
      refusal: /The SSL certificate error/,
      verify: (ca, standing) => ask(ca, 'https://good.app.test/', standing),
    },
  ],
};

const haproxy: Program = {
  name: 'HAProxy',
  version: versionBy('haproxy', '-v'),
  async start({ site, root, crls, server }) {
    const folder = join(site.folder, 'haproxy');
    await mkdir(folder);
    const own = join(folder, 'server.pem');
    await writeFile(own, (await readFile(server.good.chain, 'utf8')) + (await readFile(server.good.key, 'utf8')), {
      mode: 0o600,
    });
    const file = join(folder, 'haproxy.cfg');
    await writeFile(
      file,
      `defaults
  mode http
  timeout connect 10s
  timeout client 10s
  timeout server 10s
frontend front
  bind :8443 ssl crt ${own} ca-file ${root} verify required crl-file ${crls}
  http-request return status 200 content-type text/plain string "served"
`,
    );
    const running = site.start('haproxy', ['-db', '-f', file]);
    await listening(site, 8443, running);
    return { [Symbol.asyncDispose]: () => running.stop() };
  },
  verifiers: [
    {
      column,
      how: '`crl-file`',
      refusal: /alert certificate revoked/,
      verify: (ca, standing) => ask(ca, 'https://good.app.test:8443/', standing),
    },
  ],
};

type Front = Pick<Server, 'listen' | 'close' | 'closeAllConnections'> & EventEmitter;

/** An HTTPS server in this process, at a port beside the CA. */
function ofNode(name: string, port: number, create: (options: TlsOptions, served: RequestListener) => Front): Program {
  return {
    name,
    version: async () => (name === 'Node' ? (process.versions.node.split('.')[0] ?? '') : ''),
    async start({ site, root, crls, server }) {
      const options = {
        cert: readFileSync(server.good.chain),
        key: readFileSync(server.good.key),
        ca: readFileSync(root),
        // Node takes the first list of a text, and no more.
        crl: readFileSync(crls, 'utf8').split(/(?=^-----BEGIN)/m),
        requestCert: true,
        rejectUnauthorized: true,
      };
      const front = create(options, (_request, response) => response.end('served\n'));
      front.listen(port, site.addresses.ca);
      await once(front, 'listening');
      return {
        async [Symbol.asyncDispose]() {
          front.close();
          front.closeAllConnections();
        },
      };
    },
    verifiers: [
      {
        column,
        how: '`crl`',
        refusal: /curl: \((35|52|56)\)/,
        verify: (ca, standing) => ask(ca, `https://good.ca.test:${port}/`, standing),
      },
    ],
  };
}

let postgres: Awaited<ReturnType<typeof startPostgres>> | undefined;

const postgresql: Program = {
  name: 'PostgreSQL',
  version: async () => /\d+/.exec(await runHere(postgresProgram('postgres'), ['--version']))?.[0] ?? '',
  async start({ root, crls, server }) {
    postgres = await startPostgres({ ...server.good, root, crls });
    return postgres;
  },
  verifiers: [
    {
      column,
      how: '`ssl_crl_file`',
      refusal: /certificate revoked/,
      async verify({ root, client }, standing) {
        const url = new URL(postgres?.url ?? '');
        const { chain, key } = client[standing];
        const values = { sslmode: 'verify-ca', sslrootcert: root, sslcert: chain, sslkey: key };
        for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
        expect(await runHere(postgresProgram('psql'), [url.href, '-Atc', "SELECT 'served'"]), /^served/);
      },
    },
  ],
};

export const servers: readonly Program[] = [
  nginx,
  haproxy,
  postgresql,
  ofNode('Node', 8445, (options, served) => createServer(options, served)),
  ofNode('Handfast in place of `node:tls`', 8446, (options, served) => createHttpsServer(options, served)),
];
