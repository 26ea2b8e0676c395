import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type Client, csrFor, type Jws, type Reply, signJws } from './support/client.ts';
import { provenOrder, startServer, type TestServer } from './support/server.ts';

let server: TestServer;
let client: Client;
before(async () => {
  server = await startServer();
  client = await server.registered();
});
after(() => server[Symbol.asyncDispose]());

const clientFaults = /^urn:ietf:params:acme:error:(?!serverInternal)\w+$/;

function assertRefused(reply: Reply): void {
  assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status} ${reply.text}`);
  assert.equal(reply.headers.get('content-type'), 'application/problem+json');
  assert.match(reply.json.type, clientFaults);
  assert.equal(reply.json.status, reply.status);
}

/** Some bytes changed, cut out, or put in. */
const damage = fc.array(
  fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('change', 'cut', 'insert'),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 3 },
);

type Damage = readonly { readonly at: number; readonly kind: string; readonly bytes: Uint8Array }[];

function damaged(bytes: Buffer, changes: Damage): Buffer {
  return changes.reduce((whole, { at, kind, bytes: given }) => {
    const from = at % Math.max(1, whole.length);
    const to = from + (kind === 'insert' ? 0 : given.length);
    const put = kind === 'cut' ? Buffer.alloc(0) : Buffer.from(given);
    return Buffer.concat([whole.subarray(0, from), put, whole.subarray(to)]);
  }, bytes);
}

test('a certification request that is damaged anywhere is a bad one, and the order stays ready', async () => {
  const order = await provenOrder(server, client, 'app.test', '10.0.0.1');
  const csr = Buffer.from(await csrFor(['app.test', '10.0.0.1']), 'base64url');
  const property = fc.asyncProperty(damage, async (changes) => {
    const bytes = damaged(csr, changes);
    if (bytes.equals(csr)) return;
    assertRefused(await client.post(order.json.finalize, { csr: bytes.toString('base64url') }));
  });
  await fc.assert(property, { numRuns: 15 });
  assert.equal((await client.post(order.headers.get('location') ?? '')).json.status, 'ready');
  assert.equal((await client.post(order.json.finalize, { csr: csr.toString('base64url') })).json.status, 'valid');
});

test('bytes that are no request are refused', async () => {
  const order = await provenOrder(server, client, 'other.test');
  const property = fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
    assertRefused(await client.post(order.json.finalize, { csr: Buffer.from(bytes).toString('base64url') }));
  });
  await fc.assert(property, { numRuns: 12 });
});

test('a JWS that is damaged in any part is refused, and has used no nonce', async () => {
  const path = 'new-order';
  const property = fc.asyncProperty(
    fc.constantFrom('protected', 'payload', 'signature'),
    damage,
    async (part, changes) => {
      const header = await client.header(path);
      const good: Jws = signJws(client.key, header, { identifiers: [{ type: 'dns', value: 'x.test' }] });
      const bytes = Buffer.from(good[part], 'base64url');
      const bad = damaged(bytes, changes);
      if (bad.equals(bytes)) return;
      const body = JSON.stringify({ ...good, [part]: bad.toString('base64url') });
      assertRefused(await client.send(path, body));
      assert.equal((await client.send(path, JSON.stringify(good))).status, 201);
    },
  );
  await fc.assert(property, { numRuns: 15 });
});

test('JSON that is damaged is refused, or means what it says', async () => {
  const payload = JSON.stringify({ identifiers: [{ type: 'dns', value: 'x.test' }], profile: 'none' });
  const property = fc.asyncProperty(damage, async (changes) => {
    const { status, json } = await client.post('new-order', damaged(Buffer.from(payload), changes).toString('latin1'));
    assert.ok(status === 201 || (status >= 400 && status < 500 && clientFaults.test(json.type)), `${status}`);
  });
  await fc.assert(property, { numRuns: 15 });
});

test('whatever text an identifier is, it is taken or refused', async () => {
  const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.domain(), fc.ipV4(), fc.ipV6());
  const property = fc.asyncProperty(fc.constantFrom('dns', 'ip', 'x'), value, async (type, text) => {
    const { status, json } = await client.post('new-order', { identifiers: [{ type, value: text }] });
    assert.ok(status === 201 || (status >= 400 && status < 500 && clientFaults.test(json.type)), `${status}`);
  });
  await fc.assert(property, { numRuns: 15 });
});
