/**
 * A connection's life, on `node:tls` and on ours: events and their order, half-open ends, `destroy` at each stage, and what is
 * left when all is over.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { relayTo } from './relay.ts';
import {
  ca,
  closed,
  connected,
  forPairs,
  it,
  keep,
  listening,
  makeClient,
  makeServer,
  modules,
  stopped,
  tcpClient,
  textOf,
  turns,
  until,
  watch,
} from './support.ts';

const life = [
  ...['lookup', 'connect', 'ready', 'secure', 'secureConnect', 'session'],
  ...['end', 'finish', 'error', 'close', 'timeout', 'drain'],
];
const serverLife = ['listening', 'connection', 'secureConnection', 'tlsClientError', 'error', 'close'];
/** What a side sees that the other has ended. */
const ending = ['end', 'finish', 'close(false)'];
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

forPairs('events', (tls) => {
  for (const maxVersion of versions) {
    it(`a client's come in order, with ${maxVersion}`, async () => {
      // Not within the listener: see below.
      const server = makeServer(tls, { maxVersion }, (socket) => void setImmediate(() => socket.end('hello')));
      const port = await listening(server);
      const client = keep(tls.connect({ host: 'localhost', family: 4, port, ca } as ConnectionOptions));
      const log = watch(client, life);
      client.resume();
      await closed(client);
      const established = maxVersion === 'TLSv1.2' ? ['session', 'secure'] : ['secure', 'session', 'session'];
      assert.deepEqual(log, ['lookup', 'connect', 'ready', 'secureConnect', ...established, ...ending]);
    });

    it(`a server's come in order, with ${maxVersion}`, async () => {
      const server = makeServer(tls, { maxVersion }, (socket) => {
        watch(socket, life, log, 'socket ');
        socket.resume();
      });
      const log = watch(server, serverLife);
      const port = await listening(server);
      const client = makeClient(tls, port);
      client.end('hello');
      client.resume();
      await closed(client);
      await stopped(server);
      const ofSocket = ending.map((event) => `socket ${event}`);
      assert.deepEqual(log, ['listening', 'connection', 'secureConnection', ...ofSocket, 'close']);
    });
  }

  it('the listener of connect() is called once, at secureConnect, and that of createServer() with the socket', async () => {
    const log: string[] = [];
    const server = makeServer(tls, {}, function (this: unknown, socket) {
      log.push(`server ${socket instanceof tls.TLSSocket} ${this === server}`);
    });
    const port = await listening(server);
    const client = keep(
      tls.connect(
        { host: '127.0.0.1', port, servername: 'localhost', rejectUnauthorized: false },
        function (this: unknown) {
          log.push(`client ${this === client}`);
        },
      ),
    );
    await until(() => log.length === 2);
    client.emit('secureConnect');
    assert.deepEqual(log.toSorted(), ['client true', 'server true true']);
  });

  it('listeners of secureConnect find the socket established, and may write and end at once', async () => {
    const server = makeServer(tls, {}, (socket) => socket.pipe(socket));
    const client = makeClient(tls, await listening(server));
    client.once('secureConnect', () => client.end(`${client.authorized} ${client.getProtocol()}`));
    assert.equal(await textOf(client), 'true TLSv1.3');
  });

  it('connecting and pending are true until TCP stands, and readyState tells how far it is', async () => {
    const port = await listening(makeServer(tls));
    const client = makeClient(tls, port);
    const states: unknown[] = [];
    const note = (): unknown =>
      states.push([client.connecting, client.pending, client.readyState, client.readable, client.writable]);
    note();
    client.once('connect', note);
    client.once('secureConnect', note);
    await once(client, 'secureConnect');
    client.destroy();
    note();
    await closed(client);
    note();
    assert.deepEqual(states, [
      [true, true, 'opening', true, true],
      [false, false, 'open', true, true],
      [false, false, 'open', true, true],
      [false, true, 'closed', false, false],
      [false, true, 'closed', false, false],
    ]);
  });
});

