import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { createExternalKey, listExternalKeys, revokeExternalKey } from '../../src/acme/external-accounts.ts';
import { listAudit } from '../../src/audit.ts';
import { auditFaults } from '../support/audit.ts';
import { assertProblem, type Client, Client as ClientOf, macJws, newKey, orderFor, signJws } from './support/client.ts';
import { opened } from './support/opened.ts';
import { base, provenOrder, startServer, type TestServer } from './support/server.ts';

test('a key has one account: asked again, also by two at once, it is the same', async () => {
  const server = opened(await startServer());
  const key = newKey();
  const replies = await Promise.all([server.client(key).register(), server.client(key).register()]);
  assert.deepEqual(replies.map(({ status }) => status).toSorted(), [200, 201]);
  assert.equal(replies[0]?.headers.get('location'), replies[1]?.headers.get('location'));
  const again = await server.client(key).register({ contact: ['mailto:other@example.test'], onlyReturnExisting: true });
  assert.deepEqual([again.status, again.json.contact], [200, undefined]);
});

test('onlyReturnExisting makes no account', async () => {
  const server = opened(await startServer());
  assertProblem(await server.client().register({ onlyReturnExisting: true }), 'accountDoesNotExist', 400);
  assertProblem(await server.client().register({ onlyReturnExisting: 'yes' }), 'malformed', 400);
});

test('contacts are mailto URLs with one address, and few', async () => {
  const server = opened(await startServer());
  const table: readonly (readonly [contact: unknown, type: string])[] = [
    [['tel:+4930123456'], 'unsupportedContact'],
    [['https://example.test'], 'unsupportedContact'],
    [['ops@example.test'], 'invalidContact'],
    [['mailto:a@example.test,b@example.test'], 'invalidContact'],
    [['mailto:a@example.test?subject=x'], 'invalidContact'],
    [['mailto:example.test'], 'invalidContact'],
    [['mailto:a@\u001b[31m'], 'invalidContact'],
    [[7], 'invalidContact'],
    ['mailto:a@example.test', 'malformed'],
    [Array.from({ length: 11 }, () => 'mailto:a@example.test'), 'malformed'],
  ];
  for (const [contact, type] of table) assertProblem(await server.client().register({ contact }), type, 400);
  const client = server.client();
  assert.equal((await client.register({ contact: ['MAILTO:a+b@example.test'] })).status, 201);
  const updated = await client.post(client.kid ?? '', { contact: [], status: 'valid', orders: 'x', more: 1 });
  assert.deepEqual(updated.json, { status: 'valid', orders: `${client.kid}/orders` });
});

test('where there are terms, a new account agrees to them', async () => {
  const server = opened(await startServer({ termsOfService: 'https://wiki.test/terms' }));
  const client = server.client();
  const refused = await client.register({ termsOfServiceAgreed: false });
  assert.equal(assertProblem(refused, 'userActionRequired', 403).instance, 'https://wiki.test/terms');
  assert.match(refused.headers.get('link') ?? '', /<https:\/\/wiki\.test\/terms>;rel="terms-of-service"/);
  assert.equal((await client.register({ termsOfServiceAgreed: true })).status, 201);
  assert.equal((await client.get('directory')).json.meta.termsOfService, 'https://wiki.test/terms');
});

test('an account is read and changed by itself alone', async () => {
  const server = opened(await startServer());
  const [one, other] = [await server.registered(), await server.registered()];
  assertProblem(await other.post(one.kid ?? ''), 'unauthorized', 403);
  assertProblem(await other.post(one.kid ?? '', { status: 'deactivated' }), 'unauthorized', 403);
  assertProblem(await other.post(`${one.kid}/orders`), 'unauthorized', 403);
});

test('of what a client says of its account, the contacts count; of its status, that it ends', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const contact = ['mailto:a@b.test'];
  for (const status of ['revoked', 'valid', 7]) {
    const { json } = await client.post(client.kid ?? '', { status, contact, orders: 'x', termsOfServiceAgreed: false });
    assert.deepEqual(json, { status: 'valid', contact, orders: `${client.kid}/orders` });
  }
});

test('an account that is deactivated can do nothing more, nor can its key', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const order = await provenOrder(server, client, 'app.test');
  const answer = await client.post(client.kid ?? '', { status: 'deactivated' });
  assert.deepEqual([answer.status, answer.json.status], [200, 'deactivated']);
  assertProblem(await client.post(order.headers.get('location') ?? ''), 'unauthorized', 401);
  assertProblem(await client.post('new-order', orderFor('app.test')), 'unauthorized', 401);
  assertProblem(await server.client(client.key).register(), 'unauthorized', 401);
  const [row] = await server.database.all('SELECT status FROM acme_orders');
  assert.equal(row?.status, 'invalid');
});

async function changeKey(client: Client, changes: ChangedParts = {}): ReturnType<Client['post']> {
  const { key = newKey(), inner = {}, change = {} } = changes;
  const header = { alg: key.alg, jwk: key.jwk, url: `${base}/acme/key-change`, ...inner };
  const payload = { account: client.kid, oldKey: client.key.jwk, ...change };
  return await client.post('key-change', signJws(changes.signer ?? key, header, payload));
}

interface ChangedParts {
  readonly key?: ReturnType<typeof newKey>;
  readonly signer?: ReturnType<typeof newKey>;
  readonly inner?: object;
  readonly change?: object;
}

test('a key change is signed by both keys, and then the new one alone counts', async () => {
  const server = opened(await startServer());
  const client = await server.registered();
  const pending = await client.post('new-order', orderFor('app.test'));
  const key = newKey('ES384');
  assert.equal((await changeKey(client, { key })).status, 200);
  assertProblem(await client.post(client.kid ?? ''), 'unauthorized', 403);
  const renewed = new ClientOf(server.acme.fetch, base, key);
  renewed.kid = client.kid;
  assert.equal((await renewed.post(pending.headers.get('location') ?? '')).json.status, 'pending');
  assert.equal((await server.client(key).register()).headers.get('location'), client.kid);
});

