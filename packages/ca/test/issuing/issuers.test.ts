import { strict as assert } from 'node:assert';
import { type TestContext, test } from 'node:test';
import type { Signer } from '@handfast/crypto';
import { type Certificate, issueCertificate, issueCrl, ocspRequest, parseCrl, parseOcspResponse } from '@handfast/x509';
import {
  type AuthorityOptions,
  defaultProfiles,
  type IssuerOptions,
  issuerIdOf,
  openAuthority,
  serverProfile,
} from '../../src/index.ts';
import {
  day,
  hour,
  newIssuer,
  newKey,
  nodeProvider,
  type Opened,
  opened,
  refuses,
  request,
  start,
  type TestIssuer,
} from '../support/authority.ts';
import { baseUrl, list, statusBy, urlsIn } from '../support/lists.ts';

const idOf = (certificate: Certificate | undefined): string =>
  issuerIdOf(nodeProvider, certificate ?? assert.fail('no certificate'));

/** As `openAuthority` takes it. */
function options({ chain, signer }: TestIssuer): IssuerOptions {
  return { chain, signer };
}

async function reopened(
  { database, clock }: Opened,
  issuer: TestIssuer,
  more: Partial<AuthorityOptions> = {},
): Promise<Opened> {
  const authority = await openAuthority({
    database,
    provider: nodeProvider,
    issuer: options(issuer),
    policy: { domains: ['example.test'] },
    clock: clock.read,
    baseUrl,
    ...more,
  });
  return { authority, database, clock, issuer };
}

/** What a responder says of a certificate: its status, or why it says nothing. */
async function ocspStatus({ authority }: Opened, certificate: Certificate, issuer: Certificate | undefined) {
  const question = ocspRequest({ provider: nodeProvider, certificate, issuer: issuer ?? assert.fail() });
  const { status, basic } = parseOcspResponse((await authority.ocsp(idOf(issuer), question)).der);
  return basic?.responses[0]?.status.kind ?? status;
}

test('a profile has its issuer, whose lists and answers tell of what it has issued, and of nothing else', async (t) => {
  const people = await newIssuer({ subject: { commonName: 'Root of people' } });
  const peopleId = idOf(people.chain[0]);
  const profiles = defaultProfiles.map((profile) => ({
    ...profile,
    ocsp: true,
    ...(profile.name === 'client' && { issuer: peopleId }),
  }));
  const ca = await opened(t, { baseUrl, profiles, otherIssuers: [options(people)] });
  const { authority } = ca;
  const server = await authority.issue(await request());
  const client = await authority.issue(await request({ profile: 'client', commonName: 'Alice' }));
  assert.deepEqual(client.chain, [client.certificate, people.chain[0]]);
  assert.match(urlsIn(client.certificate)[0] ?? '', new RegExp(`/crl/${peopleId}/\\d+\\.crl$`));
  assert.equal((await authority.find(client.certificate.serialNumberHex))?.issuerId, peopleId);
  await authority.revoke({ serial: client.certificate.serialNumberHex, by: 'x' });
  assert.deepEqual([(await list(ca)).size, (await list(ca, undefined, peopleId)).size], [0, 1]);
  assert.equal(await ocspStatus(ca, client.certificate, people.chain[0]), 'revoked');
  assert.equal(await ocspStatus(ca, server.certificate, ca.issuer.chain[0]), 'good');
  const question = ocspRequest({
    provider: nodeProvider,
    certificate: client.certificate,
    issuer: people.chain[0] ?? assert.fail(),
  });
  const { der } = await authority.ocsp(authority.issuerId, question);
  assert.equal(parseOcspResponse(der).status, 'unauthorized');
  await refuses(
    authority.issue(await request({ publicKey: people.rootSigner.publicKey })),
    'bad_key',
    /^the key is a CA's own$/,
  );
  const ends = new Map((await authority.issuers()).map(({ id, ...record }) => [id, record]));
  assert.equal(ends.size, 4);
  assert.deepEqual(
    [authority.issuerId, peopleId, idOf(people.root)].map((id) => {
      const { state, signs, lastEnd } = ends.get(id) ?? assert.fail();
      return [state, signs, lastEnd?.getTime()];
    }),
    [
      ['current', true, server.certificate.notAfter.getTime()],
      ['current', true, client.certificate.notAfter.getTime()],
      ['current', false, undefined],
    ],
  );
});

