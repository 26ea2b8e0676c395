import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { Signer } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Certificate,
  type IssueOptions,
  issueCertificate,
  issueCrl,
  parseCrls,
  parseRequests,
  toPem,
  verifyRequest,
} from '@handfast/x509';
import { certificateOf, issued, opensslVerdict, statusOf, told, verdict } from './rotation-support.ts';
import { Place } from './support.ts';

const dayMs = 86_400_000;
const place = new Place();
const dates = { notBefore: new Date(Date.now() - dayMs), notAfter: new Date(Date.now() + 3000 * dayMs) };
const purposes = { extendedKeyUsage: ['serverAuth', 'clientAuth'] } as const;
const corp = { nameConstraints: { permitted: { dns: ['corp.test'], ip: ['10.0.0.0/8'] } } };
let signer: Signer;
let root: Certificate;

before(async () => {
  signer = (await provider.generateKeyPair('secp256r1')).signer;
  root = await issueCertificate({
    ...dates,
    provider,
    subject: { commonName: 'Offline root' },
    publicKey: signer.publicKey,
    issuer: { signer },
    ca: true,
  });
});
after(() => place.remove());

/** What whoever has the offline root makes of the request that waits. */
async function certified(more: Partial<IssueOptions> = {}, of = place): Promise<Certificate> {
  const [request] = parseRequests(readFileSync(of.path('ca', 'waiting', 'request.csr')));
  assert.ok(request);
  await verifyRequest(provider, request);
  return await issueCertificate({
    ...dates,
    provider,
    subject: request.subject,
    publicKey: request.publicKey,
    issuer: { certificate: root, signer },
    ca: { pathLength: 0 },
    ...purposes,
    ...corp,
    ...more,
  });
}

function chainFile(...certificates: readonly Certificate[]): string {
  return place.file('chain.pem', certificates.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''));
}

async function listFile(number: bigint, issuer = { certificate: root, signer }): Promise<string> {
  const crl = await issueCrl({
    issuer,
    number,
    thisUpdate: dates.notBefore,
    nextUpdate: dates.notAfter,
    revoked: [],
  });
  return place.file('root.crl', toPem('X509 CRL', crl.raw));
}

