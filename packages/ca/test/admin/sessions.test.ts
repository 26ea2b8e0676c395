import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Certificate } from '@handfast/x509';
import { type AdminOptions, createAdminToken, listAdminTokens, listAudit, revokeAdminToken } from '../../src/index.ts';
import { day, hour, minute, newIssuer, refuses } from '../support/authority.ts';
import { assertProblem, dashboard, issued, provider, signingIn, type Visitor } from './support.ts';

const by = 'operator alice';

test('a token is kept as a hash, listed without its secret, and told of in the audit log', async (t) => {
  const { database, clock } = await dashboard(t);
  const options = { database, provider, clock: clock.read };
  const { token, secret } = await createAdminToken(options, { who: 'bob', role: 'issuer', by });
  assert.match(secret, /^hfa_[\w-]{43}$/);
  assert.deepEqual(token, {
    ...{ id: token.id, status: 'active', who: 'bob', role: 'issuer', by, createdAt: clock.read() },
    ...{ expiresAt: new Date(clock.time + 30 * day), usedAt: undefined, revokedAt: undefined },
  });
  assert.deepEqual(await listAdminTokens(options), [token]);
  assert.equal(JSON.stringify(await database.all('SELECT * FROM admin_tokens')).includes(secret.slice(4)), false);
  const [entry] = await listAudit(database, { limit: 1 });
  assert.deepEqual(
    [entry?.actor, entry?.action, entry?.subject, entry?.note],
    [by, 'create admin token', token.id, 'issuer: bob'],
  );
});

test('a token is forgotten a year after its end, when the next is made', async (t) => {
  const { database, clock } = await dashboard(t);
  const options = { database, provider, clock: clock.read };
  const make = async (who: string) =>
    (await createAdminToken(options, { who, role: 'viewer', lifetimeMs: hour, by })).token.who;
  const names = async () => (await listAdminTokens(options)).map(({ who }) => who);
  await make('bob');
  clock.time += hour + 365 * day - 1;
  await make('carol');
  assert.deepEqual(await names(), ['carol', 'bob']);
  clock.time += 1;
  await make('dave');
  assert.deepEqual(await names(), ['dave', 'carol']);
  const told = (await listAudit(database)).filter(({ action }) => action === 'create admin token');
  assert.deepEqual(
    told.map(({ note }) => note),
    ['viewer: dave', 'viewer: carol', 'viewer: bob'],
  );
});

test('a token is for a name that can be read, a role that there is, and a time that is bounded', async (t) => {
  const { database, clock } = await dashboard(t);
  const options = { database, provider, clock: clock.read };
  const good = { who: 'bob', role: 'viewer', by } as const;
  for (const who of ['', ' bob', 'b\u001bob', 'b'.repeat(65), 'b\u202eob']) {
    await refuses(createAdminToken(options, { ...good, who }), 'bad_request', /whom is the token for/);
  }
  for (const lifetimeMs of [0, -1, Number.NaN, 366 * day + 1]) {
    await refuses(createAdminToken(options, { ...good, lifetimeMs }), 'bad_request', /lifetime/);
  }
  await refuses(revokeAdminToken(options, 'none', by), 'not_found', /no admin token "none"/);
  assert.deepEqual(await listAdminTokens(options), []);
});

test('who signs in has a cookie that no script, other site or plain page gets at, and says so in the audit log', async (t) => {
  const { ask, token, database, clock, events, visitor } = await dashboard(t);
  const answer = await ask('/admin/api/session', signingIn(await token('admin', 'alice')));
  assert.equal(answer.status, 201);
  assert.match(
    answer.headers.get('set-cookie') ?? '',
    /^__Host-handfast-admin=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure; Max-Age=28800$/,
  );
  const { cookie, csrf, get } = visitor(answer);
  const expiresAt = new Date(clock.time + 8 * hour).toISOString();
  const permissions = ['view', 'issue', 'revoke', 'administer'];
  const profiles = [
    { name: 'server', days: 90, maxDays: 398 },
    { name: 'client', days: 90, maxDays: 398 },
  ];
  assert.deepEqual(answer.json, { who: 'alice', role: 'admin', permissions, csrf, expiresAt, profiles });
  assert.deepEqual((await get('me')).json, answer.json);
  const rows = JSON.stringify(await database.all('SELECT * FROM admin_sessions'));
  assert.equal(rows.includes(cookie.split('=')[1] ?? ''), false);
  const [entry] = await listAudit(database, { limit: 1 });
  assert.deepEqual([entry?.actor, entry?.action, entry?.subject], ['operator alice (dashboard)', 'sign in', 'alice']);
  assert.match(entry?.note ?? '', /^admin, by token [0-9a-f]{16}$/);
  assert.deepEqual(events, [{ event: 'signed in', who: 'alice', role: 'admin' }]);
});

