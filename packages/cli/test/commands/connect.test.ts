import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { TLS_CHACHA20_POLY1305_SHA256 } from '@handfast/tls';
import { finish, type Outcome, start } from '../support/io.ts';
import { deadPort, tcpServer, tlsServer } from '../support/net.ts';
import { makePki, type Pki } from '../support/pki.ts';

let pki: Pki;
before(async () => {
  pki = await makePki();
});
after(() => pki.remove());

const ca = (): readonly string[] => ['--ca', pki.path('ca.pem')];

describe('connect ends with 0', () => {
  test('and the conversation is stdin and stdout, with one line of summary', async () => {
    const server = await tlsServer({ credentials: [pki.server] });
    try {
      const { exitCode, stdout, stderr } = await finish(['connect', server.at, ...ca()], 'hello\n');
      assert.equal(stdout.text, 'hello\n');
      assert.equal(exitCode, 0);
      assert.equal(stderr.lines.length, 1);
      assert.match(
        stderr.text,
        /^connected to 127\.0\.0\.1:\d+: TLS 1\.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768 \(post-quantum hybrid\); 127\.0\.0\.1 verified, signed by Test CA, until \d{4}-\d\d-\d\d\n$/,
      );
    } finally {
      server.close();
    }
  });

  test('after the end of stdin what the server still says is printed', async () => {
    const server = await tlsServer({ credentials: [pki.server] }, (socket) => {
      socket.resume();
      socket.once('end', () => socket.end('the last word'));
    });
    try {
      const { exitCode, stdout } = await finish(['connect', server.at, ...ca(), '-q'], 'bye');
      assert.equal(stdout.text, 'the last word');
      assert.equal(exitCode, 0);
    } finally {
      server.close();
    }
  });

  test('when the server closes while stdin is open; --ignore-eof keeps our side open', async () => {
    const server = await tlsServer({ credentials: [pki.server], ALPNProtocols: ['b'] }, (socket) => {
      let ended = false;
      socket.resume();
      socket.once('end', () => {
        ended = true;
      });
      setImmediate(() => socket.end(`client ended: ${ended}`));
    });
    try {
      const open = start(['connect', server.at, ...ca(), '-q']);
      assert.equal(await open.exitCode, 0);
      const ignoring = await finish(['connect', server.at, ...ca(), '--ignore-eof', '--alpn', 'a,b', '--json'], '');
      assert.equal(ignoring.exitCode, 0);
      assert.equal(ignoring.stdout.text, 'client ended: false');
      assert.equal(ignoring.stderr.values[0]?.alpnProtocol, 'b');
    } finally {
      server.close();
    }
  });

  test('with a client certificate where the server wants one', async () => {
    const server = await tlsServer(
      { credentials: [pki.server], ca: readFileSync(pki.path('ca.pem')), requestCert: true },
      (socket) => socket.end(`hello ${socket.negotiated?.peer?.chain[0]?.subject.commonName}`),
    );
    try {
      const identity = ['--cert', pki.path('client.pem'), '--key', pki.path('client-key.pem')];
      const { exitCode, stdout } = await finish(['connect', server.at, ...ca(), ...identity]);
      assert.equal(stdout.text, 'hello client');
      assert.equal(exitCode, 0);
    } finally {
      server.close();
    }
  });

  test('with the suites, groups and schemes that are asked for, in any case', async () => {
    const server = await tlsServer({ credentials: [pki.server] });
    try {
      const wanted = [
        '--ciphers',
        'tls_chacha20_poly1305_sha256',
        '--groups',
        'SECP256R1, x25519',
        '--signature-schemes',
        'ECDSA_secp256r1_sha256',
      ];
      const { exitCode, stderr } = await finish(['connect', server.at, ...ca(), ...wanted, '--json']);
      assert.equal(exitCode, 0);
      const [connected, closed] = stderr.values;
      assert.equal(connected?.event, 'connected');
      assert.equal(connected?.cipherSuite, TLS_CHACHA20_POLY1305_SHA256.name);
      assert.ok(['secp256r1', 'x25519'].includes(String(connected?.group)));
      assert.equal(connected?.authorized, true);
      assert.deepEqual(closed, { event: 'ended' });
    } finally {
      server.close();
    }
  });

  test('by --insecure, which says on stderr what it means', async () => {
    const server = await tlsServer({ credentials: [pki.expired] });
    try {
      const { exitCode, stdout, stderr } = await finish(['connect', server.at, '--insecure', ...ca()], 'x');
      assert.equal(exitCode, 0);
      assert.equal(stdout.text, 'x');
      assert.match(stderr.text, /warning: .*not verified/);
      assert.match(stderr.text, /NOT VERIFIED: .*expired/);
    } finally {
      server.close();
    }
  });

  test('at another address by --connect-to, where name and certificate stay the host’s', async () => {
    const server = await tlsServer({ credentials: [pki.server] });
    try {
      const { exitCode, stderr } = await finish([
        'connect',
        'localhost:1',
        '--connect-to',
        server.at,
        ...ca(),
        '--json',
      ]);
      assert.equal(exitCode, 0);
      assert.equal(stderr.values[0]?.serverName, 'localhost');
    } finally {
      server.close();
    }
  });
});

