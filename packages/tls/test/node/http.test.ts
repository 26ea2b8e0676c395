/**
 * HTTP over TLS: node's own parsing and answering, and the mark of what came early (RFC 8470).
 *
 * @module
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { toPem } from '@handfast/x509';
import type { TlsError } from '../../src/index.ts';
import {
  createHttpsServer,
  type HttpsServer,
  type HttpsServerOptions,
  handshakeDone,
  refuseEarlyData,
  TLSSocket,
} from '../../src/node/index.ts';
import { makeCredential, pki, serverCredential } from '../support/identities.ts';
import {
  closed,
  type Early,
  listening,
  read,
  serverOptions,
  turns,
  untilTheEnd,
  type Visitor,
  visitor,
} from './returning.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

interface Place {
  readonly server: HttpsServer;
  readonly port: number;
  readonly client: Visitor;
}

/** A server that takes every request early, and a client that was there before. */
async function place(listener: Listener, options: HttpsServerOptions = {}): Promise<Place> {
  const server = createHttpsServer(
    { ...serverOptions(), earlyRequests: () => true, ...options },
    (request, response) => {
      response.sendDate = false;
      listener(request, response);
    },
  );
  server.on('connection', untilTheEnd);
  const port = await listening(server);
  return { server, port, client: await visitor(port, { ALPNProtocols: ['http/1.1'] }) };
}

/** Says what it was asked, and whether it was marked. */
const echo: Listener = ({ method, url, headers }, response) => {
  response.end(`${method} ${url} ${headers['early-data'] ?? 'unmarked'}`);
};

const get = (path: string, ...lines: readonly string[]): string =>
  ['GET ', path, ' HTTP/1.1\r\nHost: localhost\r\n', ...lines.map((line) => `${line}\r\n`), '\r\n'].join('');

