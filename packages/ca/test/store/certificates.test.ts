import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { ListFilter } from '../../src/index.ts';
import { day, newKey, type Opened, opened, request, start } from '../support/authority.ts';

/** Five certificates, a day from one to the next, known by the first letter of their first name. */
async function fill({ authority, clock }: Opened): Promise<void> {
  const requests = [
    { names: ['a.example.test'], lifetimeMs: 2 * day },
    { names: ['b.example.test', 'x.example.test'] },
    { names: ['c.example.test', '10.0.0.1'] },
    { names: ['d.example.test'], profile: 'client', commonName: 'Dora 100%' },
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
