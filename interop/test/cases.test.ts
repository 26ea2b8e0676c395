import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cipherSuites, defaultCipherSuites12, namedGroups, signatureSchemes } from '@handfast/tls';
import { type Axis, type Case, casesOf, groupsOf, idOf } from '../src/cases.ts';
import { parts } from '../src/conversation.ts';
import { peers } from '../src/peers/index.ts';
import { opensslCipher } from '../src/peers/openssl.ts';

const roles = peers.flatMap((peer) =>
  (['client', 'server'] as const).flatMap((direction) => {
    const abilities = peer[direction];
    return abilities === undefined
      ? []
      : [{ name: `${peer.name} as ${direction}`, abilities, rows: casesOf(abilities, false) }];
  }),
);

const known = (rows: readonly { readonly name: string }[]): ReadonlySet<string> =>
  new Set(rows.map(({ name }) => name));

for (const { name, abilities, rows } of roles) {
  test(`${name}: every value of every axis is in a case of its version`, () => {
    for (const axes of abilities.axes) {
      const ofVersion = rows.filter(({ version }) => axes.version.includes(version));
      for (const [axis, values] of Object.entries(axes) as [Axis, readonly string[]][]) {
        assert.deepEqual([...new Set(ofVersion.map((row) => row[axis]))].sort(), [...values].sort(), axis);
      }
    }
  });

  test(`${name}: it has TLS 1.3 and TLS 1.2`, () => {
    assert.deepEqual(
      abilities.axes.map(({ version }) => version),
      [['TLS 1.3'], ['TLS 1.2']],
    );
  });

  test(`${name}: identifiers are unique`, () => {
    const ids = rows.map(idOf);
    assert.equal(new Set(ids).size, ids.length);
  });

  test(`${name}: suites, groups and schemes are IANA's names`, () => {
    const suites = { 'TLS 1.3': known(cipherSuites), 'TLS 1.2': known(defaultCipherSuites12) };
    for (const { version, suite, group, scheme } of abilities.axes) {
      const ofVersion = version[0] === 'TLS 1.2' ? suites['TLS 1.2'] : suites['TLS 1.3'];
      assert.deepEqual(
        suite.filter((value) => !ofVersion.has(value)),
        [],
      );
      assert.deepEqual(
        group.filter((value) => !known(namedGroups).has(value)),
        [],
      );
      assert.deepEqual(
        scheme.filter((value) => !known(signatureSchemes).has(value)),
        [],
      );
    }
  });

  test(`${name}: a case of TLS 1.2 has a key that its suite takes, and nothing that came with TLS 1.3`, () => {
    for (const row of rows.filter(({ version }) => version === 'TLS 1.2')) {
      assert.equal(row.suite.startsWith('TLS_ECDHE_RSA_'), row.scheme.startsWith('rsa_'), idOf(row));
      assert.deepEqual([row.retry, row.keyUpdate], ['no', 'none']);
      assert.doesNotMatch(row.group, /MLKEM|ffdhe/);
    }
  });
}

const row12: Case = {
  version: 'TLS 1.2',
  suite: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  group: 'x25519',
  scheme: 'ecdsa_secp384r1_sha384',
  clientCertificate: 'none',
  retry: 'no',
  keyUpdate: 'none',
  closing: 'full',
  alpn: 'none',
};

test('an identifier begins with its version, and names what that version has', () => {
  assert.equal(
    idOf(row12),
    'tls1.2+ecdhe_ecdsa_with_aes_128_gcm_sha256+x25519+ecdsa_secp384r1_sha384+none+full+no-alpn',
  );
  assert.equal(
    idOf({ ...row12, version: 'TLS 1.3', suite: 'TLS_AES_128_GCM_SHA256', alpn: 'chosen' }),
    'tls1.3+aes_128_gcm_sha256+x25519+ecdsa_secp384r1_sha384+none+direct+ku-none+full+alpn',
  );
});

test("in TLS 1.2 the certificate's curve is among the groups, once", () => {
  assert.deepEqual(groupsOf(row12), ['x25519', 'secp384r1']);
  assert.deepEqual(groupsOf({ ...row12, group: 'secp384r1' }), ['secp384r1']);
  assert.deepEqual(groupsOf({ ...row12, scheme: 'ed25519' }), ['x25519']);
  assert.deepEqual(groupsOf({ ...row12, version: 'TLS 1.3' }), ['x25519']);
});

test('the suites of TLS 1.2 have the names that OpenSSL has for them', () => {
  assert.deepEqual(defaultCipherSuites12.map(({ name }) => opensslCipher(name)).sort(), [
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ]);
});

test('each side says more than 100 kB, and nothing that a tool reads as a command', () => {
  const text = parts.join('');
  assert.ok(text.length >= 100_000);
  assert.match(text, /^[\d\n]+$/);
  assert.ok(text.split('\n').every((line) => line.length <= 4_000));
});
