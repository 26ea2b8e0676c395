import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { createServer as createTlsServer } from '@handfast/tls/node';
import { issueRoot, toPem } from '@handfast/x509';
import { ValidationFailure } from '../../../src/acme/validation/challenge.ts';
import { type Http01Options, http01 } from '../../../src/acme/validation/http-01.ts';
import { opened } from '../support/opened.ts';

const token = 'a-token';
const keyAuthorization = `${token}.thumbprint`;
const path = `/.well-known/acme-challenge/${token}`;
const never = new AbortController().signal;

interface Listening extends AsyncDisposable {
  readonly port: number;
}

async function listening(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const web = (listener: RequestListener): Promise<Listening> => listening(createServer(listener));

function validate(
  port: number,
  options: Partial<Http01Options> = {},
  value = 'app.test',
  signal = never,
): Promise<void> {
  const targets = { dev: true, resolve: async () => ['127.0.0.1'], ...options.targets };
  const challenge = http01({ port, timeoutMs: 5000, ...options, targets });
  const type = /^[\d.]+$/.test(value) ? 'ip' : 'dns';
  return challenge.validate({ identifier: { type, value }, token, keyAuthorization, signal });
}

async function failing(work: Promise<void>): Promise<readonly [type: string, detail: string]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ValidationFailure) return [error.type, error.detail];
    throw error;
  }
  return assert.fail('it was validated');
}

const words = {
  timeout: 'the validation took too long',
  connection: 'the validation target could not be connected to, or broke off',
  tls: 'the validation target redirects to https, and fails in TLS',
  redirects: 'the validation target redirects too often, or to nowhere',
  status: 'the validation target did not answer with status 200',
  size: 'the answer of the validation target is too large',
  body: 'the file of the challenge does not hold the key authorization',
  target: 'the identifier has no address that this CA connects to',
};

test('the file of the challenge proves a name: asked for by its name, with nothing of ours', async () => {
  let seen: unknown;
  const server = opened(
    await web(({ url, headers }, response) => {
      seen = { url, headers };
      response.end(`${keyAuthorization}\r\n \t`);
    }),
  );
  await validate(server.port);
  assert.deepEqual(seen, {
    url: path,
    headers: {
      host: `app.test:${server.port}`,
      accept: '*/*',
      'accept-encoding': 'identity',
      connection: 'close',
      'user-agent': 'handfast-ca',
    },
  });
});

test('it proves an address, too, and no wildcard', async () => {
  const server = opened(await web((_, response) => void response.end(keyAuthorization)));
  await validate(server.port, {}, '127.0.0.1');
  const identifier = { type: 'dns', value: 'app.test' } as const;
  assert.equal(http01().offers({ identifier, wildcard: false }), true);
  assert.equal(http01().offers({ identifier, wildcard: true }), false);
});

test('a file that holds something else is unauthorized, and its content is told to nobody', async () => {
  for (const content of ['', 'secret of an internal page', ` ${keyAuthorization}`, `${keyAuthorization}x`]) {
    const server = opened(await web((_, response) => void response.end(content)));
    assert.deepEqual(await failing(validate(server.port)), ['unauthorized', words.body]);
  }
});

test('another status than 200 is unauthorized', async () => {
  for (const status of [204, 206, 304, 400, 404, 500]) {
    const server = opened(await web((_, response) => void response.writeHead(status).end()));
    assert.deepEqual(await failing(validate(server.port)), ['unauthorized', words.status]);
  }
});

test('redirects are followed, ten of them at most', async () => {
  for (const [count, good] of [
    [10, true],
    [11, false],
  ] as const) {
    const server = opened(
      await web(({ url = '' }, response) => {
        const step = Number(new URL(url, 'http://x').searchParams.get('step'));
        if (step === count) response.end(keyAuthorization);
        else response.writeHead(302, { location: `/next?step=${step + 1}` }).end();
      }),
    );
    if (good) await validate(server.port);
    else assert.deepEqual(await failing(validate(server.port)), ['connection', words.redirects]);
  }
});

test('redirects in a circle come to an end', async () => {
  let asked = 0;
  const server = opened(
    await web(({ url = '' }, response) => {
      asked++;
      response.writeHead(301, { location: url === '/a' ? '/b' : '/a' }).end();
    }),
  );
  assert.deepEqual(await failing(validate(server.port)), ['connection', words.redirects]);
  assert.equal(asked, 11);
});

test('each hop has its look-up, and the time is for all of them together', async () => {
  let looked = 0;
  const stop = new AbortController();
  const server = opened(
    await web((_, response) => {
      if (looked < 3) response.writeHead(302, { location: '/next' }).end();
    }),
  );
  const resolve = async (): Promise<string[]> => {
    looked++;
    return ['127.0.0.1'];
  };
  const work = validate(server.port, { timeoutMs: 100, targets: { dev: true, resolve } }, 'app.test', stop.signal);
  assert.deepEqual(await failing(work), ['connection', words.timeout]);
  assert.equal(looked, 3);
});

