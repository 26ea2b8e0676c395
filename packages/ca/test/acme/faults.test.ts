import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { issueIntermediate, issueRoot, parseCertificates } from '@handfast/x509';
import { type Acme, createAcme } from '../../src/acme/app.ts';
import type { AcmeEvent } from '../../src/acme/settings.ts';
import type { IssueRequest } from '../../src/authority.ts';
import { type OpenAuthority, openAuthority } from '../../src/open.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { assertProblem, Client, csrFor, orderFor, type Reply } from './support/client.ts';
import { type Faulty, faulty } from './support/faulty.ts';

const base = 'https://ca.test';
const challenge = { type: 'http-01', offers: () => true, validate: async () => undefined };

let folder: string;
let database: Faulty;
let authority: OpenAuthority;
let acme: Acme;
let client: Client;
let now = Date.now();
const events: AcmeEvent[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faults-'));
  const basics = { provider: nodeProvider, notBefore: new Date(now - 1e7), notAfter: new Date(now + 1e10) };
  const [rootKey, key] = [
    await nodeProvider.generateKeyPair('secp256r1'),
    await nodeProvider.generateKeyPair('secp256r1'),
  ];
  const root = await issueRoot({ ...basics, subject: { commonName: 'Root' }, signer: rootKey.signer });
  const intermediate = await issueIntermediate({
    ...basics,
    subject: { commonName: 'Intermediate' },
    issuer: { certificate: root, signer: rootKey.signer },
    publicKey: key.signer.publicKey,
  });
  database = faulty(await openSqlite(join(folder, 'ca.db')));
  const clock = (): Date => new Date(now);
  const issuer = { chain: [intermediate, root], signer: key.signer };
  const options = { database, provider: nodeProvider, clock };
  authority = await openAuthority({ ...options, issuer, policy: { domains: ['test'] } });
  const log = (event: AcmeEvent): void => void events.push(event);
  acme = await createAcme({ ...options, authority, baseUrl: base, challenges: [challenge], log });
  client = new Client(acme.fetch, base);
  await client.register();
});

after(async () => {
  await acme.close();
  await authority.close();
  await rm(folder, { recursive: true });
});

afterEach(() => {
  database.fault = () => undefined;
});

async function ready(name: string): Promise<Reply> {
  const order = await client.post('new-order', orderFor(name));
  const { json } = await client.post(order.json.authorizations[0]);
  await client.post(json.challenges[0].url, {});
  await acme.idle();
  const found = await client.post(order.headers.get('location') ?? '');
  assert.equal(found.json.status, 'ready', found.text);
  return found;
}

/** A problem document that says nothing of the fault, and one line in the log that does. */
function assertFault(reply: Reply, message: RegExp): void {
  const document = assertProblem(reply, 'serverInternal', 500);
  assert.equal(document.detail, 'the CA met with an error of its own');
  assert.equal(reply.headers.get('retry-after'), '60');
  const [event, ...more] = events.splice(0);
  assert.ok(event?.event === 'error' && event.error instanceof Error);
  assert.match(event.error.message, message);
  assert.deepEqual(more, []);
}

const full = new Error('database or disk is full');
const lost = Object.assign(new Error('the connection to the database is lost'), { code: 'ERR_DATABASE_LOST' });

test('a database that may not be written to, or not grow, answers with a problem, and goes on when it may', async () => {
  const pragma = async (text: string): Promise<void> => {
    // PostgreSQL has no such switches for one test alone.
    if (database.kind === 'sqlite') await database.run(`PRAGMA ${text}`);
    else
      database.fault = (statement) =>
        /^\s*INSERT/.test(statement) && !/= 0|= 1073741823/.test(text) ? full : undefined;
  };
  const faults: readonly (readonly [begin: string, end: string, message: RegExp])[] = [
    ['query_only = 1', 'query_only = 0', /readonly|is full/],
    ['max_page_count = 1', 'max_page_count = 1073741823', /is full/],
  ];
  for (const [begin, end, message] of faults) {
    await pragma(begin);
    events.splice(0);
    let reply = await client.post('new-order', orderFor('a.test'));
    // There may be room on the pages that there are.
    const names = [...Array(100).keys()].map((n) => `${n}.${'x'.repeat(60)}.test`);
    for (let count = 0; count < 10 && reply.status === 201; count++) {
      events.splice(0);
      reply = await client.post('new-order', orderFor(...names));
    }
    assertFault(reply, message);
    await pragma(end);
    assert.equal((await client.post('new-order', orderFor('a.test'))).status, 201);
  }
});

