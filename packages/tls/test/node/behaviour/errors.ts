/**
 * What goes wrong, on `node:tls` and on ours: which events tell of it, once each, with which code; and time.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket, TlsOptions } from 'node:tls';
import {
  ca,
  closed,
  connected,
  failureOf,
  forBoth,
  forPairs,
  type Identity,
  issue,
  it,
  keep,
  listening,
  local,
  makeClient,
  makeServer,
  root,
  shown,
  stopped,
  tcpClient,
  tcpServer,
  turns,
  until,
  watch,
} from './support.ts';

const expired = await issue('expired', root, { names: ['localhost'], notAfter: new Date('2021-01-01') });
const early = await issue('early', root, { names: ['localhost'], notBefore: new Date('2049-01-01') });
const alone = await issue('alone', undefined, { names: ['localhost'] });
const stranger = await issue('Stranger', undefined, { ca: true });
const strange = await issue('strange', stranger, { names: ['localhost'] });
const forClients = await issue('a client', root, { names: ['localhost'], extendedKeyUsage: ['clientAuth'] });

/** A connection's life at a client, without `lookup`. */
const life = ['connect', 'secureConnect', 'end', 'error', 'close'];
const serverLife = ['secureConnection', 'tlsClientError', 'error'];
const mine = Object.assign(new Error('mine'), { code: 'MINE' });

interface Refusal {
  readonly identity?: Identity;
  readonly server?: TlsOptions;
  readonly client?: ConnectionOptions;
  /** At the client, once TCP stands. */
  readonly code: string;
}

