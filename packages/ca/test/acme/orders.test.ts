import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { issueRequest, parseCertificates, parsePrivateKey } from '@handfast/x509';
import type { ProblemDocument } from '../../src/acme/problems.ts';
import { ValidationFailure } from '../../src/acme/validation/challenge.ts';
import { CaError } from '../../src/errors.ts';
import { assertProblem, csrFor, keyOf, newKey, orderFor, type Reply } from './support/client.ts';
import { opened } from './support/opened.ts';
import { certificateFor, provenOrder, startServer } from './support/server.ts';

const day = 86_400_000;

test('identifiers that are none are refused all at once, with a subproblem for each', async () => {
  const server = opened(await startServer({ allowsName: (name) => name.endsWith('.test') }));
  const client = await server.registered();
  const refused = await client.post('new-order', {
    identifiers: [
      { type: 'dns', value: 'a.test' },
      { type: 'dns', value: 'example.com' },
      { type: 'dns', value: 'a b.test' },
      { type: 'email', value: 'a@b.test' },
    ],
  });
  const { subproblems } = assertProblem(refused, 'compound', 400);
  assert.deepEqual(
    subproblems.map((each: { type: string; identifier?: { value: string } }) => [
      each.type.split(':').at(-1),
      each.identifier?.value,
    ]),
    [
      ['rejectedIdentifier', 'example.com'],
      ['malformed', 'a b.test'],
      ['unsupportedIdentifier', undefined],
    ],
  );
  const noWay = await client.post('new-order', orderFor('a.test', '*.b.test'));
  assert.deepEqual(
    assertProblem(noWay, 'rejectedIdentifier', 403).subproblems.map((each: ProblemDocument) => each.identifier?.value),
    ['*.b.test'],
  );
  assertProblem(await client.post('new-order', orderFor('example.com')), 'rejectedIdentifier', 403);
  assertProblem(await client.post('new-order', orderFor('example.com', 'example.net')), 'rejectedIdentifier', 403);
});

test('what an order may not say is malformed', async () => {
  const server = opened(await startServer({ limits: { identifiersPerOrder: 2 } }));
  const client = await server.registered();
  const table: readonly (readonly [order: object, type: string, status: number])[] = [
    [{}, 'malformed', 400],
    [{ identifiers: [] }, 'malformed', 400],
    [{ identifiers: {} }, 'malformed', 400],
    [{ identifiers: [null] }, 'malformed', 400],
    [{ identifiers: ['app.test'] }, 'malformed', 400],
    [orderFor('a.test', 'b.test', 'c.test'), 'malformed', 400],
    [orderFor('-a.test'), 'malformed', 400],
    [orderFor('a..test'), 'malformed', 400],
    [orderFor('*.*.test'), 'malformed', 400],
    [orderFor('a.*.test'), 'malformed', 400],
    [orderFor('127.1'), 'malformed', 400],
    [{ identifiers: [{ type: 'ip', value: 'app.test' }] }, 'malformed', 400],
    [{ identifiers: [{ type: 'ip', value: '010.0.0.1' }] }, 'malformed', 400],
    [{ identifiers: [{ type: 'dns', value: '10.0.0.1' }] }, 'malformed', 400],
    [{ identifiers: [{ type: 'dns', value: 'bücher.test' }] }, 'malformed', 400],
    [{ identifiers: [{ type: 'email', value: 'a@b.test' }] }, 'unsupportedIdentifier', 400],
    [{ ...orderFor('a.test'), notAfter: '2027-01-01T00:00:00Z' }, 'malformed', 400],
    [{ ...orderFor('a.test'), profile: 'toString' }, 'invalidProfile', 400],
    [{ ...orderFor('a.test'), profile: 7 }, 'malformed', 400],
    // No challenge here proves a wildcard.
    [orderFor('*.a.test'), 'rejectedIdentifier', 403],
  ];
  for (const [order, type, status] of table) assertProblem(await client.post('new-order', order), type, status);
});

test('names come in one spelling, and each once', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await client.post('new-order', orderFor('A.Test', 'a.test.', '2001:DB8:0::1'));
  assert.deepEqual(order.json.identifiers, [
    { type: 'dns', value: 'a.test' },
    { type: 'ip', value: '2001:db8::1' },
  ]);
});

