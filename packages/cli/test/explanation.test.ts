import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { finish, start } from './support/io.ts';
import { tlsServer } from './support/net.ts';
import { makePki, type Pki } from './support/pki.ts';

let pki: Pki;
before(async () => {
  pki = await makePki();
});
after(() => pki.remove());

type Server = Parameters<typeof tlsServer>[0];

/** What `connect --explain` says of a server: as a whole without its line ends, and in lines. */
async function explained(server: Server, ...more: readonly string[]) {
  const listening = await tlsServer(server);
  try {
    const { exitCode, stderr } = await finish([
      'connect',
      listening.at,
      '--ca',
      pki.path('ca.pem'),
      '--explain',
      ...more,
    ]);
    return { exitCode, lines: stderr.text.split('\n'), text: stderr.text.replace(/\s+/g, ' ') };
  } finally {
    listening.close();
  }
}

describe('connect --explain', () => {
  it('tells each message with its section, its fields, and what they are for, once', async () => {
    const { exitCode, text, lines } = await explained({ credentials: [pki.server] }, '--servername', 'localhost');
    assert.equal(exitCode, 0);
    const arrows = lines.flatMap((line) => {
      const [, arrow, title] = /(client .{3} server) {2}(\w+),/u.exec(line) ?? [];
      return title === undefined ? [] : [`${arrow} ${title}`];
    });
    assert.deepEqual(arrows.slice(0, 7), [
      'client ──▶ server ClientHello',
      'client ◀── server ServerHello',
      'client ◀── server EncryptedExtensions',
      'client ◀── server Certificate',
      'client ◀── server CertificateVerify',
      'client ◀── server Finished',
      'client ──▶ server Finished',
    ]);
    assert.match(text, /ClientHello, [\d,]+ bytes RFC 9846 §4\.2\.2 The client says what it can/);
    assert.match(text, /server_name host_name \(0\), localhost The name that the client wants to reach/);
    assert.equal(text.split('An HMAC over all messages before it').length, 2);
  });

  it('says what was chosen among what, and what each key is for', async () => {
    const { text } = await explained({ credentials: [pki.server], groups: ['x25519'] });
    assert.match(text, /chosen TLS_AES_128_GCM_SHA256, the client's 1st of 9 suites/);
    assert.match(text, /chosen x25519, the client's 4th of 8 groups/);
    assert.match(text, /key what the server sends is protected by its handshake key .* for the rest of the handshake/);
    assert.match(text, /key what the client sends is protected by its application key .* for the data/);
  });

  it('tells every check of the path, and where the time went', async () => {
    const { text } = await explained({ credentials: [pki.server] });
    assert.match(text, /✓ the server's certificate is good/);
    assert.match(text, /✓ name: is for "127\.0\.0\.1" by its subjectAltName/);
    assert.match(text, /✓ signature: signed by "Test CA" with ecdsa-sha256/);
    assert.match(text, /✓ anchor: "CN=Test CA" is in our trust store/);
    assert.match(
      text,
      /connected in [\d.]+ ms: TLS 1\.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768 1 round trip: [\d.]+ ms/,
    );
  });

  it('reads TLS 1.2 as what it is', async () => {
    const { exitCode, text } = await explained({ credentials: [pki.server], maxVersion: 'TLSv1.2' });
    assert.equal(exitCode, 0);
    assert.match(text, /ServerKeyExchange, \d+ bytes RFC 8422 §5\.4/);
    assert.match(text, /namedcurve x25519 \(0x001D\)/);
    assert.match(text, /2 round trips/);
  });

  it('explains a refusal in its place: cause, side, remedy', async () => {
    const { exitCode, text } = await explained({ credentials: [pki.expired] });
    assert.equal(exitCode, 5);
    assert.match(text, /client ──▶ server Alert: certificate_expired/);
    assert.match(text, /✗ refused after [\d.]+ ms: The certificate has expired ✗ certificate .* expired/);
    assert.match(text, /code certificate_expired where during the handshake, in state WAIT_CV, found by this side/);
    assert.match(
      text,
      /A certificate is good for a time .* The turn is the server’s: renew the certificate, load it, .*\./,
    );
    // It is told once.
    assert.equal(text.split('code certificate_expired').length, 2);
  });

  it('explains an alert of the server’s by what it says, and whose turn it is then', async () => {
    const server = { credentials: [pki.server], ALPNProtocols: ['h2'] };
    const { exitCode, text } = await explained(server, '--alpn', 'smtp');
    assert.notEqual(exitCode, 0);
    assert.match(text, /: No application protocol in common ✗ the server .* code peer_alert/);
    assert.match(text, /The turn is either side’s: look whether it is the right port/);
  });

  it('keeps within a narrow terminal', async () => {
    const server = await tlsServer({ credentials: [pki.expired] });
    try {
      const session = start(['connect', server.at, '--ca', pki.path('ca.pem'), '--explain', '-q'], {}, 44);
      session.stdin.end();
      await session.exitCode;
      assert.ok(session.stderr.lines.length > 100);
      for (const line of session.stderr.lines)
        assert.ok(line.length <= 44 || /^ *[\d.]+ ms {2}client/.test(line), line);
    } finally {
      server.close();
    }
  });

  it('never moves the cursor for a peer', async () => {
    const hostile = '\u001b[2J\u009b2J';
    const { text } = await explained({ credentials: [pki.server], ALPNProtocols: [hostile] }, '--alpn', hostile);
    for (const control of ['\u001b', '\u009b']) assert.ok(!text.includes(control));
    assert.ok(text.includes('\\x1b[2J'));
  });
});
