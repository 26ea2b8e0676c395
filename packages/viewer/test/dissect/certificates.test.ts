import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { roots } from '@handfast/roots/certificates';
import { issueCertificate, parsePem } from '@handfast/x509';
import { certificateFields, type Field, summary } from '../../src/index.ts';
import { all, assertTiled, at } from '../support/fields.ts';

const life = { notBefore: new Date('2026-11-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };

function extensionOf(certificate: Field, name: string): Field {
  const found = at(certificate, 'tbsCertificate', 'extensions', 'Extensions').children?.find(
    ({ value }) => value === name,
  );
  assert.ok(found, `there is no ${name}`);
  return at(found, 'extnValue');
}

test('every root of the web is shown to its last byte, and none has a problem', () => {
  assert.ok(roots.length > 100);
  for (const pem of roots) {
    const der = parsePem(pem)[0]?.bytes;
    assert.ok(der);
    const field = certificateFields(der);
    assertTiled(field);
    assert.equal(field.end, der.length);
    assert.match(field.value ?? '', /, signed by itself$/);
    for (const { name, problem } of all(field)) assert.equal(problem, undefined, `${field.value}: ${name}`);
    const usage = at(extensionOf(field, 'keyUsage'), 'KeyUsage');
    assert.match(usage.value ?? '', /keyCertSign/);
  }
});

test('extensions are read by what they are', async () => {
  const { signer } = await provider.generateKeyPair('secp256r1');
  const issued = await issueCertificate({
    provider,
    subject: { commonName: 'A name \u202e with\u0007 controls' },
    publicKey: signer.publicKey,
    issuer: { signer },
    ca: { pathLength: 2 },
    names: ['db.internal', '10.0.0.1', '2001:db8::1'],
    extendedKeyUsage: ['serverAuth', 'clientAuth'],
    unverifiable: true,
    ...life,
  });
  const field = certificateFields(issued.raw);
  assertTiled(field);
  const of = (name: string): string | undefined => summary(extensionOf(field, name), 20);
  assert.equal(of('basicConstraints'), 'TRUE, 2');
  assert.equal(of('subjectAltName'), 'db.internal, 10.0.0.1, 2001:0db8:0000:0000:0000:0000:0000:0001');
  assert.equal(of('extKeyUsage'), 'serverAuth (1.3.6.1.5.5.7.3.1), clientAuth (1.3.6.1.5.5.7.3.2)');
  const subject = summary(at(field, 'tbsCertificate', 'subject')) ?? '';
  assert.match(subject, /A name \\u\{202e\} with\\u\{7\} controls/);
});

test('a certificate that is none shows its bytes, and says so', () => {
  for (const bytes of [[], [0x30], [0x30, 0x80, 0, 0], [0x1f, 1, 2, 3], [0x30, 5, 1, 1], new Array(64).fill(0x30)]) {
    const field = certificateFields(Uint8Array.from(bytes));
    assertTiled(field);
    assert.ok(
      [...all(field)].some(({ problem }) => problem !== undefined) || bytes.length === 0,
      JSON.stringify(bytes),
    );
  }
});
