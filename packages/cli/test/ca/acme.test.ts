import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { issueRequest, parseCertificates } from '@handfast/x509';
import { caaRecord, type DnsServer, dnsServer, txtRecord } from '../../../ca/test/acme/support/dns-server.ts';
import { type Session, start } from '../support/io.ts';
import { AcmeClient, https } from './acme-client.ts';
import { Place } from './support.ts';

const place = new Place();
const texts = new Map<string, string>();
const caa = new Map<string, string>();
let dns: DnsServer;
let session: Session;
let root: string;
let directory: string;

before(async () => {
  dns = await dnsServer(({ name, type }) => {
    if (name.endsWith('broken.test')) return { code: 2 };
    const text = type === 'TXT' ? texts.get(name) : undefined;
    if (text !== undefined) return { records: [{ type: 'TXT', data: txtRecord(text) }] };
    const issuer = type === 'CAA' ? caa.get(name) : undefined;
    if (issuer !== undefined) return { records: [{ type: 'CAA', data: caaRecord('issue', issuer) }] };
    return { code: 3 };
  });
  await place.json('init', '--dev');
  root = readFileSync(place.path('ca', 'root.pem'), 'utf8');
  const config = JSON.parse(readFileSync(place.path('ca', 'config.json'), 'utf8')) as object;
  const acme = {
    challenges: ['dns-01', 'tls-alpn-01'],
    resolvers: [dns.address],
    caa: { identities: ['ca.test'], except: ['private.test'] },
    limits: { ordersPerHour: 100 },
    website: 'https://ca.test/',
  };
  const profiles = [
    { name: 'short', description: 'two days', days: 2, maxDays: 3, keyTypes: ['p256'] },
    { name: 'people', usages: ['clientAuth'] },
  ];
  place.file('ca/config.json', JSON.stringify({ ...config, acme, profiles }));
  session = start(['ca', 'serve', '--dev', '--json', '--port', '0', '--http-port', '0', '--dir', place.dir]);
  const [line] = await session.stderr.match(/^\{"event":"listening".*$/m);
  directory = (JSON.parse(line) as { directory: string }).directory;
});

after(async () => {
  session.interrupt.abort();
  await session.exitCode;
  await dns[Symbol.asyncDispose]();
  place.remove();
});

async function ordered(name: string, more: object = {}): Promise<string> {
  const client = await AcmeClient.open(root, directory);
  const { signer } = await provider.generateKeyPair('secp256r1');
  const { raw } = await issueRequest({ provider, signer, subject: {}, names: [name] });
  return await client.order(name, raw, (place, text) => void texts.set(place, text), 'dns-01', more);
}

describe('ACME as config.json has it', () => {
  test('the directory lists profiles for servers, what the CA is called in CAA records, and its website', async () => {
    const { body } = await https(root, directory);
    assert.deepEqual((JSON.parse(body) as { meta: unknown }).meta, {
      website: 'https://ca.test/',
      caaIdentities: ['ca.test'],
      profiles: { server: 'for TLS servers, 90 days', short: 'two days' },
    });
  });

  test('a wildcard by dns-01, as the resolvers that are named have it, in the profile that was asked for', async () => {
    caa.set('app.test', 'ca.test; validationmethods=dns-01');
    const [leaf] = parseCertificates(await ordered('*.app.test', { profile: 'short' }));
    assert.deepEqual(leaf?.subjectAltName?.dnsNames, ['*.app.test']);
    const days = ((leaf?.notAfter.getTime() ?? 0) - (leaf?.notBefore.getTime() ?? 0)) / 86_400_000;
    assert.ok(days > 2 && days < 2.1, String(days));
    const asked = dns.queries.map(({ name, type }) => `${name} ${type}`);
    assert.ok(asked.includes('_acme-challenge.app.test TXT') && asked.includes('app.test CAA'), asked.join());
  });

  test('CAA records that name another CA, or cannot be had, refuse', async () => {
    caa.set('other.test', 'other-ca.test');
    await assert.rejects(ordered('www.other.test'), /acme:error:caa.*CAA records forbid this CA to issue/);
    caa.set('private.test', ';');
    await ordered('www.private.test');
    await assert.rejects(ordered('www.broken.test'), /acme:error:dns/);
  });

  test('the log says why: of a validation what was met with, of a refusal what the client was told', async () => {
    await assert.rejects(ordered('why.broken.test'), /acme:error:dns/);
    const told = session.stderr.values.find(
      ({ event, identifier }) =>
        event === 'validation' && (identifier as { readonly value: string }).value === 'why.broken.test',
    );
    const name = '_acme-challenge.why.broken.test';
    assert.equal(told?.failure, `${name}: the query failed: queryTxt ESERVFAIL ${name}`);
    const client = await AcmeClient.open(root, directory);
    const nowhere = client.order('a..test', new Uint8Array(), () => undefined);
    await assert.rejects(nowhere, /acme:error:malformed/);
    const refused = session.stderr.values.findLast(({ event }) => event === 'refused');
    assert.deepEqual([refused?.problem, refused?.cause], ['malformed', 'this is no DNS name']);
  });

  test('a profile for clients is none of ACME’s', async () => {
    for (const profile of ['people', 'client']) {
      await assert.rejects(ordered('app.test', { profile }), /acme:error:invalidProfile/);
    }
  });

  test('challenges that are not named are not offered', async () => {
    const client = await AcmeClient.open(root, directory);
    await assert.rejects(
      client.order('app.test', new Uint8Array(), () => undefined),
      { message: 'no http-01' },
    );
  });
});
