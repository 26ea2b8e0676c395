import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toHex, utf8 } from '@handfast/crypto';
import fc from 'fast-check';
import * as der from '../src/der/writer.ts';
import {
  type Certificate,
  CertificateError,
  describeCertificate,
  fingerprintOf,
  parseCertificate,
  parseCertificates,
  toPem,
} from '../src/index.ts';
import {
  altNames,
  caExtensions,
  dnsConstraints,
  extension,
  type Identity,
  issued,
  nodeProvider,
  notAfter,
  notBefore,
  odd,
} from './support/pki.ts';

const root = await issued('Test root', undefined, { ca: true });
const server = await issued('db.internal', root, {
  names: ['db.internal', '*.db.internal', '192.0.2.1', '2001:db8::1'],
  emails: ['ops@db.internal'],
  extendedKeyUsage: ['serverAuth', 'clientAuth'],
  serialNumber: Uint8Array.of(0x80, 1),
});

const constrained = await odd('constrained', root, {
  extensions: [...caExtensions, dnsConstraints(['a.example'], ['b.a.example'])],
});

/** Asks a certificate for everything that it decodes. */
function touchAll(certificate: Certificate): void {
  const getters: readonly (() => unknown)[] = [
    () => certificate.publicKey,
    () => certificate.basicConstraints,
    () => certificate.keyUsage,
    () => certificate.extendedKeyUsage,
    () => certificate.subjectAltName,
    () => certificate.nameConstraints,
    () => certificate.subjectKeyIdentifier,
    () => certificate.authorityKeyIdentifier,
    () => certificate.subject.toString() + certificate.issuer.commonName,
    () => describeCertificate(certificate),
  ];
  for (const get of getters) {
    try {
      get();
    } catch (error) {
      assert.ok(error instanceof CertificateError, String(error));
    }
  }
}

function refuses(how: () => unknown, why: RegExp): void {
  assert.throws(how, (error) => {
    assert.ok(error instanceof CertificateError);
    assert.equal(error.code, 'malformed');
    assert.match(error.message, why);
    return true;
  });
}

