import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Signer } from '@handfast/crypto';
import { type Certificate, parseCertificate } from '@handfast/x509';
import { createEnrolment, defaultProfiles, type IssueRequest } from '../../src/index.ts';
import { day, hour, newIssuer, opened, request, start } from '../support/authority.ts';
import { assertProblem, csr, type Enrolled, enrolled, newSigner, post, provider, replyOf } from './support.ts';

const renewals = 'https://ca.test/enrol/v1/renewals';

async function issued({ authority }: Enrolled, options: Partial<IssueRequest> = {}): Promise<Certificate> {
  return (await authority.issue(await request(options))).certificate;
}

test('a certificate gets its successor, with the same names, profile and lifetime, over a new key or the same', async (t) => {
  const ca = await enrolled(t);
  const signer = await newSigner();
  const asked = { names: ['a.example.test', '10.0.0.1'], publicKey: signer.publicKey, lifetimeMs: 30 * day };
  const old = await issued(ca, asked);
  ca.clock.time += 20 * day + 123;
  const same = await ca.renew(old, await csr({ signer }));
  assert.equal(same.status, 201, same.text);
  const [renewed] = same.certificates;
  assert.ok(renewed);
  assert.deepEqual(renewed.publicKey.spki, signer.publicKey.spki);
  assert.deepEqual(renewed.subjectAltName?.names, old.subjectAltName?.names);
  assert.equal(renewed.notAfter.getTime(), old.notAfter.getTime() + 20 * day);
  // Whoever lost the answer is given the same.
  assert.equal((await ca.renew(old, await csr({ signer }))).text, same.text);
  const third = await ca.renew(renewed, await csr({ names: ['10.0.0.1', 'a.example.test'] }));
  assert.equal(third.status, 201, third.text);
  assert.equal(third.certificates[0]?.notAfter.getTime(), renewed.notAfter.getTime());
  const [row] = await ca.database.all('SELECT replaces, issued_by FROM certificates WHERE serial = $1', [
    String(third.json.serial),
  ]);
  assert.deepEqual(
    { ...row },
    { replaces: renewed.serialNumberHex, issued_by: `enrolment renewal of ${renewed.serialNumberHex}` },
  );
});

test('a client’s certificate keeps its name and mailboxes', async (t) => {
  const ca = await enrolled(t);
  const asked = { names: [], emails: ['alice@example.test'], commonName: 'Alice', profile: 'client' };
  const old = await issued(ca, asked);
  const { certificates, text } = await ca.renew(old, await csr());
  assert.equal(certificates[0]?.subject.commonName, 'Alice', text);
  assert.deepEqual(certificates[0]?.subjectAltName?.names, old.subjectAltName?.names);
  assert.deepEqual(certificates[0]?.extendedKeyUsage, old.extendedKeyUsage);
});

test('when to renew: after two thirds of the lifetime; at once where its issuer signs no more', async (t) => {
  const ca = await enrolled(t);
  const old = await issued(ca, { lifetimeMs: 30 * day });
  const { json } = await ca.get('/enrol/v1/renewals', old);
  assert.deepEqual(json, {
    serial: old.serialNumberHex,
    notAfter: old.notAfter.toISOString(),
    renewAt: new Date(ca.clock.time + 20 * day).toISOString(),
  });
  await ca.database.run(`UPDATE issuers SET state = 'retired' WHERE id = $1`, [ca.authority.issuerId]);
  ca.clock.time += day;
  assert.equal((await ca.get('/enrol/v1/renewals', old)).json.renewAt, ca.clock.read().toISOString());
});

test('no certificate, one of another CA, or one that imitates ours is renewed by nobody', async (t) => {
  const ca = await enrolled(t);
  assertProblem(await ca.renew(undefined, await csr()), 'certificate_missing', 401);
  assertProblem(await ca.get('/enrol/v1/renewals'), 'certificate_missing', 401);
  const other = await opened(t, { issuer: await newIssuer() });
  const foreign = (await other.authority.issue(await request())).certificate;
  assertProblem(await ca.renew(foreign, await csr()), 'certificate_unknown', 403);
  const raw = Uint8Array.of(0x30, 0x00);
  const nonsense = await replyOf(ca.enrolment.fetch(new Request(renewals), { clientCertificate: raw }));
  assertProblem(nonsense, 'certificate_unknown', 403);
  const own = await issued(ca);
  // The same serial number in another certificate.
  const at = Buffer.from(own.raw).lastIndexOf(Buffer.from('a.example.test'));
  const forged = parseCertificate(Uint8Array.from(own.raw, (byte, index) => (index === at ? 0x62 : byte)));
  assert.equal(forged.serialNumberHex, own.serialNumberHex);
  assertProblem(await ca.renew(forged, await csr()), 'certificate_unknown', 403);
});

