import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Bytes, copyBytes } from '@handfast/crypto';
import fc from 'fast-check';
import { berToDer } from '../src/der/ber.ts';
import * as der from '../src/der/writer.ts';
import {
  type Certificate,
  CertificateError,
  type CertificateErrorCode,
  type Pkcs7,
  parseCertificates,
  parsePem,
  parsePkcs7,
  toPem,
  writePkcs7,
} from '../src/index.ts';
import { contentTypes, encodeContentInfo } from '../src/pkcs7.ts';
import { toBer } from './support/ber.ts';

const folder = new URL('vectors/containers/', import.meta.url);
const file = (name: string): Bytes => copyBytes(readFileSync(new URL(name, folder)));
const [leaf] = parseCertificates(file('leaf.pem')) as [Certificate];
const [ca] = parseCertificates(file('ca.pem')) as [Certificate];
const [crl] = parsePem(file('crl.pem')).map(({ bytes }) => bytes) as [Bytes];

const namesIn = ({ certificates, crls }: Pkcs7): readonly string[] => [
  ...certificates.map(({ subject }) => subject.commonName ?? ''),
  ...crls.map(() => 'crl'),
];

function refuses(bytes: string | Uint8Array, code: CertificateErrorCode, message: RegExp): void {
  assert.throws(
    () => parsePkcs7(bytes),
    (error) => {
      assert.ok(error instanceof CertificateError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    },
  );
}

describe('a PKCS#7 bundle', () => {
  for (const [name, expected] of [
    ['bundle.p7b', ['container leaf', 'Container CA']],
    ['bundle-crl.p7c', ['Container CA', 'crl']],
    ['signed-indefinite.p7m', ['container leaf', 'Container CA']],
  ] as const) {
    it(`is read as OpenSSL writes it: ${name}`, () => {
      assert.deepEqual(namesIn(parsePkcs7(file(name))).toSorted(), expected.toSorted());
    });
  }

  it('holds its certificates and CRLs as they were', () => {
    const { certificates, crls } = parsePkcs7(file('bundle-crl.p7c'));
    assert.deepEqual(certificates[0]?.raw, ca.raw);
    assert.deepEqual(crls, [crl]);
  });

  it('is written as OpenSSL writes it', () => {
    const [block] = parsePem(file('bundle.p7b'));
    assert.deepEqual(writePkcs7([leaf, ca]), block?.bytes);
    assert.deepEqual(writePkcs7([ca], [crl]), file('bundle-crl.p7c'));
    assert.deepEqual(namesIn(parsePkcs7(writePkcs7([]))), []);
  });

  it('is read from PEM under each of its labels, beside other blocks', () => {
    const bundle = writePkcs7([ca]);
    for (const label of ['PKCS7', 'CMS', 'PKCS #7 SIGNED DATA']) {
      const text = `some text\n${toPem('CERTIFICATE', leaf.raw)}${toPem(label, bundle)}more`;
      assert.deepEqual(namesIn(parsePkcs7(text)), ['Container CA']);
    }
    refuses(toPem('PKCS7', bundle) + toPem('CMS', bundle), 'malformed', /^PKCS#7: 2 bundles in one text, not one$/);
    refuses('nothing', 'malformed', /^PKCS#7: no PEM block "PKCS7" or "CMS"; the text holds no PEM block at all$/);
  });

  it('in BER says the same', () => {
    assert.deepEqual(parsePkcs7(toBer(writePkcs7([leaf, ca], [crl]))), parsePkcs7(writePkcs7([leaf, ca], [crl])));
  });

  it('passes over attribute certificates and other revocation information', () => {
    const signedData = der.sequence(
      der.smallInteger(5),
      der.setOf(),
      der.sequence(der.oid(contentTypes.data)),
      der.explicit(0, der.explicit(2, der.nothing()), ca.raw, der.explicit(3, der.nothing())),
      der.explicit(1, der.explicit(1, der.nothing())),
      der.setOf(),
    );
    assert.deepEqual(namesIn(parsePkcs7(encodeContentInfo(contentTypes.signedData, signedData))), ['Container CA']);
  });

  for (const [name, oid] of Object.entries(contentTypes)) {
    if (name === 'signedData') continue;
    it(`is not ${name}`, () => {
      const message = new RegExp(`^PKCS#7: ${name} is no bundle of certificates$`);
      refuses(encodeContentInfo(oid, der.sequence()), 'unsupported_algorithm', message);
    });
  }

  for (const [what, bytes, message] of [
    ['no content', der.sequence(der.oid(contentTypes.signedData)), /^PKCS#7: signedData without content$/],
    ['trailing bytes', new Uint8Array([...writePkcs7([ca]), 0]), /^PKCS#7: 1 bytes too many$/],
    [
      'an indefinite length of a primitive value',
      Uint8Array.of(0x30, 0x80, 0x04, 0x80),
      /indefinite length of a primitive/,
    ],
    ['no end of contents', Uint8Array.of(0x30, 0x80, 0x05, 0x00), /^PKCS#7: cut short \(at byte 4 of the 4 there\)$/],
    ['a length beyond the end', Uint8Array.of(0x30, 0x05, 0x05, 0x00), /^PKCS#7: a length beyond the end$/],
    [
      'a piece of a string that is none',
      Uint8Array.of(0x30, 0x04, 0x24, 0x02, 0x05, 0x00),
      /a piece of an OCTET STRING that is none/,
    ],
    [
      'too many values',
      der.sequence(new Uint8Array(140_000).fill(5).map((_, at) => (at % 2 === 0 ? 5 : 0))),
      /more than 65536 values/,
    ],
    ['two megabytes', der.sequence(new Uint8Array(2 << 20)), /over the limit of 1048576/],
    [
      'nothing but beginnings',
      new Uint8Array(100_000).map((_, at) => (at % 2 === 0 ? 0x30 : 0x80)),
      /nested deeper than 32/,
    ],
  ] as const) {
    it(`is refused with ${what}`, () => refuses(bytes, 'malformed', message));
  }

  it('of any bytes throws no error but ours', () => {
    const bundle = writePkcs7([ca]);
    fc.assert(
      fc.property(fc.nat(bundle.length - 1), fc.nat(255), (at, byte) => {
        try {
          parsePkcs7(bundle.with(at, byte));
        } catch (error) {
          assert.ok(error instanceof CertificateError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('BER', () => {
  it('made into DER says the same, and DER stays as it is', () => {
    const value = fc.letrec<{ value: Bytes }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.uint8Array({ maxLength: 700 }).map((bytes) => der.octetString(bytes)),
        fc.integer({ min: 0, max: 0x7fffffff }).map((number) => der.smallInteger(number)),
        fc.array(tie('value'), { maxLength: 4 }).map((values) => der.sequence(...values)),
        fc.array(tie('value'), { maxLength: 4 }).map((values) => der.explicit(0, ...values)),
      ),
    })).value;
    fc.assert(
      fc.property(value, (bytes) => {
        assert.deepEqual(berToDer(bytes, 'test'), bytes);
        assert.deepEqual(berToDer(toBer(bytes), 'test'), bytes);
      }),
    );
  });

  it('of lengths that are longer than they need be is made minimal', () => {
    const long = Uint8Array.of(0x30, 0x83, 0, 0, 5, 0x04, 0x81, 2, 7, 7);
    assert.deepEqual(berToDer(long, 'test'), Uint8Array.of(0x30, 4, 0x04, 2, 7, 7));
  });
});
