import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Bytes, toHex, utf8 } from '@handfast/crypto';
import fc from 'fast-check';
import * as der from '../src/der/writer.ts';
import {
  CertificateError,
  type Crl,
  directoryName,
  encodeRevoked,
  type IssueCrlOptions,
  issueCertificate,
  issueCrl,
  issueRoot,
  parseCertificates,
  parseCrl,
  parseCrls,
  type RevokedCertificate,
  toPem,
} from '../src/index.ts';
import { newSigner, nodeProvider, notAfter, notBefore, now } from './support/pki.ts';

const file = readFileSync(new URL('vectors/openssl-crl/list.pem', import.meta.url), 'utf8');
const signer = await newSigner();
const root = await issueRoot({
  provider: nodeProvider,
  subject: { commonName: 'Root', organization: 'Example' },
  signer,
  notBefore,
  notAfter,
});
const other = directoryName({ commonName: 'Another CA' });
const tomorrow = new Date(now.getTime() + 86_400_000);
const base: IssueCrlOptions = {
  issuer: { certificate: root, signer },
  number: 7n,
  thisUpdate: now,
  nextUpdate: tomorrow,
  revoked: [],
};
const serial = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const made = async (change: Partial<IssueCrlOptions> = {}): Promise<Crl> => issueCrl({ ...base, ...change });
const malformed = (message: RegExp) => (error: unknown) =>
  error instanceof CertificateError && error.code === 'malformed' && message.test(error.message);

describe('a list that OpenSSL made', () => {
  const [ca, first, second, third] = parseCertificates(file);
  const [crl] = parseCrls(file);
  assert.ok(ca && first && second && third && crl);

  it('has its fields', () => {
    assert.equal(crl.version, 2);
    assert.equal(crl.issuer.toString(), ca.subject.toString());
    assert.equal(crl.number, 10n);
    assert.equal(crl.baseNumber, undefined);
    assert.equal(crl.signatureAlgorithm, 'ecdsa-sha256');
    assert.ok(crl.nextUpdate && crl.nextUpdate > crl.thisUpdate);
    assert.equal(crl.unprocessed, undefined);
    assert.equal(crl.size, 2);
  });
  it('has the entries of those that were taken back, and no others', () => {
    const entry = crl.entry(first.serialNumber);
    assert.equal(entry?.reason, 'keyCompromise');
    assert.deepEqual(entry.invalidityDate, new Date('2026-11-01T00:00:00Z'));
    assert.equal(entry.certificateIssuer.toString(), ca.subject.toString());
    assert.equal(crl.entry(second.serialNumber)?.reason, 'superseded');
    assert.equal(crl.entry(third.serialNumber), undefined);
    assert.equal(crl.entry(first.serialNumber, other), undefined);
    assert.deepEqual(
      [...crl.entries()].map(({ serialNumber }) => toHex(serialNumber)),
      ['1001', '1002'],
    );
  });
});

