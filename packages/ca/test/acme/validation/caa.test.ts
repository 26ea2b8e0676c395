import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CaaOptions, type CaaQuestion, caaCheck } from '../../../src/acme/validation/caa.ts';
import { ValidationFailure } from '../../../src/acme/validation/challenge.ts';
import { type CaaRecord, dnsBy } from '../../../src/acme/validation/dns.ts';
import { assertProblem, csrFor, orderFor } from '../support/client.ts';
import { caaRecord, dnsServer } from '../support/dns-server.ts';
import { opened } from '../support/opened.ts';
import { certificateFor, provenOrder, startServer } from '../support/server.ts';

const never = new AbortController().signal;
const accountUri = 'https://ca.test/acme/account/one';
const forbidden = 'CAA records forbid this CA to issue for the identifier';
const unknown = 'the CAA records of the identifier could not be looked up';

const record = (tag: string, value: string, critical = false): CaaRecord => ({ tag, value, critical });

type Zone = Readonly<Record<string, readonly CaaRecord[] | Error>>;

function optionsOf(zone: Zone, asked: string[] = []): CaaOptions {
  return {
    identities: ['ca.test', 'CA2.test'],
    timeoutMs: 50,
    dns: {
      async caa(name) {
        asked.push(name);
        const found = zone[name] ?? [];
        if (found instanceof Error) throw found;
        return found;
      },
    },
  };
}

const questionOf = (question: Partial<CaaQuestion>): CaaQuestion => ({
  name: 'app.test',
  wildcard: false,
  accountUri,
  method: 'http-01',
  ...question,
});

/** `undefined`, or what the client is told. */
async function refusal(options: CaaOptions, question: Partial<CaaQuestion> = {}): Promise<string | undefined> {
  try {
    await caaCheck(options).ask(questionOf(question), never);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ValidationFailure);
    assert.equal(error.type, 'caa');
    return error.detail;
  }
}

test('without records anybody may issue; all parents have been asked', async () => {
  const asked: string[] = [];
  assert.equal(await refusal(optionsOf({}, asked), { name: 'a.b.corp.test' }), undefined);
  assert.deepEqual(asked, ['a.b.corp.test', 'b.corp.test', 'corp.test', 'test']);
});

test('the nearest records count alone', async () => {
  const asked: string[] = [];
  const zone: Zone = { 'b.test': [record('issue', 'ca.test')], test: [record('issue', ';')] };
  assert.equal(await refusal(optionsOf(zone, asked), { name: 'a.b.test' }), undefined);
  assert.deepEqual(asked, ['a.b.test', 'b.test']);
  assert.equal(await refusal(optionsOf(zone), { name: 'c.test' }), forbidden);
});

const here = (...records: readonly CaaRecord[]): Zone => ({ 'app.test': records });

test('whom a record names', async () => {
  const table: readonly (readonly [value: string, good: boolean])[] = [
    ['ca.test', true],
    ['CA.Test', true],
    ['ca2.test', true],
    [' \tca.test\t ', true],
    ['ca.test;', true],
    ['ca.test; ', true],
    ['ca.test; policy=ev', true],
    ['ca.test ; a = b ; c=', true],
    ['other.test', false],
    ['ca.test.', false],
    ['xca.test', false],
    ['ca.test other.test', false],
    [';', false],
    ['', false],
    ['; a=b', false],
    // What is malformed permits nobody.
    ['ca.test; policy', false],
    ['ca.test; ; a=b', false],
    ['ca.test;;', false],
    ['ca.test; =b', false],
    ['ca.test; -a=b', false],
    ['ca.test; a=b c', false],
    ['ca.test; a=ü', false],
    ['ca.test\u00a0', false],
    [`ca.test; a=${'x'.repeat(5000)}`, false],
  ];
  for (const [value, good] of table) {
    assert.equal(await refusal(optionsOf(here(record('issue', value)))), good ? undefined : forbidden, value);
  }
  assert.equal(await refusal(optionsOf(here(record('issue', 'x.test'), record('issue', 'ca.test')))), undefined);
  assert.equal(await refusal({ ...optionsOf(here(record('issue', 'ca.test'))), identities: [] }), forbidden);
});

test('RFC 8657: for which account, and by which method', async () => {
  const table: readonly (readonly [parameters: string, good: boolean])[] = [
    [`accounturi=${accountUri}`, true],
    [`AccountURI=${accountUri}`, true],
    [`accounturi=${accountUri}x`, false],
    [`accounturi=${accountUri}; accounturi=${accountUri}`, false],
    ['accounturi=', false],
    ['validationmethods=http-01', true],
    ['validationmethods=dns-01,http-01', true],
    ['validationmethods=dns-01', false],
    ['validationmethods=', false],
    ['validationmethods=http-01; validationmethods=http-01', false],
    [`accounturi=${accountUri}; validationmethods=http-01`, true],
    [`accounturi=${accountUri}; validationmethods=dns-01`, false],
  ];
  for (const [parameters, good] of table) {
    const zone = here(record('issue', `ca.test; ${parameters}`));
    assert.equal(await refusal(optionsOf(zone)), good ? undefined : forbidden, parameters);
  }
});

