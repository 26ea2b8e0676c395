/**
 * Mozilla's roots as a store: how old they are, that each can be used, and that nothing is parsed before it is needed.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { mozillaEdition, mozillaRoots } from '@handfast/roots';
import * as certificates from '@handfast/roots/certificates';
import {
  CertificateError,
  fingerprintOf,
  issueCertificate,
  parseCertificate,
  parsePem,
  trustStore,
  verifyCertificate,
} from '@handfast/x509';

const { edition, roots, isrgRootX1, isrgRootX2 } = certificates;

test('the roots are less than a year old: a newer Node in package.json, then npm run roots, brings newer ones', () => {
  const taken = Date.parse(mozillaEdition.date);
  const days = (Date.now() - taken) / 86_400_000;
  assert.ok(days > -1 && days < 365, `taken ${mozillaEdition.date}, ${Math.floor(days)} days ago`);
});

test('the edition says from which Node they are', () => {
  assert.match(mozillaEdition.source, /^Node\.js \d+\.\d+\.\d+$/);
  assert.equal(mozillaEdition, edition);
});

test('the store is one, has every root, and every root can be read', () => {
  const trust = mozillaRoots();
  assert.equal(mozillaRoots(), trust);
  assert.equal(trust.size, roots.length);
  assert.deepEqual(trust.skipped, []);
  assert.equal(trust.anchors.length, roots.length);
});

test('every root is a CA that names itself as its issuer, and has a name of its own in the module', () => {
  for (const { subject, selfIssued, basicConstraints } of mozillaRoots().anchors) {
    assert.equal(selfIssued, true, subject.toString());
    assert.equal(basicConstraints?.ca, true, subject.toString());
  }
  const constants = Object.entries(certificates).filter(([name]) => name !== 'roots' && name !== 'edition');
  assert.deepEqual(new Set(constants.map(([, pem]) => pem)), new Set(roots));
  assert.equal(constants.length, roots.length);
});

test('each root is found by its subject, and by no key that another has', () => {
  const trust = trustStore(roots);
  for (const pem of roots) {
    const [block] = parsePem(pem);
    assert.ok(block !== undefined);
    const certificate = parseCertificate(block.bytes);
    assert.equal(trust.has(certificate), true, certificate.subject.toString());
    assert.equal(trust.bySubject(certificate.subject).length, 1, certificate.subject.toString());
  }
});

test('what is not asked for is not parsed: a root that is broken behind its name disturbs nobody', () => {
  const broken = `${isrgRootX1.slice(0, 1100)}${'A'.repeat(80)}${isrgRootX1.slice(1180)}`;
  const trust = trustStore([broken, isrgRootX2]);
  assert.equal(trust.size, 2);
  const [x2] = trustStore(isrgRootX2).anchors;
  assert.ok(x2 !== undefined);
  assert.deepEqual(
    trust.bySubject(x2.subject).map((one) => fingerprintOf(provider, one)),
    [
      '69:72:9B:8E:15:A8:6E:FC:17:7A:57:AF:B7:17:1D:FC:64:AD:D2:8C:2F:CA:8C:F1:50:7E:34:45:3C:CB:14:70', // as published
    ],
  );
  assert.deepEqual(
    trust.skipped.map(({ input, error }) => [input, error.code]),
    [[0, 'malformed']],
  );
});

test('a root verifies as itself; one that bears its name and another key does not', async () => {
  const trust = mozillaRoots();
  const [x1] = trustStore(isrgRootX1).anchors;
  assert.ok(x1 !== undefined);
  const time = new Date('2026-11-22');
  const { path } = await verifyCertificate({ provider, leaf: x1, intermediates: [], trust, time, usage: 'any' });
  assert.deepEqual(path, [x1]);

  const { signer } = await provider.generateKeyPair('secp256r1');
  const impostor = await issueCertificate({
    provider,
    subject: { country: 'US', organization: 'Internet Security Research Group', commonName: 'ISRG Root X1' },
    publicKey: signer.publicKey,
    issuer: { signer },
    notBefore: new Date('2026-11-01'),
    notAfter: new Date('2027-11-01'),
    ca: true,
  });
  assert.deepEqual(impostor.subject.keys, x1.subject.keys);
  await assert.rejects(
    async () => verifyCertificate({ provider, leaf: impostor, intermediates: [], trust, time, usage: 'any' }),
    (error) => error instanceof CertificateError && error.code === 'bad_signature',
  );
});