test('a key change that lacks something is refused', async () => {
  const server = opened(await startServer());
  const [client, other] = [await server.registered(), await server.registered()];
  const table: readonly (readonly [changes: ChangedParts, type: string, status: number])[] = [
    [{ signer: newKey() }, 'unauthorized', 403],
    [{ inner: { nonce: await client.nonce() } }, 'malformed', 400],
    [{ inner: { url: `${base}/acme/new-order` } }, 'malformed', 400],
    [{ inner: { jwk: undefined, kid: client.kid } }, 'malformed', 400],
    [{ change: { account: other.kid } }, 'malformed', 400],
    [{ change: { oldKey: other.key.jwk } }, 'malformed', 400],
    [{ change: { oldKey: undefined } }, 'malformed', 400],
    [{ key: other.key }, 'malformed', 409],
    [{ key: client.key }, 'malformed', 409],
  ];
  for (const [changes, type, status] of table) assertProblem(await changeKey(client, changes), type, status);
  const conflict = await changeKey(client, { key: other.key });
  assert.equal(conflict.headers.get('location'), other.kid);
  assertProblem(await client.post('key-change', 'no JWS'), 'malformed', 400);
  assert.equal((await client.post(client.kid ?? '')).status, 200);
});

test('an external account binding opens an account where one is required', async () => {
  const server = opened(await startServer({ externalAccountRequired: true }));
  const client = server.client();
  const { id, secret } = await createExternalKey(
    server.database,
    nodeProvider,
    'team a',
    new Date(0),
    'operator alice',
  );
  const url = `${base}/acme/new-account`;
  const header = { alg: 'HS256', kid: id, url };
  const bind = async (binding: unknown): ReturnType<Client['post']> =>
    client.register({ externalAccountBinding: binding });

  assert.equal((await client.get('directory')).json.meta.externalAccountRequired, true);
  assertProblem(await client.register(), 'externalAccountRequired', 403);
  assertProblem(await bind('x'), 'malformed', 400);
  assertProblem(await bind(macJws(secret, { ...header, nonce: 'x' }, client.key.jwk)), 'malformed', 400);
  assertProblem(await bind(macJws(secret, { ...header, url: `${base}/` }, client.key.jwk)), 'malformed', 400);
  assertProblem(await bind(macJws(secret, { ...header, alg: 'ES256' }, client.key.jwk)), 'badSignatureAlgorithm', 400);
  assertProblem(await bind(macJws(secret, { ...header, kid: 'nobody' }, client.key.jwk)), 'unauthorized', 403);
  assertProblem(await bind(macJws('AAAA', header, client.key.jwk)), 'unauthorized', 403);
  assertProblem(await bind(macJws(secret, header, newKey().jwk)), 'malformed', 400);

  const binding = macJws(secret, header, client.key.jwk);
  const made = await bind(binding);
  assert.deepEqual([made.status, made.json.externalAccountBinding], [201, binding]);
  const [account] = await server.database.all('SELECT external_key_id FROM acme_accounts');
  assert.equal(account?.external_key_id, id);

  assert.equal(await revokeExternalKey(server.database, id, new Date(1), 'operator alice'), true);
  assert.equal(await revokeExternalKey(server.database, id, new Date(2)), false);
  assert.deepEqual(await listExternalKeys(server.database), [
    { id, label: 'team a', createdAt: new Date(0), revokedAt: new Date(1) },
  ]);
  const late = server.client();
  const lateBinding = macJws(secret, header, late.key.jwk);
  assertProblem(await late.register({ externalAccountBinding: lateBinding }), 'unauthorized', 403);
  assert.equal((await client.post(client.kid ?? '')).status, 200);
  const told = (await audited(server)).filter(([, action]) => action.endsWith('external key'));
  assert.deepEqual(told, [
    ['operator alice', 'create external key', id, 'team a'],
    ['operator alice', 'revoke external key', id, 'team a'],
  ]);
  const creation = (await audited(server)).find(([, action]) => action === 'create account');
  assert.equal(creation?.[3], `key ${client.key.thumbprint}, external key ${id}`);
});

/** Actor, action, subject and note of what the audit log tells of, in order. */
async function audited({ database }: TestServer): Promise<(readonly [string, string, string, string | undefined])[]> {
  const records = await listAudit(database);
  return records.toReversed().map(({ actor, action, subject, note }) => [actor, action, subject, note] as const);
}

test('what an account does to itself is in the audit log, and what changes nothing is not', async () => {
  const server = opened(await startServer());
  const client = server.client();
  await client.register({ contact: ['mailto:a@b.test'] });
  await server.client(client.key).register();
  const id = client.kid?.split('/').at(-1) ?? '';
  await client.post(client.kid ?? '');
  await client.post(client.kid ?? '', { contact: [] });
  const key = newKey();
  await changeKey(client, { key });
  await changeKey(client, { key });
  const renewed = new ClientOf(server.acme.fetch, base, key);
  renewed.kid = client.kid;
  await renewed.post(client.kid ?? '', { status: 'deactivated' });
  const [actor, old] = [`acme account ${id}`, client.key.thumbprint];
  assert.deepEqual(await audited(server), [
    [actor, 'create account', id, `key ${old}, mailto:a@b.test`],
    [actor, 'change account', id, 'no contact'],
    [actor, 'change account key', id, `key ${key.thumbprint}, before ${old}`],
    [actor, 'deactivate account', id, undefined],
  ]);
  assert.deepEqual(await auditFaults(server.database), []);
});
