import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type CryptoProvider, type MaybePromise, type SignatureAlgorithm, toHex } from '@handfast/crypto';
import { keyPurposeLabel, parseCertificate, parseCrl, rfc5280, trustStore, verifyCertificate } from '@handfast/x509';
import {
  type CaErrorCode,
  type Database,
  listAudit,
  openAuthority,
  type Profile,
  serverProfile,
} from '../../src/index.ts';
import { auditFaults } from '../support/audit.ts';
import {
  day,
  minute,
  newIssuer,
  newKey,
  nodeProvider,
  opened,
  refuses,
  request,
  start,
  type TestIssuer,
} from '../support/authority.ts';

test('a certificate is issued, recorded and verified', async (t) => {
  const { authority, database, issuer } = await opened(t, { baseUrl: 'http://ca.example.test' });
  const { certificate, chain } = await authority.issue(
    await request({ names: ['A.example.test', '*.example.test', '10.1.2.3', 'a.example.test'], origin: 'order 7' }),
  );
  assert.deepEqual(chain, [certificate, issuer.chain[0]]);
  assert.deepEqual(certificate.subjectAltName?.dnsNames, ['a.example.test', '*.example.test']);
  assert.deepEqual(certificate.notBefore, new Date(start.getTime() - 5 * minute));
  assert.deepEqual(certificate.notAfter, new Date(start.getTime() + 90 * day));
  assert.equal(certificate.subject.toString(), '');
  const { path } = await verifyCertificate({
    provider: nodeProvider,
    leaf: certificate,
    intermediates: chain,
    trust: trustStore([issuer.root]),
    time: start,
    usage: 'serverAuth',
    name: 'b.example.test',
    profile: rfc5280,
  });
  assert.equal(path.length, 3);
  const record = await authority.find(certificate.serialNumberHex);
  assert.deepEqual(record, {
    serial: certificate.serialNumberHex,
    status: 'valid',
    commonName: undefined,
    names: ['a.example.test', '*.example.test', '10.1.2.3'],
    profile: 'server',
    issuerId: authority.issuerId,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    issuedAt: start,
    by: 'operator alice',
    origin: 'order 7',
    revokedAt: undefined,
    reason: undefined,
    der: certificate.raw,
  });
  const [entry] = await listAudit(database);
  assert.deepEqual(
    { ...entry, previous: '', hash: '' },
    {
      writer: database.writer,
      seq: 3,
      at: start,
      actor: 'operator alice',
      action: 'issue',
      subject: certificate.serialNumberHex,
      issuerId: authority.issuerId,
      reason: undefined,
      digest: toHex(nodeProvider.digest('sha256', certificate.raw)),
      note: 'order 7, dns a.example.test, dns *.example.test, ip 10.1.2.3',
      previous: '',
      hash: '',
    },
  );
  assert.deepEqual(await auditFaults(database), []);
});

test('a client is named by its mailbox, and its certificate is for clients', async (t) => {
  const { authority, issuer } = await opened(t);
  const { certificate, chain } = await authority.issue(
    await request({ profile: 'client', names: [], emails: ['alice@example.test'] }),
  );
  assert.equal(certificate.subject.toString(), 'CN=alice@example.test');
  assert.deepEqual(certificate.subjectAltName?.emails, ['alice@example.test']);
  const trust = trustStore([issuer.root]);
  const asked = { provider: nodeProvider, leaf: certificate, intermediates: chain, trust, time: start };
  await verifyCertificate({ ...asked, usage: 'clientAuth', name: { email: 'alice@example.test' } });
  await assert.rejects(async () => verifyCertificate({ ...asked, usage: 'serverAuth' }), {
    code: 'extended_key_usage',
  });
});

