import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { requestListener } from '../../src/acme/http.ts';
import { Client, csrFor, orderFor } from './support/client.ts';
import { opened } from './support/opened.ts';
import { base, startServer } from './support/server.ts';

/** A server of `node:http` around a test's ACME server. */
async function listening() {
  const server = opened(await startServer());
  const http = createServer(server.acme.listener).listen(0, '127.0.0.1');
  opened({
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
    },
  });
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  /** What the client has signed is for the URL that the server is known by. */
  const send = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const body = method === 'POST' ? await request.arrayBuffer() : null;
    return await fetch(`http://127.0.0.1:${port}${pathname}${search}`, { method, headers, body });
  };
  return { server, port, send };
}

async function ask(port: number, path: string, options: RequestOptions = {}, ...parts: readonly Buffer[]) {
  const sent = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...options });
  for (const part of parts) sent.write(part);
  sent.end();
  const [response]: IncomingMessage[] = await once(sent, 'response');
  assert.ok(response);
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  return { status: response.statusCode, headers: response.headers, text };
}

test("from new account to certificate by a server of Node's, as by fetch", async () => {
  const { server, send } = await listening();
  const client = new Client(send, base);
  await client.register();
  const order = await client.post('new-order', orderFor('a.test'));
  assert.equal(order.status, 201, order.text);
  const { json } = await client.post(order.json.authorizations[0]);
  await client.post(json.challenges[0].url, {});
  await server.acme.idle();
  const done = await client.post(order.json.finalize, { csr: await csrFor(['a.test']) });
  assert.equal(done.json.status, 'valid', done.text);
  const certificate = await client.post(done.json.certificate);
  assert.equal(certificate.headers.get('content-type'), 'application/pem-certificate-chain');
  assert.match(certificate.text, /^-----BEGIN CERTIFICATE-----\n/);
});

test('what a listener answers is what fetch answers: status, headers and body', async () => {
  const { server, send } = await listening();
  const requests: readonly (readonly [path: string, init?: RequestInit])[] = [
    ['/acme/directory'],
    ['/acme/directory', { method: 'HEAD' }],
    ['/acme/new-nonce'],
    ['/acme/new-nonce', { method: 'HEAD' }],
    ['/acme/new-order'],
    ['/acme/new-order/'],
    ['/acme/order//finalize', { method: 'POST' }],
    ['/acme/renewal-info/a.b'],
    ['/acme/renewal-info/'],
    ['/acme/nothing?at=all'],
    ['/acme/new-order', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }],
    ['/acme/new-order', { method: 'POST', body: '{}', headers: { 'content-type': 'application/jose+json; a=b' } }],
    ['/acme/order/x', { method: 'DELETE' }],
  ];
  const shown = async (response: Response) => {
    const headers = Object.fromEntries(response.headers);
    const nonce = headers['replay-nonce'] !== undefined;
    for (const name of ['replay-nonce', 'connection', 'date', 'keep-alive', 'content-length']) delete headers[name];
    return { status: response.status, headers, nonce, text: await response.text() };
  };
  for (const [path, init] of requests) {
    const make = () => new Request(`${base}${path}`, init);
    assert.deepEqual(await shown(await send(make())), await shown(await server.acme.fetch(make())), path);
  }
});

test('a body that is too long is refused, whether its length was told or not', async () => {
  const { port } = await listening();
  const headers = { 'content-type': 'application/jose+json' };
  const half = Buffer.alloc(40 * 1024, ' ');
  const told = { method: 'POST', headers: { ...headers, 'content-length': 2 * half.length } };
  for (const options of [told, { method: 'POST', headers }]) {
    const { status, text } = await ask(port, '/acme/new-order', options, half, half);
    assert.equal(status, 413);
    assert.equal(JSON.parse(text).detail, 'a request has at most 65536 bytes');
  }
  const { status, text } = await ask(port, '/acme/new-order', { method: 'POST', headers }, half);
  assert.equal(status, 400);
  assert.equal(JSON.parse(text).detail, 'the request is no JSON');
});

test('a request that breaks off is refused, and the server goes on', async () => {
  const { server, port } = await listening();
  const socket = connect(port, '127.0.0.1');
  const head =
    'POST /acme/new-order HTTP/1.1\r\nHost: a\r\nContent-Type: application/jose+json\r\nContent-Length: 9\r\n\r\n{';
  const refused = Promise.withResolvers<void>();
  const push = server.events.push.bind(server.events);
  server.events.push = (...events) => {
    refused.resolve();
    return push(...events);
  };
  socket.write(head, () => socket.destroy());
  await refused.promise;
  assert.deepEqual(
    [...server.events],
    [
      {
        event: 'refused',
        url: `${base}/acme/new-order`,
        problem: 'malformed',
        cause: 'the request broke off',
      },
    ],
  );
  assert.equal((await ask(port, '/acme/directory')).status, 200);
});

test('a target that is no path is refused, and another host in it changes nothing', async () => {
  const { port } = await listening();
  assert.equal((await ask(port, 'http://[', {})).status, 400);
  const { status, text } = await ask(port, 'http://elsewhere.test/acme/directory');
  assert.equal(status, 200);
  assert.equal(JSON.parse(text).newOrder, `${base}/acme/new-order`);
});

test('addresses in other scripts are told as addresses are written: whoever has not agreed to terms is refused, and no more', async () => {
  const server = opened(
    await startServer({ termsOfService: 'https://wiki.test/服务条款', rateLimitsUrl: 'https://wiki.test/ü\n' }),
  );
  const refused = await server.client().register({ termsOfServiceAgreed: false });
  assert.equal(refused.json.type, 'urn:ietf:params:acme:error:userActionRequired');
  assert.match(
    refused.headers.get('link') ?? '',
    /<https:\/\/wiki\.test\/%E6%9C%8D%E5%8A%A1%E6%9D%A1%E6%AC%BE>;rel="terms-of-service"/,
  );
  await assert.rejects(startServer({ website: 'wiki.test' }), {
    name: 'RangeError',
    message: 'website is no address: https://host/path',
  });
});

test('a reply that cannot be written ends its connection, and nothing else', async () => {
  const reply = { status: 200, headers: { link: 'a\nb' }, body: undefined };
  const http = createServer(requestListener(base, async () => reply)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  await assert.rejects(ask(port, '/acme/directory'), { code: 'ECONNRESET' });
  await assert.rejects(ask(port, '/acme/directory'), { code: 'ECONNRESET' });
  http.close();
});
