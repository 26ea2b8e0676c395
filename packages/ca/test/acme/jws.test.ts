import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { assertProblem, type Client, type Jws, keyOf, newKey, orderFor, signJws } from './support/client.ts';
import { base, startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let client: Client;

before(async () => {
  server = await startServer();
  client = await server.registered();
});
after(async () => await server[Symbol.asyncDispose]());

const b64 = (text: string): string => Buffer.from(text).toString('base64url');

/** A request for a new order whose header is changed, signed as it then stands. */
async function sendHeader(changes: Readonly<Record<string, unknown>>): ReturnType<Client['send']> {
  return await client.post('new-order', orderFor('app.test'), changes);
}

/** One whose JWS is changed after it was signed. */
async function sendChanged(change: (jws: Jws) => unknown): ReturnType<Client['send']> {
  const jws = signJws(client.key, await client.header('new-order'), orderFor('app.test'));
  return await client.send('new-order', JSON.stringify(change(jws)));
}

const bodies: readonly (readonly [what: string, change: (jws: Jws) => unknown])[] = [
  ['an array', () => []],
  ['null', () => null],
  ['a number', () => 1],
  ['no signature', ({ signature: _, ...jws }) => jws],
  ['no payload', ({ payload: _, ...jws }) => jws],
  ['no protected header', ({ protected: _, ...jws }) => jws],
  ['an unprotected header', (jws) => ({ ...jws, header: {} })],
  ['general JSON with signatures', ({ payload, ...rest }) => ({ payload, signatures: [rest] })],
  ['general JSON beside flattened', (jws) => ({ ...jws, signatures: [] })],
  ['an unknown member', (jws) => ({ ...jws, more: 1 })],
  ['a payload that is no string', (jws) => ({ ...jws, payload: {} })],
  ['padding in the signature', (jws) => ({ ...jws, signature: `${jws.signature}==` })],
  ['base64 instead of base64url', (jws) => ({ ...jws, signature: `${jws.signature.slice(0, -2)}+/` })],
  ['white space in the payload', (jws) => ({ ...jws, payload: `${jws.payload} ` })],
  ['spare bits that are set', (jws) => ({ ...jws, signature: `${jws.signature.slice(0, -1)}_` })],
  ['a header that is no JSON', (jws) => ({ ...jws, protected: b64('{') })],
  ['a header that is no object', (jws) => ({ ...jws, protected: b64('[]') })],
  ['a header that is no UTF-8', (jws) => ({ ...jws, protected: Buffer.from([0xff, 0xfe]).toString('base64url') })],
];

for (const [what, change] of bodies) {
  test(`a body with ${what} is malformed`, async () => {
    assertProblem(await sendChanged(change), 'malformed', 400);
  });
}

const headers: readonly (readonly [what: string, changes: Readonly<Record<string, unknown>>])[] = [
  ['no algorithm', { alg: undefined }],
  ['an algorithm that is no string', { alg: 7 }],
  ['no URL', { url: undefined }],
  ['neither jwk nor kid', { kid: undefined }],
  ['crit', { crit: ['exp'], exp: 1 }],
  ['b64', { b64: false }],
  ['jku', { jku: 'https://evil.test/keys' }],
  ['x5c', { x5c: ['MII='] }],
  ['a kid that is no string', { kid: 7 }],
  ['a nonce that is no string', { nonce: 7 }],
];

for (const [what, changes] of headers) {
  test(`a protected header with ${what} is malformed`, async () => {
    assertProblem(await sendHeader(changes), 'malformed', 400);
  });
}

test('a protected header with both jwk and kid is malformed', async () => {
  assertProblem(await sendHeader({ jwk: client.key.jwk }), 'malformed', 400);
});

for (const alg of ['none', 'HS256', 'RS512', 'PS256', 'ES512', 'ES384', 'EdDSA']) {
  test(`the algorithm ${alg} with a P-256 key is refused, and those that are taken are named`, async () => {
    const { algorithms } = assertProblem(await sendHeader({ alg }), 'badSignatureAlgorithm', 400);
    assert.deepEqual(algorithms, ['ES256', 'ES384', 'RS256', 'EdDSA']);
  });
}

test('a signature that is wrong, empty, or over other bytes is unauthorized', async () => {
  const wrong = (jws: Jws): Jws => ({ ...jws, signature: Buffer.alloc(64, 1).toString('base64url') });
  assertProblem(await sendChanged(wrong), 'unauthorized', 403);
  assertProblem(await sendChanged((jws) => ({ ...jws, signature: '' })), 'unauthorized', 403);
  assertProblem(await sendChanged((jws) => ({ ...jws, payload: b64('{}') })), 'unauthorized', 403);
});

test('a request that another key has signed in the name of an account is unauthorized', async () => {
  const header = await client.header('new-order');
  const body = signJws(newKey(), header, orderFor('app.test'));
  assertProblem(await client.send('new-order', JSON.stringify(body)), 'unauthorized', 403);
});

test('a request signed for another URL, or another host, is unauthorized', async () => {
  assertProblem(await sendHeader({ url: `${base}/acme/new-account` }), 'unauthorized', 403);
  assertProblem(await sendHeader({ url: 'https://evil.test/acme/new-order' }), 'unauthorized', 403);
  assertProblem(await sendHeader({ url: `${base}/acme/new-order?x` }), 'unauthorized', 403);
});

test('a kid that is no account of ours is accountDoesNotExist', async () => {
  for (const kid of [`${base}/acme/account/nobody`, 'https://evil.test/acme/account/x', `${client.kid}/`, '']) {
    assertProblem(await sendHeader({ kid }), 'accountDoesNotExist', 400);
  }
});

test('a key where an account must sign, and an account where a key must, are malformed', async () => {
  const byKey = { kid: undefined, jwk: client.key.jwk };
  assertProblem(await sendHeader(byKey), 'malformed', 400);
  const byAccount = { jwk: undefined, kid: client.kid };
  assertProblem(await client.post('new-account', {}, byAccount), 'malformed', 400);
});

function rsaJwk(changes: { readonly e?: string; readonly n?: string }): object {
  return { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(256, 0xff).toString('base64url'), ...changes };
}

const keys: readonly (readonly [what: string, jwk: object, type: string])[] = [
  [
    'a secret part',
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
    'malformed',
  ],
  ['a symmetric secret', { kty: 'oct', k: 'AAAA' }, 'malformed'],
  [
    'a curve that is not taken',
    generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey.export({ format: 'jwk' }),
    'badPublicKey',
  ],
  [
    '1,024 bits of RSA',
    generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }),
    'badPublicKey',
  ],
  [
    'a point that is not on its curve',
    { kty: 'EC', crv: 'P-256', x: b64('x'.repeat(32)), y: b64('y'.repeat(32)) },
    'badPublicKey',
  ],
  ['a coordinate that is too short', { kty: 'EC', crv: 'P-256', x: b64('x'), y: b64('y'.repeat(32)) }, 'malformed'],
  ['a coordinate that is missing', { kty: 'EC', crv: 'P-256', x: b64('x'.repeat(32)) }, 'malformed'],
  ['an RSA exponent of 1', rsaJwk({ e: 'AQ' }), 'badPublicKey'],
  ['an even RSA exponent', rsaJwk({ e: 'AQAC' }), 'badPublicKey'],
  ['an RSA exponent of 35 bits', rsaJwk({ e: 'BAAAAAE' }), 'badPublicKey'],
  ['an even RSA modulus', rsaJwk({ n: Buffer.alloc(256, 0xfe).toString('base64url') }), 'badPublicKey'],
  ['an RSA modulus of 9,000 bits', rsaJwk({ n: Buffer.alloc(1125, 0xff).toString('base64url') }), 'badPublicKey'],
  ['an unknown kind', { kty: 'constructor' }, 'badPublicKey'],
  ['no kind', {}, 'badPublicKey'],
];