const refusals: Readonly<Record<string, Refusal>> = {
  'nobody trusted signed it': { identity: strange, code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
  'it signed itself': { identity: alone, code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
  'it is over': { identity: expired, code: 'CERT_HAS_EXPIRED' },
  'its time has not come': { identity: early, code: 'CERT_NOT_YET_VALID' },
  'it is for clients': { identity: forClients, code: 'INVALID_PURPOSE' },
  'its name is another': {
    client: { servername: 'other.example' },
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  },
  'checkServerIdentity says so': {
    client: { checkServerIdentity: () => mine },
    code: 'MINE',
  },
};

/** Those that are tried with TLS 1.2, too. */
const alsoBefore = new Set(['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ERR_TLS_CERT_ALTNAME_INVALID', 'MINE']);

const disagreements: Readonly<Record<string, Refusal & { readonly serverCode: string }>> = {
  'the server has no certificate': {
    server: { key: undefined, cert: undefined },
    code: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    serverCode: 'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM',
  },
  'they speak no version both': {
    server: { maxVersion: 'TLSv1.2' },
    client: { minVersion: 'TLSv1.3' },
    code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    serverCode: 'ERR_SSL_UNSUPPORTED_PROTOCOL',
  },
  'they speak no version both, the other way round': {
    server: { minVersion: 'TLSv1.3' },
    client: { maxVersion: 'TLSv1.2' },
    code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    serverCode: 'ERR_SSL_UNSUPPORTED_PROTOCOL',
  },
  'they have no suite in common': {
    server: { ciphers: 'TLS_AES_128_GCM_SHA256' },
    client: { ciphers: 'TLS_AES_256_GCM_SHA384', minVersion: 'TLSv1.3' },
    code: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    serverCode: 'ERR_SSL_NO_SHARED_CIPHER',
  },
  'they have no group in common': {
    server: { ecdhCurve: 'P-384' },
    client: { ecdhCurve: 'P-256', minVersion: 'TLSv1.3' },
    code: 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    serverCode: 'ERR_SSL_NO_SUITABLE_KEY_SHARE',
  },
  'they have no protocol in common': {
    server: { ALPNProtocols: ['h2'] },
    client: { ALPNProtocols: ['http/1.1'] },
    code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    serverCode: 'ERR_SSL_NO_APPLICATION_PROTOCOL',
  },
};

forPairs('handshakes that fail', (tls, { differs }) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [why, { identity = local, client: clientOptions, code }] of Object.entries(refusals)) {
      if (maxVersion === 'TLSv1.2' && !alsoBefore.has(code)) continue;
      it(`a client refuses a certificate because ${why}, with ${maxVersion}: one error, one close`, async () => {
        const server = makeServer(tls, { ...shown(identity), maxVersion }, (socket) =>
          socket.on('error', () => undefined),
        );
        const serverLog = watch(server, serverLife);
        const client = makeClient(tls, await listening(server), clientOptions);
        const log = watch(client, life);
        await closed(client);
        await until(() => serverLog.length > 0);
        await turns();
        assert.deepEqual(log, ['connect', `error(${code})`, 'close(true)']);
        assert.equal(serverLog.length, 1);
        assert.match(
          serverLog[0] ?? '',
          differs(`what a server hears of a refusal, ${maxVersion}`, 'client') as RegExp,
        );
        assert.deepEqual([client.authorized, client.destroyed], [false, true]);
      });
    }
  }

  for (const [why, { server: serverOptions, client: clientOptions, code, serverCode }] of Object.entries(
    disagreements,
  )) {
    it(`${why}: one error, one close, one tlsClientError`, async () => {
      const server = makeServer(tls, serverOptions);
      const serverLog = watch(server, serverLife);
      const client = makeClient(tls, await listening(server), clientOptions);
      const log = watch(client, life);
      await closed(client);
      await turns();
      assert.deepEqual(log, ['connect', `error(${code})`, 'close(true)']);
      assert.deepEqual(serverLog, [`tlsClientError(${serverCode})`]);
    });
  }

  it('the refusal of a name says which, and has the certificate', async () => {
    const client = makeClient(tls, await listening(makeServer(tls)), { servername: 'other.example' });
    const error = (await failureOf(client)) as NodeJS.ErrnoException & Record<string, unknown>;
    assert.match(error.message, differs('the message of a wrong name', 'client') as RegExp);
    assert.equal(error.reason, "Host: other.example. is not in the cert's altnames: DNS:localhost");
    assert.equal(error.host, 'other.example');
    assert.equal((error.cert as { subject?: { CN?: string } }).subject?.CN, 'localhost');
  });

  it('rejectUnauthorized: false goes on, and tells why it would not have', async () => {
    const server = makeServer(tls, shown(expired));
    const client = makeClient(tls, await listening(server), { rejectUnauthorized: false });
    await once(client, 'secureConnect');
    assert.equal(client.authorized, false);
    assert.equal(String(client.authorizationError), 'CERT_HAS_EXPIRED');
    assert.equal(client.getPeerCertificate().subject.CN, 'expired');
  });

  it('rejectUnauthorized: false asks checkServerIdentity all the same', async () => {
    const log: string[] = [];
    const server = makeServer(tls);
    const client = makeClient(tls, await listening(server), {
      rejectUnauthorized: false,
      servername: 'other.example',
      checkServerIdentity: (name) => {
        log.push(name);
        return mine;
      },
    });
    await once(client, 'secureConnect');
    assert.deepEqual([log, client.authorized, client.authorizationError], [['other.example'], false, 'MINE']);
  });

  it('checkServerIdentity gets the name and the certificate with its issuers, once, and not for one that is not trusted', async () => {
    const calls: unknown[] = [];
    const checkServerIdentity: NonNullable<ConnectionOptions['checkServerIdentity']> = (name, cert) => {
      calls.push([name, cert.subject.CN, 'issuerCertificate' in cert]);
      return undefined;
    };
    const good = makeClient(tls, await listening(makeServer(tls)), { servername: 'any.example', checkServerIdentity });
    await once(good, 'secureConnect');
    assert.equal(good.authorized, true);
    const bad = makeClient(tls, await listening(makeServer(tls, shown(strange))), { checkServerIdentity });
    assert.equal((await failureOf(bad))?.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    assert.deepEqual(calls, [['any.example', 'localhost', true]]);
  });
});

