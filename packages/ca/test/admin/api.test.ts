import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Signer } from '@handfast/crypto';
import { issueRequest, parseCertificates, toPem } from '@handfast/x509';
import { type AdminRole, listAudit } from '../../src/index.ts';
import { day, hour } from '../support/authority.ts';
import { assertProblem, csr, dashboard, issued, provider } from './support.ts';

test('roles: each sees everything, and what else it may is its own', async (t) => {
  const board = await dashboard(t);
  const request = await csr({ names: ['a.example.test'] });
  const writes = [
    ['POST', 'certificates', { csr: request }],
    ['POST', 'requests', { csr: request }],
    ['POST', 'revocation', {}],
    ['POST', 'tokens', { who: 'eve', role: 'admin' }],
    ['DELETE', 'tokens/none', {}],
  ] as const;
  const expected: readonly (readonly [AdminRole, readonly number[]])[] = [
    ['viewer', [403, 403, 403, 403, 403]],
    ['issuer', [201, 200, 403, 403, 403]],
    ['revoker', [403, 403, 201, 403, 403]],
    ['admin', [201, 200, 201, 201, 404]],
  ];
  for (const [role, wanted] of expected) {
    const visit = await board.signIn(role);
    for (const path of ['me', 'overview', 'freshness', 'expiring', 'orders', 'certificates']) {
      assert.equal((await visit.get(path)).status, 200, `${role} ${path}`);
    }
    assert.equal((await visit.get('tokens')).status, role === 'admin' ? 200 : 403, role);
    const { serialNumberHex } = await issued(board, 'b.example.test');
    const before = (await board.authority.list()).length;
    const statuses: number[] = [];
    for (const [method, path, body] of writes) {
      const where = path === 'revocation' ? `certificates/${serialNumberHex}/revocation` : path;
      statuses.push((await visit.send(method, where, body)).status);
    }
    assert.deepEqual(statuses, wanted, role);
    const issuedNow = (await board.authority.list()).length - before;
    assert.deepEqual(
      [issuedNow, (await board.authority.find(serialNumberHex))?.status],
      [wanted[0] === 201 ? 1 : 0, wanted[2] === 201 ? 'revoked' : 'valid'],
    );
  }
});

test('certificates are searched, filtered and turned over page by page; a serial number finds its own', async (t) => {
  const board = await dashboard(t);
  const { clock, signIn, authority } = board;
  const serials: string[] = [];
  for (let index = 0; index < 53; index++) {
    clock.time += 1000;
    const name = index % 2 === 0 ? `even-${index}.example.test` : `odd-${index}.example.test`;
    serials.unshift((await issued(board, name, { lifetimeMs: index === 0 ? hour : 10 * day })).serialNumberHex);
  }
  await authority.revoke({ serial: serials[0] ?? '', by: 'operator alice' });
  const visit = await signIn('viewer');
  const found = async (query: string): Promise<readonly string[]> => {
    const { json } = await visit.get(`certificates?${query}`);
    return (json.certificates as { serial: string }[]).map(({ serial }) => serial);
  };
  const first = await visit.get('certificates');
  assert.equal(first.json.next, serials[49]);
  assert.deepEqual(await found(''), serials.slice(0, 50));
  assert.deepEqual(await found(`before=${first.json.next}`), serials.slice(50));
  assert.equal((await found('search=EVEN-')).length, 27);
  assert.deepEqual(await found('search=%25'), []);
  assert.deepEqual(await found('status=revoked'), [serials[0]]);
  assert.deepEqual(await found(`search=${serials[7]?.toUpperCase()}`), [serials[7]]);
  clock.time += 2 * hour;
  assert.deepEqual(await found('status=expired'), [serials[52]]);
  assertProblem(await visit.get('certificates?status=lost'), 'bad_request', 400);
  assertProblem(await visit.get(`certificates?search=${'a'.repeat(254)}`), 'bad_request', 400);
  assertProblem(await visit.get('certificates?before=%27'), 'not_found', 404);
  for (const control of ['a%00', 'a%00b', '%1b[31m', 'a%0ab', 'a%C2%85b']) {
    const refused = await visit.get(`certificates?search=${control}`);
    assertProblem(refused, 'bad_request', 400);
    assert.equal(refused.json.detail, 'the search has a control character');
  }
});