describe('connect tells', () => {
  test('secrets into the key log, five lines, readable by the user alone', async () => {
    const server = await tlsServer({ credentials: [pki.server] });
    try {
      const [given, environment] = [pki.path('given.log'), pki.path('environment.log')];
      await finish(['connect', server.at, ...ca(), '--keylog', given]);
      await finish(['connect', server.at, ...ca()], '', { SSLKEYLOGFILE: environment });
      for (const file of [given, environment]) {
        const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
        assert.deepEqual(
          lines.map((line) => line.split(' ')[0]),
          [
            'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
            'SERVER_HANDSHAKE_TRAFFIC_SECRET',
            'CLIENT_TRAFFIC_SECRET_0',
            'SERVER_TRAFFIC_SECRET_0',
            'EXPORTER_SECRET',
          ],
        );
        for (const line of lines) assert.match(line, /^[A-Z_0]+ [0-9a-f]{64} [0-9a-f]{64}$/);
        if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
      }
    } finally {
      server.close();
    }
  });

  test('the handshake by --trace, the certificates by --showcerts, also those that are then refused', async () => {
    const server = await tlsServer({ credentials: [pki.expired] });
    try {
      const { exitCode, stderr, stdout } = await finish(['connect', server.at, ...ca(), '--trace', '--showcerts']);
      assert.equal(exitCode, 5);
      assert.equal(stdout.text, '');
      assert.match(stderr.text, /ClientHello ─+/);
      assert.match(stderr.text, /\{Alert: certificate_expired\}/);
      assert.match(stderr.text, /-----BEGIN CERTIFICATE-----\n/);
      const json = await finish(['connect', server.at, ...ca(), '--trace', '--showcerts', '--json']);
      const events = json.stderr.values.map(({ event }) => event);
      for (const name of ['message', 'record', 'key', 'peerCertificate', 'closed', 'error'])
        assert.ok(events.includes(name), name);
    } finally {
      server.close();
    }
  });

  test('the certificates of TLS 1.2 by --showcerts', async () => {
    const server = await tlsServer({ credentials: [pki.server], maxVersion: 'TLSv1.2' });
    try {
      const { exitCode, stderr } = await finish(['connect', server.at, ...ca(), '--showcerts']);
      assert.equal(exitCode, 0);
      assert.match(stderr.text, /-----BEGIN CERTIFICATE-----\n/);
    } finally {
      server.close();
    }
  });
});

describe('connect ends with 2', () => {
  const bad: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['a host that is none', [':443'], /has no host/],
    ['a URL', ['https://example.com'], /is a URL/],
    ['an IPv6 address without brackets', ['::1:443'], /stands in brackets/],
    ['a port that is none', ['localhost:70000'], /is no port/],
    ['a group that nobody knows', ['localhost:1', '--groups', 'P-256'], /did you mean secp256r1\?/],
    ['a suite that nobody knows', ['localhost:1', '--ciphers', 'AES_128_GCM'], /did you mean TLS_AES_128_GCM_SHA256/],
    ['a scheme that nobody knows', ['localhost:1', '--signature-schemes', 'dsa'], /known are ecdsa_secp256r1_sha256, /],
    ['an empty entry in a list', ['localhost:1', '--alpn', 'h2,,x'], /empty entry/],
    ['a key without a certificate', ['localhost:1', '--key', 'x'], /--key without --cert/],
    [
      'a file that is not there',
      ['localhost:1', '--ca', '/nowhere/ca.pem'],
      /--ca "\/nowhere\/ca.pem" cannot be read: no such file or directory \(ENOENT\)/,
    ],
    ['a time that is none', ['localhost:1', '--timeout', '0'], /is no time/],
    ['a proxy of another kind', ['localhost:1', '--proxy', 'ftp://x'], /socks5h:\/\/HOST:PORT/],
    ['STARTTLS for what has none', ['localhost:1', '--starttls', 'gopher'], /Allowed choices are smtp, /],
    ['-4 with -6', ['localhost:1', '-4', '-6'], /cannot be used with/],
    ['an unknown option', ['localhost:1', '--frobnicate'], /unknown option/],
    ['no host at all', [], /missing required argument/],
  ];
  for (const [what, argv, message] of bad) {
    test(`for ${what}`, async () => {
      const { exitCode, stderr } = await finish(['connect', ...argv]);
      assert.match(stderr.text, message);
      assert.equal(exitCode, 2);
    });
  }

  test('for a key that is another certificate’s', async () => {
    const { exitCode, stderr } = await finish([
      'connect',
      '127.0.0.1:1',
      '--cert',
      pki.path('client.pem'),
      '--key',
      pki.path('server-key.pem'),
    ]);
    assert.match(stderr.text, /is not the key of the first certificate in/);
    assert.equal(exitCode, 2);
  });

  test('for a key log that cannot be written', async () => {
    const { exitCode } = await finish(['connect', 'localhost:1', '--keylog', '/nowhere/log']);
    assert.equal(exitCode, 2);
  });
});

