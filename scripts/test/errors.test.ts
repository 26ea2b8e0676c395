import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errorsPage } from '../../packages/cli/src/doctor/reference.ts';
import { page } from '../errors.ts';

test('docs/errors.md is what the tables of causes and codes say (npm run docs writes it)', () => {
  assert.equal(readFileSync(page, 'utf8'), errorsPage());
});
