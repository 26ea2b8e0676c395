import { strict as assert } from 'node:assert';
import { type TestContext, test } from 'node:test';
import type { CryptoProvider, Signer } from '@handfast/crypto';
import {
  type Certificate,
  issueCrl,
  parseCrl,
  revocation,
  trustStore,
  type VerifiedPath,
  verifyCertificate,
} from '@handfast/x509';
import { listAudit, openAuthority } from '../../src/index.ts';
import {
  day,
  hour,
  minute,
  newIssuer,
  nodeProvider,
  type Opened,
  opened,
  refuses,
  request,
  start,
} from '../support/authority.ts';

/** What a verifier says that has nothing but the leaf's list and takes no unknown status. */
async function verified({ authority, clock, issuer }: Opened, leaf: Certificate): Promise<VerifiedPath> {
  return await verifyCertificate({
    provider: nodeProvider,
    leaf,
    intermediates: authority.chain,
    trust: trustStore([issuer.root]),
    time: clock.read(),
    usage: 'serverAuth',
    revocation: revocation({
      mode: 'require',
      scope: 'leaf',
      crls: [parseCrl(await authority.crl(authority.issuerId))],
      clockSkewMs: 0,
    }),
  });
}

test('a verifier with the list takes what is good, and refuses what is revoked at once', async (t) => {
  const ca = await opened(t);
  const good = await ca.authority.issue(await request());
  const bad = await ca.authority.issue(await request());
  const before = await verified(ca, bad.certificate);
  assert.equal(before.revocation[0]?.answer.status, 'good');
  await ca.authority.revoke({ serial: bad.certificate.serialNumberHex, reason: 'superseded', by: 'x' });
  await assert.rejects(verified(ca, bad.certificate), { code: 'revoked' });
  assert.equal((await verified(ca, good.certificate)).revocation[0]?.answer.status, 'good');
});

test('a list says who is revoked, when and why, and when the next is due', async (t) => {
  const { authority, clock } = await opened(t);
  const serials: string[] = [];
  for (const reason of ['unspecified', 'superseded', 'keyCompromise'] as const) {
    const { certificate } = await authority.issue(await request());
    clock.time += 1000;
    await authority.revoke({ serial: certificate.serialNumberHex, reason, by: 'x' });
    serials.push(`${certificate.serialNumberHex} ${reason} ${clock.read().toISOString()}`);
  }
  const crl = parseCrl(await authority.crl(authority.issuerId));
  assert.deepEqual(
    [...crl.entries()]
      .map(({ serialNumber, reason, revokedAt }) =>
        [Buffer.from(serialNumber).toString('hex'), reason ?? 'unspecified', revokedAt.toISOString()].join(' '),
      )
      .toSorted(),
    serials.toSorted(),
  );
  assert.deepEqual(crl.thisUpdate, new Date(clock.time - 5 * minute));
  assert.deepEqual(crl.nextUpdate, new Date(clock.time + 7 * day));
  assert.equal(crl.issuingDistributionPoint, undefined);
});

test('the list stays until one is due, or something was revoked', async (t) => {
  const { authority, clock, database } = await opened(t);
  const { certificate } = await authority.issue(await request());
  const first = await authority.crl(authority.issuerId);
  clock.time += day - 1;
  assert.deepEqual(await authority.crl(authority.issuerId), first);
  clock.time += 1;
  const second = await authority.crl(authority.issuerId);
  assert.notDeepEqual(second, first);
  await authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  const third = await authority.crl(authority.issuerId);
  assert.deepEqual(await authority.crl(authority.issuerId), third);
  const numbers = [first, second, third].map((crl) => parseCrl(crl).number ?? 0n);
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => Number(a - b)),
  );
  assert.equal(new Set(numbers).size, 3);
  const told = (await listAudit(database)).filter(({ action }) => action === 'crl');
  assert.deepEqual(
    told.map(({ subject, note }) => `${subject} ${note}`),
    [`${numbers[2]} 1 revoked`, `${numbers[1]} 0 revoked`, `${numbers[0]} 0 revoked`],
  );
});

test('who asks while a list is made gets the same', async (t) => {
  const { authority, database } = await opened(t);
  const lists = await Promise.all([1, 2, 3].map(() => authority.crl(authority.issuerId)));
  assert.equal(new Set(lists.map((list) => parseCrl(list).number)).size, 1);
  assert.equal((await listAudit(database)).filter(({ action }) => action === 'crl').length, 1);
});

