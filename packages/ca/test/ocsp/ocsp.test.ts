import { strict as assert } from 'node:assert';
import { type TestContext, test } from 'node:test';
import { fromHex, type Signer } from '@handfast/crypto';
import {
  authorityInfoAccessOf,
  type CertId,
  type Certificate,
  certIdOf,
  checkOcspResponse,
  ocspRequest,
  parseOcspResponse,
  type RevocationAnswer,
  revocation,
  trustStore,
  verifyCertificate,
} from '@handfast/x509';
import { createOcsp, defaultProfiles, listAudit, openAuthority, serverProfile } from '../../src/index.ts';
import {
  day,
  hour,
  minute,
  newIssuer,
  newKey,
  type Opened,
  opened,
  nodeProvider as provider,
  refuses,
  request,
  start,
} from '../support/authority.ts';

const baseUrl = 'http://ca.example.test';
const profiles = defaultProfiles.map((profile) => ({ ...profile, ocsp: true }));

function openedWithOcsp(t: TestContext, options: Parameters<typeof opened>[1] = {}): Promise<Opened> {
  return opened(t, { baseUrl, profiles, ...options });
}

async function issued({ authority }: Opened): Promise<Certificate> {
  return (await authority.issue(await request())).certificate;
}

/** Asks, and has the answer checked. */
async function ask(ca: Opened, certificate: Certificate): Promise<RevocationAnswer & { readonly der: Uint8Array }> {
  const issuer = ca.authority.chain[0] ?? assert.fail();
  const question = ocspRequest({ provider, certificate, issuer });
  const { der } = await ca.authority.ocsp(ca.authority.issuerId, question);
  const options = { provider, certificate, issuer, source: 'ocsp', requireNoCheck: true } as const;
  const answer = await checkOcspResponse({ ...options, response: der, time: ca.clock.read() });
  return { ...answer, der };
}

async function responders({ database }: Opened): Promise<number> {
  const [row] = await database.all(`SELECT count(*) AS count FROM certificates WHERE profile = 'ocsp responder'`);
  return Number(row?.count);
}

test('a certificate names its responder, whose word counts with a verifier that insists on revocation', async (t) => {
  const ca = await openedWithOcsp(t);
  const { authority, issuer, clock } = ca;
  const certificate = await issued(ca);
  assert.deepEqual(authorityInfoAccessOf(certificate).ocspUrls, [`${baseUrl}/ocsp/${authority.issuerId}`]);
  const ocsp = createOcsp({ authority, clock: clock.read });
  const asked: string[] = [];
  const verify = async () =>
    await verifyCertificate({
      provider,
      leaf: certificate,
      intermediates: authority.chain.slice(0, -1),
      trust: trustStore([issuer.root]),
      time: clock.read(),
      usage: 'serverAuth',
      revocation: revocation({
        mode: 'require',
        scope: 'leaf',
        sources: ['ocsp'],
        fetch: async ({ url, method, body }) => {
          asked.push(method);
          const response = await ocsp(new Request(url, { method, ...(body !== undefined && { body }) }));
          assert.equal(response.headers.get('content-type'), 'application/ocsp-response');
          return new Uint8Array(await response.arrayBuffer());
        },
      }),
    });
  const { revocation: verdicts } = await verify();
  assert.equal(verdicts?.[0]?.answer.status, 'good');
  await authority.revoke({ serial: certificate.serialNumberHex, reason: 'superseded', by: 'x' });
  await assert.rejects(verify(), { code: 'revoked' });
  assert.equal(asked.length, 2);
});

test('unless a profile asks for it nothing is named', async (t) => {
  const ca = await openedWithOcsp(t, { profiles: [serverProfile] });
  assert.deepEqual(authorityInfoAccessOf(await issued(ca)).ocspUrls, []);
  assert.equal(await responders(ca), 0);
});

