import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CaConfig, configText, parseBaseUrl, readConfig } from '../../src/ca/config.ts';
import { acmeProfiles, profilesOf } from '../../src/ca/profiles-config.ts';

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

test('a signer, and which root chains end with, are written and read again', () => {
  const uri = 'pkcs11:token=ca;object=issuing?module-path=/usr/lib/softhsm/libsofthsm2.so';
  for (const signer of [{ module: uri }, { module: './kms.js', settings: { key: 'issuing' } }]) {
    const whole: CaConfig = { ...config, signer, chain: 'new' };
    assert.deepEqual(read(configText(whole)), whole);
  }
  const written = JSON.parse(configText(config)) as Record<string, unknown>;
  const wrong: readonly (readonly [object, string])[] = [
    [{ chain: 'both' }, 'chain is neither "old" nor "new"'],
    [{ signer: {} }, 'signer has no module'],
    [{ signer: 1 }, 'signer is no object'],
    [{ signer: { module: './kms.js', settings: { pin: 1 } } }, 'signer: settings is no object of texts'],
    [{ signer: { module: './kms.js', key: 'x' } }, 'signer: "key" is no field'],
  ];
  for (const [fields, message] of wrong) {
    const text = JSON.stringify({ ...written, ...fields });
    assert.throws(() => read(text), { message: `the CA’s configuration "${path}": ${message}` }, message);
  }
});

test('profiles, and what holds for ACME, are written and read again', () => {
  const whole: CaConfig = {
    ...config,
    externalAccountRequired: true,
    profiles: [
      { name: 'short', description: 'a week', keyTypes: ['p256', 'rsa3072'], days: 7, maxDays: 14 },
      { name: 'both', usages: ['serverAuth', 'clientAuth'], issuer: 'ab'.repeat(32) },
    ],
    acme: {
      challenges: ['http-01', 'dns-01'],
      resolvers: ['10.0.0.53', '10.0.0.54:5353', '[fd00::53]:53'],
      privateTargets: ['10.0.0.0/8', 'fd00::/16'],
      caa: { identities: ['ca.corp.example'], except: ['internal'] },
      limits: { accountsPerHour: 0, ordersPerHour: 60, failedValidationsPerHour: 5, authorizationReuseMs: 3_600_000 },
      termsOfService: 'https://ca.corp.example/terms',
      website: 'https://ca.corp.example/',
      rateLimitsUrl: 'https://ca.corp.example/limits',
    },
  };
  assert.deepEqual(read(configText(whole)), whole);
  const plain: CaConfig = { ...config, profiles: [], acme: { privateTargets: false, caa: false } };
  assert.deepEqual(read(configText(plain)), plain);
});

test('what is wrong in profiles and ACME is said with where it stands', () => {
  const written = JSON.parse(configText(config)) as Record<string, unknown>;
  const acme: readonly (readonly [object | string, string])[] = [
    ['x', ' is no object'],
    [{ challenge: [] }, ': "challenge" is no field'],
    [{ challenges: [] }, ': challenges is empty: nothing could be proven'],
    [{ challenges: ['http-02'] }, ': challenges: "http-02" is none of http-01, dns-01, tls-alpn-01'],
    [{ challenges: 'http-01' }, ': challenges is no list of texts'],
    [{ resolvers: ['dns.corp.example'] }, ': resolvers "dns.corp.example" is no address of a resolver'],
    [{ resolvers: [] }, ': resolvers is empty'],
    [{ privateTargets: 1 }, ': privateTargets is neither true nor false'],
    [{ privateTargets: ['corp.example'] }, ': privateTargets "corp.example" is no network'],
    [{ caa: true }, ': caa is no object'],
    [{ caa: { identity: 'x' } }, ': caa: "identity" is no field'],
    [{ caa: { except: ['*.x'] } }, ': caa: except "*.x" has a wildcard'],
    [{ limits: { ordersPerHour: -1 } }, ': limits: ordersPerHour is no whole number from 0 on'],
    [{ limits: { validations: 0 } }, ': limits: validations is no whole number from 1 on'],
    [{ limits: { ordersPerHour: 1.5 } }, ': limits: ordersPerHour is no whole number from 0 on'],
    [{ website: 'ca' }, ': website "ca" is no URL'],
  ];
  for (const [value, message] of acme) {
    assert.throws(() => read(JSON.stringify({ ...written, acme: value })), {
      exitCode: 2,
      message: `the CA’s configuration "${path}": acme${message}`,
    });
  }
  const profiles: readonly (readonly [unknown, string])[] = [
    [{}, ' is no list'],
    [['x'], '[0] is no object'],
    [[{ days: 7 }], '[0]: name is no name of a profile'],
    [[{ name: 'a b' }], '[0]: name is no name of a profile'],
    [[{ name: 'a' }, { name: 'a' }], ': "a" is there twice'],
    [[{ name: 'a', days: 0 }], '[0]: days is no number from 0.01 on'],
    [[{ name: 'a', days: 8, maxDays: 7 }], '[0]: days is more than maxDays'],
    [
      [{ name: 'a', keyTypes: ['dsa'] }],
      '[0]: keyTypes: "dsa" is none of p256, p384, ed25519, rsa2048, rsa3072, rsa4096',
    ],
    [[{ name: 'a', usages: [] }], '[0]: a list is empty'],
  ];
  for (const [value, message] of profiles) {
    assert.throws(() => read(JSON.stringify({ ...written, profiles: value })), {
      exitCode: 2,
      message: `the CA’s configuration "${path}": profiles${message}`,
    });
  }
});

test('profiles of one’s own stand beside the usual two, or replace them; ACME offers those for servers', () => {
  const own = [
    { name: 'short', description: 'a week', keyTypes: ['p256', 'rsa4096', 'rsa3072'], days: 7 },
    { name: 'server', days: 30, maxDays: 45 },
    { name: 'both', usages: ['serverAuth', 'clientAuth'] },
    { name: 'long', days: 400, keyTypes: ['ed25519'] },
  ] as const;
  const profiles = profilesOf(own);
  const dayMs = 86_400_000;
  assert.deepEqual(
    profiles.map(({ name, extendedKeyUsage, lifetimeMs, maxLifetimeMs, keyTypes, minRsaBits }) => [
      ...[name, extendedKeyUsage.join(' '), lifetimeMs / dayMs, maxLifetimeMs / dayMs, keyTypes.join(' '), minRsaBits],
    ]),
    [
      ['server', 'serverAuth', 30, 45, 'secp256r1 secp384r1 ed25519 rsa', 2048],
      ['client', 'clientAuth', 90, 398, 'secp256r1 secp384r1 rsa ed25519', 2048],
      ['short', 'serverAuth', 7, 398, 'secp256r1 rsa', 3072],
      ['both', 'serverAuth clientAuth', 90, 398, 'secp256r1 secp384r1 ed25519 rsa', 2048],
      ['long', 'serverAuth', 400, 400, 'ed25519', 2048],
    ],
  );
  assert.deepEqual(acmeProfiles(profiles, own), {
    server: 'for TLS servers, 30 days',
    short: 'a week',
    long: 'for TLS servers, 400 days',
  });
  assert.deepEqual(acmeProfiles(profilesOf()), { server: 'for TLS servers, 90 days' });
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