for (const [what, jwk, type] of keys) {
  test(`a JWK with ${what} is ${type}`, async () => {
    assertProblem(await client.post('new-account', {}, { jwk }), type, 400);
  });
}

test('a JWK that is no object is malformed', async () => {
  for (const jwk of [null, 'x', [], 1]) {
    assertProblem(await client.post('new-account', {}, { jwk }), 'malformed', 400);
  }
});

test('an RSA key whose members have leading zeros is malformed, so that a key has one thumbprint', async () => {
  const key = newKey('RS256');
  const n = Buffer.concat([Buffer.from([0]), Buffer.from(String(key.jwk.n), 'base64url')]).toString('base64url');
  assertProblem(await client.post('new-account', {}, { jwk: { ...key.jwk, n } }), 'malformed', 400);
});

test('a body of another type is 415, one that is too large 413, one that is no JSON 400', async () => {
  assertProblem(await client.send('new-order', '{}', 'application/json'), 'malformed', 415);
  assertProblem(await client.send('new-order', `"${'x'.repeat(64 * 1024)}"`), 'malformed', 413);
  assertProblem(await client.send('new-order', '{'), 'malformed', 400);
  assertProblem(await client.send('new-order', ''), 'malformed', 400);
  assertProblem(await client.send('new-order', '['.repeat(60_000)), 'malformed', 400);
});

test('an endless body is left at the limit', async () => {
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(16 * 1024));
    },
  });
  const init = { method: 'POST', headers: { 'content-type': 'application/jose+json' }, body, duplex: 'half' };
  const response = await server.acme.fetch(new Request(`${base}/acme/new-order`, init as RequestInit));
  assert.equal(response.status, 413);
  assert.ok(pulled < 10, `${pulled} pieces`);
});