forBoth('peers that speak something else', (tls, { differs }) => {
  const http = Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');

  for (const [what, answer, code] of [
    ['HTTP', http, 'ERR_SSL_WRONG_VERSION_NUMBER'],
    ['a greeting of SMTP', Buffer.from('220 mail.example ESMTP\r\n'), 'ERR_SSL_WRONG_VERSION_NUMBER'],
    ['zeros', Buffer.alloc(100), 'ERR_SSL_WRONG_VERSION_NUMBER'],
    ['a record of an unknown type', Buffer.from([99, 3, 3, 0, 1, 0]), 'a record of an unknown type'],
    ['a fatal alert', Buffer.from([21, 3, 3, 0, 2, 2, 40]), 'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'],
    ['application data', Buffer.from([23, 3, 3, 0, 2, 65, 66]), 'ERR_SSL_UNEXPECTED_MESSAGE'],
  ] as const) {
    it(`a server that answers ${what}: one error, one close`, async () => {
      const port = await tcpServer((socket) => {
        socket.write(answer);
      });
      const client = makeClient(tls, port);
      const log = watch(client, life);
      await closed(client);
      const expected = code.startsWith('ERR_') ? code : differs(code as 'a record of an unknown type');
      assert.deepEqual(log, ['connect', `error(${expected})`, 'close(true)']);
    });
  }

  for (const [what, question, code] of [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'), 'ERR_SSL_HTTP_REQUEST'],
    ['garbage', Buffer.alloc(100, 0x55), 'ERR_SSL_WRONG_VERSION_NUMBER'],
    ['a fatal alert', Buffer.from([21, 3, 3, 0, 2, 2, 40]), 'an alert in place of a hello'],
    ['a hello that says nothing', Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]), 'a hello that is too short'],
  ] as const) {
    it(`a client that says ${what}: one tlsClientError with its socket, and TCP is ended`, async () => {
      const server = makeServer(tls);
      const log = watch(server, serverLife);
      const failed = once(server, 'tlsClientError') as Promise<[Error, TLSSocket]>;
      let from: string | undefined;
      server.on('tlsClientError', (_error, { remoteAddress }) => {
        from = remoteAddress;
      });
      const client = tcpClient(await listening(server));
      client.on('error', () => undefined).resume();
      client.write(question);
      const [error, socket] = await failed;
      assert.ok(error instanceof Error && socket instanceof tls.TLSSocket);
      await closed(client);
      await turns();
      const expected = code.startsWith('ERR_') ? code : differs(code as 'a hello that is too short');
      assert.deepEqual([log, socket.destroyed, from], [[`tlsClientError(${expected})`], true, '127.0.0.1']);
    });
  }

  it('a server without a listener for tlsClientError goes on', async () => {
    const server = makeServer(tls);
    const port = await listening(server);
    const bad = tcpClient(port);
    bad.on('error', () => undefined).resume();
    bad.end('GET / HTTP/1.1\r\n\r\n');
    await closed(bad);
    await once(makeClient(tls, port), 'secureConnect');
  });

  it('what fails in a handshake is no error event of its socket', async () => {
    const server = makeServer(tls);
    const log: string[] = [];
    server.on('tlsClientError', (_error, socket) => watch(socket, ['error', 'close'], log));
    const client = tcpClient(await listening(server));
    client.on('error', () => undefined).resume();
    client.write('GET / HTTP/1.1\r\n\r\n');
    await closed(client);
    await turns();
    assert.deepEqual(log, ['close(true)']);
  });
});