test("orders, authorizations, challenges and certificates are their account's alone", async () => {
  const server = opened(await startServer());
  const [client, other] = [await server.registered(), await server.registered()];
  const { order } = await certificateFor(server, client, 'app.test');
  const { json } = await client.post(order.json.authorizations[0]);
  const urls = [
    order.headers.get('location'),
    order.json.authorizations[0],
    json.challenges[0].url,
    order.json.certificate,
  ];
  for (const url of urls) {
    assertProblem(await other.post(url), 'unauthorized', 403);
    assertProblem(await client.post(`${url}x`), 'malformed', 404);
  }
  assertProblem(await other.post(json.challenges[0].url, {}), 'unauthorized', 403);
  assertProblem(await other.post(order.json.finalize, { csr: await csrFor(['app.test']) }), 'unauthorized', 403);
});

test('an account has so many open orders and no more, until some end', async () => {
  const server = opened(await startServer({ limits: { openOrdersPerAccount: 2 } }));
  const client = await server.registered();
  await client.post('new-order', orderFor('a.test'));
  const second = await client.post('new-order', orderFor('b.test'));
  const refused = await client.post('new-order', orderFor('c.test'));
  assertProblem(refused, 'rateLimited', 429);
  assert.equal(refused.headers.get('retry-after'), '3600');
  await client.post(second.json.authorizations[0], { status: 'deactivated' });
  assert.equal((await client.post('new-order', orderFor('c.test'))).status, 201);
  server.pass(day + 1);
  assert.equal((await client.post('new-order', orderFor('d.test'))).status, 201);
});

test('what is not done in time is invalid', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await client.post('new-order', orderFor('app.test'));
  const { json } = await client.post(order.json.authorizations[0]);
  server.pass(day + 1);
  assert.equal((await client.post(order.headers.get('location') ?? '')).json.status, 'invalid');
  assert.equal((await client.post(order.json.authorizations[0])).json.status, 'invalid');
  assertProblem(await client.post(json.challenges[0].url, {}), 'malformed', 400);
  assertProblem(await client.post(order.json.finalize, { csr: await csrFor(['app.test']) }), 'orderNotReady', 403);
});

test('a proof is good for its order alone, or for as long as the server says', async () => {
  for (const [authorizationReuseMs, status] of [
    [0, 'pending'],
    [day, 'ready'],
  ] as const) {
    const server = opened(await startServer({ limits: { authorizationReuseMs } }));
    const client = await server.registered();
    await provenOrder(server, client, 'app.test');
    assert.equal((await client.post('new-order', orderFor('app.test'))).json.status, status);
    assert.equal((await (await server.registered()).post('new-order', orderFor('app.test'))).json.status, 'pending');
    server.pass(day + 1);
    assert.equal((await client.post('new-order', orderFor('app.test'))).json.status, 'pending');
  }
});

test('an authorization that is deactivated takes its order with it', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await provenOrder(server, client, 'app.test');
  const url = order.json.authorizations[0];
  assertProblem(await client.post(url, { status: 'valid' }), 'malformed', 400);
  assert.equal((await client.post(url, { status: 'deactivated' })).json.status, 'deactivated');
  assertProblem(await client.post(url, { status: 'deactivated' }), 'malformed', 400);
  assertProblem(await client.post(order.json.finalize, { csr: await csrFor(['app.test']) }), 'orderNotReady', 403);
});

test('a challenge that fails says how in fixed words, and can be tried no more', async () => {
  const server = opened(await startServer());
  server.answer = async () => {
    throw new ValidationFailure('connection', 'words for the client', 'words for the log');
  };
  const client = await server.registered();
  const order = await provenOrder(server, client, 'app.test');
  const { json } = await client.post(order.json.authorizations[0]);
  const error = { type: 'urn:ietf:params:acme:error:connection', detail: 'words for the client' };
  assert.deepEqual([json.status, json.challenges[0].status, json.challenges[0].error], ['invalid', 'invalid', error]);
  assert.doesNotMatch(JSON.stringify([json, order.json]), /for the log/);
  assert.equal((await client.post(json.challenges[0].url, {})).json.status, 'invalid');
  assert.equal(server.validations.length, 1);
  const logged = server.events.find(({ event }) => event === 'validation');
  assert.equal(logged?.event === 'validation' && logged.failure?.message, 'words for the log');
});