test('what would name a responder that nobody reaches, or believes, is no authority', async (t) => {
  await assert.rejects(opened(t, { profiles }), {
    message: 'the profile "server" names an OCSP responder, and there is no base URL to reach it at',
  });
  const issuer = await newIssuer({}, { extendedKeyUsage: ['serverAuth', 'clientAuth'] });
  await assert.rejects(openedWithOcsp(t, { issuer }), {
    message: /^the profile "server" names .*, and the issuer is for serverAuth, clientAuth alone, not for ocspSigning$/,
  });
  const ca = await opened(t, { issuer });
  await refuses(ask(ca, await issued(ca)), 'not_allowed', /no verifier would accept it: .*ocspSigning/);
});

test('an answer is kept until half its life is over, and one about a revocation is made at once', async (t) => {
  const ca = await openedWithOcsp(t);
  const certificate = await issued(ca);
  const first = await ask(ca, certificate);
  assert.ok(first.status === 'good');
  assert.deepEqual([first.thisUpdate, first.nextUpdate], [start, new Date(start.getTime() + day)]);
  ca.clock.time += 12 * hour - 1;
  assert.deepEqual((await ask(ca, certificate)).der, first.der);
  ca.clock.time += 1;
  const second = await ask(ca, certificate);
  assert.deepEqual(second.status === 'good' && second.thisUpdate, ca.clock.read());
  await ca.authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  const third = await ask(ca, certificate);
  assert.ok(third.status === 'revoked');
  assert.deepEqual([third.revokedAt, third.reason], [ca.clock.read(), 'unspecified']);
  assert.deepEqual((await ask(ca, certificate)).der, third.der);
  await ca.authority.revoke({ serial: certificate.serialNumberHex, reason: 'keyCompromise', by: 'x' });
  const fourth = await ask(ca, certificate);
  assert.equal(fourth.status === 'revoked' && fourth.reason, 'keyCompromise');
  const [rows] = await ca.database.all('SELECT count(*) AS count FROM ocsp_answers');
  assert.equal(rows?.count, 1);
});

/** The statuses of an answer, and until when it holds. */
function statusesOf(der: Uint8Array): (readonly [string, Date | undefined])[] {
  const { basic } = parseOcspResponse(der);
  return (basic ?? assert.fail('no answer')).responses.map(({ status, nextUpdate }) => [status.kind, nextUpdate]);
}

test('what was not issued, or may not have been, is unknown, and nothing is kept of it', async (t) => {
  const ca = await openedWithOcsp(t);
  const { authority, database } = ca;
  const certificate = await issued(ca);
  const issuer = authority.chain[0] ?? assert.fail();
  const until = new Date(start.getTime() + 5 * minute);
  // The number of a certificate that another CA of this one's name has issued.
  const { certificate: stranger } = await (await opened(t)).authority.issue(await request());
  const question = ocspRequest({ provider, certificate: stranger, issuer });
  const { der } = await authority.ocsp(authority.issuerId, question);
  assert.deepEqual(statusesOf(der), [['unknown', until]]);
  await database.run(`UPDATE certificates SET state = 'unfinished', der = NULL WHERE serial = $1`, [
    certificate.serialNumberHex,
  ]);
  const begun = await ask(ca, certificate);
  assert.deepEqual(statusesOf(begun.der), [['unknown', until]]);
  assert.deepEqual(await database.all('SELECT * FROM ocsp_answers'), []);
});

test('the certificates of the root are not this responder’s', async (t) => {
  const { authority, issuer } = await openedWithOcsp(t);
  const [intermediate = assert.fail()] = authority.chain;
  const question = ocspRequest({ provider, certificate: intermediate, issuer: issuer.root });
  const { der, dates } = await authority.ocsp(authority.issuerId, question);
  assert.deepEqual([parseOcspResponse(der).status, dates], ['unauthorized', undefined]);
  await refuses(authority.ocsp('0'.repeat(64), question), 'not_found', /no OCSP responder of the issuer/);
});

