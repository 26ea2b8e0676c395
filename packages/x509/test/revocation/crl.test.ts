/**
 * What CRLs say of a certificate, list by list; the whole of RFC 5280 §6.3.3 is in PKITS (`path/pkits.test.ts`).
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runSettling, settle } from '@handfast/crypto';
import {
  type Certificate,
  type Crl,
  type IssueCrlOptions,
  issueCertificate,
  issueCrl,
  issueRoot,
  parseCrl,
  type RevocationReason,
  rfc5280,
} from '../../src/index.ts';
import { type CrlCheck, crlAnswer } from '../../src/revocation/crl.ts';
import type { RevocationAnswer } from '../../src/revocation/status.ts';
import { asynchronousProvider, newSigner, nodeProvider, notAfter, notBefore, now } from '../support/pki.ts';

const hour = 3_600_000;
const at = (hours: number): Date => new Date(now.getTime() + hours * hour);
const rootSigner = await newSigner();
const dates = { provider: nodeProvider, notBefore, notAfter } as const;
const root = await issueRoot({ ...dates, subject: { commonName: 'Root' }, signer: rootSigner });
const issuer = { certificate: root, signer: rootSigner };
const leafSigner = await newSigner();
const leafOf = async (change = {}): Promise<Certificate> =>
  issueCertificate({
    ...dates,
    subject: { commonName: 'db.internal' },
    publicKey: leafSigner.publicKey,
    issuer,
    names: ['db.internal'],
    ...change,
  });
const leaf = await leafOf();
const base: IssueCrlOptions = { issuer, number: 5n, thisUpdate: at(-1), nextUpdate: at(1), revoked: [] };
const list = async (change: Partial<IssueCrlOptions> = {}): Promise<Crl> => issueCrl({ ...base, ...change });
const lost = (reason?: RevocationReason) => [{ serialNumber: leaf.serialNumber, revokedAt: at(-2), reason }];

async function answer(crls: readonly Crl[], change: Partial<CrlCheck> = {}): Promise<RevocationAnswer> {
  return await runSettling(
    crlAnswer({
      provider: nodeProvider,
      path: [leaf, root],
      index: 0,
      crls,
      time: now,
      clockSkewMs: 0,
      rules: { policy: {}, profile: undefined },
      candidates: [],
      pathOf: () => settle(undefined),
      ...change,
    }),
  );
}

async function unknown(why: RegExp, crls: readonly Crl[], change: Partial<CrlCheck> = {}): Promise<void> {
  const found = await answer(crls, change);
  assert.equal(found.status, 'unknown');
  assert.match(found.why, why);
}

for (const provider of [nodeProvider, asynchronousProvider]) {
  const way = provider === nodeProvider ? 'a synchronous' : 'an asynchronous';
  describe(`a CRL, with ${way} provider,`, () => {
    it('says that a certificate is good, and how old that is', async () => {
      assert.deepEqual(await answer([await list()], { provider }), {
        status: 'good',
        source: 'crl',
        thisUpdate: at(-1),
        nextUpdate: at(1),
      });
    });
    it('says that it is revoked, since when and why', async () => {
      assert.deepEqual(await answer([await list({ revoked: lost('keyCompromise') })], { provider }), {
        status: 'revoked',
        source: 'crl',
        thisUpdate: at(-1),
        nextUpdate: at(1),
        revokedAt: at(-2),
        reason: 'keyCompromise',
      });
    });
  });
}

describe('a delta', () => {
  const delta = { number: 6n, baseNumber: 5n, thisUpdate: at(-0.5) };
  it('adds', async () => {
    const found = await answer([await list(), await list({ ...delta, revoked: lost('superseded') })]);
    assert.equal(found.status, 'revoked');
    assert.deepEqual(found.status === 'revoked' && found.thisUpdate, at(-0.5));
  });
  it('takes a hold back', async () => {
    const held = await list({ revoked: lost('certificateHold') });
    assert.equal((await answer([held])).status, 'revoked');
    const found = await answer([held, await list({ ...delta, revoked: lost('removeFromCRL') })]);
    assert.equal(found.status, 'good');
  });
  it('is nothing without the list that it adds to', () =>
    list(delta).then((one) => unknown(/no CRL at hand covers certificates issued by "CN=Root"/, [one])));
  it('that adds to a later list is not used', async () => {
    const found = await answer([await list({ number: 3n }), await list({ ...delta, revoked: lost() })]);
    assert.equal(found.status, 'good');
  });
  it('with another scope is not used', async () => {
    const found = await answer([await list(), await list({ ...delta, scope: { only: 'users' }, revoked: lost() })]);
    assert.equal(found.status, 'good');
  });
  it('that is out of date is not used, and the complete list is', async () => {
    const found = await answer([await list(), await list({ ...delta, nextUpdate: at(-0.2), revoked: lost() })]);
    assert.equal(found.status, 'good');
  });
});

describe('a list covers', () => {
  it('servers and clients, or CAs, where it says so', async () => {
    assert.equal((await answer([await list({ scope: { only: 'users' } })])).status, 'good');
    await unknown(/no CRL at hand/, [await list({ scope: { only: 'cas' } })]);
  });
  it('the certificates that name it, as a shard', async () => {
    const sharded = await leafOf({ crlUrls: ['http://crl.example/1'] });
    const one = await list({ scope: { urls: ['http://crl.example/1'] } });
    const two = await list({ scope: { urls: ['http://crl.example/2'] } });
    assert.equal((await answer([two, one], { path: [sharded, root] })).status, 'good');
    await unknown(/no CRL at hand/, [two], { path: [sharded, root] });
    await unknown(/no CRL at hand/, [one]);
  });
  it('nobody where it is another CA’s', async () => {
    const signer = await newSigner();
    const certificate = await issueRoot({ ...dates, subject: { commonName: 'Other' }, signer });
    await unknown(/no CRL at hand covers certificates issued by "CN=Root"/, [
      await list({ issuer: { certificate, signer } }),
    ]);
  });
});

describe('a list is not believed', () => {
  it('when it is out of date, but for the skew of clocks', async () => {
    const old = await list({ thisUpdate: at(-3), nextUpdate: at(-1) });
    await unknown(/CRL of "CN=Root" is out of date: the next one was due .*; our clock says/, [old]);
    assert.equal((await answer([old], { clockSkewMs: hour })).status, 'good');
  });
  it('before its time, but for the skew of clocks', async () => {
    const early = await list({ thisUpdate: at(1), nextUpdate: at(2) });
    await unknown(/is not valid before/, [early]);
    assert.equal((await answer([early], { clockSkewMs: hour })).status, 'good');
  });
  it('when its signature does not verify', async () => {
    const { raw } = await list();
    const forged = raw.slice();
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
    await unknown(/the signature of the CRL of "CN=Root" does not verify under the key of "Root"/, [parseCrl(forged)]);
  });
  it('when a stranger of the issuer’s name signed it', async () => {
    const signer = await newSigner();
    const certificate = await issueRoot({ ...dates, subject: { commonName: 'Root' }, signer });
    const forged = await list({ issuer: { certificate, signer } });
    await unknown(/does not verify/, [forged]);
    await unknown(/which no path leads from to our anchor|does not verify/, [forged], { candidates: [certificate] });
  });
  it('when the signer may sign certificates alone', async () => {
    const narrow = await issueCertificate({
      ...dates,
      subject: { commonName: 'Root' },
      publicKey: rootSigner.publicKey,
      issuer: { signer: rootSigner },
      ca: true,
      keyUsage: ['keyCertSign'],
    });
    await unknown(/may not sign the CRL of "CN=Root": its KeyUsage lacks cRLSign/, [await list()], {
      path: [leaf, narrow],
    });
  });
  it('under a profile that wants a number in each', async () => {
    const rules = { policy: {}, profile: rfc5280 } as const;
    assert.equal((await answer([await list()], { rules })).status, 'good');
    const { raw } = await list();
    // Its number's object identifier, 2.5.29.20, made into one that nobody knows.
    const at20 = Buffer.from(raw).indexOf(Buffer.from('0603551d14', 'hex'));
    const numberless = raw.slice();
    numberless[at20 + 4] = 0x7f;
    await unknown(/has no number \(RFC 5280 §5\.2\.3\)/, [parseCrl(numberless)], { rules });
  });
  it('with an algorithm that a policy does not take', async () => {
    const rules = { policy: { signatureAlgorithms: ['ed25519'] }, profile: undefined } as const;
    await unknown(/signed with ecdsa-sha256, which our policy does not take/, [await list()], { rules });
  });
  it('by a path that was not verified: by another key of the same CA it is', async () => {
    const signer = await newSigner();
    const certificate = await issueCertificate({
      ...dates,
      subject: { commonName: 'Root' },
      publicKey: signer.publicKey,
      issuer,
      keyUsage: ['cRLSign'],
    });
    const crl = await list({ issuer: { certificate, signer } });
    await unknown(/which no path leads from to our anchor/, [crl], { candidates: [certificate], path: [leaf, root] });
    const found = await answer([crl], {
      candidates: [certificate],
      pathOf: (candidate) => settle([candidate, root]),
    });
    assert.equal(found.status, 'good');
  });
});

describe('the question makes no sense', () => {
  it('of an anchor', () => assert.rejects(() => answer([], { index: 1 }), RangeError));
});