test('a challenge is looked at once, however often it is asked for', async () => {
  const server = opened(await startServer());
  const { promise, resolve } = Promise.withResolvers<void>();
  server.answer = () => promise;
  const client = await server.registered();
  const order = await client.post('new-order', orderFor('app.test'));
  const { json } = await client.post(order.json.authorizations[0]);
  for (let count = 0; count < 3; count++) {
    assert.equal((await client.post(json.challenges[0].url, {})).json.status, 'processing');
  }
  assert.equal((await client.post(order.json.authorizations[0])).headers.get('retry-after'), '1');
  resolve();
  await server.acme.idle();
  assert.equal(server.validations.length, 1);
});

test('a validation whose process died is taken up when its lease is over', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await client.post('new-order', orderFor('app.test'));
  await server.database.run(`UPDATE acme_challenges SET status = 'processing', leased_until = $1`, [
    Date.UTC(2026, 10, 1) + 60_000,
  ]);
  await server.acme.maintain();
  await server.acme.idle();
  assert.equal(server.validations.length, 0);
  server.pass(60_000);
  await server.acme.maintain();
  await server.acme.idle();
  assert.equal(server.validations.length, 1);
  assert.equal((await client.post(order.headers.get('location') ?? '')).json.status, 'ready');
});

async function finalized(names: readonly string[], csr: () => Promise<string> | string): Promise<Reply> {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await provenOrder(server, client, ...names);
  return await client.post(order.json.finalize, { csr: await csr() });
}

test("a request whose names are not exactly the order's is a bad CSR, and the order stays ready", async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await provenOrder(server, client, 'a.test', 'b.test');
  const table = [['a.test'], ['a.test', 'b.test', 'c.test'], ['a.test', 'c.test'], ['a.test', 'b.test', '10.0.0.1']];
  for (const names of table)
    assertProblem(await client.post(order.json.finalize, { csr: await csrFor(names) }), 'badCSR', 400);
  const foreign = await csrFor(['a.test', 'b.test'], { commonName: 'c.test' });
  assertProblem(await client.post(order.json.finalize, { csr: foreign }), 'badCSR', 400);
  const good = await csrFor(['B.test'], { commonName: 'A.test' });
  assert.equal((await client.post(order.json.finalize, { csr: good })).json.status, 'valid');
  assertProblem(await client.post(order.json.finalize, { csr: good }), 'orderNotReady', 403);
});

test('a request that is none, or none of ours to sign, is refused', async () => {
  assertProblem(await finalized(['a.test'], () => ''), 'malformed', 400);
  assertProblem(await finalized(['a.test'], () => '!'), 'malformed', 400);
  assertProblem(await finalized(['a.test'], () => 'MAA'), 'badCSR', 400);
  const changed = async (): Promise<string> => {
    const der = Buffer.from(await csrFor(['a.test']), 'base64url');
    der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
    return der.toString('base64url');
  };
  assertProblem(await finalized(['a.test'], changed), 'badCSR', 400);
  const ofNoCurve = async (): Promise<string> => {
    const der = Buffer.from(await csrFor(['a.test']), 'base64url');
    const p256 = der.indexOf(Buffer.from('2a8648ce3d030107', 'hex'));
    der.writeUInt8(0x7f, p256 + 7);
    return der.toString('base64url');
  };
  assertProblem(await finalized(['a.test'], ofNoCurve), 'badCSR', 400);
});

test("a request for the key of an account, whoever's it is, is a bad CSR", async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const other = await server.registered(newKey('RS256'));
  const order = await provenOrder(server, client, 'a.test');
  for (const { privateKey } of [client.key, other.key]) {
    const pkcs8 = parsePrivateKey(privateKey.export({ format: 'der', type: 'pkcs8' }));
    const signer = await nodeProvider.importPrivateKey(pkcs8);
    const { raw } = await issueRequest({ provider: nodeProvider, signer, subject: {}, names: ['a.test'] });
    const csr = Buffer.from(raw).toString('base64url');
    assertProblem(await client.post(order.json.finalize, { csr }), 'badCSR', 400);
  }
});

test('an order whose challenges are open is not ready', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await client.post('new-order', orderFor('app.test'));
  assertProblem(await client.post(order.json.finalize, { csr: await csrFor(['app.test']) }), 'orderNotReady', 403);
});

test('two requests at once to finalize one order issue one certificate', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await provenOrder(server, client, 'app.test');
  const csr = await csrFor(['app.test']);
  const replies = await Promise.all([1, 2, 3].map(() => client.post(order.json.finalize, { csr })));
  assert.deepEqual(replies.map(({ status }) => status).toSorted(), [200, 403, 403]);
  assert.equal(server.authority.requests.length, 1);
});

