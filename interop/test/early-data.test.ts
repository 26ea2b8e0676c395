import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cipherSuites, type Negotiated } from '@handfast/tls';
import type { Case } from '../src/cases.ts';
import { Certificates } from '../src/certificates.ts';
import { earlyWordsOfChromium } from '../src/peers/chromium.ts';
import { earlyWordOfGnutls } from '../src/peers/gnutls.ts';
import { peers } from '../src/peers/index.ts';
import { earlyWordOfOpenssl, openssl } from '../src/peers/openssl.ts';
import { text } from '../src/report.ts';
import {
  circumstances,
  discords,
  type EarlyJob,
  earlyDataJobs,
  expectedOf,
  textOf,
} from '../src/scenarios/early-data.ts';

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

function negotiated(earlyData: Negotiated['earlyData'], more: object = {}): Negotiated {
  const cipherSuite = cipherSuites.find(({ name }) => name === row.suite);
  const group = { name: row.group };
  return {
    cipherSuite,
    group,
    helloRetryRequest: false,
    resumed: earlyData !== undefined,
    earlyData,
    ...more,
  } as never;
}

test('a session is gone on with whatever becomes of early data, unless the keys are others', () => {
  const found = circumstances.map((circumstance) => [
    circumstance.name,
    ...expectedOf(circumstance).map(({ early, resumed }) => `${early}${resumed ? ', resumed' : ''}`),
  ]);
  assert.deepEqual(found, [
    ['as it is', 'none', 'accepted, resumed'],
    ['SHA-384', 'none', 'accepted, resumed'],
    ['client certificate', 'none', 'accepted, resumed'],
    ['to the limit', 'none', 'accepted, resumed'],
    ['no longer taken', 'none', 'rejected, resumed'],
    ['other ticket keys', 'none', 'rejected'],
    ['HelloRetryRequest', 'none', 'rejected, resumed'],
    ['session used twice', 'none', 'accepted, resumed', 'rejected'],
  ]);
});

test('what is said begins with a digit, is lines, and once it is as much as servers take', () => {
  const lengths = circumstances.map((circumstance) => {
    assert.match(textOf(circumstance), /^(?:\d{60}abc\n)+$/);
    return textOf(circumstance).length;
  });
  assert.deepEqual(lengths, [64, 64, 64, 16_384, 64, 64, 64, 64]);
});

const expected = expectedOf({ name: 'as it is', outcome: 'accepted' });

test('sides that both say what is right agree', () => {
  const seen = [
    { negotiated: negotiated(undefined), word: 'none' },
    { negotiated: negotiated('accepted'), word: 'accepted' },
  ] as const;
  assert.deepEqual(discords(row, expected, seen), []);
});

test('a side that does not say what is right is quoted, whichever it is', () => {
  const seen = [
    { negotiated: negotiated(undefined), word: 'none' },
    { negotiated: negotiated('rejected', { resumed: false, helloRetryRequest: true }), word: undefined },
  ] as const;
  assert.deepEqual(discords(row, expected, seen), [
    'connection 2: early data, as we say: rejected, not accepted',
    'connection 2: early data, as the peer says: undefined, not accepted',
    'connection 2: resumed: false, not true',
    'connection 2: HelloRetryRequest: true, not false',
  ]);
});

test('a connection too few or too many is a fault', () => {
  const first = { negotiated: negotiated(undefined), word: 'none' } as const;
  const second = { negotiated: negotiated('accepted'), word: 'accepted' } as const;
  assert.deepEqual(discords(row, expected, [first]), ['1 connections, not 2']);
  assert.equal(discords(row, expected, [first, second, second])[0], '3 connections, not 2');
});

test('s_client says what became of its early data', () => {
  const said = (words: string): string => `---\nReused, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256\n${words}\n---\n`;
  assert.equal(earlyWordOfOpenssl(said('Early data was accepted')), 'accepted');
  assert.equal(earlyWordOfOpenssl(said('Early data was rejected')), 'rejected');
  assert.equal(earlyWordOfOpenssl(said('Early data was not sent')), 'none');
  assert.equal(earlyWordOfOpenssl(said('')), undefined);
});

