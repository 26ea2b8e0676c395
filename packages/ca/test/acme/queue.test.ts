import assert from 'node:assert/strict';
import { test } from 'node:test';
import { background } from '../../src/acme/background.ts';
import { releaseValidations } from '../../src/acme/validation/run.ts';
import { assertProblem, type Client, orderFor } from './support/client.ts';
import { opened } from './support/opened.ts';
import { provenOrder, startServer, type TestServer } from './support/server.ts';

const minute = 60_000;

/** A server whose validations wait until they are let go. */
async function waitingServer(limits: {
  readonly validations?: number;
  readonly waitingValidations?: number;
}): Promise<{ readonly server: TestServer; readonly letGo: () => void }> {
  const server = opened(await startServer({ limits }));
  const gate = Promise.withResolvers<void>();
  server.answer = async () => await gate.promise;
  return { server, letGo: gate.resolve };
}

/** Answers the challenges of an order; the replies. */
async function answered(client: Client, ...names: readonly string[]): Promise<Awaited<ReturnType<Client['post']>>[]> {
  const order = await client.post('new-order', orderFor(...names));
  const replies = [];
  for (const url of order.json.authorizations) {
    const { json } = await client.post(url);
    replies.push(await client.post(json.challenges[0].url, {}));
  }
  return replies;
}

test('so many validations run at a time, of one account half as many, and the others in turn', async () => {
  const server = opened(await startServer({ limits: { validations: 4 } }));
  let [running, most] = [0, 0];
  server.answer = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
  };
  const client = await server.registered();
  const order = await provenOrder(server, client, 'a.test', 'b.test', 'c.test', 'd.test', 'e.test');
  assert.deepEqual([order.json.status, server.validations.length, most <= 2], ['ready', 5, true]);
});

test('what waits is taken in turns of the accounts: many of one keep none of another waiting', async () => {
  const order: string[] = [];
  const gates: (() => void)[] = [];
  const beside = background(4);
  const work = (name: string) => (): Promise<void> => {
    order.push(name);
    return new Promise((resolve) => gates.push(resolve));
  };
  for (const n of [1, 2, 3, 4, 5, 6]) beside.add('a', work(`a${n}`));
  assert.deepEqual(order, ['a1', 'a2']);
  assert.equal(beside.waiting('a'), 4);
  for (const n of [1, 2, 3]) beside.add('b', work(`b${n}`));
  beside.add('c', work('c1'));
  assert.deepEqual(order, ['a1', 'a2', 'b1', 'b2']);
  const idle = beside.idle();
  while (gates.length > 0) {
    gates.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await idle;
  assert.deepEqual(order, ['a1', 'a2', 'b1', 'b2', 'a3', 'c1', 'b3', 'a4', 'a5', 'a6']);
  assert.deepEqual(['a', 'b', 'nobody'].map(beside.waiting), [0, 0, 0]);
});

test('what waits for its turn is not taken up a second time, however long it waits', async () => {
  const { server, letGo } = await waitingServer({ validations: 1 });
  const client = await server.registered();
  await answered(client, 'a.test', 'b.test', 'c.test');
  for (let minutes = 0; minutes < 5; minutes++) {
    server.pass(minute);
    await server.acme.maintain();
  }
  letGo();
  await server.acme.idle();
  assert.deepEqual(
    server.validations.map(({ identifier }) => identifier.value),
    ['a.test', 'b.test', 'c.test'],
  );
  assert.deepEqual(await server.database.all("SELECT id FROM acme_challenges WHERE status <> 'valid'"), []);
});

test('nobody is asked for a challenge that another process has settled while it waited', async () => {
  const { server, letGo } = await waitingServer({ validations: 1 });
  const client = await server.registered();
  await answered(client, 'a.test', 'b.test');
  const [row] = await server.database.all(
    `SELECT c.id FROM acme_challenges c JOIN acme_authorizations a ON a.id = c.authorization_id
     WHERE a.identifier_value = 'b.test'`,
  );
  await server.database.run("UPDATE acme_challenges SET status = 'valid' WHERE id = $1", [row?.id ?? null]);
  server.pass(minute);
  letGo();
  await server.acme.idle();
  assert.deepEqual(
    server.validations.map(({ identifier }) => identifier.value),
    ['a.test'],
  );
});

test('a challenge that waits is at its end when its authorization was decided without it', async () => {
  const { server, letGo } = await waitingServer({ validations: 1 });
  const client = await server.registered();
  const [, second] = await answered(client, 'a.test', 'b.test');
  await server.database.run("UPDATE acme_authorizations SET status = 'valid' WHERE identifier_value = 'b.test'");
  server.pass(minute);
  letGo();
  await server.acme.idle();
  assert.equal(server.validations.length, 1);
  const { json } = await client.post(second?.json.url);
  assert.deepEqual(
    [json.status, json.error.detail],
    ['invalid', 'the authorization was decided without this challenge'],
  );
  const [own] = await server.database.all("SELECT status FROM acme_authorizations WHERE identifier_value = 'b.test'");
  assert.equal(own?.status, 'valid');
});

test('an account has so many validations waiting; more are refused for a while, others are not', async () => {
  const { server, letGo } = await waitingServer({ validations: 2, waitingValidations: 2 });
  const [client, other] = [await server.registered(), await server.registered()];
  const replies = await answered(client, 'a.test', 'b.test', 'c.test', 'd.test');
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 200, 429],
  );
  const [, , , refused] = replies;
  assert.ok(refused !== undefined);
  assert.equal(
    assertProblem(refused, 'rateLimited', 429).detail,
    '2 validations of this account wait for their turn: come again when some are done',
  );
  assert.equal(refused.headers.get('retry-after'), '60');
  assert.deepEqual(
    (await answered(other, 'a.test')).map(({ status }) => status),
    [200],
  );
  letGo();
  await server.acme.idle();
  assert.equal(server.validations.length, 4);
});

test('very many challenges are given back in as many statements as it takes', async () => {
  const server = opened(await startServer());
  const held = new Set(Array.from({ length: 40_000 }, (_, n) => `challenge-${n}`));
  await releaseValidations({ database: server.database, held, now: () => 0 });
  assert.equal(held.size, 0);
});