test("what the authority refuses is the order's error; what it fails at is not told", async () => {
  const table: readonly (readonly [failure: Error, type: string, detail: string])[] = [
    [new CaError('not_allowed', 'app.test is not allowed'), 'rejectedIdentifier', 'app.test is not allowed'],
    [new CaError('bad_request', 'it lasts too long'), 'badCSR', 'it lasts too long'],
    [new CaError('cannot_sign', 'the clock went back'), 'serverInternal', 'the CA met with an error of its own'],
    [new Error('disk full at /var/lib/ca'), 'serverInternal', 'the CA met with an error of its own'],
  ];
  for (const [failure, type, detail] of table) {
    const server = opened(await startServer());
    server.authority.failure = failure;
    const client = await server.registered();
    const order = await provenOrder(server, client, 'app.test');
    const { status, json } = await client.post(order.json.finalize, { csr: await csrFor(['app.test']) });
    assert.deepEqual([status, json.status], [200, 'invalid']);
    assert.deepEqual(json.error, { type: `urn:ietf:params:acme:error:${type}`, detail });
    assertProblem(
      await client.post(`${order.headers.get('location')?.replace('/order/', '/certificate/')}`),
      'malformed',
      404,
    );
  }
});

test('a key that the authority does not take is a bad CSR, and the order stays ready for another', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await provenOrder(server, client, 'app.test');
  const csr = await csrFor(['app.test']);
  server.authority.failure = new CaError('bad_key', 'the key is known to be lost');
  const { detail } = assertProblem(await client.post(order.json.finalize, { csr }), 'badCSR', 400);
  assert.equal(detail, 'the certification request cannot be accepted: the key is known to be lost');
  server.authority.failure = undefined;
  assert.equal((await client.post(order.json.finalize, { csr })).json.status, 'valid');
});

test('a profile that was withdrawn since the order was made is invalidProfile', async () => {
  const server = opened(await startServer({ profiles: { short: 'a week' } }));
  const client = await server.registered();
  const order = await provenOrder(server, client, 'app.test');
  await server.database.run("UPDATE acme_orders SET profile = 'long'");
  assertProblem(await client.post(order.json.finalize, { csr: await csrFor(['app.test']) }), 'invalidProfile', 400);
  assert.equal((await client.post(order.headers.get('location') ?? '')).json.status, 'ready');
});

test('an order whose process died while it was issued is invalid when its lease is over', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await provenOrder(server, client, 'app.test');
  await server.database.run(`UPDATE acme_orders SET status = 'processing', leased_until = $1`, [
    Date.UTC(2026, 10, 1) + 60_000,
  ]);
  const location = order.headers.get('location') ?? '';
  await server.acme.maintain();
  const working = await client.post(location);
  assert.deepEqual([working.json.status, working.headers.get('retry-after')], ['processing', '1']);
  server.pass(60_000);
  await server.acme.maintain();
  assert.equal((await client.post(location)).json.status, 'invalid');
});

test('an order whose process died after its certificate was recorded is valid when its lease is over', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const { pem, order } = await certificateFor(server, client, 'app.test');
  // As it was before the process said so.
  await server.database.run(
    `UPDATE acme_orders SET status = 'processing', serial = NULL, chain = NULL, leased_until = $1`,
    [Date.UTC(2026, 10, 1)],
  );
  await server.acme.maintain();
  const done = await client.post(order.headers.get('location') ?? '');
  assert.deepEqual([done.json.status, done.json.error], ['valid', undefined]);
  assert.equal((await client.post(done.json.certificate)).text, pem);
  assert.deepEqual(
    server.events.filter(({ event }) => event === 'order').map((event) => 'status' in event && event.status),
    ['valid', 'valid'],
  );
  assert.equal(server.authority.requests.length, 1);
});

test('an order that another process has ended before its own is as that one left it', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const ready = await provenOrder(server, client, 'app.test');
  const { issue } = server.authority;
  let recorded: string | undefined;
  server.authority.issue = async (request) => {
    const issued = await issue(request);
    server.pass(day);
    await server.acme.maintain();
    recorded = issued.certificate.serialNumberHex;
    return issued;
  };
  const done = await client.post(ready.json.finalize, { csr: await csrFor(['app.test']) });
  assert.equal(done.json.status, 'valid');
  const [leaf] = parseCertificates((await client.post(done.json.certificate)).text);
  assert.equal(leaf?.serialNumberHex, recorded);
});

