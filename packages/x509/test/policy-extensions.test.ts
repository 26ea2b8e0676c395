import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as der from '../src/der/writer.ts';
import { CertificateError } from '../src/index.ts';
import {
  encodeCertificatePolicies,
  encodePolicyConstraints,
  encodePolicyMappings,
  parseCertificatePolicies,
  parseInhibitAnyPolicy,
  parsePolicyConstraints,
  parsePolicyMappings,
} from '../src/policy-extensions.ts';

const what = 'extension';
const cps = '1.3.6.1.5.5.7.2.1';
const userNotice = '1.3.6.1.5.5.7.2.2';

const policy = (...qualifiers: readonly Uint8Array[]): Parameters<typeof parseCertificatePolicies>[0] =>
  der.sequence(der.sequence(der.oid('1.2.3'), der.sequence(...qualifiers)));
const qualifier = (oid: string, value: Uint8Array): Uint8Array => der.sequence(der.oid(oid), value);

const refuses = (read: () => unknown, message: RegExp): void =>
  assert.throws(read, (error) => {
    assert.ok(error instanceof CertificateError && error.code === 'malformed', String(error));
    assert.match(error.message, message);
    return true;
  });

describe('certificatePolicies', () => {
  it('have qualifiers: a practice statement, a notice, and others as they are', () => {
    const notice = der.sequence(
      der.sequence(der.utf8String('Exämple'), der.sequence(der.smallInteger(1), der.value(2, Uint8Array.of(0xff)))),
      der.value(0x1e, Uint8Array.of(0, 0x68, 0, 0x69)),
    );
    const other = der.sequence(der.nothing());
    const [found] = parseCertificatePolicies(
      policy(
        qualifier(cps, der.ia5String('https://a.example/cps')),
        qualifier(userNotice, notice),
        qualifier('1.2.4', other),
      ),
      what,
    );
    assert.deepEqual(found, {
      policy: '1.2.3',
      qualifiers: [
        { kind: 'cps', uri: 'https://a.example/cps' },
        { kind: 'userNotice', text: 'hi', organization: 'Exämple', noticeNumbers: [1n, -1n] },
        { kind: 'other', oid: '1.2.4', raw: other },
      ],
    });
  });
  it('may have a notice with nothing in it, or text in a string that we do not read', () => {
    const [found] = parseCertificatePolicies(
      policy(
        qualifier(userNotice, der.sequence()),
        qualifier(userNotice, der.sequence(der.value(0x14, Uint8Array.of(1)))),
      ),
      what,
    );
    const nothing = { kind: 'userNotice', text: undefined, organization: undefined, noticeNumbers: [] };
    assert.deepEqual(found?.qualifiers, [nothing, nothing]);
  });
  for (const [title, value, message] of [
    ['no policies', der.sequence(), /an empty list/],
    ['a policy twice', encodeCertificatePolicies(['1.2.3', '1.2.3']), /policy 1\.2\.3 stands twice/],
    ['no qualifiers in their list', policy(), /an empty list of qualifiers/],
    ['a URI that is not ASCII', policy(qualifier(cps, der.value(0x16, Uint8Array.of(0xe4)))), /not ASCII/],
    ['a URI in another string', policy(qualifier(cps, der.utf8String('a'))), /tag 0x0c where 0x16 belongs/],
    [
      'bytes behind a notice',
      policy(qualifier(userNotice, der.sequence(der.utf8String('a'), der.nothing()))),
      /too many/,
    ],
    ['bytes behind a qualifier', policy(der.sequence(der.oid('1.2'), der.nothing(), der.nothing())), /too many/],
  ] as const) {
    it(`are refused with ${title}`, () => refuses(() => parseCertificatePolicies(value, what), message));
  }
});

describe('policy mappings, constraints and inhibitAnyPolicy', () => {
  it('are refused where they are empty, negative, or too large', () => {
    refuses(() => parsePolicyMappings(der.sequence(), what), /an empty list/);
    refuses(() => parsePolicyConstraints(der.sequence(), what), /neither of the two constraints/);
    refuses(() => parsePolicyConstraints(der.sequence(der.implicit(0, Uint8Array.of(0xff))), what), /out of range/);
    refuses(() => parseInhibitAnyPolicy(der.value(2, Uint8Array.of(0xff)), what), /out of range/);
    refuses(() => parseInhibitAnyPolicy(der.value(2, Uint8Array.of(1, 0, 0, 0, 0)), what), /out of range/);
  });
  it('are read as they were written', () => {
    const oid = fc.array(fc.nat({ max: 300 }), { minLength: 1, maxLength: 4 }).map((arcs) => `1.3.${arcs.join('.')}`);
    const count = fc.nat({ max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.uniqueArray(oid, { minLength: 1 }), count, count, (oids, explicit, mapping) => {
        assert.deepEqual(
          parseCertificatePolicies(encodeCertificatePolicies(oids), what).map(({ policy }) => policy),
          oids,
        );
        const mappings = oids.map((one) => ({ issuerDomainPolicy: one, subjectDomainPolicy: oids[0] ?? one }));
        assert.deepEqual(parsePolicyMappings(encodePolicyMappings(mappings), what), mappings);
        for (const constraints of [
          { requireExplicitPolicy: explicit, inhibitPolicyMapping: mapping },
          { requireExplicitPolicy: explicit },
          { inhibitPolicyMapping: mapping },
        ]) {
          assert.deepEqual(parsePolicyConstraints(encodePolicyConstraints(constraints), what), constraints);
        }
        assert.equal(parseInhibitAnyPolicy(der.smallInteger(explicit), what), explicit);
      }),
    );
  });
  it('throw nothing else for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        for (const parse of [
          parseCertificatePolicies,
          parsePolicyMappings,
          parsePolicyConstraints,
          parseInhibitAnyPolicy,
        ]) {
          try {
            parse(new Uint8Array(bytes), what);
          } catch (error) {
            assert.ok(error instanceof CertificateError);
          }
        }
      }),
    );
  });
});
