import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { issueIntermediate, issueRoot, parseCertificates, trustStore, verifyCertificate } from '@handfast/x509';
import { type Acme, createAcme } from '../../src/acme/app.ts';
import type { Challenge } from '../../src/acme/validation/challenge.ts';
import { type OpenAuthority, openAuthority } from '../../src/open.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { assertProblem, Client, csrFor, newKey, orderFor, signJws } from './support/client.ts';

const base = 'https://ca.test';
const challenge: Challenge = { type: 'http-01', offers: () => true, validate: async () => undefined };

test('two servers on one database, with the real store and authority: what one begins the other ends', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'acme-'));
  context.after(async () => await rm(folder, { recursive: true }));
  const { chain, open } = await issuers();
  const [one, other] = [await open(join(folder, 'ca.db')), await open(join(folder, 'ca.db'))];

  const first = new Client(one.acme.fetch, base);
  await first.register();
  const second = new Client(other.acme.fetch, base, first.key);
  second.kid = first.kid;

  const nonce = await first.nonce();
  const both = await Promise.all(
    [first, second].map((client) => client.post('new-order', orderFor('a.test'), { nonce })),
  );
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [201, 400]);

  const order = await first.post('new-order', orderFor('app.test', '10.0.0.1'));
  for (const url of order.json.authorizations) {
    const { json } = await second.post(url);
    await first.post(json.challenges[0].url, {});
  }
  await one.acme.idle();
  const done = await second.post(order.json.finalize, { csr: await csrFor(['app.test', '10.0.0.1']) });
  assert.equal(done.json.status, 'valid', done.text);
  const { text } = await first.post(done.json.certificate);
  const [leaf, ...intermediates] = parseCertificates(text);
  assert.ok(leaf);
  const verified = await verifyCertificate({
    provider: nodeProvider,
    leaf,
    intermediates,
    trust: trustStore([chain.at(-1)?.raw ?? '']),
    time: new Date(),
    usage: 'serverAuth',
    name: 'app.test',
  });
  assert.equal(verified.path.length, 3);

  const record = await one.authority.find(leaf.serialNumberHex);
  assert.equal(record?.by, `acme account ${first.kid?.split('/').at(-1)}`);
  const certificate = Buffer.from(leaf.raw).toString('base64url');
  assert.equal((await second.post('revoke-cert', { certificate, reason: 4 })).status, 200);
  assertProblem(await first.post('revoke-cert', { certificate }), 'alreadyRevoked', 400);
  assertProblem(await first.post('new-order', orderFor('example.com')), 'rejectedIdentifier', 403);

  // The other process has seen the old key.
  const key = newKey();
  const header = { alg: key.alg, jwk: key.jwk, url: first.url('key-change') };
  const change = { account: first.kid, oldKey: first.key.jwk };
  assert.equal((await first.post('key-change', signJws(key, header, change))).status, 200);
  assertProblem(await second.post(second.kid ?? ''), 'unauthorized', 403);
  const third = new Client(other.acme.fetch, base, key);
  third.kid = first.kid;
  assert.equal((await third.post(third.kid ?? '')).status, 200);
  for (const { acme, authority } of [one, other]) {
    await acme.close();
    await authority.close();
  }
});

test('an order whose process died between the record and the order is ended by another, with its certificate', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'acme-'));
  context.after(async () => await rm(folder, { recursive: true }));
  const { open } = await issuers();
  const file = join(folder, 'ca.db');
  const { acme, authority } = await open(file);
  const client = new Client(acme.fetch, base);
  await client.register();
  const order = await client.post('new-order', orderFor('app.test'));
  const { json } = await client.post(order.json.authorizations[0]);
  await client.post(json.challenges[0].url, {});
  await acme.idle();
  const done = await client.post(order.json.finalize, { csr: await csrFor(['app.test']) });
  const { text } = await client.post(done.json.certificate);
  const database = await openSqlite(file);
  await database.run(`UPDATE acme_orders SET status = 'processing', serial = NULL, chain = NULL, leased_until = $1`, [
    Date.now() - 1,
  ]);
  await database.close();
  await acme.close();
  await authority.close();

  const other = await open(file);
  await other.acme.maintain();
  const again = new Client(other.acme.fetch, base, client.key);
  again.kid = client.kid;
  assert.equal((await again.post(order.headers.get('location') ?? '')).json.status, 'valid');
  assert.equal((await again.post(done.json.certificate)).text, text);
  await other.acme.close();
  await other.authority.close();
});

interface Process {
  readonly acme: Acme;
  readonly authority: OpenAuthority;
}

async function issuers() {
  const notBefore = new Date(Date.now() - 86_400_000);
  const basics = { provider: nodeProvider, notBefore, notAfter: new Date(Date.now() + 100 * 86_400_000) };
  const { signer: rootSigner } = await nodeProvider.generateKeyPair('secp256r1');
  const { signer } = await nodeProvider.generateKeyPair('secp256r1');
  const root = await issueRoot({ ...basics, subject: { commonName: 'Root' }, signer: rootSigner });
  const intermediate = await issueIntermediate({
    ...basics,
    subject: { commonName: 'Intermediate' },
    issuer: { certificate: root, signer: rootSigner },
    publicKey: signer.publicKey,
  });
  const chain = [intermediate, root];
  const open = async (file: string): Promise<Process> => {
    const database = await openSqlite(file);
    const policy = { domains: ['test'], addresses: ['10.0.0.0/8'] };
    const authority = await openAuthority({ database, provider: nodeProvider, issuer: { chain, signer }, policy });
    const allowsName = (name: string): boolean => authority.nameRefusal(name) === undefined;
    const options = { authority, database, provider: nodeProvider, baseUrl: base, challenges: [challenge], allowsName };
    return { authority, acme: await createAcme(options) };
  };
  return { chain, open };
}