test('what came to nothing is forgotten after a while; what was issued stays', async () => {
  const server = opened(await startServer({ limits: { keptMs: 10 * day } }));
  const client = await server.registered();
  const { order } = await certificateFor(server, client, 'app.test');
  const pending = await client.post('new-order', orderFor('b.test'));
  const location = pending.headers.get('location') ?? '';
  server.pass(day + 1);
  await server.acme.maintain();
  assert.equal((await client.post(location)).json.status, 'invalid');
  server.pass(10 * day);
  await server.acme.maintain();
  assertProblem(await client.post(location), 'malformed', 404);
  assertProblem(await client.post(pending.json.authorizations[0]), 'malformed', 404);
  assert.equal((await client.post(order.headers.get('location') ?? '')).json.status, 'valid');
  assert.equal((await client.post(order.json.authorizations[0])).json.status, 'expired');
});

test('what was issued is forgotten some time after the certificate has ended, proofs and all', async () => {
  const server = opened(await startServer({ limits: { keptMs: 10 * day } }));
  const client = await server.registered();
  const { order } = await certificateFor(server, client, 'app.test');
  // The certificate lasts 30 days.
  server.pass(40 * day - 1);
  await server.acme.maintain();
  assert.equal((await client.post(order.json.certificate)).status, 200);
  server.pass(1);
  await server.acme.maintain();
  assertProblem(await client.post(order.json.certificate), 'malformed', 404);
  for (const table of ['acme_orders', 'acme_order_authorizations', 'acme_authorizations', 'acme_challenges']) {
    assert.deepEqual(await server.database.all(`SELECT * FROM ${table}`), [], table);
  }
});

test('a profile goes from the order to the authority', async () => {
  const server = opened(await startServer({ profiles: { short: 'a week' } }));
  const client = await server.registered();
  const order = await client.post('new-order', { ...orderFor('app.test'), profile: 'short' });
  assert.equal(order.json.profile, 'short');
  const { json } = await client.post(order.json.authorizations[0]);
  await client.post(json.challenges[0].url, {});
  await server.acme.idle();
  await client.post(order.json.finalize, { csr: await csrFor(['app.test']) });
  assert.equal(server.authority.requests[0]?.profile, 'short');
});

test('a fault of our own is serverInternal with a nonce, and the log has it', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  await server.database.run('DROP TABLE acme_order_authorizations');
  const reply = await client.post('new-order', orderFor('app.test'));
  assert.deepEqual(assertProblem(reply, 'serverInternal', 500).detail, 'the CA met with an error of its own');
  assert.match(reply.headers.get('replay-nonce') ?? '', /^[\w-]{51}$/);
  assert.equal(reply.headers.get('retry-after'), '60');
  assert.deepEqual(
    server.events.slice(1).map(({ event }) => event),
    ['error'],
  );
  const [row] = await server.database.all('SELECT count(*) AS orders FROM acme_orders');
  assert.equal(row?.orders, 0);
});

test('a certificate is revoked by its own key, and by an account that has proven its names', async () => {
  const server = opened(await startServer());
  const [client, other] = [await server.registered(), await server.registered()];
  const { pem } = await certificateFor(server, client, 'app.test');
  const certificate = leafOf(pem);
  assertProblem(await other.post('revoke-cert', { certificate }), 'unauthorized', 403);
  assertProblem(await server.client().post('revoke-cert', { certificate }), 'unauthorized', 403);
  for (const reason of [2, 6, 7, 8, 10, -1, 'keyCompromise', null]) {
    assertProblem(await client.post('revoke-cert', { certificate, reason }), 'badRevocationReason', 400);
  }
  await provenOrder(server, other, 'app.test');
  // It ends whatever has the key, and so it is for who has that, or was given the certificate.
  const { detail } = assertProblem(
    await other.post('revoke-cert', { certificate, reason: 1 }),
    'badRevocationReason',
    400,
  );
  assert.equal(
    detail,
    'that a key is lost is told with the key itself, or by the account that ordered the certificate',
  );
  assert.equal((await other.post('revoke-cert', { certificate, reason: 4 })).status, 200);
  assertProblem(await client.post('revoke-cert', { certificate }), 'alreadyRevoked', 400);
  assertProblem(await client.post('revoke-cert', { certificate, reason: 1 }), 'alreadyRevoked', 400);

  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
  const order = await provenOrder(server, client, 'b.test');
  const { raw } = await issueRequest({ provider: nodeProvider, signer, subject: {}, names: ['b.test'] });
  const done = await client.post(order.json.finalize, { csr: Buffer.from(raw).toString('base64url') });
  const second = leafOf((await client.post(done.json.certificate)).text);
  const { createPrivateKey } = await import('node:crypto');
  const own = keyOf('ES256', createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }));
  // That it is lost its holder may find out after the certificate was revoked.
  assert.equal((await client.post('revoke-cert', { certificate: second, reason: 4 })).status, 200);
  assertProblem(await server.client(own).post('revoke-cert', { certificate: second }), 'alreadyRevoked', 400);
  const lost = { certificate: second, reason: 1 };
  assert.equal((await server.client(own).post('revoke-cert', lost)).status, 200);
  assert.equal((await server.authority.list()).at(-1)?.reason, 'keyCompromise');
  assertProblem(await server.client(own).post('revoke-cert', lost), 'alreadyRevoked', 400);
});