describe('a list that is issued', () => {
  it('comes back as it was given', async () => {
    const revoked: readonly RevokedCertificate[] = [
      { serialNumber: serial(1), revokedAt: notBefore },
      { serialNumber: serial(2), revokedAt: now, reason: 'certificateHold', invalidityDate: notBefore },
      { serialNumber: serial(0, 0xff), revokedAt: new Date('2051-01-01T00:00:00Z'), reason: 'aACompromise' },
    ];
    const crl = await made({ revoked, freshestUrls: ['http://crl.example/delta'] });
    assert.deepEqual(
      [...crl.entries()].map(({ serialNumber, revokedAt, reason, invalidityDate }) => ({
        serialNumber: toHex(serialNumber),
        revokedAt,
        reason,
        invalidityDate,
      })),
      revoked.map(({ serialNumber, revokedAt, reason = 'unspecified', invalidityDate }) => ({
        serialNumber: toHex(serialNumber),
        revokedAt,
        reason,
        invalidityDate,
      })),
    );
    assert.deepEqual([crl.number, crl.thisUpdate, crl.nextUpdate], [7n, now, tomorrow]);
    assert.deepEqual(crl.authorityKeyIdentifier?.keyIdentifier, root.subjectKeyIdentifier);
    assert.equal(crl.freshestCrl?.length, 1);
    assert.equal(crl.issuingDistributionPoint, undefined);
    assert.deepEqual(
      parseCrls(toPem('X509 CRL', crl.raw)).map(({ raw }) => raw),
      [crl.raw],
    );
  });
  it('may be empty, a delta, a shard, or indirect', async () => {
    assert.equal((await made()).size, 0);
    const delta = await made({
      baseNumber: 3n,
      revoked: [{ serialNumber: serial(1), revokedAt: now, reason: 'removeFromCRL' }],
    });
    assert.equal(delta.baseNumber, 3n);
    const shard = await made({ scope: { urls: ['http://crl.example/1', 'ldap://crl.example'], only: 'users' } });
    assert.equal(shard.issuingDistributionPoint?.onlyContainsUserCerts, true);
    assert.equal((await made({ scope: { only: 'cas' } })).issuingDistributionPoint?.onlyContainsCaCerts, true);
    const indirect = await made({
      scope: { indirect: true },
      revoked: [
        { serialNumber: serial(1), revokedAt: now },
        { serialNumber: serial(1), revokedAt: now, certificateIssuer: other, reason: 'superseded' },
        { serialNumber: serial(2), revokedAt: now, certificateIssuer: other },
        { serialNumber: serial(3), revokedAt: now },
      ],
    });
    assert.equal(indirect.issuingDistributionPoint?.indirectCrl, true);
    assert.equal(indirect.entry(serial(1))?.reason, 'unspecified');
    assert.equal(indirect.entry(serial(1), other)?.reason, 'superseded');
    assert.ok(indirect.entry(serial(2), other));
    assert.equal(indirect.entry(serial(2)), undefined);
    assert.ok(indirect.entry(serial(3)));
  });
  it('has numbers of up to 20 octets', async () => {
    for (const number of [0n, 1n, 127n, 128n, 255n, 256n, (1n << 159n) - 1n]) {
      assert.equal((await made({ number })).number, number);
    }
  });
  it('gives dates that cannot be changed in it', async () => {
    const crl = await made();
    crl.thisUpdate.setTime(0);
    crl.nextUpdate?.setTime(0);
    assert.deepEqual([crl.thisUpdate, crl.nextUpdate], [now, tomorrow]);
  });
  it('of a hundred thousand certificates finds each', async () => {
    const bytesOf = (i: number): Uint8Array => serial(1, i >> 16, (i >> 8) & 0xff, i & 0xff);
    const crl = await made({
      revoked: Array.from({ length: 100_000 }, (_, i) => ({ serialNumber: bytesOf(2 * i), revokedAt: now })),
    });
    assert.ok(crl.raw.length > 1 << 20);
    assert.ok(crl.entry(bytesOf(199_998)));
    assert.equal(crl.entry(bytesOf(199_999)), undefined);
    assert.equal(crl.size, 100_000);
  });
});

describe('a list is not issued', () => {
  const twice = { serialNumber: serial(1), revokedAt: now };
  const rows: readonly (readonly [
    string,
    () => Partial<IssueCrlOptions> | Promise<Partial<IssueCrlOptions>>,
    RegExp,
  ])[] = [
    [
      'with another key than the issuer’s',
      async () => ({ issuer: { certificate: root, signer: await newSigner() } }),
      /not the issuer certificate's key/,
    ],
    ['with an algorithm that the key does not make', () => ({ signatureAlgorithm: 'ed25519' }), /makes no ed25519/],
    ['whose next is not after it', () => ({ nextUpdate: now }), /nextUpdate is not after thisUpdate/],
    ['without a date', () => ({ thisUpdate: new Date(Number.NaN) }), /is no date/],
    ['with a negative number', () => ({ number: -1n }), /0 to 2\^159/],
    ['with a number of 21 octets', () => ({ number: 1n << 159n }), /0 to 2\^159/],
    ['that adds to a later one', () => ({ baseNumber: 7n }), /lower number/],
    ['with a certificate twice', () => ({ revoked: [twice, twice] }), /01 stands twice/],
    [
      'with another issuer’s certificate',
      () => ({ revoked: [{ ...twice, certificateIssuer: other }] }),
      /indirect lists alone/,
    ],
    [
      'that takes back a taking back, being complete',
      () => ({ revoked: [{ ...twice, reason: 'removeFromCRL' }] }),
      /deltas alone/,
    ],
  ];
  for (const [what, change, why] of rows) {
    it(what, async () => {
      const options = { ...base, ...(await change()) };
      assert.throws(
        () => issueCrl(options),
        (error) => error instanceof RangeError && why.test(error.message),
      );
    });
  }
  it('by a CA that may sign certificates alone', async () => {
    const narrow = await issueCertificate({
      provider: nodeProvider,
      subject: { commonName: 'Narrow' },
      publicKey: signer.publicKey,
      issuer: { certificate: root, signer },
      notBefore,
      notAfter,
      ca: true,
      keyUsage: ['keyCertSign'],
    });
    assert.throws(() => issueCrl({ ...base, issuer: { certificate: narrow, signer } }), /lacks cRLSign/);
  });
});