test('what cannot be recorded beforehand is not signed', async () => {
  const order = await ready('intent.test');
  events.splice(0);
  database.fault = (text) => (/INSERT INTO certificates/.test(text) ? full : undefined);
  const done = await client.post(order.json.finalize, { csr: await csrFor(['intent.test']) });
  assert.equal(done.json.status, 'invalid');
  assert.equal(done.json.error.type, 'urn:ietf:params:acme:error:serverInternal');
  assert.equal(done.json.certificate, undefined);
  assert.deepEqual(
    events.map((event) => [event.event, 'failure' in event && event.failure === full]),
    [['order', true]],
  );
  assert.deepEqual(await authority.list({ search: 'intent.test' }), []);
  assert.deepEqual(await authority.unfinished(), []);
});

test('what is signed and cannot be recorded is handed to nobody, and known to be unfinished', async () => {
  const order = await ready('record.test');
  events.splice(0);
  database.fault = (text) => (/UPDATE certificates/.test(text) ? lost : undefined);
  const done = await client.post(order.json.finalize, { csr: await csrFor(['record.test']) });
  assert.equal(done.json.status, 'invalid');
  assert.doesNotMatch(done.text, /BEGIN|certificate"/);
  database.fault = () => undefined;
  assert.deepEqual(await authority.list({ search: 'record.test' }), []);
  assert.equal((await authority.unfinished()).length, 1);
});

const orderEnd = /UPDATE acme_orders SET status = \$3, serial/;

test('a certificate is recorded with its order, or not at all', async () => {
  const order = await ready('both.test');
  database.fault = (text) => (orderEnd.test(text) ? lost : undefined);
  const done = await client.post(order.json.finalize, { csr: await csrFor(['both.test']) });
  assert.equal(done.json.status, 'invalid');
  database.fault = () => undefined;
  assert.deepEqual(await authority.list({ search: 'both.test' }), []);
  assert.equal((await authority.unfinished()).length, 2);
});

test('where the authority has records of its own, an order is ended later with what was recorded there', async (t) => {
  const order = await ready('lost.test');
  const alone = { ...authority, issue: ({ recorded: _, ...request }: IssueRequest) => authority.issue(request) };
  const provider = nodeProvider;
  const options = { database, provider, authority: alone, baseUrl: base, challenges: [challenge] };
  const other = await createAcme({ ...options, clock: () => new Date(now), log: (event) => void events.push(event) });
  t.after(() => other.close());
  const visitor = new Client(other.fetch, base, client.key);
  visitor.kid = client.kid;
  events.splice(0);
  const csr = await csrFor(['lost.test']);
  database.fault = (text) => (orderEnd.test(text) ? lost : undefined);
  assertFault(await visitor.post(order.json.finalize, { csr }), /connection to the database is lost/);
  database.fault = () => undefined;
  const url = order.headers.get('location') ?? '';
  assert.equal((await client.post(url)).json.status, 'processing');
  now += 60_000;
  await acme.maintain();
  const { json } = await client.post(url);
  assert.equal(json.status, 'valid');
  const [leaf] = parseCertificates((await client.post(json.certificate)).text);
  const recorded = await authority.list({ search: 'lost.test' });
  assert.deepEqual(
    recorded.map(({ serial }) => serial),
    [leaf?.serialNumberHex],
  );
});

test('a transaction that is not made durable has done nothing', async () => {
  events.splice(0);
  let commits = 0;
  database.fault = (text) => (text === 'COMMIT' && commits++ === 0 ? lost : undefined);
  assertFault(await client.post('new-order', orderFor('commit.test')), /connection to the database is lost/);
  const rows = await database.all(`SELECT id FROM acme_authorizations WHERE identifier_value = 'commit.test'`);
  assert.deepEqual(rows, []);
});

test('a directory, which needs no database, is there all the while', async () => {
  database.fault = () => lost;
  assert.equal((await client.get('directory')).status, 200);
});
