/**
 * What TLS is spoken over, on `node:tls` and on ours: TCP in all the ways to ask for it, a socket that has spoken before, TLS
 * itself, any Duplex; addresses, `ref` and `unref`; and the context of asynchronous calls.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer as createTcpServer, Server as NetServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, duplexPair } from 'node:stream';
import type { ConnectionOptions, Server, TLSSocket } from 'node:tls';
import { inherits } from 'node:util';
import {
  ca,
  closed,
  connected,
  failureOf,
  forBoth,
  it,
  keep,
  listening,
  local,
  makeClient,
  makeServer,
  shown,
  stopped,
  tcpClient,
  tcpServer,
  textOf,
  turns,
  until,
  watch,
} from './support.ts';

forBoth('ways to call', (tls) => {
  const trusting = { ca, servername: 'localhost' };

  for (const [how, call] of [
    ['port, host, options, listener', (port, listener) => tls.connect(port, '127.0.0.1', trusting, listener)],
    ['port, options, listener', (port, listener) => tls.connect(port, { host: '127.0.0.1', ...trusting }, listener)],
    ['options, listener', (port, listener) => tls.connect({ port, host: '127.0.0.1', ...trusting }, listener)],
    [
      'a port in text',
      (port, listener) => tls.connect({ port: `${port}` as never, host: '127.0.0.1', ...trusting }, listener),
    ],
    [
      'a context made before',
      (port, listener) =>
        tls.connect(
          { port, host: '127.0.0.1', servername: 'localhost', secureContext: tls.createSecureContext({ ca }) },
          listener,
        ),
    ],
    [
      'options of a class, with getters',
      (port, listener) => {
        class Options {
          readonly host = '127.0.0.1';
          readonly ca = ca;
          readonly servername = 'localhost';
          get port(): number {
            return port;
          }
        }
        const options = new Options();
        return tls.connect({ ...options, port: options.port }, listener);
      },
    ],
  ] as const satisfies readonly (readonly [string, (port: number, listener: () => void) => TLSSocket])[]) {
    it(`connect(${how})`, async () => {
      const port = await listening(makeServer(tls));
      await new Promise<void>((resolve, reject) => {
        const client = keep(call(port, () => (client.authorized ? resolve() : reject(new Error('not authorized')))));
        client.once('error', reject);
      });
    });
  }

  it('connect(path), and a server there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'behaviour-'));
    try {
      const server = keep(makeServer(tls, {}, (socket) => socket.end('hello')));
      const path = join(folder, 'socket');
      server.listen(path);
      await once(server, 'listening');
      for (const client of [
        keep(tls.connect(path as never, { ca, servername: 'localhost' })),
        keep(tls.connect({ path, ca, servername: 'localhost' })),
      ]) {
        assert.equal(await textOf(client), 'hello');
        assert.equal(client.remoteAddress, undefined);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('a server is made with new, without, by createServer, and by a constructor that calls it', async () => {
    const options = shown(local);
    const make = tls.Server as unknown as (options: object) => Server;
    function Derived(this: Server): void {
      make.call(this, options);
    }
    inherits(Derived, tls.Server);
    const servers = [
      new tls.Server(options),
      make(options),
      tls.createServer(options),
      new (Derived as unknown as new () => Server)(),
    ];
    for (const server of servers) {
      assert.ok(server instanceof tls.Server && server instanceof NetServer);
      server.on('secureConnection', (socket) => socket.end('hello'));
      assert.equal(await textOf(makeClient(tls, await listening(server))), 'hello');
    }
  });

  it('a class that extends Server, and one that extends TLSSocket', async () => {
    class MyServer extends tls.Server {
      readonly mine = true;
    }
    class MySocket extends tls.TLSSocket {
      readonly mine = true;
    }
    const server = new MyServer(shown(local), (socket) => socket.end('hello'));
    const tcp = tcpClient(await listening(server));
    await once(tcp, 'connect');
    const socket = keep(new MySocket(tcp, { secureContext: tls.createSecureContext({ ca }) }));
    assert.ok(server.mine && socket.mine && server instanceof MyServer && socket instanceof MySocket);
    assert.equal(socket.encrypted, true);
  });

  it('lookup, family and hints are those of net.Socket', async () => {
    const port = await listening(makeServer(tls));
    const calls: unknown[] = [];
    const client = makeClient(tls, port, {
      host: 'localhost',
      family: 4,
      lookup: (host, options, callback) => {
        calls.push([host, options.family]);
        if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
        else callback(null, '127.0.0.1', 4);
      },
    } as ConnectionOptions);
    await once(client, 'secureConnect');
    assert.deepEqual(calls, [['localhost', 4]]);
    assert.equal(client.remoteAddress, '127.0.0.1');
  });

  it('localAddress is where it comes from', async () => {
    const port = await listening(makeServer(tls));
    const client = makeClient(tls, port, { localAddress: '127.0.0.2' } as ConnectionOptions);
    await once(client, 'secureConnect');
    assert.equal(client.localAddress, '127.0.0.2');
  });

  it('pauseOnConnect gives sockets that are paused', async () => {
    const { client, server } = await connected(tls, { server: { pauseOnConnect: true } });
    client.end('hello');
    let got = '';
    server.on('data', (chunk) => {
      got += chunk;
    });
    await turns(10);
    assert.deepEqual([server.isPaused(), got], [true, '']);
    server.resume();
    await once(server, 'end');
    assert.equal(got, 'hello');
  });
});

forBoth('addresses and handles', (tls) => {
  it('are those of TCP; the peer’s stay known', async () => {
    const { client, server, listener } = await connected(tls);
    const { port } = listener.address() as AddressInfo;
    assert.deepEqual(
      [client.remoteAddress, client.remotePort, client.remoteFamily, client.localAddress, client.localFamily],
      ['127.0.0.1', port, 'IPv4', '127.0.0.1', 'IPv4'],
    );
    assert.deepEqual([server.localPort, server.remotePort], [port, client.localPort]);
    server.on('error', () => undefined);
    assert.deepEqual(client.address(), { address: '127.0.0.1', family: 'IPv4', port: client.localPort });
    client.destroy();
    await closed(client);
    assert.deepEqual([client.remoteAddress, client.localPort, client.address()], ['127.0.0.1', undefined, {}]);
  });

  it('are unknown before it stands', async () => {
    const client = makeClient(tls, await listening(makeServer(tls)));
    assert.deepEqual([client.remoteAddress, client.remotePort, client.address()], [undefined, undefined, {}]);
  });

  it('unref() lets the process go, ref() keeps it, and both chain', async () => {
    const { client, server, listener } = await connected(tls);
    const sockets = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'TLSWrap').length;
    const before = sockets();
    assert.equal(client.unref(), client);
    assert.equal(server.unref(), server);
    assert.equal(sockets(), before - 2);
    assert.equal(client.ref(), client);
    assert.equal(sockets(), before - 1);
    assert.equal(listener.unref(), listener);
    assert.equal(listener.ref(), listener);
  });

  it('unref() before TCP stands counts as well', async () => {
    const client = makeClient(tls, await listening(makeServer(tls)));
    const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    client.unref();
    await once(client, 'secureConnect');
    const held = sockets();
    client.ref();
    assert.equal(sockets(), held + 1);
  });
});

forBoth('sockets that spoke before', (tls, { differs }) => {
  it('STARTTLS: both sides speak in the clear, then go on over the same TCP', async () => {
    const port = await tcpServer((socket) => {
      socket.write('220 ready\r\n');
      socket.once('data', (command) => {
        assert.equal(String(command), 'STARTTLS\r\n');
        socket.write('220 go on\r\n');
        const secure = keep(new tls.TLSSocket(socket, { isServer: true, ...shown(local) }));
        secure.once('secure', () => secure.write(`${secure.getProtocol()}\r\n`));
        secure.on('data', (chunk) => secure.end(`you said ${chunk}`));
      });
    });
    const tcp = tcpClient(port);
    assert.equal(String(await once(tcp, 'data')), '220 ready\r\n');
    tcp.write('STARTTLS\r\n');
    assert.equal(String(await once(tcp, 'data')), '220 go on\r\n');
    const client = keep(tls.connect({ socket: tcp, ca, servername: 'localhost' }));
    const log = watch(client, ['connect', 'ready', 'secureConnect', 'end', 'close']);
    client.once('secureConnect', () => client.write('hello'));
    assert.equal(await textOf(client), 'TLSv1.3\r\nyou said hello');
    await closed(client);
    assert.deepEqual([log, tcp.destroyed], [['secureConnect', 'end', 'close(false)'], true]);
  });

  it('a server looks at the first bytes, puts them back, and gives the socket to a TLS server', async () => {
    const secure = makeServer(tls, {}, (socket) => socket.end('over TLS'));
    const port = await tcpServer((socket) => {
      socket.once('data', (chunk) => {
        socket.pause();
        socket.unshift(chunk);
        if (chunk[0] === 22) secure.emit('connection', socket);
        else socket.end('in the clear');
      });
    });
    const plain = tcpClient(port);
    plain.write('hello');
    assert.equal(await textOf(plain), 'in the clear');
    assert.equal(await textOf(makeClient(tls, port)), 'over TLS');
  });

  it('a server looks with readable and read(n)', async () => {
    const secure = makeServer(tls, {}, (socket) => socket.end('over TLS'));
    const port = await tcpServer((socket) => {
      socket.once('readable', () => {
        const first = socket.read(1) as Buffer;
        socket.unshift(first);
        secure.emit('connection', socket);
      });
    });
    assert.equal(await textOf(makeClient(tls, port)), 'over TLS');
  });

  it('connect() over a socket that is connecting still', async () => {
    const tcp = tcpClient(await listening(makeServer(tls, {}, (socket) => socket.end('hello'))));
    const client = keep(tls.connect({ socket: tcp, ca, servername: 'localhost' }));
    const log = watch(client, ['connect', 'secureConnect']);
    assert.equal(client.connecting, true);
    assert.equal(await textOf(client), 'hello');
    assert.deepEqual(log, ['connect', 'secureConnect']);
  });

  it('connect() over a socket that fails to connect: its error', async () => {
    const gone = createTcpServer();
    const port = await listening(gone);
    await stopped(gone);
    const tcp = tcpClient(port);
    const tcpFailure = failureOf(tcp);
    const client = keep(tls.connect({ socket: tcp, ca, servername: 'localhost' }));
    const log = watch(client, ['error', 'close']);
    assert.equal((await failureOf(client))?.code, 'ECONNREFUSED');
    assert.equal((await tcpFailure)?.code, 'ECONNREFUSED');
    assert.deepEqual(log, differs('the close of a socket whose transport did not connect'));
  });

  it('new TLSSocket() on the side of a client says hello when it is written to, and tells of it by secure', async () => {
    const server = makeServer(tls, {}, (socket) => socket.pipe(socket));
    const tcp = tcpClient(await listening(server));
    await once(tcp, 'connect');
    const client = keep(new tls.TLSSocket(tcp, { ...{ ca, servername: 'localhost' } }));
    const log = watch(client, ['secure', 'secureConnect']);
    client.end('hello');
    assert.equal(await textOf(client), 'hello');
    assert.deepEqual(log, ['secure']);
  });

  it('the end of TLS is the end of the socket below, and the other way round', async () => {
    const server = makeServer(tls, {}, (socket) => socket.on('error', () => undefined).resume());
    const port = await listening(server);
    for (const first of ['TLS', 'TCP'] as const) {
      const tcp = tcpClient(port);
      tcp.on('error', () => undefined);
      const client = keep(tls.connect({ socket: tcp, ca, servername: 'localhost' }));
      const log = watch(client, ['error', 'close']);
      await once(client, 'secureConnect');
      (first === 'TLS' ? client : tcp).destroy();
      await Promise.all([closed(client), closed(tcp)]);
      assert.deepEqual(
        [tcp.destroyed, log],
        [true, first === 'TLS' ? ['close(false)'] : differs('a stream below that is destroyed')],
      );
    }
  });
});

forBoth('other streams', (tls, { differs }) => {
  /** Both ends over a pair of Duplexes. */
  function overPair(options: ConnectionOptions = {}): {
    readonly client: TLSSocket;
    readonly server: TLSSocket;
    readonly below: readonly [Duplex, Duplex];
  } {
    const below = duplexPair();
    const [near, far] = below;
    const server = keep(new tls.TLSSocket(far, { isServer: true, ...shown(local) }));
    const client = keep(tls.connect({ socket: near, ca, servername: 'localhost', ...options }));
    return { client, server, below };
  }

  it('a pair of Duplexes carries both ways, to the end, and half open as they are themselves', async () => {
    const { client, server } = overPair();
    const log = watch(client, ['connect', 'secureConnect', 'end', 'finish', 'close']);
    client.write('question');
    assert.equal(String(await once(server, 'data')), 'question');
    server.end('answer');
    assert.equal(await textOf(client), 'answer');
    assert.deepEqual([client.allowHalfOpen, client.writable], [true, true]);
    client.end();
    await closed(server);
    await turns();
    assert.deepEqual(log, differs('the end over a Duplex'));
    assert.ok(client instanceof Socket);
    assert.deepEqual([client.remoteAddress, client.address()], [undefined, {}]);
  });

  it('a pair carries a megabyte through its small buffers', async () => {
    const { client, server } = overPair();
    const data = Buffer.alloc(1_000_000, 'abcdefghij');
    client.end(data);
    const chunks: Buffer[] = [];
    for await (const chunk of server) chunks.push(chunk);
    assert.ok(Buffer.concat(chunks).equals(data));
  });

  it('a refused certificate is one error over a pair as well', async () => {
    const { client, server } = overPair({ servername: 'other.example' });
    server.on('error', () => undefined);
    const log = watch(client, ['secureConnect', 'error', 'close']);
    await closed(client);
    assert.deepEqual(log, ['error(ERR_TLS_CERT_ALTNAME_INVALID)', 'close(true)']);
  });

  it('a stream below that fails is one error above, and one that ends is an end', async () => {
    for (const [act, expected] of [
      [(below: Duplex) => below.destroy(new Error('below')), differs('a Duplex below that fails')],
      [(below: Duplex) => below.destroy(), differs('a stream below that is destroyed')],
    ] as const) {
      const { client, server, below } = overPair();
      server.on('error', () => undefined);
      below[0].on('error', () => undefined);
      client.resume();
      await Promise.all([once(client, 'secureConnect'), once(server, 'secure')]);
      const log = watch(client, ['end', 'error', 'close']);
      act(below[0]);
      await closed(client);
      assert.deepEqual(log, expected);
    }
  });

  it('TLS inside TLS', async () => {
    const inner = makeServer(tls, {}, (socket) => socket.end(`inner, ${socket.encrypted}`));
    const outer = makeServer(tls, {}, (socket) => {
      inner.emit('connection', socket);
    });
    const tunnel = makeClient(tls, await listening(outer));
    await once(tunnel, 'secureConnect');
    const client = keep(tls.connect({ socket: tunnel, ca, servername: 'localhost' }));
    assert.equal(await textOf(client), 'inner, true');
    await closed(client);
    await closed(tunnel);
  });

  it('TLS inside TLS carries half a megabyte both ways', async () => {
    const inner = makeServer(tls, {}, (socket) => socket.pipe(socket));
    const outer = makeServer(tls, {}, (socket) => {
      inner.emit('connection', socket);
    });
    const tunnel = makeClient(tls, await listening(outer));
    const client = keep(tls.connect({ socket: tunnel, ca, servername: 'localhost' }));
    const data = Buffer.alloc(500_000, 'abcdefghij').toString();
    client.end(data);
    assert.ok((await textOf(client)) === data);
  });

  it('a Duplex that takes bytes one by one', async () => {
    const [near, far] = duplexPair();
    const slow = new Duplex({
      read() {
        near.resume();
      },
      write(chunk: Buffer, _encoding, callback) {
        for (const byte of chunk) near.write(Buffer.of(byte));
        callback();
      },
      final(callback) {
        near.end(callback);
      },
    });
    near.on('data', (chunk: Buffer) => {
      for (const byte of chunk) slow.push(Buffer.of(byte));
    });
    near.on('end', () => slow.push(null));
    const server = keep(new tls.TLSSocket(far, { isServer: true, ...shown(local) }));
    const client = keep(tls.connect({ socket: slow, ca, servername: 'localhost' }));
    client.end('hello');
    assert.equal(await textOf(server), 'hello');
  });
});

