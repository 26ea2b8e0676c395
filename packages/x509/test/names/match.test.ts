import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '@handfast/crypto';
import * as der from '../../src/der/writer.ts';
import { toAscii } from '../../src/idna/index.ts';
import {
  type Certificate,
  matchesHostname,
  matchesName,
  type NameOptions,
  type NameReference,
} from '../../src/index.ts';
import { parseMailbox, uriParts } from '../../src/names/text-forms.ts';
import { asciiLowerCase } from '../../src/text.ts';
import { publicSuffixes } from '../support/names.ts';
import { extension, issued, newSigner, odd } from '../support/pki.ts';

const root = await issued('Root', undefined, { ca: true });
const signer = await newSigner();

/** A certificate whose subjectAltName has these: tag number and content. */
async function presenting(...names: readonly (readonly [number, string | Uint8Array])[]): Promise<Certificate> {
  const values = names.map(([number, value]) => der.implicit(number, typeof value === 'string' ? utf8(value) : value));
  const altNames = extension('subjectAltName', der.sequence(...values));
  return (await odd('leaf', root, { signer, extensions: [altNames] })).certificate;
}

const dns = await presenting([2, 'db.example'], [2, '*.xn--bcher-kva.example'], [2, '192.0.2.9'], [2, '*.co.uk']);
const ip = await presenting([7, Uint8Array.of(192, 0, 2, 1)], [7, new Uint8Array(16).fill(1)], [7, Uint8Array.of(1)]);
const email = await presenting([1, 'Alice@Example.COM'], [1, '"a b"@example.com'], [1, 'bob@xn--bcher-kva.example']);
const uri = await presenting([6, 'https://Service.example/path'], [6, 'sip:voice.example'], [6, 'ldap://*.example/']);

describe('a reference', () => {
  const cases: readonly (readonly [string, Certificate, NameReference, boolean, NameOptions?])[] = [
    ['text is a host name', dns, 'DB.example.', true],
    ['text is an address', ip, '192.0.2.1', true],
    ['text is an address in brackets', ip, '[101:101:101:101:101:101:101:101]', true],
    ['text that is an address is no host name', dns, '192.0.2.9', false],
    ['dns is a host name', dns, { dns: 'db.example' }, true],
    ['dns is never an address', ip, { dns: '192.0.2.1' }, false],
    ['ip is an address', ip, { ip: '192.0.2.1' }, true],
    ['ip with octal digits is none', ip, { ip: '0300.0.2.1' }, false],
    ['ip in hexadecimal is none', ip, { ip: '0xc0000201' }, false],
    ['ip as one number is none', ip, { ip: '3221225985' }, false],
    ['ip with three parts is none', ip, { ip: '192.0.513' }, false],
    ['ip is never a host name', dns, { ip: 'db.example' }, false],
    ['ip mapped into IPv6 is another', ip, { ip: '::ffff:192.0.2.1' }, false],
    ['email has a host without case', email, { email: 'Alice@example.com' }, true],
    ['email has a local part with case', email, { email: 'alice@example.com' }, false],
    ['email with a quoted local part matches nothing', email, { email: '"a b"@example.com' }, false],
    ['email is no host name', email, 'Alice@example.com', false],
    ['email without a local part is none', email, { email: 'example.com' }, false],
    ['uri is scheme and host', uri, { uri: 'HTTPS://service.example:8443/other?x#y' }, true],
    ['uri of another scheme is another', uri, { uri: 'http://service.example/' }, false],
    ['uri without slashes is scheme and host', uri, { uri: 'sip:voice.example' }, true],
    ['uri matches no wildcard', uri, { uri: 'ldap://a.example/' }, false],
    ['uri is no host name', uri, 'service.example', false],
    ['in another script needs a converter', dns, 'www.bücher.example', false],
    ['in another script is converted', dns, 'www.BÜCHER.example', true, { toAscii }],
    ['in another script with wide dots is converted', dns, { dns: 'www。bücher。example' }, true, { toAscii }],
    ['as A-labels needs no converter', dns, 'www.XN--Bcher-KVA.example', true],
    ['in another script that has no A-labels matches nothing', dns, 'ab\u00ad\ufffd.example', false, { toAscii }],
    ['email in another script is converted', email, { email: 'bob@bücher.example' }, true, { toAscii }],
    ['under a public suffix is covered by no wildcard', dns, 'shop.co.uk', false, { isPublicSuffix: publicSuffixes }],
    ['under a public suffix that nobody told us of is covered', dns, 'shop.co.uk', true],
    [
      'under a wildcard that is no public suffix is covered',
      dns,
      'a.xn--bcher-kva.example',
      true,
      { isPublicSuffix: publicSuffixes },
    ],
  ];
  for (const [title, certificate, name, covered, options] of cases) {
    it(title, () => assert.equal(matchesName(certificate, name, options), covered));
  }
  it('is asked of the public suffixes as a wildcard has it, in lower case', async () => {
    const asked: string[] = [];
    const isPublicSuffix = (name: string): boolean => asked.push(name) === 0;
    assert.ok(matchesName(await presenting([2, '*.Shop.EXAMPLE']), 'a.shop.example', { isPublicSuffix }));
    assert.deepEqual(asked, ['shop.example']);
  });
  it('is never the common name', async () => {
    const { certificate } = await odd('db.example', root, { signer });
    assert.equal(matchesHostname(certificate, 'db.example'), false);
  });
});