test('no more than eight addresses of a name are tried', async () => {
  const addresses = [...Array(9).keys()].map((n) => `127.0.0.${n + 2}`);
  const server = opened(await web((_, response) => void response.end(keyAuthorization)));
  const resolving = (found: readonly string[]): Promise<void> =>
    validate(server.port, { targets: { dev: true, resolve: async () => found } });
  assert.deepEqual(await failing(resolving([...addresses.slice(0, 8), '127.0.0.1'])), ['connection', words.connection]);
  await resolving([...addresses.slice(0, 7), '127.0.0.1']);
});

test('proxies of the environment have no say', async () => {
  let proxied = 0;
  const proxy = opened(await web((_, response) => void response.writeHead(502).end(String(proxied++))));
  const server = opened(await web((_, response) => void response.end(keyAuthorization)));
  const { globalAgent } = http;
  const url = `http://127.0.0.1:${proxy.port}`;
  // What NODE_USE_ENV_PROXY makes of the environment when Node starts, from Node 24 on.
  http.globalAgent = new http.Agent({ proxyEnv: { http_proxy: url, HTTP_PROXY: url } } as http.AgentOptions);
  try {
    await validate(server.port);
  } finally {
    http.globalAgent.destroy();
    http.globalAgent = globalAgent;
  }
  assert.equal(proxied, 0);
});