const requests: readonly (readonly [
  what: string,
  request: Parameters<typeof request>[0],
  code: CaErrorCode,
  message: RegExp,
])[] = [
  ['no name', { names: [] }, 'bad_request', /^a certificate without a name$/],
  ['no name for a client', { names: [], profile: 'client' }, 'bad_request', /without a name or a common name$/],
  ['an unknown profile', { profile: 'no"pe' }, 'bad_request', /^there is no profile "no"pe"$/],
  [
    'more names than a certificate holds',
    { names: Array.from({ length: 101 }, (_, index) => `a${index}.example.test`) },
    'bad_request',
    /^101 names; one certificate holds 100 at most$/,
  ],
  [
    'a mailbox for a server',
    { emails: ['a@example.test'] },
    'not_allowed',
    /^the profile "server" certifies no mailboxes$/,
  ],
  [
    'a common name that is none of the names',
    { commonName: 'b.example.test' },
    'bad_request',
    /^the common name "b\.example\.test" is none of the certificate's names$/,
  ],
  [
    'a common name that is too long',
    { profile: 'client', commonName: 'x'.repeat(65) },
    'bad_request',
    /^a common name has 1 to 64 characters, not 65/,
  ],
  [
    'a common name that turns what follows around',
    { profile: 'client', commonName: 'a\u202eb' },
    'bad_request',
    /^a common name is text that can be printed: "a\\u\{202e\}b"$/,
  ],
  ['a common name with spaces around it', { profile: 'client', commonName: ' a' }, 'bad_request', /can be printed/],
  [
    'a lifetime beyond the profile',
    { lifetimeMs: 399 * day },
    'not_allowed',
    /^a lifetime of 399 days; the profile "server" has 398 days at most$/,
  ],
  ['a lifetime of nothing', { lifetimeMs: 0 }, 'bad_request', /^a lifetime of 0 ms$/],
  ['a lifetime that is no number', { lifetimeMs: Number.NaN }, 'bad_request', /^a lifetime of NaN ms$/],
];

for (const [what, asked, code, message] of requests) {
  test(`${what} is refused, and nothing is put down`, async (t) => {
    const { authority } = await opened(t);
    await refuses(authority.issue(await request(asked)), code, message);
    assert.deepEqual(await authority.list(), []);
    assert.deepEqual(await authority.unfinished(), []);
  });
}

test('no leaf outlives its issuer, or the root above', async (t) => {
  const end = new Date(start.getTime() + 30 * day);
  const under = await opened(t, { issuer: await newIssuer({}, { notAfter: end }) });
  assert.deepEqual((await under.authority.issue(await request())).certificate.notAfter, end);
  const below = await opened(t, { issuer: await newIssuer({ notAfter: end }) });
  assert.deepEqual((await below.authority.issue(await request())).certificate.notAfter, end);
  below.clock.time = end.getTime();
  await refuses(
    below.authority.issue(await request()),
    'cannot_sign',
    /^the issuer ended at 2026-12-21T12:00:00\.000Z$/,
  );
});

test('no leaf begins before its issuer', async (t) => {
  const begin = new Date(start.getTime() - 60_000);
  const { authority, clock } = await opened(t, { issuer: await newIssuer({}, { notBefore: begin }) });
  assert.deepEqual((await authority.issue(await request())).certificate.notBefore, begin);
  clock.time = begin.getTime() - 1;
  await refuses(authority.issue(await request()), 'cannot_sign', /^the issuer is not valid before 2026-11-21T11:59/);
});

test('a clock that went back stops issuing, where it went back further than clocks differ', async (t) => {
  const { authority, clock } = await opened(t);
  await authority.issue(await request());
  clock.time -= 10 * minute;
  await authority.issue(await request());
  clock.time -= 1;
  const words = /^the clock says 2026-11-21T11:49:59\.999Z, and something was signed at 2026-11-21T12:00:00\.000Z$/;
  await refuses(authority.issue(await request()), 'cannot_sign', words);
  await refuses(authority.crl(authority.issuerId), 'cannot_sign', words);
});

test('a serial number that is taken is not given again', async (t) => {
  let stuck = 0;
  const repeating: CryptoProvider = {
    ...nodeProvider,
    random: (length) => (stuck > 0 && stuck-- > 0 ? new Uint8Array(length).fill(7) : nodeProvider.random(length)),
  };
  const { authority } = await opened(t, { provider: repeating });
  stuck = 2;
  const first = await authority.issue(await request());
  assert.equal(first.certificate.serialNumberHex, '07'.repeat(16));
  const second = await authority.issue(await request());
  assert.notEqual(second.certificate.serialNumberHex, first.certificate.serialNumberHex);
  stuck = 3;
  const repeats = /^the source of random numbers repeats itself$/;
  await refuses(authority.issue(await request()), 'cannot_sign', repeats);
  assert.equal((await authority.list()).length, 2);
});

/** An issuer whose signer does something else on the `n`-th signature. */
async function failingIssuer(
  at: number,
  fail: (algorithm: SignatureAlgorithm, data: Uint8Array) => MaybePromise<Uint8Array>,
): Promise<TestIssuer> {
  const issuer = await newIssuer();
  const { signer } = issuer;
  let count = 0;
  return {
    ...issuer,
    signer: {
      ...signer,
      sign: (algorithm, data) => (++count === at ? fail(algorithm, data) : signer.sign(algorithm, data)),
    },
  };
}

test('a signer that fails leaves an intent that is told of, and its error comes as it is', async (t) => {
  const error = new Error('the token is gone');
  const { authority, database } = await opened(t, {
    issuer: await failingIssuer(1, () => {
      throw error;
    }),
  });
  await assert.rejects(authority.issue(await request()), (thrown) => thrown === error);
  const [serial] = await authority.unfinished();
  const [entry] = await listAudit(database);
  assert.equal(entry?.action, 'unfinished');
  assert.equal(entry?.subject, serial);
  assert.deepEqual(await authority.list(), []);
  assert.equal(await authority.find(serial ?? ''), undefined);
  // The next is issued.
  await authority.issue(await request());
  assert.equal((await authority.list()).length, 1);
});

test('a signature that does not verify is handed to nobody', async (t) => {
  const { authority } = await opened(t, {
    issuer: await failingIssuer(1, () => new Uint8Array(70)),
  });
  await assert.rejects(authority.issue(await request()), {
    message: 'the signer made a signature that does not verify',
  });
  assert.equal((await authority.unfinished()).length, 1);
  assert.deepEqual(await authority.list(), []);
});

test('when the signer is asked, the intent is on the disk: number, names, key and hash of what is signed', async (t) => {
  const hanging = Promise.withResolvers<Uint8Array>();
  const asked = Promise.withResolvers<Uint8Array>();
  const { authority, database, clock, issuer } = await opened(t, {
    issuer: await failingIssuer(1, (_, data) => {
      asked.resolve(data);
      return hanging.promise;
    }),
  });
  const issuing = authority.issue(await request());
  const tbs = await asked.promise;
  const [row] = await database.all('SELECT * FROM certificates');
  assert.equal(row?.state, 'intended');
  assert.equal(row?.tbs_hash, toHex(nodeProvider.digest('sha256', tbs)));
  assert.deepEqual(await database.all('SELECT name FROM certificate_names'), [{ name: 'a.example.test' }]);

  // Another process opens the same database meanwhile: it tells, and the first finishes all the same.
  const notClosed: Database = { ...unbound(database), close: async () => undefined };
  const policy = { domains: ['example.test'] };
  await openAuthority({ database: notClosed, provider: nodeProvider, issuer, policy, clock: clock.read });
  assert.deepEqual(await authority.unfinished(), [row?.serial]);
  assert.equal((await listAudit(database))[0]?.action, 'unfinished');

  const key = issuer.signer;
  hanging.resolve(await key.sign('ecdsa-sha256', tbs));
  const { certificate } = await issuing;
  assert.equal(certificate.serialNumberHex, row?.serial);
  assert.deepEqual(await authority.unfinished(), []);
  assert.equal((await listAudit(database))[0]?.action, 'issue');
  assert.deepEqual(await auditFaults(database), []);
});

function unbound(database: Database): Database {
  return {
    kind: database.kind,
    writer: database.writer,
    all: (text, values) => database.all(text, values),
    run: (text, values) => database.run(text, values),
    transaction: (work) => database.transaction(work),
    close: () => database.close(),
  };
}

test('intents that a process left behind are told of once, when the authority is opened again', async (t) => {
  const asked = Promise.withResolvers<void>();
  const { database, issuer, clock, authority } = await opened(t, {
    issuer: await failingIssuer(1, () => {
      asked.resolve();
      return new Promise(() => undefined);
    }),
  });
  void authority.issue(await request());
  await asked.promise;
  const policy = { domains: ['example.test'] };
  const again = () => openAuthority({ database, provider: nodeProvider, issuer, policy, clock: clock.read });
  await again();
  await again();
  const [serial] = await authority.unfinished();
  const told = (await listAudit(database)).filter(({ action }) => action === 'unfinished');
  assert.deepEqual(
    told.map(({ actor, subject, note }) => ({ actor, subject, note })),
    [
      {
        actor: 'authority',
        subject: serial,
        note: 'begun, and not finished by then: it may have been signed, and was not handed out',
      },
    ],
  );
});

test('a key that is given up while its certificate is signed: recorded as revoked, and handed to nobody', async (t) => {
  const hanging = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let sign: TestIssuer['signer']['sign'];
  const issuer = await failingIssuer(1, async (algorithm, data) => {
    asked.resolve();
    await hanging.promise;
    return await sign(algorithm, data);
  });
  sign = issuer.signer.sign;
  const { authority, database } = await opened(t, { issuer });
  const publicKey = await newKey();
  const issuing = authority.issue(await request({ publicKey }));
  await asked.promise;
  assert.equal(await authority.blockKey({ key: publicKey, by: 'operator bob' }), 0);
  hanging.resolve();
  await refuses(issuing, 'bad_key', /^the key became known as compromised while the certificate was made$/);
  const [record] = await authority.list();
  assert.equal(record?.status, 'revoked');
  assert.equal(record?.reason, 'keyCompromise');
  assert.ok(parseCrl(await authority.crl(authority.issuerId)).entry(parseCertificate(record.der).serialNumber));
  assert.deepEqual(
    (await listAudit(database)).map(({ action }) => action),
    ['crl', 'revoke', 'issue', 'block key', 'issuer', 'issuer'],
  );
});

test('where the record cannot be written, nothing is handed out and the intent stays', async (t) => {
  const { database: real } = await opened(t);
  let left = Number.POSITIVE_INFINITY;
  const broken: Database = {
    ...unbound(real),
    transaction: (work) => (left-- > 0 ? real.transaction(work) : Promise.reject(new Error('the disk is full'))),
  };
  const { authority } = await opened(t, { database: broken });
  left = 1;
  await assert.rejects(authority.issue(await request()), { message: 'the disk is full' });
  assert.equal((await authority.unfinished()).length, 1);
  assert.deepEqual(await authority.list(), []);
  left = 0;
  await assert.rejects(authority.issue(await request()), { message: 'the disk is full' });
  assert.equal((await authority.unfinished()).length, 1);
});

test('a profile of its own', async (t) => {
  const short: Profile = {
    ...serverProfile,
    name: 'short',
    lifetimeMs: day,
    maxLifetimeMs: 2 * day,
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
  };
  const { authority } = await opened(t, { profiles: [short] });
  const { certificate } = await authority.issue(await request());
  assert.deepEqual(certificate.notAfter, new Date(start.getTime() + day));
  assert.deepEqual(certificate.extendedKeyUsage?.map(keyPurposeLabel), ['serverAuth', 'clientAuth']);
  await refuses(authority.issue(await request({ profile: 'server' })), 'bad_request', /there is no profile "server"/);
});

test('an RSA key gets a certificate too', async (t) => {
  const { publicKey } = (await nodeProvider.generateKeyPair('rsa')).signer;
  const { authority } = await opened(t);
  assert.equal((await authority.issue(await request({ publicKey }))).certificate.publicKey.type, 'rsa');
});
