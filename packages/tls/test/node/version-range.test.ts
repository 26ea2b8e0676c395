/**
 * Ranges of versions, held to what `node:tls` refuses and to what its ClientHello offers.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import { describe, it } from 'node:test';
import nodeTls, { type ConnectionOptions, createSecureContext } from 'node:tls';
import { TlsConfigError } from '../../src/errors.ts';
import { ssl30, tls10, tls11 } from '../../src/legacy/index.ts';
import { type VersionOptions, versionRange } from '../../src/node/version-range.ts';
import { tls12 } from '../../src/tls12/index.ts';
import { tls13 } from '../../src/tls13/index.ts';
import { nodeHello } from './node-hello.ts';
import { thrown } from './thrown.ts';

const { SSL_OP_NO_TLSv1_3, SSL_OP_NO_TLSv1_2, SSL_OP_NO_TLSv1_1, SSL_OP_NO_TLSv1, SSL_OP_NO_TICKET } = constants;

const ids = (options: object): readonly number[] => versionRange(options as VersionOptions).map(({ id }) => id);
const names = (options: object): readonly string[] => versionRange(options as VersionOptions).map(({ name }) => name);

describe('a range of versions', () => {
  it('is refused as node:tls refuses it', () => {
    const refused: readonly object[] = [
      ...['', 'foo', 'TLSv1.4', 'tlsv1.2', 'SSLv3', 1, 0, false, {}, []].flatMap((version) => [
        { minVersion: version },
        { maxVersion: version },
        { minVersion: version, maxVersion: 'also wrong' },
      ]),
      ...['TLSv1_2_method', 'TLS_method', 'unknown', 5, true, {}].flatMap((secureProtocol) => [
        { secureProtocol, minVersion: 'TLSv1.2' },
        { secureProtocol, maxVersion: 'TLSv1.3' },
        { secureProtocol, minVersion: 'wrong', maxVersion: 'TLSv1.3' },
        { secureProtocol, minVersion: '' },
      ]),
      ...[
        '',
        'foo',
        'TLSv1_3_method',
        'TLSv1.2_method',
        'TLS',
        'tls_method',
        'TLS_methods',
        'TLS_server',
        'SSLv23',
      ].map((secureProtocol) => ({ secureProtocol })),
      ...['SSLv2', 'SSLv3'].flatMap((method) =>
        ['', '_client', '_server'].map((role) => ({ secureProtocol: `${method}${role}_method` })),
      ),
      ...['x', '1', true, {}, [], 3n, 1.5, -0.5, Infinity, 2 ** 53, -(2 ** 60)].map((secureOptions) => ({
        secureOptions,
      })),
      { secureProtocol: 'foo', secureOptions: 'x' },
      { minVersion: 'foo', secureOptions: 'x' },
    ];
    for (const options of refused) {
      const nodes = thrown(() => createSecureContext(options as ConnectionOptions));
      assert.deepEqual(
        thrown(() => versionRange(options as VersionOptions)),
        nodes,
      );
    }
  });

  it('offers what node:tls offers, but nothing below TLS 1.2', async () => {
    const ours = [0x0304, 0x0303];
    const ranges: readonly object[] = [
      {},
      ...['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3', null, undefined].flatMap((minVersion) => [
        { minVersion },
        { minVersion, maxVersion: 'TLSv1.3' },
        { maxVersion: minVersion === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2' },
      ]),
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.2' },
      ...['TLS_method', 'TLS_client_method', 'SSLv23_method', 'SSLv23_client_method', 'TLSv1_2_method', null, 0, 5].map(
        (secureProtocol) => ({ secureProtocol }),
      ),
      { secureProtocol: 'TLSv1_2_client_method' },
      { secureProtocol: 'TLSv1_2_method', minVersion: null, maxVersion: undefined },
      { secureProtocol: 0, maxVersion: 'TLSv1.2' },
      ...[SSL_OP_NO_TLSv1_3, SSL_OP_NO_TLSv1_2, SSL_OP_NO_TICKET, 0, NaN, '', null].map((secureOptions) => ({
        secureOptions,
      })),
      { secureOptions: 2 ** 40 + SSL_OP_NO_TLSv1_3 },
      { secureOptions: SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1, secureProtocol: 'TLS_method' },
    ];
    for (const options of ranges) {
      const { extensions, legacyVersion } = await nodeHello(options as ConnectionOptions);
      const offered = extensions.supported_versions ?? [legacyVersion];
      assert.deepEqual(
        ids(options),
        ours.filter((id) => offered.includes(id)),
        JSON.stringify(options),
      );
    }
  });

  it('with nothing in it has the code that its connections have on Node', async () => {
    for (const options of [
      { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' },
      { secureOptions: -1 },
      { secureOptions: SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3 },
      { secureProtocol: 'TLSv1_2_method', secureOptions: SSL_OP_NO_TLSv1_2 },
    ] as const) {
      await assert.rejects(nodeHello(options), { code: 'ERR_SSL_NO_PROTOCOLS_AVAILABLE' });
      const { code, library, reason } = thrown(() => versionRange(options));
      assert.deepEqual(
        [code, library, reason],
        ['ERR_SSL_NO_PROTOCOLS_AVAILABLE', 'SSL routines', 'no protocols available'],
      );
    }
  });

  it('wholly below TLS 1.2 is refused, and names what to import', () => {
    const refusal = (options: object): string => {
      const error = thrown(() => versionRange(options as VersionOptions));
      assert.deepEqual([error.name, error.code], ['TlsConfigError', 'ERR_TLS_CONFIG']);
      return String(error.message);
    };
    const rest =
      'and here are TLSv1.3, TLSv1.2; TLS 1.1 and TLS 1.0 are in @handfast/tls/legacy, for the option versions';
    assert.equal(
      refusal({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }),
      `maxVersion: it leaves TLSv1, TLSv1.1, ${rest}`,
    );
    assert.equal(refusal({ secureProtocol: 'TLSv1_method' }), `secureProtocol: it leaves TLSv1, ${rest}`);
    assert.equal(
      refusal({ minVersion: 'TLSv1.1', secureOptions: SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3 }),
      `secureOptions: it leaves TLSv1.1, ${rest}`,
    );
    assert.equal(
      refusal({ minVersion: 'TLSv1.3', versions: [tls12] }),
      'minVersion: it leaves TLSv1.3, and here are TLSv1.2',
    );
    assert.throws(() => versionRange({ versions: [] }), TlsConfigError);
  });

  it('of versions that were named has those: no default takes one away', () => {
    const all = [tls13, tls12, tls11, tls10, ssl30];
    assert.deepEqual(names({ versions: all }), ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0', 'SSL 3.0']);
    assert.deepEqual(names({ versions: all, minVersion: 'TLSv1' }), ['TLS 1.3', 'TLS 1.2', 'TLS 1.1', 'TLS 1.0']);
    assert.deepEqual(names({ versions: all, maxVersion: 'TLSv1.1' }), ['TLS 1.1', 'TLS 1.0', 'SSL 3.0']);
    assert.deepEqual(names({ versions: all, secureProtocol: 'TLSv1_1_method' }), ['TLS 1.1']);
    assert.deepEqual(names({ versions: all, secureOptions: SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1 }), [
      'TLS 1.3',
      'TLS 1.1',
      'SSL 3.0',
    ]);
    assert.deepEqual(names({ versions: [tls12, tls13] }), ['TLS 1.2', 'TLS 1.3']);
  });

  it('leaves out what a bit keeps out, SSL 3.0 among it', () => {
    const named = [tls13, tls12, tls11, tls10, ssl30];
    for (const [bit, version] of [
      ['SSL_OP_NO_TLSv1_3', tls13],
      ['SSL_OP_NO_TLSv1_2', tls12],
      ['SSL_OP_NO_TLSv1_1', tls11],
      ['SSL_OP_NO_TLSv1', tls10],
      ['SSL_OP_NO_SSLv3', ssl30],
    ] as const) {
      const left = versionRange({ versions: named, secureOptions: constants[bit] });
      assert.deepEqual(
        left.map(({ name }) => name),
        named.filter((one) => one !== version).map(({ name }) => name),
      );
    }
  });

  it('asks nothing of a polluted prototype', () => {
    const options = Object.create({ maxVersion: 'TLSv1.2' });
    assert.deepEqual(ids(options), [0x0304, 0x0303]);
  });

  it('is what node:tls has set where nothing is said', () => {
    const before = nodeTls.DEFAULT_MAX_VERSION;
    try {
      Object.assign(nodeTls, { DEFAULT_MAX_VERSION: 'TLSv1.2' });
      assert.deepEqual(ids({}), [0x0303]);
      assert.deepEqual(ids({ maxVersion: 'TLSv1.3' }), [0x0304, 0x0303]);
      assert.deepEqual(ids({ versions: [tls13] }), [0x0304]);
      Object.assign(nodeTls, { DEFAULT_MAX_VERSION: 'TLSv1.1' });
      assert.match(
        String(thrown(() => versionRange({ minVersion: 'TLSv1' })).message),
        /^minVersion: it leaves TLSv1, TLSv1\.1, /,
      );
      for (const wrong of ['foo', null, 5]) {
        Object.assign(nodeTls, { DEFAULT_MAX_VERSION: wrong });
        assert.deepEqual(
          thrown(() => versionRange({})),
          thrown(() => createSecureContext({})),
        );
      }
    } finally {
      Object.assign(nodeTls, { DEFAULT_MAX_VERSION: before });
    }
  });
});
