/**
 * `connect`, `createServer` and `TLSSocket`: over TCP on loopback, and over a Duplex in memory.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, duplexPair } from 'node:stream';
import { afterEach, describe, it } from 'node:test';
import {
  type ClientOptions,
  type Credential,
  clientConfig,
  namedGroups,
  serverConfig,
  TlsConfigError,
  TlsError,
  tls12,
  tlsClient,
  tlsServer,
} from '../../src/index.ts';
import {
  type ConnectOptions,
  connect,
  createSecureContext,
  createServer,
  type Server,
  TLSSocket,
  type TLSSocketOptions,
  type TlsServerOptions,
} from '../../src/node/index.ts';
import { clientCredential, makeCredential, now, otherPki, pki, serverCredential } from '../support/identities.ts';
import { clientDefaults, serverDefaults } from '../support/pair.ts';

const groups = namedGroups.filter(({ name }) => name === 'x25519');
const stranger = await makeCredential({ purpose: 'clientAuth', issuer: otherPki });
const time = (): Date => now;

const open: { destroy?(): unknown; close?(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    one.destroy?.();
    one.close?.();
  }
});

/** A server on a port of the system's choice. */
async function listening(options: TlsServerOptions = {}): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer({ credentials: [serverCredential], groups, time, ...options });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return { server, port: (server.address() as AddressInfo).port };
}

function client(port: number, options: ConnectOptions = {}): TLSSocket {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    trust: pki.trust,
    groups,
    time,
    ...options,
  });
  open.push(socket);
  return socket;
}

interface Ends {
  readonly client: TLSSocket;
  readonly server: TLSSocket;
}

/** Both ends of a connection over TCP, after the handshake. */
async function overTcp(clientOptions: ConnectOptions = {}, serverOptions: TlsServerOptions = {}): Promise<Ends> {
  const { server, port } = await listening(serverOptions);
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = client(port, clientOptions);
  await once(socket, 'secureConnect');
  const [peer] = await accepted;
  open.push(peer);
  return { client: socket, server: peer };
}

interface InMemory extends Ends {
  readonly clientTransport: Duplex;
  readonly serverTransport: Duplex;
}

/** Both ends over a pair of Duplexes, with the handshake under way. */
function overDuplex(clientOptions: ConnectOptions = {}, serverOptions: TLSSocketOptions = {}): InMemory {
  const [clientTransport, serverTransport] = duplexPair();
  const config = serverConfig({ ...serverDefaults(), groups });
  const server = new TLSSocket(
    serverTransport,
    { isServer: true, make: (handlers) => tlsServer(config, handlers) },
    serverOptions,
  );
  server.begin();
  const socket = client(0, { socket: clientTransport, ...clientOptions });
  open.push(server, clientTransport, serverTransport);
  return { client: socket, server, clientTransport, serverTransport };
}

async function textOf(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(stream, 'end');
  return text;
}

async function turns(count = 30): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** However it ends. */
async function closed(stream: Duplex): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', resolve));
}

async function errorOf(emitter: TLSSocket): Promise<Error & { code?: string; tlsCode?: string }> {
  const [error] = (await once(emitter, 'error')) as [Error];
  return error;
}

const ways: readonly (readonly [
  string,
  (clientOptions?: ConnectOptions, both?: { readonly allowHalfOpen: boolean }) => Promise<Ends>,
])[] = [
  ['TCP', (clientOptions, both) => overTcp({ ...both, ...clientOptions }, both)],
  [
    'a Duplex',
    async (clientOptions, both) => {
      const ends = overDuplex({ ...both, ...clientOptions }, both);
      await Promise.all([once(ends.client, 'secureConnect'), once(ends.server, 'secure')]);
      return ends;
    },
  ],
];

