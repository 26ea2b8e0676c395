import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openssl } from '../src/peers/openssl.ts';
import { text } from '../src/report.ts';
import type { Job, Outcome } from '../src/run.ts';

function outcome(version: string, id: string, failure?: string): Outcome {
  const job: Job = { peer: openssl, direction: 'client', version, id, row: undefined, run: async () => undefined };
  return { job, seconds: 0.25, failure };
}

const versions = [{ peer: openssl, version: 'OpenSSL 9' }];

test('the table counts by peer, role and version', () => {
  const outcomes = [outcome('TLS 1.3', 'a'), outcome('TLS 1.3', 'b'), outcome('TLS 1.2', 'c', 'no')];
  assert.deepEqual(text({ outcomes, versions, seconds: 1 }).split('\n').slice(0, 4), [
    'peer     it is the  version  cases  passed  failed  seconds',
    '───────  ─────────  ───────  ─────  ──────  ──────  ───────',
    'openssl  client     TLS 1.3      2       2       0      0.5',
    'openssl  client     TLS 1.2      1       0       1      0.3',
  ]);
});

test('what failed stands last, before the count', () => {
  const outcomes = [outcome('TLS 1.2', 'case', 'one\ntwo'), outcome('TLS 1.2', 'other')];
  assert.match(
    text({ outcomes, versions, seconds: 1 }),
    /\nFAILED openssl as client: case\n {4}one\n {4}two\n\n1 seconds\n1 passed, 1 failed\n$/,
  );
});