test('GET of a resource is 405, and of nothing 404, with problem documents', async () => {
  const wrongMethod = await client.get('new-order');
  assertProblem(wrongMethod, 'malformed', 405);
  assert.equal(wrongMethod.headers.get('allow'), 'POST');
  assertProblem(await client.get(client.kid ?? ''), 'malformed', 405);
  assertProblem(await client.get('nothing'), 'malformed', 404);
});

test('POST-as-GET has an empty payload: an object is malformed', async () => {
  const order = await client.post('new-order', orderFor('app.test'));
  assertProblem(await client.post(order.headers.get('location') ?? '', {}), 'malformed', 400);
});

test('the directory and a nonce come by POST-as-GET, too, for who prefers to sign', async () => {
  const directory = await client.post('directory');
  assert.deepEqual([directory.status, directory.json], [200, (await client.get('directory')).json]);
  const nonce = await client.post('new-nonce');
  assert.deepEqual([nonce.status, nonce.text], [204, '']);
  assert.match(nonce.headers.get('replay-nonce') ?? '', /^[\w-]{51}$/);
  assertProblem(await server.client().post('new-nonce'), 'malformed', 400);
});

test('a nonce is good once, and every answer brings the next', async () => {
  const nonce = await client.nonce();
  const first = await sendHeader({ nonce });
  assert.equal(first.status, 201);
  const again = await sendHeader({ nonce });
  assertProblem(again, 'badNonce', 400);
  const third = await sendHeader({ nonce: again.headers.get('replay-nonce') });
  assert.equal(third.status, 201);
});

test('of two requests at once with one nonce, one is accepted', async () => {
  const nonce = await client.nonce();
  const replies = await Promise.all([sendHeader({ nonce }), sendHeader({ nonce }), sendHeader({ nonce })]);
  assert.deepEqual(replies.map(({ status }) => status).toSorted(), [201, 400, 400]);
});

test('a nonce is used up by a request that is refused, and not by one that is not authentic', async () => {
  const nonce = await client.nonce();
  const header = { ...(await client.header('new-order')), nonce };
  const forged = signJws(newKey(), header, orderFor('app.test'));
  assertProblem(await client.send('new-order', JSON.stringify(forged)), 'unauthorized', 403);
  assertProblem(await client.post('new-order', { identifiers: [] }, { nonce }), 'malformed', 400);
  assertProblem(await sendHeader({ nonce }), 'badNonce', 400);
});

test('nonces that are changed, cut, foreign or absent are bad', async () => {
  const nonce = await client.nonce();
  const last = nonce.at(-1) === 'A' ? 'B' : 'A';
  for (const bad of [
    `B${nonce.slice(1)}`,
    nonce.slice(0, -1),
    `${nonce.slice(0, -1)}${last}`,
    `${nonce}A`,
    '',
    undefined,
  ]) {
    assertProblem(await sendHeader({ nonce: bad }), 'badNonce', 400);
  }
});

test('a nonce expires, and used ones are then forgotten', async () => {
  const nonce = await client.nonce();
  await sendHeader({});
  server.pass(3_600_001);
  assertProblem(await sendHeader({ nonce }), 'badNonce', 400);
  server.pass(3_600_000);
  await server.acme.maintain();
  const [left] = await server.database.all('SELECT count(*) AS left FROM acme_nonces');
  assert.equal(left?.left, 0);
});

test('a key whose algorithm is not its own is refused, whatever it signs', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = server.client(keyOf('ES384', privateKey));
  assertProblem(await stranger.register(), 'badSignatureAlgorithm', 400);
});

const members = fc.dictionary(
  fc.constantFrom('alg', 'jwk', 'kid', 'nonce', 'url', 'crit', '__proto__', 'constructor', 'x'),
  fc.jsonValue({ maxDepth: 2 }),
);

test("whatever is in a request, what is wrong with it is the client's fault", async () => {
  const paths = [
    'new-account',
    'new-order',
    'revoke-cert',
    'key-change',
    'account/x',
    'order/x/finalize',
    'challenge/x',
  ];
  const property = fc.asyncProperty(
    fc.constantFrom(...paths),
    members,
    fc.jsonValue({ maxDepth: 3 }),
    async (path, header, value) => {
      const payload = typeof value === 'object' && value !== null ? value : JSON.stringify(value);
      // Most parts are right, so that what is wrong is met at every depth.
      for (const changes of [{}, header]) {
        const reply = await client.post(path, payload, changes);
        assert.ok(reply.status < 500, `${reply.status} ${reply.text}`);
        if (reply.status >= 400) assert.match(reply.json.type, /^urn:ietf:params:acme:error:(?!serverInternal)/);
      }
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test('whatever the bytes of a request are, it is malformed', async () => {
  const property = fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
    assertProblem(await client.send('new-order', Uint8Array.from(bytes)), 'malformed', 400);
  });
  await fc.assert(property, { numRuns: 40 });
});
