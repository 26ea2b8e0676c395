import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type Certificate, ocspRequest } from '@handfast/x509';
import { listAudit, serverProfile } from '../../src/index.ts';
import { underLease } from '../../src/store/leases.ts';
import { day, newKey, nodeProvider, type Opened, opened, refuses, request } from '../support/authority.ts';
import { baseUrl, urlsIn } from '../support/lists.ts';

const year = 365 * day;

async function issue({ authority }: Opened, lifetimeMs: number): Promise<Certificate> {
  return (await authority.issue(await request({ lifetimeMs, publicKey: await newKey() }))).certificate;
}

/** How many rows there are of certificates, names and answers. */
async function rows({ database }: Opened): Promise<string> {
  const [row] = await database.all(
    `SELECT (SELECT count(*) FROM certificates WHERE profile = 'server') AS a, (SELECT count(*) FROM certificate_names) AS b,
       (SELECT count(*) FROM ocsp_answers) AS c`,
  );
  return `${row?.a} ${row?.b} ${row?.c}`;
}

test('what ended a year ago is forgotten, some at a time; the log is not', async (t) => {
  const ca = await opened(t, { baseUrl, profiles: [{ ...serverProfile, ocsp: true }] });
  const { authority, clock, database } = ca;
  const leaves = [await issue(ca, day), await issue(ca, day), await issue(ca, day), await issue(ca, 90 * day)];
  const [certificate = assert.fail()] = leaves;
  const issuer = authority.chain[0] ?? assert.fail();
  await authority.ocsp(authority.issuerId, ocspRequest({ provider: nodeProvider, certificate, issuer }));
  clock.time += day + year;
  assert.deepEqual([await authority.maintain(), await rows(ca)], [false, '4 4 1']);
  clock.time += 1;
  assert.deepEqual([await authority.maintain(2), await rows(ca)], [true, '2 2 0']);
  assert.deepEqual([await authority.maintain(2), await rows(ca)], [false, '1 1 0']);
  assert.equal(await authority.find(certificate.serialNumberHex), undefined);
  const told = (await listAudit(database)).filter(({ action, subject }) => {
    return action === 'issue' && subject === certificate.serialNumberHex;
  });
  assert.equal(told.length, 1);
});

test('a revoked one stays until lists that were made after its end have told of it, and its key is blocked for ever', async (t) => {
  const ca = await opened(t, { baseUrl, crlShards: 2, keptMs: 0 });
  const { authority, clock } = ca;
  const publicKey = await newKey();
  const { certificate } = await authority.issue(await request({ lifetimeMs: day, publicKey }));
  await authority.revoke({ serial: certificate.serialNumberHex, reason: 'keyCompromise', by: 'x' });
  const shard = urlsIn(certificate)[0]?.endsWith('/1.crl') === true ? 1 : 0;
  await authority.refreshLists();
  clock.time += 2 * day;
  const stays = async (): Promise<boolean> => {
    await authority.maintain();
    return (await authority.find(certificate.serialNumberHex)) !== undefined;
  };
  assert.equal(await stays(), true);
  await authority.crl(authority.issuerId);
  assert.equal(await stays(), true);
  await authority.crl(authority.issuerId, 1 - shard);
  assert.equal(await stays(), true);
  await authority.crl(authority.issuerId, shard);
  assert.equal(await stays(), false);
  await refuses(authority.issue(await request({ publicKey })), 'bad_key', /^the key is known to be compromised$/);
  // What is no longer known makes no list due.
  assert.equal(await authority.refreshLists(), 0);
});

test('work under a lease is done by one, and taken up when it is over', async (t) => {
  const { database, clock } = await opened(t);
  const lease = { name: 'work', clock: clock.read, forMs: 1000 };
  const during = await underLease(database, lease, async () => await underLease(database, lease, async () => 'twice'));
  assert.equal(during, undefined);
  assert.equal(await underLease(database, lease, async () => 'again'), 'again');
  await assert.rejects(
    underLease(database, lease, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  const late = await underLease(database, lease, async () => {
    clock.time += 1000;
    return await underLease(database, lease, async () => 'after a death');
  });
  assert.equal(late, 'after a death');
});
