import { strict as assert } from 'node:assert';
import { type TestContext, test } from 'node:test';
import { parseCrl } from '@handfast/x509';
import { type AuthorityOptions, listAudit, openAuthority } from '../../src/index.ts';
import {
  day,
  minute,
  newIssuer,
  newKey,
  nodeProvider,
  type Opened,
  opened,
  refuses,
  request,
} from '../support/authority.ts';
import { baseUrl, Dealing, list, statusBy, urlsIn, urlsOfScope } from '../support/lists.ts';

/** An authority whose next certificate falls into a shard of the test's choosing. */
async function sharded(t: TestContext, options: Partial<AuthorityOptions> = {}) {
  const dealing = new Dealing();
  const ca = await opened(t, { baseUrl, provider: dealing.provider, crlShards: 4, ...options } as Parameters<
    typeof opened
  >[1]);
  const publicKey = await newKey();
  const issue = async (shard: number, authority = ca.authority) => {
    dealing.last = shard;
    const { certificate } = await authority.issue(await request({ publicKey }));
    return certificate;
  };
  return { ca, dealing, issue };
}

/** Another process over the same database. */
async function another({ database, issuer, clock }: Opened, options: Partial<AuthorityOptions> = {}): Promise<Opened> {
  const authority = await openAuthority({
    database,
    provider: nodeProvider,
    issuer: { chain: issuer.chain, signer: issuer.signer },
    policy: { domains: ['example.test'] },
    clock: clock.read,
    baseUrl,
    ...options,
  });
  return { authority, database, issuer, clock };
}

test('a leaf names the list of its shard, which tells verifiers of it and of no other', async (t) => {
  const { ca, issue } = await sharded(t);
  const { authority } = ca;
  const good = await issue(1);
  const bad = await issue(1);
  const elsewhere = await issue(2);
  const url = (shard: number): string => `${baseUrl}/crl/${authority.issuerId}/${shard}.crl`;
  assert.deepEqual(urlsIn(good), [url(1)]);
  assert.deepEqual(urlsIn(elsewhere), [url(2)]);
  await authority.revoke({ serial: bad.serialNumberHex, by: 'x' });
  await authority.revoke({ serial: elsewhere.serialNumberHex, by: 'x' });
  const one = await list(ca, 1);
  const scope = one.extensions.find(({ oid }) => oid === '2.5.29.28');
  assert.deepEqual([scope?.critical, urlsOfScope(one), one.size], [true, [url(1)], 1]);
  assert.equal(one.freshestCrl, undefined);
  const by = async (crl: Awaited<ReturnType<typeof list>>): Promise<readonly string[]> =>
    Promise.all([good, bad, elsewhere].map((leaf) => statusBy(ca, leaf, authority.chain, [crl])));
  assert.deepEqual(await by(one), ['good', 'revoked', 'revocation_unknown']);
  assert.deepEqual(await by(await list(ca, 2)), ['revocation_unknown', 'revocation_unknown', 'revoked']);
  assert.deepEqual(await by(await list(ca)), ['good', 'revoked', 'revoked']);
  const [entry] = (await listAudit(ca.database)).filter(({ action }) => action === 'shard crl');
  assert.deepEqual([entry?.subject, entry?.note], [String((await list(ca, 2)).number), 'shard 2, 1 revoked']);
});

test('a revocation makes the lists due that would tell of it, and no others', async (t) => {
  const { ca, issue } = await sharded(t);
  const { authority, clock } = ca;
  const leaf = await issue(3);
  assert.equal(await authority.refreshLists(), 5);
  assert.equal(await authority.refreshLists(), 0);
  const before = await Promise.all([0, 1, 2, 3].map(async (shard) => (await list(ca, shard)).number));
  clock.time += minute;
  await authority.revoke({ serial: leaf.serialNumberHex, by: 'x' });
  assert.equal(await authority.refreshLists(), 2);
  const after = await Promise.all([0, 1, 2, 3].map(async (shard) => (await list(ca, shard)).number));
  assert.deepEqual(after.slice(0, 3), before.slice(0, 3));
  assert.ok((after[3] ?? 0n) > (before[3] ?? 0n));
  assert.equal(await authority.refreshLists(), 0);
  // For another reason: told again.
  await authority.revoke({ serial: leaf.serialNumberHex, reason: 'keyCompromise', by: 'x' });
  assert.equal(await authority.refreshLists(), 2);
  assert.equal([...(await list(ca, 3)).entries()][0]?.reason, 'keyCompromise');
  clock.time += day;
  assert.equal(await authority.refreshLists(), 5);
});

