/**
 * Lists of groups, held to what `node:tls` offers for them.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSecureContext, DEFAULT_ECDH_CURVE, type SecureContextOptions } from 'node:tls';
import { groupsOf } from '../../src/node/curve-list.ts';
import { groupById, ids, namedGroups } from '../../src/registry.ts';
import { nodeHello } from './node-hello.ts';
import { thrown } from './thrown.ts';

/** Groups, and shares, that Node's client sends, of those that are here. */
async function offered(ecdhCurve: string): Promise<{ groups: readonly number[]; shares: readonly number[] }> {
  const { extensions } = await nodeHello({ ecdhCurve });
  const known = (list: readonly number[] = []): readonly number[] => list.filter((id) => groupById.has(id));
  return { groups: known(extensions.supported_groups), shares: known(extensions.key_share?.map(({ group }) => group)) };
}

const plain: readonly string[] = [
  ...['P-256', 'prime256v1', 'secp256r1', 'X25519', 'x25519', 'X448', 'P-384', 'secp384r1', 'P-521', 'secp521r1'],
  ...[
    'p-256',
    'PRIME256V1',
    'SECP384R1',
    'X25519MLKEM768',
    'x25519mlkem768',
    'SecP256r1MLKEM768',
    'SecP384r1MLKEM1024',
  ],
  ...['ffdhe2048', 'ffdhe3072', 'ffdhe4096', 'ffdhe6144', 'ffdhe8192', 'P-256:x448:ffdhe2048', 'P-521:secp384r1'],
  ...['X25519MLKEM768:secp256r1', 'P-256:P-256', 'secp521r1:X25519:P-521', 'prime256v1:secp384r1:secp521r1'],
  ...['X25519:P-256:P-384:P-521', '?foo:P-256', '?P-256', '-P-256:X25519', '?-P-256:X25519', '-?foo:X25519'],
  ...[
    'P-256/X25519',
    'P-256:-P-256:X25519',
    'P-384:-P-256:P-256',
    ' P-256 : X25519',
    'P-256:brainpoolP256r1',
    'X448:P-224:mlkem768',
  ],
];

const starred: readonly string[] = [
  ...[
    '*X25519:P-256',
    '*P-256:*X25519',
    'P-256/*X25519',
    '*P-256/*X25519:x448',
    'P-256/X25519:*X448',
    '?*P-256:X25519',
  ],
  ...[
    '*?P-256',
    'DEFAULT',
    'default',
    'DEFAULT:-X25519',
    'X25519:DEFAULT',
    'DEFAULT:X25519',
    'DEFAULT:DEFAULT',
    '*P-384',
  ],
  ...['*P-256:*X25519:*P-384:*P-521', 'P-256:*P-256', '*P-256:P-256', '*X448:DEFAULT:-X25519MLKEM768'],
];

describe('a list of groups chooses what Node offers for it, in the same order', () => {
  for (const list of plain) {
    it(list, async () => {
      const { groups, ...rest } = groupsOf(list);
      assert.deepEqual(ids(groups ?? []), (await offered(list)).groups);
      assert.equal('keyShares' in rest, false);
    });
  }

  for (const list of starred.filter((one) => one !== 'P-256:*P-256')) {
    it(`with its key shares: ${list}`, async () => {
      const { groups = [], keyShares = [] } = groupsOf(list);
      assert.deepEqual({ groups: ids(groups), shares: ids(keyShares) }, await offered(list));
    });
  }

  it('a star counts where a group is named first', async () => {
    const { groups = [], ...rest } = groupsOf('P-256:*P-256');
    assert.deepEqual(ids(groups), (await offered('P-256:*P-256')).groups);
    assert.equal('keyShares' in rest, false);
  });
});

describe("Node's default", () => {
  it('is auto, which leaves all to the defaults', () => {
    assert.equal(DEFAULT_ECDH_CURVE, 'auto');
    assert.deepEqual(groupsOf('auto'), { ignored: [] });
  });
});

describe('groups that OpenSSL has and Handfast has not', () => {
  it('are passed over, and reported', () => {
    const { groups = [], ignored } = groupsOf('brainpoolP256r1:P-256:P-224:?foo:MLKEM768:-secp256k1');
    assert.deepEqual(
      { names: groups.map(({ name }) => name), ignored },
      { names: ['secp256r1'], ignored: ['brainpoolP256r1', 'P-224', 'foo', 'MLKEM768'] },
    );
  });

  it('as well as those that are left out of the known ones', () => {
    const known = namedGroups.filter(({ postQuantum }) => !postQuantum);
    const { groups = [], ignored } = groupsOf('X25519MLKEM768:X25519', known);
    assert.deepEqual(
      { names: groups.map(({ name }) => name), ignored },
      { names: ['x25519'], ignored: ['X25519MLKEM768'] },
    );
  });
});

describe('a list that cannot be', () => {
  for (const list of [
    ...[
      'foo',
      'P-256:foo',
      '?P-256:foo',
      'AUTO',
      'auto:P-256',
      ':',
      ':P-256',
      'P-256:',
      'P-256::X25519',
      'P-256,X25519',
    ],
    ...[
      'P-256 X25519',
      '?',
      '*',
      '-',
      '--P-256:X25519',
      '**P-256',
      'P-256/',
      '/P-256',
      'P-256//X25519',
      '-DEFAULT:X25519',
    ],
    ...[
      '?DEFAULT',
      '*DEFAULT',
      '-foo:X25519',
      'P-256:+X25519',
      'ED25519',
      'curveSM2',
      '*P-256:*X25519:*P-384:*P-521:*X448',
    ],
  ]) {
    it(`is refused as Node refuses it: ${list}`, () => {
      const { message, ...shape } = thrown(() => groupsOf(list));
      const { message: nodeMessage, ...nodeShape } = thrown(() => createSecureContext({ ecdhCurve: list }));
      assert.deepEqual(shape, nodeShape);
      assert.ok(String(message).startsWith(`${nodeMessage} (`), String(message));
    });
  }

  it('says what is known', () => {
    const known = namedGroups.slice(3, 5);
    assert.equal(
      thrown(() => groupsOf('P-256:foo', known)).message,
      'Failed to set ECDH curve ("foo" is not known; known are x25519, secp256r1)',
    );
  });

  for (const list of ['', 'P-224', '?foo', 'X25519:-X25519']) {
    it(`has no group: refused at once, with what Node says at the handshake: "${list}"`, async () => {
      const { message, ...shape } = thrown(() => groupsOf(list));
      assert.deepEqual(shape, {
        ...{ name: 'Error', code: 'ERR_SSL_NO_SUITABLE_GROUPS', library: 'SSL routines', reason: 'no suitable groups' },
      });
      assert.match(String(message), /^error:0A000127:SSL routines::no suitable groups \("/);
      if (list !== 'P-224')
        await assert.rejects(nodeHello({ ecdhCurve: list }), { code: 'ERR_SSL_NO_SUITABLE_GROUPS' });
    });
  }

  for (const value of [5, null, false, {}, ['P-256']]) {
    it(`is of the wrong kind: ${JSON.stringify(value)}`, () => {
      const options = { ecdhCurve: value } as unknown as SecureContextOptions;
      assert.deepEqual(
        thrown(() => groupsOf(value as string)),
        thrown(() => createSecureContext(options)),
      );
    });
  }
});
