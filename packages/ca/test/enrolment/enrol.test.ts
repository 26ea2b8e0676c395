import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCertificates, parsePem, type RequestOptions, toPem } from '@handfast/x509';
import { createEnrolment, openSqlite } from '../../src/index.ts';
import { minute, newIssuer, opened } from '../support/authority.ts';
import { assertProblem, csr, enrolled, newSigner, post, provider, type Reply, replyOf } from './support.ts';

test('a token gets one certificate for its names; the same request gets the same again, and another key none', async (t) => {
  const { token, enrol, authority, events } = await enrolled(t);
  const secret = await token({ names: ['b.example.test', '10.0.0.1'] });
  const signer = await newSigner();
  const request = await csr({ signer });
  const first = await enrol(secret, request);
  assert.equal(first.status, 201, first.text);
  const [leaf, ...rest] = first.certificates;
  assert.deepEqual(leaf?.subjectAltName?.dnsNames, ['b.example.test']);
  assert.deepEqual(leaf?.publicKey.spki, signer.publicKey.spki);
  assert.deepEqual(
    rest.map(({ raw }) => raw),
    authority.chain.slice(0, -1).map(({ raw }) => raw),
  );
  assert.deepEqual([first.json.serial, first.json.notAfter], [leaf?.serialNumberHex, leaf?.notAfter.toISOString()]);
  // The answer was lost, say; another request of the same key will do.
  assert.equal((await enrol(secret, request)).text, first.text);
  assert.equal((await enrol(secret, await csr({ signer, names: ['10.0.0.1', 'B.example.test'] }))).text, first.text);
  assertProblem(await enrol(secret, await csr()), 'token_used', 403);
  const all = await authority.list();
  assert.equal(all.length, 1);
  assert.match(all[0]?.by ?? '', /^enrolment token [0-9a-f]{16}$/);
  assert.deepEqual(
    events.map(({ event }) => event),
    ['issued', 'issued', 'issued', 'refused'],
  );
});

test('a client has its certificate by a token of an operator’s, with a name and mailboxes', async (t) => {
  const { token, enrol } = await enrolled(t);
  const request = { names: [], emails: ['alice@example.test'], commonName: 'Alice', profile: 'client' };
  const { status, certificates, text } = await enrol(
    await token(request),
    await csr({ subject: { commonName: 'Alice' } }),
  );
  assert.equal(status, 201, text);
  assert.equal(certificates[0]?.subject.commonName, 'Alice');
  assert.deepEqual(
    certificates[0]?.subjectAltName?.names.map((name) => 'text' in name && name.text),
    ['alice@example.test'],
  );
  assert.deepEqual(certificates[0]?.extendedKeyUsage, ['1.3.6.1.5.5.7.3.2']);
});

test('two processes give one certificate for a token, whoever comes first', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'enrol-'));
  t.after(() => rm(folder, { recursive: true }));
  const issuer = await newIssuer();
  const open = async () => enrolled(t, { issuer, database: await openSqlite(join(folder, 'ca.db')) });
  const [one, other] = [await open(), await open()];
  for (let round = 0; round < 4; round++) {
    const secret = await one.token();
    const [first, second] = await Promise.all([one.enrol(secret, await csr()), other.enrol(secret, await csr())]);
    assert.deepEqual([first.status, second.status].toSorted(), [201, 403]);
    assertProblem(first.status === 403 ? first : second, 'token_used', 403);
  }
  assert.equal((await one.authority.list()).length, 4);
  // The same key twice: the same certificate, or word that it is being made.
  const secret = await one.token();
  const request = await csr();
  const both = await Promise.all([one.enrol(secret, request), other.enrol(secret, request)]);
  for (const reply of both.filter(({ status }) => status !== 201)) assertProblem(reply, 'busy', 503);
  assert.equal((await one.authority.list()).length, 5);
  assert.equal((await other.enrol(secret, request)).text, both.find(({ status }) => status === 201)?.text);
});

