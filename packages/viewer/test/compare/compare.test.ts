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
  toBase64,
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

describe('data that was not recorded', () => {
  it('counts by its length, and is called the same by its length alone', () => {
    const given = (said: readonly string[]): Handshake => handshakeOf(play({ said }));
    const same = compareHandshakes(given(['12345678']), given(['abcdefgh']));
    assert.deepEqual(
      [fact(same, 'Data bytes of the client').left, fact(same, 'Data bytes of the client').same],
      ['8', true],
    );
    assert.equal(rowText(row(same, 'Application data (8 bytes)')), 'as long; what it says was not recorded');
    const other = compareHandshakes(given(['12345678']), given(['a']));
    const { left, right, same: alike } = fact(other, 'Data bytes of the client');
    assert.deepEqual([left, right, alike], ['8', '1', false]);
    const data = row(other, 'Application data (8 bytes)');
    assert.deepEqual([data.differences, data.otherwise], [[], ['8 bytes in the first, 1 byte in the second']]);
    const half = compareHandshakes(given(['12345678']), shown({ said: ['abcdefgh'] }));
    assert.equal(rowText(row(half, 'Application data (8 bytes)')), 'as long; what it says was not recorded');
  });
});

/** A message of the handshake, around its body. */
const message = (type: number, body: readonly number[]): string =>
  toBase64(Uint8Array.of(type, body.length >> 16, (body.length >> 8) & 255, body.length & 255, ...body));
const list16 = (bytes: readonly number[]): readonly number[] => [bytes.length >> 8, bytes.length & 255, ...bytes];
const numbers = (all: readonly number[]): readonly number[] => all.flatMap((one) => [one >> 8, one & 255]);
const extension = (id: number, body: readonly number[]): readonly number[] => [...numbers([id]), ...list16(body)];

function hello(suites: readonly number[], extensions: readonly number[] = []): string {
  const random = new Array<number>(32).fill(suites[0] ?? 0);
  return message(1, [3, 3, ...random, 0, ...list16(numbers(suites)), 1, 0, ...list16(extensions)]);
}

function handshakeWith(
  hellos: readonly string[],
  name = 'client_hello',
  negotiated?: Recording['negotiated'],
): Handshake {
  const { client } = play();
  const events = hellos.map((bytes) => ({ at: 0, type: 'message', direction: 'out', name, bytes }) as const);
  const { error: _, peer: __, negotiated: ___, ...rest } = client;
  return handshakeOf({ client: { ...rest, events, ...(negotiated && { negotiated }) } });
}

describe('messages that are made to be large', () => {
  it('are compared up to a bound of all of them together, and none of them is called the same', () => {
    const suites = Array.from({ length: 19_000 }, (_, nth) => nth);
    const many = (first: number): Handshake =>
      handshakeWith(new Array(200).fill(hello(suites.map((suite) => suite + first))));
    const { messages } = compareHandshakes(many(0), many(20_000));
    assert.equal(messages.length, 200);
    assert.ok(messages.every(({ differences }) => differences.length > 0));
    const [first = ''] = told(messages[0] as ComparedMessage).filter((text) => text.startsWith('cipher_suites'));
    assert.match(first, / and 18976 more; only in the second: .* and 18976 more$/);
    assert.deepEqual(told(messages[199] as ComparedMessage), [
      'the message: 38,045 bytes, which are not taken apart in the first, 38,045 bytes, which are not taken apart in the second',
    ]);
    assert.ok(JSON.stringify(messages.map(told)).length < 100_000);
  });

  it('have so many differences together, and each one at least', () => {
    const one = (extra: number): string =>
      hello([0x1301 + extra], Array.from({ length: 300 }, (_, nth) => extension(100 + nth * 2 + extra, [])).flat());
    const { messages } = compareHandshakes(
      handshakeWith(new Array(50).fill(one(0))),
      handshakeWith(new Array(50).fill(one(1))),
    );
    const counts = messages.map(({ differences }) => differences.length);
    assert.deepEqual([counts[0], counts.at(-1)], [200, 2]);
    assert.equal(rowText(messages.at(-1) as ComparedMessage), '1 difference');
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      1000 + 45 * 2,
    );
  });
});

describe('what is made anew for each connection', () => {
  const greased = (grease: number, ticket: readonly number[]): string =>
    hello(
      [grease, 0x1301, 0x1302],
      [
        ...extension(grease, []),
        ...extension(10, list16(numbers([grease, 29, 23]))),
        ...extension(43, [6, ...numbers([grease, 0x0304, 0x0303])]),
        ...extension(51, list16([...numbers([grease]), ...list16([0]), ...numbers([29]), ...list16([grease & 255])])),
        ...extension(35, ticket),
        ...extension(65_037, [0, grease & 255, 7]),
        ...extension(grease ^ 0x2020, [0]),
      ],
    );

  it('is GREASE, wherever it stands, a ticket, and another hello, encrypted', () => {
    const compared = compareHandshakes(
      handshakeWith([greased(0x0a0a, [1, 2])]),
      handshakeWith([greased(0x5a5a, [3, 4])]),
    );
    assert.equal(rows(compared).join(), 'ClientHello: differs as always');
    assert.equal(freshText(row(compared, 'ClientHello').differences), 'random, GREASE, share, extension_data');
  });

  it('is not that there is GREASE, nor a ticket', () => {
    const none = hello([0x1301, 0x1302], extension(35, []));
    const some = hello([0x0a0a, 0x1301, 0x1302], [...extension(0x1a1a, []), ...extension(35, [1])]);
    assert.deepEqual(told(row(compareHandshakes(handshakeWith([none]), handshakeWith([some])), 'ClientHello')), [
      'cipher_suites: only in the second: GREASE (0x0a0a)',
      'extensions › GREASE (6682): only in the second: (empty)',
      'extensions › session_ticket › extension_data: only in the second: 01',
    ]);
  });

  it('is the public value of a server’s finite field', () => {
    const exchange = (value: number): string =>
      message(12, [list16(new Array(64).fill(5)), list16([2]), list16([value, 1])].flat());
    const negotiated = { ...play({ version: 'TLS 1.2' }).client.negotiated } as NonNullable<Recording['negotiated']>;
    const of = (value: number): Handshake => handshakeWith([exchange(value)], 'server_key_exchange', negotiated);
    const compared = compareHandshakes(of(1), of(2));
    assert.equal(rows(compared).join(), 'ServerKeyExchange: differs as always');
  });
});

describe('what a peer calls something', () => {
  it('is text in the facts, and turns nothing around', () => {
    const { client } = play();
    assert.ok(client.negotiated);
    const turned = handshakeOf({
      client: { ...client, negotiated: { ...client.negotiated, alpnProtocol: 'h\u202e2' } },
    });
    const { left, right } = fact(compareHandshakes(turned, turned), 'Application protocol');
    assert.deepEqual([left, right], ['h\\u{202e}2', 'h\\u{202e}2']);
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
