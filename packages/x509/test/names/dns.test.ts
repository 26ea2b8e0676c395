import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dnsNameMatches, isDnsName, normaliseDnsName } from '../../src/names/dns.ts';

describe('a DNS name', () => {
  for (const name of [
    'localhost',
    'a.b',
    'xn--mnchen-3ya.example',
    'db_1.internal',
    'a-b.example',
    `${'a'.repeat(63)}.example`,
  ]) {
    it(`may be ${name.slice(0, 40)}`, () => assert.equal(isDnsName(name), true));
  }
  for (const name of [
    '',
    '.',
    'a..b',
    '.a',
    '-a.example',
    'a-.example',
    'a b',
    'a\0b.example',
    'münchen.example',
    '1.2.3.4',
    '127.1',
    'a.0x7f',
    '*.a.b',
    `${'a'.repeat(64)}.x`,
    `${'a.'.repeat(127)}abc`,
  ]) {
    it(`may not be ${JSON.stringify(name).slice(0, 40)}`, () => assert.equal(isDnsName(name), false));
  }
  it('as a reference loses its trailing dot and case', () => {
    assert.equal(normaliseDnsName('WWW.Example.COM.'), 'www.example.com');
    assert.equal(normaliseDnsName('example.com..'), undefined);
  });
});

describe('a presented name covers', () => {
  for (const [presented, reference, covers] of [
    ['example.com', 'example.com', true],
    ['EXAMPLE.com', 'example.com', true],
    ['example.com', 'www.example.com', false],
    ['*.example.com', 'www.example.com', true],
    ['*.EXAMPLE.com', 'www.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'a.b.example.com', false],
    ['*.example.com', 'xn--bcher-kva.example.com', true],
    ['*.com', 'example.com', false],
    ['*', 'localhost', false],
    ['*.', 'localhost', false],
    ['f*.example.com', 'foo.example.com', false],
    ['*oo.example.com', 'foo.example.com', false],
    ['www.*.com', 'www.example.com', false],
    ['*.*.example.com', 'a.b.example.com', false],
    ['*.example.com.', 'www.example.com', false],
    ['example.com.', 'example.com', false],
    ['www.example.com\0.evil.example', 'www.example.com', false],
    ['localhost', 'localhost', true],
  ] as const) {
    it(`${JSON.stringify(presented)} ${covers ? '' : 'not '}${reference}`, () => {
      assert.equal(dnsNameMatches(presented, reference), covers);
    });
  }
});
