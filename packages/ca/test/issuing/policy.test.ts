import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { compilePolicy, type NamePolicy } from '../../src/issuing/policy.ts';
import { newIssuer, opened, refuses, request } from '../support/authority.ts';

const policy: NamePolicy = {
  domains: ['example.test', 'Internal', 'only.host.test'],
  wildcards: true,
  addresses: ['10.0.0.0/8', '192.168.4.0/22', '127.0.0.1', 'fd00::/9'],
  emails: ['mail.test', '.staff.test'],
};

const allowed: readonly (readonly [given: string, kind: string, name: string])[] = [
  ['example.test', 'dns', 'example.test'],
  ['A.Example.TEST', 'dns', 'a.example.test'],
  ['a.b.c.example.test', 'dns', 'a.b.c.example.test'],
  ['*.example.test', 'dns', '*.example.test'],
  ['*.a.internal', 'dns', '*.a.internal'],
  ['db.internal', 'dns', 'db.internal'],
  ['internal', 'dns', 'internal'],
  ['xn--bcher-kva.example.test', 'dns', 'xn--bcher-kva.example.test'],
  ['10.255.0.1', 'ip', '10.255.0.1'],
  ['192.168.7.255', 'ip', '192.168.7.255'],
  ['127.0.0.1', 'ip', '127.0.0.1'],
  ['FD00:0:0::1', 'ip', 'fd00::1'],
];

for (const [given, kind, name] of allowed) {
  test(`${given} is certified as ${name}`, () => {
    assert.deepEqual(compilePolicy(policy).check(given), { kind, name });
  });
}

const refused: readonly (readonly [given: string, code: string, message: RegExp])[] = [
  ['other.test', 'not_allowed', /^"other\.test" is in none of the domains that this CA certifies$/],
  ['badexample.test', 'not_allowed', /in none of the domains/],
  ['example.test.evil', 'not_allowed', /in none of the domains/],
  ['host.test', 'not_allowed', /in none of the domains/],
  ['*.host.test', 'not_allowed', /in none of the domains/],
  ['*.test', 'bad_request', /a wildcard needs two labels after it/],
  ['*.internal', 'bad_request', /a wildcard needs two labels after it/],
  ['*', 'bad_request', /"\*" is no label/],
  ['a.*.example.test', 'bad_request', /"\*" is no label/],
  ['a*.example.test', 'bad_request', /"a\*" is no label/],
  ['*.*.example.test', 'bad_request', /"\*" is no label/],
  ['', 'bad_request', /it is empty/],
  ['example.test.', 'bad_request', /it ends with a dot/],
  ['.example.test', 'bad_request', /"" is no label/],
  ['a..example.test', 'bad_request', /"" is no label/],
  ['-a.example.test', 'bad_request', /begins or ends with a hyphen/],
  ['a-.example.test', 'bad_request', /begins or ends with a hyphen/],
  ['ab--c.example.test', 'bad_request', /is reserved/],
  ['a_b.example.test', 'bad_request', /"a_b" is no label/],
  ['a b.example.test', 'bad_request', /without spaces/],
  ['bücher.example.test', 'bad_request', /A-labels/],
  ['\u212aey.example.test', 'bad_request', /A-labels/], // its lower case is a k
  ['a.example.test\0', 'bad_request', /A-labels/],
  ['http://a.example.test', 'bad_request', /is no label/],
  ['a.example.test:443', 'bad_request', /is no label/],
  [`${'a'.repeat(64)}.example.test`, 'bad_request', /is no label/],
  [`${'a.'.repeat(122)}example.test`, 'bad_request', /longer than 253/],
  ['example.10', 'bad_request', /its last label is a number/],
  ['10.1', 'bad_request', /its last label is a number/],
  ['0x0a000001', 'bad_request', /its last label is a number/],
  ['010.0.0.1', 'bad_request', /its last label is a number/],
  ['11.0.0.1', 'not_allowed', /^the address 11\.0\.0\.1 is in none of the networks/],
  ['192.168.8.0', 'not_allowed', /in none of the networks/],
  ['127.0.0.2', 'not_allowed', /in none of the networks/],
  ['fd80::1', 'not_allowed', /in none of the networks/],
  ['::ffff:10.0.0.1', 'not_allowed', /in none of the networks/],
  ['fd00::1%eth0', 'bad_request', /is no label/],
];

for (const [given, code, message] of refused) {
  test(`${JSON.stringify(given).slice(0, 60)} is refused`, () => {
    const checked = compilePolicy(policy).check(given);
    assert.ok('code' in checked, JSON.stringify(checked));
    assert.equal(checked.code, code);
    assert.match(checked.message, message);
  });
}

test('an empty policy certifies nothing', () => {
  const { check, checkEmail } = compilePolicy({});
  for (const name of ['example.test', 'localhost', '127.0.0.1', '::1', '*.a.test']) assert.ok('code' in check(name));
  assert.ok('code' in checkEmail('a@example.test'));
});

