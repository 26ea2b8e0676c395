import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderFor } from './support/client.ts';
import { opened } from './support/opened.ts';
import { startServer } from './support/server.ts';

test('a server that stops gives back the challenges that it has not settled: those in work, and those that wait', async () => {
  const server = opened(await startServer({ limits: { validations: 1 } }));
  const client = await server.registered();
  let begun = 0;
  server.answer = ({ signal }) =>
    new Promise((_, reject) => {
      begun++;
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  const order = await client.post('new-order', orderFor('a.test', 'b.test'));
  for (const url of order.json.authorizations) {
    const { json } = await client.post(url);
    assert.equal((await client.post(json.challenges[0].url, {})).json.status, 'processing');
  }
  assert.equal(begun, 1);
  const leases = async (): Promise<readonly object[]> =>
    await server.database.all('SELECT status, leased_until FROM acme_challenges');
  const now = Date.UTC(2026, 10, 1);
  const held = { status: 'processing', leased_until: now + 60_000 };
  assert.deepEqual(
    (await leases()).map((row) => ({ ...row })),
    [held, held],
  );
  await server.acme.close();
  const free = { status: 'processing', leased_until: now };
  assert.deepEqual(
    (await leases()).map((row) => ({ ...row })),
    [free, free],
  );
  assert.deepEqual(
    server.events.map(({ event }) => event),
    ['account', 'new order'],
  );
});

test('what was settled before is left as it is', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await client.post('new-order', orderFor('a.test'));
  const { json } = await client.post(order.json.authorizations[0]);
  await client.post(json.challenges[0].url, {});
  await server.acme.idle();
  await server.acme.close();
  const [row] = await server.database.all('SELECT status FROM acme_challenges');
  assert.equal(row?.status, 'valid');
});