it('a server of Node’s, before 26, that writes and ends in its listener says no goodbye in TLS 1.3, and our client says so', async () => {
  const [[, node], [, own]] = modules as readonly [(typeof modules)[number], (typeof modules)[number]];
  const before26 = Number.parseInt(process.versions.node, 10) < 26;
  for (const [client, end] of [
    [node, ['end', 'close(false)']],
    [own, before26 ? ['error(ECONNRESET)', 'close(true)'] : ['end', 'close(false)']],
  ] as const) {
    const server = makeServer(node, {}, (socket) => socket.end('hello'));
    const socket = makeClient(client, await listening(server));
    const log = watch(socket, ['data', 'end', 'error', 'close']);
    await closed(socket);
    assert.deepEqual(log, ['data', ...end]);
  }
});

forPairs('ends', (tls, { differs }) => {
  const goesOut = (version: string, whose: 'client' | 'server'): boolean =>
    version === 'TLSv1.3' || differs('what goes out after the other side’s end, TLSv1.2', whose) === true;

  for (const maxVersion of versions) {
    it(`without allowHalfOpen the peer's end ends us, with ${maxVersion}`, async () => {
      const { client, server } = await connected(tls, { server: { maxVersion } });
      const log = watch(server, ['end', 'finish', 'error', 'close']);
      const clientLog = watch(client, ['end', 'finish', 'error', 'close']);
      server.resume();
      client.resume();
      client.end();
      await Promise.all([closed(client), closed(server)]);
      assert.deepEqual([log, clientLog], [ending, ['finish', 'end', 'close(false)']]);
    });

    it(`with allowHalfOpen a server answers after the client's end, with ${maxVersion}`, async () => {
      const { client, server } = await connected(tls, { server: { maxVersion, allowHalfOpen: true } });
      const log = watch(server, ['end', 'finish', 'error', 'close']);
      const got = textOf(client);
      client.end('question');
      assert.equal(await textOf(server), 'question');
      await turns();
      assert.deepEqual([server.allowHalfOpen, server.writable, log], [true, true, ['end']]);
      server.end('answer');
      assert.equal(await got, goesOut(maxVersion, 'server') ? 'answer' : '');
      await Promise.all([closed(client), closed(server)]);
      assert.deepEqual(log, ending);
    });

    it(`with allowHalfOpen a client goes on after the server's end, with ${maxVersion}`, async () => {
      const { client, server } = await connected(tls, {
        client: { allowHalfOpen: true } as object,
        server: { maxVersion },
      });
      const log = watch(client, ['end', 'finish', 'error', 'close']);
      const got = textOf(server);
      await turns(1);
      server.end('first');
      assert.equal(await textOf(client), 'first');
      await turns();
      assert.deepEqual([client.allowHalfOpen, client.writable, log], [true, true, ['end']]);
      client.end('last');
      assert.equal(await got, goesOut(maxVersion, 'client') ? 'last' : '');
      await Promise.all([closed(client), closed(server)]);
      assert.deepEqual(log, ending);
    });
  }

  it('end() takes data, an encoding and a callback, which is called at finish', async () => {
    const { client, server } = await connected(tls);
    const log = watch(client, ['finish']);
    const text = textOf(server);
    client.resume();
    assert.equal(
      client.end('6869', 'hex', () => log.push('callback')),
      client,
    );
    assert.equal(await text, 'hi');
    await closed(client);
    assert.deepEqual(log, ['callback', 'finish']);
  });

  it('end() before secureConnect waits for it, and sends what was written', async () => {
    const server = makeServer(tls);
    const port = await listening(server);
    const client = makeClient(tls, port);
    const log = watch(client, ['connect', 'secureConnect', 'finish', 'end', 'close']);
    client.resume();
    client.end('early');
    const [socket] = await once(server, 'secureConnection');
    assert.equal(await textOf(socket), 'early');
    await closed(client);
    assert.deepEqual(log, ['connect', 'secureConnect', 'finish', 'end', 'close(false)']);
  });

  it('end() a second time tells its callback that it is done already', async () => {
    const { client, server } = await connected(tls);
    server.resume();
    client.resume();
    const log: unknown[] = [];
    client.end(() => log.push('first'));
    client.end((error?: NodeJS.ErrnoException) => log.push(error?.code));
    await closed(client);
    client.end((error?: NodeJS.ErrnoException) => log.push(error?.code));
    await turns();
    assert.deepEqual(log, ['first', undefined, 'ERR_STREAM_ALREADY_FINISHED']);
  });

  it('write() after end() fails with ERR_STREAM_WRITE_AFTER_END, as an event and to the callback', async () => {
    const { client, server } = await connected(tls);
    server.resume();
    client.resume();
    const log = watch(client, ['error', 'close']);
    client.end();
    client.write('late', (error) => log.push(`callback ${(error as NodeJS.ErrnoException).code}`));
    await closed(client);
    const code = 'ERR_STREAM_WRITE_AFTER_END';
    assert.deepEqual(log, [`callback ${code}`, `error(${code})`, 'close(true)']);
  });

  it('destroySoon() closes once what was written has gone', async () => {
    const { client, server } = await connected(tls);
    const log = watch(server, ['finish', 'error', 'close']);
    const got = textOf(client);
    server.write('x'.repeat(300_000));
    server.destroySoon();
    assert.equal((await got).length, 300_000);
    await closed(server);
    assert.deepEqual(log, ['finish', 'close(false)']);
  });

  it('a server that ends in its listener, before it has read, loses nothing of what it says', async () => {
    const server = makeServer(tls, {}, (socket) => socket.end('x'.repeat(100_000)));
    const client = makeClient(tls, await listening(server));
    client.write('never read');
    assert.equal((await textOf(client)).length, 100_000);
  });
});

