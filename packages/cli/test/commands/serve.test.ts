import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectNode, type SecureVersion } from 'node:tls';
import { finish, type Outcome, type Session, start } from '../support/io.ts';
import { tcpServer } from '../support/net.ts';
import { makePki, type Pki } from '../support/pki.ts';

let pki: Pki;
let data: string;
before(async () => {
  pki = await makePki();
  data = mkdtempSync(join(tmpdir(), 'handfast-data-'));
});
after(() => {
  pki.remove();
  rmSync(data, { recursive: true, force: true });
});

interface Serving extends Session {
  readonly port: number;
  stop(): Promise<number>;
}

async function serving(...argv: readonly string[]): Promise<Serving> {
  const session = start(['serve', '0', ...argv], { XDG_DATA_HOME: data });
  const [, port] = await session.stderr.match(/listening on (?:https|tls):\/\/localhost:(\d+)\n/);
  return {
    ...session,
    port: Number(port),
    stop() {
      session.interrupt.abort();
      return session.exitCode;
    },
  };
}

const own = (): readonly string[] => ['--cert', pki.path('server.pem'), '--key', pki.path('server-key.pem')];

function visit({ port }: Serving, input: string, ...more: readonly string[]): Promise<Outcome> {
  return finish(['connect', `localhost:${port}`, '--ca', pki.path('ca.pem'), '-q', ...more], input);
}

test('serve --echo sends everything back, and ends with 0 at Ctrl-C', async () => {
  const server = await serving('--echo', ...own());
  const { stdout } = await visit(server, 'there and back');
  assert.equal(stdout.text, 'there and back');
  assert.equal(await server.stop(), 0);
  assert.match(
    server.stderr.text,
    /✓ 127\.0\.0\.1:\d+ TLS 1\.3, TLS_AES_128_GCM_SHA256, X25519MLKEM768, for "localhost"/,
  );
});

test('serve without --echo and --http shows what clients say, and tells them what stdin says', async () => {
  const server = await serving(...own());
  server.stdin.write('from the server\n');
  const client = start(['connect', `localhost:${server.port}`, '--ca', pki.path('ca.pem'), '-q']);
  client.stdin.write('from the client\n');
  await server.stdout.match(/from the client\n/);
  await client.stdout.match(/from the server\n/);
  client.stdin.end();
  assert.equal(await client.exitCode, 0);
  assert.equal(await server.stop(), 0);
});