test('everything is certified only where that is written', () => {
  const { check, checkEmail } = compilePolicy({ domains: ['*'], addresses: ['0.0.0.0/0', '::/0'], emails: ['*'] });
  assert.deepEqual(check('any.where'), { kind: 'dns', name: 'any.where' });
  assert.deepEqual(check('8.8.8.8'), { kind: 'ip', name: '8.8.8.8' });
  assert.deepEqual(check('2001:db8::1'), { kind: 'ip', name: '2001:db8::1' });
  assert.deepEqual(checkEmail('a@b.c'), { kind: 'email', name: 'a@b.c' });
  assert.ok('code' in check('*.any.where'), 'wildcards are a word of their own');
});

const emails: readonly (readonly [given: string, name: string | undefined])[] = [
  ['Alice@Mail.Test', 'Alice@mail.test'],
  ['a.b+c@mail.test', 'a.b+c@mail.test'],
  ['a@x.mail.test', undefined],
  ['a@x.staff.test', 'a@x.staff.test'],
  ['a@y.x.staff.test', 'a@y.x.staff.test'],
  ['a@staff.test', undefined],
  ['a@other.test', undefined],
  ['mail.test', undefined],
  ['@mail.test', undefined],
  ['a@b@mail.test', undefined],
  ['a b@mail.test', undefined],
  ['"a"@mail.test', undefined],
  ['a@mail.test\n', undefined],
  ['ä@mail.test', undefined],
];

for (const [given, name] of emails) {
  test(`the mailbox ${JSON.stringify(given)} is ${name === undefined ? 'refused' : `certified as ${name}`}`, () => {
    const checked = compilePolicy(policy).checkEmail(given);
    assert.equal('code' in checked ? undefined : checked.name, name);
  });
}

const mistakes: readonly (readonly [NamePolicy, RegExp])[] = [
  [{ domains: ['.example.test'] }, /^not a domain: "\.example\.test"/],
  [{ domains: ['*.example.test'] }, /^not a domain/],
  [{ domains: [''] }, /^not a domain/],
  [{ domains: ['10.0.0.0/8'] }, /^not a domain/],
  [{ addresses: ['10.0.0.0/33'] }, /^not a network, as in 10\.0\.0\.0\/8: "10\.0\.0\.0\/33"/],
  [{ addresses: ['10.0.0.0/'] }, /^not a network/],
  [{ addresses: ['example.test'] }, /^not a network/],
  [{ addresses: ['10.0.0.0/8/8'] }, /^not a network/],
  [{ emails: ['a@mail.test'] }, /^not a host of mailboxes/],
];

for (const [mistaken, message] of mistakes) {
  test(`a policy of ${JSON.stringify(mistaken)} is a mistake`, () => {
    assert.throws(() => compilePolicy(mistaken), { name: 'RangeError', message });
  });
}

test('what a policy does not allow is refused with all names that it is about', async (t) => {
  const { authority } = await opened(t);
  await refuses(
    authority.issue(await request({ names: ['a.example.test', 'a.other.test', '9.9.9.9'] })),
    'not_allowed',
    /^"a\.other\.test" is in none of the domains that this CA certifies; the address 9\.9\.9\.9 is in none of the networks/,
  );
  assert.deepEqual(await authority.list(), []);
  assert.deepEqual(await authority.unfinished(), []);
  assert.match(authority.nameRefusal('a.other.test') ?? '', /in none of the domains/);
  assert.equal(authority.nameRefusal('a.example.test'), undefined);
});

const constraints = {
  permitted: { dns: ['example.test'], ip: ['10.0.0.0/8'] },
  excluded: { dns: ['no.example.test'] },
};

for (const who of ['intermediate', 'root'] as const) {
  test(`what the name constraints of the ${who} forbid is refused in their words`, async (t) => {
    const issuer =
      who === 'root'
        ? await newIssuer({ nameConstraints: constraints })
        : await newIssuer({}, { nameConstraints: constraints });
    const { authority } = await opened(t, {
      issuer,
      policy: { domains: ['*'], wildcards: true, addresses: ['0.0.0.0/0'] },
    });
    await authority.issue(await request({ names: ['a.example.test', '10.0.0.1'] }));
    const outside = /DNS "a\.other\.test" is in none of the permitted subtrees/;
    await refuses(authority.issue(await request({ names: ['a.other.test'] })), 'not_allowed', outside);
    const excluded = /DNS "no\.example\.test" is in the excluded DNS "no\.example\.test"/;
    await refuses(authority.issue(await request({ names: ['no.example.test'] })), 'not_allowed', excluded);
    // Some name under the wildcard is excluded.
    await refuses(
      authority.issue(await request({ names: ['*.example.test'] })),
      'not_allowed',
      /is in the excluded DNS/,
    );
    const address = /IP 11\.0\.0\.1 is in none of the permitted subtrees/;
    await refuses(authority.issue(await request({ names: ['11.0.0.1'] })), 'not_allowed', address);
    assert.deepEqual(await authority.unfinished(), []);
  });
}
