import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cipherSuites, type Negotiated } from '@handfast/tls';
import { type Case, casesOf } from '../src/cases.ts';
import { Certificates } from '../src/certificates.ts';
import { go } from '../src/peers/go.ts';
import { peers } from '../src/peers/index.ts';
import { openssl } from '../src/peers/openssl.ts';
import { text } from '../src/report.ts';
import type { Job } from '../src/run.ts';
import { circumstances, discords, expectedWords, resumptionJobs } from '../src/scenarios/resumption.ts';

const row: Case = {
  version: 'TLS 1.3',
  suite: 'TLS_AES_128_GCM_SHA256',
  group: 'secp256r1',
  scheme: 'ecdsa_secp256r1_sha256',
  clientCertificate: 'none',
  retry: 'no',
  keyUpdate: 'none',
  closing: 'full',
  alpn: 'none',
};

function negotiated(resumed: boolean, more: object = {}): Negotiated {
  const cipherSuite = cipherSuites.find(({ name }) => name === row.suite);
  const group = { name: row.group };
  const peer = { path: [] };
  return { version: row.version, cipherSuite, group, helloRetryRequest: false, resumed, peer, ...more } as never;
}

test('the first connection is new, the others resume; with other keys the next is new as well', () => {
  assert.deepEqual(expectedWords(3, false), ['new', 'resumed', 'resumed']);
  assert.deepEqual(expectedWords(3, true), ['new', 'new', 'resumed']);
  assert.deepEqual(expectedWords(2, true), ['new', 'new']);
});

test('sides that both say what is right agree', () => {
  const expected = ['new', 'resumed'] as const;
  assert.deepEqual(discords(row, 'client', expected, [negotiated(false), negotiated(true)], expected), []);
});

test('a side that does not say what is right is quoted, whichever it is', () => {
  const expected = ['new', 'resumed'] as const;
  const seen = [negotiated(false), negotiated(true)];
  assert.deepEqual(discords(row, 'client', expected, seen, ['new', 'new']), [
    'the peer says new, new, not new, resumed',
  ]);
  assert.deepEqual(discords(row, 'client', expected, seen, ['new', undefined]), [
    'the peer says new, nothing, not new, resumed',
  ]);
  assert.deepEqual(discords(row, 'client', expected, [negotiated(false), negotiated(false)], expected), [
    'we say new, new, not new, resumed',
  ]);
});

test('a connection too few or too many is a fault', () => {
  const expected = ['new', 'resumed'] as const;
  assert.deepEqual(discords(row, 'client', expected, [negotiated(false)], ['new']), [
    'we say new, not new, resumed',
    'the peer says new, not new, resumed',
  ]);
});

test('a session goes on with the suite, the group and the identity of its case', () => {
  const other = { group: { name: 'x25519' }, helloRetryRequest: true, peer: undefined };
  assert.deepEqual(discords(row, 'client', ['new'], [negotiated(false, other)], ['new']), [
    'connection 1: group: x25519, not secp256r1',
    'connection 1: HelloRetryRequest: true, not false',
    'connection 1: a verified path: false, not true',
  ]);
  const known = { ...row, clientCertificate: 'required' };
  const strangers = [negotiated(false), negotiated(true, { peer: undefined })];
  assert.deepEqual(discords(known, 'server', ['new', 'resumed'], strangers, ['new', 'resumed']), [
    'connection 2: a verified path: false, not true',
  ]);
});

test('before TLS 1.3 a resumed connection has no group', () => {
  const old = { ...row, version: 'TLS 1.2' };
  const resumed = negotiated(true, { version: 'TLS 1.2', group: undefined });
  assert.deepEqual(discords(old, 'client', ['resumed'], [resumed], ['resumed']), []);
});

function jobsOf(peer: (typeof peers)[number], direction: 'client' | 'server'): readonly Job[] {
  const abilities = peer[direction];
  if (abilities === undefined) return [];
  const rows = casesOf(abilities, false);
  const plain = ['TLS 1.3', 'TLS 1.2'].flatMap((version) => rows.find((one) => one.version === version) ?? []);
  return resumptionJobs(peer, direction, plain, new Certificates('/nowhere'));
}

test('each peer that can come back does so in every circumstance that it has', () => {
  const found = peers.flatMap((peer) =>
    (['client', 'server'] as const).flatMap((direction) => {
      const count = jobsOf(peer, direction).length;
      return count === 0 ? [] : [`${peer.name} ${direction} ${count}`];
    }),
  );
  const all = circumstances.flatMap(({ versions }) => versions).length;
  assert.deepEqual(found, [
    ...['client', 'server'].map((role) => `openssl ${role} ${all}`),
    ...['client', 'server'].map((role) => `gnutls ${role} ${all}`),
    `curl client ${all}`,
    ...['client', 'server'].map((role) => `node ${role} ${all}`),
    ...['client', 'server'].map((role) => `python ${role} ${all}`),
    ...['client', 'server'].map((role) => `go ${role} ${all - 1}`),
    // It has no certificates, and tells nobody how it resumes.
    `chromium client ${all - 3}`,
  ]);
  assert.ok(!jobsOf(go, 'client').some(({ id }) => id.endsWith('by identifier')));
});

test('what went on is a table, by circumstance', () => {
  const job = (version: string, resumption: string): Job => {
    const id = `${version}+resumes+${resumption}`;
    return { peer: openssl, direction: 'client', version, id, row: undefined, resumption, run: async () => undefined };
  };
  const outcomes = [
    { job: job('TLS 1.3', 'as it is'), seconds: 1, failure: undefined },
    { job: job('TLS 1.3', 'HelloRetryRequest'), seconds: 1, failure: 'no' },
    { job: job('TLS 1.2', 'as it is'), seconds: 1, failure: undefined },
  ];
  const lines = text({ outcomes, versions: [], seconds: 1 }).split('\n');
  const start = lines.findIndex((line) => line.startsWith('resumes with'));
  assert.deepEqual(lines.slice(start, start + 4), [
    'resumes with  it is the  version  as it is  HelloRetryRequest',
    '────────────  ─────────  ───────  ────────  ─────────────────',
    'openssl       client     TLS 1.3  yes       FAILED',
    'openssl       client     TLS 1.2  yes       —',
  ]);
});