describe('ca init --root-csr', () => {
  test('makes a key and a request that asks for all that the certificate is to have', async () => {
    const [told] = await place.json('init', '--allow', 'corp.test', '10.0.0.0/8', '--root-csr');
    const file = place.path('ca', 'waiting', 'request.csr');
    const [request] = parseRequests(readFileSync(file));
    assert.deepEqual(told, { folder: place.dir, request: file, subject: request?.subject.toString() });
    assert.deepEqual(request?.basicConstraints, { ca: true, pathLength: 0 });
    assert.deepEqual([...(request?.keyUsage ?? [])].toSorted(), ['cRLSign', 'keyCertSign']);
    assert.deepEqual(request?.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    assert.equal(request?.extension('nameConstraints')?.critical, true);
    assert.ok(!existsSync(place.path('ca', 'intermediate-key.pem')));
  });

  test('until it is imported the CA says what it waits for', async () => {
    const waiting = {
      exitCode: 2,
      message: `the CA in "${place.dir}" waits for its certificate: whoever has the root’s key is to sign ${place.path('ca', 'waiting', 'request.csr')}`,
      hint: 'handfast ca import CHAIN.pem makes it live',
    };
    for (const argv of [
      ['list'],
      ['issue', 'app.corp.test'],
      ['trust', 'status'],
      ['import', '--crl', await listFile(1n)],
    ]) {
      assert.deepEqual(await place.refusal(...argv), waiting, argv.join(' '));
    }
  });

  test('keeps no root key of its own', async () => {
    const other = new Place();
    assert.deepEqual(await other.refusal('init', '--dev', '--root-csr', '--root-key', other.path('key.pem')), {
      exitCode: 2,
      message: '--root-key with --root-csr',
      hint: 'the root is elsewhere, and its key as well',
    });
    other.remove();
  });
});

describe('ca import', () => {
  test('refuses what it could not issue by', async () => {
    const again = 'have it signed again, with the extensions that the request asks for';
    const names = 'have it signed for these names, or take them out of "allow": clients would refuse such certificates';
    const constrained = (permitted: object, excluded: object = {}) => ({ nameConstraints: { permitted, excluded } });
    const subject = JSON.stringify((await certified()).subject.toString());
    const refusals: readonly (readonly [Partial<IssueOptions>, string, string])[] = [
      [
        { ca: false, nameConstraints: undefined },
        'the certificate cannot be issued by: it is no CA’s (basicConstraints)',
        again,
      ],
      [{ keyUsage: ['keyCertSign'] }, 'the certificate cannot be issued by: its key usage has no cRLSign', again],
      [
        { extendedKeyUsage: ['serverAuth'] },
        `the certificate cannot be issued by: ${subject} is not for clientAuth`,
        again,
      ],
      [
        constrained({ dns: ['app.corp.test'], ip: ['10.0.0.0/8'] }),
        `${subject} may not certify "corp.test", which "allow" in config.json has`,
        names,
      ],
      [
        constrained({ dns: ['corp.test'] }, { dns: ['secret.corp.test'] }),
        `${subject} may not certify "corp.test", which "allow" in config.json has`,
        names,
      ],
      [
        constrained({ dns: ['corp.test'], ip: ['10.1.0.0/16'] }),
        `${subject} may not certify "10.0.0.0/8", which "allow" in config.json has`,
        names,
      ],
      [
        constrained({ dns: ['corp.test'] }, { ip: ['10.9.0.0/16'] }),
        `${subject} may not certify "10.0.0.0/8", which "allow" in config.json has`,
        names,
      ],
    ];
    for (const [wishes, message, hint] of refusals) {
      const file = chainFile(await certified(wishes), root);
      assert.deepEqual(await place.refusal('import', file), { exitCode: 2, message, hint }, message);
    }
    const file = chainFile(await certified());
    assert.deepEqual(await place.refusal('import', file), {
      exitCode: 2,
      message: `"${file}" has no root in it`,
      hint: 'add the certificate that has signed itself, above all others',
    });
    assert.equal(
      (await place.refusal('import', chainFile(root))).message,
      `"${file}" has no certificate for the key that waits`,
    );
    const stranger = (await provider.generateKeyPair('secp256r1')).signer;
    const foreign = await issueCertificate({
      ...dates,
      provider,
      subject: { commonName: 'Another root' },
      publicKey: stranger.publicKey,
      issuer: { signer: stranger },
      ca: true,
    });
    const { message } = await place.refusal('import', chainFile(await certified(), foreign));
    assert.match(String(message), /^"CN=.+" does not lead up to the root "CN=Another root": /);
    assert.deepEqual(await place.refusal('import'), {
      exitCode: 2,
      message: 'what is to be imported?',
      hint: 'handfast ca import CHAIN.pem, or --crl ROOT.crl, or both',
    });
  });

  test('refuses a chain of which anything has not begun, or has ended, with its dates', async () => {
    const now = Date.now();
    const from = (days: number) => new Date(now + days * dayMs);
    const text = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;
    const early = { notBefore: from(300), notAfter: from(700) };
    const late = { notBefore: from(-0.9), notAfter: from(-0.5) };
    const ended = { notBefore: from(-700), notAfter: from(-0.5) };
    const wait = 'import it once it is, or have another signed if the clock here is right: nothing was imported';
    const another = 'have another signed: nothing was imported';
    const certificate = await certified();
    const own = certificate.subject.toString();
    const endedRoot = await issueCertificate({
      ...ended,
      provider,
      subject: root.subject,
      publicKey: signer.publicKey,
      issuer: { signer },
      ca: true,
    });
    const refusals = [
      [[await certified(early), root], own, early, wait],
      [[await certified(late), root], own, late, another],
      [[certificate, endedRoot], 'CN=Offline root', ended, another],
    ] as const;
    for (const [chain, name, { notBefore, notAfter }, hint] of refusals) {
      assert.deepEqual(await place.refusal('import', chainFile(...chain)), {
        exitCode: 2,
        message: `"${name}" is not valid now, but from ${text(notBefore)} until ${text(notAfter)}`,
        hint,
      });
    }
    assert.ok(existsSync(place.path('ca', 'waiting', 'request.csr')));
  });

  test('refuses a file that is no list before anything is imported', async () => {
    const file = place.file('bad.crl', 'no list');
    const refused = await place.refusal('import', chainFile(root, await certified()), '--crl', file);
    assert.equal(refused.exitCode, 2);
    assert.match(String(refused.message), /^--crl ".+bad\.crl": /);
    assert.ok(existsSync(place.path('ca', 'waiting', 'request.csr')));
    assert.ok(!existsSync(place.path('ca', 'intermediate.pem')));
  });

  test('makes the CA live, with the root’s list', async () => {
    const certificate = await certified();
    const answers = await place.json('import', chainFile(root, certificate), '--crl', await listFile(1n));
    assert.match(String(answers[0]?.dashboardToken), /^hfa_/);
    assert.deepEqual(
      (await place.json('admin', 'list')).map(({ role, status }) => [role, status]),
      [['admin', 'active']],
    );
    const names = answers.map(({ root: above, issuer }) =>
      [above, issuer].map((one) => (one as { name: string }).name),
    );
    assert.deepEqual(names, [['CN=Offline root', certificate.subject.toString()]]);
    assert.ok(!existsSync(place.path('ca', 'waiting')));
    const leaf = await issued(place, 'app.corp.test');
    assert.deepEqual([await verdict(leaf, root), await opensslVerdict(leaf, root)], ['ok', 'ok']);
    await place.json('crl', 'export', '--out', place.path('crl.pem'));
    assert.deepEqual(await place.refusal('import', chainFile(root, certificate)), {
      exitCode: 2,
      message: 'nothing waits for a certificate here',
      hint: 'handfast ca rotate intermediate --csr, or for a new CA handfast ca init --root-csr, makes a request',
    });
  });

  test('takes a newer list of the root, and no older one', async () => {
    const { exitCode, stderr } = await place.ca('import', '--crl', await listFile(7n));
    assert.equal(exitCode, 0);
    assert.deepEqual(stderr.lines, [`${place.path('root.crl')}: the list of CN=Offline root is taken`]);
    const { message } = await place.refusal('import', '--crl', await listFile(6n));
    assert.equal(message, 'the CRL cannot be taken: its number 6 is not above those before it');
  });

  test('ends a rotation by request: the old one issues until then', async () => {
    const before = certificateOf(place.path('ca', 'intermediate.pem'));
    await place.json('rotate', 'intermediate', '--csr');
    assert.equal((await statusOf(place)).waiting, place.path('ca', 'waiting', 'request.csr'));
    const again = await place.refusal('rotate', 'intermediate', '--csr');
    assert.equal(again.message, `a request waits already: "${place.path('ca', 'waiting', 'request.csr')}"`);
    const meanwhile = await issued(place, 'meanwhile.corp.test');
    assert.deepEqual(meanwhile.chain[1]?.raw, before.raw);
    // By a CA between, this time.
    const between = (await provider.generateKeyPair('secp256r1')).signer;
    const policy = await issueCertificate({
      ...dates,
      provider,
      subject: { commonName: 'Policy CA' },
      publicKey: between.publicKey,
      issuer: { certificate: root, signer },
      ca: { pathLength: 1 },
    });
    const certificate = await certified({ issuer: { certificate: policy, signer: between } });
    const { issuer } = await told<{ issuer: { name: string } }>(place, 'import', chainFile(policy, certificate));
    assert.equal(issuer.name, certificate.subject.toString());
    const leaf = await issued(place, 'later.corp.test');
    assert.deepEqual(
      leaf.chain.slice(1).map(({ raw }) => raw),
      [certificate.raw, policy.raw],
    );
    for (const one of [leaf, meanwhile]) {
      assert.deepEqual([await verdict(one, root), await opensslVerdict(one, root)], ['ok', 'ok']);
    }
    assert.equal((await statusOf(place)).waiting, null);
  });
});

test('what is imported stands in the log, and is told, where its list is refused afterwards', async (t) => {
  const other = new Place();
  t.after(() => other.remove());
  const imported = async (list: string) => {
    const chain = chainFile(root, await certified({}, other));
    const { exitCode, stdout, stderr } = await other.ca('import', chain, '--crl', list, '--json');
    const error = stderr.values.find(({ event }) => event === 'error');
    return [exitCode, Object.keys(stdout.values[0] ?? {}), error?.message];
  };
  const notes = (action: string): number => {
    const database = new DatabaseSync(other.path('ca', 'ca.db'), { readOnly: true });
    try {
      return database.prepare('SELECT note FROM audit WHERE action = ?').all(action).length;
    } finally {
      database.close();
    }
  };
  await other.json('init', '--allow', 'corp.test', '10.0.0.0/8', '--root-csr');
  const { signer: another } = await provider.generateKeyPair('secp256r1');
  const certificate = await issueCertificate({
    ...dates,
    provider,
    subject: root.subject,
    publicKey: another.publicKey,
    issuer: { signer: another },
    ca: true,
  });
  assert.deepEqual(await imported(await listFile(2n, { certificate, signer: another })), [
    2,
    ['issuer', 'root', 'dashboardToken'],
    "the CRL cannot be taken: its signature is not its issuer's",
  ]);
  assert.equal(notes('import issuer'), 1);
  assert.deepEqual(await other.refusal('crl', 'export', '--out', other.path('crls.pem')), {
    exitCode: 2,
    message: 'there is no list of CN=Offline root',
    hint: 'handfast ca crl root --root-key FILE signs one, where its key is yours; handfast ca import --crl FILE takes one from whoever has its key',
  });
  await other.json('import', '--crl', await listFile(2n));
  await other.json('rotate', 'intermediate', '--csr');
  assert.deepEqual(await imported(await listFile(1n)), [
    2,
    ['issuer', 'before'],
    'the CRL cannot be taken: its number 1 is not above those before it',
  ]);
  assert.equal(notes('rotate intermediate'), 1);
});

test('lists of a CA between root and issuer are imported with the root’s, and exported with all others', async (t) => {
  const other = new Place();
  t.after(() => other.remove());
  await other.json('init', '--allow', 'corp.test', '--root-csr');
  const [request] = parseRequests(readFileSync(other.path('ca', 'waiting', 'request.csr')));
  assert.ok(request);
  const { signer: own } = await provider.generateKeyPair('secp256r1');
  const basics = { ...dates, provider, ...purposes, ...corp };
  const between = await issueCertificate({
    ...basics,
    subject: { commonName: 'Between' },
    publicKey: own.publicKey,
    issuer: { certificate: root, signer },
    ca: { pathLength: 1 },
  });
  const issuer = await issueCertificate({
    ...basics,
    subject: request.subject,
    publicKey: request.publicKey,
    issuer: { certificate: between, signer: own },
    ca: { pathLength: 0 },
  });
  const listOf = async (certificate: Certificate, by: Signer): Promise<string> => {
    const period = { thisUpdate: dates.notBefore, nextUpdate: dates.notAfter };
    const crl = await issueCrl({ issuer: { certificate, signer: by }, number: 1n, ...period, revoked: [] });
    return toPem('X509 CRL', crl.raw);
  };
  const chain = [issuer, between, root].map(({ raw }) => toPem('CERTIFICATE', raw)).join('');
  const rootsList = other.file('root.crl', await listOf(root, signer));
  await other.json('import', other.file('chain.pem', chain), '--crl', rootsList);
  const leaf = await issued(other, 'app.corp.test');
  assert.equal(await verdict(leaf, root), 'ok');
  const exported = async (): Promise<readonly string[]> => {
    await other.json('crl', 'export', '--out', other.path('crls.pem'));
    return parseCrls(readFileSync(other.path('crls.pem'))).map((crl) => crl.issuer.toString());
  };
  const refused = async () => await other.refusal('crl', 'export', '--out', other.path('crls.pem'));
  assert.deepEqual(await refused(), {
    exitCode: 2,
    message: 'there is no list of CN=Between',
    hint: 'handfast ca import --crl FILE takes one from whoever has its key',
  });
  await other.json('import', '--crl', other.file('between.crl', await listOf(between, own)));
  assert.deepEqual(
    (await exported()).toSorted(),
    ['CN=Between', 'CN=Offline root', issuer.subject.toString()].toSorted(),
  );
});
