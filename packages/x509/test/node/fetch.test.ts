import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type LookupFunction, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { utf8 } from '@handfast/crypto';
import { FetchError, type FetchErrorCode, type FetchRequest } from '../../src/index.ts';
import { type HttpFetcherOptions, httpFetcher, specialPurpose } from '../../src/node/index.ts';

const open: { close(): unknown }[] = [];
after(() => open.map((server) => server.close()));

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => server.close(server.closeAllConnections.bind(server)) });
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

/** Names that resolve to what the test says; one address a look-up, the last for ever. */
function resolving(...answers: readonly string[][]): { readonly lookup: LookupFunction; count: number } {
  const state = {
    count: 0,
    lookup: ((_host, _options, callback) => {
      const found = answers[Math.min(state.count++, answers.length - 1)] ?? [];
      callback(
        null,
        found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    }) as LookupFunction,
  };
  return state;
}

async function get(
  url: string,
  options: HttpFetcherOptions = {},
  more: Partial<FetchRequest> = {},
): Promise<Uint8Array> {
  return await httpFetcher(options)({ url, method: 'GET', maxBytes: 1000, timeoutMs: 5000, ...more });
}

async function refuses(code: FetchErrorCode, message: RegExp, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof FetchError, String(error));
    assert.deepEqual([error.code, message.test(error.message)], [code, true], error.message);
    return true;
  });
}

const inside = { allowPrivate: true } as const;

const host = await serve((request, response) => {
  const { url = '', method, headers } = request;
  if (url === '/crl') response.end('content');
  else if (url === '/echo') {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () =>
      response.end(`${method} ${headers['content-type']} ${headers.accept} ${headers.host} ${Buffer.concat(parts)}`),
    );
  } else if (url.startsWith('/hop/')) {
    const left = Number(url.slice(5));
    response.writeHead(302, { location: left === 1 ? '/crl' : `/hop/${left - 1}` }).end();
  } else if (url === '/loop') response.writeHead(301, { location: '/loop' }).end();
  else if (url.startsWith('/to/')) response.writeHead(307, { location: decodeURIComponent(url.slice(4)) }).end();
  else if (url === '/large') response.writeHead(200, { 'content-length': 1001 }).end('x'.repeat(1001));
  else if (url === '/endless') {
    const more = (): void => {
      if (!response.destroyed) response.write('x'.repeat(600), () => setImmediate(more));
    };
    more();
  } else if (url === '/cut') {
    response.writeHead(200, { 'content-length': 10 });
    response.write('cut', () => response.destroy());
  } else if (url === '/gzip') response.writeHead(200, { 'content-encoding': 'gzip' }).end('content');
  else if (url === '/slow') response.write('x');
  else response.writeHead(404).end();
});

describe('the fetcher for Node', () => {
  it('gets what is there', async () => assert.deepEqual(await get(`http://${host}/crl`, inside), utf8('content')));
  it('posts a body with its type', async () => {
    const body = utf8('question');
    const answer = await get(`http://${host}/echo`, inside, {
      method: 'POST',
      body,
      contentType: 'a/b',
      accept: 'c/d',
    });
    assert.deepEqual(answer, utf8(`POST a/b c/d ${host} question`));
  });
  it('takes what is allowed of private addresses, by the address', async () => {
    const asked: string[] = [];
    const allowPrivate = (address: string): boolean => asked.push(address) > 0 && address === '127.0.0.1';
    assert.deepEqual(await get(`http://${host}/crl`, { allowPrivate }), utf8('content'));
    await refuses('address', /::1 is not public/, get('http://[::1]/', { allowPrivate }));
    assert.deepEqual(asked, ['127.0.0.1', '::1']);
  });
  it('follows three redirects and no more', async () => {
    assert.deepEqual(await get(`http://${host}/hop/3`, inside), utf8('content'));
    await refuses('redirects', /redirects more than 3 times$/, get(`http://${host}/hop/4`, inside));
    await refuses('redirects', /redirects more than 3 times$/, get(`http://${host}/loop`, inside));
    await refuses(
      'redirects',
      /redirects more than 0 times$/,
      get(`http://${host}/hop/1`, { ...inside, maxRedirects: 0 }),
    );
    await refuses('status', /status 302$/, get(`http://${host}/hop/1`, inside, { method: 'POST', body: utf8('q') }));
  });
  it('takes no more than is asked for, said or not', async () => {
    await refuses('too_large', /more than the 1000 bytes/, get(`http://${host}/large`, inside));
    await refuses('too_large', /more than the 1000 bytes/, get(`http://${host}/endless`, inside));
    assert.equal((await get(`http://${host}/large`, inside, { maxBytes: 1001 })).length, 1001);
  });
  it('ends in time, and when it is told to', async () => {
    await refuses('timeout', /did not answer within 50 ms$/, get(`http://${host}/slow`, inside, { timeoutMs: 50 }));
    const controller = new AbortController();
    const fetched = get(`http://${host}/slow`, inside, { signal: controller.signal });
    controller.abort();
    await refuses('aborted', /aborted$/, fetched);
    await refuses('aborted', /aborted$/, get(`http://${host}/crl`, inside, { signal: AbortSignal.abort() }));
  });
  it('says what the server did wrong', async () => {
    await refuses('status', /answers with status 404$/, get(`http://${host}/absent`, inside));
    await refuses('connection', /cannot be fetched/, get(`http://${host}/cut`, inside));
    await refuses('connection', /in the encoding "gzip", unasked$/, get(`http://${host}/gzip`, inside));
    const silent = createTcpServer((socket: Socket) => socket.destroy());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    open.push(silent);
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await refuses('connection', /cannot be fetched/, get(`http://127.0.0.1:${port}/`, inside));
  });
  it('follows http alone, also after a redirect', async () => {
    await refuses('url', /only http|https/, get('https://crl.example.com/', inside));
    for (const target of ['https://crl.example.com/', 'file:///etc/passwd', 'http://a@b/', 'http://']) {
      await refuses('url', /./, get(`http://${host}/to/${encodeURIComponent(target)}`, inside));
    }
  });
});

