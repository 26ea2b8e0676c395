import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listAudit } from '../../src/index.ts';
import { day, hour, refuses } from '../support/authority.ts';
import { csr, enrolled } from './support.ts';

const by = 'operator alice';

test('a token is kept as a hash, with its names in one form, and told of in the audit log', async (t) => {
  const { tokens, database, clock } = await enrolled(t);
  const { token, secret } = await tokens.create({ names: ['A.example.TEST', '10.0.0.1'], by });
  assert.match(secret, /^hfe_[\w-]{43}$/);
  assert.deepEqual(token, {
    id: token.id,
    status: 'open',
    profile: 'server',
    commonName: undefined,
    names: [
      { kind: 'dns', name: 'a.example.test' },
      { kind: 'ip', name: '10.0.0.1' },
    ],
    by,
    createdAt: clock.read(),
    expiresAt: new Date(clock.time + hour),
    usedAt: undefined,
    revokedAt: undefined,
  });
  const [listed] = await tokens.list();
  assert.deepEqual({ ...listed }, { ...token, keyHash: undefined, leasedUntil: undefined });
  const rows = await database.all('SELECT * FROM enrolment_tokens');
  assert.equal(JSON.stringify(rows).includes(secret.slice(4)), false);
  const [entry] = await listAudit(database, { limit: 1 });
  assert.deepEqual(
    [entry?.actor, entry?.action, entry?.subject, entry?.note],
    [by, 'create token', token.id, 'server: dns a.example.test, ip 10.0.0.1'],
  );
});

test('a token is for what the policy certifies, in time that is bounded', async (t) => {
  const { tokens } = await enrolled(t);
  await refuses(tokens.create({ names: ['a.elsewhere.test'], by }), 'not_allowed', /in none of the domains/);
  await refuses(tokens.create({ names: [], by }), 'bad_request', /without a name/);
  await refuses(tokens.create({ names: ['a.example.test'], profile: 'none', by }), 'bad_request', /no profile "none"/);
  await refuses(
    tokens.create({ names: ['a.example.test'], emails: ['a@example.test'], by }),
    'not_allowed',
    /mailboxes/,
  );
  for (const lifetimeMs of [0, -1, Number.NaN, 30 * day + 1]) {
    await refuses(tokens.create({ names: ['a.example.test'], lifetimeMs, by }), 'bad_request', /lifetime of/);
  }
  assert.deepEqual(await tokens.list(), []);
});

test('a token that is open can be revoked, once', async (t) => {
  const { tokens, token, enrol, clock, database } = await enrolled(t);
  const { token: made } = await tokens.create({ names: ['a.example.test'], by });
  const revoked = await tokens.revoke(made.id, 'operator bob');
  assert.deepEqual([revoked.status, revoked.revokedAt], ['revoked', clock.read()]);
  const [entry] = await listAudit(database, { limit: 1 });
  assert.deepEqual([entry?.actor, entry?.action, entry?.subject], ['operator bob', 'revoke token', made.id]);
  await refuses(tokens.revoke(made.id, by), 'already_done', /is revoked already/);
  await refuses(tokens.revoke('none', by), 'not_found', /no such token/);
  clock.time++;
  assert.equal((await enrol(await token(), await csr())).status, 201);
  const [used] = await tokens.list();
  await refuses(tokens.revoke(used?.id ?? '', by), 'already_done', /is used already/);
});

test('a token is forgotten thirty days after its end', async (t) => {
  const { tokens, token, enrolment, clock, database } = await enrolled(t);
  await token();
  clock.time += hour;
  assert.deepEqual(
    (await tokens.list()).map(({ status }) => status),
    ['expired'],
  );
  clock.time += 30 * day - 1;
  await enrolment.maintain();
  assert.equal((await tokens.list()).length, 1);
  clock.time++;
  await enrolment.maintain();
  assert.deepEqual(await tokens.list(), []);
  assert.deepEqual(await database.all('SELECT * FROM enrolment_token_names'), []);
});
