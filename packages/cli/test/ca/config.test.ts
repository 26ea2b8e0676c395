import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CaConfig, configText, parseBaseUrl, readConfig } from '../../src/ca/config.ts';

const directory = mkdtempSync(join(tmpdir(), 'handfast-config-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const path = join(directory, 'config.json');
const read = (text: string): CaConfig => {
  writeFileSync(path, text);
  return readConfig(path);
};

const config: CaConfig = {
  kind: 'team',
  title: 'Corp CA',
  allow: { domains: ['corp.example'], networks: ['10.0.0.0/8'] },
  wildcards: true,
  baseUrl: 'http://ca.corp.example',
};

test('what is written is read again, with a base URL and without', () => {
  assert.deepEqual(read(configText(config)), config);
  assert.deepEqual(read(configText({ ...config, baseUrl: undefined })), { ...config, baseUrl: undefined });
});

test('that certificates name a responder is written where it is so', () => {
  assert.equal(read(configText({ ...config, ocsp: true })).ocsp, true);
  assert.equal(configText({ ...config, ocsp: false }), configText(config));
});

test('what an editor left is refused by the field that is wrong', () => {
  const written = JSON.parse(configText(config)) as Record<string, unknown>;
  const changes: readonly (readonly [object, string])[] = [
    [{ version: 2 }, 'version is not 1'],
    [{ kind: 'toy' }, 'kind is neither "development" nor "team"'],
    [{ title: '' }, 'title is no text'],
    [{ allow: 'corp.example' }, 'allow is no list of texts'],
    [{ allow: ['*.corp.example'] }, 'allow "*.corp.example" has a wildcard'],
    [{ wildcards: 1 }, 'wildcards is neither true nor false'],
    [{ ocsp: 'yes' }, 'ocsp is neither true nor false'],
    [{ ocsp: true, baseUrl: undefined }, 'ocsp without baseUrl'],
    [{ baseUrl: 7 }, 'baseUrl is no text'],
    [{ baseUrl: 'ca.corp.example' }, 'baseUrl "ca.corp.example" is no URL'],
    [{ alow: [] }, '"alow" is no field'],
  ];
  for (const [change, message] of changes) {
    assert.throws(() => read(JSON.stringify({ ...written, ...change })), {
      exitCode: 2,
      message: `the CA’s configuration "${path}": ${message}`,
    });
  }
  assert.throws(() => read('[]'), { message: `the CA’s configuration "${path}": it is no object` });
  assert.throws(() => read('{'), { exitCode: 2, message: /^the CA’s configuration ".*config\.json": / });
});

test('a base URL is plain HTTP and an origin', () => {
  assert.equal(parseBaseUrl('--base-url', 'http://CA.corp.example:8080/'), 'http://ca.corp.example:8080');
  const refusals: readonly (readonly [string, string, string])[] = [
    ['ca', '--base-url "ca" is no URL', 'write where the CA is reached: http://ca.corp.example'],
    [
      'https://ca.corp.example',
      '--base-url "https://ca.corp.example" is https',
      'CRLs are fetched over plain HTTP, or who fetches them would need one first: http://ca.corp.example',
    ],
    ['http://ca.example/x', '--base-url "http://ca.example/x" has more than host and port', 'write http://ca.example'],
    [
      'http://u:p@ca.example',
      '--base-url "http://u:p@ca.example" has more than host and port',
      'write http://ca.example',
    ],
  ];
  for (const [text, message, hint] of refusals) {
    assert.throws(() => parseBaseUrl('--base-url', text), { exitCode: 2, message, hint });
  }
});
