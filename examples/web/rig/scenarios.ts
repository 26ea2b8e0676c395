/**
 * What is asked of the examples: that they do what they show, and that whoever is in the way gets nothing.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { freePort } from '../../../rig/ports.ts';
import type { BridgeOptions } from '../bridge.ts';
import { ofAdapters } from './adapters.ts';
import { shown } from './browser.ts';
import { user } from './pki.ts';
import { assertOnlyCiphertext, endsInCiphertext, recorder } from './recorder.ts';
import { impostor, relay } from './relay.ts';
import { ofRuntimes } from './runtimes.ts';
import type { Scenario } from './scenario.ts';
import { site } from './site.ts';
import { worker } from './worker.ts';
import type { World } from './world.ts';

/** What PostgreSQL's clients send before TLS, and what it answers. */
const sslRequest = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const goOn = [...Buffer.from('S')];

/** What the database says of a connection: that it was TLS, and whose. */
function assertRow(row: unknown, answer: string): void {
  assert.deepEqual(row, { answer, tls: 'TLSv1.3', client_dn: `/CN=${user}` });
}

/** What a page shows whose database is at `port`. */
async function askFromPage({ browser, pki }: World, port: number, tap?: BridgeOptions['tap']): Promise<string> {
  const targets = { database: { host: '127.0.0.1', port } };
  const here = await site('postgres-in-a-page/page.ts', pki, { targets, ...(tap && { tap }) });
  const page = await browser.newPage();
  try {
    return await shown(page, here.origin);
  } finally {
    await page.close();
    here.close();
  }
}

const postgresInAPage: readonly Scenario[] = [
  {
    example: 'postgres-in-a-page',
    name: 'the database answers a page by its client certificate, and the bridge sees ciphertext alone',
    async run(world) {
      const { tap, seen } = recorder();
      const words = ['secret', 'SECRET', 'pg_stat_ssl', user, 'TLSv1.3'];
      assertRow(JSON.parse(await askFromPage(world, world.database, tap)), 'A SECRET FROM THE PAGE');
      assertOnlyCiphertext(seen('page'), sslRequest, words);
      assertOnlyCiphertext(seen('tcp'), goOn, words);
    },
  },
  {
    example: 'postgres-in-a-page',
    name: 'a bridge that changes a byte is found out: bad_record_mac',
    async run(world) {
      const { tap, seen } = recorder();
      const said = await askFromPage(world, world.database, (from, bytes) => {
        tap(from, bytes);
        const last = bytes.length - 1;
        const secret = from === 'tcp' && endsInCiphertext(seen('tcp').subarray(goOn.length));
        if (secret) bytes[last] = (bytes[last] ?? 0) ^ 1;
        return bytes;
      });
      assert.match(said, /^bad_record_mac: /);
    },
  },
  {
    example: 'postgres-in-a-page',
    name: 'a bridge that leads to another server is found out: certificate_unknown_issuer',
    async run(world) {
      const other = await impostor(world.pki);
      try {
        assert.match(await askFromPage(world, other.port), /^certificate_unknown_issuer: /);
      } finally {
        other.close();
      }
    },
  },
  {
    example: 'postgres-in-a-page',
    name: 'a bridge goes nowhere but where its list says',
    async run({ browser, pki }) {
      const here = await site('postgres-in-a-page/page.ts', pki);
      const page = await browser.newPage();
      try {
        assert.match(await shown(page, here.origin), /^transport_failed: /);
      } finally {
        await page.close();
        here.close();
      }
    },
  },
];

