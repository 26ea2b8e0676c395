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

test('what is old has a table of its own, its failures after the others, and one count for both', () => {
  const job = { peer: 'java', role: 'server', version: 'SSL 3.0', id: 'old case', run: async () => undefined } as const;
  const legacy = {
    outcomes: [{ job, seconds: 0.5, failure: 'three' }],
    peers: [
      { name: 'java', version: 'Java 17', fault: undefined },
      { name: 'go', version: undefined, fault: 'where to get Go' },
      { name: 'node', version: 'Node 24', fault: '1 cases, where 2 are the least' },
    ],
  };
  const lines = text({ outcomes: [outcome('TLS 1.3', 'case', 'one')], versions, legacy, seconds: 1 }).split('\n');
  assert.deepEqual(lines.slice(lines.findIndex((line) => line.startsWith('What is old')) + 2), [
    'peer  it is the  version  cases  passed  failed  seconds',
    '────  ─────────  ───────  ─────  ──────  ──────  ───────',
    'java  server     SSL 3.0      1       0       1      0.5',
    '',
    'peer  version',
    '────  ────────────────────────',
    'java  Java 17',
    'go    MISSING: where to get Go',
    'node  Node 24',
    '',
    'FAILED openssl as client: case',
    '    one',
    '',
    'FAILED java as server: old case',
    '    three',
    '',
    'MISSING go: where to get Go',
    '',
    'FAILED node: 1 cases, where 2 are the least',
    '',
    '1 seconds',
    '0 passed, 2 failed',
    '',
  ]);
});