test('a redirect to https is followed, whatever the certificate', async () => {
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
  const [notBefore, notAfter] = [new Date(0), new Date(1)];
  const own = await issueRoot({ provider: nodeProvider, subject: { commonName: 'x' }, signer, notBefore, notAfter });
  const key = { cert: toPem('CERTIFICATE', own.raw), key: toPem('PRIVATE KEY', pkcs8) };
  let serverName: string | false | null | undefined;
  const secure = opened(
    await listening(
      createTlsServer(key, (socket) => {
        serverName = socket.servername;
        socket.on('error', () => undefined);
        socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${keyAuthorization}`));
      }),
    ),
  );
  const location = `https://app.test:${secure.port}/`;
  const server = opened(await web((_, response) => void response.writeHead(301, { location }).end()));
  await validate(server.port);
  assert.equal(serverName, 'app.test');
});

test('a redirect to https where there is no TLS is a failure of TLS', async () => {
  const plain = opened(await web(() => undefined));
  const location = `https://app.test:${plain.port}/`;
  const server = opened(await web((_, response) => void response.writeHead(301, { location }).end()));
  assert.deepEqual(await failing(validate(server.port)), ['tls', words.tls]);
});

test('a redirect to where no validation goes is not followed', async () => {
  let asked = 0;
  const inside = opened(
    await web((_, response) => {
      asked++;
      response.end(keyAuthorization);
    }),
  );
  const table: readonly (readonly [location: string | undefined, detail: string])[] = [
    ['http://169.254.169.254/latest/meta-data', words.target],
    ['http://[fe80::1]/', words.target],
    ['http://[::ffff:169.254.1.1]/', words.target],
    ['http://0.0.0.0/', words.target],
    ['http://2852039166/', words.target],
    ['http://metadata.test/', words.target],
    [`http://user@app.test:${inside.port}/`, words.redirects],
    [`http://user:password@app.test:${inside.port}/`, words.redirects],
    ['ftp://app.test/', words.redirects],
    ['file:///etc/passwd', words.redirects],
    ['javascript:1', words.redirects],
    ['http://', words.redirects],
    [undefined, words.redirects],
  ];
  const resolve = async (name: string): Promise<string[]> => [
    name === 'metadata.test' ? '169.254.169.254' : '127.0.0.1',
  ];
  for (const [location, detail] of table) {
    const server = opened(
      await web((_, response) => void response.writeHead(302, location === undefined ? {} : { location }).end()),
    );
    const failure = await failing(validate(server.port, { targets: { dev: true, resolve } }));
    assert.deepEqual(failure, ['connection', detail], location);
  }
  assert.equal(asked, 0);
});

test('a redirect to the CA itself is not followed', async () => {
  let asked = 0;
  const ca = opened(
    await web((_, response) => {
      asked++;
      response.end(keyAuthorization);
    }),
  );
  const location = `http://app.test:${ca.port}/`;
  const server = opened(await web((_, response) => void response.writeHead(302, { location }).end()));
  const listeners = () => [{ address: '0.0.0.0', port: ca.port }];
  assert.deepEqual(
    await failing(validate(server.port, { targets: { dev: true, listeners, resolve: async () => ['127.0.0.1'] } })),
    ['connection', words.target],
  );
  assert.equal(asked, 0);
});

test('without being told, neither loopback nor another port is gone to', async () => {
  assert.throws(() => http01({ port: 8080 }), RangeError);
  const identifier = { type: 'dns', value: 'app.test' } as const;
  const strict = http01({ targets: { resolve: async () => ['127.0.0.1', '::1'] } });
  const work = strict.validate({ identifier, token, keyAuthorization, signal: never });
  assert.deepEqual(await failing(work), ['connection', words.target]);
});

test('a name that changes its address between look-ups gains nothing: each hop looks once', async () => {
  const answers = ['127.0.0.1', '169.254.169.254'];
  const server = opened(await web((_, response) => void response.writeHead(302, { location: '/again' }).end()));
  const resolve = async (): Promise<string[]> => [answers.shift() ?? assert.fail('looked up again')];
  assert.deepEqual(await failing(validate(server.port, { targets: { dev: true, resolve } })), [
    'connection',
    words.target,
  ]);
  assert.equal(answers.length, 0);
});

test('the next address is tried where one does not answer', async () => {
  const server = opened(await web((_, response) => void response.end(keyAuthorization)));
  await validate(server.port, { targets: { dev: true, resolve: async () => ['127.0.0.2', '127.0.0.1'] } });
  const nobody = { targets: { dev: true, resolve: async () => ['127.0.0.2', '127.0.0.3'] } };
  assert.deepEqual(await failing(validate(server.port, nobody)), ['connection', words.connection]);
});

test('an address that takes connections and says nothing has its share of the time, and leaves the others theirs', async () => {
  let connections = 0;
  const server = opened(
    await web((_, response) => {
      if (connections++ > 0) response.end(keyAuthorization);
    }),
  );
  // The first time it is the silent one.
  const resolve = async (): Promise<string[]> => ['127.0.0.1', '127.0.0.1'];
  await validate(server.port, { timeoutMs: 400, targets: { dev: true, resolve } });
  assert.equal(connections, 2);
});

test('what became of each address is the cause of the failure', async () => {
  let connections = 0;
  const server = opened(
    await listening(
      createTcpServer((socket) => {
        if (connections++ > 0) socket.once('data', () => socket.destroy());
      }),
    ),
  );
  const resolve = async (): Promise<string[]> => ['127.0.0.1', '127.0.0.1'];
  const failure = await validate(server.port, { timeoutMs: 100, targets: { dev: true, resolve } }).catch(
    (error: unknown) => error,
  );
  assert.ok(failure instanceof ValidationFailure && failure.cause instanceof AggregateError, String(failure));
  const [first, second] = failure.cause.errors.map(({ message }) => String(message));
  assert.match(first ?? '', /^127\.0\.0\.1 did not answer within \d+ ms$/);
  assert.equal(second, 'socket hang up');
});

test('an address that has begun to answer has all of the time that is left', async () => {
  const timeoutMs = 50;
  const server = opened(await web((_, response) => void response.writeHead(200).write('a')));
  const resolve = async (): Promise<string[]> => ['127.0.0.1', '127.0.0.1'];
  const work = validate(server.port, { timeoutMs, targets: { dev: true, resolve } });
  assert.deepEqual(await failing(work), ['connection', words.timeout]);
});

test('an answer is read up to a limit, also one that never ends', async () => {
  const announced = opened(
    await web((_, response) => void response.writeHead(200, { 'content-length': 1e9 }).write('x'.repeat(100))),
  );
  assert.deepEqual(await failing(validate(announced.port, { maxBytes: 50 })), ['unauthorized', words.size]);
  const endless = opened(
    await web((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(16 * 1024)));
      };
      response.on('drain', more);
      more();
    }),
  );
  assert.deepEqual(await failing(validate(endless.port)), ['unauthorized', words.size]);
});

test('ten seconds are for everything: look-up, silence, a slow head, a slow body', async () => {
  const timeoutMs = 50;
  const silent: RequestListener = () => undefined;
  const slowBody: RequestListener = (_, response) => void response.writeHead(200).write('a');
  for (const listener of [silent, slowBody]) {
    const server = opened(await web(listener));
    assert.deepEqual(await failing(validate(server.port, { timeoutMs })), ['connection', words.timeout]);
  }
  const slowHead = opened(await listening(createTcpServer((socket) => void socket.write('HTTP/1.1 200 OK\r\nx: '))));
  assert.deepEqual(await failing(validate(slowHead.port, { timeoutMs })), ['connection', words.timeout]);
  const resolve = (): Promise<string[]> => new Promise(() => undefined);
  assert.deepEqual(await failing(validate(1, { timeoutMs, targets: { dev: true, resolve } })), [
    'connection',
    words.timeout,
  ]);
});

test('what is no HTTP, breaks off, or changes the protocol is a failed connection', async () => {
  const answers = [
    'SSH-2.0-OpenSSH\r\n',
    '',
    `HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n${keyAuthorization}`,
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}\r\n\r\n${keyAuthorization}`,
  ];
  for (const answer of answers) {
    const server = opened(
      await listening(
        createTcpServer((socket) => socket.on('error', () => undefined).once('data', () => socket.end(answer))),
      ),
    );
    assert.deepEqual(await failing(validate(server.port)), ['connection', words.connection], answer.slice(0, 40));
  }
});

test('a server that stops cuts the validation short', async () => {
  const stop = new AbortController();
  const reason = new Error('stopping');
  const server = opened(await web(() => stop.abort(reason)));
  await assert.rejects(validate(server.port, {}, 'app.test', stop.signal), reason);
  await assert.rejects(validate(server.port, {}, 'app.test', stop.signal), reason);
});
