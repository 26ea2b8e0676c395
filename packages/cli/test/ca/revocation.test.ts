import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CaError } from '@handfast/ca';
import { type CaConfig, configText, readConfig } from '../../src/ca/config.ts';
import type { OpenCa } from '../../src/ca/open.ts';
import { answerFile } from '../../src/ca/public-files.ts';
import { revocationOptions } from '../../src/ca/revocation-config.ts';

const directory = mkdtempSync(join(tmpdir(), 'handfast-revocation-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, 'config.json');

const config: CaConfig = {
  kind: 'team',
  title: 'Corp CA',
  allow: { domains: ['corp.example'], networks: [] },
  wildcards: true,
  baseUrl: 'http://ca.corp.example',
};

function read(revocation: unknown): CaConfig {
  writeFileSync(path, JSON.stringify({ ...JSON.parse(configText(config)), revocation }));
  return readConfig(path);
}

test('how lists are made is written, read again, and handed on', () => {
  const revocation = { crlShards: 0, crlHours: 6, crlDays: 2, keptDays: 30 };
  writeFileSync(path, configText({ ...config, revocation }));
  assert.deepEqual(readConfig(path).revocation, revocation);
  assert.deepEqual(revocationOptions(revocation), {
    crlShards: 0,
    crlIntervalMs: 6 * 3_600_000,
    crlLifetimeMs: 2 * 86_400_000,
    keptMs: 30 * 86_400_000,
  });
  assert.deepEqual(revocationOptions(read({}).revocation), {});
  assert.deepEqual(revocationOptions(), {});
});

for (const [revocation, message] of [
  [[], 'revocation is no object'],
  [{ crlMinutes: 5 }, 'revocation: "crlMinutes" is no field'],
  [{ crlShards: 1.5 }, 'revocation: crlShards is no whole number from 0 on'],
  [{ crlShards: 1025 }, 'revocation: crlShards is above 1024'],
  [{ crlDays: 1 }, 'revocation: a list is over before the next is made'],
  [{ crlHours: 168 }, 'revocation: a list is over before the next is made'],
] as const) {
  test(`${JSON.stringify(revocation)} is refused`, () => {
    assert.throws(() => read(revocation), { message: `the CA’s configuration "${path}": ${message}` });
  });
}

test('each list is at its URL, and nothing is beside', async (t) => {
  const id = 'ab'.repeat(32);
  const authority: Pick<OpenCa['authority'], 'crl'> = {
    async crl(issuerId, name) {
      if (issuerId !== id) throw new CaError('not_found', 'there is no such issuer');
      return new TextEncoder().encode(String(name));
    },
  };
  const ca = { authority, config } as unknown as OpenCa;
  const server = createServer((request, response) => void answerFile(ca, '', request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const fetched = async (file: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/crl/${file}`);
    const body = await response.text();
    return response.ok ? `${response.headers.get('content-type')} ${body}` : String(response.status);
  };
  const lists = [`${id}.crl`, `${id}-delta.crl`, `${id}/0.crl`, `${id}/15.crl`];
  assert.deepEqual(
    await Promise.all(lists.map(fetched)),
    ['complete', 'delta', '0', '15'].map((name) => `application/pkix-crl ${name}`),
  );
  const others = [
    'cd'.repeat(32),
    `${id}/`,
    `${id}/01`,
    `${id}/-1`,
    `${id}/99999`,
    `${id}-delta/1`,
    `${id}-delta-delta`,
  ];
  assert.deepEqual(
    await Promise.all(others.map((name) => fetched(`${name}.crl`))),
    others.map(() => '404'),
  );
});