forBoth('asynchronous context', (tls) => {
  const storage = new AsyncLocalStorage<string>();

  it('is the caller’s in all that a client calls back', async () => {
    const server = makeServer(tls, {}, (socket) => socket.pipe(socket));
    const port = await listening(server);
    const events = [
      ...['lookup', 'connect', 'ready', 'secureConnect', 'session', 'keylog'],
      ...['data', 'timeout', 'finish', 'end', 'close'],
    ];
    const seen: Record<string, unknown> = {};
    const see = (name: string): void => {
      seen[name] = storage.getStore();
    };
    const client = storage.run('client', () => {
      const socket = makeClient(tls, port, {
        host: 'localhost',
        family: 4,
        lookup: (_host, _options, callback) => {
          see('lookup option');
          process.nextTick(callback, null, '127.0.0.1', 4);
        },
        checkServerIdentity: () => {
          see('checkServerIdentity');
          return undefined;
        },
        timeout: 5,
      } as ConnectionOptions);
      for (const event of [
        'lookup',
        'connect',
        'ready',
        'secureConnect',
        'session',
        'data',
        'end',
        'close',
        'timeout',
        'finish',
        'keylog',
      ]) {
        socket.on(event, () => see(event));
      }
      socket.write('hello', () => see('write'));
      return socket;
    });
    await once(client, 'timeout');
    storage.run('client', () => client.end());
    await closed(client);
    assert.deepEqual(
      Object.entries(seen).filter(([, store]) => store !== 'client'),
      [],
    );
    assert.deepEqual(
      Object.keys(seen).toSorted(),
      [...events, 'checkServerIdentity', 'lookup option', 'write'].toSorted(),
    );
  });

  it('is that of each call in the callbacks of write() and end()', async () => {
    const { client, server } = await connected(tls);
    server.resume();
    client.resume();
    const seen: unknown[] = [];
    for (const name of ['a', 'b', 'c']) {
      await new Promise<void>((resolve) => {
        storage.run(name, () =>
          client.write(name, () => {
            seen.push(storage.getStore());
            resolve();
          }),
        );
      });
    }
    storage.run('end', () => client.end(() => seen.push(storage.getStore())));
    await closed(client);
    assert.deepEqual(seen, ['a', 'b', 'c', 'end']);
  });

  it('is that of listen() in all that it calls back', async () => {
    const seen: Record<string, unknown> = {};
    const see = (name: string): void => {
      seen[name] = storage.getStore() ?? 'none';
    };
    const server = storage.run('server', () => {
      const made = makeServer(tls, {
        SNICallback: (_name, callback) => {
          see('SNICallback');
          callback(null);
        },
        ALPNCallback: ({ protocols }) => {
          see('ALPNCallback');
          return protocols[0];
        },
      });
      for (const event of ['connection', 'secureConnection', 'keylog']) made.on(event, () => see(event));
      return made;
    });
    const port = await storage.run('listen', () => listening(server));
    await storage.run('client', async () => {
      await once(makeClient(tls, port, { ALPNProtocols: ['a'] }), 'secureConnect');
    });
    await until(() => 'secureConnection' in seen);
    const all = ['connection', 'SNICallback', 'ALPNCallback', 'keylog', 'secureConnection'];
    assert.deepEqual(seen, Object.fromEntries(all.map((name) => [name, 'listen'])));
  });
});