forPairs('TCP that breaks', (tls, { differs }) => {
  it('nobody listens: ECONNREFUSED, as of net.Socket', async () => {
    const server = makeServer(tls);
    const port = await listening(server);
    await stopped(server);
    const client = makeClient(tls, port);
    const log = watch(client, life);
    const error = (await failureOf(client)) as NodeJS.ErrnoException & Record<string, unknown>;
    assert.deepEqual(log, ['error(ECONNREFUSED)', 'close(true)']);
    const { syscall, address, message } = error;
    assert.deepEqual([syscall, address, error.port], ['connect', '127.0.0.1', port]);
    assert.equal(message, `connect ECONNREFUSED 127.0.0.1:${port}`);
  });

  it('a name that is not found: the error of lookup, and its event', async () => {
    const failure = Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.invalid'), { code: 'ENOTFOUND' });
    const client = makeClient(tls, 1, {
      host: 'nowhere.invalid',
      lookup: (_host, _options, callback) => process.nextTick(callback, failure, '', 4),
    });
    const log = watch(client, ['lookup', ...life]);
    await closed(client);
    assert.deepEqual(log, ['lookup(ENOTFOUND)', 'error(ENOTFOUND)', 'close(true)']);
  });

  it('the server closes at once: ECONNRESET, which says where to', async () => {
    const port = await tcpServer((socket) => socket.end());
    const client = makeClient(tls, port);
    const log = watch(client, life);
    const error = (await failureOf(client)) as NodeJS.ErrnoException & Record<string, unknown>;
    assert.deepEqual(log, ['connect', ...(differs('a connection that is cut in its handshake', 'client') as string[])]);
    assert.match(error.message, differs('the message of a connection that ended in its handshake', 'client') as RegExp);
    assert.deepEqual(
      ['code', 'path', 'host', 'port', 'localAddress'].map((name) => [name, error[name]]),
      [
        ['code', 'ECONNRESET'],
        ['path', undefined],
        ['host', '127.0.0.1'],
        ['port', port],
        ['localAddress', undefined],
      ],
    );
  });

  for (const how of ['ends', 'is reset'] as const) {
    for (const bytes of [1, 127, 700]) {
      it(`TCP ${how} after ${bytes} bytes of the server's flight: ECONNRESET here, and there`, async () => {
        const server = makeServer(tls);
        const serverLog = watch(server, serverLife);
        const port = await cutting(await listening(server), bytes, (near, far) => {
          far.destroy();
          if (how === 'ends') near.end();
          else near.resetAndDestroy();
        });
        const client = makeClient(tls, port);
        const log = watch(client, ['connect', 'secureConnect', 'error', 'close']);
        await closed(client);
        await until(() => serverLog.length > 0);
        await turns();
        assert.deepEqual(log, ['connect', 'error(ECONNRESET)', 'close(true)']);
        assert.deepEqual(serverLog, ['tlsClientError(ECONNRESET)']);
      });
    }
  }

  it('a client that leaves before it said anything: tlsClientError with ECONNRESET', async () => {
    const server = makeServer(tls);
    const log = watch(server, serverLife);
    const client = tcpClient(await listening(server));
    client.end();
    client.resume();
    await until(() => log.length > 0);
    await turns();
    assert.deepEqual(log, ['tlsClientError(ECONNRESET)']);
  });

  for (const side of ['client', 'server'] as const) {
    it(`TCP is reset under a ${side} that stands: ECONNRESET`, async () => {
      const { near, far, client, server } = await throughRelay();
      const [socket, other] = side === 'client' ? [client, server] : [server, client];
      other.on('error', () => undefined);
      const log = watch(socket, ['end', 'error', 'close']);
      socket.resume();
      (side === 'client' ? near : far).resetAndDestroy();
      await closed(socket);
      assert.deepEqual(log, ['error(ECONNRESET)', 'close(true)']);
    });

    it(`TCP ends under a ${side} that stands`, async () => {
      const { near, far, client, server } = await throughRelay();
      const [socket, other] = side === 'client' ? [client, server] : [server, client];
      other.on('error', () => undefined);
      const log = watch(socket, ['end', 'finish', 'error', 'close']);
      socket.resume();
      (side === 'client' ? near : far).end();
      await closed(socket);
      assert.deepEqual(log, differs('a connection that is cut', side));
    });

    it(`bytes that nobody sealed come to a ${side} that stands`, async () => {
      const { near, far, client, server } = await throughRelay();
      const [socket, other] = side === 'client' ? [client, server] : [server, client];
      other.on('error', () => undefined);
      const log = watch(socket, ['end', 'error', 'close']);
      socket.resume();
      (side === 'client' ? near : far).write(Buffer.from([23, 3, 3, 0, 32, ...Buffer.alloc(32)]));
      await until(() => log.length > 0);
      await turns();
      assert.deepEqual(log, differs('a record that does not open', side));
    });
  }

  /** A relay that lets so many bytes of the server's pass, then does something. */
  async function cutting(to: number, bytes: number, act: (near: Socket, far: Socket) => void): Promise<number> {
    return tcpServer((near) => {
      const far = tcpClient(to);
      far.on('error', () => undefined);
      let left = bytes;
      near.on('data', (chunk) => far.write(chunk));
      far.on('data', (chunk) => {
        if (left <= 0) return;
        near.write(chunk.subarray(0, left), () => {
          if (left <= 0) act(near, far);
        });
        left -= chunk.length;
      });
    });
  }

  /** Both ends, and the relay's sockets between them. */
  async function throughRelay(): Promise<{
    readonly near: Socket;
    readonly far: Socket;
    readonly client: TLSSocket;
    readonly server: TLSSocket;
  }> {
    const listener = makeServer(tls);
    const to = await listening(listener);
    const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
    const sockets: Socket[] = [];
    const port = await tcpServer((near) => {
      const far = tcpClient(to);
      far.on('error', () => undefined);
      near.on('data', (chunk) => far.write(chunk));
      far.on('data', (chunk) => near.write(chunk));
      sockets.push(near, far);
    });
    const client = makeClient(tls, port);
    // With its sessions, all has come that the server says by itself.
    let sessions = 0;
    client.on('session', () => sessions++);
    const [server] = await accepted;
    await until(() => sessions === 2);
    const [near, far] = sockets;
    assert.ok(near && far);
    return { near, far, client, server };
  }
});