test('an issuer that has lost its name to another is told apart by the key', async (t) => {
  const { authority } = await openedWithOcsp(t);
  const other = await openedWithOcsp(t);
  const { certificate } = await other.authority.issue(await request());
  const [issuer = assert.fail()] = other.authority.chain;
  const { der } = await authority.ocsp(authority.issuerId, ocspRequest({ provider, certificate, issuer }));
  assert.equal(parseOcspResponse(der).status, 'unauthorized');
});

test('one is asked by any hash, and each has its own answer', async (t) => {
  const ca = await openedWithOcsp(t);
  const certificate = await issued(ca);
  const [issuer = assert.fail()] = ca.authority.chain;
  for (const hash of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
    const question = ocspRequest({ provider, certificate, issuer, hash });
    const { der } = await ca.authority.ocsp(ca.authority.issuerId, question);
    const [single] = parseOcspResponse(der).basic?.responses ?? [];
    assert.deepEqual([single?.certId.hash, single?.status.kind], [hash, 'good']);
  }
  assert.equal(await responders(ca), 1);
});

/** A request about several. */
function requestFor(ids: readonly CertId[]): Uint8Array {
  const wrap = (...parts: readonly Uint8Array[]): Uint8Array => {
    const content = Buffer.concat(parts);
    const length =
      content.length < 128
        ? [content.length]
        : content.length < 256
          ? [0x81, content.length]
          : [0x82, content.length >> 8, content.length & 255];
    return Buffer.concat([Uint8Array.of(0x30, ...length), content]);
  };
  return wrap(wrap(wrap(...ids.map(({ raw }) => wrap(raw)))));
}

test('several are answered at once, but not many; what is no request is malformed', async (t) => {
  const ca = await openedWithOcsp(t);
  const { authority } = ca;
  const [issuer = assert.fail()] = authority.chain;
  const ids = [certIdOf(provider, await issued(ca), issuer), certIdOf(provider, await issued(ca), issuer)];
  const { der } = await authority.ocsp(authority.issuerId, requestFor(ids));
  assert.deepEqual(
    statusesOf(der).map(([status]) => status),
    ['good', 'good'],
  );
  const many = Array.from({ length: 21 }, () => ids[0] ?? assert.fail());
  for (const wrong of [requestFor(many), requestFor([]), new Uint8Array(0), fromHex('3003020100')]) {
    const reply = await authority.ocsp(authority.issuerId, wrong);
    assert.equal(parseOcspResponse(reply.der).status, 'malformedRequest');
  }
});

test('the responder is certified for a week, renewed in the middle of it, and in the log', async (t) => {
  const ca = await openedWithOcsp(t);
  const certificate = await issued(ca);
  const [first] = await Promise.all([ask(ca, certificate), ask(ca, certificate)]);
  const [responder = assert.fail()] = parseOcspResponse(first.der).basic?.certificates ?? [];
  assert.deepEqual(responder.notAfter, new Date(start.getTime() + 7 * day));
  assert.equal(await responders(ca), 1);
  const [entry] = await listAudit(ca.database, { limit: 1 });
  assert.deepEqual([entry?.actor, entry?.action, entry?.subject], ['authority', 'issue', responder.serialNumberHex]);
  ca.clock.time += 3.5 * day;
  assert.equal((await ask(ca, certificate)).status, 'good');
  assert.equal(await responders(ca), 2);
});

test('near its issuer’s end a responder is renewed a few times, however many ask', async (t) => {
  const issuer = await newIssuer({}, { notAfter: new Date(start.getTime() + 2 * day) });
  const ca = await openedWithOcsp(t, { issuer });
  const certificates = [await issued(ca), await issued(ca), await issued(ca)];
  for (const certificate of certificates) assert.equal((await ask(ca, certificate)).status, 'good');
  assert.equal(await responders(ca), 1);
  for (; ca.clock.time < start.getTime() + 2 * day; ca.clock.time += 10 * minute) {
    for (const certificate of certificates) await ask(ca, certificate);
  }
  assert.equal(await responders(ca), 9);
});

