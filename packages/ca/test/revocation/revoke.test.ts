import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { RevocationReason } from '@handfast/x509';
import { listAudit } from '../../src/index.ts';
import { day, newKey, opened, refuses, request, start } from '../support/authority.ts';

test('a certificate is revoked, once, with its reason and who did it', async (t) => {
  const { authority, database, clock } = await opened(t);
  const { certificate } = await authority.issue(await request());
  const serial = certificate.serialNumberHex;
  clock.time += 1000;
  const record = await authority.revoke({ serial, reason: 'superseded', by: 'operator bob' });
  assert.equal(record.status, 'revoked');
  assert.equal(record.reason, 'superseded');
  assert.deepEqual(record.revokedAt, new Date(start.getTime() + 1000));
  assert.deepEqual(await authority.find(serial), record);
  const [entry] = await listAudit(database);
  assert.deepEqual(
    [entry?.actor, entry?.action, entry?.subject, entry?.reason, entry?.issuerId],
    ['operator bob', 'revoke', serial, 'superseded', authority.issuerId],
  );
  await refuses(
    authority.revoke({ serial, reason: 'cessationOfOperation', by: 'operator bob' }),
    'already_done',
    new RegExp(`^the certificate ${serial} is revoked already: superseded$`),
  );
});

test('a reason that is not given is unspecified', async (t) => {
  const { authority } = await opened(t);
  const { certificate } = await authority.issue(await request());
  const record = await authority.revoke({ serial: certificate.serialNumberHex, by: 'operator bob' });
  assert.equal(record.reason, 'unspecified');
});

test('a serial number is found however it is written', async (t) => {
  const { authority } = await opened(t);
  const { certificate } = await authority.issue(await request());
  const hex = certificate.serialNumberHex;
  const colons = (hex.match(/../g) ?? []).join(':');
  for (const written of [hex, hex.toUpperCase(), colons, hex.replace(/^0+/, ''), `0000${hex}`]) {
    assert.equal((await authority.find(written))?.serial, hex, written);
  }
});

for (const serial of ['', '00', 'ff', 'no number', "' OR 1=1 --"]) {
  test(`the serial number ${JSON.stringify(serial)} is nobody's`, async (t) => {
    const { authority } = await opened(t);
    await authority.issue(await request());
    assert.equal(await authority.find(serial), undefined);
    await refuses(authority.revoke({ serial, by: 'x' }), 'not_found', /^no certificate has the serial number "/);
  });
}

for (const reason of ['certificateHold', 'removeFromCRL'] satisfies RevocationReason[]) {
  test(`${reason} is no reason here`, async (t) => {
    const { authority } = await opened(t);
    const { certificate } = await authority.issue(await request());
    await refuses(
      authority.revoke({ serial: certificate.serialNumberHex, reason, by: 'x' }),
      'bad_request',
      new RegExp(`^no certificate is revoked for ${reason}$`),
    );
  });
}

test('a key that was compromised takes every certificate with it, and gets no more', async (t) => {
  const { authority, database } = await opened(t);
  const publicKey = await newKey();
  const same = [
    await authority.issue(await request({ publicKey })),
    await authority.issue(await request({ publicKey })),
  ];
  const other = await authority.issue(await request());
  const [first] = same;
  assert.ok(first);
  const serial = first.certificate.serialNumberHex;
  await authority.revoke({ serial, reason: 'keyCompromise', by: 'operator bob' });
  for (const { certificate } of same) {
    assert.equal((await authority.find(certificate.serialNumberHex))?.reason, 'keyCompromise');
  }
  assert.equal((await authority.find(other.certificate.serialNumberHex))?.status, 'valid');
  await refuses(authority.issue(await request({ publicKey })), 'bad_key', /^the key is known to be compromised$/);
  assert.deepEqual(
    (await listAudit(database, { limit: 3 })).map(({ action }) => action),
    ['revoke', 'revoke', 'block key'],
  );
});

test('that a key was compromised may come out after a revocation for another reason', async (t) => {
  const { authority, clock } = await opened(t);
  const publicKey = await newKey();
  const { certificate } = await authority.issue(await request({ publicKey }));
  const second = await authority.issue(await request({ publicKey }));
  const serial = certificate.serialNumberHex;
  await authority.revoke({ serial, reason: 'superseded', by: 'operator bob' });
  clock.time += day;
  const record = await authority.revoke({ serial, reason: 'keyCompromise', by: 'operator bob' });
  assert.equal(record.reason, 'keyCompromise');
  assert.deepEqual(record.revokedAt, start);
  assert.equal((await authority.find(second.certificate.serialNumberHex))?.reason, 'keyCompromise');
  await refuses(authority.revoke({ serial, reason: 'keyCompromise', by: 'x' }), 'already_done', /keyCompromise$/);
});

test('two revocations at once: one wins', async (t) => {
  const { authority } = await opened(t);
  const { certificate } = await authority.issue(await request());
  const serial = certificate.serialNumberHex;
  const results = await Promise.allSettled([
    authority.revoke({ serial, by: 'operator alice' }),
    authority.revoke({ serial, by: 'operator bob' }),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});