describe('conversion to A-labels', () => {
  for (const [name, expected] of [
    ['bücher.example', 'xn--bcher-kva.example'],
    ['faß.example', 'xn--fa-hia.example'],
    ['☃.example', 'xn--n3h.example'],
    ['\u{e000}.example', undefined],
    ['a‌b.example', undefined],
    ['-ü.example', undefined],
    [`${'ü'.repeat(60)}.example`, undefined],
    ['אa.example', undefined],
  ] as const) {
    it(`of ${JSON.stringify(name).slice(0, 30)} is ${expected ?? 'refused'}`, () =>
      assert.equal(toAscii(name), expected));
  }
});

describe('lower case', () => {
  it('is of ASCII alone: the Kelvin sign is no k', () => {
    assert.equal(asciiLowerCase('ABCXYZ\u212aİ'), 'abcxyz\u212aİ');
    assert.equal(asciiLowerCase('@[`{'), '@[`{');
  });
});

describe('a mailbox', () => {
  for (const [text, host] of [
    ['a.b+c@Example.com', 'example.com'],
    ['a@b@example.com', undefined],
    ['@example.com', undefined],
    ['a@', undefined],
    ['a..b@example.com', undefined],
    ['.a@example.com', undefined],
    ['"a"@example.com', undefined],
    ['a b@example.com', undefined],
    ['a@[192.0.2.1]', undefined],
    [`${'a'.repeat(65)}@example.com`, undefined],
  ] as const) {
    it(`${JSON.stringify(text).slice(0, 40)} has the host ${host}`, () => assert.equal(parseMailbox(text)?.host, host));
  }
});

describe('a URI', () => {
  for (const [text, host] of [
    ['https://example.com', 'example.com'],
    ['https://user@example.com:443/', 'example.com'],
    ['https://[2001:db8::1]:443/', '[2001:db8::1]'],
    ['sip:example.com;transport=tls', 'example.com'],
    ['https://a@b@example.com/', undefined],
    ['https://evil.example\\@example.com/', undefined],
    ['https://example.com:port/', undefined],
    ['https:///path', undefined],
    ['//example.com', undefined],
    ['1https://example.com', undefined],
    ['', undefined],
  ] as const) {
    it(`${JSON.stringify(text)} has the host ${host}`, () => assert.equal(uriParts(text)?.host, host));
  }
});