test('where no other responder can be certified the old one goes on, and its answers end with it', async (t) => {
  const ca = await openedWithOcsp(t, { ocspLifetimeMs: 4 * day });
  const certificate = await issued(ca);
  await ask(ca, certificate);
  await ca.database.run(
    `CREATE TRIGGER full BEFORE INSERT ON certificates BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`,
  );
  ca.clock.time += 5 * day;
  const answer = await ask(ca, certificate);
  assert.deepEqual(answer.status === 'good' && answer.nextUpdate, new Date(start.getTime() + 7 * day));
  ca.clock.time += 2 * day;
  await assert.rejects(ask(ca, certificate), { message: /the disk is full/ });
  await ca.database.run('DROP TRIGGER full');
  // It is not tried again for everybody who asks.
  await assert.rejects(ask(ca, certificate), { message: /the disk is full/ });
  ca.clock.time += minute;
  assert.equal((await ask(ca, certificate)).status, 'good');
});

/** An authority that was opened again while its signer is away: it has no responder yet. */
async function withoutSigner(t: TestContext) {
  const issuer = await newIssuer();
  let asked = 0;
  let away = false;
  const signer: Signer = {
    publicKey: issuer.signer.publicKey,
    algorithms: issuer.signer.algorithms,
    async sign(algorithm, data) {
      asked++;
      if (away) throw new Error('the token is gone');
      return await issuer.signer.sign(algorithm, data);
    },
  };
  const before = await openedWithOcsp(t, { issuer: { ...issuer, signer } });
  const certificate = await issued(before);
  const other = await issued(before);
  const { der } = await ask(before, certificate);
  const { database, clock } = before;
  const options = { database, provider, issuer: { chain: issuer.chain, signer }, policy: { domains: [] } };
  const authority = await openAuthority({ ...options, profiles, baseUrl, clock: clock.read });
  away = true;
  asked = 0;
  return {
    ca: { ...before, authority },
    certificate,
    other,
    der,
    asked: () => asked,
    comeBack: () => {
      away = false;
    },
  };
}

test('who asks while no responder can be certified adds nothing to the records', async (t) => {
  const { ca, other, asked, comeBack } = await withoutSigner(t);
  const records = async () =>
    await ca.database.all(
      'SELECT (SELECT count(*) FROM certificates) AS certificates, (SELECT count(*) FROM audit) AS entries',
    );
  await assert.rejects(ask(ca, other), { message: 'the token is gone' });
  const first = await records();
  for (const later of [0, 0, minute - 1]) {
    ca.clock.time += later;
    await assert.rejects(ask(ca, other), { message: 'the token is gone' });
  }
  assert.deepEqual([await records(), asked()], [first, 1]);
  ca.clock.time += 1;
  await assert.rejects(ask(ca, other), { message: 'the token is gone' });
  assert.equal(asked(), 2);
  comeBack();
  // A clock that goes back does not make it wait for longer.
  ca.clock.time -= 1;
  assert.equal((await ask(ca, other)).status, 'good');
});

test('an answer that is good still is given where no other can be signed, until it ends or is true no more', async (t) => {
  const { ca, certificate, der, asked } = await withoutSigner(t);
  ca.clock.time += day - 1;
  assert.deepEqual((await ask(ca, certificate)).der, der);
  assert.deepEqual((await ask(ca, certificate)).der, der);
  assert.equal(asked(), 1);
  await ca.authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  await assert.rejects(ask(ca, certificate), { message: 'the token is gone' });
});

test('an answer that has ended is given to nobody', async (t) => {
  const { ca, certificate } = await withoutSigner(t);
  ca.clock.time += day;
  await assert.rejects(ask(ca, certificate), { message: 'the token is gone' });
});