test('without TLS it is for this machine alone, and the cookie is another', async (t) => {
  const { admin, token } = await dashboard(t, {}, { hosts: ['localhost', '127.0.0.1', '[::1]', 'ca.example.test'] });
  const at = async (host: string): Promise<Response> => {
    const init = signingIn(await token('viewer'), { origin: `http://${host}` });
    return await admin.fetch(new Request(`http://${host}/admin/api/session`, init));
  };
  for (const host of ['localhost:8080', '127.0.0.1:8080', '[::1]:8080']) {
    const cookie = (await at(host)).headers.get('set-cookie') ?? '';
    assert.match(cookie, /^handfast-admin=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800$/, host);
  }
  const refused = await at('ca.example.test');
  assert.equal(refused.status, 403);
  assert.match(await refused.text(), /"code":"insecure"/);
});

test('a session ends by signing out, after 8 hours, and with its token', async (t) => {
  const { signIn, clock, database } = await dashboard(t);
  const out = await signIn('viewer', 'alice');
  const bye = await out.send('DELETE', 'session', {});
  assert.match(bye.headers.get('set-cookie') ?? '', /^__Host-handfast-admin=; .*Max-Age=0$/);
  assertProblem(await out.get('certificates'), 'signed_out', 401);
  assert.deepEqual((await out.get('me')).json, { certificate: null });
  const [entry] = await listAudit(database, { limit: 1 });
  assert.deepEqual([entry?.actor, entry?.action], ['operator alice (dashboard)', 'sign out']);

  const late = await signIn('viewer');
  clock.time += 8 * hour - 1;
  assert.equal((await late.get('certificates')).status, 200);
  clock.time += 1;
  assertProblem(await late.get('certificates'), 'signed_out', 401);

  const revoked = await signIn('viewer', 'carol');
  const options = { database, provider, clock: clock.read };
  const [token] = await listAdminTokens(options);
  assert.deepEqual([token?.who, token?.usedAt], ['carol', clock.read()]);
  assert.equal((await revokeAdminToken(options, token?.id ?? '', by)).status, 'revoked');
  assertProblem(await revoked.get('certificates'), 'signed_out', 401);
  await refuses(revokeAdminToken(options, token?.id ?? '', by), 'already_done', /revoked already/);
});

test('a token that is over signs nobody in, and a session never outlives it', async (t) => {
  const { ask, database, clock, visitor } = await dashboard(t);
  const options = { database, provider, clock: clock.read };
  const { secret } = await createAdminToken(options, { who: 'bob', role: 'viewer', lifetimeMs: hour, by });
  const answer = await ask('/admin/api/session', signingIn(secret));
  assert.equal(answer.json.expiresAt, new Date(clock.time + hour).toISOString());
  clock.time += hour;
  assertProblem(await visitor(answer).get('certificates'), 'signed_out', 401);
  assertProblem(await ask('/admin/api/session', signingIn(secret)), 'token_unknown', 401);
});

test('of one token 20 sessions are kept, the newest', async (t) => {
  const { ask, token, clock, visitor, database } = await dashboard(t);
  const secret = await token('viewer');
  const visitors: Visitor[] = [];
  for (let index = 0; index < 22; index++) {
    clock.time += 1;
    visitors.push(visitor(await ask('/admin/api/session', signingIn(secret))));
  }
  const [row] = await database.all('SELECT count(*) AS kept FROM admin_sessions');
  assert.equal(row?.kept, 20);
  const statuses = await Promise.all([0, 1, 2, 21].map(async (at) => (await visitors[at]?.get('expiring'))?.status));
  assert.deepEqual(statuses, [401, 401, 200, 200]);
});

test('guesses are counted by address, and after many of them none is looked at for a while', async (t) => {
  const { ask, token, clock } = await dashboard(t, {}, { guesses: { guesses: 3, windowMs: minute, addresses: 2 } });
  const good = await token('viewer');
  const from = (remoteAddress: string, secret: string) =>
    ask('/admin/api/session', signingIn(secret), { remoteAddress });
  for (let guess = 0; guess < 3; guess++) assertProblem(await from('192.0.2.1', 'hfa_x'), 'token_unknown', 401);
  const refused = await from('192.0.2.1', good);
  assertProblem(refused, 'rate_limited', 429);
  assert.equal(refused.headers.get('retry-after'), '60');
  assert.equal((await from('192.0.2.2', good)).status, 201);
  clock.time += minute;
  assert.equal((await from('192.0.2.1', good)).status, 201);
});