/** An answer of node's, without a Date. */
const answer = (body: string): string =>
  `HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const tooEarly =
  'HTTP/1.1 425 Too Early\r\nCache-Control: no-store\r\nContent-Length: 0\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n';

/** What comes is just this. */
async function reads({ socket }: Pick<Early, 'socket'>, expected: string): Promise<void> {
  assert.equal(await read(socket, expected.length), expected);
}

describe('an HTTPS server', { timeout: 20_000 }, () => {
  it('speaks HTTP/1.1 with the client of node:https, one request after the other on a connection', async () => {
    const connections = new Set<unknown>();
    const { port } = await place(async (request, response) => {
      connections.add(request.socket);
      response.end(`${request.url}: ${await text(request)}`);
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ca = toPem('CERTIFICATE', pki.root.raw);
    const target = { port, host: '127.0.0.1', servername: 'localhost', ca, agent, ALPNProtocols: ['http/1.1'] };
    for (const path of ['/one', '/two']) {
      const request = httpsRequest({ ...target, path, method: 'POST' });
      request.end('a body');
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      assert.equal(await text(response), `${path}: a body`);
    }
    agent.destroy();
    const [socket, ...others] = connections;
    assert.ok(socket instanceof TLSSocket);
    assert.deepEqual([socket.alpnProtocol, others], ['http/1.1', []]);
  });

  it('closeAllConnections ends what has not finished its handshake, too', async () => {
    const { server, port } = await place(echo);
    const silent = connectTcp(port, '127.0.0.1').on('error', () => undefined);
    const left = once(server, 'tlsClientError');
    const ended = closed(silent.resume());
    await once(silent, 'connect');
    silent.write(Buffer.of(0x16)); // the first byte of a handshake
    const done = once(server.close(), 'close');
    while ((await connectionsOf(server)) === 0) await turns(1);
    server.closeAllConnections();
    await Promise.all([left, ended, done]);
  });

  it('asks and tells what a TLS server does, where somebody listens, and takes another certificate', async () => {
    const { server, port } = await place(echo);
    server.once(
      'OCSPRequest',
      (certificate: Buffer, issuer: Buffer | null, done: (e: null, staple: Buffer) => void) => {
        assert.deepEqual([certificate.length, issuer], [serverCredential.chain[0]?.raw.length, null]);
        done(null, Buffer.from('stapled'));
      },
    );
    const lines = new Set<string>();
    server.on('keylog', (line: Buffer) => lines.add(line.toString('latin1').split(' ', 1)[0] ?? ''));
    const visit = async (): Promise<[string, unknown]> => {
      const target = { port, host: '127.0.0.1', servername: 'localhost', ca: toPem('CERTIFICATE', pki.root.raw) };
      const socket = connectTls({ ...target, requestOCSP: true });
      const [[staple]] = await Promise.all([once(socket, 'OCSPResponse'), once(socket, 'secureConnect')]);
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return [serialNumber, staple?.toString('latin1')];
    };
    const [first, staple] = await visit();
    assert.deepEqual([staple, lines.has('SERVER_HANDSHAKE_TRAFFIC_SECRET')], ['stapled', true]);
    const other = await makeCredential();
    server.setSecureContext({ credentials: [other] });
    const [second, none] = await visit();
    assert.deepEqual([second === first, none], [false, undefined]);
  });

  it('has what an http.Server has: address, close, timeouts, idle connections', async () => {
    const { server, client } = await place(echo, { keepAliveTimeout: 7_000 });
    const socket = client.come();
    socket.write(get('/'));
    await reads({ socket }, answer('GET / unmarked').replace('timeout=5', 'timeout=7'));
    const stopped = once(server, 'close');
    server.close();
    await Promise.all([stopped, once(socket, 'error')]);
    assert.equal(server.listening, false);
  });

  it('is told by its connections when nothing passes', async () => {
    const { server, client } = await place(echo);
    server.timeout = 5;
    const timedOut = once(server, 'timeout') as Promise<[TLSSocket]>;
    const socket = client.come();
    const [idle] = await timedOut;
    assert.ok(idle instanceof TLSSocket);
    assert.equal(idle.destroyed, false);
    server.removeAllListeners('timeout');
    socket.on('error', () => {});
    idle.setTimeout(5);
    await closed(idle);
  });

  it('destroys a connection after its last answer, whether or not the client ends it', async () => {
    const { server, client } = await place(echo);
    const connected = once(server, 'connection') as Promise<[TLSSocket]>;
    const socket = client.come({ allowHalfOpen: true });
    socket.write(get('/', 'Connection: close'));
    const [peer] = await connected;
    await reads({ socket }, 'HTTP/1.1 200 OK\r\nConnection: close\r\n');
    await closed(peer);
    assert.equal(peer.errored, null);
  });

  it('answers a client that has ended its side, with httpAllowHalfOpen', async () => {
    const { server, client } = await place(async (request, response) => {
      await once(request.socket, 'end');
      await turns(1);
      echo(request, response);
    });
    Object.assign(server, { httpAllowHalfOpen: true });
    const socket = client.come({ allowHalfOpen: true });
    socket.end(get('/'));
    assert.match(await read(socket, 'GET / unmarked'), /^HTTP\/1\.1 200 OK\r\n/);
  });

  it('tells of handshakes that failed, and speaks over any Duplex', async () => {
    const { server } = await place(echo);
    const [ours, theirs] = duplexPair();
    const told = once(server, 'tlsClientError') as Promise<[TlsError, TLSSocket]>;
    server.emit('connection', theirs);
    ours.end('GET / HTTP/1.1\r\n\r\n');
    const [error, socket] = await told;
    assert.equal(error.tlsCode, 'not_tls');
    assert.ok(socket instanceof TLSSocket);
    untilTheEnd(ours);
  });

  it('refuses options that cannot be used', () => {
    assert.throws(() => createHttpsServer({ groups: [] }), { code: 'ERR_TLS_CONFIG', option: 'groups' });
    assert.throws(() => createHttpsServer({ ...serverOptions(), maxHeaderSize: -1 }), { code: 'ERR_OUT_OF_RANGE' });
  });
});

describe('early data in HTTP', { timeout: 20_000 }, () => {
  it('a request is marked, and answered before its client has finished the handshake', async () => {
    const seen: unknown[] = [];
    const { client } = await place((request, response) => {
      const { socket, rawHeaders, headersDistinct } = request;
      seen.push((socket as unknown as TLSSocket).handshakeDone, rawHeaders, headersDistinct['early-data']);
      echo(request, response);
    });
    const early = await client.comeEarly(get('/news', 'Accept: */*'));
    await reads(early, answer('GET /news 1'));
    assert.deepEqual(seen, [false, ['Host', 'localhost', 'Accept', '*/*', 'Early-Data', '1'], ['1']]);
  });

  it('a request that earlyRequests says no to waits for the handshake, and is not marked', async () => {
    const asked: (string | undefined)[] = [];
    const earlyRequests = ({ url }: IncomingMessage): boolean => {
      asked.push(url);
      return url === '/news';
    };
    const { server, client } = await place(echo, { earlyRequests });
    const done = once(server, 'secureConnection');
    const early = await client.comeEarly(get('/news') + get('/pay'));
    await reads(early, answer('GET /news 1'));
    await turns(3);
    assert.deepEqual(asked, ['/news', '/pay']);
    early.release();
    await done;
    await reads(early, answer('GET /pay unmarked'));
  });

  it('a request that waits is dropped with its connection', async () => {
    const seen: unknown[] = [];
    const { server, client } = await place(({ url }) => seen.push(url), { earlyRequests: () => false });
    const connected = once(server, 'connection') as Promise<[TLSSocket]>;
    await client.comeEarly(get('/pay'));
    const [socket] = await connected;
    await turns(2);
    socket.destroy();
    await closed(socket);
    assert.deepEqual(seen, []);
  });

  it('without earlyRequests nothing is given to HTTP before the handshake is done', async () => {
    const server = createHttpsServer(serverOptions(), echo);
    server.on('connection', untilTheEnd);
    const port = await listening(server);
    const client = await visitor(port, { ALPNProtocols: ['http/1.1'] });
    let speaking = 0;
    server.on('connection', () => speaking++);
    const early = await client.comeEarly(get('/news'));
    await turns(3);
    assert.equal(speaking, 0);
    early.release();
    assert.match(await read(early.socket, 'GET /news unmarked'), /GET \/news unmarked$/);
    assert.equal(speaking, 1);
  });

  it('what follows on the connection after the handshake is not marked', async () => {
    const { server, client } = await place(echo);
    const done = once(server, 'secureConnection');
    const early = await client.comeEarly(get('/1'));
    await reads(early, answer('GET /1 1'));
    early.release();
    await done;
    for (const path of ['/2', '/3']) {
      early.socket.write(get(path));
      await reads(early, answer(`GET ${path} unmarked`));
    }
  });

  it('pipelined requests are answered in order, each marked if it came early', async () => {
    const waiting: (() => void)[] = [];
    const { server, client } = await place((request, response) => {
      waiting.push(() => echo(request, response));
      if (waiting.length === 4) for (const one of waiting.reverse()) one();
    });
    const done = once(server, 'secureConnection');
    const early = await client.comeEarly(get('/1') + get('/2') + get('/3'));
    await once(early.socket, 'secureConnect');
    early.socket.write(get('/4'));
    early.release();
    await done;
    await reads(early, ['1 1', '2 1', '3 1', '4 unmarked'].map((what) => answer(`GET /${what}`)).join(''));
  });

  it('a request whose head ends after the handshake is not marked: nobody could act on what came early', async () => {
    const { server, client } = await place(echo);
    const done = once(server, 'secureConnection');
    const whole = get('/split', 'X-Long: abcdef');
    const early = await client.comeEarly(whole.slice(0, -2));
    await once(early.socket, 'secureConnect');
    early.release();
    await done;
    early.socket.write(whole.slice(-2));
    await reads(early, answer('GET /split unmarked'));
  });

  it('a request whose head came early is marked, and its body may come later', async () => {
    const { client } = await place(async (request, response) => {
      response.end(`${request.headers['early-data']} ${await text(request)}`);
    });
    const early = await client.comeEarly('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nearly');
    await once(early.socket, 'secureConnect');
    early.release();
    early.socket.write(' late');
    await reads(early, answer('1 early late'));
  });

  for (const [what, lines] of [
    ['none', []],
    ['one', ['Early-Data: 1']],
    ['several', ['Early-Data: 1', 'X-Between: 2', 'early-data: 1']],
    ['other values', ['EARLY-DATA: yes, 0', 'X-Between: 2']],
    ['an empty one', ['Early-Data:']],
  ] as const) {
    it(`of marks that came with a request there is one, and it is 1: ${what}`, async () => {
      const { client } = await place(({ headers, headersDistinct, rawHeaders }, response) => {
        response.end(JSON.stringify([headers['early-data'], headersDistinct['early-data'], rawHeaders]));
      });
      const others = lines.some((line) => line.startsWith('X')) ? ['X-Between', '2'] : [];
      const marked = JSON.stringify(['1', ['1'], ['Host', 'localhost', ...others, 'Early-Data', '1']]);
      const early = await client.comeEarly(get('/', ...lines));
      await reads(early, answer(marked));

      // A gateway’s stays when there is nothing early about its own connection.
      const socket = client.come({ earlyData: 0 });
      socket.write(get('/', ...lines));
      await reads({ socket }, answer(lines.length > 0 ? marked : JSON.stringify([null, null, ['Host', 'localhost']])));
    });
  }

  it('refuseEarlyData answers 425, and the request goes through after the handshake on the same connection', async () => {
    const refusals: boolean[] = [];
    const { server, client } = await place(async (request, response) => {
      response.setHeader('Cache-Control', 'max-age=3600');
      const refused = refuseEarlyData(request, response);
      refusals.push(refused);
      if (refused) return;
      response.removeHeader('Cache-Control');
      response.end(`paid ${await text(request)}`);
    });
    const done = once(server, 'secureConnection');
    const post = 'POST /pay HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n5 euro';
    const early = await client.comeEarly(post);
    await reads(early, tooEarly);
    early.release();
    await done;
    early.socket.write(post);
    await reads(early, answer('paid 5 euro'));
    assert.deepEqual(refusals, [true, false]);
  });

  it('refuseEarlyData refuses what a gateway marked at any time, also at a server of node:http', async () => {
    const listener: Listener = (request, response) => {
      response.sendDate = false;
      if (!refuseEarlyData(request, response)) response.end('done');
    };
    const { client } = await place(listener);
    const socket = client.come({ earlyData: 0 });
    const plain = createPlainServer(listener);
    const tcp = untilTheEnd(connectTcp(await listening(plain), '127.0.0.1'));
    for (const one of [socket, tcp]) {
      one.write(get('/', 'Early-Data: 1') + get('/'));
      assert.equal(await read(one, (tooEarly + answer('done')).length), tooEarly + answer('done'));
    }
  });

  it('handshakeDone waits for the client, and what is not a gateway’s is not refused then', async (test) => {
    const said: string[] = [];
    const warned = (warning: Error): void => void said.push(warning.message);
    process.on('warning', warned);
    test.after(() => process.off('warning', warned));
    const { client } = await place(async (request, response) => {
      said.push(`${request.url} came`);
      await handshakeDone(request);
      if (refuseEarlyData(request, response)) return;
      said.push(`${request.url} is done`);
      echo(request, response);
    });
    const paths = Array.from({ length: 12 }, (_, index) => `/${index}`);
    const early = await client.comeEarly(paths.map((path) => get(path)).join('') + get('/gateway', 'Early-Data: 1'));
    await once(early.socket, 'secureConnect');
    await turns();
    assert.deepEqual(
      said,
      [...paths, '/gateway'].map((path) => `${path} came`),
    );
    early.release();
    await reads(early, paths.map((path) => answer(`GET ${path} 1`)).join('') + tooEarly);
    early.socket.write(get('/later'));
    await reads(early, answer('GET /later unmarked'));
  });

  it('handshakeDone rejects where the connection ends before: with its error, or as closed', async () => {
    const requests: IncomingMessage[] = [];
    const { server, client } = await place((request) => requests.push(request));
    server.on('tlsClientError', () => {});
    const come = async (count: number): Promise<readonly [Early, IncomingMessage]> => {
      const early = await client.comeEarly(get('/'));
      early.socket.on('error', () => {}).resume();
      await once(early.socket, 'secureConnect');
      while (requests.length < count) await turns(1);
      return [early, requests[count - 1] ?? assert.fail('no request came')];
    };
    const [{ socket }, left] = await come(1);
    const lost = assert.rejects(handshakeDone(left), { tlsCode: 'truncated' });
    socket.destroy();
    await lost;

    const [, refused] = await come(2);
    const closes = assert.rejects(handshakeDone(refused), { tlsCode: 'closed' });
    refused.destroy();
    await closes;
  });

  it('handshakeDone rejects at once where the connection has ended', async () => {
    const came: IncomingMessage[] = [];
    const { client } = await place((request) => came.push(request.destroy()));
    const { socket } = await client.comeEarly(get('/'));
    await closed(socket.on('error', () => {}).resume());
    const [request] = came;
    assert.ok(request?.socket.closed);
    await assert.rejects(handshakeDone(request), {
      tlsCode: 'closed',
      message: 'the connection was closed before its handshake was done',
    });
  });

  it('handshakeDone is at once for what did not come early, whoever’s server it is', async () => {
    const listener: Listener = async (request, response) => {
      await handshakeDone(request);
      response.end('done');
    };
    const { client } = await place(listener);
    const socket = client.come({ earlyData: 0 });
    const tcp = untilTheEnd(connectTcp(await listening(createPlainServer(listener)), '127.0.0.1'));
    for (const one of [socket, tcp]) {
      one.write(get('/'));
      assert.match(await read(one, 'done'), /^HTTP\/1\.1 200 OK\r\n/);
    }
  });

  it('a last answer is given early, and the connection ends when the handshake is done', async () => {
    const { client } = await place(echo);
    const early = await client.comeEarly(get('/', 'Connection: close'));
    await reads(early, 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\nGET / 1');
    assert.equal(early.socket.readableEnded, false);
    const ended = once(early.socket, 'end');
    early.release();
    early.socket.resume();
    await ended;
    assert.equal(early.socket.errored, null);
  });

  it('requests that ask to go on, or to change the protocol, are marked as well', async () => {
    const { server, client } = await place(echo);
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      response.sendDate = false;
      assert.equal(refuseEarlyData(request, response), true);
    });
    server.on('upgrade', (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
      socket.end(`${request.headers['early-data']} ${head}`);
    });
    const asking = 'POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n';
    await reads(await client.comeEarly(asking), tooEarly.slice(0, tooEarly.indexOf('Connection')));
    const changing = get('/', 'Connection: Upgrade', 'Upgrade: websocket');
    await reads(await client.comeEarly(`${changing}head`), '1 head');
  });

  it('a body that nobody reads does not keep the handshake from ending', async () => {
    const limit = 1_000_000;
    const { earlyData } = serverOptions();
    const { client } = await place(
      async (request, response) => {
        await handshakeDone(request);
        response.end(String((await text(request)).length));
      },
      earlyData && { earlyData: { ...earlyData, limit } },
    );
    const head = `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${limit}\r\n\r\n`;
    const whole = Buffer.concat([Buffer.from(head), Buffer.alloc(limit, 'a')]);
    const early = await client.comeEarly(whole);
    assert.equal(early.written, limit);
    early.release();
    early.socket.write(whole.subarray(limit));
    await reads(early, answer(String(limit)));
  });

  it('a listener that throws is an uncaught exception, as with node:http, and breaks nothing else', async () => {
    const uncaught: string[] = [];
    const { server, client } = await place((request, response) => {
      if (request.url === '/throw') throw new Error('the listener failed');
      echo(request, response);
    });
    process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error.message));
    try {
      const first = await client.comeEarly(get('/throw'));
      while (uncaught.length < 1) await turns(1);
      const second = await client.comeEarly(get('/1'));
      await reads(second, answer('GET /1 1'));
      for (const early of [first, second]) {
        const done = once(server, 'secureConnection');
        early.release();
        await done;
      }
      second.socket.write(get('/throw'));
      while (uncaught.length < 2) await turns(1);
      const third = client.come();
      third.write(get('/2'));
      await reads({ socket: third }, answer('GET /2 unmarked'));
    } finally {
      process.setUncaughtExceptionCaptureCallback(null);
    }
    assert.deepEqual(uncaught, ['the listener failed', 'the listener failed']);
  });

  it('bad requests are answered 400 early, as ever', async () => {
    const { client } = await place(() => assert.fail('it is no request'));
    const early = await client.comeEarly('GARBAGE\r\n\r\n');
    await reads(early, 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });

  it('rejected early data that is sent again is not marked', async () => {
    const replay = { window: 10_000, claim: () => false };
    const { client } = await place(echo, { earlyData: { replay } });
    const early = await client.comeEarly(get('/'));
    await once(early.socket, 'secureConnect');
    early.release();
    early.socket.write(early.socket.takeRejectedEarlyData() ?? assert.fail('it was taken'));
    await reads(early, answer('GET / unmarked'));
  });
});

function connectionsOf(server: HttpsServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}
