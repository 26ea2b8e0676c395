import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  constraintsOf,
  contains,
  hostName,
  joinNames,
  localNames,
  namesText,
  parseNameSpace,
  publicSuffixes,
} from '../../src/ca/names.ts';

test('domains, addresses and networks are told apart; case and IDNs are as certificates have them', () => {
  assert.deepEqual(parseNameSpace('--allow', ['Corp.Example', 'bücher.example', '10.0.0.0/8', '192.0.2.1', '::1']), {
    domains: ['corp.example', 'xn--bcher-kva.example'],
    networks: ['10.0.0.0/8', '192.0.2.1/32', '::1/128'],
  });
});

test('what is no name is refused, with what to write instead', () => {
  const refusals: readonly (readonly [string, string, string | undefined])[] = [
    [
      '*.corp.example',
      '--allow "*.corp.example" has a wildcard',
      'write corp.example: it stands for itself and everything below',
    ],
    [
      '.corp.example',
      '--allow ".corp.example" has a wildcard',
      'write corp.example: it stands for itself and everything below',
    ],
    ['.', '--allow "." is neither a host name nor an address', undefined],
    ['*.', '--allow "*." is neither a host name nor an address', undefined],
    [
      'https://corp.example/',
      '--allow "https://corp.example/" is neither a host name nor an address',
      'write the name alone, without https:// and path',
    ],
    [
      'a@corp.example',
      '--allow "a@corp.example" is neither a host name nor an address',
      'a mailbox is given with --email',
    ],
    [
      'corp.example:443',
      '--allow "corp.example:443" is neither a host name nor an address',
      'a certificate has no port: write the name alone',
    ],
    ['a..b', '--allow "a..b" is neither a host name nor an address', undefined],
    ['', '--allow "" is neither a host name nor an address', undefined],
    ['10.0.0.300', '--allow "10.0.0.300" is neither a host name nor an address', undefined],
    ['10.0.0.1/8', '"10.0.0.1/8" is no network', 'the network is 10.0.0.0/8'],
    ['10.0.0.0/33', '"10.0.0.0/33" is no network', 'write address/length: 10.0.0.0/8'],
  ];
  for (const [text, message, hint] of refusals) {
    assert.throws(() => parseNameSpace('--allow', [text]), { exitCode: 2, message, hint }, text);
  }
});

test('constraints cover mailboxes and URLs as well, and forbid all addresses where none is named', () => {
  assert.deepEqual(constraintsOf({ domains: ['corp.example'], networks: [] }), {
    permitted: {
      dns: ['corp.example'],
      ip: [],
      email: ['corp.example', '.corp.example'],
      uri: ['corp.example', '.corp.example'],
    },
    excluded: { ip: ['0.0.0.0/0', '::/0'] },
  });
  assert.equal(constraintsOf(localNames).excluded, undefined);
});

test('a name is within its domain and below, an address within its network', () => {
  const within = [
    'test',
    'a.test',
    'B.Test',
    'localhost',
    'x.home.arpa',
    '127.9.9.9',
    '192.168.1.1',
    '::1',
    'fd00::1',
    'fe80::1',
  ];
  const without = ['atest', 'test.example', 'example', '8.8.8.8', '172.32.0.1', '2001:db8::1', '::2'];
  assert.deepEqual(
    within.filter((name) => !contains(localNames, name)),
    [],
  );
  assert.deepEqual(
    without.filter((name) => contains(localNames, name)),
    [],
  );
});

test('spaces join without repeating, and read as a sentence', () => {
  const both = joinNames(
    { domains: ['a.test'], networks: [] },
    { domains: ['a.test', 'b.test'], networks: ['::1/128'] },
  );
  assert.equal(namesText(both), 'a.test, b.test and all below; ::1/128');
  assert.equal(namesText({ domains: [], networks: [] }), 'nothing');
});

test('suffixes that strangers register under are found; names of one’s own, and local ones, are not', () => {
  const domains = [
    'com',
    'co.uk',
    'github.io',
    'corp.example',
    'example.com',
    'test',
    'internal',
    'localhost',
    'home.arpa',
  ];
  assert.deepEqual(publicSuffixes({ domains, networks: [] }), ['com', 'co.uk', 'github.io']);
});

test('names for a certificate keep their wildcard', () => {
  assert.equal(hostName('NAME', '*.App.Test'), '*.app.test');
  assert.equal(hostName('NAME', '::0001'), '::1');
  assert.throws(() => hostName('NAME', '*.*.test'), {
    message: 'NAME "*.*.test" is neither a host name nor an address',
  });
});