for (const [way, ends] of ways) {
  describe(`sockets over ${way}`, { timeout: 20_000 }, () => {
    it('carry data both ways and end cleanly', async () => {
      const { client: ours, server } = await ends({}, { allowHalfOpen: true });
      ours.end('question');
      assert.equal(await textOf(server), 'question');
      server.end('answer');
      assert.equal(await textOf(ours), 'answer');
      await Promise.all([closed(ours), closed(server)]);
      assert.deepEqual([ours.errored, server.errored], [null, null]);
    });

    it('tell what was negotiated', async () => {
      const { client: ours, server } = await ends();
      for (const socket of [ours, server]) {
        assert.equal(socket.encrypted, true);
        assert.equal(socket.getProtocol(), 'TLSv1.3');
        assert.deepEqual(socket.getCipher(), {
          name: 'TLS_AES_128_GCM_SHA256',
          standardName: 'TLS_AES_128_GCM_SHA256',
          version: 'TLSv1.3',
        });
        assert.equal(socket.negotiated?.group?.name, 'x25519');
        assert.equal(socket.servername, 'localhost');
        assert.equal(socket.alpnProtocol, false);
      }
      assert.equal(ours.authorized, true);
      assert.equal(ours.authorizationError, null);
      assert.equal(server.authorized, false);
      assert.deepEqual(
        ours.exportKeyingMaterial(20, 'label', Buffer.from('c')),
        server.exportKeyingMaterial(20, 'label', Buffer.from('c')),
      );
    });

    it('what is written before the handshake is done goes out after it', async () => {
      const [a, b] = duplexPair();
      const config = serverConfig({ ...serverDefaults(), groups });
      const server = new TLSSocket(b, { isServer: true, make: (handlers) => tlsServer(config, handlers) }, {});
      const ours = client(0, { socket: a });
      open.push(server, a, b);
      ours.write('early ');
      ours.write('bird');
      ours.end();
      assert.equal(ours.getProtocol(), null);
      assert.deepEqual(ours.getCipher(), {});
      server.begin();
      server.end();
      assert.equal(await textOf(server), 'early bird');
    });

    it('large transfers go both ways at once, through key updates', async () => {
      const { client: ours, server } = await ends();
      const size = 3 * 1024 * 1024;
      const data = Buffer.allocUnsafe(size).map((_, i) => (i * 31) % 251);
      const receive = async (socket: TLSSocket): Promise<Buffer> => {
        const chunks: Buffer[] = [];
        for await (const chunk of socket) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks);
      };
      const send = (socket: TLSSocket): void => {
        for (let at = 0; at < size; at += 300_000) {
          socket.write(data.subarray(at, at + 300_000));
          if (at === 900_000) socket.updateKeys({ requestPeer: true });
        }
        socket.end();
      };
      const received = Promise.all([receive(ours), receive(server)]);
      send(ours);
      send(server);
      for (const got of await received) assert.ok(got.equals(data), `${got.length} bytes`);
    });

    it('a reader that does not read stops the writer, and loses nothing', async () => {
      const { client: ours, server } = await ends();
      const chunk = Buffer.alloc(64 * 1024, 'x');
      let written = 0;
      let acknowledged = 0;
      let stalled = 0;
      // Written one at a time, as their callbacks come, until none has come for many turns.
      const more = (): void => {
        written += chunk.length;
        server.write(chunk, () => {
          acknowledged += chunk.length;
          stalled = 0;
          if (written < 64 * 1024 * 1024) more();
        });
      };
      more();
      while (stalled++ < 300 && written < 64 * 1024 * 1024) await turns(1);
      // In memory there are only the streams' buffers between them; on TCP the kernel has its own, of some MiB.
      const bound = (way === 'TCP' ? 32 : 1) * 1024 * 1024;
      assert.ok(acknowledged < bound, `${acknowledged} bytes were taken`);
      assert.ok(ours.readableLength <= 1024 * 1024, `${ours.readableLength} bytes wait in the reader`);
      const all = written;
      written = 64 * 1024 * 1024;
      let got = 0;
      for await (const data of ours) {
        got += (data as Buffer).length;
        if (got === all) break;
      }
      assert.equal(got, all);
    });

    it('one side may end while the other goes on, with allowHalfOpen', async () => {
      const { client: ours, server } = await ends({}, { allowHalfOpen: true });
      ours.end('that is all');
      assert.equal(await textOf(server), 'that is all');
      assert.equal(server.writable, true);
      server.write('one ');
      await turns(3);
      server.end('two');
      assert.equal(await textOf(ours), 'one two');
    });

    it('an end is answered by an end, without allowHalfOpen', async () => {
      const { client: ours, server } = await ends();
      server.resume();
      ours.end();
      ours.resume();
      await Promise.all([closed(ours), closed(server)]);
      assert.equal(server.writableEnded, true);
    });

    it('a transport that goes without close_notify is a truncation that the reader sees', async () => {
      const { client: ours, server } = await ends();
      server.write('half of it');
      await once(ours, 'readable');
      const failed = errorOf(ours);
      server.on('error', () => undefined);
      server.destroy();
      let text = '';
      ours.on('data', (data: Buffer) => {
        text += data.toString();
      });
      const error = await failed;
      assert.ok(error instanceof TlsError);
      assert.equal(error.tlsCode, 'truncated');
      assert.equal(text, 'half of it');
      assert.equal(ours.readableEnded, false);
      assert.equal(ours.destroyed, true);
    });

    it('destroy frees the transport, whatever waits in it', async () => {
      const { client: ours, server } = await ends();
      // The peer does not read: our bytes cannot leave.
      for (let i = 0; i < 60; i++) ours.write(Buffer.alloc(256 * 1024));
      await turns();
      server.on('error', () => undefined);
      ours.destroy();
      await closed(ours);
      server.resume();
      await closed(server);
      assert.equal((server.errored as TlsError | null)?.tlsCode, 'truncated');
    });

    it('writing after end, and after destroy, is an error of the stream’s', async () => {
      const { client: ours } = await ends();
      ours.end();
      const failed = errorOf(ours);
      ours.write('x');
      assert.equal((await failed).code, 'ERR_STREAM_WRITE_AFTER_END');
    });

    it('a server’s name that does not verify is an error, and the server hears the alert', async () => {
      const names = await ends({ rejectUnauthorized: false, servername: 'example.com' });
      assert.equal(names.client.authorized, false);
      assert.equal(names.client.authorizationError, 'ERR_TLS_CERT_ALTNAME_INVALID');
      assert.equal(names.client.servername, 'example.com');
      names.client.write('all the same');
      const [data] = (await once(names.server, 'data')) as [Buffer];
      assert.equal(data.toString(), 'all the same');
    });
  });
}