test('s_server shows what came early before it says where that ends', () => {
  const frame = (before: string, after: string): string =>
    `DONE\n${before}shutting down SSL\nEarly data received:\n\nEnd of early data\nCIPHER is so\n${after}`;
  assert.equal(earlyWordOfOpenssl(frame('0123\n', ''), '0123\n'), 'accepted');
  assert.equal(earlyWordOfOpenssl(frame('', '0123\n'), '0123\n'), undefined);
  assert.equal(earlyWordOfOpenssl(frame('012\n', ''), '0123\n'), undefined);
  assert.equal(earlyWordOfOpenssl('Early data was rejected\n0123\n', '0123\n'), 'rejected');
  assert.equal(earlyWordOfOpenssl('No early data received\n0123\n', '0123\n'), 'none');
});

test('gnutls-serv tells how much it decrypted, and it must be all', () => {
  const offered = "|<4>| EXT[0x1]: Parsing extension 'Early Data/42' (0 bytes)\n";
  const taken = `${offered}|<4>| EXT[0x1]: early data accepted\n`;
  const record = (length: number): string =>
    `|<5>| REC[0x1]: decrypted early data with length: ${length}, in epoch 1\n`;
  assert.equal(earlyWordOfGnutls('', 64), 'none');
  assert.equal(earlyWordOfGnutls(offered, 64), 'rejected');
  assert.equal(earlyWordOfGnutls(taken + record(64), 64), 'accepted');
  assert.equal(earlyWordOfGnutls(taken + record(60) + record(4), 64), 'accepted');
  assert.equal(earlyWordOfGnutls(taken + record(60), 64), undefined);
});

test("Chromium's log has a reason for each handshake", () => {
  const log = [5, 2, 4, 6, 8, 7, 99]
    .map((reason) => `{"params":{"early_data_reason":${reason}},"type":83}`)
    .join(',\n');
  assert.deepEqual(earlyWordsOfChromium(log), [
    'none',
    'accepted',
    'rejected',
    'rejected',
    'rejected',
    'none',
    undefined,
  ]);
  assert.deepEqual(earlyWordsOfChromium(''), []);
});

function jobsOf(peer: (typeof peers)[number], direction: 'client' | 'server'): readonly EarlyJob[] {
  return earlyDataJobs(peer, direction, [row], new Certificates('/nowhere'));
}

test('each peer is tried in every circumstance, or says why not', () => {
  for (const peer of peers) {
    for (const direction of ['client', 'server'] as const) {
      const early = peer[direction]?.early;
      if (early === undefined) continue;
      const ought = circumstances.filter(({ only = direction }) => only === direction).map(({ name }) => name);
      const without = typeof early === 'string' ? ought : ought.filter((name) => early.lacks?.[name]);
      const tried = jobsOf(peer, direction).map((job) => job.early.name);
      assert.deepEqual(new Set([...tried, ...without]), new Set(ought), `${peer.name} as ${direction}`);
      assert.equal(tried.length + without.length, ought.length, `${peer.name} as ${direction}`);
    }
  }
});

test('what became of early data is a table, and beside it stands what peers have not', () => {
  const [accepted, , , , refused] = jobsOf(openssl, 'client');
  assert.ok(accepted && refused);
  const outcomes = [
    { job: accepted, seconds: 1, failure: undefined },
    { job: refused, seconds: 1, failure: undefined },
    { job: { ...refused, direction: 'server' as const }, seconds: 1, failure: 'no' },
  ];
  const versions = [
    { peer: openssl, version: 'OpenSSL 9' },
    ...peers.filter(({ name }) => name === 'gnutls' || name === 'curl').map((peer) => ({ peer, version: '1' })),
  ];
  const lines = text({ outcomes, versions, seconds: 1 }).split('\n');
  const start = lines.findIndex((line) => line.startsWith('early data with'));
  assert.deepEqual(lines.slice(start, start + 11), [
    'early data with  it is the  version  as it is  no longer taken',
    '───────────────  ─────────  ───────  ────────  ───────────────',
    'openssl          client     TLS 1.3  accepted  rejected',
    'openssl          server     TLS 1.3  —         FAILED',
    '',
    'early data with  it is the  has not             as',
    `───────────────  ─────────  ──────────────────  ${'─'.repeat(89)}`,
    'gnutls           client     HelloRetryRequest   GnuTLS 3.7 sends its second hello under its early keys, to any server',
    'gnutls           server     HelloRetryRequest   GnuTLS 3.7 reads the second hello under early keys, of any client',
    'gnutls           server     session used twice  it lets a session in again: the same hello alone is refused',
    "curl             client     all                 Debian 12's curl, 7.88, has no --tls-earlydata: that came with 8.11, and libcurl shows it",
  ]);
});
