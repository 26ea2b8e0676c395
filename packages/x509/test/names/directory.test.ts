import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { utf8 } from '@handfast/crypto';
import { tag } from '../../src/der/reader.ts';
import * as der from '../../src/der/writer.ts';
import { CertificateError, type DirectoryName, directoryName, parseDirectoryName } from '../../src/index.ts';
import { sameName, startsWithName } from '../../src/names/directory.ts';

const attribute = (oid: string, value: Uint8Array): Uint8Array => der.sequence(der.oid(oid), value);
const nameOf = (...values: readonly Uint8Array[]): DirectoryName =>
  parseDirectoryName(der.sequence(...values.map((value) => der.setOf(attribute('2.5.4.3', value)))));

describe('a directory name', () => {
  it('is printed as RFC 4514 says, most specific first', () => {
    const name = directoryName({ commonName: 'db.internal', organization: 'Example, Inc.', country: 'DE' });
    assert.equal(name.toString(), 'CN=db.internal,O=Example\\, Inc.,C=DE');
    assert.equal(name.commonName, 'db.internal');
  });
  it('prints attributes of one relative name with a plus', () => {
    const rdn = der.setOf(attribute('2.5.4.3', der.utf8String('a')), attribute('2.5.4.10', der.utf8String('b')));
    assert.equal(parseDirectoryName(der.sequence(rdn)).toString(), 'CN=a+O=b');
  });
  it('escapes what RFC 4514 §2.4 names', () => {
    assert.equal(nameOf(der.utf8String(' #"+,;<>\\ ')).toString(), 'CN=\\ #\\"\\+\\,\\;\\<\\>\\\\\\ ');
    assert.equal(nameOf(der.utf8String('#a')).toString(), 'CN=\\#a');
  });
  it('escapes what could move a cursor or reorder a line', () => {
    assert.equal(nameOf(der.utf8String('a\u001b[2J\u202eb\0')).toString(), 'CN=a\\1B[2J\\E2\\80\\AEb\\00');
  });
  it('prints unknown attributes and values that are no strings in hexadecimal', () => {
    const unknown = parseDirectoryName(der.sequence(der.setOf(attribute('1.2.3', der.utf8String('a')))));
    assert.equal(unknown.toString(), '1.2.3=#0c0161');
    assert.equal(nameOf(der.smallInteger(5)).toString(), 'CN=#020105');
    assert.equal(nameOf(der.value(tag.utf8String, Uint8Array.of(0xc0, 0x80))).toString(), 'CN=#0c02c080');
  });
  it('is read in each of the string types', () => {
    assert.equal(nameOf(der.value(tag.bmpString, Uint8Array.of(0, 0x61, 0x20, 0xac))).commonName, 'a€');
    assert.equal(nameOf(der.value(tag.universalString, Uint8Array.of(0, 1, 0xf6, 0x00))).commonName, '\u{1f600}');
    assert.equal(nameOf(der.value(tag.teletexString, Uint8Array.of(0xfc))).commonName, 'ü');
    assert.equal(nameOf(der.printableString('a')).commonName, 'a');
  });
  it('is equal in any case, white space and string type', () => {
    assert.ok(sameName(nameOf(der.printableString('Good  CA')), nameOf(der.utf8String(' good ca '))));
    assert.ok(!sameName(nameOf(der.printableString('Good CA')), nameOf(der.utf8String('GoodCA'))));
    assert.ok(!sameName(nameOf(der.utf8String('a'), der.utf8String('b')), nameOf(der.utf8String('a","b'))));
  });
  it('is in the subtree of its first relative names', () => {
    const base = nameOf(der.utf8String('a'));
    assert.ok(startsWithName(nameOf(der.utf8String('a'), der.utf8String('b')), base));
    assert.ok(!startsWithName(nameOf(der.utf8String('b'), der.utf8String('a')), base));
    assert.ok(!startsWithName(base, nameOf(der.utf8String('a'), der.utf8String('b'))));
  });
  it('has no empty relative name', () => {
    assert.throws(
      () => parseDirectoryName(der.sequence(der.setOf())),
      (error) => error instanceof CertificateError && error.code === 'malformed',
    );
  });
  it('is not made of nonsense', () => {
    assert.throws(() => directoryName({ country: 'Germany' }), RangeError);
    assert.throws(() => directoryName({ commonName: '' }), RangeError);
  });
  it('may be made of any text, which survives', () => {
    assert.equal(directoryName({ commonName: 'zażółć 😀' }).commonName, 'zażółć 😀');
    assert.deepEqual(
      directoryName({ commonName: 'a' }).raw,
      der.sequence(der.setOf(attribute('2.5.4.3', der.value(0x0c, utf8('a'))))),
    );
  });
});
