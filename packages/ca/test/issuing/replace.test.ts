import { strict as assert } from 'node:assert';
import { type TestContext, test } from 'node:test';
import { type Certificate, ocspRequest, parseCrl, parseOcspResponse } from '@handfast/x509';
import { defaultProfiles, type IssuerOptions, issuerIdOf, listAudit } from '../../src/index.ts';
import {
  day,
  newIssuer,
  type Opened,
  opened,
  nodeProvider as provider,
  request,
  type TestIssuer,
} from '../support/authority.ts';
import { baseUrl } from '../support/lists.ts';

const profiles = defaultProfiles.map((profile) => ({ ...profile, ocsp: true }));

function options({ chain, signer }: TestIssuer): IssuerOptions {
  return { chain, signer };
}

function issuerIn({ chain: [first] }: TestIssuer): Certificate {
  return first ?? assert.fail();
}

interface Rotated extends Opened {
  readonly before: Certificate;
  readonly old: TestIssuer;
  readonly young: TestIssuer;
}

/** An authority that has issued one certificate, and goes on with another issuer. */
async function rotated(t: TestContext): Promise<Rotated> {
  const old = await newIssuer();
  const young = await newIssuer({}, { subject: { commonName: 'Next intermediate' } });
  const ca = await opened(t, { baseUrl, profiles, issuer: old, crlShards: 0 });
  const { certificate: before } = await ca.authority.issue(await request());
  await ca.authority.replaceIssuers({ issuer: options(young), otherIssuers: [options(old)] });
  return { ...ca, before, old, young };
}

/** Status, and the responder’s certificate. */
async function asked({ authority }: Opened, certificate: Certificate, issuer: Certificate) {
  const { der } = await authority.ocsp(issuerIdOf(provider, issuer), ocspRequest({ provider, certificate, issuer }));
  const { basic } = parseOcspResponse(der);
  return { status: basic?.responses[0]?.status.kind, responder: basic?.certificates[0] };
}

test('an authority that is open goes on with another issuer; the old one signs lists and answers', async (t) => {
  const ca = await rotated(t);
  const { authority, before, old, young } = ca;
  assert.deepEqual(authority.chain, young.chain);
  assert.equal(authority.issuerId, issuerIdOf(provider, issuerIn(young)));
  assert.deepEqual(authority.roots, [young.root]);
  const { certificate } = await authority.issue(await request());
  assert.equal(certificate.issuer.toString(), 'CN=Next intermediate');
  const states = (await authority.issuers()).map(({ id, state, signs }) => [id, state, signs]);
  assert.deepEqual(
    states.filter(([, , signs]) => signs),
    [
      [authority.issuerId, 'current', true],
      [issuerIdOf(provider, issuerIn(old)), 'retired', true],
    ],
  );
  await authority.revoke({ serial: before.serialNumberHex, by: 'operator alice' });
  const crl = parseCrl(await authority.crl(issuerIdOf(provider, issuerIn(old))));
  assert.equal([...crl.entries()].length, 1);
  assert.equal((await asked(ca, before, issuerIn(old))).status, 'revoked');
  assert.equal((await asked(ca, certificate, issuerIn(young))).status, 'good');
});

test('responders of both are renewed by themselves as long as anybody asks', async (t) => {
  const ca = await rotated(t);
  const { before, old, clock } = ca;
  const first = (await asked(ca, before, issuerIn(old))).responder;
  for (let days = 1; days <= 20; days++) {
    clock.time += day;
    const { status, responder } = await asked(ca, before, issuerIn(old));
    assert.equal(status, 'good');
    assert.ok(responder && responder.notAfter.getTime() > clock.time);
    assert.equal(responder.issuer.toString(), issuerIn(old).subject.toString());
    if (days === 20) assert.notDeepEqual(responder.raw, first?.raw);
  }
});

test('what throws has changed nothing, and what is under way ends as it began', async (t) => {
  const ca = await rotated(t);
  const { authority, database, old, young } = ca;
  const entries = (await listAudit(database)).length;
  await assert.rejects(authority.replaceIssuers({ issuer: { chain: old.chain, signer: young.signer } }), RangeError);
  assert.deepEqual(authority.chain, young.chain);
  assert.equal((await listAudit(database)).length, entries);
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = (): void => undefined;
  const signing = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const slow: IssuerOptions = {
    ...options(young),
    signer: {
      ...young.signer,
      publicKey: young.signer.publicKey,
      algorithms: young.signer.algorithms,
      async sign(algorithm, data) {
        begun();
        await gate;
        return await young.signer.sign(algorithm, data);
      },
    },
  };
  await authority.replaceIssuers({ issuer: slow, otherIssuers: [options(old)] });
  const underWay = authority.issue(await request());
  await signing;
  await authority.replaceIssuers({ issuer: options(old), otherIssuers: [options(young)] });
  assert.equal((await authority.issue(await request())).certificate.issuer.toString(), 'CN=Test intermediate');
  release();
  assert.equal((await underWay).certificate.issuer.toString(), 'CN=Next intermediate');
});