test('a token that has ended, was revoked or never was gets nothing', async (t) => {
  const { token, tokens, enrol, enrolment, authority, clock } = await enrolled(t);
  const expired = await token();
  clock.time += 60 * minute;
  assertProblem(await enrol(expired, await csr()), 'token_expired', 403);
  const revoked = await token();
  const [{ id } = { id: '' }] = await tokens.list();
  await tokens.revoke(id, 'operator bob');
  assertProblem(await enrol(revoked, await csr()), 'token_revoked', 403);
  const unknown = await enrol(`${expired.slice(0, -1)}x`, await csr());
  assertProblem(unknown, 'token_unknown', 401);
  assert.equal(unknown.headers.get('www-authenticate'), 'Bearer');
  for (const authorization of ['', 'Bearer', `Basic ${expired}`, `Bearer ${'x'.repeat(300)}`]) {
    const headers = { authorization, 'content-type': 'application/pkcs10' };
    assertProblem(await replyOf(enrolment.fetch(post('certificates', headers, await csr()))), 'token_missing', 401);
  }
  assert.deepEqual(await authority.list(), []);
});

test('after many tokens that are none, none is looked at for a while; addresses are counted apart', async (t) => {
  const ca = await enrolled(t, {}, { guesses: { guesses: 3, addresses: 2 } });
  const request = await csr();
  const guess = (address: string): Promise<Reply> => ca.enrol('hfe_guess', request, { address });
  for (let i = 0; i < 3; i++) assertProblem(await guess('2001:db8:0:1::1'), 'token_unknown', 401);
  const secret = await ca.token();
  const limited = await ca.enrol(secret, request, { address: '2001:db8:0:1:ffff::2' });
  assertProblem(limited, 'rate_limited', 429);
  assert.equal(limited.headers.get('retry-after'), '60');
  assertProblem(await guess('2001:db8:0:2::1'), 'token_unknown', 401);
  // A third address: the first is forgotten.
  assertProblem(await guess('10.0.0.1'), 'token_unknown', 401);
  assertProblem(await guess('2001:db8:0:1::1'), 'token_unknown', 401);
  for (let i = 0; i < 2; i++) assertProblem(await guess('::ffff:10.0.0.1'), 'token_unknown', 401);
  assertProblem(await ca.enrol(secret, request, { address: '10.0.0.1' }), 'rate_limited', 429);
  ca.clock.time += minute;
  assert.equal((await ca.enrol(secret, request, { address: '10.0.0.1' })).status, 201);
});

const names = ['a.example.test'];
const beyond: readonly (readonly [what: string, Partial<RequestOptions>])[] = [
  ['another name', { names: ['b.example.test'] }],
  ['one name more', { names: ['a.example.test', 'b.example.test'] }],
  ['a wildcard', { names: ['*.example.test'] }],
  ['an address', { names: ['10.0.0.1'] }],
  ['a mailbox', { names, emails: ['a@example.test'] }],
  ['another common name', { subject: { commonName: 'b.example.test' } }],
  ['a CA', { names, ca: true }],
  ['the other profile’s purpose', { names, extendedKeyUsage: ['clientAuth'] }],
];

test('a request for more than the token is for is refused, and uses nothing up', async (t) => {
  const { token, enrol, tokens } = await enrolled(t);
  const secret = await token();
  for (const [what, options] of beyond) {
    const reply = await enrol(secret, await csr(options));
    assert.equal(reply.json.code, 'bad_csr', `${what}: ${reply.text}`);
  }
  const granted = { names, subject: { commonName: 'A.example.test' }, extendedKeyUsage: ['serverAuth'] } as const;
  assert.equal((await tokens.list())[0]?.status, 'open');
  assert.equal((await enrol(secret, await csr(granted))).status, 201);
});

test('a request that is none, or is signed by another key, is refused', async (t) => {
  const { token, enrol } = await enrolled(t);
  const secret = await token();
  const good = await csr();
  const [block] = parsePem(good);
  const der = block?.bytes ?? new Uint8Array();
  const forged = Uint8Array.from(der, (byte, at) => (at === der.length - 1 ? byte ^ 1 : byte));
  const refused = ['', 'no base64!', 'AAAA', good + good, good.replaceAll('CERTIFICATE REQUEST', 'PRIVATE KEY')];
  for (const body of [...refused, toPem('CERTIFICATE REQUEST', forged)]) {
    assertProblem(await enrol(secret, body), 'bad_csr', 400);
  }
  assert.equal((await enrol(secret, Buffer.from(der).toString('base64'))).status, 201);
});