describe('a certificate', () => {
  it('has its fields', () => {
    const { certificate } = server;
    assert.equal(certificate.version, 3);
    assert.equal(certificate.serialNumberHex, '008001');
    assert.equal(certificate.subject.toString(), 'CN=db.internal');
    assert.equal(certificate.issuer.commonName, 'Test root');
    assert.deepEqual([certificate.notBefore, certificate.notAfter], [notBefore, notAfter]);
    assert.equal(certificate.publicKey.type, 'secp256r1');
    assert.equal(certificate.signatureAlgorithm, 'ecdsa-sha256');
    assert.equal(certificate.signatureAlgorithmOid, '1.2.840.10045.4.3.2');
    assert.equal(certificate.selfIssued, false);
    assert.equal(root.certificate.selfIssued, true);
  });
  it('has its extensions', () => {
    const { certificate } = server;
    assert.deepEqual(certificate.basicConstraints, { ca: false });
    assert.deepEqual([...(certificate.keyUsage ?? [])], ['digitalSignature']);
    assert.deepEqual(certificate.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    assert.deepEqual(certificate.subjectAltName?.dnsNames, ['db.internal', '*.db.internal']);
    assert.deepEqual(certificate.subjectAltName?.ipAddresses.map(toHex), [
      'c0000201',
      '20010db8000000000000000000000001',
    ]);
    assert.deepEqual(certificate.subjectAltName?.emails, ['ops@db.internal']);
    assert.deepEqual(certificate.authorityKeyIdentifier?.keyIdentifier, root.certificate.subjectKeyIdentifier);
    assert.equal(certificate.nameConstraints, undefined);
    assert.equal(certificate.extension('keyUsage')?.critical, true);
  });
  it('keeps what it decoded', () => assert.equal(server.certificate.subjectAltName, server.certificate.subjectAltName));
  it('owns its bytes', () => {
    const bytes = Uint8Array.from(server.certificate.raw);
    const certificate = parseCertificate(bytes);
    bytes.fill(0);
    assert.deepEqual(certificate.raw, server.certificate.raw);
    assert.equal(certificate.subjectAltName?.dnsNames[0], 'db.internal');
  });
  it('is valid as long as ever, whatever is done to the dates it gave', () => {
    server.certificate.notAfter.setTime(0);
    assert.deepEqual(server.certificate.notAfter, notAfter);
  });
  it('has a fingerprint', () => {
    const expected = toHex(nodeProvider.digest('sha256', server.certificate.raw)).toUpperCase();
    assert.match(fingerprintOf(nodeProvider, server.certificate), /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    assert.equal(fingerprintOf(nodeProvider, server.certificate).replaceAll(':', ''), expected);
  });
});

describe('a certificate is malformed', () => {
  it('with an extension that stands twice', async () => {
    await assert.rejects(
      odd('x', root, { extensions: [altNames('a.example'), altNames('b.example')] }),
      /stands twice/,
    );
  });
  it('signed under another algorithm than it says inside', () => {
    const { raw, tbs, signature } = server.certificate;
    assert.ok(raw.length > 0);
    refuses(
      () => parseCertificate(der.sequence(tbs, der.sequence(der.oid('1.2.840.10045.4.3.3')), der.bitString(signature))),
      /another algorithm/,
    );
  });
  it('with trailing bytes', () =>
    refuses(() => parseCertificate(Uint8Array.of(...server.certificate.raw, 0)), /1 bytes too many/));
  it('with version 1 written out', async () => {
    const { certificate } = await odd('x', root, { version: 1 });
    const content = certificate.tbs.subarray(4);
    const tbs = der.sequence(der.explicit(0, der.smallInteger(0)), content);
    const rest = certificate.raw.subarray(4 + certificate.tbs.length);
    refuses(() => parseCertificate(der.sequence(tbs, rest)), /which is the default/);
  });
  for (const [name, value, why] of [
    ['basicConstraints', der.sequence(der.smallInteger(0)), /path length on what is not a CA/],
    ['basicConstraints', der.sequence(der.boolean(false)), /DEFAULT/],
    ['keyUsage', der.value(3, Uint8Array.of(0)), /no usage/],
    ['keyUsage', der.value(3, Uint8Array.of(0, 0x80)), /trailing zero bits/],
    ['keyUsage', der.value(3, Uint8Array.of(0, 0x80, 0, 1)), /more bits/],
    ['extKeyUsage', der.sequence(), /empty list/],
    ['subjectAltName', der.sequence(), /empty list/],
    ['subjectAltName', der.sequence(der.implicit(2, utf8('ü'))), /not ASCII/],
    ['subjectAltName', der.sequence(der.value(0x89)), /unknown form/],
    ['authorityKeyIdentifier', der.sequence(der.explicit(1)), /without serial number/],
    ['subjectKeyIdentifier', der.nothing(), /tag 0x05/],
  ] as const) {
    it(`in ${name}: ${why.source}`, async () => {
      const { certificate } = await odd('x', root, { extensions: [extension(name, value)] });
      refuses(() => {
        const {
          basicConstraints,
          keyUsage,
          extendedKeyUsage,
          subjectAltName,
          authorityKeyIdentifier,
          subjectKeyIdentifier,
        } = certificate;
        return [
          basicConstraints,
          keyUsage,
          extendedKeyUsage,
          subjectAltName,
          authorityKeyIdentifier,
          subjectKeyIdentifier,
        ];
      }, why);
    });
  }
});

describe('a file of certificates', () => {
  it('is PEM with several blocks and text between', () => {
    const pem = `one\n${toPem('CERTIFICATE', server.certificate.raw)}two\n${toPem('PRIVATE KEY', Uint8Array.of(1))}${toPem('CERTIFICATE', root.certificate.raw)}`;
    assert.deepEqual(
      parseCertificates(pem).map(({ subject }) => subject.commonName),
      ['db.internal', 'Test root'],
    );
    assert.equal(parseCertificates(utf8(pem)).length, 2);
  });
  it('is DER of one', () => assert.equal(parseCertificates(server.certificate.raw).length, 1));
  it('without any says what it holds', () =>
    refuses(() => parseCertificates(toPem('PRIVATE KEY', Uint8Array.of(1))), /holds "PRIVATE KEY"/));
});

describe('over certificates that were flipped or cut, parsing', () => {
  const subjects: readonly Identity[] = [server, root, constrained];
  it('answers or throws CertificateError, and so does every getter', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...subjects),
        fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        ({ certificate }, flips) => {
          const bytes = Uint8Array.from(certificate.raw);
          for (const [at, value] of flips) bytes[at % bytes.length] = value;
          try {
            touchAll(parseCertificate(bytes));
          } catch (error) {
            assert.ok(error instanceof CertificateError, String(error));
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
  it('refuses every cut', () => {
    for (let length = 0; length < server.certificate.raw.length; length++) {
      assert.throws(
        () => parseCertificate(server.certificate.raw.subarray(0, length)),
        (error) => error instanceof CertificateError && error.code === 'malformed',
      );
    }
  });
});

describe('a certificate as text', () => {
  it('has one line a field', () => {
    const text = describeCertificate(server.certificate, nodeProvider);
    assert.match(text, /^Subject: +CN=db\.internal$/m);
    assert.match(text, /^Issuer: +CN=Test root$/m);
    assert.match(text, /^Serial: +00:80:01$/m);
    assert.match(text, /^Valid: +2026-11-01T00:00:00Z to 2027-11-01T00:00:00Z$/m);
    assert.match(
      text,
      /^Names: +DNS "db\.internal", DNS "\*\.db\.internal", IP 192\.0\.2\.1, IP 2001:db8::1, email "ops@db\.internal"$/m,
    );
    assert.match(text, /^Key: +ECDSA P-256$/m);
    assert.match(text, /^Purposes: +serverAuth, clientAuth$/m);
    assert.match(text, /^Signature: +ecdsa-sha256$/m);
    assert.match(text, /^SHA-256: +[0-9A-F:]{95}$/m);
    assert.match(describeCertificate(root.certificate), /^CA: +yes$/m);
  });
  it('escapes what the certificate says', async () => {
    const { certificate } = await odd('a\u001b[31m\u202e', root, {
      extensions: [extension('subjectAltName', der.sequence(der.implicit(2, utf8('x\u001b[2J\n'))))],
    });
    const text = describeCertificate(certificate);
    assert.doesNotMatch(text, /[^\P{C}\n]/u);
    assert.match(text, /DNS "x\\u\{1b\}\[2J\\u\{a\}"/);
  });
});