test('who knows of a revocation gets a list with it, also while one without it is made', async (t) => {
  const issuer = await newIssuer();
  const asked = Promise.withResolvers<void>();
  const hanging = Promise.withResolvers<void>();
  let hangs = false;
  const { authority, database } = await opened(t, {
    issuer: {
      ...issuer,
      signer: {
        ...issuer.signer,
        async sign(algorithm, data) {
          if (hangs) asked.resolve();
          if (hangs) await hanging.promise;
          return await issuer.signer.sign(algorithm, data);
        },
      },
    },
  });
  const { certificate } = await authority.issue(await request());
  hangs = true;
  const early = authority.crl(authority.issuerId);
  await asked.promise;
  await authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  const late = authority.crl(authority.issuerId);
  hanging.resolve();
  assert.equal(parseCrl(await late).size, 1);
  // The newest when it was answered, which may be that of the other by then.
  await early;
  const lists = (await listAudit(database)).filter(({ action }) => action === 'crl').map(({ note }) => note);
  assert.deepEqual(lists, ['1 revoked', '0 revoked']);
});

test('numbers grow within a moment, when the clock is slow, and when the database was put back', async (t) => {
  const { authority, clock, database } = await opened(t);
  const { certificate } = await authority.issue(await request());
  const number = async (): Promise<bigint> => parseCrl(await authority.crl(authority.issuerId)).number ?? 0n;
  const begin = BigInt(start.getTime());
  assert.equal(await number(), begin);
  await authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  assert.equal(await number(), begin + 1n);
  clock.time -= minute;
  const next = await authority.issue(await request());
  await authority.revoke({ serial: next.certificate.serialNumberHex, by: 'x' });
  assert.equal(await number(), begin + 2n);
  // As an older copy of the database has it.
  await database.run('DELETE FROM crls');
  await database.run('UPDATE issuers SET crl_number = 1');
  clock.time += 2 * minute;
  assert.equal(await number(), begin + BigInt(minute));
});

test('one that has expired stands in the next list, and then in none', async (t) => {
  const { authority, clock } = await opened(t);
  const { certificate } = await authority.issue(await request({ lifetimeMs: hour }));
  await authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  const size = async (): Promise<number> => parseCrl(await authority.crl(authority.issuerId)).size;
  assert.equal(await size(), 1);
  clock.time += day;
  assert.equal(await size(), 1);
  clock.time += day;
  assert.equal(await size(), 0);
});

test('a number is used up before its list is signed', async (t) => {
  const issuer = await newIssuer();
  let fails = true;
  const { authority, database } = await opened(t, {
    issuer: {
      ...issuer,
      signer: {
        ...issuer.signer,
        sign: (algorithm, data) => {
          if (fails) throw new Error('the token is gone');
          return issuer.signer.sign(algorithm, data);
        },
      },
    },
  });
  await assert.rejects(authority.crl(authority.issuerId), { message: 'the token is gone' });
  const kept = await database.all('SELECT crl_number FROM issuers WHERE id = $1', [authority.issuerId]);
  assert.deepEqual(kept, [{ crl_number: start.getTime() }]);
  fails = false;
  assert.equal(parseCrl(await authority.crl(authority.issuerId)).number, BigInt(start.getTime() + 1));
});

/** With a first list, and a signer that goes away when it is told to. */
async function withSigner(t: TestContext) {
  const issuer = await newIssuer();
  const state = { away: false, asked: 0 };
  const signer: Signer = {
    publicKey: issuer.signer.publicKey,
    algorithms: issuer.signer.algorithms,
    async sign(algorithm, data) {
      state.asked++;
      if (state.away) throw new Error('the token is gone');
      return await issuer.signer.sign(algorithm, data);
    },
  };
  const ca = await opened(t, { issuer: { ...issuer, signer } });
  const { certificate } = await ca.authority.issue(await request());
  const list = (): Promise<Uint8Array> => ca.authority.crl(ca.authority.issuerId);
  const first = await list();
  state.asked = 0;
  return { ca, certificate, state, list, first };
}

test('a list that is good still is given where no other can be signed, and that is tried now and then', async (t) => {
  const { ca, state, list, first } = await withSigner(t);
  const { clock, authority, database } = ca;
  state.away = true;
  clock.time += day;
  for (const later of [0, 0, minute - 1]) {
    clock.time += later;
    assert.deepEqual(await list(), first);
  }
  assert.equal(state.asked, 1);
  const number = 'SELECT crl_number FROM issuers WHERE id = $1';
  assert.deepEqual(await database.all(number, [authority.issuerId]), [{ crl_number: start.getTime() + day }]);
  clock.time += 1;
  assert.deepEqual([await list(), state.asked], [first, 2]);
  // Whoever makes lists ahead of time is told all the same.
  await assert.rejects(authority.refreshLists(), {
    name: 'AggregateError',
    message: '1 list of revoked certificates could not be made',
  });
  state.away = false;
  clock.time += minute;
  assert.notDeepEqual(await list(), first);
});

