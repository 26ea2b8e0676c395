/**
 * Rows of the profile table, one test each; x509-limbo has cases for the others.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as der from '../../src/der/writer.ts';
import { encodeBasicConstraints, encodeKeyUsage } from '../../src/extensions.ts';
import { type Certificate, parseCertificate } from '../../src/index.ts';
import { type Profile, rfc5280, webpki } from '../../src/path/profile.ts';
import { altNames, caExtensions, dnsConstraints, extension, issued, newSigner, odd } from '../support/pki.ts';

const root = await issued('Root', undefined, { ca: true });
const keyIdentifiers = [
  extension('authorityKeyIdentifier', der.sequence(der.implicit(0, Uint8Array.of(1)))),
  extension('subjectKeyIdentifier', der.octetString(Uint8Array.of(1))),
];

const violation = (profile: Profile, certificate: Certificate, position: 'leaf' | 'intermediate' | 'anchor'): string =>
  profile.violation(certificate, position) ?? 'none';

describe('the profile rfc5280', () => {
  it('wants a positive serial number of at most 20 octets', async () => {
    const { certificate } = await issued('leaf', root);
    for (const serial of [Uint8Array.of(0), Uint8Array.of(0x80), new Uint8Array(21).fill(1)]) {
      const rest = certificate.tbs.subarray(4 + 5 + 2 + certificate.serialNumber.length);
      const tbs = der.sequence(der.explicit(0, der.smallInteger(2)), der.value(2, serial), rest);
      const changed = parseCertificate(der.sequence(tbs, certificate.raw.subarray(4 + certificate.tbs.length)));
      assert.match(violation(rfc5280, changed, 'leaf'), /serial number.*§4\.1\.2\.2/);
    }
  });
  it('wants a CA with a subject key identifier', async () => {
    const { certificate } = await odd('CA', root, { extensions: [...caExtensions, ...keyIdentifiers.slice(0, 1)] });
    assert.match(violation(rfc5280, certificate, 'intermediate'), /without a subject key identifier/);
  });
  it('wants basicConstraints critical in a CA', async () => {
    const { certificate } = await odd('CA', root, {
      extensions: [extension('basicConstraints', encodeBasicConstraints({ ca: true })), ...keyIdentifiers],
    });
    assert.match(violation(rfc5280, certificate, 'intermediate'), /not critical, or missing/);
  });
  it('wants keyCertSign in CAs alone', async () => {
    const { certificate } = await odd('leaf', root, {
      extensions: [extension('keyUsage', encodeKeyUsage(['keyCertSign'])), ...keyIdentifiers],
    });
    assert.match(violation(rfc5280, certificate, 'leaf'), /may sign certificates by its KeyUsage/);
  });
  it('wants name constraints in CAs alone', async () => {
    const { certificate } = await odd('leaf', root, { extensions: [dnsConstraints(['a.example']), ...keyIdentifiers] });
    assert.match(violation(rfc5280, certificate, 'leaf'), /name constraints without being a CA/);
  });
  it('wants policy constraints critical', async () => {
    const { certificate } = await odd('CA', root, {
      extensions: [...caExtensions, ...keyIdentifiers, extension('policyConstraints', der.sequence())],
    });
    assert.match(violation(rfc5280, certificate, 'intermediate'), /policy constraints that are not critical/);
  });
  it('wants inhibitAnyPolicy critical', async () => {
    const { certificate } = await odd('CA', root, {
      extensions: [...caExtensions, ...keyIdentifiers, extension('inhibitAnyPolicy', der.smallInteger(0))],
    });
    assert.match(violation(rfc5280, certificate, 'intermediate'), /inhibits "any policy" in an extension that is not/);
  });
  it('wants key identifiers not critical', async () => {
    const { certificate } = await odd('leaf', root, {
      extensions: [extension('authorityKeyIdentifier', der.sequence(der.implicit(0, Uint8Array.of(1))), true)],
    });
    assert.match(violation(rfc5280, certificate, 'leaf'), /must not be critical/);
  });
  it('wants a subject, or a critical subjectAltName', async () => {
    const nameless = await issued('x', root, { subject: {}, names: ['a.example'] });
    assert.equal(violation(rfc5280, nameless.certificate, 'leaf'), 'none');
    const plain = await odd('', root, { extensions: [altNames('a.example'), ...keyIdentifiers] });
    assert.match(violation(rfc5280, plain.certificate, 'leaf'), /neither a subject nor a critical subjectAltName/);
  });
  it('wants a CA with a subject', async () => {
    const { certificate } = await odd('', root, { extensions: [...caExtensions, ...keyIdentifiers] });
    assert.match(violation(rfc5280, certificate, 'intermediate'), /a CA without a subject/);
  });
});

describe('the profile webpki', () => {
  it('takes name constraints that are not critical, unlike rfc5280', async () => {
    const constraints = extension(
      'nameConstraints',
      der.sequence(der.explicit(0, der.sequence(der.implicit(2, Uint8Array.of(0x61))))),
    );
    const { certificate } = await odd('CA', root, { extensions: [...caExtensions, ...keyIdentifiers, constraints] });
    assert.equal(violation(webpki, certificate, 'intermediate'), 'none');
    assert.match(violation(rfc5280, certificate, 'intermediate'), /name constraints that are not critical/);
  });
  it('wants a leaf that is no CA', async () => {
    assert.match(violation(webpki, root.certificate, 'leaf'), /is a CA/);
    assert.equal(violation(webpki, root.certificate, 'anchor'), 'none');
  });
  it('wants an extended key usage of a leaf', async () => {
    assert.match(violation(webpki, (await issued('leaf', root)).certificate, 'leaf'), /no extended key usage/);
  });
  it('wants a common name, if any, that copies an alternative name', async () => {
    for (const [commonName, name, kept] of [
      ['db.internal', 'db.internal', true],
      ['*.db.internal', '*.db.internal', true],
      ['2001:db8::1', '2001:db8::1', true],
      ['DB.internal', 'db.internal', false],
      ['web.internal', 'db.internal', false],
      ['db.internal', '*.db.internal', false],
      ['2001:db8::0:1', '2001:db8::1', false],
      ['Some server', 'db.internal', false],
    ] as const) {
      const { certificate } = await issued(commonName, root, { names: [name], extendedKeyUsage: ['serverAuth'] });
      const expected = kept
        ? /^none$/
        : /common name that does not repeat one of its alternative names \(BR 7\.1\.4\.3\)/;
      assert.match(violation(webpki, certificate, 'leaf'), expected, commonName);
    }
    const nameless = await issued('', root, { subject: {}, names: ['a.example'], extendedKeyUsage: ['serverAuth'] });
    assert.equal(violation(webpki, nameless.certificate, 'leaf'), 'none');
  });
  it('wants version 3', async () => {
    assert.match(violation(webpki, (await odd('leaf', root, { version: 1 })).certificate, 'leaf'), /not of version 3/);
  });
  it('wants RSA keys of whole bytes', async () => {
    const { certificate } = await issued('leaf', root, {
      signer: await newSigner('rsa', 2052),
      names: ['leaf'],
      extendedKeyUsage: ['serverAuth'],
    });
    assert.match(violation(webpki, certificate, 'leaf'), /no multiple of 8/);
  });
});
