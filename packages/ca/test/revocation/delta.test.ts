import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { toHex } from '@handfast/crypto';
import type { Crl } from '@handfast/x509';
import { day, hour, minute, newKey, type Opened, opened, refuses, request } from '../support/authority.ts';
import { baseUrl, deltaUrlsIn, list, statusBy } from '../support/lists.ts';

async function withKey(t: Parameters<typeof opened>[0]) {
  const ca = await opened(t, { baseUrl, crlShards: 0 });
  const publicKey = await newKey();
  const issue = async (lifetimeMs = 90 * day) =>
    (await ca.authority.issue(await request({ publicKey, lifetimeMs }))).certificate;
  return { ca, issue };
}

/** `<serial number> <reason>`, of each in a list. */
function entriesIn(crl: Crl): readonly string[] {
  return [...crl.entries()].map(({ serialNumber, reason }) => `${toHex(serialNumber)} ${reason}`);
}

async function revoke({ authority }: Opened, { serialNumberHex }: { readonly serialNumberHex: string }) {
  await authority.revoke({ serial: serialNumberHex, reason: 'superseded', by: 'x' });
}

test('a delta has what was revoked since the oldest list that anybody may hold', async (t) => {
  const { ca, issue } = await withKey(t);
  const { authority, clock } = ca;
  const [good, first, second] = [await issue(), await issue(), await issue()];
  await revoke(ca, first);
  const base = await list(ca);
  // Nothing there is that it could add to.
  assert.deepEqual(deltaUrlsIn(base), []);
  await refuses(authority.crl(authority.issuerId, 'delta'), 'not_found', /^there is no delta CRL of the issuer "/);
  clock.time += hour;
  await revoke(ca, second);
  const complete = await list(ca);
  const delta = await list(ca, 'delta');
  assert.deepEqual(deltaUrlsIn(complete), [`${baseUrl}/crl/${authority.issuerId}-delta.crl`]);
  assert.deepEqual([delta.number, delta.baseNumber], [complete.number, base.number]);
  assert.deepEqual([delta.thisUpdate, delta.nextUpdate], [complete.thisUpdate, complete.nextUpdate]);
  assert.deepEqual(entriesIn(delta), [`${second.serialNumberHex} superseded`]);
  assert.equal(complete.size, 2);
  const by = (crls: readonly Crl[]): Promise<readonly string[]> =>
    Promise.all([good, first, second].map((leaf) => statusBy(ca, leaf, authority.chain, crls)));
  assert.deepEqual(await by([base]), ['good', 'revoked', 'good']);
  assert.deepEqual(await by([base, delta]), ['good', 'revoked', 'revoked']);
  assert.deepEqual(await by([complete, delta]), ['good', 'revoked', 'revoked']);
  assert.deepEqual(await by([delta]), ['revocation_unknown', 'revocation_unknown', 'revocation_unknown']);
});

test('a reason that was amended stands in a delta, whatever its base says', async (t) => {
  const { ca, issue } = await withKey(t);
  const leaf = await issue();
  await revoke(ca, leaf);
  const base = await list(ca);
  ca.clock.time += minute;
  await ca.authority.revoke({ serial: leaf.serialNumberHex, reason: 'keyCompromise', by: 'x' });
  const delta = await list(ca, 'delta');
  assert.equal(delta.baseNumber, base.number);
  assert.deepEqual(entriesIn(delta), [`${leaf.serialNumberHex} keyCompromise`]);
});

test('one that has ended leaves deltas when it has stood in a complete list, and is removed by no word', async (t) => {
  const { ca, issue } = await withKey(t);
  const leaf = await issue(2 * hour);
  await list(ca);
  ca.clock.time += hour;
  await revoke(ca, leaf);
  assert.equal((await list(ca, 'delta')).size, 1);
  ca.clock.time += day;
  const last = [await list(ca), await list(ca, 'delta')];
  assert.deepEqual(
    last.map(({ size }) => size),
    [1, 1],
  );
  ca.clock.time += day;
  const next = [await list(ca), await list(ca, 'delta')];
  assert.deepEqual(
    next.map(({ size }) => size),
    [0, 0],
  );
});

test('a base stays one for as long as it is good, though its bytes are forgotten', async (t) => {
  const { ca, issue } = await withKey(t);
  const { clock, database } = ca;
  const first = await list(ca);
  for (let count = 0; count < 13; count++) {
    clock.time += minute;
    await revoke(ca, await issue());
    await list(ca);
  }
  const delta = await list(ca, 'delta');
  assert.deepEqual([delta.baseNumber, delta.size], [first.number, 13]);
  const rows = await database.all(`SELECT count(*) AS lists, count(der) AS kept FROM crls WHERE scope = 'complete'`);
  // The ten newest, and the first of the hour.
  assert.deepEqual(rows, [{ lists: 11, kept: 10 }]);
  clock.time += 7 * day - 3 * minute;
  const later = await list(ca, 'delta');
  assert.equal(later.baseNumber, (first.number ?? 0n) + BigInt(11 * minute));
  // All are over: there is nothing that a delta could add to.
  clock.time += 8 * day;
  assert.deepEqual(deltaUrlsIn(await list(ca)), []);
  await refuses(ca.authority.crl(ca.authority.issuerId, 'delta'), 'not_found', /^there is no delta CRL /);
});