describe('handshakes that fail', { timeout: 20_000 }, () => {
  it('the client’s refusal is its error, and the server’s tlsClientError by name', async () => {
    const { server, port } = await listening();
    const told = once(server, 'tlsClientError') as Promise<[TlsError, TLSSocket]>;
    const failed = errorOf(client(port, { servername: 'example.com' }));
    const error = await failed;
    assert.equal(error.tlsCode, 'certificate_name_mismatch');
    const [theirs, socket] = await told;
    assert.ok(theirs instanceof TlsError);
    assert.deepEqual([theirs.tlsCode, theirs.alert, theirs.origin], ['peer_alert', 'bad_certificate', 'peer']);
    assert.ok(socket instanceof TLSSocket);
  });

  it('bytes that are no TLS are named, and answered with an alert', async () => {
    const { server, port } = await listening();
    const told = once(server, 'tlsClientError') as Promise<[TlsError]>;
    const raw = connectTcp(port, '127.0.0.1');
    open.push(raw);
    raw.write('GET / HTTP/1.1\r\n\r\n');
    const chunks: Buffer[] = [];
    raw.on('data', (data: Buffer) => chunks.push(data));
    await once(raw, 'end');
    assert.deepEqual([...Buffer.concat(chunks)], [21, 3, 3, 0, 2, 2, 10]);
    const [error] = await told;
    assert.equal(error.tlsCode, 'not_tls');
    assert.match(error.message, /an HTTP request/);
  });

  it('a server without a listener for tlsClientError goes on', async () => {
    const { server, port } = await listening();
    const raw = connectTcp(port, '127.0.0.1');
    raw.end('garbage that is no TLS');
    raw.resume();
    await once(raw, 'close');
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    await once(client(port), 'secureConnect');
    open.push((await accepted)[0]);
  });

  it('a connection that is refused is the system’s own error', async () => {
    const blocker = createTcpServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    blocker.close();
    await once(blocker, 'close');
    const error = await errorOf(client(port));
    assert.equal(error.code, 'ECONNREFUSED');
    assert.equal(error instanceof TlsError, false);
  });

  it('a name that does not resolve is the system’s own error', async () => {
    const lookup: NonNullable<ConnectOptions['lookup']> = (_host, _options, callback) => {
      callback(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }), '', 4);
    };
    assert.equal((await errorOf(client(1, { host: 'nowhere.invalid', lookup }))).code, 'ENOTFOUND');
  });

  it('a peer that closes in the handshake is a truncation', async () => {
    const blocker = createTcpServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    open.push(blocker);
    const error = await errorOf(client((blocker.address() as AddressInfo).port));
    assert.ok(['truncated', 'ECONNRESET'].includes(error.code ?? ''), error.code);
  });

  it('handshakeTimeout ends a client whose server is silent', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] });
    const [transport, silent] = duplexPair();
    const socket = client(0, { socket: transport, handshakeTimeout: 5_000 });
    open.push(silent);
    await once(silent, 'readable');
    const failed = errorOf(socket);
    test.mock.timers.tick(4_999);
    assert.equal(socket.destroyed, false);
    test.mock.timers.tick(1);
    const error = await failed;
    assert.equal(error.tlsCode, 'handshake_timeout');
    assert.match(error.message, /not done after 5 s, waiting in WAIT_SH/);
  });

  it('handshakeTimeout ends a server whose client is silent, after 120 s by default', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] });
    const { server } = await listening();
    const [transport, silent] = duplexPair();
    open.push(silent);
    const told = once(server, 'tlsClientError') as Promise<[TlsError]>;
    server.emit('connection', transport);
    test.mock.timers.tick(119_999);
    assert.equal(transport.destroyed, false);
    test.mock.timers.tick(1);
    const [error] = await told;
    assert.equal(error.tlsCode, 'handshake_timeout');
    assert.match(error.message, /after 120 s, waiting in START/);
  });

  it('handshakeTimeout does not end a connection that stands, and 0 is no limit', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] });
    const ends = overDuplex({ handshakeTimeout: 1_000 }, { handshakeTimeout: 1_000 });
    await Promise.all([once(ends.client, 'secureConnect'), once(ends.server, 'secure')]);
    const unlimited = client(0, { socket: duplexPair()[0], handshakeTimeout: 0 });
    test.mock.timers.tick(1_000_000);
    await turns(3);
    assert.deepEqual([ends.client.destroyed, ends.server.destroyed, unlimited.destroyed], [false, false, false]);
  });

  it('the server’s alert reaches a client that is still sending', async () => {
    const { port } = await listening({ requestCert: true, trust: pki.trust });
    const socket = client(port, { credentials: [stranger] });
    const failed = errorOf(socket);
    // Established before the server judges: its bytes are on the way when the server refuses.
    await once(socket, 'secureConnect');
    for (let i = 0; i < 4; i++) socket.write(Buffer.alloc(16 * 1024));
    socket.resume();
    const error = await failed;
    assert.ok(error instanceof TlsError, `${error}`);
    assert.deepEqual([error.tlsCode, error.alert, error.origin], ['peer_alert', 'unknown_ca', 'peer']);
  });

  it('destroy in the handshake tells the peer', async () => {
    const ends = overDuplex();
    const failed = errorOf(ends.server);
    await turns(1);
    ends.client.destroy();
    assert.ok(['peer_alert', 'truncated'].includes((await failed).tlsCode ?? ''));
    assert.equal(ends.client.errored, null);
  });

  it('destroy before the transport is connected, at once and twice, is quiet', async () => {
    const { port } = await listening();
    const socket = client(port);
    socket.destroy();
    socket.destroy();
    await closed(socket);
    assert.equal(socket.errored, null);
    await turns(3);
  });

  it('a peer that does not read cannot keep a destroyed socket’s transport', async (test) => {
    test.mock.timers.enable({ apis: ['setTimeout'] });
    const ends = overDuplex();
    await Promise.all([once(ends.client, 'secureConnect'), once(ends.server, 'secure')]);
    for (let i = 0; i < 20; i++) ends.client.write(Buffer.alloc(256 * 1024));
    await turns(3);
    ends.client.destroy();
    await closed(ends.client);
    assert.equal(ends.clientTransport.destroyed, false);
    test.mock.timers.tick(1_000);
    assert.equal(ends.clientTransport.destroyed, true);
    ends.server.on('error', () => undefined);
  });

  it('after the end of both sides the transport is closed', async () => {
    const ends = overDuplex();
    await Promise.all([once(ends.client, 'secureConnect'), once(ends.server, 'secure')]);
    ends.client.end('x');
    ends.client.resume();
    ends.server.resume();
    await Promise.all([
      closed(ends.client),
      closed(ends.server),
      closed(ends.clientTransport),
      closed(ends.serverTransport),
    ]);
    assert.deepEqual([ends.client.errored, ends.server.errored], [null, null]);
  });

  it('destroy with an error gives that error', async () => {
    const ends = overDuplex();
    ends.server.on('error', () => undefined);
    await once(ends.client, 'secureConnect');
    const failed = errorOf(ends.client);
    const reason = new Error('our own');
    ends.client.destroy(reason);
    assert.equal(await failed, reason);
  });

  it('a transport that fails passes its error on', async () => {
    const ends = overDuplex();
    await once(ends.client, 'secureConnect');
    const reason = new Error('the cable');
    const failed = errorOf(ends.client);
    ends.server.on('error', () => undefined);
    ends.clientTransport.destroy(reason);
    assert.equal(await failed, reason);
  });
});