const clients: AdminOptions['clients'] = [
  { name: 'alice@example.test', role: 'admin' },
  { name: '*.ops.example.test', role: 'revoker' },
];

test('a client certificate with a name that has a role signs in, and the session is for who shows it', async (t) => {
  const board = await dashboard(t, {}, { clients });
  const { ask, visitor, authority } = board;
  const clientCertificate = await issued(board, 'desk.ops.example.test', { profile: 'client' });
  assert.deepEqual((await ask('/admin/api/me', {}, { clientCertificate })).json, {
    certificate: { who: 'desk.ops.example.test', role: 'revoker' },
  });
  const answer = await ask('/admin/api/session', signingIn(undefined), { clientCertificate: clientCertificate.raw });
  assert.deepEqual([answer.status, answer.json.role], [201, 'revoker']);
  const visit = visitor(answer, { clientCertificate });
  assert.equal((await visit.get('certificates')).status, 200);
  assertProblem(await visitor(answer).get('certificates'), 'signed_out', 401);
  const other = await issued(board, 'other.ops.example.test', { profile: 'client' });
  assertProblem(await visitor(answer, { clientCertificate: other }).get('certificates'), 'signed_out', 401);
  await authority.revoke({ serial: clientCertificate.serialNumberHex, by });
  assertProblem(await visit.get('certificates'), 'signed_out', 401);
});

test('no other certificate signs in, and who shows it is told why', async (t) => {
  const board = await dashboard(t, {}, { clients });
  const { ask, clock, authority, visitor } = board;
  const client = { profile: 'client' };
  const ending = await issued(board, 'a.ops.example.test', { ...client, lifetimeMs: minute });
  const ended = `${ending.notAfter.toISOString().slice(0, 16)}Z`;
  const revoked = await issued(board, 'e.ops.example.test', client);
  await authority.revoke({ serial: revoked.serialNumberHex, by });
  const byAcme = { ...client, by: 'acme account 1', origin: 'acme order 1' };
  const stranger = await dashboard(t, { issuer: await newIssuer() });
  const another = 'another one (handfast ca issue NAME --client) signs in, and so does a token';
  const roles = '"dashboard" in config.json of the CA gives names a role';
  const cases: readonly (readonly [clientCertificate: Certificate, detail: string, hint: string])[] = [
    [await issued(board, 'b.example.test', client), 'the certificate of b.example.test has no role here', roles],
    [
      await issued(board, 'a.b.ops.example.test', client),
      'the certificate of a.b.ops.example.test has no role here',
      roles,
    ],
    [await issued(board, 'c.ops.example.test'), 'the certificate of c.ops.example.test is not for clients', another],
    [
      await issued(board, 'd.ops.example.test', byAcme),
      'the certificate of d.ops.example.test was made by ACME, which gives nobody a role',
      another,
    ],
    [ending, `the certificate of a.ops.example.test ended at ${ended}`, another],
    [revoked, 'the certificate of e.ops.example.test is revoked', another],
    [
      await issued(stranger, 'desk.ops.example.test', client),
      'the certificate that the browser has shown is not of this CA',
      another,
    ],
  ];
  clock.time += 2 * minute;
  for (const [clientCertificate, detail, hint] of cases) {
    const answer = await ask('/admin/api/session', signingIn(undefined), { clientCertificate });
    assertProblem(answer, 'signed_out', 401);
    assert.deepEqual([answer.json.detail, answer.json.hint], [detail, hint]);
    const { json } = await ask('/admin/api/me', {}, { clientCertificate });
    assert.deepEqual(json, { certificate: null, refused: { detail, hint } });
    assertProblem(await visitor(answer, { clientCertificate }).get('certificates'), 'signed_out', 401);
  }
  const none = await ask('/admin/api/session', signingIn(undefined));
  assertProblem(none, 'signed_out', 401);
  assert.equal(none.json.detail, 'no client certificate was shown');
  assert.deepEqual((await ask('/admin/api/me')).json, { certificate: null });
});

test('where no name has a role, no certificate signs in', async (t) => {
  const board = await dashboard(t);
  const clientCertificate = await issued(board, 'desk.ops.example.test', { profile: 'client' });
  const answer = await board.ask('/admin/api/session', signingIn(undefined), { clientCertificate });
  assertProblem(answer, 'signed_out', 401);
  assert.equal(answer.json.detail, 'the certificate of desk.ops.example.test has no role here');
});
