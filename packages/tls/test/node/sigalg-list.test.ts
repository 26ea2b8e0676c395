/**
 * Lists of signature algorithms, held to what `node:tls` offers for them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { TlsConfigError } from '../../src/errors.ts';
import { schemesOf } from '../../src/node/sigalg-list.ts';
import { ids, schemeById, signatureSchemes } from '../../src/registry.ts';
import { nodeHello } from './node-hello.ts';
import { thrown } from './thrown.ts';

const hashes = ['SHA256', 'SHA384', 'SHA512'];

const lists: readonly string[] = [
  ...signatureSchemes.map(({ name }) => name),
  ...['RSA', 'RSA-PSS', 'PSS', 'ECDSA'].flatMap((key) => hashes.map((hash) => `${key}+${hash}`)),
  ...[
    'rsa+SHA256',
    'RSA+sha256',
    'rsa-pss+sha384',
    'ED25519',
    'Ed448',
    'MLDSA65',
    'ML-DSA-44',
    'ml-dsa-65',
    'ML-DSA-87',
  ],
  ...[
    'RSA_PKCS1_SHA256',
    'RSA-PSS+SHA256:ECDSA+SHA256',
    'ECDSA+SHA256:ECDSA+SHA256',
    'ecdsa_secp256r1_sha256:ECDSA+SHA256',
  ],
  ...[
    '?foo:ed25519',
    '?ed25519',
    '?:ed25519',
    '??foo:ed25519',
    ' ed25519 ',
    'ed25519: ed448',
    'PSS+SHA384:rsa_pss_rsae_sha384',
  ],
  ...['ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:mldsa44:mldsa87', 'RSA+SHA1:ECDSA+SHA256', 'DSA+SHA256:ed25519'],
  'ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512',
  'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha512:rsa_pkcs1_sha1',
];

describe('a list of signature algorithms chooses what Node offers for it, in the same order', () => {
  for (const list of lists) {
    it(list, async () => {
      const { signature_algorithms: offered = [] } = (await nodeHello({ sigalgs: list })).extensions;
      assert.deepEqual(
        ids(schemesOf(list).signatureSchemes),
        offered.filter((id) => schemeById.has(id)),
      );
    });
  }
});

describe('algorithms that OpenSSL has and Handfast has not', () => {
  it('are passed over, and reported', () => {
    const { signatureSchemes: chosen, ignored } = schemesOf('RSA+SHA1:ed25519:DSA+SHA256:?foo:ecdsa_sha1');
    assert.deepEqual(
      { names: chosen.map(({ name }) => name), ignored },
      { names: ['ed25519'], ignored: ['RSA+SHA1', 'DSA+SHA256', 'foo', 'ecdsa_sha1'] },
    );
  });

  it('are all taken by Node', () => {
    const names = [
      'RSA+SHA1',
      'RSA+SHA224',
      'ECDSA+SHA1',
      'ecdsa_sha224',
      'dsa_sha512',
      'ecdsa_brainpoolP256r1_sha256',
    ];
    for (const sigalgs of names) {
      createSecureContext({ sigalgs });
      assert.deepEqual(schemesOf(`ed25519:${sigalgs}`).ignored, [sigalgs]);
    }
  });

  it('as well as those that are left out of the known ones', () => {
    const { ignored } = schemesOf(
      'ed25519:mldsa65',
      signatureSchemes.filter(({ name }) => !name.startsWith('mldsa')),
    );
    assert.deepEqual(ignored, ['mldsa65']);
  });
});

describe('a list that cannot be', () => {
  for (const list of [
    ...[
      'foo',
      'RSA+SHA256:foo',
      ':',
      ':ed25519',
      'ed25519:',
      'ed25519::ed448',
      'ed25519,ed448',
      'ed25519 ed448',
      'ECDSA',
    ],
    ...[
      'SHA256',
      'ECDSA+',
      '+SHA256',
      'ECDSA+SHA256+SHA256',
      'RSA+MD5',
      'RSA+SHA512-256',
      'RSA-PSS+SHA1',
      'ED25519+SHA512',
    ],
    ...['id-ml-dsa-65', 'DEFAULT', 'EdDSA', '-ed25519', 'ed25519/ed448', 'ecdsa_secp256r1_sha384', 'rsa_md5'],
  ]) {
    it(`is refused where Node refuses it, whose error says nothing: ${list}`, () => {
      assert.throws(() => createSecureContext({ sigalgs: list }), { message: 'error:00000000:lib(0)::reason(0)' });
      assert.throws(
        () => schemesOf(list),
        (error) => error instanceof TlsConfigError && error.option === 'sigalgs',
      );
    });
  }

  it('says what is wrong, and what is known', () => {
    assert.equal(
      thrown(() => schemesOf('ed25519:foo', signatureSchemes.slice(3, 5))).message,
      'sigalgs: "foo" is not known; known are ed25519, ed448',
    );
  });

  for (const list of ['?foo', '?', '?foo:?bar']) {
    it(`has none that must be known: ${list}`, () => {
      const { message, ...shape } = thrown(() => schemesOf(list));
      const { message: nodeMessage, ...nodeShape } = thrown(() => createSecureContext({ sigalgs: list }));
      assert.deepEqual(shape, nodeShape);
      assert.ok(String(message).startsWith(`${nodeMessage} ("${list}"; known are `), String(message));
    });
  }

  it('has none: refused at once, with what Node says at the handshake', async () => {
    const code = 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM';
    const { message, ...shape } = thrown(() => schemesOf('RSA+SHA1'));
    const reason = 'no suitable signature algorithm';
    assert.deepEqual(shape, { name: 'Error', code, library: 'SSL routines', reason });
    assert.match(
      String(message),
      /^error:0A000076:SSL routines::no suitable signature algorithm \("RSA\+SHA1"; known are /,
    );
    await assert.rejects(nodeHello({ sigalgs: 'RSA+SHA1' }), { code });
  });

  for (const value of ['', 5, false, {}, ['ed25519']]) {
    it(`is empty, or of the wrong kind: ${JSON.stringify(value)}`, () => {
      const options = { sigalgs: value } as unknown as SecureContextOptions;
      assert.deepEqual(
        thrown(() => schemesOf(value as string)),
        thrown(() => createSecureContext(options)),
      );
    });
  }
});
