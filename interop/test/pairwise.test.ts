import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairsOf, pairwise, product } from '../src/pairwise.ts';

const axes = {
  shape: ['round', 'square', 'flat'],
  colour: ['red', 'green', 'blue', 'grey'],
  size: ['small', 'large'],
  weight: ['light', 'heavy'],
} as const;

const pairs = (rows: readonly Readonly<Record<string, string>>[]): ReadonlySet<string> =>
  new Set(rows.flatMap(pairsOf));

test('every pair of values of the full product is in a pairwise row', () => {
  assert.deepEqual([...pairs(pairwise(axes))].sort(), [...pairs(product(axes))].sort());
});

test('pairwise needs far fewer rows than the full product', () => {
  const rows = pairwise(axes);
  assert.equal(product(axes).length, 48);
  assert.ok(rows.length >= 12 && rows.length <= 16, `${rows.length} rows`);
});

test('no row breaks the constraint, and every pair that it leaves is covered', () => {
  const allowed = (row: Readonly<Record<string, string>>): boolean => row.colour !== 'red' || row.shape === 'flat';
  const rows = pairwise(axes, allowed);
  assert.ok(rows.every(allowed));
  assert.deepEqual([...pairs(rows)].sort(), [...pairs(product(axes, allowed))].sort());
});

test('a pair that only one row has is found', () => {
  const many = Array.from({ length: 20 }, (_, index) => `v${index}`);
  const narrow = { a: many, b: many, c: many };
  const allowed = ({ a, b, c }: Readonly<Record<string, string>>): boolean => a === b && b === c;
  assert.equal(pairwise(narrow, allowed).length, 20);
});

test('the same axes give the same rows', () => {
  assert.deepEqual(pairwise(axes), pairwise(axes));
});

test('one axis alone has no pairs, and its product every value', () => {
  assert.deepEqual(pairwise({ only: ['a', 'b'] }), []);
  assert.deepEqual(product({ only: ['a', 'b'] }), [{ only: 'a' }, { only: 'b' }]);
});
