import { strict as assert } from 'node:assert';
import { type TestContext, test } from 'node:test';
import { type Certificate, ocspRequest, parseOcspResponse } from '@handfast/x509';
import { openAuthority, serverProfile } from '../../src/index.ts';
import { day, hour, newIssuer, newKey, nodeProvider, type Opened, opened, request } from '../support/authority.ts';
import { baseUrl } from '../support/lists.ts';

const profiles = [{ ...serverProfile, ocsp: true }];

async function withAnswers(t: TestContext, count: number) {
  const ca = await opened(t, { baseUrl, profiles });
  const publicKey = await newKey();
  const leaves: Certificate[] = [];
  for (let n = 0; n < count; n++) {
    const { certificate } = await ca.authority.issue(await request({ publicKey, lifetimeMs: 3 * day }));
    await ask(ca, certificate);
    leaves.push(certificate);
  }
  return { ca, leaves };
}

async function ask({ authority }: Opened, certificate: Certificate): Promise<Uint8Array> {
  const issuer = authority.chain[0] ?? assert.fail();
  return (await authority.ocsp(authority.issuerId, ocspRequest({ provider: nodeProvider, certificate, issuer }))).der;
}

/** How many answers there are, and how many of them were signed now. */
async function counts({ database, clock }: Opened): Promise<string> {
  const [row] = await database.all(
    'SELECT count(*) AS n, count(CASE WHEN this_update = $1 THEN 1 END) AS fresh FROM ocsp_answers',
    [clock.time],
  );
  return `${row?.fresh} of ${row?.n}`;
}

test('answers that are half over are signed anew, some at a time', async (t) => {
  const { ca, leaves } = await withAnswers(t, 5);
  const { authority, clock } = ca;
  clock.time += 12 * hour - 1000;
  assert.equal(await authority.presignOcsp(), false);
  assert.equal(await counts(ca), '0 of 5');
  clock.time += 1000;
  assert.deepEqual([await authority.presignOcsp(2), await counts(ca)], [true, '2 of 5']);
  assert.deepEqual([await authority.presignOcsp(2), await counts(ca)], [true, '4 of 5']);
  assert.deepEqual([await authority.presignOcsp(2), await counts(ca)], [false, '5 of 5']);
  const [kept] = await ca.database.all('SELECT der FROM ocsp_answers WHERE serial = $1', [
    leaves[0]?.serialNumberHex ?? '',
  ]);
  assert.deepEqual(await ask(ca, leaves[0] ?? assert.fail()), kept?.der);
});

test('one that is true no more is signed anew at once', async (t) => {
  const { ca, leaves } = await withAnswers(t, 2);
  const [leaf = assert.fail()] = leaves;
  ca.clock.time += hour;
  await ca.authority.revoke({ serial: leaf.serialNumberHex, reason: 'superseded', by: 'x' });
  await ca.authority.presignOcsp();
  assert.equal(await counts(ca), '1 of 2');
  const [row] = await ca.database.all('SELECT der, reason FROM ocsp_answers WHERE serial = $1', [leaf.serialNumberHex]);
  const [single] = parseOcspResponse(row?.der as Uint8Array).basic?.responses ?? [];
  assert.deepEqual([row?.reason, single?.status.kind], ['superseded', 'revoked']);
});

test('of a certificate that has ended nothing is signed, nor kept', async (t) => {
  const { ca } = await withAnswers(t, 2);
  ca.clock.time += 3 * day + 1000;
  await ca.authority.presignOcsp();
  assert.deepEqual(await ca.database.all('SELECT serial FROM ocsp_answers'), []);
});

test('two processes share the work, and where one dies the other takes it up', async (t) => {
  const { ca } = await withAnswers(t, 6);
  const { chain, signer } = ca.issuer;
  const other = await openAuthority({
    database: ca.database,
    provider: nodeProvider,
    issuer: { chain, signer },
    policy: {},
    profiles,
    baseUrl,
    clock: ca.clock.read,
  });
  ca.clock.time += 12 * hour;
  await Promise.all([ca.authority.presignOcsp(3), other.presignOcsp(3)]);
  assert.equal(await counts(ca), '6 of 6');
  // As a process that died while it had them leaves them.
  const until = ca.clock.time + 12 * hour;
  await ca.database.run('UPDATE ocsp_answers SET renew_at = 0, leased_until = $1', [until]);
  ca.clock.time += hour;
  await other.presignOcsp();
  assert.equal(await counts(ca), '0 of 6');
  ca.clock.time = until;
  await other.presignOcsp();
  assert.equal(await counts(ca), '6 of 6');
});

test('a retired issuer’s answers are signed ahead as well; those of one whose key is gone are dropped', async (t) => {
  const { ca } = await withAnswers(t, 1);
  const next = await newIssuer();
  const { chain, signer } = ca.issuer;
  const reopened = (otherIssuers: Parameters<typeof openAuthority>[0]['otherIssuers'] = []) =>
    openAuthority({
      database: ca.database,
      provider: nodeProvider,
      issuer: { chain: next.chain, signer: next.signer },
      otherIssuers,
      policy: {},
      profiles,
      baseUrl,
      clock: ca.clock.read,
    });
  ca.clock.time += 12 * hour;
  await (await reopened([{ chain, signer }])).presignOcsp();
  assert.equal(await counts(ca), '1 of 1');
  ca.clock.time += 12 * hour;
  await (await reopened()).presignOcsp();
  assert.equal(await counts(ca), '0 of 0');
});