describe('serve --http', () => {
  interface Answer {
    readonly status: number | undefined;
    readonly type: string | undefined;
    readonly body: string;
  }
  const get = (port: number, path: string, method = 'GET'): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const options = {
        host: 'localhost',
        port,
        path,
        method,
        ca: readFileSync(pki.path('ca.pem')),
        agent: false,
      } as const;
      request(options, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode, type: response.headers['content-type'], body }),
        );
      })
        .on('error', reject)
        .end();
    });

  test('tells node:https what was negotiated, as a page and as JSON', async () => {
    const server = await serving('--http', ...own());
    const html = await get(server.port, '/');
    assert.equal(html.status, 200);
    assert.equal(html.type, 'text/html; charset=utf-8');
    assert.match(html.body, /<dt>Cipher suite<\/dt><dd>TLS_[A-Z0-9_]+<\/dd>/);
    assert.doesNotMatch(html.body, /<script/);
    const json = await get(server.port, '/json?x');
    const value = JSON.parse(json.body) as Record<string, unknown>;
    assert.equal(value.version, 'TLS 1.3');
    assert.equal(value.serverName, 'localhost');
    assert.ok(Array.isArray((value.offered as Record<string, unknown>).groups));
    assert.equal((await get(server.port, '/', 'HEAD')).body, '');
    assert.equal((await get(server.port, '/favicon.ico')).status, 204);
    assert.equal((await get(server.port, '/', 'POST')).status, 405);
    assert.equal(await server.stop(), 0);
  });

  test('resumes the sessions of who comes back, and says so', async () => {
    const server = await serving('--http', ...own());
    const ca = readFileSync(pki.path('ca.pem'));
    const read = (path: string, version: SecureVersion, session?: Buffer): Promise<{ body: string; session: Buffer }> =>
      new Promise((resolve, reject) => {
        let body = '';
        let given = session ?? Buffer.alloc(0);
        const options = { host: 'localhost', port: server.port, ca, minVersion: version, maxVersion: version };
        const socket = connectNode({ ...options, ...(session && { session }) }, () =>
          socket.write(`GET ${path} HTTP/1.0\r\n\r\n`),
        );
        socket.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        socket.on('session', (one: Buffer) => {
          given = one;
        });
        socket.on('end', () => resolve({ body, session: given })).on('error', reject);
      });
    for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
      const first = await read('/', version);
      assert.match(first.body, /<dt>Session<\/dt><dd>new/);
      const again = await read('/', version, first.session);
      assert.match(again.body, /<dt>Session<\/dt><dd>resumed/);
      assert.match(again.body, /<dt>Round trips<\/dt><dd>1/);
      assert.match((await read('/json', version, again.session)).body, /"resumed": ?true/);
    }
    assert.match(server.stderr.text, /TLS 1\.2, TLS_ECDHE_ECDSA_WITH_[A-Z0-9_]+, [^,]+, resumed/);
    assert.equal(await server.stop(), 0);
  });

  test('answers several requests on one connection', async () => {
    const server = await serving('--http', ...own());
    const { stdout, exitCode } = await visit(
      server,
      'GET /json HTTP/1.1\r\nHost: x\r\n\r\nGET /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    );
    assert.equal(stdout.text.split('HTTP/1.1 200 OK').length, 3);
    assert.equal(exitCode, 0);
    assert.equal(await server.stop(), 0);
  });

  test('escapes what a client says of itself', async () => {
    const server = await serving('--http', ...own());
    const hostile = '<script>alert(1)</script>';
    const { stdout } = await visit(server, 'GET / HTTP/1.0\r\n\r\n', '--alpn', `${hostile},http/1.1`);
    assert.match(stdout.text, /&#60;script&#62;/);
    assert.ok(!stdout.text.includes('<script'));
    assert.equal(await server.stop(), 0);
  });
});

