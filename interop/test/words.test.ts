import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordOfGnutls, wordOfLine, wordOfOpenssl, wordsOfCurl, wordsOfGnutlsCli } from '../src/words.ts';

test('a driver says one of two lines, and anything else is a failure', () => {
  assert.equal(wordOfLine('resumed\n'), 'resumed');
  assert.equal(wordOfLine('new\n'), 'new');
  assert.throws(() => wordOfLine(''), { message: 'instead of its word: ""' });
});

test('OpenSSL says New or Reused at the beginning of a line, of any version', () => {
  assert.equal(wordOfOpenssl('---\nNew, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256\n'), 'new');
  assert.equal(wordOfOpenssl('---\nReused, TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256\n'), 'resumed');
  assert.equal(wordOfOpenssl('---\nNew, (NONE), Cipher is (NONE)\n'), undefined);
  assert.equal(wordOfOpenssl('nothing of the kind'), undefined);
});

test("GnuTLS's page tells a full handshake by what the server signed with", () => {
  const page = (description: string): string => `<TR><TD>Description:</TD><TD>${description}</TD></TR>`;
  const words = [
    ['(TLS1.3-X.509)-(ECDHE-SECP256R1)-(ECDSA-SECP256R1-SHA256)-(AES-128-GCM)', 'new'],
    ['(TLS1.3-X.509)-(ECDHE-X25519)-(RSA-PSS-RSAE-SHA256)-(AES-128-GCM)', 'new'],
    ['(TLS1.3-X.509)-(ECDHE-X25519)-(EdDSA-Ed25519)-(AES-128-GCM)', 'new'],
    ['(TLS1.3-X.509)--(AES-128-GCM)', 'resumed'],
    ['(TLS1.2-X.509)-(ECDHE-SECP256R1)-(ECDSA-SHA256)-(AES-128-GCM)', 'new'],
    ['(TLS1.2-X.509)-(ECDHE-SECP256R1)-(AES-128-GCM)', 'resumed'],
  ] as const;
  for (const [description, word] of words) assert.equal(wordOfGnutls(page(description)), word, description);
  assert.equal(wordOfGnutls('<p>no table</p>'), undefined);
});

test('gnutls-cli has a word for each of its two connections', () => {
  const again = '- Disconnecting\n- Connecting again- trying to resume previous session\n';
  const resumed = '*** This is a resumed session\n';
  assert.deepEqual(
    wordsOfGnutlsCli(`- Handshake was completed\n${again}- Resume Handshake was completed\n${resumed}`),
    ['new', 'resumed'],
  );
  assert.deepEqual(wordsOfGnutlsCli(`- Handshake was completed\n${again}- Resume Handshake was completed\n`), [
    'new',
    'new',
  ]);
  assert.deepEqual(wordsOfGnutlsCli('- Handshake was completed\n'), ['new']);
});

test('curl shows each connection, and that of a known server without its certificate', () => {
  const connected = '* Connected to localhost (127.0.0.1) port 4433 (#0)\n';
  const certificate = '* TLSv1.3 (IN), TLS handshake, Certificate (11):\n';
  const ours = '* TLSv1.3 (OUT), TLS handshake, Certificate (11):\n';
  const finished = '* TLSv1.3 (IN), TLS handshake, Finished (20):\n';
  assert.deepEqual(wordsOfCurl(''), []);
  assert.deepEqual(wordsOfCurl(connected + certificate + ours + finished + connected + finished), ['new', 'resumed']);
  assert.deepEqual(wordsOfCurl(connected + ours + finished), ['resumed']);
});