test('bodies are small, and of the kinds that are read', async (t) => {
  const { token, enrolment } = await enrolled(t);
  const authorization = `Bearer ${await token()}`;
  const send = async (type: string, body: string): Promise<Reply> =>
    await replyOf(enrolment.fetch(post('certificates', { authorization, 'content-type': type }, body)));
  assertProblem(await send('text/plain', await csr()), 'unsupported_type', 415);
  assertProblem(await send('application/json', '{'), 'bad_request', 400);
  for (const body of ['null', '[]', '{}', '{"csr":1}']) {
    assertProblem(await send('application/json', body), 'bad_request', 400);
  }
  assertProblem(await send('application/pkcs10', 'A'.repeat(64 * 1024 + 1)), 'too_large', 413);
  assert.equal((await send('application/pkcs10; charset=utf-8', await csr())).status, 201);
});

test('names are asked of the policy again when the token is used', async (t) => {
  const ca = await enrolled(t);
  const secret = await ca.token();
  const { authority, database, clock, issuer } = ca;
  const strict = await opened(t, { issuer, policy: { domains: ['other.test'] } });
  // The same records, under another policy.
  const narrowed = { ...authority, checkRequest: strict.authority.checkRequest };
  const enrolment = await createEnrolment({ authority: narrowed, database, provider, clock: clock.read });
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/pkcs10' };
  assertProblem(await replyOf(enrolment.fetch(post('certificates', headers, await csr()))), 'not_allowed', 403);
  assert.equal((await ca.tokens.list())[0]?.status, 'open');
});

test('a key that is not certified uses nothing up', async (t) => {
  const { token, enrol } = await enrolled(t);
  const secret = await token();
  const { signer } = await provider.generateKeyPair('secp521r1');
  assertProblem(await enrol(secret, await csr({ signer })), 'bad_key', 400);
  assert.equal((await enrol(secret, await csr())).status, 201);
});

test('where the signer fails the same key may come again at once, and no other', async (t) => {
  const issuer = await newIssuer();
  let failing = true;
  const sign: typeof issuer.signer.sign = (algorithm, data) => {
    if (failing) throw new Error('the HSM is away');
    return issuer.signer.sign(algorithm, data);
  };
  const { publicKey, algorithms } = issuer.signer;
  const { token, enrol, events } = await enrolled(t, {
    issuer: { ...issuer, signer: { publicKey, algorithms, sign } },
  });
  const secret = await token();
  const request = await csr();
  const failed = await enrol(secret, request);
  assertProblem(failed, 'server_error', 500);
  assert.equal(failed.text.includes('HSM'), false);
  assert.equal(events.at(-1)?.event, 'error');
  failing = false;
  assertProblem(await enrol(secret, await csr()), 'token_used', 403);
  assert.equal((await enrol(secret, request)).status, 201);
});

test('what a process that died had begun is issued to the same key when its lease is over', async (t) => {
  const { token, enrol, database, clock, authority } = await enrolled(t);
  const secret = await token();
  const request = await csr();
  const done = await enrol(secret, request);
  const [leaf] = done.certificates;
  // Its record was never written.
  await database.run(`UPDATE certificates SET state = 'unfinished', der = NULL WHERE serial = $1`, [
    leaf?.serialNumberHex ?? '',
  ]);
  const busy = await enrol(secret, request);
  assertProblem(busy, 'busy', 503);
  assert.equal(busy.headers.get('retry-after'), '5');
  clock.time += minute;
  const again = await enrol(secret, request);
  assert.equal(again.status, 201);
  assert.notEqual(again.json.serial, done.json.serial);
  assert.equal((await authority.list()).length, 1);
});

test('a token whose certificate was revoked gets no other', async (t) => {
  const { token, enrol, authority, clock } = await enrolled(t);
  const secret = await token();
  const request = await csr();
  const { json } = await enrol(secret, request);
  await authority.revoke({ serial: String(json.serial), by: 'operator bob' });
  clock.time += minute;
  assertProblem(await enrol(secret, request), 'token_used', 403);
});

test('the root is for everybody; what is not there is said so', async (t) => {
  const { get, enrolment, authority } = await enrolled(t);
  const { text, headers } = await get('/enrol/v1/roots');
  assert.equal(headers.get('content-type'), 'application/x-pem-file');
  assert.deepEqual(
    parseCertificates(text).map(({ raw }) => raw),
    authority.chain.slice(-1).map(({ raw }) => raw),
  );
  assertProblem(await get('/enrol/v1/other'), 'not_found', 404);
  const refused = await replyOf(enrolment.fetch(post('roots', {}, '')));
  assertProblem(refused, 'method_not_allowed', 405);
  assert.equal(refused.headers.get('allow'), 'GET, HEAD');
  assertProblem(await get('/enrol/v1/certificates'), 'method_not_allowed', 405);
});
