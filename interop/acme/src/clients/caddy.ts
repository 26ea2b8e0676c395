/**
 * Caddy of Debian, a web server that gets its certificates by itself, when it starts.
 *
 * @module
 */

import { strict as assert } from 'node:assert';
import type { X509Certificate } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from '../../../../programs/src/processes.ts';
import { type Client, done, email, issuedFor, leafIn, type Place, renewed } from './client.ts';

const patienceMs = 60_000;

export const caddy: Client = {
  name: 'Caddy',
  from: 'Debian',

  async version(site) {
    return /\d+\.\d+/.exec(await site.run('caddy', ['version']))?.[0] ?? '?';
  },

  async *run({ site, ca }) {
    {
      await using server = await serve({ site, ca }, 'app.test', 'http');
      const first = await server.certificate();
      await issuedFor(ca, first, 'DNS:app.test');
      const text = await site.run('curl', ['-sS', '--fail', 'https://app.test/']);
      assert.equal(text, 'served');
      yield done('account under an external key');
      yield done('http-01', 'and serves under it');
    }
    {
      const name = 'alpn.app.test';
      await using server = await serve({ site, ca }, name, 'tls-alpn');
      const first = await server.certificate();
      await issuedFor(ca, first, `DNS:${name}`);
      yield done('tls-alpn-01');

      await server.forget();
      const second = await server.certificate();
      renewed(first, second);
      yield done('renew', 'anew, without the first');
    }
  },
};

interface Serving extends AsyncDisposable {
  /** What it has got, once it has. */
  certificate(): Promise<X509Certificate>;
  /** Starts again, without its certificates. */
  forget(): Promise<void>;
}

async function serve({ site, ca }: Place, name: string, challenge: 'http' | 'tls-alpn'): Promise<Serving> {
  const folder = join(site.folder, `caddy-${name}`);
  await mkdir(folder);
  const other = challenge === 'http' ? 'disable_tlsalpn_challenge' : 'disable_http_challenge';
  const file = join(folder, 'Caddyfile');
  await writeFile(
    file,
    `{
  admin off
  storage file_system ${folder}
}
${name} {
  tls {
    issuer acme ${ca.directory} {
      email ${email}
      eab ${ca.external.id} ${ca.external.secret}
      ${other}
    }
  }
  respond "served"
}
`,
  );
  const start = (): Running => site.start('caddy', ['run', '--config', file, '--adapter', 'caddyfile']);
  let server = start();
  return {
    async certificate() {
      for (const since = performance.now(); performance.now() - since < patienceMs; await delay(100)) {
        const [found] = globSync(`${folder}/certificates/**/*.crt`);
        // The key is written first, and a file in one piece.
        if (found !== undefined) return await leafIn(found);
        if (server.ended) break;
      }
      throw new Error(`Caddy has got no certificate:\n${server.words}`);
    },
    async forget() {
      await server.stop();
      await rm(join(folder, 'certificates'), { recursive: true });
      server = start();
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
