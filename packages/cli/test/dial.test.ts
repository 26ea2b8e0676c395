import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { parseProxy } from '../src/dial.ts';
import { finish } from './support/io.ts';
import { deadPort, type Listening, tcpServer, tlsServer } from './support/net.ts';
import { makePki, type Pki } from './support/pki.ts';

let pki: Pki;
let target: Listening<Awaited<ReturnType<typeof tlsServer>>['server']>;
before(async () => {
  pki = await makePki();
  target = await tlsServer({ credentials: [pki.server] });
});
after(() => {
  target.close();
  pki.remove();
});

/** Reads up to where `complete` says how much it wanted. */
async function read(socket: Socket, complete: (bytes: Buffer) => boolean): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (!complete(bytes)) {
    await new Promise((resolve) => socket.once('readable', resolve));
    const chunk: Buffer | null = socket.read();
    if (chunk !== null) bytes = Buffer.concat([bytes, chunk]);
  }
  return bytes;
}

function tunnel(socket: Socket, port: number): void {
  const onward = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  onward.on('error', () => socket.destroy());
  socket.pipe(onward);
  onward.pipe(socket);
}

/** A CONNECT proxy: what it was asked is kept. */
async function httpProxy(
  answer: string,
): Promise<Listening<Awaited<ReturnType<typeof tcpServer>>['server']> & { readonly asked: string[] }> {
  const asked: string[] = [];
  const proxy = await tcpServer((socket) => {
    void read(socket, (bytes) => bytes.includes('\r\n\r\n')).then((head) => {
      asked.push(head.toString());
      socket.write(answer);
      if (answer.startsWith('HTTP/1.1 200')) tunnel(socket, target.port);
      else socket.end();
    });
  });
  return { ...proxy, asked };
}

/** A SOCKS 5 proxy that wants `u:p` where `password` is set, and answers with `reply`. */
async function socksProxy(
  reply: number,
  password: boolean,
): Promise<Listening<Awaited<ReturnType<typeof tcpServer>>['server']> & { readonly asked: Buffer[] }> {
  const asked: Buffer[] = [];
  const proxy = await tcpServer((socket) => {
    void (async () => {
      const [, count = 0, ...methods] = await read(
        socket,
        (bytes) => bytes.length >= 2 && bytes.length >= 2 + (bytes[1] ?? 0),
      );
      assert.equal(methods.length, count);
      if (password && !methods.includes(2)) return void socket.end(Buffer.from([5, 0xff]));
      socket.write(Buffer.from([5, password ? 2 : 0]));
      if (password) {
        const given = await read(socket, (bytes) => bytes.length >= 5);
        const good = given.equals(Buffer.from('\x01\x01u\x01p', 'latin1'));
        socket.write(Buffer.from([1, good ? 0 : 1]));
        if (!good) return void socket.end();
      }
      asked.push(await read(socket, (bytes) => bytes.length >= 10));
      socket.write(Buffer.from([5, reply, 0, 3, 4, ...Buffer.from('name'), 0, 0]));
      if (reply === 0) tunnel(socket, target.port);
      else socket.end();
    })();
  });
  return { ...proxy, asked };
}

const through = (proxy: string, host = `127.0.0.1:${target.port}`): ReturnType<typeof finish> =>
  finish(['connect', host, '--proxy', proxy, '--ca', pki.path('ca.pem')], 'tunnelled');

describe('an HTTP proxy', () => {
  test('is asked to CONNECT, with the user and password', async () => {
    const proxy = await httpProxy('HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n');
    try {
      const { exitCode, stdout } = await through(`http://us%65r:p%40ss@${proxy.at}`);
      assert.equal(stdout.text, 'tunnelled');
      assert.equal(exitCode, 0);
      const basic = Buffer.from('user:p@ss').toString('base64');
      const authority = `127.0.0.1:${target.port}`;
      assert.deepEqual(proxy.asked, [
        `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`,
      ]);
    } finally {
      proxy.close();
    }
  });

  for (const [what, answer, message] of [
    ['that refuses', 'HTTP/1.1 403 Forbidden\r\n\r\n', /refused to connect to .*: "HTTP\/1\.1 403 Forbidden"/],
    ['that wants a password', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', /USER:PASSWORD/],
    ['that does not speak HTTP', 'what?\r\n\r\n', /does not answer as HTTP does: "what\?"/],
    ['that never ends its answer', 'x'.repeat(20_000), /without/],
  ] as const) {
    test(`${what} ends with 3`, async () => {
      const proxy = await httpProxy(answer);
      try {
        const { exitCode, stderr } = await through(`http://${proxy.at}`);
        assert.match(stderr.text, message);
        assert.equal(exitCode, 3);
      } finally {
        proxy.close();
      }
    });
  }
});

describe('a SOCKS 5 proxy', () => {
  test('gets an address with socks5, a name with socks5h', async () => {
    const proxy = await socksProxy(0, false);
    const [high, low] = [target.port >> 8, target.port & 0xff];
    try {
      const near = await through(`socks5://${proxy.at}`);
      assert.equal(near.stdout.text, 'tunnelled');
      const far = await through(`socks5h://${proxy.at}`, `localhost:${target.port}`);
      assert.equal(far.stdout.text, 'tunnelled');
      assert.deepEqual(proxy.asked, [
        Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, high, low]),
        Buffer.from([5, 1, 0, 3, 9, ...Buffer.from('localhost'), high, low]),
      ]);
    } finally {
      proxy.close();
    }
  });

  test('gets user and password where it asks for them', async () => {
    const proxy = await socksProxy(0, true);
    try {
      assert.equal((await through(`socks5://u:p@${proxy.at}`)).exitCode, 0);
      const wrong = await through(`socks5://u:q@${proxy.at}`);
      assert.match(wrong.stderr.text, /refused the user and password/);
      assert.equal(wrong.exitCode, 3);
      const none = await through(`socks5://${proxy.at}`);
      assert.match(none.stderr.text, /none of our ways to authenticate/);
      assert.equal(none.exitCode, 3);
    } finally {
      proxy.close();
    }
  });

  test('that refuses ends with 3 and says why', async () => {
    const proxy = await socksProxy(5, false);
    try {
      const { exitCode, stderr } = await through(`socks5://${proxy.at}`);
      assert.match(stderr.text, /connection refused/);
      assert.equal(exitCode, 3);
    } finally {
      proxy.close();
    }
  });
});

test('a proxy that is not there ends with 3, and is named as the proxy', async () => {
  const { exitCode, stderr } = await through(`http://127.0.0.1:${await deadPort()}`);
  assert.match(stderr.text, /cannot connect to the proxy 127\.0\.0\.1:\d+: ECONNREFUSED/);
  assert.equal(exitCode, 3);
});

test('a proxy’s URL is read with its default port, its brackets and its escapes', () => {
  assert.deepEqual(parseProxy('http://proxy'), { kind: 'http', host: 'proxy', port: 3128, user: '', password: '' });
  assert.deepEqual(parseProxy('http://proxy:80'), { kind: 'http', host: 'proxy', port: 80, user: '', password: '' });
  assert.deepEqual(parseProxy('socks5h://a:b@[::1]'), {
    kind: 'socks5h',
    host: '::1',
    port: 1080,
    user: 'a',
    password: 'b',
  });
});
