/**
 * Errors for arguments, held to what Node's own modules throw.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { inspect } from 'node:util';
import { type CodedError, invalidArgType, invalidArgValue, outOfRange } from '../../src/node/argument-errors.ts';

const values: readonly unknown[] = [
  ...[null, undefined, true, 5, Number.NaN, -0, 1n, 'short', "it's", 'a'.repeat(28), 'a'.repeat(29)],
  ...["it's a text with a quote, and long", Symbol('x'), () => 1, function named() {}, class Thing {}],
  ...[{}, [1], new Map(), Object.create(null), new Date(0), new (class Own {})(), Buffer.alloc(1)],
];

function nodeRefusal(options: object): CodedError {
  try {
    createSecureContext(options as SecureContextOptions);
  } catch (error) {
    return error as CodedError;
  }
  throw new Error(`node takes ${inspect(options)}`);
}

function same(ours: CodedError, nodes: CodedError): void {
  const facts = (error: CodedError): readonly unknown[] => [error.constructor, error.name, error.code, error.message];
  assert.deepEqual(facts(ours), facts(nodes));
  assert.equal(ours.toString(), nodes.toString());
}

describe('errors for arguments', () => {
  it('a value of another kind is told as Node tells it', () => {
    for (const value of values.filter((one) => typeof one !== 'string' && !ArrayBuffer.isView(one))) {
      const kinds = ['string', 'Buffer', 'TypedArray', 'DataView'];
      same(invalidArgType('options.cert', kinds, value), nodeRefusal({ cert: [value] }));
    }
    for (const value of values.filter((one) => typeof one !== 'number' && one !== null && one !== undefined)) {
      same(invalidArgType('options.sessionTimeout', ['number'], value), nodeRefusal({ sessionTimeout: value }));
    }
    for (const value of values.filter((one) => typeof one !== 'string' && one !== null && one !== undefined)) {
      const kinds = ['string', 'null', 'undefined'];
      same(invalidArgType('options.clientCertEngine', kinds, value), nodeRefusal({ clientCertEngine: value }));
    }
  });

  it('an argument by itself is no property, and kinds are listed by their sort', () => {
    assert.equal(
      invalidArgType('size', ['number', 'string', 'Buffer'], null).message,
      'The "size" argument must be one of type number or string or an instance of Buffer. Received null',
    );
    assert.equal(
      invalidArgType('first argument', ['string'], null).message,
      'The first argument must be of type string. Received null',
    );
  });

  it('a value that makes no sense is told as Node tells it', () => {
    same(invalidArgValue('options.privateKeyEngine', undefined), nodeRefusal({ privateKeyIdentifier: 'x' }));
    same(invalidArgValue('options.sigalgs', ''), nodeRefusal({ sigalgs: '' }));
    const [ticketKeys, reason] = [Buffer.alloc(7), 'must be exactly 48 bytes'];
    same(invalidArgValue('options.ticketKeys', 7, reason), nodeRefusal({ ticketKeys }));
  });

  it('a number out of range is told as Node tells it', () => {
    for (const value of [-1, 2 ** 31, 2 ** 33, -(2 ** 40)]) {
      const nodes = nodeRefusal({ sessionTimeout: value });
      same(outOfRange('options.sessionTimeout', '>= 0 && <= 2147483647', value), nodes);
    }
    same(outOfRange('options.sessionTimeout', 'an integer', 1.5), nodeRefusal({ sessionTimeout: 1.5 }));
  });
});
