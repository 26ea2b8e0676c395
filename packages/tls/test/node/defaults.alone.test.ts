/**
 * The defaults of the module, beside those of `node:tls`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import nodeTls from 'node:tls';
import * as live from '../../src/node/defaults.ts';
import { changedCiphers, defaults } from '../../src/node/defaults.ts';
import { versionRange } from '../../src/node/version-range.ts';
import { thrown } from './thrown.ts';

const atStart = { ...defaults };
const names = Object.keys(defaults) as readonly (keyof typeof defaults)[];

afterEach(() => Object.assign(defaults, atStart));

describe('defaults', () => {
  // First, as long as nothing was set here.
  it('are those of node:tls, also when they change there', () => {
    const nodes = Object.fromEntries(names.map((name) => [name, nodeTls[name]]));
    assert.deepEqual({ ...defaults }, nodes);
    assert.equal(changedCiphers(), undefined);
    try {
      Object.assign(nodeTls, { DEFAULT_MIN_VERSION: 'TLSv1.3', DEFAULT_CIPHERS: 'ECDHE+AESGCM' });
      assert.deepEqual([defaults.DEFAULT_MIN_VERSION, changedCiphers()], ['TLSv1.3', 'ECDHE+AESGCM']);
      assert.deepEqual(
        versionRange({}).map(({ name }) => name),
        ['TLS 1.3'],
      );
    } finally {
      Object.assign(nodeTls, nodes);
    }
  });

  it('that are set count from then on, here alone, and by their names as well', () => {
    defaults.DEFAULT_MIN_VERSION = 'TLSv1.3';
    defaults.DEFAULT_CIPHERS = 'ECDHE+CHACHA20';
    defaults.DEFAULT_ECDH_CURVE = 'P-256';
    defaults.CLIENT_RENEG_LIMIT = 5;
    assert.deepEqual(
      [live.DEFAULT_MIN_VERSION, live.DEFAULT_CIPHERS, live.DEFAULT_ECDH_CURVE, live.CLIENT_RENEG_LIMIT],
      ['TLSv1.3', 'ECDHE+CHACHA20', 'P-256', 5],
    );
    assert.equal(changedCiphers(), 'ECDHE+CHACHA20');
    assert.equal(nodeTls.DEFAULT_MIN_VERSION, atStart.DEFAULT_MIN_VERSION);
    assert.deepEqual(
      versionRange({}).map(({ name }) => name),
      ['TLS 1.3'],
    );
    defaults.DEFAULT_MIN_VERSION = 'TLSv1.2';
    defaults.DEFAULT_MAX_VERSION = 'TLSv1.2';
    assert.deepEqual(
      versionRange({}).map(({ name }) => name),
      ['TLS 1.2'],
    );
  });

  it('take anything, and the next context that needs it refuses it', () => {
    for (const wrong of ['foo', undefined, null, 5]) {
      Object.assign(defaults, { DEFAULT_MIN_VERSION: wrong });
      assert.equal(defaults.DEFAULT_MIN_VERSION, wrong);
      const { name, code, message } = thrown(() => versionRange({}));
      assert.deepEqual(
        [name, code, message],
        [
          'TypeError',
          'ERR_TLS_INVALID_PROTOCOL_VERSION',
          `${JSON.stringify(wrong)} is not a valid minimum TLS protocol version`,
        ],
      );
      assert.equal(versionRange({ minVersion: 'TLSv1.2' }).length, 2);
    }
  });

  it('are listed as those of node:tls, and can be put on another object', () => {
    assert.deepEqual([...names].toSorted(), [
      'CLIENT_RENEG_LIMIT',
      'CLIENT_RENEG_WINDOW',
      'DEFAULT_CIPHERS',
      'DEFAULT_ECDH_CURVE',
      'DEFAULT_MAX_VERSION',
      'DEFAULT_MIN_VERSION',
    ]);
    const other = Object.defineProperties({} as typeof defaults, Object.getOwnPropertyDescriptors(defaults));
    other.CLIENT_RENEG_WINDOW = 7;
    assert.equal(defaults.CLIENT_RENEG_WINDOW, 7);
  });
});