test('a certificate that has expired or was revoked is not renewed', async (t) => {
  const ca = await enrolled(t);
  const revoked = await issued(ca);
  await ca.authority.revoke({ serial: revoked.serialNumberHex, by: 'operator bob' });
  assertProblem(await ca.renew(revoked, await csr()), 'certificate_revoked', 403);
  assertProblem(await ca.get('/enrol/v1/renewals', revoked), 'certificate_revoked', 403);
  const expired = await issued(ca, { lifetimeMs: day });
  ca.clock.time += day + 1000;
  assertProblem(await ca.renew(expired, await csr()), 'certificate_expired', 403);
});

test('what ACME has issued is renewed by ACME, and the CA’s own by itself; a profile may be left out', async (t) => {
  const ca = await enrolled(t, {}, { renewedProfiles: ['client'] });
  const client = { profile: 'client', commonName: 'Alice', names: [] };
  const acme = await issued(ca, { ...client, by: 'acme account 1', origin: 'acme order 1' });
  assertProblem(await ca.renew(acme, await csr()), 'not_renewable', 403);
  // A name that imitates ours makes no difference.
  const sly = await issued(ca, { ...client, by: 'operator acme', origin: 'acme order 2' });
  assertProblem(await ca.renew(sly, await csr()), 'not_renewable', 403);
  const itself = await issued(ca, { ...client, by: 'ca serve, for itself' });
  assertProblem(await ca.renew(itself, await csr()), 'not_renewable', 403);
  assertProblem(await ca.renew(await issued(ca), await csr()), 'not_renewable', 403);
  assert.equal((await ca.renew(await issued(ca, client), await csr())).status, 201);
});

test('a renewal is never wider, nor for other names', async (t) => {
  const ca = await enrolled(t);
  const old = await issued(ca);
  for (const options of [
    { names: ['a.example.test', 'b.example.test'] },
    { names: ['b.example.test'] },
    { names: ['*.example.test'] },
    { subject: { commonName: 'b.example.test' } },
    { extendedKeyUsage: ['clientAuth'] },
    { ca: true },
  ] as const) {
    assertProblem(await ca.renew(old, await csr(options)), 'bad_csr', 400);
  }
});

test('one certificate is renewed ten times a day', async (t) => {
  const ca = await enrolled(t);
  const old = await issued(ca);
  for (let i = 0; i < 10; i++) {
    assert.equal((await ca.renew(old, await csr())).status, 201);
    ca.clock.time += hour;
  }
  const refused = await ca.renew(old, await csr());
  assertProblem(refused, 'renewed_too_often', 429);
  assert.equal(refused.json.detail, 'the certificate was renewed ten times within a day: go on with the newest');
  assert.equal(refused.headers.get('retry-after'), String((14 * hour) / 1000));
  ca.clock.time += 14 * hour;
  assert.equal((await ca.renew(old, await csr())).status, 201);
  assertProblem(await ca.renew(old, await csr()), 'renewed_too_often', 429);
});

test('a signer that fails uses no renewals up', async (t) => {
  const { signer: working, ...issuer } = await newIssuer();
  const { publicKey, algorithms } = working;
  let fails = false;
  const sign: Signer['sign'] = async (algorithm, data) => {
    if (fails) throw new Error('the token was pulled out');
    return await working.sign(algorithm, data);
  };
  const signer = { publicKey, algorithms, sign };
  const ca = await enrolled(t, { issuer: { ...issuer, signer } });
  const old = await issued(ca);
  fails = true;
  for (let i = 0; i < 11; i++) assertProblem(await ca.renew(old, await csr()), 'server_error', 500);
  fails = false;
  assert.equal((await ca.renew(old, await csr())).status, 201);
});

test('a lifetime is no longer than the profile’s longest has become', async (t) => {
  const ca = await enrolled(t);
  const old = await issued(ca, { lifetimeMs: 90 * day });
  const profiles = defaultProfiles.map((profile) => ({ ...profile, lifetimeMs: 10 * day, maxLifetimeMs: 30 * day }));
  const { authority } = await opened(t, { issuer: ca.issuer, database: ca.database, profiles });
  const enrolment = await createEnrolment({ authority, database: ca.database, provider, clock: ca.clock.read });
  const headers = { 'content-type': 'application/pkcs10' };
  const reply = await replyOf(enrolment.fetch(post('renewals', headers, await csr()), { clientCertificate: old }));
  assert.equal(reply.status, 201, reply.text);
  assert.equal(reply.certificates[0]?.notAfter.getTime(), ca.clock.time + 30 * day);
});

test('what ended with its issuer, or one above it, has the profile’s lifetime after a rotation', async (t) => {
  const ends = { notAfter: new Date(start.getTime() + 6 * day) };
  for (const old of [await newIssuer({}, ends), await newIssuer(ends)]) {
    const ca = await enrolled(t, { issuer: old });
    const cut = await issued(ca);
    assert.deepEqual(cut.notAfter, ends.notAfter);
    const young = await newIssuer({}, { subject: { commonName: 'Next' } });
    await ca.authority.replaceIssuers({ issuer: young, otherIssuers: [old] });
    ca.clock.time += day;
    const { certificates, text } = await ca.renew(cut, await csr());
    assert.equal(certificates[0]?.notAfter.getTime(), ca.clock.time + 90 * day, text);
  }
});
