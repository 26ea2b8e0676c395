import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { wrap } from '../src/transcript.ts';
import { finish } from './support/io.ts';
import { tlsServer } from './support/net.ts';
import { makePki, type Pki } from './support/pki.ts';

let pki: Pki;
before(async () => {
  pki = await makePki();
});
after(() => pki.remove());

test('a HelloRetryRequest is drawn with what it asks for, and nothing is wider than the lane', async () => {
  const server = await tlsServer({ credentials: [pki.server], groups: ['secp384r1'] });
  try {
    const { exitCode, stderr } = await finish(['connect', server.at, '--ca', pki.path('ca.pem'), '--trace', '-q']);
    assert.equal(exitCode, 0);
    assert.match(stderr.text, /HelloRetryRequest/);
    assert.match(stderr.text, /asks for {7}a key share of secp384r1/);
    assert.match(stderr.text, /secp384r1 \(of 8\): elliptic-curve Diffie-Hellman/);
    assert.equal(stderr.text.split('ClientHello ─').length, 3);
    for (const line of stderr.lines) assert.ok(line.length <= 80, line);
  } finally {
    server.close();
  }
});

test('what a peer calls itself cannot move the cursor', async () => {
  const hostile = '\u001b[2J\u009b2J';
  const server = await tlsServer({ credentials: [pki.server], ALPNProtocols: [hostile] });
  try {
    const { exitCode, stderr } = await finish([
      'connect',
      server.at,
      '--ca',
      pki.path('ca.pem'),
      '--trace',
      '--alpn',
      hostile,
    ]);
    assert.equal(exitCode, 0);
    for (const control of ['\u001b', '\u009b']) assert.ok(!stderr.text.includes(control));
    assert.ok(stderr.text.includes('\\u{1b}[2J\\u{9b}2J'));
  } finally {
    server.close();
  }
});

test('lines are broken at spaces, and inside a word that is too long', () => {
  assert.deepEqual(wrap('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrap('incomprehensible', 6), ['incomp', 'rehens', 'ible']);
  assert.deepEqual(wrap('', 5), ['']);
});
