import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Issued, IssueRequest } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { issueRequest, issueServerCertificate, parseCertificates, parseCrl } from '@handfast/x509';
import { makeAuthority } from '../../src/authority.ts';
import { EndpointCertificate } from '../../src/ca/endpoint.ts';
import { serve } from '../../src/ca/serve.ts';
import { clientLimits } from '../../src/ca/serving/requests.ts';
import { type Session, start } from '../support/io.ts';
import { deadPort, tcpServer } from '../support/net.ts';
import { AcmeClient, https } from './acme-client.ts';
import { Place } from './support.ts';

const place = new Place();
let root: string;
before(async () => {
  await place.json('init', '--dev');
  root = readFileSync(place.path('ca', 'root.pem'), 'utf8');
});
after(() => place.remove());

const sessions: Session[] = [];
/** What a test that failed has left running. */
afterEach(async () => {
  for (const session of sessions.splice(0)) {
    session.interrupt.abort();
    await session.exitCode;
  }
});

function started(...argv: readonly string[]): Session {
  const session = start(['ca', 'serve', '--port', '0', '--http-port', '0', '--dir', place.dir, ...argv]);
  sessions.push(session);
  return session;
}

interface Serving extends Session {
  readonly directory: string;
  readonly http: string;
  readonly admin: string;
  stop(): Promise<number>;
}

async function serving(...argv: readonly string[]): Promise<Serving> {
  const session = started('--json', ...argv);
  const [line] = await Promise.race([
    session.stderr.match(/^\{"event":"listening".*$/m),
    session.exitCode.then((code) => Promise.reject(new Error(`it ended with ${code}: ${session.stderr.text}`))),
  ]);
  const { directory, http, admin = '' } = JSON.parse(line) as { directory: string; http: string; admin?: string };
  return {
    ...session,
    directory,
    http,
    admin,
    stop() {
      session.interrupt.abort();
      return session.exitCode;
    },
  };
}

interface Fetched {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: Buffer;
}

function fetched(url: string, method = 'GET'): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    get(url, { method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { statusCode: status, headers } = response;
        resolve({ status, type: headers['content-type'], body: Buffer.concat(chunks) });
      });
    }).on('error', reject);
  });
}

