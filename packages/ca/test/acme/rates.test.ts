import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { createAcme } from '../../src/acme/app.ts';
import { addressRange } from '../../src/acme/rates.ts';
import type { AcmeLimits } from '../../src/acme/settings.ts';
import { ValidationFailure } from '../../src/acme/validation/challenge.ts';
import { assertProblem, Client, orderFor, type Reply } from './support/client.ts';
import { opened } from './support/opened.ts';
import { base, provenOrder, startServer, type TestServer } from './support/server.ts';

const hour = 3_600_000;

const limited = async (limits: Partial<AcmeLimits>): Promise<TestServer> =>
  opened(await startServer({ limits, rateLimitsUrl: 'https://ca.test/limits' }));

function assertLimited(reply: Reply, seconds: number, detail: string): Reply['json'] {
  const document = assertProblem(reply, 'rateLimited', 429);
  assert.equal(document.detail, detail);
  assert.equal(reply.headers.get('retry-after'), String(seconds));
  assert.match(reply.headers.get('link') ?? '', /, <https:\/\/ca\.test\/limits>;rel="help"$/);
  assert.match(reply.headers.get('replay-nonce') ?? '', /^[\w-]{51}$/);
  return document;
}

test('an address has so many new accounts an hour; those that are there are found all the same', async () => {
  const { acme, pass } = await limited({ accountsPerHour: 2 });
  const from = (address: string): Client => new Client((request) => acme.fetch(request, { address }), base);
  const first = from('10.0.0.1');
  assert.equal((await first.register()).status, 201);
  assert.equal((await from('::ffff:10.0.0.1').register()).status, 201);
  const detail = 'there are 2 new accounts from this address an hour';
  assertLimited(await from('10.0.0.1').register(), 1800, detail);
  assert.equal((await first.register()).status, 200);
  assert.equal((await from('10.0.0.2').register()).status, 201);
  pass(hour / 2 - 1);
  assertLimited(await from('10.0.0.1').register(), 1, detail);
  pass(1);
  assert.equal((await from('10.0.0.1').register()).status, 201);
  assertLimited(await from('10.0.0.1').register(), 1800, detail);
});

test('a new account that is refused takes no place of its address', async () => {
  const server = opened(await startServer({ limits: { accountsPerHour: 1 }, externalAccountRequired: true }));
  const from = new Client((request) => server.acme.fetch(request, { address: '10.0.0.1' }), base);
  for (const _ of [1, 2, 3]) assertProblem(await from.register(), 'externalAccountRequired', 403);
  assert.deepEqual(await server.database.all('SELECT * FROM acme_rates'), []);
});

test('addresses are counted whole, those of IPv6 by the network of their host', () => {
  const table: Readonly<Record<string, string>> = {
    '10.0.0.1': '10.0.0.1',
    '::ffff:10.0.0.1': '10.0.0.1',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1:2::/64',
    '2001:db8:1:2::1': '2001:db8:1:2::/64',
    '2001:db8::1': '2001:db8:0:0::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    '::1': '0:0:0:0::/64',
    '2001:db8:1::': '2001:db8:1:0::/64',
  };
  for (const [address, range] of Object.entries(table)) assert.equal(addressRange(address), range, address);
});

test('an account has so many orders an hour, whichever process takes them', async () => {
  const server = await limited({ ordersPerHour: 4 });
  const [client, other] = [await server.registered(), await server.registered()];
  const beside = await createAcme({
    ...{ authority: server.authority, database: server.database, provider: nodeProvider, baseUrl: base },
    challenges: [{ type: 'http-01', offers: () => true, validate: async () => undefined }],
    clock: () => new Date(Date.UTC(2026, 10, 1)),
    limits: { ordersPerHour: 4 },
  });
  const elsewhere = new Client(beside.fetch, base, client.key);
  elsewhere.kid = client.kid;
  const four = await Promise.all(
    [client, elsewhere, client, elsewhere].map((each, n) => each.post('new-order', orderFor(`${n}.test`))),
  );
  assert.deepEqual(
    four.map(({ status }) => status),
    [201, 201, 201, 201],
  );
  const detail = 'there are 4 orders of this account an hour';
  assertLimited(await client.post('new-order', orderFor('more.test')), 900, detail);
  assertProblem(await elsewhere.post('new-order', orderFor('more.test')), 'rateLimited', 429);
  await beside.close();
  assert.equal((await other.post('new-order', orderFor('more.test'))).status, 201);
  // What is refused for another reason counts nothing.
  server.pass(hour / 4);
  assertProblem(await client.post('new-order', orderFor('-')), 'malformed', 400);
  assert.equal((await client.post('new-order', orderFor('more.test'))).status, 201);
  assertLimited(await client.post('new-order', orderFor('more.test')), 900, detail);
});

test('a name that keeps failing gets no order for a while; the account has others', async () => {
  const server = await limited({ failedValidationsPerHour: 2 });
  const [client, other] = [await server.registered(), await server.registered()];
  server.answer = async () => await Promise.reject(new ValidationFailure('unauthorized', 'no'));
  for (const count of [1, 2]) {
    assert.equal((await provenOrder(server, client, 'bad.test')).json.status, 'invalid', `${count}`);
  }
  const detail = 'there were 2 failed validations of this identifier within an hour';
  const refused = assertLimited(await client.post('new-order', orderFor('good.test', 'bad.test')), 1800, detail);
  assert.deepEqual(refused.subproblems, [
    { type: 'urn:ietf:params:acme:error:rateLimited', detail, identifier: { type: 'dns', value: 'bad.test' } },
  ]);
  assert.equal((await client.post('new-order', orderFor('good.test'))).status, 201);
  assert.equal((await other.post('new-order', orderFor('bad.test'))).status, 201);
  server.pass(hour / 2);
  assert.equal((await client.post('new-order', orderFor('bad.test'))).status, 201);
});

test('0 is no limit, and leaves no rows', async () => {
  const server = await limited({ accountsPerHour: 0, ordersPerHour: 0, failedValidationsPerHour: 0 });
  const client = new Client((request) => server.acme.fetch(request, { address: '10.0.0.1' }), base);
  await client.register();
  server.answer = async () => await Promise.reject(new ValidationFailure('unauthorized', 'no'));
  await provenOrder(server, client, 'bad.test');
  assert.deepEqual(await server.database.all('SELECT subject FROM acme_rates'), []);
});

test('one row a subject, which goes when it weighs nothing', async () => {
  const server = await limited({ ordersPerHour: 60 });
  const client = await server.registered();
  for (const name of ['a', 'b', 'c']) await client.post('new-order', orderFor(`${name}.test`));
  const rows = (): Promise<readonly object[]> => server.database.all('SELECT kind FROM acme_rates');
  assert.equal((await rows()).length, 1);
  server.pass(3 * 60_000 - 1);
  await server.acme.maintain();
  assert.equal((await rows()).length, 1);
  server.pass(1);
  await server.acme.maintain();
  assert.equal((await rows()).length, 0);
});