describe('the fetcher for Node keeps away from addresses that are not public', () => {
  const literals = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '[::1]', '[::ffff:127.0.0.1]', '[64:ff9b::a00:1]'];
  for (const literal of literals) {
    it(literal, async () => await refuses('address', /is not public/, get(`http://${literal}/`)));
  }
  it('behind a name', async () => {
    const { lookup } = resolving(['127.0.0.1', '::1']);
    await refuses('address', /127\.0\.0\.1 is not public \(loopback\)/, get('http://crl.example.com/', { lookup }));
  });
  it('behind the system’s own names', async () => {
    await refuses('address', /is not public \(lo(opback|cal)\)/, get('http://localhost/'));
  });
  it('after a redirect', async () => {
    const allowPrivate = (address: string): boolean => address === '127.0.0.1';
    for (const target of ['http://[::1]/', 'http://127.0.0.2/', 'http://metadata.example/']) {
      const { lookup } = resolving(['169.254.169.254']);
      const url = `http://${host}/to/${encodeURIComponent(target)}`;
      await refuses('address', /is not public/, get(url, { allowPrivate, lookup }));
    }
  });
  it('when a name changes its address: what was checked is what is connected to', async () => {
    const names = resolving(['127.0.0.1'], ['127.0.0.2']);
    const allowPrivate = (address: string): boolean => address === '127.0.0.1';
    const [, port] = host.split(':');
    const options = { allowPrivate, lookup: names.lookup };
    assert.deepEqual(await get(`http://crl.example.com:${port}/crl`, options), utf8('content'));
    assert.equal(names.count, 1);
    await refuses('address', /127\.0\.0\.2/, get(`http://crl.example.com:${port}/crl`, options));
  });
  it('and connects to the public ones among several', async () => {
    const { lookup } = resolving(['10.0.0.1', '127.0.0.1']);
    const allowPrivate = (address: string): boolean => address === '127.0.0.1';
    assert.deepEqual(
      await get(`http://crl.example.com:${host.split(':')[1]}/crl`, { allowPrivate, lookup }),
      utf8('content'),
    );
  });
});

describe('special purposes of addresses', () => {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['8.8.8.8', undefined],
    ['172.15.255.255', undefined],
    ['172.16.0.0', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.0', undefined],
    ['192.168.1.1', 'private'],
    ['100.127.255.255', 'carrier-grade NAT'],
    ['100.128.0.0', undefined],
    ['0.0.0.0', 'this network'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['198.19.0.1', 'benchmarking'],
    ['2606:4700::1111', undefined],
    ['::', 'local'],
    ['::1', 'local'],
    ['fe80::1', 'local'],
    ['fe80::1%eth0', 'link-local'],
    ['fd00::1', 'local'],
    ['ff02::1', 'local'],
    ['2001:db8::1', 'documentation'],
    ['2001::1', 'protocol assignments'],
    ['::ffff:8.8.8.8', undefined],
    ['::ffff:10.0.0.1', 'private'],
    ['64:ff9b::8.8.8.8', undefined],
    ['64:ff9b::127.0.0.1', 'loopback'],
    ['64:ff9b:1::8.8.8.8', 'local'],
    ['2002:808:808::1', undefined],
    ['2002:7f00:1::1', 'loopback'],
    ['::8.8.8.8', 'local'],
  ];
  for (const [address, purpose] of rows) {
    it(`${address}: ${purpose ?? 'public'}`, () => assert.equal(specialPurpose(address), purpose));
  }
  it('are of addresses alone', () => assert.throws(() => specialPurpose('localhost'), RangeError));
});