test('what is no certificate of ours is not revoked', async () => {
  const server = opened(await startServer());
  const elsewhere = opened(await startServer());
  const [client, stranger] = [await server.registered(), await elsewhere.registered()];
  const { pem } = await certificateFor(elsewhere, stranger, 'app.test');
  assertProblem(await client.post('revoke-cert', { certificate: leafOf(pem) }), 'malformed', 404);
  for (const certificate of ['', 'MAA', '!', 7, undefined]) {
    assertProblem(await client.post('revoke-cert', { certificate }), 'malformed', 400);
  }
});

test("renewal is suggested at two thirds of a certificate's life, and at once where it is revoked", async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const { pem } = await certificateFor(server, client, 'app.test');
  const id = certIdOf(pem);
  const { json, headers } = await client.get(`renewal-info/${id}`);
  assert.deepEqual(json, { suggestedWindow: { start: '2026-11-21T00:00:00.000Z', end: '2026-11-22T12:00:00.000Z' } });
  assert.equal(headers.get('retry-after'), '21600');
  server.pass(1000);
  await client.post('revoke-cert', { certificate: leafOf(pem) });
  const { suggestedWindow } = (await client.get(`renewal-info/${id}`)).json;
  assert.ok(Date.parse(suggestedWindow.end) < Date.UTC(2026, 10, 1) + 1000);
  for (const bad of ['x', 'a.b.c', 'AAAA.', '!.!'])
    assertProblem(await client.get(`renewal-info/${bad}`), 'malformed', 400);
  assertProblem(await client.get('renewal-info/AAAA.AAAA'), 'malformed', 404);
  assertProblem(await client.get(`renewal-info/AAAA.${id.split('.')[1]}`), 'malformed', 404);
});

test('an order says what it replaces: once, of its own account, with a name in common', async () => {
  const server = opened(await startServer());
  const [client, other] = [await server.registered(), await server.registered()];
  const { pem } = await certificateFor(server, client, 'app.test');
  const replaces = certIdOf(pem);
  assertProblem(await other.post('new-order', { ...orderFor('app.test'), replaces }), 'malformed', 400);
  assertProblem(await client.post('new-order', { ...orderFor('b.test'), replaces }), 'malformed', 400);
  assertProblem(await client.post('new-order', { ...orderFor('app.test'), replaces: 'x' }), 'malformed', 400);
  const order = await client.post('new-order', { ...orderFor('app.test'), replaces });
  assert.deepEqual([order.status, order.json.replaces], [201, replaces]);
  assertProblem(await client.post('new-order', { ...orderFor('app.test'), replaces }), 'alreadyReplaced', 409);
  // Under another issuer's key it is no certificate's identifier.
  const stranger = `AAAA.${replaces.split('.')[1]}`;
  assertProblem(await client.post('new-order', { ...orderFor('app.test'), replaces: stranger }), 'malformed', 400);
});

function leafOf(pem: string): string {
  return Buffer.from(parseCertificates(pem)[0]?.raw ?? []).toString('base64url');
}

/** RFC 9773 §4.1 */
function certIdOf(pem: string): string {
  const [leaf] = parseCertificates(pem);
  const parts = [leaf?.authorityKeyIdentifier?.keyIdentifier, leaf?.serialNumber];
  return parts.map((part) => Buffer.from(part ?? []).toString('base64url')).join('.');
}
