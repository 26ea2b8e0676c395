/**
 * Suites that are out of use, by number and name alone.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { allLegacyCipherSuites, legacySuiteNames } from '@handfast/tls/legacy';

it('are those that are there as rows, each of them once', () => {
  const names = legacySuiteNames();
  assert.deepEqual(
    names,
    allLegacyCipherSuites.map(({ id, name }) => ({ id, name })),
  );
  assert.equal(new Set(names.map(({ id }) => id)).size, names.length);
});