test('what signs no more goes on with lists and answers until its last certificate has ended', async (t) => {
  const ca = await opened(t, { baseUrl, profiles: [{ ...serverProfile, ocsp: true }] });
  const [old] = ca.issuer.chain;
  const oldId = ca.authority.issuerId;
  const good = (await ca.authority.issue(await request({ lifetimeMs: 30 * day }))).certificate;
  const bad = (await ca.authority.issue(await request({ lifetimeMs: 30 * day }))).certificate;
  const next = await newIssuer();
  const rotated = await reopened(ca, next, { otherIssuers: [options(ca.issuer)] });
  const { authority, clock } = rotated;
  assert.equal((await authority.issue(await request())).chain[1], next.chain[0]);
  const stateOf = async (id: string) => (await authority.issuers()).find((one) => one.id === id);
  const { state, signs, lastEnd } = (await stateOf(oldId)) ?? assert.fail();
  assert.deepEqual([state, signs, lastEnd], ['retired', true, good.notAfter]);
  assert.equal((await stateOf(authority.issuerId))?.state, 'current');

  await authority.revoke({ serial: bad.serialNumberHex, by: 'x' });
  const crls = [await list(rotated, undefined, oldId)];
  assert.equal(await statusBy(rotated, good, ca.issuer.chain, crls), 'good');
  assert.equal(await statusBy(rotated, bad, ca.issuer.chain, crls), 'revoked');
  clock.time += 20 * day;
  assert.deepEqual([await ocspStatus(rotated, good, old), await ocspStatus(rotated, bad, old)], ['good', 'revoked']);
  // Its responder's certificate, which was just made, keeps it no longer.
  assert.deepEqual((await stateOf(oldId))?.lastEnd, good.notAfter);
  await authority.refreshLists();
  clock.time = good.notAfter.getTime() + hour;
  await authority.refreshLists();
  const last = await list(rotated, undefined, oldId);
  assert.deepEqual([last.size, last.thisUpdate > good.notAfter], [1, true]);
  clock.time += 2 * day;
  await authority.refreshLists();
  assert.deepEqual((await list(rotated, undefined, oldId)).raw, last.raw);
  assert.equal(await ocspStatus(rotated, good, old), 'unauthorized');
  assert.ok((await list(rotated)).thisUpdate > last.thisUpdate);
});

/** The new root's certificate by the old one. */
async function crossSigned(subject: TestIssuer, by: { readonly root: Certificate; readonly rootSigner: Signer }) {
  return await issueCertificate({
    provider: nodeProvider,
    subject: { commonName: 'Test root' },
    publicKey: subject.rootSigner.publicKey,
    issuer: { certificate: by.root, signer: by.rootSigner },
    notBefore: new Date(start.getTime() - day),
    notAfter: new Date(start.getTime() + 30 * day),
    ca: true,
  });
}

async function withAlternate(t: TestContext) {
  const old = await newIssuer({ subject: { commonName: 'Old root' } });
  const issuer = await newIssuer();
  const cross = await crossSigned(issuer, old);
  const [intermediate = assert.fail()] = issuer.chain;
  const alternate = [intermediate, cross, old.root];
  const ca = await opened(t, { issuer: { ...issuer, alternateChains: [alternate] } as TestIssuer });
  return { ca, old, cross, intermediate };
}