test('one certificate is told of in full, with its PEM', async (t) => {
  const board = await dashboard(t);
  const certificate = await issued(board, 'a.example.test');
  const visit = await board.signIn('viewer');
  const { json } = await visit.get(`certificates/${certificate.serialNumberHex}`);
  const { pem, fingerprint, issuerId, ...rest } = json;
  assert.deepEqual(parseCertificates(String(pem))[0]?.raw, certificate.raw);
  assert.match(String(fingerprint), /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.equal(issuerId, board.authority.issuerId);
  assert.deepEqual(rest, {
    serial: certificate.serialNumberHex,
    status: 'valid',
    ...{ commonName: null, names: ['a.example.test'], profile: 'server', subject: '', origin: null },
    ...{ notBefore: certificate.notBefore.toJSON(), notAfter: certificate.notAfter.toJSON() },
    issuedAt: board.clock.read().toJSON(),
    by: 'operator alice',
    ...{ revokedAt: null, reason: null, issuer: 'CN=Test intermediate', key: rest.key },
  });
  assertProblem(await visit.get('certificates/00ff'), 'not_found', 404);
  assertProblem(await visit.get('certificates/x'), 'not_found', 404);
});

test('a revocation has a reason that people may give, is felt, and is in the audit log with who', async (t) => {
  const board = await dashboard(t);
  const { serialNumberHex } = await issued(board, 'a.example.test');
  const visit = await board.signIn('revoker', 'rita');
  const revoke = (body: object) => visit.send('POST', `certificates/${serialNumberHex}/revocation`, body);
  for (const reason of ['certificateHold', 'removeFromCRL', 'cACompromise', 'none', 7]) {
    assertProblem(await revoke({ reason }), 'bad_request', 400);
  }
  const { status, json } = await revoke({ reason: 'superseded' });
  assert.deepEqual([status, json.status, json.reason], [201, 'revoked', 'superseded']);
  assertProblem(await revoke({}), 'already_done', 409);
  const [entry] = await listAudit(board.database, { limit: 1 });
  assert.deepEqual(
    [entry?.actor, entry?.action, entry?.subject, entry?.reason],
    ['operator rita (dashboard)', 'revoke', serialNumberHex, 'superseded'],
  );
  assert.deepEqual(board.events.at(-2), { event: 'revoked', serial: serialNumberHex, who: 'rita' });
});

test('a pasted request is looked at first, and then issued: with its names, by the profile, in the audit log with who', async (t) => {
  const board = await dashboard(t);
  const visit = await board.signIn('issuer', 'ivan');
  const pasted = await csr({ names: ['A.example.test', '10.0.0.1'], subject: { commonName: 'a.example.test' } });
  const preview = await visit.send('POST', 'requests', { csr: pasted });
  assert.deepEqual([preview.json.names, preview.json.commonName], [['a.example.test', '10.0.0.1'], null]);
  assert.equal((await board.authority.list()).length, 0);
  const { status, json } = await visit.send('POST', 'certificates', { csr: pasted, profile: 'server', days: 7 });
  assert.equal(status, 201, JSON.stringify(json));
  const [leaf, intermediate] = parseCertificates(String(json.pem));
  assert.deepEqual(leaf?.subjectAltName?.dnsNames, ['a.example.test']);
  assert.equal(leaf?.notAfter.getTime(), board.clock.time + 7 * day);
  assert.deepEqual(intermediate?.raw, board.authority.chain[0]?.raw);
  const record = await board.authority.find(String(json.serial));
  assert.equal(record?.by, 'operator ivan (dashboard)');
  const actors = (await listAudit(board.database)).filter(({ subject }) => subject === json.serial);
  assert.deepEqual([...new Set(actors.map(({ actor }) => actor))], ['operator ivan (dashboard)']);

  const client = await csr({ emails: ['ann@example.test'], subject: { commonName: 'Ann' } });
  const made = await visit.send('POST', 'certificates', { csr: client, profile: 'client' });
  assert.equal(parseCertificates(String(made.json.pem))[0]?.subject.commonName, 'Ann');
});

test('a request that cannot be had is refused in words, and nothing is issued', async (t) => {
  const board = await dashboard(t);
  const visit = await board.signIn('issuer');
  const good = await csr({ names: ['a.example.test'] });
  const torn = good.replace(/.{4}\n-----END/, 'AAAA\n-----END');
  const cases: readonly (readonly [object, string, RegExp])[] = [
    [{ csr: await csr({ names: ['a.elsewhere.test'] }) }, 'not_allowed', /in none of the domains/],
    [
      { csr: await csr({ names: ['a.example.test'], subject: { commonName: 'A' }, ca: true }) },
      'bad_csr',
      /asks for a CA/,
    ],
    [
      { csr: await csr({ names: ['a.example.test'], extendedKeyUsage: ['codeSigning'] }) },
      'bad_csr',
      /is for serverAuth/,
    ],
    [{ csr: await csr({ subject: { organization: 'Test' } }) }, 'bad_request', /without a name/],
    [{ csr: good + good }, 'bad_csr', /not one request/],
    [{ csr: 'a password' }, 'bad_csr', /no request/],
    [{ csr: torn }, 'bad_csr', /cannot be accepted/],
    [{ csr: good, profile: 'none' }, 'bad_request', /no such profile/],
    [{ csr: good, days: 399 }, 'not_allowed', /398 days at most/],
    [{ csr: good, days: 0 }, 'bad_request', /days/],
    [{ csr: good, days: '7' }, 'bad_request', /days/],
  ];
  for (const [body, code, words] of cases) {
    const { json } = await visit.send('POST', 'certificates', body);
    assert.equal(json.code, code, JSON.stringify(json));
    assert.match(String(json.detail), words);
  }
  assert.deepEqual(await board.authority.list(), []);
});

test('an issuer cannot issue himself a certificate by which he would have a role; an admin can', async (t) => {
  const board = await dashboard(
    t,
    {},
    {
      clients: [
        { name: 'boss@example.test', role: 'admin' },
        { name: 'Boss', role: 'admin' },
      ],
    },
  );
  const byMail = { csr: await csr({ emails: ['Boss@example.test'] }), profile: 'client' };
  const byName = { csr: await csr({ subject: { commonName: 'boss' } }), profile: 'client' };
  const issuer = await board.signIn('issuer');
  assertProblem(await issuer.send('POST', 'certificates', byMail), 'forbidden', 403);
  assertProblem(await issuer.send('POST', 'certificates', byName), 'forbidden', 403);
  const admin = await board.signIn('admin');
  assert.equal((await admin.send('POST', 'certificates', byMail)).status, 201);
});

test('a name that has a role is that name however it is written', async (t) => {
  const clients = [
    { name: 'FD00:0::5', role: 'admin' },
    { name: '10.0.0.7', role: 'viewer' },
  ] as const;
  const policy = { domains: ['example.test'], addresses: ['fd00::/8', '10.0.0.0/8'] };
  const board = await dashboard(t, { policy }, { clients });
  const issuer = await board.signIn('issuer');
  const profile = 'client';
  const requests = [
    await csr({ names: ['fd00::5'] }),
    await csrForDnsName('fd00:0:0:0:0:0:0:5'),
    await csr({ subject: { commonName: 'fd00:0:0:0:0:0:0:5' } }),
    await csr({ names: ['a.example.test', '10.0.0.7'] }),
  ];
  for (const pasted of requests) {
    const answer = await issuer.send('POST', 'certificates', { csr: pasted, profile });
    assertProblem(answer, 'forbidden', 403);
    assert.match(
      String(answer.json.detail),
      / has a role at this dashboard: an admin issues certificates for that name$/,
    );
  }
  assert.deepEqual(await board.authority.list(), []);
  const admin = await board.signIn('admin');
  const { status, json } = await admin.send('POST', 'certificates', { csr: requests[1], profile });
  assert.equal(status, 201);
  const [clientCertificate] = parseCertificates(String(json.pem));
  const signedOut = await board.ask('/admin/api/me', {}, { clientCertificate });
  assert.deepEqual(signedOut.json, { certificate: { who: 'fd00::5', role: 'admin' } });
});

/** With a dNSName that is an address, as some programs ask. */
async function csrForDnsName(address: string): Promise<string> {
  const placeholder = address.replaceAll(':', '-');
  const patched = (bytes: Uint8Array): Buffer =>
    Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll(placeholder, address), 'latin1');
  const { signer: own } = await provider.generateKeyPair('secp256r1');
  const { publicKey, algorithms } = own;
  const signer: Signer = { publicKey, algorithms, sign: (algorithm, data) => own.sign(algorithm, patched(data)) };
  const { raw } = await issueRequest({ provider, signer, subject: {}, names: [placeholder] });
  return toPem('CERTIFICATE REQUEST', patched(raw));
}

test('admins make, list and revoke tokens', async (t) => {
  const board = await dashboard(t);
  const admin = await board.signIn('admin', 'alice');
  const made = await admin.send('POST', 'tokens', { who: 'bob', role: 'viewer', days: 1 });
  assert.match(String(made.json.secret), /^hfa_/);
  const listed = (await admin.get('tokens')).json.tokens as { id: string; who: string; by: string; status: string }[];
  const bob = listed.find(({ who }) => who === 'bob');
  assert.deepEqual([bob?.by, bob?.status], ['operator alice (dashboard)', 'active']);
  assert.equal(JSON.stringify(listed).includes('hash'), false);
  assert.equal((await admin.send('DELETE', `tokens/${bob?.id}`, {})).json.status, 'revoked');
  assertProblem(await admin.send('POST', 'tokens', { who: 'bob', role: 'king' }), 'bad_request', 400);
  assertProblem(await admin.send('POST', 'tokens', { role: 'viewer' }), 'bad_request', 400);
  assertProblem(await admin.send('POST', 'tokens', { who: 'bob', role: 'viewer', days: 0 }), 'bad_request', 400);
});