test('a list that lacks a revocation, or has ended, is given to nobody', async (t) => {
  const { ca, certificate, state, list } = await withSigner(t);
  state.away = true;
  ca.clock.time += 7 * day - 1;
  await list();
  ca.clock.time += 1;
  await assert.rejects(list(), { message: 'the token is gone' });
  state.away = false;
  const second = await list();
  state.away = true;
  ca.clock.time += day;
  assert.deepEqual(await list(), second);
  await ca.authority.revoke({ serial: certificate.serialNumberHex, by: 'x' });
  await assert.rejects(list(), { message: 'the token is gone' });
  state.away = false;
  assert.equal(parseCrl(await list()).size, 1);
});

test('the ten newest lists are kept', async (t) => {
  const { authority, clock, database } = await opened(t);
  for (let count = 0; count < 12; count++) {
    await authority.crl(authority.issuerId);
    clock.time += day;
  }
  assert.deepEqual(await database.all('SELECT count(*) AS n FROM crls'), [{ n: 10 }]);
});

/** The root's list, as whoever has its key makes it. */
async function rootCrl({ issuer }: Opened, number: bigint, signer = issuer.rootSigner) {
  return await issueCrl({
    issuer: { certificate: issuer.root, signer },
    number,
    thisUpdate: start,
    nextUpdate: new Date(start.getTime() + 90 * day),
    revoked: [],
  });
}

function rootId({ authority }: Opened, provider: CryptoProvider): string {
  const root = authority.chain.at(-1);
  return root === undefined ? '' : Buffer.from(provider.digest('sha256', root.spki)).toString('hex');
}

async function withRootCrl(t: TestContext) {
  const ca = await opened(t);
  const id = rootId(ca, nodeProvider);
  return { ca, id };
}

test("the root's list is imported, and answered as it is", async (t) => {
  const { ca, id } = await withRootCrl(t);
  await refuses(ca.authority.crl(id), 'not_found', /^there is no CRL of the issuer "/);
  const crl = await rootCrl(ca, 7n);
  await ca.authority.importCrl({ crl: crl.raw, by: 'operator alice' });
  assert.deepEqual(await ca.authority.crl(id), crl.raw);
  const [entry] = await listAudit(ca.database);
  assert.deepEqual([entry?.action, entry?.subject, entry?.actor], ['import crl', '7', 'operator alice']);
  const newer = await rootCrl(ca, 8n);
  await ca.authority.importCrl({ crl: newer.raw, by: 'operator alice' });
  assert.deepEqual(await ca.authority.crl(id), newer.raw);
  await refuses(
    ca.authority.importCrl({ crl: crl.raw, by: 'x' }),
    'bad_request',
    /^the CRL cannot be taken: its number 7 is not above those before it$/,
  );
});

test('a list that is forged, foreign or none is not imported', async (t) => {
  const { ca } = await withRootCrl(t);
  const stranger = await opened(t, {
    issuer: await newIssuer({ subject: { commonName: 'Another root' } }),
  });
  const foreign = await rootCrl(stranger, 9n);
  await refuses(
    ca.authority.importCrl({ crl: foreign.raw, by: 'x' }),
    'bad_request',
    /none of this CA's: "CN=Another root"$/,
  );
  const namesake = await opened(t);
  const forged = await rootCrl(namesake, 9n);
  await refuses(
    ca.authority.importCrl({ crl: forged.raw, by: 'x' }),
    'bad_request',
    /^the CRL cannot be taken: its signature is not its issuer's$/,
  );
  await refuses(ca.authority.importCrl({ crl: new Uint8Array(3), by: 'x' }), 'bad_request', /^the CRL cannot be taken/);
});

test('an issuer that nobody knows has no list', async (t) => {
  const { authority } = await opened(t);
  await refuses(authority.crl('00'), 'not_found', /^there is no CRL of the issuer "00"$/);
});

test('a base URL that CRLs cannot be fetched from is a mistake', async (t) => {
  const { database, issuer } = await opened(t);
  for (const baseUrl of ['https://ca.example.test', 'http://ca.example.test/', 'http://', 'http://ca.test/?a']) {
    await assert.rejects(openAuthority({ database, provider: nodeProvider, issuer, policy: {}, baseUrl }), {
      name: 'RangeError',
      message: /^CRLs are fetched by plain http, from a URL without a slash at its end: "/,
    });
  }
});
