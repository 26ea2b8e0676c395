import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { issuerIdOf, listAudit, openAuthority, openSqlite } from '../../src/index.ts';
import { newIssuer, nodeProvider, opened, request } from '../support/authority.ts';

test('a chain that is none is refused', async (t) => {
  const database = await openSqlite(':memory:');
  t.after(() => database.close());
  const { chain, signer, rootSigner } = await newIssuer();
  const other = await newIssuer();
  const open = (issuer: Parameters<typeof openAuthority>[0]['issuer']) =>
    openAuthority({ database, provider: nodeProvider, issuer, policy: {} });
  await assert.rejects(open({ chain: [], signer }), {
    name: 'RangeError',
    message: 'the issuer has no certificate',
  });
  await assert.rejects(open({ chain, signer: rootSigner }), {
    message: "the signer is not the key of the chain's first certificate",
  });
  await assert.rejects(open({ chain: chain.slice(0, 1), signer }), {
    message: 'the chain ends with "CN=Test intermediate", which is no root: it has not signed itself',
  });
  await assert.rejects(open({ chain: [...chain.slice(0, 1), other.root], signer }), {
    message: '"CN=Test intermediate" is not signed by the next of the chain, "CN=Test root"',
  });
  await assert.rejects(
    openAuthority({ database, provider: nodeProvider, issuer: { chain, signer }, policy: {}, profiles: [] }),
    {
      message: 'a CA without a profile',
    },
  );
  assert.deepEqual(await database.all('SELECT name FROM sqlite_master'), []);
});

test('a root that signs leaves itself', async (t) => {
  const { root, rootSigner } = await newIssuer();
  const { authority } = await opened(t, {
    issuer: { root, rootSigner, chain: [root], signer: rootSigner },
  });
  const { certificate, chain } = await authority.issue(await request());
  assert.deepEqual(chain, [certificate]);
});

test('issuers are put down when they are new, and retired when they are gone', async (t) => {
  const { authority, database, issuer, clock } = await opened(t);
  const reopen = (next: typeof issuer) =>
    openAuthority({
      database,
      provider: nodeProvider,
      issuer: next,
      policy: { domains: ['example.test'] },
      clock: clock.read,
    });
  const states = async () =>
    new Map((await database.all('SELECT id, state FROM issuers')).map((row) => [row.id, row.state]));
  const rootId = issuerIdOf(nodeProvider, issuer.root);
  assert.deepEqual([...(await states()).values()], ['current', 'current']);
  const { certificate } = await authority.issue(await request());

  await reopen(issuer);
  assert.equal((await listAudit(database)).length, 3);

  const replaced = await newIssuer();
  await reopen(replaced);
  assert.equal((await states()).get(authority.issuerId), 'retired');
  assert.equal((await states()).get(rootId), 'retired');
  assert.deepEqual(
    (await listAudit(database, { limit: 4 })).map(({ action }) => action),
    ['retire issuer', 'retire issuer', 'issuer', 'issuer'],
  );

  const back = await reopen(issuer);
  assert.equal((await states()).get(authority.issuerId), 'current');
  assert.equal((await back.find(certificate.serialNumberHex))?.issuerId, authority.issuerId);
});