describe('client certificates', { timeout: 20_000 }, () => {
  const meet = async (
    serverOptions: TlsServerOptions,
    credentials: readonly Credential[],
  ): Promise<readonly [TLSSocket | TlsError, TLSSocket]> => {
    const { server, port } = await listening({ trust: pki.trust, ...serverOptions });
    const outcome = Promise.race([once(server, 'secureConnection'), once(server, 'tlsClientError')]) as Promise<
      [TLSSocket | TlsError]
    >;
    const socket = client(port, { credentials });
    socket.on('error', () => undefined);
    const [result] = await outcome;
    if (result instanceof TLSSocket) open.push(result);
    return [result, socket];
  };

  it('are not asked for by default', async () => {
    const [result] = await meet({}, [clientCredential]);
    assert.ok(result instanceof TLSSocket);
    assert.equal(result.negotiated?.peer, undefined);
    assert.equal(result.authorized, false);
  });

  it('with requestCert one that verifies is authorized', async () => {
    const [result] = await meet({ requestCert: true }, [clientCredential]);
    assert.ok(result instanceof TLSSocket);
    assert.equal(result.authorized, true);
    assert.equal(result.negotiated?.peer?.chain.length, 1);
  });

  it('with requestCert none, or a stranger’s, is refused by name', async () => {
    for (const [credentials, code] of [
      [[], 'certificate_required'],
      [[stranger], 'certificate_unknown_issuer'],
    ] as const) {
      const [result, socket] = await meet({ requestCert: true }, credentials);
      assert.ok(result instanceof TlsError);
      assert.equal(result.tlsCode, code);
      await closed(socket);
      assert.equal((socket.errored as TlsError | null)?.tlsCode, 'peer_alert');
    }
  });

  it('with requestCert and rejectUnauthorized: false anybody may come, and is told apart', async () => {
    const options = { requestCert: true, rejectUnauthorized: false };
    for (const [credentials, authorized, code] of [
      [[], false, 'UNABLE_TO_GET_ISSUER_CERT'],
      [[stranger], false, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      [[clientCredential], true, null],
    ] as const) {
      const [result] = await meet(options, credentials);
      assert.ok(result instanceof TLSSocket, `${result}`);
      assert.equal(result.authorized, authorized);
      assert.equal(result.authorizationError, code);
    }
  });
});

describe('names and protocols', { timeout: 20_000 }, () => {
  it('ALPN is chosen in the server’s order', async () => {
    const { client: ours, server } = await overTcp(
      { ALPNProtocols: ['http/1.1', 'h2'] },
      { ALPNProtocols: ['h2', 'http/1.1'] },
    );
    assert.deepEqual([ours.alpnProtocol, server.alpnProtocol], ['h2', 'h2']);
  });

  it('no ALPN in common is an alert', async () => {
    const { port } = await listening({ ALPNProtocols: ['h2'] });
    const error = await errorOf(client(port, { ALPNProtocols: ['ftp'] }));
    assert.equal((error as TlsError).alert, 'no_application_protocol');
  });

  it('an address is verified, and not sent', async () => {
    const credential = await makeCredential({ names: ['127.0.0.1'] });
    const { server, port } = await listening({ credentials: [credential] });
    const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
    const socket = connect({ host: '127.0.0.1', port, trust: pki.trust, groups, time });
    open.push(socket);
    await once(socket, 'secureConnect');
    const [peer] = await accepted;
    open.push(peer);
    assert.equal(socket.authorized, true);
    assert.equal(peer.servername, false);
    const wrong = await errorOf(client(port, { servername: '127.0.0.2' }));
    assert.equal(wrong.tlsCode, 'certificate_name_mismatch');
    const literal = await errorOf(client(port, { servername: '::1' }));
    assert.equal(literal.tlsCode, 'certificate_name_mismatch');
  });

  it('a final dot is not sent', async () => {
    const { client: ours, server } = await overTcp({ servername: 'localhost.' });
    assert.equal(ours.authorized, true);
    assert.equal(server.servername, 'localhost');
  });

  it('the server answers with the certificate for the name', async () => {
    const other = await makeCredential({ names: ['example.com'] });
    const { client: ours } = await overTcp({ servername: 'example.com' }, { credentials: [serverCredential, other] });
    assert.equal(ours.authorized, true);
    assert.deepEqual(ours.negotiated?.peer?.chain[0]?.raw, other.chain[0]?.raw);
  });
});

describe('contexts and options', { timeout: 20_000 }, () => {
  it('one context serves many connections, both ways', async () => {
    const secureContext = createSecureContext({
      trust: pki.trust,
      credentials: [serverCredential],
      groups: ['X25519'],
      cipherSuites: ['tls_aes_256_gcm_sha384'],
    });
    const { server, port } = await listening({ secureContext });
    server.on('secureConnection', (socket: TLSSocket) => socket.end('hello'));
    const sockets = Array.from({ length: 5 }, () =>
      connect({ host: '127.0.0.1', port, servername: 'localhost', time, secureContext }),
    );
    open.push(...sockets);
    for (const socket of sockets) {
      assert.equal(await textOf(socket), 'hello');
      assert.equal(socket.negotiated?.cipherSuite.name, 'TLS_AES_256_GCM_SHA384');
    }
  });

  it('what one connection asks for beside its context is not the next one’s', async () => {
    const secureContext = createSecureContext({ trust: otherPki.trust, groups });
    const { server, port } = await listening();
    server.on('secureConnection', (socket: TLSSocket) => socket.resume());
    const plain = async (): Promise<unknown> => {
      const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', secureContext });
      open.push(socket);
      const [error] = await once(socket, 'error');
      return error;
    };
    assert.ok((await plain()) instanceof TlsError);
    const careless = connect({ host: '127.0.0.1', port, secureContext, rejectUnauthorized: false });
    open.push(careless);
    await once(careless, 'secureConnect');
    assert.equal(careless.authorized, false);
    careless.resume().end();
    await once(careless, 'close');
    assert.ok((await plain()) instanceof TlsError);
  });

  it('names that nobody knows are refused when the context is made', () => {
    const at =
      (option: string, message: RegExp) =>
      (error: unknown): boolean =>
        error instanceof TlsConfigError && error.option === option && message.test(error.message);
    assert.throws(
      () => createSecureContext({ cipherSuites: ['TLS_RSA_WITH_RC4_128_MD5'] }),
      at('cipherSuites', /"TLS_RSA_WITH_RC4_128_MD5" is not known; known are TLS_AES_128_GCM_SHA256/),
    );
    assert.throws(
      () => createSecureContext({ groups: ['X25519', 'secp256k1'] }),
      at('groups', /"secp256k1" is not known/),
    );
    assert.throws(
      () => createSecureContext({ signatureSchemes: ['rsa_md5'] }),
      at('signatureSchemes', /"rsa_md5" is not known/),
    );
    assert.throws(() => client(0, { socket: duplexPair()[0], keyShares: ['x'] }), at('groups', /"x" is not known/));
    assert.throws(() => createServer({ groups: ['constructor'] }), at('groups', /"constructor" is not known/));
    assert.throws(() => createSecureContext({ key: 'x' }), { code: 'ERR_OSSL_UNSUPPORTED' });
    // As in Node: half of a pair may come alone, and a server may get its certificates later.
    assert.deepEqual(createSecureContext({ cert: pki.root.raw }).options.credentials, []);
    createServer({});
    createServer({ credentials: [serverCredential], requestCert: true });
  });

  it('a polluted Object.prototype neither accepts a stranger nor trusts one', async () => {
    const { port } = await listening();
    for (const [name, value] of [
      ['rejectUnauthorized', false],
      ['verifyPeer', () => ({ accepted: true })],
      ['trust', pki.trust],
      ['servername', 'localhost'],
    ] as const) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true });
    }
    let socket: TLSSocket;
    try {
      socket = connect({ host: '127.0.0.1', port, groups, time, ca: pki.root.raw });
      open.push(socket);
    } finally {
      for (const name of ['rejectUnauthorized', 'verifyPeer', 'trust', 'servername'])
        Reflect.deleteProperty(Object.prototype, name);
    }
    assert.equal((await errorOf(socket)).tlsCode, 'certificate_name_mismatch');
  });

  it('addresses and the rest of a net.Socket pass through; a Duplex has none', async () => {
    const { client: ours, server } = await overTcp();
    assert.equal(ours.remoteAddress, '127.0.0.1');
    assert.equal(ours.remotePort, server.localPort);
    assert.equal(ours.localPort, server.remotePort);
    assert.equal(server.localAddress, '127.0.0.1');
    for (const result of [ours.setNoDelay(), ours.setKeepAlive(true, 1000), ours.unref(), ours.ref()])
      assert.equal(result, ours);
    const ends = overDuplex();
    assert.equal(ends.client.remoteAddress, undefined);
    assert.equal(ends.client.setNoDelay().setKeepAlive().ref().unref(), ends.client);
  });

  it('a Unix socket will do, or a named pipe', async () => {
    const name = `handfast-test-${process.pid}`;
    const path = process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), name);
    const server = createServer({ credentials: [serverCredential], groups, time }, (socket) => socket.end('local'));
    server.listen(path);
    open.push(server);
    await once(server, 'listening');
    const socket = connect({ path, servername: 'localhost', trust: pki.trust, groups, time });
    open.push(socket);
    assert.equal(await textOf(socket), 'local');
  });

  it('an engine of one’s own goes over any Duplex', async () => {
    const [a, b] = duplexPair();
    const options: ClientOptions = { ...clientDefaults(), groups };
    const ours = new TLSSocket(
      a,
      {
        isServer: false,
        make: (handlers) => tlsClient(clientConfig(options), { serverName: 'localhost' }, handlers),
      },
      {},
    );
    const server = createServer({ credentials: [serverCredential], groups, time }, (socket) => socket.end('hi'));
    server.emit('connection', b as Socket);
    open.push(ours, a, b);
    ours.begin();
    assert.equal(await textOf(ours), 'hi');
  });
});

describe('before TLS 1.3', () => {
  it('a peer that answers our close_notify with the end of its transport alone ends the socket in good order', async () => {
    // Its certificate's curve is one of the groups (RFC 8422 §5.1.1).
    const both = { versions: [tls12], groups: namedGroups.filter(({ name }) => /^(x25519|secp256r1)$/.test(name)) };
    const config = serverConfig({ ...serverDefaults(), ...both });
    const server = createTcpServer((raw) => {
      let silent = false;
      const connection = tlsServer(config, {
        send: (chunks) => {
          if (!silent) for (const chunk of chunks) raw.write(chunk);
        },
        established: () => {
          silent = true;
        },
        end: () => raw.end(),
      });
      raw.on('data', (chunk) => connection.receive(chunk)).on('error', () => {});
      connection.start();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(server);
    const socket = client((server.address() as AddressInfo).port, both);
    const news: string[] = [];
    for (const name of ['error', 'end', 'close']) socket.on(name, () => news.push(name));
    socket.resume().end();
    await closed(socket);
    assert.deepEqual(news, ['end', 'close']);
  });
});