test('a leaf comes with other chains, to other roots, for as long as those last', async (t) => {
  const { ca, old, cross, intermediate } = await withAlternate(t);
  const { authority, clock } = ca;
  const issued = await authority.issue(await request({ origin: 'order 1' }));
  assert.deepEqual(issued.chain, [issued.certificate, intermediate]);
  assert.deepEqual(issued.alternates, [[issued.certificate, intermediate, cross]]);
  const found = await authority.findByOrigin('order 1');
  assert.deepEqual(found?.alternates?.[0]?.slice(1), [intermediate, cross]);
  // The old root's list is asked for still.
  const crl = await issueCrl({
    issuer: { certificate: old.root, signer: old.rootSigner },
    number: 1n,
    thisUpdate: start,
    nextUpdate: new Date(start.getTime() + 90 * day),
    revoked: [],
  });
  await authority.importCrl({ crl: crl.raw, by: 'operator alice' });
  assert.deepEqual(await authority.crl(idOf(old.root)), crl.raw);
  clock.time += 31 * day;
  assert.equal((await authority.issue(await request())).alternates, undefined);
});

test('a chain that leads from another CA is no alternate', async (t) => {
  const { ca, old } = await withAlternate(t);
  const refused = (chain: readonly Certificate[], message: RegExp) =>
    assert.rejects(reopened(ca, ca.issuer, { issuer: { ...options(ca.issuer), alternateChains: [chain] } }), {
      name: 'RangeError',
      message,
    });
  await refused(old.chain, /^an alternate chain begins with another key, name or key identifier/);
  await refused([], /^an alternate chain begins with another key/);
  await refused(
    [ca.issuer.chain[0] ?? assert.fail(), old.root],
    /is not signed by the next of the chain, "CN=Old root"$/,
  );
});

test('an issuer that stands twice, or is named and not there, is a mistake', async (t) => {
  const ca = await opened(t);
  await assert.rejects(reopened(ca, ca.issuer, { otherIssuers: [options(ca.issuer)] }), {
    name: 'RangeError',
    message: `the issuer ${ca.authority.issuerId} stands twice`,
  });
  await assert.rejects(reopened(ca, ca.issuer, { profiles: [{ ...serverProfile, issuer: 'ab' }] }), {
    name: 'RangeError',
    message: 'the profile "server" names the issuer "ab", which is not here',
  });
});

test('a list of an issuer whose key is here is not imported; one of two that share a name is', async (t) => {
  const next = await newIssuer();
  const ca = await opened(t, { otherIssuers: [options(next)] });
  const crl = async (certificate: Certificate, signer: Signer) =>
    await issueCrl({
      issuer: { certificate, signer },
      number: 9n,
      thisUpdate: start,
      nextUpdate: new Date(start.getTime() + day),
      revoked: [],
    });
  const own = await crl(ca.issuer.chain[0] ?? assert.fail(), ca.issuer.signer);
  await refuses(ca.authority.importCrl({ crl: own.raw, by: 'x' }), 'bad_request', /its issuer's key is here/);
  // Both roots are called the same.
  const second = await crl(next.root, next.rootSigner);
  await ca.authority.importCrl({ crl: second.raw, by: 'x' });
  assert.equal(parseCrl(await ca.authority.crl(idOf(next.root))).number, 9n);
  await refuses(ca.authority.crl(idOf(ca.issuer.root)), 'not_found', /^there is no CRL of the issuer/);
});

test('a key of an issuer that is gone is remembered with its certificates', async (t) => {
  const ca = await opened(t);
  const { certificate } = await ca.authority.issue(await request({ publicKey: await newKey() }));
  const next = await reopened(ca, await newIssuer(), { baseUrl });
  const gone = (await next.authority.issuers()).find(({ id }) => id === ca.authority.issuerId);
  assert.deepEqual([gone?.state, gone?.signs, gone?.lastEnd], ['retired', false, certificate.notAfter]);
  await next.authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  await refuses(next.authority.crl(ca.authority.issuerId), 'not_found', /^there is no CRL of the issuer/);
});