describe('connect ends with 3', () => {
  test('where nobody listens', async () => {
    const { exitCode, stderr } = await finish(['connect', `127.0.0.1:${await deadPort()}`]);
    assert.match(stderr.text, /cannot connect to 127\.0\.0\.1:\d+: ECONNREFUSED/);
    assert.equal(exitCode, 3);
  });

  test('for a name that does not resolve', async () => {
    const { exitCode, stderr } = await finish(['connect', 'no-such-host.invalid:443', '--json']);
    assert.equal(exitCode, 3);
    assert.equal(stderr.values[0]?.exitCode, 3);
  });

  test('for a silent server before STARTTLS, by --timeout', async () => {
    const server = await tcpServer(() => undefined);
    try {
      const { exitCode, stderr } = await finish(['connect', server.at, '--starttls', 'smtp', '--timeout', '0.05']);
      assert.match(stderr.text, /within 0\.05 s/);
      assert.equal(exitCode, 3);
    } finally {
      server.close();
    }
  });
});

describe('connect ends with 4', () => {
  test('for a server that does not speak TLS', async () => {
    const server = await tcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    try {
      const { exitCode, stderr } = await finish(['connect', server.at, ...ca()]);
      assert.match(stderr.text, /code {4}not_tls/);
      assert.equal(exitCode, 4);
    } finally {
      server.close();
    }
  });

  test('for a server that is silent in the handshake, by --timeout', async () => {
    const server = await tcpServer((socket) => socket.resume());
    try {
      const { exitCode, stderr } = await finish(['connect', server.at, ...ca(), '--timeout', '0.05']);
      assert.match(stderr.text, /handshake_timeout/);
      assert.equal(exitCode, 4);
    } finally {
      server.close();
    }
  });

  test('for a server that hangs up in the handshake', async () => {
    const server = await tcpServer((socket) => socket.once('data', () => socket.end()));
    try {
      const { exitCode } = await finish(['connect', server.at, ...ca()]);
      assert.equal(exitCode, 4);
    } finally {
      server.close();
    }
  });

  test('where nothing is in common, by the server’s alert', async () => {
    const server = await tlsServer({ credentials: [pki.server], groups: ['x25519'] });
    try {
      const { exitCode, stderr } = await finish(['connect', server.at, ...ca(), '--groups', 'secp384r1']);
      assert.match(stderr.text, /alert {3}handshake_failure, received/);
      assert.equal(exitCode, 4);
    } finally {
      server.close();
    }
  });

  test('for a certificate that we do not have, though the server asks late', async () => {
    const server = await tlsServer({
      credentials: [pki.server],
      ca: readFileSync(pki.path('ca.pem')),
      requestCert: true,
    });
    try {
      const session = start(['connect', server.at, ...ca(), '--json']);
      assert.equal(await session.exitCode, 4);
      assert.equal(session.stderr.values.at(-1)?.alert, 'certificate_required');
    } finally {
      server.close();
    }
  });
});

