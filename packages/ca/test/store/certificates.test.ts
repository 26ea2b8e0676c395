import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type ListFilter, openAuthority } from '../../src/index.ts';
import { day, newIssuer, newKey, nodeProvider, type Opened, opened, request, start } from '../support/authority.ts';

/** Five certificates, a day from one to the next, known by the first letter of their first name. */
async function fill({ authority, clock }: Opened): Promise<void> {
  const requests = [
    { names: ['a.example.test'], lifetimeMs: 2 * day },
    { names: ['b.example.test', 'x.example.test'] },
    { names: ['c.example.test', '10.0.0.1'] },
    { names: ['d.example.test'], profile: 'client', commonName: 'Dora Élise 100%' },
    { names: ['e.example.test'] },
  ];
  for (const one of requests) {
    const { certificate } = await authority.issue(await request(one));
    clock.time += day;
    if (one.names[0] !== 'b.example.test') continue;
    await authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  }
}

const lists: readonly (readonly [what: string, filter: ListFilter, names: string])[] = [
  ['all, the newest first', {}, 'edcba'],
  ['a few', { limit: 2 }, 'ed'],
  ['those that are valid', { status: 'valid' }, 'edc'],
  ['those that have expired', { status: 'expired' }, 'a'],
  ['those that are revoked', { status: 'revoked' }, 'b'],
  ['those that end before', { expiresBefore: new Date(start.getTime() + 91 * day + 1) }, 'ba'],
  ['a name', { search: 'X.Example' }, 'b'],
  ['an address', { search: '10.0' }, 'c'],
  ['a common name', { search: 'dora' }, 'd'],
  ['a capital that is not ASCII', { search: 'dORA Élise' }, 'd'],
  ['what looks like a pattern', { search: '100%' }, 'd'],
  ['a pattern, which is none', { search: '%_' }, ''],
  ['what nobody has', { search: "'" }, ''],
  ['valid ones with a name', { status: 'valid', search: 'example', limit: 2 }, 'ed'],
];

test('lists', async (t) => {
  const ca = await opened(t);
  await fill(ca);
  for (const [what, filter, names] of lists) {
    await t.test(what, async () => {
      const records = await ca.authority.list(filter);
      assert.equal(records.map((record) => record.names[0]?.[0]).join(''), names);
    });
  }
});

test('pages go on where the last ended, also among those of one moment', async (t) => {
  const { authority } = await opened(t);
  const issued = await Promise.all(Array.from({ length: 7 }, async () => authority.issue(await request())));
  const seen: string[] = [];
  for (;;) {
    const before = seen.at(-1);
    const page = await authority.list({ limit: 3, ...(before === undefined ? {} : { before }) });
    if (page.length === 0) break;
    seen.push(...page.map(({ serial }) => serial));
  }
  assert.deepEqual(seen.toSorted(), issued.map(({ certificate }) => certificate.serialNumberHex).toSorted());
});

test('names come in the order that they stand in, for long lists too', async (t) => {
  const { authority } = await opened(t);
  const publicKey = await newKey();
  const names = ['z.example.test', 'a.example.test', '10.9.9.9'];
  await Promise.all(Array.from({ length: 120 }, async () => authority.issue(await request({ names, publicKey }))));
  const records = await authority.list({ limit: 200 });
  assert.equal(records.length, 120);
  for (const record of records) assert.deepEqual(record.names, names);
});

test('what was issued for an order is found by it, with its chain, as long as it is not revoked', async (t) => {
  const { authority, database } = await opened(t);
  const issued = await authority.issue(await request({ origin: 'acme order 1' }));
  const found = await authority.findByOrigin('acme order 1');
  assert.deepEqual(
    found?.chain.map(({ raw }) => raw),
    issued.chain.map(({ raw }) => raw),
  );
  assert.equal(found?.certificate, found?.chain[0]);
  assert.equal(await authority.findByOrigin('acme order 2'), undefined);
  await database.run(`UPDATE certificates SET state = 'unfinished', der = NULL`);
  assert.equal(await authority.findByOrigin('acme order 1'), undefined);
  const { certificate } = await authority.issue(await request({ origin: 'acme order 3' }));
  await authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  assert.equal(await authority.findByOrigin('acme order 3'), undefined);
});

test('it is found with the chain of the issuer that signed it, when another signs now', async (t) => {
  const { authority, database, issuer } = await opened(t);
  await authority.issue(await request({ origin: 'acme order 1' }));
  const { chain, signer } = await newIssuer();
  const policy = { domains: ['example.test'] };
  const later = await openAuthority({ database, provider: nodeProvider, issuer: { chain, signer }, policy });
  const found = await later.findByOrigin('acme order 1');
  assert.deepEqual(found?.chain[1]?.raw, issuer.chain[0]?.raw);
  assert.equal(found?.chain.length, 2);
});
