import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { nodeProvider } from '@handfast/crypto/node';
import { dnsBy } from '../../../src/acme/validation/dns.ts';
import { dns01 } from '../../../src/acme/validation/dns-01.ts';
import { targetsOf } from '../../../src/acme/validation/targets.ts';
import {
  aRecord,
  caaRecord,
  type DnsServer,
  dnsServer,
  nameRecord,
  type Reply,
  txtRecord,
} from '../support/dns-server.ts';
import { opened } from '../support/opened.ts';

const never = new AbortController().signal;

async function serverOf(zone: Readonly<Record<string, Reply>>): Promise<DnsServer> {
  return opened(await dnsServer(({ name, type }) => zone[`${name} ${type}`] ?? zone[name]));
}

const by = ({ address }: DnsServer): ReturnType<typeof dnsBy> =>
  dnsBy({ resolvers: [address], timeoutMs: 50, tries: 1 });

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => assert.fail('there was an answer'),
    (error: NodeJS.ErrnoException) => error.code,
  );

test('the resolvers that were named are asked, and no others', async () => {
  const server = await serverOf({
    'app.test A': { records: [{ type: 'A', data: aRecord('10.0.0.1') }] },
    'app.test AAAA': { records: [{ type: 'AAAA', data: Buffer.from('fd000000000000000000000000000001', 'hex') }] },
    'v4.test A': { records: [{ type: 'A', data: aRecord('10.0.0.2') }] },
    'v4.test AAAA': { code: 2 },
  });
  const dns = by(server);
  assert.deepEqual(await dns.addresses('app.test', never), ['10.0.0.1', 'fd00::1']);
  // One family is enough.
  assert.deepEqual(await dns.addresses('v4.test', never), ['10.0.0.2']);
  const found = await targetsOf({ resolve: dns.addresses }, 'app.test', 80, never);
  assert.deepEqual(found, ['10.0.0.1', 'fd00::1']);
  assert.equal(server.queries.length, 6);
});

test('an answer that does not fit comes by TCP', async () => {
  const long = ['x'.repeat(255), 'y'.repeat(200)];
  const server = opened(
    await dnsServer(({ transport }) =>
      transport === 'udp'
        ? { truncated: true }
        : { records: [...Array(8).keys()].map(() => ({ type: 'TXT', data: txtRecord(...long) })) },
    ),
  );
  assert.deepEqual(await by(server).txt('app.test', never), Array(8).fill(long.join('')));
  assert.deepEqual(
    server.queries.map(({ transport }) => transport),
    ['udp', 'tcp'],
  );
});

test('no such name and no such record are empty; what failed is an error', async () => {
  const server = await serverOf({
    'nothing.test': { code: 3 },
    'other.test': {},
    'alias.test': { records: [{ type: 'CNAME', data: nameRecord('nothing.test') }] },
    'broken.test': { code: 2 },
    'refused.test': { code: 5 },
  });
  const dns = by(server);
  for (const name of ['nothing.test', 'other.test', 'alias.test']) {
    assert.deepEqual(await dns.caa(name, never), [], name);
    assert.deepEqual(await dns.txt(name, never), [], name);
    assert.deepEqual(await dns.addresses(name, never), [], name);
  }
  for (const [name, code] of [
    ['broken.test', 'ESERVFAIL'],
    ['refused.test', 'EREFUSED'],
    ['silent.test', 'ETIMEOUT'],
  ] as const) {
    assert.equal(await codeOf(dns.caa(name, never)), code);
    assert.equal(await codeOf(dns.addresses(name, never)), code);
  }
});

test('CAA records are read as they are; one that cannot be is critical, and unknown', async () => {
  const of = (...records: readonly Uint8Array[]): Reply => ({
    records: records.map((data) => ({ type: 'CAA', data })),
  });
  const server = await serverOf({
    'app.test': of(caaRecord('issue', 'ca.test; a=b'), caaRecord('IssueWild', ';', 128), caaRecord('iodef', 'x', 1)),
    'alias.test': {
      records: [
        { type: 'CNAME', data: nameRecord('app.test') },
        { name: 'app.test', type: 'CAA', data: caaRecord('issue', 'ca.test') },
      ],
    },
    'critical.test': of(caaRecord('critical', 'x', 128)),
    'proto.test': of(caaRecord('__proto__', 'x', 128)),
    'type.test': of(caaRecord('type', 'x', 128)),
    'short.test': of(Uint8Array.of(0)),
  });
  const dns = by(server);
  assert.deepEqual(await dns.caa('app.test', never), [
    { critical: false, tag: 'issue', value: 'ca.test; a=b' },
    { critical: true, tag: 'issuewild', value: ';' },
    { critical: false, tag: 'iodef', value: 'x' },
  ]);
  assert.deepEqual(await dns.caa('alias.test', never), [{ critical: false, tag: 'issue', value: 'ca.test' }]);
  for (const name of ['critical.test', 'proto.test', 'type.test']) {
    assert.deepEqual(await dns.caa(name, never), [{ critical: true, tag: '', value: '' }], name);
  }
  assert.equal(await codeOf(dns.caa('short.test', never)), 'EBADRESP');
});

test('a query ends when the validation does', async () => {
  const server = await serverOf({});
  const stop = new AbortController();
  const asked = dnsBy({ resolvers: [server.address], timeoutMs: 30_000 }).txt('silent.test', stop.signal);
  stop.abort();
  assert.equal(await codeOf(asked), 'ECANCELLED');
  await assert.rejects(by(server).txt('silent.test', stop.signal), { name: 'AbortError' });
});

test('a resolver that is no address is refused', () => {
  assert.throws(() => dnsBy({ resolvers: ['dns.test'] }), { code: 'ERR_INVALID_IP_ADDRESS' });
});

test('dns-01 asks them, and is proven by TCP too', async () => {
  const keyAuthorization = 'token.thumbprint';
  const digest = createHash('sha256').update(keyAuthorization).digest('base64url');
  const server = opened(
    await dnsServer(({ name, transport }) =>
      name !== '_acme-challenge.app.test'
        ? { code: 3 }
        : transport === 'udp'
          ? { truncated: true }
          : { records: [{ type: 'TXT', data: txtRecord(digest) }] },
    ),
  );
  const challenge = dns01({ provider: nodeProvider, resolvers: [server.address] });
  const of = (value: string) =>
    ({ identifier: { type: 'dns', value }, token: 'token', keyAuthorization, signal: never }) as const;
  await challenge.validate(of('app.test'));
  await assert.rejects(challenge.validate(of('other.test')), { type: 'dns' });
});