test('a clock that went back signs nothing', async (t) => {
  const ca = await openedWithOcsp(t);
  const certificate = await issued(ca);
  ca.clock.time -= hour;
  await refuses(ask(ca, certificate), 'cannot_sign', /^the clock says/);
});

test('another process answers with what the first has signed', async (t) => {
  const ca = await openedWithOcsp(t);
  const certificate = await issued(ca);
  const { der } = await ask(ca, certificate);
  const { chain, signer } = ca.issuer;
  const other = await openAuthority({
    database: ca.database,
    provider,
    issuer: { chain, signer },
    policy: { domains: [] },
    profiles,
    baseUrl,
    clock: ca.clock.read,
  });
  assert.deepEqual((await ask({ ...ca, authority: other }, certificate)).der, der);
  assert.equal(await responders(ca), 1);
});

test('over HTTP: GET and POST, and how long it may be kept on the way', async (t) => {
  const ca = await openedWithOcsp(t);
  const { authority, clock } = ca;
  const certificate = await issued(ca);
  const [issuer = assert.fail()] = authority.chain;
  const body = ocspRequest({ provider, certificate, issuer });
  const failures: unknown[] = [];
  const ocsp = createOcsp({ authority, clock: clock.read, log: (error) => failures.push(error) });
  const url = `${baseUrl}/ocsp/${authority.issuerId}`;
  const text = Buffer.from(body).toString('base64');
  const statusOf = async (response: Response): Promise<string> =>
    parseOcspResponse(new Uint8Array(await response.arrayBuffer())).status;

  const posted = await ocsp(new Request(url, { method: 'POST', body }));
  assert.equal(posted.headers.get('cache-control'), 'no-store');
  const der = Buffer.from(await posted.arrayBuffer());
  for (const path of [encodeURIComponent(text), text]) {
    const got = await ocsp(new Request(`${url}/${path}`));
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), der);
    assert.deepEqual(
      ['cache-control', 'last-modified', 'expires'].map((name) => got.headers.get(name)),
      [
        'max-age=300, public, no-transform, must-revalidate',
        'Sat, 21 Nov 2026 12:00:00 GMT',
        'Sun, 22 Nov 2026 12:00:00 GMT',
      ],
    );
  }
  clock.time += 12 * hour - minute;
  assert.match((await ocsp(new Request(`${url}/${text}`))).headers.get('cache-control') ?? '', /^max-age=60,/);
  for (const wrong of ['', '/', '/%zz', '/a-b', `/${'A'.repeat(20_000)}`]) {
    const refused = await ocsp(new Request(`${url}${wrong}`));
    assert.deepEqual([refused.status, refused.headers.get('cache-control')], [200, 'no-store']);
    assert.equal(await statusOf(refused), 'malformedRequest');
  }
  const long = await ocsp(new Request(url, { method: 'POST', body: new Uint8Array(10_000) }));
  assert.equal(await statusOf(long), 'malformedRequest');
  assert.equal((await ocsp(new Request(url, { method: 'PUT', body }))).status, 405);
  assert.equal((await ocsp(new Request(`${baseUrl}/ocsp/${'0'.repeat(64)}`))).status, 404);
  assert.equal((await ocsp(new Request(`${baseUrl}/ocsp/x`))).status, 404);
  assert.deepEqual(failures, []);
  clock.time -= 2 * day;
  const other = ocspRequest({ provider, certificate: await strange(t), issuer });
  assert.equal(await statusOf(await ocsp(new Request(url, { method: 'POST', body: other }))), 'internalError');
  assert.equal(failures.length, 1);
});

/** A certificate of another CA that has the same name. */
async function strange(t: TestContext): Promise<Certificate> {
  const { authority } = await opened(t);
  return (await authority.issue(await request({ publicKey: await newKey() }))).certificate;
}
