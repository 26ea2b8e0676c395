import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Database, serverProfile } from '../../src/index.ts';
import { day, hour } from '../support/authority.ts';
import { assertProblem, dashboard, issued } from './support.ts';

test('what ends soon stands in the order of its end, without what is revoked', async (t) => {
  const board = await dashboard(t);
  const later = await issued(board, 'later.example.test', { lifetimeMs: 20 * day });
  const sooner = await issued(board, 'sooner.example.test', { lifetimeMs: 2 * day });
  const revoked = await issued(board, 'revoked.example.test', { lifetimeMs: 3 * day });
  await issued(board, 'far.example.test', { lifetimeMs: 40 * day });
  await board.authority.revoke({ serial: revoked.serialNumberHex, by: 'operator alice' });
  const visit = await board.signIn('viewer');
  const { json } = await visit.get('expiring');
  assert.deepEqual(json, {
    certificates: [sooner, later].map(({ serialNumberHex: serial, notAfter, subjectAltName }) => ({
      ...{ serial, commonName: null, names: subjectAltName?.dnsNames, profile: 'server' },
      ...{ notAfter: notAfter.toJSON(), by: 'operator alice' },
    })),
    more: false,
  });
  const soon = (await visit.get('expiring?days=7')).json.certificates as object[];
  assert.equal(soon.length, 1);
  for (const days of ['0', '367', '-1', '1e2', 'x', '']) {
    assertProblem(await visit.get(`expiring?days=${days}`), 'bad_request', 400);
  }
});

test('issuance is counted day by day, days without any included', async (t) => {
  const board = await dashboard(t);
  const { clock, authority, signIn } = board;
  const first = await issued(board, 'a.example.test');
  await issued(board, 'b.example.test', { lifetimeMs: hour });
  clock.time += 2 * day;
  await issued(board, 'c.example.test');
  await authority.revoke({ serial: first.serialNumberHex, by: 'operator alice' });
  const { json } = await (await signIn('viewer')).get('overview?days=4');
  assert.deepEqual(json, {
    ...{ valid: 1, expiring: 0, revoked: 1, failedOrders: 0 },
    days: [
      { day: '2026-11-20', issued: 0, revoked: 0 },
      { day: '2026-11-21', issued: 2, revoked: 0 },
      { day: '2026-11-22', issued: 0, revoked: 0 },
      { day: '2026-11-23', issued: 1, revoked: 1 },
    ],
  });
});

test('lists are as fresh as the newest of each; one that is not there is said to be missing', async (t) => {
  const board = await dashboard(t, { baseUrl: 'http://ca.example.test' });
  const { authority, clock, signIn } = board;
  const visit = await signIn('viewer');
  const issuersNow = async () => (await visit.get('freshness')).json.issuers as Record<string, unknown>[];
  assert.deepEqual((await issuersNow()).map(({ crl, shards, signs }) => [crl, shards, signs]).sort(), [
    [null, null, false],
    [null, null, true],
  ]);
  await authority.crl(authority.issuerId);
  await authority.crl(authority.issuerId, 0);
  clock.time += hour;
  await authority.crl(authority.issuerId, 1);
  const own = (await issuersNow()).find(({ id }) => id === authority.issuerId);
  const crl = own?.crl as Record<string, unknown> | undefined;
  assert.deepEqual([own?.name, own?.state], ['Test intermediate', 'current']);
  const made = Date.parse(String(crl?.thisUpdate));
  assert.ok(made <= clock.time - hour && made > clock.time - 2 * hour);
  const shards = own?.shards as Record<string, unknown> | undefined;
  assert.deepEqual([shards?.count, shards?.nextUpdate], [2, crl?.nextUpdate]);
  assert.equal((await visit.get('freshness')).json.ocsp, null);
});

test('OCSP answers are counted, and those that are due are told apart', async (t) => {
  const profiles = [{ ...serverProfile, ocsp: true }];
  const board = await dashboard(t, { baseUrl: 'http://ca.example.test', profiles });
  const { database, clock, signIn } = board;
  const visit = await signIn('viewer');
  const ocsp = async () => (await visit.get('freshness')).json.ocsp;
  assert.deepEqual(await ocsp(), { answers: 0, due: 0, nextEnd: null });
  const { serialNumberHex } = await issued(board, 'a.example.test');
  for (const [hash, hours] of [
    ['sha1', 1],
    ['sha256', 9],
  ] as const) {
    const times = [clock.time, clock.time + hours * hour, clock.time + 2 * hours * hour];
    await database.run(
      `INSERT INTO ocsp_answers (serial, hash, this_update, renew_at, next_update, leased_until, der)
       VALUES ($1, $2, $3, $4, $5, 0, $6)`,
      [serialNumberHex, hash, ...times, new Uint8Array([48, 0])],
    );
  }
  assert.deepEqual(await ocsp(), { answers: 2, due: 0, nextEnd: null });
  const end = new Date(clock.time + 2 * hour).toJSON();
  clock.time += hour;
  assert.deepEqual(await ocsp(), { answers: 2, due: 1, nextEnd: end });
});