forPairs('destroy', (tls, { differs }) => {
  for (const [how, failure, dead] of [
    ['without an error', undefined, ['close(false)']],
    ['with an error', new Error('mine'), ['error(mine)', 'close(true)']],
  ] as const) {
    it(`at once, ${how}`, async () => {
      const server = makeServer(tls);
      const serverLog = watch(server, serverLife);
      const client = makeClient(tls, await listening(server));
      const log = watch(client, life);
      assert.equal(client.destroy(failure), client);
      assert.equal(client.destroyed, true);
      await closed(client);
      await turns();
      assert.deepEqual([log, client.errored ?? undefined, serverLog], [dead, failure, ['listening']]);
    });

    it(`while connecting, ${how}`, async () => {
      const client = makeClient(tls, await listening(makeServer(tls)));
      const log = watch(client, life);
      await new Promise<void>((resolve) => process.nextTick(resolve));
      client.destroy(failure);
      await closed(client);
      assert.deepEqual(log, dead);
    });

    it(`when TCP stands, ${how}`, async () => {
      const server = makeServer(tls);
      const serverLog = watch(server, serverLife);
      const client = makeClient(tls, await listening(server));
      const log = watch(client, life);
      client.once('connect', () => client.destroy(failure));
      await closed(client);
      await until(() => serverLog.length > 2);
      assert.deepEqual(log, ['connect', 'ready', ...dead]);
      assert.deepEqual(serverLog, ['listening', 'connection', 'tlsClientError(ECONNRESET)']);
    });

    it(`after the handshake, ${how}`, async () => {
      const { client, server } = await connected(tls);
      const log = watch(client, ['end', 'finish', 'error', 'close']);
      const serverLog = watch(server, ['end', 'finish', 'error', 'close']);
      server.resume();
      client.destroy(failure);
      await Promise.all([closed(client), closed(server)]);
      assert.deepEqual([log, serverLog], [dead, differs('the other side of destroy()', 'server')]);
    });
  }

  /** What a server and a client have heard once so many flights have passed. */
  const stages = [
    { maxVersion: 'TLSv1.3', flights: 0 },
    { maxVersion: 'TLSv1.3', flights: 1 },
    { maxVersion: 'TLSv1.3', flights: 2, client: true },
    { maxVersion: 'TLSv1.2', flights: 0 },
    { maxVersion: 'TLSv1.2', flights: 1 },
    { maxVersion: 'TLSv1.2', flights: 2 },
    { maxVersion: 'TLSv1.2', flights: 3, server: true },
  ] as const;

  for (const { maxVersion, flights, ...done } of stages) {
    const connectedLog = ['connect', 'ready', ...('client' in done ? ['secureConnect', 'secure'] : [])];
    const expectedServerLog = ['server' in done ? 'secureConnection' : 'tlsClientError(ECONNRESET)'];

    it(`of a client after ${flights} flights of ${maxVersion}: ECONNRESET at the server`, async () => {
      const server = makeServer(tls, { maxVersion });
      const serverLog = watch(server, ['secureConnection', 'tlsClientError', 'error']);
      server.on('secureConnection', (socket) => socket.on('error', () => undefined));
      const { port, held } = await relayTo(await listening(server), flights);
      const client = makeClient(tls, port);
      const log = watch(client, life);
      await held;
      client.destroy();
      await closed(client);
      await until(() => serverLog.length > 0);
      await turns();
      assert.deepEqual([log, serverLog], [[...connectedLog, 'close(false)'], expectedServerLog]);
    });

    it(`of a server's socket after ${flights} flights of ${maxVersion}: ECONNRESET at the client`, async () => {
      const server = makeServer(tls, { maxVersion });
      const serverLog = watch(server, ['secureConnection', 'tlsClientError', 'error']);
      server.on('secureConnection', (socket) => socket.on('error', () => undefined));
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const { port, held } = await relayTo(await listening(server), flights);
      const client = makeClient(tls, port);
      const log = watch(client, life);
      client.resume();
      await held;
      const [socket] = await accepted;
      socket.destroy();
      await closed(client);
      await turns();
      const cut = differs(
        'client' in done ? 'a connection that is cut' : 'a connection that is cut in its handshake',
        'client',
      ) as string[];
      assert.deepEqual([log, serverLog], [[...connectedLog, ...cut], expectedServerLog]);
    });
  }

  it('in a write: each callback is called once, with an error', async () => {
    const { client, server } = await connected(tls);
    server.on('error', () => undefined).pause();
    const codes: unknown[] = [];
    // More than the buffers of both kernels hold: else the first one is done before it can be cancelled.
    for (const length of [16_000_000, 1, 1]) {
      client.write(Buffer.alloc(length), (error) => codes.push((error as NodeJS.ErrnoException | null)?.code));
    }
    client.destroy();
    await closed(client);
    await turns();
    assert.deepEqual(codes, ['ECANCELED', 'ECANCELED', 'ECANCELED']);
  });

  it('before the handshake with something written: its callback gets an error', async () => {
    const client = makeClient(tls, await listening(makeServer(tls)));
    const codes: unknown[] = [];
    client.write('x', (error) => codes.push((error as NodeJS.ErrnoException | null)?.code));
    client.end((error?: NodeJS.ErrnoException) => codes.push(`end ${error?.code}`));
    client.destroy();
    await closed(client);
    await turns();
    assert.deepEqual(codes, ['ERR_SOCKET_CLOSED_BEFORE_CONNECTION', 'end ERR_SOCKET_CLOSED_BEFORE_CONNECTION']);
  });

  it('a second time does nothing', async () => {
    const { client, server } = await connected(tls);
    server.on('error', () => undefined);
    const log = watch(client, ['error', 'close']);
    client.destroy();
    client.destroy(new Error('late'));
    await closed(client);
    client.destroy(new Error('later'));
    await turns();
    assert.deepEqual(log, ['close(false)']);
  });

  it('write() after it fails with ERR_STREAM_DESTROYED to the callback, and no event', async () => {
    const { client, server } = await connected(tls);
    server.on('error', () => undefined);
    const log = watch(client, ['error', 'close']);
    client.destroy();
    client.write('late', (error) => log.push(`callback ${(error as NodeJS.ErrnoException).code}`));
    await closed(client);
    await turns();
    assert.deepEqual(log.toSorted(), ['callback ERR_STREAM_DESTROYED', 'close(false)']);
  });

  it('resetAndDestroy() resets TCP', async () => {
    const { client, server } = await connected(tls);
    const log = watch(server, ['error', 'close']);
    server.resume();
    await turns();
    try {
      client.resetAndDestroy();
      await closed(server);
    } catch (error) {
      log.push((error as NodeJS.ErrnoException).code ?? '');
    }
    assert.deepEqual(log, differs('resetAndDestroy()', 'client'));
  });
});

