/**
 * Two handshakes side by side: full and resumed, good and failing, of one version and the other.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { memorySessionCache, namedGroups, ticketKeys } from '@handfast/tls';
import { align } from '../../src/compare/align.ts';
import { differencesOf } from '../../src/compare/fields.ts';
import {
  type ComparedMessage,
  type Comparison,
  compareHandshakes,
  differenceText,
  type Fact,
  freshText,
  type Handshake,
  handshakeOf,
  pathText,
  type Recording,
  rowText,
} from '../../src/index.ts';
import { expired, type Play, play } from '../support/connection.ts';

const details = { plaintext: true } as const;
const shown = (given: Play = {}): Handshake => handshakeOf(play({ details, ...given }));
const titleOf = ({ left, right }: ComparedMessage): string => left?.title ?? right?.title ?? '';
const rows = ({ messages }: Comparison): readonly string[] => messages.map((row) => `${titleOf(row)}: ${rowText(row)}`);
const row = ({ messages }: Comparison, title: string): ComparedMessage => {
  const found = messages.find((one) => titleOf(one) === title);
  assert.ok(found, title);
  return found;
};
const told = ({ differences }: ComparedMessage): readonly string[] =>
  differences.filter(({ always }) => !always).map(differenceText);
const fact = ({ facts }: Comparison, name: string): Fact => {
  const found = facts.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
};

describe('two lists, aligned', () => {
  const pairs = (left: string, right: string): string =>
    align([...left], [...right], (letter) => letter)
      .map((pair) => `${pair.left ?? '-'}${pair.right ?? '-'}`)
      .join(' ');

  it('have in pairs what both have in the same order, and the rest where it stands', () => {
    assert.equal(pairs('abc', 'abc'), 'aa bb cc');
    assert.equal(pairs('abcd', 'axd'), 'aa b- c- -x dd');
    assert.equal(pairs('', 'ab'), '-a -b');
    assert.equal(pairs('ab', ''), 'a- b-');
    assert.equal(pairs('ab', 'ba'), 'a- bb -a');
    assert.equal(pairs('', ''), '');
  });
});

describe('two handshakes', () => {
  it('that differ in nothing but keys say that it is as always', () => {
    const compared = compareHandshakes(shown({ said: ['hi'] }), shown({ said: ['hi'] }));
    assert.deepEqual(rows(compared), [
      'ClientHello: differs as always',
      'ServerHello: differs as always',
      'ChangeCipherSpec: the same',
      'EncryptedExtensions: the same',
      'Certificate: the same',
      'CertificateVerify: differs as always',
      'Finished: differs as always',
      'ChangeCipherSpec: the same',
      'Finished: differs as always',
      'Application data: the same',
      'close_notify: the same',
      'close_notify: the same',
    ]);
    assert.equal(freshText(row(compared, 'ClientHello').differences), 'random, id, share');
    assert.deepEqual(
      compared.facts.flatMap(({ same, name }) => (same || /ready after|bytes of the server/.test(name) ? [] : [name])),
      [],
    );
    assert.equal(compared.notCompared, 0);
  });

  it('of which the second resumes: no certificate, a key that both have already', () => {
    const common = {
      client: { sessions: memorySessionCache() },
      server: { tickets: { keys: ticketKeys({ provider }) } },
    };
    const compared = compareHandshakes(shown({ ...common, said: ['a', 'b'] }), shown({ ...common, said: ['a', 'b'] }));
    const alone = compared.messages.filter(({ left, right }) => left === undefined || right === undefined);
    assert.deepEqual(
      alone.map((one) => `${titleOf(one)}: ${rowText(one)}`),
      ['Certificate: only in the first', 'CertificateVerify: only in the first', 'NewSessionTicket: only in the first'],
    );
    const hello = told(row(compared, 'ClientHello'));
    assert.equal(hello.length, 1);
    assert.match(hello[0] ?? '', /^extensions › pre_shared_key: only in the second: /);
    assert.deepEqual(told(row(compared, 'ServerHello')), [
      'extensions › pre_shared_key: only in the second: 0: the first that was offered',
    ]);
    assert.deepEqual(
      [fact(compared, 'Resumed'), fact(compared, 'Server’s certificate')].map(({ left, right, same }) => [
        left,
        right,
        same,
      ]),
      [
        ['no', 'yes', false],
        ['1 sent, verified', '–', false],
      ],
    );
  });

  it('of which one fails: who found what, and what the other side never understood', () => {
    const compared = compareHandshakes(shown(), shown({ server: { credentials: [expired] } }));
    assert.deepEqual(
      [fact(compared, 'Outcome').left, fact(compared, 'Outcome').right],
      ['connected', 'certificate_expired, found by the client'],
    );
    // What a handshake would have agreed on that failed before is not held against it.
    const { left: version, right: unknown, same } = fact(compared, 'Version');
    assert.deepEqual([version, unknown, same], ['TLS 1.3', '–', true]);
    const certificate = row(compared, 'Certificate');
    assert.ok(
      told(certificate).some((text) => /notAfter: 2027.* in the first, 2026/.test(text)),
      told(certificate).join('\n'),
    );
    assert.ok(certificate.differences.every(({ always }) => !always));
    assert.deepEqual(row(compared, 'Finished').otherwise, ['never understood in the second']);
    assert.equal(rowText(row(compared, 'Alert: certificate_expired')), 'only in the second');
    assert.equal(fact(compared, 'Client ready after').right, '–');
  });

  it('of two versions: what TLS 1.3 hides, and the round trip that it saves', () => {
    const compared = compareHandshakes(shown({ version: 'TLS 1.2' }), shown());
    assert.deepEqual(
      ['Version', 'Round trips'].map((name) => [fact(compared, name).left, fact(compared, name).right]),
      [
        ['TLS 1.2', 'TLS 1.3'],
        ['2', '1'],
      ],
    );
    const alone = (side: 'left' | 'right'): readonly string[] =>
      compared.messages.flatMap((one) => (one[side === 'left' ? 'right' : 'left'] === undefined ? [titleOf(one)] : []));
    assert.ok(alone('left').includes('ServerKeyExchange'));
    assert.ok(alone('right').includes('EncryptedExtensions'));
    assert.deepEqual(row(compared, 'Certificate').otherwise, [
      'in the clear in the first, under the handshake key in the second',
    ]);
    const hello = told(row(compared, 'ClientHello'));
    assert.ok(
      hello.some((text) => text.startsWith('cipher_suites: only in the first: ')),
      hello.join('\n'),
    );
    assert.ok(hello.some((text) => text.startsWith('extensions › key_share: only in the second: ')));
  });

  it('whose lists differ in their order only say so, and nothing more', () => {
    const groups = namedGroups.filter(({ name }) => ['x25519', 'secp256r1'].includes(name));
    const keyShares = groups.slice(0, 1);
    const compared = compareHandshakes(
      shown({ client: { groups, keyShares } }),
      shown({ client: { groups: [...groups].reverse(), keyShares } }),
    );
    assert.deepEqual(told(row(compared, 'ClientHello')), [
      'extensions › supported_groups › named_group_list: the same in another order',
    ]);
  });

  it('whose refusals differ have them side by side', () => {
    const of = (alert: string, level: number): Handshake => {
      const { client } = play();
      const events = client.events.filter(({ type }) => type === 'message').slice(0, 1);
      return handshakeOf({
        client: { ...client, events: [...events, { at: 9, type: 'alert', direction: 'in', alert, level }] },
      });
    };
    const compared = compareHandshakes(of('handshake_failure', 2), of('protocol_version', 2));
    assert.deepEqual(told(row(compared, 'Alert: handshake_failure')), [
      'description: handshake_failure (40) in the first, protocol_version (70) in the second',
    ]);
  });

  it('are compared up to a bound', () => {
    const { client } = play({ details });
    const many: Recording = {
      ...client,
      events: [
        ...client.events,
        ...Array.from({ length: 1000 }, () => ({ at: 1e6, type: 'data', direction: 'out', bytes: 'AAAA' }) as const),
      ],
    };
    const compared = compareHandshakes(handshakeOf({ client: many }), handshakeOf({ client: many }));
    assert.equal(compared.messages.length, 200);
    assert.ok(compared.notCompared > 1600);
  });
});

describe('fields that differ', () => {
  it('are bounded, and those of a peer are text', () => {
    const tree = (values: readonly string[]) => ({
      bytes: new TextEncoder().encode(values.join('')),
      field: {
        ...{ name: 'message', start: 0, end: values.length },
        children: values.map((value, at) => ({ name: `field ${at}`, start: at, end: at + 1, value })),
      },
    });
    const found = differencesOf(tree(Array(5000).fill('a')), tree(Array(5000).fill('<')));
    assert.equal(found.length, 200);
    assert.equal(differenceText(found[0] as never), 'field 0: a in the first, < in the second');
    assert.equal(pathText([]), 'the message');
  });

  it('may have names that mean something to JavaScript', () => {
    const one = (name: string, value: string) => ({
      bytes: Uint8Array.of(value.length),
      field: { name: 'message', start: 0, end: 1, children: [{ name, start: 0, end: 1, value }] },
    });
    assert.deepEqual(differencesOf(one('__proto__', 'a'), one('constructor', 'bc')).map(differenceText), [
      '__proto__: only in the first: a',
      'constructor: only in the second: bc',
    ]);
  });
});