async function account(database: Database): Promise<void> {
  await database.run(
    `INSERT INTO acme_accounts (id, status, thumbprint, public_key, contacts, created_at) VALUES ($1, 'valid', $2, $3, $4, $5)`,
    ['a1', 'thumbprint', new Uint8Array([1]), '["mailto:ops@example.test"]', 0],
  );
}

interface OrderRow {
  readonly id: string;
  readonly status: string;
  readonly endsAt: number;
  readonly error?: string;
}

async function order(database: Database, { id, status, endsAt, error }: OrderRow): Promise<void> {
  await database.run(
    `INSERT INTO acme_orders (id, account_id, status, expires_at, error, created_at) VALUES ($1, 'a1', $2, $3, $4, $5)`,
    [id, status, endsAt, error ?? null, endsAt - 7 * day],
  );
}

test('orders that failed are told of with the reason and what was tried; those that nobody finished as well', async (t) => {
  const { database, clock, signIn } = await dashboard(t);
  await account(database);
  const now = clock.time;
  const problem = (type: string): string =>
    JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail: `${type} in words` });
  await order(database, { id: 'failed', status: 'invalid', endsAt: now + 6 * day, error: problem('connection') });
  await order(database, { id: 'lapsed', status: 'pending', endsAt: now - 1 });
  await order(database, { id: 'open', status: 'pending', endsAt: now + 5 * day });
  await order(database, { id: 'good', status: 'valid', endsAt: now + 5 * day });
  await database.run(
    `INSERT INTO acme_authorizations (id, account_id, identifier_type, identifier_value, wildcard, status, expires_at, created_at)
     VALUES ('z', 'a1', 'dns', 'example.test', 1, 'invalid', $1, $1)`,
    [now],
  );
  for (const [type, error] of [
    ['dns-01', problem('dns')],
    ['http-01', null],
  ] as const) {
    await database.run(
      `INSERT INTO acme_challenges (id, authorization_id, type, token, status, error) VALUES ($1, 'z', $2, 't', 'invalid', $3)`,
      [type, type, error],
    );
  }
  await database.run(
    `INSERT INTO acme_order_authorizations (order_id, position, authorization_id) VALUES ('failed', 0, 'z')`,
  );
  const common = { account: 'a1', contacts: ['mailto:ops@example.test'], profile: null };
  const dates = (endsAt: number) => ({
    createdAt: new Date(endsAt - 7 * day).toJSON(),
    expiresAt: new Date(endsAt).toJSON(),
  });
  const dns = { type: 'dns-01', error: { type: 'dns', detail: 'dns in words' } };
  const visit = await signIn('viewer');
  assert.deepEqual((await visit.get('orders')).json, {
    orders: [
      {
        ...{ id: 'failed', status: 'failed', ...common, ...dates(now + 6 * day) },
        error: { type: 'connection', detail: 'connection in words' },
        identifiers: [{ name: '*.example.test', status: 'invalid', attempts: [dns] }],
      },
      { id: 'lapsed', status: 'lapsed', ...common, ...dates(now - 1), error: null, identifiers: [] },
    ],
    next: null,
  });
  assert.equal((await visit.get('overview')).json.failedOrders, 1);
});

test('failed orders are turned over page by page, each once', async (t) => {
  const { database, clock, signIn } = await dashboard(t);
  await account(database);
  const all: string[] = [];
  for (let index = 0; index < 60; index++) {
    const id = `order-${String(index).padStart(2, '0')}`;
    // Some end at once.
    const endsAt = clock.time - Math.floor(index / 7) * hour - 1;
    await order(database, { id, status: (['invalid', 'pending', 'ready'] as const)[index % 3] ?? '', endsAt });
    all.push(id);
  }
  const visit = await signIn('viewer');
  const first = await visit.get('orders');
  const second = await visit.get(`orders?before=${first.json.next}`);
  const ids = [first, second].map(({ json }) => (json.orders as { id: string }[]).map(({ id }) => id));
  assert.deepEqual(
    ids.map((page) => page.length),
    [50, 10],
  );
  assert.deepEqual(ids.flat().sort(), all);
  assert.equal(second.json.next, null);
  for (const before of ['x', '1', '1.', '1.%27', '.a']) {
    assertProblem(await visit.get(`orders?before=${before}`), 'bad_request', 400);
  }
});
