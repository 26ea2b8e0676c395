import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normaliseDns, parseIdentifiers } from '../../src/acme/identifiers.ts';

test('letters beyond ASCII are no name, also those whose lower case is one of ASCII', () => {
  assert.equal(normaliseDns('KEY.test'), 'key.test');
  // KELVIN SIGN
  for (const name of ['\u212aey.test', '*.\u212aey.test', 'key\u212a', 'b\u00fccher.test', 'key .test']) {
    assert.equal(normaliseDns(name), undefined, name);
    assert.throws(() => parseIdentifiers([{ type: 'dns', value: name }], 1, () => true), {
      type: 'malformed',
      message: 'this is no DNS name',
    });
  }
});
