/**
 * Modules of trusted certificates: what they hold, what their constants are called, and that nothing in a certificate gets out of
 * the comments and strings it is written into.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, issueCertificate, type NameFields, trustStore } from '@handfast/x509';
import { constantOf, trustModule } from '../../src/trust/module.ts';

const { signer } = await provider.generateKeyPair('secp256r1');
const notBefore = new Date('2026-01-01');
const rootOf = async (subject: NameFields, begins = notBefore): Promise<Certificate> =>
  issueCertificate({
    provider,
    subject,
    publicKey: signer.publicKey,
    issuer: { signer },
    notBefore: begins,
    notAfter: new Date('2036-01-01'),
    ca: true,
  });

const edition = { date: '2026-11-22', source: 'a test' };
const plain = { edition, heading: ['Roots of a test'], types: false };
const load = async (text: string): Promise<Record<string, unknown>> =>
  await import(`data:text/javascript,${encodeURIComponent(text)}`);

test('constants are called as people call the certificate', async () => {
  const names: readonly (readonly [NameFields, string])[] = [
    [{ commonName: 'ISRG Root X1' }, 'isrgRootX1'],
    [{ commonName: 'DigiCert Global Root G2' }, 'digiCertGlobalRootG2'],
    [{ commonName: 'USERTrust ECC Certification Authority' }, 'userTrustEccCertificationAuthority'],
    [{ commonName: 'D-TRUST BR Root CA 1 2020' }, 'dTrustBrRootCa1_2020'],
    [{ commonName: 'NetLock Arany (Class Gold) Főtanúsítvány' }, 'netLockAranyClassGoldFotanusitvany'],
    [
      { organization: 'GlobalSign', organizationalUnit: 'GlobalSign Root R3', commonName: 'GlobalSign' },
      'globalSignRootR3',
    ],
    [{ organization: 'Example', organizationalUnit: 'Class 3' }, 'class3'],
    [{ organization: 'Example', commonName: 'class' }, 'classRoot'],
    [{ commonName: 'roots' }, 'rootsRoot'],
    [{ commonName: '2026 Root' }, 'root2026Root'],
    [{ commonName: 'Корень' }, 'root'],
  ];
  for (const [subject, name] of names) assert.equal(constantOf(await rootOf(subject)), name);
});

test('a module has each certificate by its name, all of them as a list, and says when it was made', async () => {
  const [b, a] = [await rootOf({ commonName: 'B Root' }), await rootOf({ commonName: 'A Root' })];
  const module = await load(trustModule([b, a], plain));
  assert.deepEqual(Object.keys(module).sort(), ['aRoot', 'bRoot', 'edition', 'roots']);
  assert.deepEqual(module.edition, edition);
  assert.deepEqual(module.roots, [module.aRoot, module.bRoot]);
  const trust = trustStore(module.roots as string[]);
  assert.deepEqual([trust.size, trust.has(a), trust.has(b)], [2, true, true]);
});

test('of two with one name the later to begin is the second, in whatever order they come', async () => {
  const [old, anew] = [
    await rootOf({ commonName: 'A Root' }),
    await rootOf({ commonName: 'A Root' }, new Date('2026-02-01')),
  ];
  const text = trustModule([anew, old], plain);
  assert.equal(text, trustModule([old, anew], plain));
  const { aRoot, aRootNo2 } = await load(text);
  assert.deepEqual([trustStore(String(aRoot)).has(old), trustStore(String(aRootNo2)).has(anew)], [true, true]);
});

test('with types it is TypeScript that says the type of each export', async () => {
  const text = trustModule([await rootOf({ commonName: 'A Root' })], { ...plain, types: true });
  assert.match(text, /^export const aRoot: string =$/m);
  assert.match(text, /^export const roots: readonly string\[\] = \[$/m);
});

test('what a certificate or a file is called cannot become code', async () => {
  const evil = '*/ globalThis.evil = 1; /* \'\\"`\u2028\n';
  const certificate = await rootOf({ commonName: evil, organization: evil });
  const module = await load(
    trustModule([certificate], { edition: { date: evil, source: evil }, heading: [evil], types: false }),
  );
  assert.equal('evil' in globalThis, false);
  assert.deepEqual(module.edition, { date: evil, source: evil });
  assert.deepEqual(Object.keys(module).sort(), ['edition', 'globalThisEvil1', 'roots']);
});