test('a wildcard goes by issuewild where there is one, a name never does', async () => {
  const wild = here(record('issue', 'ca.test'), record('issuewild', ';'));
  assert.equal(await refusal(optionsOf(wild), { wildcard: true }), forbidden);
  assert.equal(await refusal(optionsOf(wild)), undefined);
  const name = here(record('issue', ';'), record('issuewild', 'ca.test'));
  assert.equal(await refusal(optionsOf(name), { wildcard: true }), undefined);
  assert.equal(await refusal(optionsOf(name)), forbidden);
  const alone = here(record('issuewild', ';'));
  assert.equal(await refusal(optionsOf(alone)), undefined);
  assert.equal(await refusal(optionsOf(here(record('issue', ';'))), { wildcard: true }), forbidden);
});

test('a critical record that is not understood refuses; others that are not are passed over', async () => {
  assert.equal(await refusal(optionsOf(here(record('iodef', 'mailto:a@b.test', true)))), undefined);
  assert.equal(await refusal(optionsOf(here(record('tbs', 'x')))), undefined);
  assert.equal(await refusal(optionsOf(here(record('tbs', 'x', true), record('issue', 'ca.test')))), forbidden);
  assert.equal(await refusal(optionsOf(here(record('', '', true)))), forbidden);
  assert.equal(await refusal(optionsOf(here(record('issue', 'ca.test', true)))), undefined);
});

test('what cannot be looked up refuses: a failure, silence, a name that is not there does not', async () => {
  const zone: Zone = { test: new Error('queryCaa ESERVFAIL 10.1.1.1') };
  assert.equal(await refusal(optionsOf(zone)), unknown);
  const silent = { ...optionsOf({}), timeoutMs: 5, dns: { caa: () => new Promise<never>(() => undefined) } };
  assert.equal(await refusal(silent), unknown);
  const server = opened(
    await dnsServer(({ name }) =>
      name === 'app.test' || name === 'broken.test'
        ? { code: name === 'app.test' ? 3 : 2 }
        : { records: name === 'named.test' ? [{ type: 'CAA', data: caaRecord('issue', 'ca.test') }] : [] },
    ),
  );
  const dns = dnsBy({ resolvers: [server.address], timeoutMs: 50, tries: 1 });
  const real = { ...optionsOf({}), timeoutMs: 5000, dns };
  assert.equal(await refusal(real), undefined);
  assert.equal(await refusal(real, { name: 'broken.test' }), unknown);
  assert.equal(await refusal(real, { name: 'x.named.test' }), undefined);
  assert.equal(await refusal({ ...real, identities: ['other.test'] }, { name: 'x.named.test' }), forbidden);
});

test('domains can be left out, whose names no resolver knows', async () => {
  const asked: string[] = [];
  const options = { ...optionsOf({ 'app.test': [record('issue', ';')] }, asked), except: ['app.test'] };
  assert.equal(await refusal(options), undefined);
  assert.equal(await refusal(options, { name: 'x.app.test' }), undefined);
  assert.deepEqual(asked, []);
  assert.equal(await refusal(options, { name: 'xapp.test' }), undefined);
  assert.deepEqual(asked, ['xapp.test', 'test']);
});

test('a server that stops cuts it short', async () => {
  const stop = new AbortController();
  const reason = new Error('stopping');
  const work = caaCheck({ ...optionsOf({}), dns: { caa: () => new Promise<never>(() => undefined) } });
  const asked = work.ask(questionOf({}), stop.signal);
  stop.abort(reason);
  await assert.rejects(asked, reason);
});

test('a name whose records forbid it is not proven, and the directory says what the CA is called', async () => {
  const server = opened(await startServer({ caa: optionsOf({ 'no.test': [record('issue', 'other.test')] }) }));
  assert.deepEqual((await server.client().get('directory')).json.meta.caaIdentities, ['ca.test', 'CA2.test']);
  const client = await server.registered();
  const refused = await provenOrder(server, client, 'no.test');
  assert.equal(refused.json.status, 'invalid');
  assert.deepEqual(refused.json.error, {
    type: 'urn:ietf:params:acme:error:caa',
    detail: forbidden,
    subproblems: [
      { type: 'urn:ietf:params:acme:error:caa', detail: forbidden, identifier: { type: 'dns', value: 'no.test' } },
    ],
  });
  assert.equal((await provenOrder(server, client, '10.0.0.1')).json.status, 'ready');
  await certificateFor(server, client, 'yes.test');
});

test('eight hours later they are looked at again when an order is finalized', async () => {
  const asked: string[] = [];
  const zone: Record<string, readonly CaaRecord[]> = {};
  const server = opened(await startServer({ caa: optionsOf(zone, asked) }));
  const client = await server.registered();
  const [soon, later, refused] = await Promise.all(
    ['soon', 'later', 'refused'].map((name) => provenOrder(server, client, `${name}.test`)),
  );
  asked.length = 0;
  server.pass(8 * 3_600_000 - 1);
  await client.post(soon?.json.finalize, { csr: await csrFor(['soon.test']) });
  assert.deepEqual(asked, []);
  server.pass(1);
  const accepted = `ca.test; accounturi=${client.kid}; validationmethods=http-01`;
  zone['later.test'] = [record('issue', accepted)];
  const done = await client.post(later?.json.finalize, { csr: await csrFor(['later.test']) });
  assert.equal(done.json.status, 'valid', done.text);
  assert.deepEqual(asked, ['later.test']);
  zone['refused.test'] = [record('issue', `${accepted}x`)];
  const failed = await client.post(refused?.json.finalize, { csr: await csrFor(['refused.test']) });
  assert.equal(failed.json.status, 'invalid');
  assert.deepEqual(failed.json.error, { type: 'urn:ietf:params:acme:error:caa', detail: forbidden });
  assertProblem(await client.post('new-order', orderFor('-')), 'malformed', 400);
});