test('a number of shards that is changed leaves older leaves their lists', async (t) => {
  const { ca, issue, dealing } = await sharded(t);
  const old = await issue(3);
  await ca.authority.revoke({ serial: old.serialNumberHex, by: 'x' });
  await refuses(ca.authority.crl(ca.authority.issuerId, 4), 'not_found', /^there is no shard 4 of the issuer "/);
  const { provider } = dealing;
  const fewer = await another(ca, { provider, crlShards: 2 });
  assert.match(urlsIn(await issue(3, fewer.authority))[0] ?? '', /\/1\.crl$/);
  assert.equal(await statusBy(ca, old, ca.authority.chain, [await list(fewer, 3)]), 'revoked');
  const more = await another(ca, { provider, crlShards: 8 });
  assert.match(urlsIn(await issue(6, more.authority))[0] ?? '', /\/6\.crl$/);
  assert.equal((await list(more, 7)).size, 0);
  const none = await another(ca, { provider, crlShards: 0 });
  const plain = await issue(3, none.authority);
  assert.deepEqual(urlsIn(plain), [`${baseUrl}/crl/${none.authority.issuerId}.crl`]);
  assert.equal(await statusBy(ca, plain, ca.authority.chain, [await list(none)]), 'good');
  assert.equal(await statusBy(ca, old, ca.authority.chain, [await list(none, 3)]), 'revoked');
});

test('where the CA has moved, lists bear the names that older leaves have for them', async (t) => {
  const { ca, issue, dealing } = await sharded(t);
  const old = await issue(1);
  const moved = await another(ca, { provider: dealing.provider, crlShards: 4, baseUrl: 'http://new.example.test' });
  const leaf = await issue(1, moved.authority);
  const crl = await list(moved, 1);
  const path = `/crl/${ca.authority.issuerId}/1.crl`;
  assert.deepEqual(urlsOfScope(crl), [`${baseUrl}${path}`, `http://new.example.test${path}`]);
  for (const one of [old, leaf]) assert.equal(await statusBy(ca, one, ca.authority.chain, [crl]), 'good');
});

test('without a base URL there are no shards, and leaves name no list', async (t) => {
  const ca = await opened(t);
  const { certificate } = await ca.authority.issue(await request());
  assert.deepEqual(urlsIn(certificate), []);
  await refuses(ca.authority.crl(ca.authority.issuerId, 0), 'not_found', /^there is no shard 0 /);
  assert.equal(await ca.authority.refreshLists(), 1);
});

test('an authority of too many shards, or of a part of one, is none', async (t) => {
  for (const crlShards of [-1, 1025, 1.5]) {
    await assert.rejects(opened(t, { crlShards }), {
      name: 'RangeError',
      message: `certificates are spread among 0 to 1024 lists, not ${crlShards}`,
    });
  }
});

test('two processes at once give no number twice, and one refreshes for both', async (t) => {
  const { ca, issue } = await sharded(t);
  const other = await another(ca, { crlShards: 4 });
  const numbers = new Map<string, Set<string>>();
  const seen = async (asked: Opened, name?: number): Promise<void> => {
    const der = await asked.authority.crl(ca.authority.issuerId, name);
    const number = String(parseCrl(der).number);
    numbers.set(number, (numbers.get(number) ?? new Set()).add(Buffer.from(der).toString('hex')));
  };
  for (let round = 0; round < 3; round++) {
    const leaf = await issue(round);
    await ca.authority.revoke({ serial: leaf.serialNumberHex, by: 'x' });
    await Promise.all([ca, other].flatMap((one) => [undefined, 0, 1, 2, 3].map((name) => seen(one, name))));
  }
  for (const [number, lists] of numbers) assert.equal(lists.size, 1, `number ${number}`);
  ca.clock.time += day;
  const made = await Promise.all([ca.authority.refreshLists(), other.authority.refreshLists()]);
  assert.deepEqual(made.toSorted(), [0, 5]);
});

test('a signer that fails keeps no other list from being made', async (t) => {
  const issuer = await newIssuer();
  let left = 1;
  const { signer } = issuer;
  const ca = await opened(t, {
    baseUrl,
    crlShards: 2,
    issuer: {
      ...issuer,
      signer: {
        ...signer,
        sign: (algorithm, data) => {
          if (left-- > 0) throw new Error('the token is busy');
          return signer.sign(algorithm, data);
        },
      },
    },
  });
  await assert.rejects(ca.authority.refreshLists(), (error) => {
    assert.ok(error instanceof AggregateError);
    assert.equal(error.message, '1 list of revoked certificates could not be made');
    assert.deepEqual(error.errors.map(String), ['Error: the token is busy']);
    return true;
  });
  assert.equal(await ca.authority.refreshLists(), 1);
});