it('is the same put together from pieces, which come before entries that name another issuer', async () => {
  const revoked: readonly RevokedCertificate[] = [
    { serialNumber: serial(1), revokedAt: now },
    { serialNumber: serial(2), revokedAt: now, reason: 'keyCompromise', invalidityDate: notBefore },
    { serialNumber: serial(3), revokedAt: now, reason: 'superseded' },
  ];
  const foreign: RevokedCertificate = { serialNumber: serial(4), revokedAt: now, certificateIssuer: other };
  const scope = { indirect: true };
  const whole = await made({ revoked: [...revoked, foreign], scope });
  const encoded = [encodeRevoked(revoked.slice(0, 1)), encodeRevoked([]), encodeRevoked(revoked.slice(1))];
  const pieces = await made({ encoded, revoked: [foreign], scope });
  assert.deepEqual(pieces.tbs, whole.tbs);
  assert.deepEqual((await made({ encoded: [encodeRevoked([])] })).tbs, (await made()).tbs);
});

describe('a list is malformed', () => {
  /** A list of these parts, signed by nobody. */
  const crlOf = (...parts: readonly Uint8Array[]): Bytes => {
    const algorithm = der.sequence(der.oid('1.2.840.10045.4.3.2'));
    return der.sequence(der.sequence(...parts), algorithm, der.bitString(serial(0)));
  };
  const algorithm = der.sequence(der.oid('1.2.840.10045.4.3.2'));
  const head = [der.smallInteger(1), algorithm, root.subject.raw, der.time(now)];
  const entry = (...extensions: readonly Uint8Array[]): Bytes =>
    der.sequence(der.smallInteger(1), der.time(now), ...extensions);
  const extension = (oid: string, value: Uint8Array, critical = false): Bytes =>
    der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(value));
  const listExtensions = (...extensions: readonly Uint8Array[]): Bytes => der.explicit(0, der.sequence(...extensions));

  const rows: readonly (readonly [string, Bytes, RegExp])[] = [
    ['of version 3', crlOf(der.smallInteger(2), ...head.slice(1)), /CRL: version 3/],
    [
      'with extensions in version 1',
      crlOf(...head.slice(1), listExtensions(extension('2.5.29.20', serial(2, 1, 1)))),
      /extensions in version 1/,
    ],
    [
      'without an issuer',
      crlOf(der.smallInteger(1), algorithm, der.sequence(), der.time(now)),
      /issuer without a name/,
    ],
    [
      'signed under another algorithm than inside',
      crlOf(der.smallInteger(1), der.sequence(der.oid('1.2.3')), ...head.slice(2)),
      /another algorithm/,
    ],
    [
      'with an extension twice',
      crlOf(...head, listExtensions(extension('2.5.29.20', serial(2, 1, 1)), extension('2.5.29.20', serial(2, 1, 1)))),
      /stands twice/,
    ],
    ['with more after its end', crlOf(...head, der.nothing()), /too many/],
  ];
  for (const [what, bytes, why] of rows) it(what, () => assert.throws(() => parseCrl(bytes), malformed(why)));

  it('in its entries, when they are asked for', () => {
    const bad: readonly (readonly [Bytes, RegExp])[] = [
      [entry(der.nothing()), /tag 0x05/],
      [entry(der.sequence()), /empty list/],
      [entry(der.sequence(extension('2.5.29.29', der.sequence()))), /certificateIssuer without a directory name/],
      [entry(der.sequence(extension('2.5.29.21', serial(4, 1, 1)))), /tag 0x04/],
    ];
    for (const [one, why] of bad) {
      const crl = parseCrl(crlOf(...head, der.sequence(one)));
      assert.throws(() => crl.entry(serial(1)), malformed(why));
      assert.throws(() => crl.size, malformed(why));
    }
    const first = parseCrl(
      crlOf(...head.slice(1), der.sequence(entry(der.sequence(extension('2.5.29.21', serial(10, 1, 1)))))),
    );
    assert.throws(() => first.entry(serial(1)), malformed(/entry extensions in version 1/));
  });
  it('in its extensions, when they are asked for', () => {
    const numbered = parseCrl(
      crlOf(...head, listExtensions(extension('2.5.29.20', der.unsigned(new Uint8Array(21).fill(1))))),
    );
    assert.throws(() => numbered.number, malformed(/a number of 21 octets/));
    const scoped = parseCrl(
      crlOf(
        ...head,
        listExtensions(
          extension('2.5.29.28', der.sequence(der.implicit(1, serial(0xff)), der.implicit(2, serial(0xff))), true),
        ),
      ),
    );
    assert.throws(() => scoped.issuingDistributionPoint, malformed(/more than one of/));
    const defaulted = parseCrl(
      crlOf(...head, listExtensions(extension('2.5.29.28', der.sequence(der.implicit(4, serial(0))), true))),
    );
    assert.throws(() => defaulted.issuingDistributionPoint, malformed(/a BOOLEAN that is not TRUE/));
  });
  it('is told apart from what has a critical extension that nobody here knows', () => {
    const inList = parseCrl(crlOf(...head, listExtensions(extension('1.2.3', serial(5, 0), true))));
    assert.equal(inList.unprocessed, '1.2.3');
    const inEntry = parseCrl(crlOf(...head, der.sequence(entry(der.sequence(extension('1.2.4', serial(5, 0), true))))));
    assert.equal(inEntry.unprocessed, '1.2.4');
    const harmless = parseCrl(crlOf(...head, listExtensions(extension('1.2.3', serial(5, 0)))));
    assert.equal(harmless.unprocessed, undefined);
  });
  it('as PEM of something else', () =>
    assert.throws(
      () => parseCrls(toPem('CERTIFICATE', root.raw)),
      malformed(/no PEM block "X509 CRL"; the text holds "CERTIFICATE"/),
    ));
});

describe('over lists that were flipped or cut, parsing', () => {
  it('answers or throws CertificateError, and so does every getter', async () => {
    const { raw } = await made({
      scope: { urls: ['http://crl.example/1'], indirect: true },
      baseNumber: 1n,
      freshestUrls: ['http://crl.example/2'],
      revoked: [
        {
          serialNumber: serial(1),
          revokedAt: now,
          reason: 'superseded',
          invalidityDate: now,
          certificateIssuer: other,
        },
      ],
    });
    const touch = (crl: Crl): unknown => [
      crl.number,
      crl.baseNumber,
      crl.issuingDistributionPoint,
      crl.freshestCrl,
      crl.authorityKeyIdentifier,
      crl.unprocessed,
      [...crl.entries()],
    ];
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const bytes = cut ? raw.slice(0, at) : raw.slice();
        if (!cut) bytes[at] = byte;
        try {
          touch(parseCrl(bytes));
        } catch (error) {
          if (!(error instanceof CertificateError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
  it('of any bytes throws CertificateError', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assert.throws(() => parseCrl(bytes), CertificateError)),
    ));
  it('of text throws CertificateError', () => assert.throws(() => parseCrl(utf8('-----BEGIN')), CertificateError));
});
