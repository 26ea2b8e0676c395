/**
 * Messages whose form is older than TLS 1.2, or another than ECDHE's; and names of what this stack does not speak.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeLegacyProvider as provider } from '@handfast/crypto/legacy/node';
import { alerts, cipherSuites, defaultCipherSuites12, namedGroups, signatureSchemes, tls12 } from '@handfast/tls';
import { allLegacyCipherSuites } from '@handfast/tls/legacy';
import { otherCipherSuites } from '../../src/iana/cipher-suites.ts';
import { otherAlerts, otherGroups, otherSchemes } from '../../src/iana/names.ts';
import {
  arrowsOf,
  dissectArrow,
  dissectMessage,
  type Field,
  groupName,
  handshakeOf,
  schemeName,
  suiteName,
} from '../../src/index.ts';
import { clientCredential, play } from '../support/connection.ts';
import { all, assertTiled, at } from '../support/fields.ts';

const groups = namedGroups.filter(({ name }) => ['x25519', 'secp256r1', 'ffdhe2048'].includes(name));

/** The messages of a connection with this suite, a client certificate asked for where there is one of the server's. */
function messagesOf(suite: string): ReadonlyMap<string, Field> {
  const row = [...defaultCipherSuites12, ...allLegacyCipherSuites].find(({ name }) => name === suite);
  assert.ok(row, suite);
  const both = { provider, groups, versions: [tls12], cipherSuites: [row] };
  const secret = new Uint8Array(32).fill(7);
  const psk = suite.includes('PSK_');
  const { client } = play({
    client: {
      ...both,
      credentials: [clientCredential],
      ...(psk && { preSharedKey: () => ({ identity: new TextEncoder().encode('me'), key: secret }) }),
    },
    server: {
      ...both,
      ...(psk
        ? { preSharedKey: () => secret, pskIdentityHint: new TextEncoder().encode('a hint') }
        : { clientCertificate: 'require' as const }),
    },
  });
  assert.equal(client.negotiated?.cipherSuite, suite, client.error?.message);
  const arrows = arrowsOf(handshakeOf({ client })).filter(({ kind }) => kind === 'message');
  const fields = arrows.map((arrow) => dissectArrow(arrow, 'before TLS 1.3'));
  for (const field of fields) {
    assertTiled(field);
    assert.deepEqual(
      [...all(field)].flatMap(({ problem }) => problem ?? []),
      [],
      field.name,
    );
  }
  return new Map(fields.map((field) => [field.name, field]));
}

const namesIn = (field: Field | undefined): readonly string[] =>
  (field?.children?.find(({ name }) => name === 'body')?.children ?? []).map(({ name }) => name);

const vector = (length: number, byte = 9): readonly number[] => [
  ...[length >> 8, length & 255],
  ...Array<number>(length).fill(byte),
];
const message = (type: number, body: readonly number[]): Field =>
  dissectMessage(Uint8Array.of(type, 0, body.length >> 8, body.length & 255, ...body), 'before TLS 1.3');

function assertWhole(field: Field, names: readonly string[]): void {
  assertTiled(field);
  assert.deepEqual(namesIn(field), names);
  assert.deepEqual(
    [...all(field)].flatMap(({ problem }) => problem ?? []),
    [],
  );
}

describe('a message from before TLS 1.2', () => {
  const authority = [0, 15, 0, 13, 0x30, 11, 0x31, 9, 0x30, 7, 6, 3, 85, 4, 3, 12, 0];

  it('has no signature algorithm', () => {
    assertWhole(message(15, vector(256)), ['signature']);
    for (const authorities of [[0, 0], authority]) {
      assertWhole(message(13, [2, 1, 64, ...authorities]), ['certificate_types', 'certificate_authorities']);
    }
  });

  it('has one in TLS 1.2', () => {
    const messages = messagesOf('TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA');
    assert.deepEqual(namesIn(messages.get('ServerKeyExchange')).slice(-2), ['algorithm', 'signature']);
    assert.deepEqual(namesIn(messages.get('CertificateRequest')), [
      ...['certificate_types', 'supported_signature_algorithms', 'certificate_authorities'],
    ]);
    assert.deepEqual(namesIn(messages.get('CertificateVerify')), ['algorithm', 'signature']);
    const fields = ['certificate_types', 'supported_signature_algorithms', 'certificate_authorities'];
    for (const authorities of [[0, 0], authority]) {
      assertWhole(message(13, [2, 1, 64, 0, 2, 4, 3, ...authorities]), fields);
    }
  });
});

