import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromHex, utf8 } from '@handfast/crypto';
import * as der from '../../src/der/writer.ts';
import { CertificateError, directoryName, type GeneralName, parseIp } from '../../src/index.ts';
import { constraintViolation, parseNameConstraints } from '../../src/names/constraints.ts';

const dns = (text: string): GeneralName => ({ kind: 'dns', text });
const email = (text: string): GeneralName => ({ kind: 'email', text });
const uri = (text: string): GeneralName => ({ kind: 'uri', text });
const ip = (text: string): GeneralName => ({ kind: 'ip', bytes: parseIp(text) ?? new Uint8Array(0) });
const range = (hex: string): GeneralName => ({ kind: 'ip', bytes: fromHex(hex) });
const dn = (commonName: string): GeneralName => ({ kind: 'directory', name: directoryName({ commonName }) });

/** As long as a DNS name may be. */
const longest = `${'a'.repeat(61)}.${`${'b'.repeat(63)}.`.repeat(2)}${'c'.repeat(63)}`;

const free = (): void => {};

const rows: readonly (readonly [constraint: GeneralName, name: GeneralName, permitted: boolean, excluded: boolean])[] =
  [
    [dns('example.com'), dns('example.com'), true, true],
    [dns('example.com'), dns('WWW.Example.com'), true, true],
    [dns('example.com'), dns('notexample.com'), false, false],
    [dns('example.com'), dns('*.example.com'), true, true],
    [dns('foo.example.com'), dns('*.example.com'), false, true],
    [dns('.example.com'), dns('example.com'), false, false],
    [dns('.example.com'), dns('a.example.com'), true, true],
    [dns(''), dns('anything.example'), true, true],
    [dns('example.com'), dns('.example.com'), false, true],
    [dns('example.com'), dns('a b.example.com'), false, true],
    [dns(longest), dns(`*.${longest.toUpperCase()}`), true, true],
    [dns(`.${longest.slice(62)}`), dns(longest), true, true],
    [dns('example'), dns(`${'a.'.repeat(124)}example`), false, true],
    [range('c0000200ffffff00'), ip('192.0.2.7'), true, true],
    [range('c0000200ffffff00'), ip('192.0.3.7'), false, false],
    [range('c0000200ffffff00'), ip('::1'), false, false],
    [email('example.com'), email('a@example.com'), true, true],
    [email('example.com'), email('a@b.example.com'), false, false],
    [email('.example.com'), email('a@b.example.com'), true, true],
    [email('a@example.com'), email('a@EXAMPLE.com'), true, true],
    [email('a@example.com'), email('A@example.com'), false, false],
    [email('example.com'), email('a@b@example.com'), false, true],
    [uri('example.com'), uri('https://user@example.com:8443/x'), true, true],
    [uri('example.com'), uri('https://a.example.com/'), false, false],
    [uri('.example.com'), uri('https://a.example.com'), true, true],
    [uri('example.com'), uri('urn:example.com'), false, true],
    [uri('example.com'), uri('https://192.0.2.1/'), false, true],
    [dn('a'), dn('A'), true, true],
    [dn('a'), dn('b'), false, false],
    [{ kind: 'other', raw: fromHex('a000') }, { kind: 'other', raw: fromHex('a000') }, false, true],
    [dns('example.com'), ip('192.0.2.7'), true, false],
  ];

describe('a name constraint on', () => {
  for (const [constraint, name, permitted, excluded] of rows) {
    const label = (item: GeneralName): string => `${item.kind} ${'text' in item ? item.text.slice(0, 30) : ''}`;
    it(`${label(constraint)}: ${label(name)} is ${permitted ? '' : 'not '}permitted, ${excluded ? '' : 'not '}excluded`, () => {
      assert.equal(
        constraintViolation({ permitted: [constraint], excluded: [] }, [name], free) === undefined,
        permitted,
      );
      assert.equal(
        constraintViolation({ permitted: [], excluded: [constraint] }, [name], free) !== undefined,
        excluded,
      );
    });
  }
  it('a name that several subtrees permit needs one of them', () => {
    assert.equal(
      constraintViolation(
        { permitted: [dns('a.example'), dns('b.example')], excluded: [] },
        [dns('x.b.example')],
        free,
      ),
      undefined,
    );
  });
  it('a name counts each comparison', () => {
    let count = 0;
    constraintViolation(
      { permitted: [dns('a')], excluded: [dns('b'), dn('x')] },
      [dns('a'), dns('x.a')],
      () => void count++,
    );
    assert.equal(count, 4);
  });
});

describe('the nameConstraints extension', () => {
  const subtree = (base: Uint8Array, ...more: readonly Uint8Array[]): Uint8Array => der.sequence(base, ...more);
  const base = der.implicit(2, utf8('a.example'));
  for (const [what, value, why] of [
    ['without subtrees', der.sequence(), /neither/],
    ['with an empty list', der.sequence(der.explicit(0)), /empty list/],
    [
      'with a minimum',
      der.sequence(der.explicit(0, subtree(base, der.implicit(0, Uint8Array.of(1))))),
      /minimum or maximum/,
    ],
    [
      'with a maximum',
      der.sequence(der.explicit(0, subtree(base, der.implicit(1, Uint8Array.of(1))))),
      /minimum or maximum/,
    ],
    [
      'with an address and no mask',
      der.sequence(der.explicit(0, subtree(der.implicit(7, fromHex('c0000200'))))),
      /8 or 32/,
    ],
    [
      'with a mask that has holes',
      der.sequence(der.explicit(0, subtree(der.implicit(7, fromHex('c0000200ff00ff00'))))),
      /holes/,
    ],
    [
      'with a mask that has a hole in a byte',
      der.sequence(der.explicit(0, subtree(der.implicit(7, fromHex('c0000200fffffffd'))))),
      /holes/,
    ],
  ] as const) {
    it(`is refused ${what}`, () => {
      assert.throws(
        () => parseNameConstraints(value, 'nameConstraints'),
        (error) => error instanceof CertificateError && error.code === 'malformed' && why.test(error.message),
      );
    });
  }
  it('takes masks from /0 to /32', () => {
    for (const mask of ['00000000', '80000000', 'ff000000', 'fffe0000', 'fffffffe', 'ffffffff']) {
      parseNameConstraints(der.sequence(der.explicit(1, subtree(der.implicit(7, fromHex(`00000000${mask}`))))), 'x');
    }
  });
});