const postgresInAWorker: readonly Scenario[] = [
  {
    example: 'postgres-in-a-worker',
    name: 'the database answers a worker by its client certificate, and a relay sees ciphertext alone',
    async run({ pki, database }) {
      const { tap, seen } = recorder();
      const between = await relay(database, tap);
      const running = await worker(pki, between.port);
      try {
        assertRow(await running.ask(), 'A SECRET FROM THE WORKER');
        const words = ['secret', 'SECRET', 'pg_stat_ssl', user, 'TLSv1.3'];
        assertOnlyCiphertext(seen('page'), sslRequest, words);
        assertOnlyCiphertext(seen('tcp'), goOn, words);
      } finally {
        await running.close();
        between.close();
      }
    },
  },
  {
    example: 'postgres-in-a-worker',
    name: 'a worker refuses a database whose certificate another CA issued: certificate_unknown_issuer',
    async run({ pki }) {
      const other = await impostor(pki);
      const running = await worker(pki, other.port);
      try {
        const { error } = (await running.ask()) as { readonly error?: string };
        assert.match(error ?? '', /^certificate_unknown_issuer: /);
      } finally {
        await running.close();
        other.close();
      }
    },
  },
];

const serverInAPage: readonly Scenario[] = [
  {
    example: 'server-in-a-page',
    name: 'curl gets a page’s answer through the bridge, which sees ciphertext alone; without the CA it refuses',
    async run({ browser, pki }) {
      const { tap, seen } = recorder();
      const port = await freePort();
      const here = await site('server-in-a-page/page.ts', pki, { ports: { https: port }, tap });
      const page = await browser.newPage();
      try {
        assert.match(await shown(page, here.origin), /listening/);
        const url = `https://localhost:${port}/what-is-asked`;
        const good = await curl('--cacert', pki.ca, url);
        assert.equal(good.code, 0, good.words);
        assert.match(
          good.words,
          /^You asked a page: GET \/what-is-asked HTTP\/1\.1\nIts browser: Mozilla\/5\.0 .*Chrome\//,
        );
        for (const from of ['page', 'tcp'] as const) assertOnlyCiphertext(seen(from), [], ['what-is-asked', 'Mozilla']);

        const many = await Promise.all([1, 2, 3].map((n) => curl('--cacert', pki.ca, `${url}/${n}`)));
        assert.deepEqual(
          many.map(({ words }) => words.split(' ')[5]),
          [1, 2, 3].map((n) => `/what-is-asked/${n}`),
        );
        const refused = await curl(url);
        assert.equal(refused.code, 60, refused.words); // "peer certificate cannot be authenticated with known CAs"
        await page.close();
        assert.equal((await curl('--cacert', pki.ca, url)).code, 35); // "TLS handshaking failed": nobody is there
      } finally {
        await page.close();
        here.close();
      }
    },
  },
];

/** What two pages say that find each other. */
async function bothSay({ browser, pki }: World, names: readonly [string, string]): Promise<readonly string[]> {
  const here = await site('two-pages/page.ts', pki);
  const context = await browser.newContext();
  try {
    return await Promise.all(names.map(async (name) => shown(await context.newPage(), `${here.origin}/?${name}`)));
  } finally {
    await context.close();
    here.close();
  }
}

const twoPages: readonly Scenario[] = [
  {
    example: 'two-pages',
    name: 'two pages know each other by certificate, over a data channel',
    async run(world) {
      const [alice = '', bob = ''] = await bothSay(world, ['alice', 'bob']);
      const group = 'X25519MLKEM768';
      assert.deepEqual(JSON.parse(alice), { peer: 'bob', heard: 'Good evening, Alice.', group });
      assert.deepEqual(JSON.parse(bob), { peer: 'alice', heard: 'Hello, Bob.', group });
    },
  },
  {
    example: 'two-pages',
    name: 'a page with another name’s certificate is refused, and told so: certificate_name_mismatch',
    async run(world) {
      const [alice = '', mallory = ''] = await bothSay(world, ['alice', 'mallory']);
      assert.match(alice, /^certificate_name_mismatch: /);
      assert.match(mallory, /^peer_alert: /);
    },
  },
];

/** curl's exit code, and all that it says. */
function curl(...args: readonly string[]): Promise<{ readonly code: number; readonly words: string }> {
  return new Promise((resolve) => {
    execFile('curl', ['-sS', '--max-time', '20', ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, words: stdout + stderr });
    });
  });
}

export const scenarios: readonly Scenario[] = [
  ...postgresInAPage,
  ...postgresInAWorker,
  ...serverInAPage,
  ...ofRuntimes,
  ...twoPages,
  ...ofAdapters,
];