forPairs('what is left', (tls) => {
  const handles = (): readonly string[] =>
    process
      .getActiveResourcesInfo()
      .filter((name) => !['Immediate', 'PipeWrap', 'TTYWrap'].includes(name))
      .toSorted();

  for (const [how, run] of [
    [
      'an orderly connection',
      async (): Promise<void> => {
        const { client, server, listener } = await connected(tls);
        client.resume();
        server.resume();
        client.end();
        await Promise.all([closed(client), closed(server)]);
        await stopped(listener);
      },
    ],
    [
      'a refused certificate',
      async (): Promise<void> => {
        const server = makeServer(tls);
        const refused = once(server, 'tlsClientError');
        const client = makeClient(tls, await listening(server), { servername: 'other.example' });
        client.on('error', () => undefined);
        await closed(client);
        await Promise.race([refused, turns(20)]);
        await stopped(server);
      },
    ],
    [
      'a client destroyed while connecting',
      async (): Promise<void> => {
        const server = makeServer(tls);
        const client = makeClient(tls, await listening(server));
        client.destroy();
        await closed(client);
        await stopped(server);
      },
    ],
    [
      'a server closed while a handshake waits',
      async (): Promise<void> => {
        const server = makeServer(tls);
        server.on('tlsClientError', () => undefined);
        const silent = tcpClient(await listening(server));
        await once(server, 'connection');
        const over = stopped(server);
        silent.destroy();
        await over;
      },
    ],
  ] as const) {
    it(`${how} leaves no handle and no timer`, async () => {
      await until(() => handles().length === 0, 'earlier tests');
      await run();
      await turns();
      assert.deepEqual(handles(), []);
    });
  }

  it('server.close() waits for connections, and calls back', async () => {
    const { client, server, listener } = await connected(tls);
    const log = watch(listener, ['close']);
    listener.close((error) => log.push(`callback ${error}`));
    await turns();
    assert.deepEqual([log, listener.listening], [[], false]);
    server.resume();
    client.resume();
    client.end();
    await until(() => log.length > 1);
    assert.deepEqual(log, ['close', 'callback undefined']);
  });

  it('getConnections() counts', async () => {
    const { listener, client, server } = await connected(tls);
    const count = (): Promise<number> =>
      new Promise((resolve, reject) => listener.getConnections((error, n) => (error ? reject(error) : resolve(n))));
    assert.equal(await count(), 1);
    server.resume();
    client.destroy();
    server.on('error', () => undefined);
    await closed(server);
    await turns();
    assert.equal(await count(), 0);
  });

  it('a connection beyond maxConnections is dropped with an event', async () => {
    const { listener } = await connected(tls);
    listener.maxConnections = 1;
    const log = watch(listener, ['drop', 'connection']);
    const client = makeClient(tls, (listener.address() as { port: number }).port);
    const clientLog = watch(client, ['error', 'close']);
    await closed(client);
    assert.deepEqual([log, clientLog], [['drop'], ['error(ECONNRESET)', 'close(true)']]);
  });

  it('sockets are of net.Socket and of TLSSocket', async () => {
    const { client, server, listener } = await connected(tls);
    assert.ok((server as { server?: unknown }).server === listener, 'socket.server is the server');
    for (const socket of [client, server]) {
      assert.ok(socket instanceof Socket);
      assert.ok(socket instanceof tls.TLSSocket);
      assert.equal(socket.encrypted, true);
    }
  });
});