describe('connect ends with 5', () => {
  const refused = async (argv: readonly string[], server: Pki['server']): Promise<readonly [number, string]> => {
    const listening = await tlsServer({ credentials: [server] });
    try {
      const { exitCode, stderr, stdout } = await finish(['connect', listening.at, ...argv], 'secret');
      assert.equal(stdout.text, '');
      return [exitCode, stderr.text];
    } finally {
      listening.close();
    }
  };

  test('for another name', async () => {
    const [exitCode, text] = await refused([...ca(), '--servername', 'db.internal'], pki.server);
    assert.match(text, /"db\.internal"/);
    assert.match(text, /certificate_name_mismatch/);
    assert.equal(exitCode, 5);
  });

  test('for an expired certificate, with the path that was tried', async () => {
    const [exitCode, text] = await refused(ca(), pki.expired);
    assert.match(text, /certificate_expired/);
    assert.match(text, /tried {3}/);
    assert.equal(exitCode, 5);
  });

  test('for an issuer whom the system does not trust', async () => {
    const [exitCode, text] = await refused([], pki.server);
    assert.match(text, /certificate_unknown_issuer/);
    assert.equal(exitCode, 5);
  });

  test('for our certificate, refused by the server', async () => {
    const server = await tlsServer({
      credentials: [pki.server],
      ca: readFileSync(pki.path('ca.pem')),
      requestCert: true,
    });
    try {
      const session = start([
        'connect',
        server.at,
        ...ca(),
        '--cert',
        pki.path('stranger.pem'),
        '--key',
        pki.path('stranger-key.pem'),
      ]);
      assert.equal(await session.exitCode, 5);
      assert.match(session.stderr.text, /unknown_ca, received/);
    } finally {
      server.close();
    }
  });
});

test('connect ends with 6 where the server goes without close_notify, after what it said', async () => {
  const server = await tlsServer({ credentials: [pki.server] }, (socket) => {
    socket.write('half a senten', () => {
      for (const connection of connections) connection.end();
    });
  });
  const connections: { end(): void }[] = [];
  server.server.on('connection', (connection) => connections.push(connection));
  try {
    const session = start(['connect', server.at, ...ca()]);
    assert.equal(await session.exitCode, 6);
    assert.equal(session.stdout.text, 'half a senten');
    assert.match(session.stderr.text, /code {4}truncated/);
  } finally {
    server.close();
  }
});

test('connect ends with 130 at Ctrl-C, and the server is told by close_notify', async () => {
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const server = await tlsServer({ credentials: [pki.server] }, (socket) => {
    socket.resume();
    socket.once('end', end);
  });
  try {
    const session = start(['connect', server.at, ...ca()]);
    await session.stderr.match(/connected/);
    session.interrupt.abort();
    assert.equal(await session.exitCode, 130);
    await ended;
  } finally {
    server.close();
  }
});

describe('connect --json says that it ended', () => {
  const events = ({ values }: Outcome['stderr']): readonly unknown[] => values.map(({ event }) => event);

  test('where both sides have said so', async () => {
    const server = await tlsServer({ credentials: [pki.server] });
    try {
      const { stderr } = await finish(['connect', server.at, ...ca(), '--json']);
      assert.deepEqual(events(stderr), ['connected', 'ended']);
    } finally {
      server.close();
    }
  });

  test('not where it failed, before it was connected or behind that', async () => {
    const expired = await tlsServer({ credentials: [pki.expired] });
    const connections: { end(): void }[] = [];
    const cutting = await tlsServer({ credentials: [pki.server] }, (socket) => {
      socket.write('half a senten', () => connections.forEach((connection) => void connection.end()));
    });
    cutting.server.on('connection', (connection) => connections.push(connection));
    try {
      const refused = await finish(['connect', expired.at, ...ca(), '--json']);
      assert.deepEqual(events(refused.stderr), ['error']);
      const cut = start(['connect', cutting.at, ...ca(), '--json']);
      assert.equal(await cut.exitCode, 6);
      assert.deepEqual(events(cut.stderr), ['connected', 'error']);
    } finally {
      expired.close();
      cutting.close();
    }
  });

  test('not at Ctrl-C, nor where nobody reads on', async () => {
    const server = await tlsServer({ credentials: [pki.server] }, (socket) => socket.resume());
    try {
      const interrupted = start(['connect', server.at, ...ca(), '--json']);
      await interrupted.stderr.match(/connected/);
      interrupted.interrupt.abort();
      await interrupted.exitCode;
      assert.deepEqual(events(interrupted.stderr), ['connected', 'error']);
      const left = start(['connect', server.at, ...ca(), '--json']);
      await left.stderr.match(/connected/);
      left.stdout.stream.emit('error', new Error('EPIPE'));
      assert.equal(await left.exitCode, 0);
      assert.deepEqual(events(left.stderr), ['connected']);
    } finally {
      server.close();
    }
  });
});
