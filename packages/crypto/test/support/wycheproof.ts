/**
 * Reads Wycheproof's files, and runs their cases with a count per file.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { CryptoProvider } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { fullWebProvider } from '@handfast/crypto/web/full';

export const providers: readonly CryptoProvider[] = [nodeProvider, fullWebProvider];

export interface Case {
  readonly tcId: number;
  readonly comment?: string;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'acceptable' | 'invalid';
}

export interface Group<C extends Case> {
  readonly tests: readonly C[];
}

interface File<G> {
  readonly numberOfTests: number;
  readonly testGroups: readonly G[];
}

/** The groups of `<name>_test.json.gz`, whose fields the caller states after Wycheproof's schema. */
export function groupsOf<G extends Group<Case>>(name: string): readonly G[] {
  const path = new URL(`../vectors/wycheproof/${name}_test.json.gz`, import.meta.url);
  const file = JSON.parse(gunzipSync(readFileSync(path)).toString()) as File<G>;
  assert.equal(
    file.testGroups.reduce((count, { tests }) => count + tests.length, 0),
    file.numberOfTests,
  );
  return file.testGroups;
}

/** Runs `check` on every case, in order; a failure names the case. Fails where there are none. */
export async function eachCase<C extends Case, G extends Group<C>>(
  groups: readonly G[],
  check: (test: C, group: G) => Promise<void> | void,
): Promise<number> {
  let count = 0;
  for (const group of groups) {
    for (const test of group.tests) {
      try {
        await check(test, group);
      } catch (cause) {
        const { tcId, comment = '', flags, result } = test;
        throw new Error(`case ${tcId} (${result}: ${comment} ${flags.join(' ')}): ${String(cause)}`, { cause });
      }
      count++;
    }
  }
  assert.ok(count > 0, 'the file has no case that applies');
  return count;
}