forBoth('arguments', (tls, { differs }) => {
  for (const [call, code] of [
    [() => tls.connect({ port: -1 }), 'ERR_SOCKET_BAD_PORT'],
    [() => tls.connect({ port: 65_536 }), 'ERR_SOCKET_BAD_PORT'],
    [() => tls.connect({ port: 1, checkServerIdentity: 1 as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.connect({ port: 1, minVersion: 'SSLv9' as never }), 'ERR_TLS_INVALID_PROTOCOL_VERSION'],
    [() => tls.connect({ port: 1, minDHSize: 'x' as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.connect({ port: 1, ca: 1 as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.connect({ port: 1, ciphers: 'nothing' }), 'ERR_SSL_NO_CIPHER_MATCH'],
    [() => tls.createServer('x' as never), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.createServer({ handshakeTimeout: 'x' as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.createServer({ sessionTimeout: 'x' as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.createServer({ ticketKeys: 'x' as never }), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.createServer({ ticketKeys: Buffer.alloc(3) }), 'ERR_INVALID_ARG_VALUE'],
    [() => tls.createServer({ SNICallback: 1 as never }), 'ERR_INVALID_ARG_TYPE'],
    [
      () => tls.createServer({ ALPNCallback: (() => '') as never, ALPNProtocols: ['x'] }),
      'ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS',
    ],
    [() => tls.createServer().addContext('', {}), 'ERR_TLS_REQUIRED_SERVER_NAME'],
    [() => tls.createServer().addContext('a', 1 as never), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.createServer().addContext('a', null as never), 'nothing'],
    [() => tls.createSecureContext(1 as never), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.connect({ port: 1, secureContext: {} as never }), 'ERR_TLS_INVALID_CONTEXT'],
    [() => new tls.TLSSocket(new Socket(), { secureContext: { context: {} } }), 'ERR_TLS_INVALID_CONTEXT'],
    [() => tls.createServer().setSecureContext(1 as never), 'ERR_INVALID_ARG_TYPE'],
    [() => tls.createServer().setTicketKeys(1 as never), 'ERR_INVALID_ARG_TYPE'],
    [
      () => tls.createSecureContext({ minVersion: 'TLSv1.3', secureProtocol: 'TLS_method' }),
      'ERR_TLS_PROTOCOL_VERSION_CONFLICT',
    ],
  ] as const) {
    it(`${String(call).replace(/^\(\) => /, '')} throws ${code}`, () => {
      let got: unknown = 'nothing';
      try {
        const made = call();
        if (made instanceof EventEmitter) made.on('error', () => undefined);
      } catch (error) {
        got = (error as NodeJS.ErrnoException).code ?? error;
      }
      assert.equal(got, code);
    });
  }

  it('a ticket key that is too short is refused', () => {
    const code = differs('a ticket key that is too short');
    assert.throws(() => tls.createServer().setTicketKeys(Buffer.alloc(3)), { code });
  });
});

forPairs('time', (tls, { differs }) => {
  it('setTimeout() tells of silence by an event, and does no more', async () => {
    const { client, server } = await connected(tls);
    const log: unknown[] = [];
    assert.equal(
      client.setTimeout(5, () => log.push(client.timeout)),
      client,
    );
    await once(client, 'timeout');
    assert.deepEqual([log, client.destroyed, client.timeout], [[5], false, 5]);
    client.setTimeout(0);
    client.write('on');
    const [chunk] = await once(server, 'data');
    assert.equal(String(chunk), 'on');
  });

  it('setTimeout() throws for what is no time', async () => {
    const { client } = await connected(tls);
    assert.throws(() => client.setTimeout('x' as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => client.setTimeout(-1), { code: 'ERR_OUT_OF_RANGE' });
  });

  it('the option timeout tells of a silent server in the handshake', async () => {
    const port = await tcpServer(() => undefined);
    const client = makeClient(tls, port, { timeout: 15 });
    const log = watch(client, [...life, 'timeout']);
    assert.equal(client.timeout, 15);
    await once(client, 'timeout');
    client.destroy();
    await closed(client);
    assert.deepEqual(log, ['connect', 'timeout', 'close(false)']);
  });

  it('data in either direction puts the timeout off', async () => {
    const { client, server } = await connected(tls);
    let timeouts = 0;
    client.setTimeout(60, () => timeouts++);
    client.resume();
    server.resume();
    for (let i = 0; i < 8; i++) {
      (i % 2 === 0 ? client : server).write('x');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(timeouts, 0);
  });

  it('no timeout comes after close', async () => {
    const { client, server } = await connected(tls);
    server.on('error', () => undefined);
    const log = watch(client, ['timeout', 'close']);
    client.setTimeout(2);
    client.destroy();
    await closed(client);
    await new Promise((resolve) => setTimeout(resolve, 8));
    assert.deepEqual(log, ['close(false)']);
  });

  it('handshakeTimeout ends a silent client: tlsClientError with ERR_TLS_HANDSHAKE_TIMEOUT', async () => {
    const server = makeServer(tls, { handshakeTimeout: 5 });
    const log = watch(server, serverLife);
    const failed = once(server, 'tlsClientError') as Promise<[Error, TLSSocket]>;
    const client = tcpClient(await listening(server));
    client.on('error', () => undefined).resume();
    const [error, socket] = await failed;
    assert.match(error.message, differs('the message of handshakeTimeout', 'server') as RegExp);
    await turns();
    assert.deepEqual(log, ['tlsClientError(ERR_TLS_HANDSHAKE_TIMEOUT)']);
    assert.equal(socket.destroyed, differs('destroyed after handshakeTimeout', 'server'));
  });

  it('handshakeTimeout is over once the handshake is done', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    await connected(tls, { server: { handshakeTimeout: 60_000 } });
    assert.equal(timers(), before);
  });

  it('keep-alive, delay and class of service may be set at any time, and chain', async () => {
    const port = await listening(makeServer(tls, { keepAlive: true, noDelay: false, keepAliveInitialDelay: 1000 }));
    const client = makeClient(tls, port, { keepAlive: true, noDelay: true } as ConnectionOptions);
    for (let i = 0; i < 2; i++) {
      assert.equal(client.setKeepAlive(true, 1000), client);
      assert.equal(client.setNoDelay(), client);
      assert.equal(client.setNoDelay(false), client);
      if (i === 0) await once(client, 'secureConnect');
    }
  });

  it('a signal that is aborted closes a listening server', async () => {
    const server = keep(tls.createServer(shown(local)));
    const controller = new AbortController();
    server.listen({ port: 0, host: '127.0.0.1', signal: controller.signal });
    await once(server, 'listening');
    controller.abort();
    await once(server, 'close');
    assert.equal(server.listening, false);
  });

  it('a signal that is aborted destroys a connecting client with AbortError', async () => {
    const controller = new AbortController();
    const port = await listening(makeServer(tls));
    const client = makeClient(tls, port, { signal: controller.signal, ca } as ConnectionOptions);
    const log = watch(client, life);
    controller.abort();
    await closed(client);
    assert.deepEqual(log, ['error(ABORT_ERR)', 'close(true)']);
  });
});