describe('a ServerKeyExchange', () => {
  const dhe = [...vector(256), ...vector(1, 2), ...vector(256, 8)];
  const ecdhe = [3, 0, 29, 32, ...Array<number>(32).fill(5)];

  // biome-ignore format: a table
  const forms: readonly (readonly [string, readonly number[], readonly string[]])[] = [
    ['a hint alone', vector(6), ['psk_identity_hint']],
    ['no hint at all', vector(0), ['psk_identity_hint']],
    ['a hint of 1,000 bytes', vector(1000), ['psk_identity_hint']],
    ['a hint and a curve', [...vector(3), ...ecdhe], ['psk_identity_hint', 'curve_type', 'namedcurve', 'public']],
    ['a hint and a finite field', [...vector(0), ...dhe], ['psk_identity_hint', 'dh_p', 'dh_g', 'dh_Ys']],
    ['a finite field that nobody signed', dhe, ['dh_p', 'dh_g', 'dh_Ys']],
    ['a signed one', [...dhe, 4, 1, ...vector(256)], ['dh_p', 'dh_g', 'dh_Ys', 'algorithm', 'signature']],
    ['one signed before TLS 1.2', [...dhe, ...vector(256)], ['dh_p', 'dh_g', 'dh_Ys', 'signature']],
    ['a curve signed before TLS 1.2', [...ecdhe, ...vector(70)], ['curve_type', 'namedcurve', 'public', 'signature']],
    ['a curve', ecdhe, ['curve_type', 'namedcurve', 'public']],
  ];
  for (const [name, body, fields] of forms) {
    it(`has its fields, as it is ${name}`, () => {
      assertWhole(message(12, body), fields);
    });
  }

  it('of connections with a pre-shared key and finite fields has them, too', () => {
    assert.deepEqual(namesIn(messagesOf('TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA').get('ServerKeyExchange')), [
      ...['psk_identity_hint', 'curve_type', 'namedcurve', 'public'],
    ]);
    assert.deepEqual(namesIn(messagesOf('TLS_DHE_PSK_WITH_AES_128_CBC_SHA').get('ServerKeyExchange')), [
      ...['psk_identity_hint', 'dh_p', 'dh_g', 'dh_Ys'],
    ]);
  });

  it('that is none of these, or is cut, says so', () => {
    for (const body of [[], [1], [3, 0], [1, 0, 9], dhe.slice(0, 300), ecdhe.slice(0, 10)]) {
      const field = message(12, body);
      assertTiled(field);
      assert.ok([...all(field)].some(({ problem }) => problem !== undefined));
    }
  });
});

describe('names of what this stack does not speak', () => {
  it('are IANA’s', () => {
    assert.deepEqual([0x0013, 0x1306, 0xc0b5, 0xc106].map(suiteName), [
      ...['TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA', 'TLS_AEGIS_256_SHA512', 'TLS_SHA384_SHA384'],
      'TLS_GOSTR341112_256_WITH_MAGMA_MGM_S',
    ]);
    assert.deepEqual([26, 31, 513, 65282].map(groupName), [
      ...['brainpoolP256r1', 'brainpoolP256r1tls13', 'MLKEM768', 'arbitrary_explicit_char2_curves'],
    ]);
    assert.deepEqual([0x0101, 0x0201, 0x0203, 0x0602, 0x0708, 0x081a, 0x0601].map(schemeName), [
      ...['rsa_pkcs1_md5', 'rsa_pkcs1_sha1', 'ecdsa_sha1', 'dsa_sha512', 'sm2sig_sm3'],
      ...['ecdsa_brainpoolP256r1tls13_sha256', 'rsa_pkcs1_sha512'],
    ]);
    assert.deepEqual([0xfffe, 0x0a0a].map(suiteName), ['0xfffe', 'GREASE (0x0a0a)']);
  });

  it('stand once: what it speaks has its name elsewhere', () => {
    const once = (known: readonly { readonly id: number }[], others: readonly (readonly [number, string])[]): void => {
      const ids = [...known.map(({ id }) => id), ...others.map(([id]) => id)];
      assert.equal(new Set(ids).size, ids.length);
      const names = others.map(([, name]) => name);
      assert.equal(new Set(names).size, names.length);
    };
    once([...cipherSuites, ...defaultCipherSuites12, ...allLegacyCipherSuites], otherCipherSuites);
    once(namedGroups, otherGroups);
    once(signatureSchemes, otherSchemes);
    once(
      Object.values(alerts).map((id) => ({ id })),
      otherAlerts,
    );
  });

  it('are an extension’s and an alert’s, with what they are for', () => {
    const hello = Uint8Array.of(8, 0, 0, 8, 0, 6, 0xca, 0x34, 0, 2, 0, 0);
    const extension = at(dissectMessage(hello), 'body', 'extensions', 'trust_anchors');
    assert.match(extension.meaning ?? '', /trusts/);
    assert.equal(at(extension, 'extension_type').value, 'trust_anchors (51764)');
    const alert = dissectArrow({ kind: 'alert', bytes: Uint8Array.of(2, 121) }, 'TLS 1.3');
    assert.equal(at(alert, 'description').value, 'ech_required (121)');
    const recording = play().client;
    const events = [
      ...recording.events,
      { at: 9, type: 'alert', direction: 'in', alert: 'unknown (121)', level: 2 } as const,
    ];
    const titles = arrowsOf(handshakeOf({ client: { ...recording, events } })).map(({ title }) => title);
    assert.equal(titles.at(-1), 'Alert: ech_required');
  });
});