describe('serve and clients’ certificates', () => {
  const identity = (who: string): readonly string[] => [
    '--cert',
    pki.path(`${who}.pem`),
    '--key',
    pki.path(`${who}-key.pem`),
  ];

  test('--client-ca asks, and takes a client without one', async () => {
    const server = await serving('--echo', ...own(), '--client-ca', pki.path('ca.pem'));
    assert.equal((await visit(server, 'x')).exitCode, 0);
    assert.equal((await visit(server, 'x', ...identity('client'))).exitCode, 0);
    assert.match(server.stderr.text, /by client, verified/);
    // A certificate that is shown must be good, also where none would do.
    const session = start([
      'connect',
      `localhost:${server.port}`,
      '--ca',
      pki.path('ca.pem'),
      '-q',
      ...identity('stranger'),
    ]);
    assert.equal(await session.exitCode, 5);
    assert.equal(await server.stop(), 0);
  });

  test('--require-client-cert refuses a client without one', async () => {
    const server = await serving('--echo', ...own(), '--client-ca', pki.path('ca.pem'), '--require-client-cert');
    const session = start(['connect', `localhost:${server.port}`, '--ca', pki.path('ca.pem'), '-q']);
    assert.equal(await session.exitCode, 4);
    await server.stderr.match(/✗ 127\.0\.0\.1:\d+ .*\[certificate_required in /);
    assert.equal((await visit(server, 'x', ...identity('client'))).stdout.text, 'x');
    assert.equal(await server.stop(), 0);
  });
});

describe('serve without --cert', () => {
  test('makes a development CA once, and says how to trust it; node:tls does', async () => {
    const first = await serving('--echo', '--name', 'app.localhost');
    const [, file = ''] = await first.stderr.match(/a development CA was made for you: (.*)\n/);
    assert.equal(file, join(data, 'handfast', 'dev-ca', 'ca.pem'));
    for (const way of ['curl --cacert', 'NODE_EXTRA_CA_CERTS=', 'certutil -d sql:', 'Firefox'])
      assert.ok(first.stderr.text.includes(way), way);
    for (const servername of ['localhost', 'app.localhost']) {
      const socket = connectNode({ port: first.port, host: '127.0.0.1', servername, ca: readFileSync(file) });
      const authorized = await new Promise((resolve, reject) => {
        socket.once('error', reject);
        socket.once('secureConnect', () => resolve(socket.authorized));
      });
      assert.equal(authorized, true);
      socket.destroy();
    }
    assert.equal(await first.stop(), 0);
    const before = readFileSync(file, 'utf8');
    const second = await serving('--echo');
    assert.match(second.stderr.text, /by your development CA/);
    assert.equal(readFileSync(file, 'utf8'), before);
    assert.equal(await second.stop(), 0);
  });
});

describe('serve tells', () => {
  test('JSON lines with --json, a connection’s trace among them, and secrets into the key log', async () => {
    const session = start(['serve', '0', '--echo', '--json', '--trace', '--keylog', pki.path('serve.log'), ...own()]);
    await session.stderr.match(/"listening".*\n/);
    const port = Number(session.stderr.values[0]?.port);
    await finish(['connect', `localhost:${port}`, '--ca', pki.path('ca.pem')], 'x');
    session.interrupt.abort();
    assert.equal(await session.exitCode, 0);
    const events = session.stderr.values;
    assert.equal(events.find(({ message }) => message === 'ClientHello')?.role, 'server');
    assert.match(String(events.find(({ event }) => event === 'connected')?.client), /^127\.0\.0\.1:\d+$/);
    assert.equal(readFileSync(pki.path('serve.log'), 'utf8').trimEnd().split('\n').length, 5);
  });

  test('a client that refuses our certificate, by the alert that it sent', async () => {
    const server = await serving('--echo', ...own());
    assert.equal((await finish(['connect', `localhost:${server.port}`])).exitCode, 5);
    await server.stderr.match(/✗ 127\.0\.0\.1:\d+ the client sent the alert unknown_ca \(48\)/);
    assert.equal(await server.stop(), 0);
  });
});

describe('serve ends with', () => {
  test('2 for options that cannot be used', async () => {
    for (const [argv, message] of [
      [['65536'], /is no port/],
      [['0', '--host', 'example.com'], /an address of this machine/],
      [['0', '--require-client-cert', ...own()], /--client-ca FILE/],
      [['0', '--echo', '--http', ...own()], /cannot be used with/],
      [['0', '--name', 'x', ...own()], /--name is for/],
      [['0', '--cert', pki.path('server.pem')], /--cert .*PRIVATE KEY|--cert .*private key/],
      [['0', '--cert', pki.path('server.pem'), '--key', pki.path('client-key.pem')], /key/],
      [[], /missing required argument/],
    ] as const) {
      const { exitCode, stderr } = await finish(['serve', ...argv], '', { XDG_DATA_HOME: data });
      assert.match(stderr.text, message);
      assert.equal(exitCode, 2, argv.join(' '));
    }
    const { exitCode, stderr } = await finish(['serve', '0', '--name', 'not a name'], '', { XDG_DATA_HOME: data });
    assert.match(stderr.text, /--name: neither a host name nor an IP address/);
    assert.equal(exitCode, 2);
  });

  test('3 where the port is taken', async () => {
    const taken = await tcpServer(() => undefined);
    try {
      const { exitCode, stderr } = await finish(['serve', String(taken.port), ...own()]);
      assert.match(stderr.text, /cannot listen at 127\.0\.0\.1:\d+: .*EADDRINUSE/);
      assert.equal(exitCode, 3);
    } finally {
      taken.close();
    }
  });
});