describe('ca serve', () => {
  test('writes checkpoints of the audit log to its own log, but not into a developer’s terminal', async () => {
    const checkpoint = /^\{"event":"audit checkpoint",.*"signature":"[^"]+".*\}$/m;
    const cases: readonly (readonly [argv: readonly string[], told: boolean])[] = [
      [[], true],
      [['--dev'], false],
      [['--dev', '--json'], true],
    ];
    for (const [argv, told] of cases) {
      const session = started(...argv);
      await session.stderr.match(/ACME at |"listening"/);
      session.interrupt.abort();
      assert.equal(await session.exitCode, 0);
      assert.equal(checkpoint.test(session.stderr.text), told, argv.join(' '));
    }
  });

  test('an ACME client that trusts the root gets a certificate by http-01, which the CA lists', async (t) => {
    const answers = new Map<string, string>();
    const web = createServer((request, response) => response.end(answers.get(request.url ?? '') ?? ''));
    t.after(() => web.close());
    const listening = await new Promise<number>((resolve) => {
      web.listen(0, '127.0.0.1', () => {
        const address = web.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const watched = ['--admin-port', '0', '--log', 'json'];
    const server = await serving('--dev', '--http-01-port', String(listening), ...watched);
    const healthy = await fetched(`${server.admin}/healthz`);
    assert.deepEqual([healthy.status, healthy.body.toString()], [200, 'ok\n']);
    const ready = await fetched(`${server.admin}/readyz`);
    assert.deepEqual(
      [ready.status, JSON.parse(ready.body.toString())],
      [200, { ready: true, checks: { database: 'ok', writes: 'ok', key: 'ok', crl: 'ok', clock: 'ok' } }],
    );
    assert.equal((await fetched(`${server.http}/healthz`)).status, 404);
    assert.equal((await fetched(`${server.admin}/root.pem`)).status, 404);
    assert.equal((await fetched(`${server.admin}/metrics`, 'POST')).status, 405);
    const client = await AcmeClient.open(root, server.directory);
    const { signer } = await provider.generateKeyPair('secp256r1');
    const csr = await issueRequest({ provider, signer, subject: {}, names: ['app.localhost'] });
    const chain = await client.order('app.localhost', csr.raw, (path, content) => answers.set(path, content));
    const [leaf] = parseCertificates(chain);
    assert.deepEqual(leaf?.subjectAltName?.dnsNames, ['app.localhost']);
    assert.deepEqual(leaf?.publicKey.spki, signer.publicKey.spki);
    const metrics = await fetched(`${server.admin}/metrics`);
    assert.equal(metrics.type, 'text/plain; version=0.0.4; charset=utf-8');
    for (const line of [
      'handfast_ca_orders_total{status="new"} 1',
      'handfast_ca_orders_total{status="valid"} 1',
      'handfast_ca_acme_certificates_total{profile="server"} 1',
      'handfast_ca_validation_seconds_count{type="http-01",outcome="valid"} 1',
      'handfast_ca_errors_total 0',
      'handfast_ca_unwritten_total{stream="stdout"} 0',
      'handfast_ca_database_up 1',
    ]) {
      assert.ok(metrics.body.toString().includes(`\n${line}\n`), line);
    }
    const figures = ['certificates_expiring{days="7"}', 'crl_age_seconds{issuer="[0-9a-f]{64}"}', 'database_seconds'];
    for (const figure of [
      ...figures,
      'event_loop_lag_seconds{quantile="0.99"}',
      'crl_left_seconds{issuer="[0-9a-f]{64}"}',
    ]) {
      assert.match(metrics.body.toString(), new RegExp(`\nhandfast_ca_${figure.replace('{', '\\{')} \\d`), figure);
    }
    assert.equal(await server.stop(), 0);
    const logged = server.stdout.values;
    assert.deepEqual([...new Set(logged.map(({ level }) => level))], ['info']);
    assert.ok(
      logged.some(
        ({ event, profile, serial }) => event === 'order' && profile === null && serial === leaf?.serialNumberHex,
      ),
    );
    const [issued] = await place.json('list', '--search', 'app.localhost');
    assert.equal(issued?.serial, leaf?.serialNumberHex);
    assert.match(String(issued?.by), /^acme account /);
    const events = server.stderr.values;
    assert.ok(events.some(({ event, failure }) => event === 'validation' && failure === null));
    assert.ok(
      events.some(({ event, url, status }) => event === 'request' && url === '/acme/new-order' && status === 201),
    );
    assert.equal(events.at(-1)?.event, 'stopped');
  });

  test('root and lists are had over plain HTTP, and over TLS', async () => {
    const server = await serving('--dev');
    const { issuerId } = await issuer();
    assert.equal((await fetched(`${server.http}/root.pem`)).body.toString(), root);
    const crl = await fetched(`${server.http}/crl/${issuerId}.crl`);
    assert.equal(crl.type, 'application/pkix-crl');
    assert.match(parseCrl(crl.body).issuer.toString(), /issuing CA/);
    const welcome = (await fetched(`${server.http}/`)).body.toString();
    assert.match(
      welcome,
      new RegExp(`\nACME {2}${server.directory}\nroot {2}/root\\.pem\nCRL {3}/crl/${issuerId}\\.crl\n`),
    );
    const [, rootCrl = ''] = /CRL {3}(\S+)\n$/.exec(welcome) ?? [];
    const ofRoot = await fetched(`${server.http}${rootCrl}`);
    assert.match(parseCrl(ofRoot.body).issuer.toString(), / root /);
    assert.equal((await fetched(`${server.http}/crl/${'0'.repeat(64)}.crl`)).status, 404);
    assert.equal((await fetched(`${server.http}/crl/other.crl`)).status, 404);
    assert.equal((await fetched(`${server.http}/ca.db`)).status, 404);
    assert.equal((await fetched(`${server.http}/../intermediate-key.pem`)).status, 404);
    assert.equal((await fetched(`${server.http}/`, 'POST')).status, 405);
    assert.equal((await fetched(`${server.http}/root.pem`, 'HEAD')).body.length, 0);
    assert.equal((await https(root, new URL('/root.pem', server.directory).href)).body, root);
    // ACME is signed and its nonces are secrets of nobody, but its URLs are those of TLS.
    assert.equal((await fetched(`${server.http}/acme/directory`)).status, 404);
    assert.equal(await server.stop(), 0);
  });

  test('tells people where it is, and a line a request', async () => {
    const session = started('--dev');
    await session.stderr.match(
      /^certbot: REQUESTS_CA_BUNDLE=\S+root\.pem certbot certonly --standalone --server https:\/\/localhost:\d+\/acme\/directory -d NAME$/m,
    );
    const [, http = ''] = await session.stderr.match(/^root and CRLs at (http:\/\/localhost:\d+)$/m);
    await fetched(`${http}/root.pem?x=%1b`);
    await session.stderr.match(/^\d{4}-\S+Z 127\.0\.0\.1 GET \/root\.pem\?x=%1b 200 \d+ ms$/m);
    session.interrupt.abort();
    assert.equal(await session.exitCode, 0);
  });

  test('listens for lists where certificates say that they are; without --dev it says what it cannot prove', async () => {
    const port = await deadPort();
    const based = new Place();
    await based.json('init', '--dev', '--base-url', `http://localhost:${port}`);
    const session = start(['ca', 'serve', '--port', '0', '--json', '--dir', based.dir]);
    sessions.push(session);
    await session.stderr.match(/"event":"listening"/);
    assert.equal(session.stderr.values.find(({ event }) => event === 'listening')?.http, `http://localhost:${port}`);
    await session.stderr.match(/without --dev no name on this machine can be proven/);
    await based.json('issue', 'app.test', '--out', based.path('out'));
    const chain = parseCertificates(readFileSync(based.path('out', 'app.test.pem')));
    const bases = chain.map(
      ({ raw }) =>
        /http:\/\/localhost:\d+\/crl\/[0-9a-f]{64}(?:\/\d+)?\.crl/.exec(Buffer.from(raw).toString('latin1'))?.[0],
    );
    const issuers = await Promise.all(
      bases.map(async (url = '') => parseCrl((await fetched(url)).body).issuer.commonName),
    );
    assert.deepEqual(
      issuers,
      chain.map((certificate) => certificate.issuer.commonName),
    );
    session.interrupt.abort();
    assert.equal(await session.exitCode, 0);
    based.remove();
  });

  test('a target with scheme and host is answered as its path is, at each of its ports (RFC 9112 §3.2.2)', async () => {
    const server = await serving('--dev', '--admin-port', '0');
    const { host } = new URL(server.http);
    assert.match(await raw(server.http, `GET http://${host}/root.pem HTTP/1.1\r\nHost: ${host}`), /^HTTP\/1.1 200 /);
    assert.match(await raw(server.http, `GET HTTP://${host} HTTP/1.1\r\nHost: ${host}`), /^HTTP\/1.1 200 /);
    assert.match(await raw(server.http, `GET http://${host}/root.pen HTTP/1.1\r\nHost: ${host}`), /^HTTP\/1.1 404 /);
    assert.match(await raw(server.admin, 'GET http://a/healthz?x HTTP/1.1\r\nHost: a'), /^HTTP\/1.1 200 /);
    const { origin, port } = new URL(server.directory);
    const options = { path: `${origin}/admin/api/me`, host: '127.0.0.1', port, servername: 'localhost', ca: root };
    const [response] = await once(getSecurely({ ...options, headers: { host: `localhost:${port}` } }), 'response');
    assert.equal(response.statusCode, 200);
    response.resume();
    assert.equal(await server.stop(), 0);
  });

  test('what is being answered when it is told to stop gets its answer', async () => {
    const server = await serving('--dev');
    const { port } = new URL(server.http);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('GET /root.pem HTTP/1.1\r\n');
    // Once another is answered, the first half has come as well.
    await fetched(`${server.http}/root.pem`);
    const ended = server.stop();
    await assert.rejects(async () => {
      for (;;) await fetched(`${server.http}/root.pem`);
    }, /ECONNREFUSED|ECONNRESET|socket hang up/);
    socket.end('Host: localhost\r\n\r\n');
    assert.match(await text(socket), /^HTTP\/1.1 200 /);
    assert.equal(await ended, 0);
  });

  test('SIGHUP ends it at no time', async () => {
    const before = process.listenerCount('SIGHUP');
    const session = start(['ca', 'serve', '--dir', place.path('nowhere')]);
    const { stdin, stdout, stderr } = session;
    assert.equal(await session.exitCode, 2);
    assert.equal(process.listenerCount('SIGHUP'), before);
    const io = { stdin, stdout: stdout.stream, stderr: stderr.stream, env: {}, interrupted: session.interrupt.signal };
    const options = { host: '127.0.0.1', port: '0', adminHost: '127.0.0.1', dashboard: 'off' } as const;
    const ended = serve({ ...options, dir: place.path('nowhere') }, io);
    assert.equal(process.listenerCount('SIGHUP'), before + 1);
    await assert.rejects(ended, { name: 'CliError' });
    assert.equal(process.listenerCount('SIGHUP'), before);
  });

  test('who says nothing, or too little, keeps no connection for more than 35 seconds', () => {
    assert.deepEqual(clientLimits, { requestTimeout: 30_000, connectionsCheckingInterval: 5000 });
  });

  test('refuses what would open it to strangers, with what to do', async () => {
    const base = ['--port', '0', '--http-port', '0'];
    assert.deepEqual(await place.refusal('serve', ...base, '--dev', '--host', '0.0.0.0'), {
      exitCode: 2,
      message: '--dev at 0.0.0.0: others could have the CA send requests to this machine',
      hint: 'leave --dev out, or listen at 127.0.0.1',
    });
    assert.deepEqual(await place.refusal('serve', ...base, '--host', '0.0.0.0'), {
      exitCode: 2,
      message: 'at 0.0.0.0, by which name do clients reach the CA?',
      hint: 'say so in its config.json: "baseUrl": "http://ca.corp.example"',
    });
    assert.deepEqual(await place.refusal('serve', ...base, '--host', 'ca.test'), {
      exitCode: 2,
      message: '--host is an address of this machine, not "ca.test"',
      hint: '127.0.0.1, or 0.0.0.0 for all',
    });
    assert.deepEqual(await place.refusal('serve', ...base, '--http-01-port', '5002'), {
      exitCode: 2,
      message: '--http-01-port without --dev',
      hint: 'clients elsewhere prove a name at its port 80',
    });
    assert.deepEqual(await place.refusal('serve', ...base, '--tls-alpn-01-port', '5002'), {
      exitCode: 2,
      message: '--tls-alpn-01-port without --dev',
      hint: 'clients elsewhere prove a name at its port 443',
    });
    assert.equal(
      (await place.refusal('serve', ...base, '--challenge', 'http-02')).message,
      '--challenge: "http-02" is none of http-01, dns-01, tls-alpn-01',
    );
    assert.deepEqual(await place.refusal('serve', ...base, '--resolver', 'dns.test'), {
      exitCode: 2,
      message: '--resolver "dns.test" is no address of a resolver',
      hint: 'write its address, and a port where it is not 53: 10.0.0.53, 10.0.0.53:5353, [fd00::53]:5353',
    });
    assert.equal(
      (await place.refusal('serve', ...base, '--admin-port', '0', '--admin-host', 'ca.test')).message,
      '--admin-host is an address of this machine, not "ca.test"',
    );
    const config = JSON.parse(readFileSync(place.path('ca', 'config.json'), 'utf8')) as Record<string, unknown>;
    const closed = new Place();
    await closed.json('init', '--dev');
    closed.file('ca/config.json', JSON.stringify({ ...config, allow: [] }));
    assert.deepEqual(await closed.refusal('serve', ...base, '--host', '0.0.0.0'), {
      exitCode: 2,
      message: 'at 0.0.0.0 anybody may ask, and no name is allowed',
      hint: 'list in config.json what may be issued for: "allow": ["corp.example"]; or require keys: "externalAccountRequired": true',
    });
    // Who has a key of the operator's is no stranger.
    closed.file('ca/config.json', JSON.stringify({ ...config, allow: [], externalAccountRequired: true }));
    assert.match(
      String((await closed.refusal('serve', ...base, '--host', '0.0.0.0')).message),
      /^the CA needs a certificate itself/,
    );
    assert.deepEqual(await closed.refusal('serve', ...base), {
      exitCode: 2,
      message: 'the CA needs a certificate itself, and may issue for none of its names: localhost, 127.0.0.1, ::1',
      hint: 'add "baseUrl": "http://…" to its config.json, with a host that is allowed; or allow localhost',
    });
    closed.remove();
  });

  test('a port that is taken ends with 3, and nothing listens', async () => {
    const taken = await tcpServer(() => undefined);
    const { exitCode, message, hint } = await place.refusal(
      ...['serve', '--dev', '--port', '0', '--http-port', String(taken.port)],
    );
    assert.equal(exitCode, 3);
    assert.match(String(message), new RegExp(`^cannot listen at 127\\.0\\.0\\.1:${taken.port}: .*EADDRINUSE`));
    assert.match(String(hint), /--http-port takes another, 0 picks a free one/);
    taken.close();
  });
});

/** What comes back for a request without a body. */
async function raw(url: string, head: string): Promise<string> {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(`${head}\r\nConnection: close\r\n\r\n`);
  return await text(socket);
}

async function issuer(): Promise<{ readonly issuerId: string }> {
  const [record] = await place.json('list', '--limit', '1');
  return { issuerId: String(record?.issuer) };
}

describe('the CA’s own certificate', () => {
  const dayMs = 86_400_000;

  async function authority(now: () => number) {
    const { issuer: by } = await makeAuthority('Test CA', { from: new Date(now() - dayMs), days: 400 });
    const asked: IssueRequest[] = [];
    const state = { asked, failing: undefined as Error | undefined };
    const issue = async (request: IssueRequest): Promise<Issued> => {
      asked.push(request);
      if (state.failing !== undefined) throw state.failing;
      const certificate = await issueServerCertificate({
        provider,
        subject: {},
        issuer: by,
        publicKey: request.publicKey,
        names: request.names,
        notBefore: new Date(now()),
        notAfter: new Date(now() + (request.lifetimeMs ?? 0)),
      });
      return { certificate, chain: [certificate] };
    };
    return { ...state, state, issue };
  }

  test('is replaced when a third of its days is left, once for all who wait', async () => {
    let now = Date.now();
    const { asked, issue } = await authority(() => now);
    const endpoint = new EndpointCertificate(
      { issue },
      ['localhost'],
      (error) => assert.ifError(error),
      () => now,
    );
    const first = await endpoint.current();
    assert.deepEqual(
      asked.map(({ names, by, lifetimeMs }) => [names, by, lifetimeMs]),
      [[['localhost'], 'ca serve, for itself', 7 * dayMs]],
    );
    now += 4 * dayMs;
    assert.equal(await endpoint.current(), first);
    now += dayMs;
    const [second, again] = await Promise.all([endpoint.current(), endpoint.current()]);
    assert.notEqual(second, first);
    assert.equal(again, second);
    assert.equal(asked.length, 2);
    assert.notDeepEqual(asked[0]?.publicKey.spki, asked[1]?.publicKey.spki);
  });

  test('near its issuer’s end there are a few, each for less, and not one for each handshake', async () => {
    let now = Date.now();
    const { issue } = await authority(() => now);
    const end = now + dayMs;
    let issued = 0;
    const cut = async (request: IssueRequest): Promise<Issued> => {
      issued++;
      return await issue({ ...request, lifetimeMs: Math.min(request.lifetimeMs ?? 0, end - now) });
    };
    const endpoint = new EndpointCertificate(
      { issue: cut },
      ['localhost'],
      (error) => assert.ifError(error),
      () => now,
    );
    for (let handshake = 0; handshake < 50; handshake++) await endpoint.current();
    assert.equal(issued, 1);
    for (; now < end - 60_000; now += 60_000) await endpoint.current();
    assert.ok(issued > 3 && issued < 12, String(issued));
  });

  test('one whose issuer is replaced while it is made is replaced at once', async () => {
    const { asked, issue } = await authority(Date.now);
    const endpoint = new EndpointCertificate({ issue }, ['localhost'], (error) => assert.ifError(error));
    const pending = endpoint.current();
    endpoint.replace();
    const first = await pending;
    assert.notEqual(await endpoint.current(), first);
    assert.equal(asked.length, 2);
  });

  test('is another one after a rotation, and as long as that cannot be had the one that there is', async () => {
    let now = Date.now();
    const { asked, state, issue } = await authority(() => now);
    const failures: unknown[] = [];
    const endpoint = new EndpointCertificate(
      { issue },
      ['localhost'],
      (error) => failures.push(error),
      () => now,
    );
    const first = await endpoint.current();
    state.failing = new Error('the disk is full');
    endpoint.replace();
    assert.equal(await endpoint.current(), first);
    assert.equal(await endpoint.current(), first);
    assert.deepEqual([failures, asked.length], [[state.failing], 2]);
    state.failing = undefined;
    now += 10 * 60_000;
    const second = await endpoint.current();
    assert.notEqual(second, first);
    assert.equal(await endpoint.current(), second);
    assert.equal(asked.length, 3);
  });

  test('stays where no other can be had, and is asked for again later; an expired one is not shown', async () => {
    let now = Date.now();
    const { asked, state, issue } = await authority(() => now);
    const failures: unknown[] = [];
    const endpoint = new EndpointCertificate(
      { issue },
      ['localhost'],
      (error) => failures.push(error),
      () => now,
    );
    const first = await endpoint.current();
    state.failing = new Error('the disk is full');
    now += 5 * dayMs;
    assert.equal(await endpoint.current(), first);
    assert.equal(await endpoint.current(), first);
    assert.deepEqual([failures, asked.length], [[state.failing], 2]);
    now += 3 * dayMs;
    await assert.rejects(endpoint.current(), { message: 'the disk is full' });
    // Not even while others would wait.
    await assert.rejects(endpoint.current(), { message: 'the disk is full' });
  });
});
