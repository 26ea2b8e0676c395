import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCertificates } from '@handfast/x509';
import { csrFor, newKey, orderFor } from './support/client.ts';
import { opened } from './support/opened.ts';
import { base, certificateFor, provenOrder, startServer } from './support/server.ts';

test('the directory names every resource, and what the server says of itself', async () => {
  const server = opened(await startServer({ website: 'https://wiki.test/ca', profiles: { server: 'for servers' } }));
  const { status, json } = await server.client().get('directory');
  assert.equal(status, 200);
  assert.deepEqual(json, {
    newNonce: `${base}/acme/new-nonce`,
    newAccount: `${base}/acme/new-account`,
    newOrder: `${base}/acme/new-order`,
    revokeCert: `${base}/acme/revoke-cert`,
    keyChange: `${base}/acme/key-change`,
    renewalInfo: `${base}/acme/renewal-info`,
    meta: { website: 'https://wiki.test/ca', profiles: { server: 'for servers' } },
  });
});

test('a nonce comes by HEAD with 200, by GET with 204, and is not to be cached', async () => {
  const server = opened(await startServer());
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
  ] as const) {
    const reply = await server.client().get('new-nonce', method);
    assert.equal(reply.status, status);
    assert.match(reply.headers.get('replay-nonce') ?? '', /^[\w-]{51}$/);
    assert.equal(reply.headers.get('cache-control'), 'no-store');
    assert.equal(reply.headers.get('link'), `<${base}/acme/directory>;rel="index"`);
  }
});

for (const alg of ['ES256', 'ES384', 'RS256', 'EdDSA'] as const) {
  test(`an account with a key for ${alg} gets a certificate, from new account to chain`, async () => {
    const server = opened(await startServer());
    const client = server.client(newKey(alg));
    const registered = await client.register({ contact: ['mailto:ops@example.test'] });
    assert.equal(registered.status, 201);
    assert.deepEqual(registered.json, {
      status: 'valid',
      contact: ['mailto:ops@example.test'],
      orders: `${client.kid}/orders`,
    });
    const order = await client.post('new-order', orderFor('App.Test', '10.0.0.1'));
    assert.equal(order.status, 201);
    assert.equal(order.json.status, 'pending');
    assert.deepEqual(order.json.identifiers, [
      { type: 'dns', value: 'app.test' },
      { type: 'ip', value: '10.0.0.1' },
    ]);
    for (const url of order.json.authorizations) {
      const authorization = await client.post(url);
      assert.equal(authorization.json.status, 'pending');
      const [challenge] = authorization.json.challenges;
      assert.deepEqual([challenge.type, challenge.status], ['http-01', 'pending']);
      assert.match(challenge.token, /^[\w-]{43}$/);
      const begun = await client.post(challenge.url, {});
      assert.equal(begun.json.status, 'processing');
      assert.equal(begun.headers.get('retry-after'), '1');
      assert.match(begun.headers.get('link') ?? '', new RegExp(`<${url}>;rel="up"`));
      await server.acme.idle();
      const proven = await client.post(url);
      assert.deepEqual([proven.json.status, proven.json.challenges[0].status], ['valid', 'valid']);
      assert.equal(server.validations.at(-1)?.keyAuthorization, `${challenge.token}.${client.key.thumbprint}`);
    }
    const location = order.headers.get('location') ?? '';
    assert.equal((await client.post(location)).json.status, 'ready');
    const done = await client.post(order.json.finalize, { csr: await csrFor(['app.test', '10.0.0.1']) });
    assert.deepEqual([done.status, done.json.status], [200, 'valid']);
    const chain = await client.post(done.json.certificate);
    assert.equal(chain.headers.get('content-type'), 'application/pem-certificate-chain');
    const [leaf, issuer, ...rest] = parseCertificates(chain.text);
    assert.deepEqual(leaf?.subjectAltName?.dnsNames, ['app.test']);
    assert.equal(issuer?.subject.commonName, 'Test intermediate');
    assert.equal(rest.length, 0);
    const [issued] = server.authority.requests;
    assert.equal(issued?.by, `acme account ${client.kid?.split('/').at(-1)}`);
    assert.equal(issued?.origin, `acme order ${location.split('/').at(-1)}`);
  });
}

test('an order is invalid when a challenge fails, and says of which identifier', async () => {
  const server = opened(await startServer());
  server.answer = async () => {
    throw new Error('the secret content of an internal page');
  };
  const client = await server.registered();
  const order = await provenOrder(server, client, 'app.test');
  assert.equal(order.json.status, 'invalid');
  assert.deepEqual(order.json.error, {
    type: 'urn:ietf:params:acme:error:serverInternal',
    detail: 'the CA met with an error of its own',
    subproblems: [
      {
        type: 'urn:ietf:params:acme:error:serverInternal',
        detail: 'the CA met with an error of its own',
        identifier: { type: 'dns', value: 'app.test' },
      },
    ],
  });
});

test('a certificate is revoked by its account, and not twice', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const { pem } = await certificateFor(server, client, 'app.test');
  const certificate = leafOf(pem);
  const revoked = await client.post('revoke-cert', { certificate, reason: 4 });
  assert.deepEqual([revoked.status, revoked.text], [200, '']);
  const [record] = await server.authority.list();
  assert.deepEqual([record?.status, record?.reason], ['revoked', 'superseded']);
});

test('orders of an account are listed, newest first, page by page', async () => {
  const server = opened(await startServer({ limits: { ordersPerPage: 2 } }));
  const client = await server.registered();
  const made: (string | null)[] = [];
  for (const name of ['a.test', 'b.test', 'c.test']) {
    made.unshift((await client.post('new-order', orderFor(name))).headers.get('location'));
    server.pass(1);
  }
  const first = await client.post(`${client.kid}/orders`);
  assert.deepEqual(first.json.orders, made.slice(0, 2));
  const next = /<([^>]*)>;rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  const second = await client.post(next);
  assert.deepEqual(second.json.orders, made.slice(2));
  assert.doesNotMatch(second.headers.get('link') ?? '', /next/);
});

function leafOf(pem: string): string {
  const [leaf] = parseCertificates(pem);
  return Buffer.from(leaf?.raw ?? []).toString('base64url');
}
