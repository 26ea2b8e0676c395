import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { draw, page } from '../states.ts';

test('docs/states.md is what the tables of states say (npm run docs writes it)', () => {
  assert.equal(readFileSync(page, 'utf8'), draw());
});
