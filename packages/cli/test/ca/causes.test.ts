import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causesOf } from '../../src/ca/causes.ts';

const refused = new Error('connect ECONNREFUSED 10.0.0.1:80');
const silent = new Error('10.0.0.2 did not answer within 5000 ms');
const cyclic = new Error('round');
cyclic.cause = new Error('and round', { cause: cyclic });

const table: readonly (readonly [error: unknown, text: string | null])[] = [
  [undefined, null],
  [new Error(''), null],
  [{ message: 'no error' }, null],
  ['an order names its identifiers', 'an order names its identifiers'],
  [refused, refused.message],
  [new Error('no address answers', { cause: refused }), `no address answers: ${refused.message}`],
  [
    new Error('no address answers', { cause: new AggregateError([refused, silent, refused]) }),
    `no address answers: ${refused.message}; ${silent.message}`,
  ],
  [new Error('the signer failed', { cause: 'PIN locked' }), 'the signer failed: PIN locked'],
  // What has the words of its cause already does not say them again.
  [new Error(`it failed: ${refused.message}`, { cause: refused }), `it failed: ${refused.message}`],
  [new Error(refused.message, { cause: refused }), refused.message],
  [cyclic, 'round: and round: round: and round: round: and round: round: and round'],
];

for (const [error, text] of table) {
  test(`the causes of a failure: ${text ?? 'none'}`, () => assert.equal(causesOf(error), text));
}
