import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { ValidationFailure } from '../../../src/acme/validation/challenge.ts';
import { addressRefusal, type TargetPolicy, targetsOf } from '../../../src/acme/validation/targets.ts';

const never = new AbortController().signal;

/** Public addresses, and the private ones of a company. */
const allowed = [
  '93.184.215.14',
  '2606:2800:21f:cb07::1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  'fd00::1',
];

const forbidden = [
  '127.0.0.1',
  '127.255.255.254',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '0.0.0.0',
  '::',
  '0.1.2.3',
  '169.254.169.254',
  '::ffff:169.254.169.254',
  'fe80::1',
  'fe80::1%eth0',
  '224.0.0.1',
  'ff02::1',
  '255.255.255.255',
  '240.0.0.1',
  '192.0.2.1',
  '2001:db8::1',
  '64:ff9b::7f00:1',
  '64:ff9b::a00:1',
  '2002:7f00:1::',
  '::127.0.0.1',
  'fec0::1',
  'not an address',
];

test('addresses of the public and of private networks are connected to', () => {
  for (const address of allowed) assert.equal(addressRefusal({}, address, 80), undefined, address);
});

test('loopback, link-local, multicast and what is special are not, in whatever form', () => {
  for (const address of forbidden) assert.notEqual(addressRefusal({}, address, 80), undefined, address);
});

test('private ranges can be closed, or opened one by one', () => {
  const inside = ['10.0.0.1', '172.16.0.1', '192.168.1.1', '100.64.0.1', 'fd00::1', '::ffff:10.0.0.1'];
  for (const address of inside) {
    assert.match(addressRefusal({ allowPrivate: false }, address, 80) ?? '', /is not allowed/);
  }
  const policy: TargetPolicy = { allowPrivate: (address) => address.startsWith('10.') };
  const open = inside.filter((address) => addressRefusal(policy, address, 80) === undefined);
  assert.deepEqual(open, ['10.0.0.1', '::ffff:10.0.0.1']);
});

test('for a developer, loopback is open, and nothing else that was closed', () => {
  const open = forbidden.filter((address) => addressRefusal({ dev: true }, address, 80) === undefined);
  assert.deepEqual(open, ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1']);
});

test("the CA's own listeners are never connected to, by any of their addresses", () => {
  const at = (address: string, port: number): TargetPolicy => ({ dev: true, listeners: () => [{ address, port }] });
  assert.match(addressRefusal(at('10.0.0.5', 443), '10.0.0.5', 443) ?? '', /the CA itself/);
  assert.match(addressRefusal(at('10.0.0.5', 443), '::ffff:10.0.0.5', 443) ?? '', /the CA itself/);
  assert.equal(addressRefusal(at('10.0.0.5', 443), '10.0.0.5', 80), undefined);
  assert.match(addressRefusal(at('::', 9000), '127.0.0.1', 9000) ?? '', /the CA itself/);
  assert.match(addressRefusal(at('0.0.0.0', 9000), '127.9.9.9', 9000) ?? '', /the CA itself/);
  assert.match(addressRefusal(at('0.0.0.0', 9000), '::1', 9000) ?? '', /the CA itself/);
  for (const { address, scopeid } of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    if (scopeid) continue;
    assert.match(addressRefusal(at('::', 9000), address, 9000) ?? '', /the CA itself/);
  }
});

const failing = async (work: Promise<unknown>): Promise<ValidationFailure> => {
  const failure = await work.then(
    () => assert.fail('it was allowed'),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof ValidationFailure);
  return failure;
};

test('a name is resolved once, and those of its addresses are left out that are forbidden', async () => {
  let asked = 0;
  const resolve = async (): Promise<string[]> => {
    asked++;
    return ['127.0.0.1', '10.0.0.1', 'fe80::1', '10.0.0.2'];
  };
  assert.deepEqual(await targetsOf({ resolve }, 'app.test', 80, never), ['10.0.0.1', '10.0.0.2']);
  assert.equal(asked, 1);
});

test('a literal is not resolved, and judged all the same', async () => {
  const resolve = async (): Promise<string[]> => assert.fail('resolved');
  assert.deepEqual(await targetsOf({ resolve }, '10.0.0.1', 80, never), ['10.0.0.1']);
  const failure = await failing(targetsOf({ resolve }, '::1', 80, never));
  assert.deepEqual(
    [failure.type, failure.detail],
    ['connection', 'the identifier has no address that this CA connects to'],
  );
  assert.match(failure.message, /::1 is a loopback address/);
});

test('a name that does not resolve is a failure of dns, whose cause the client does not see', async () => {
  const cause = new Error('queryA ESERVFAIL 10.1.1.1');
  const failures = [async () => [], async () => await Promise.reject(cause)];
  for (const resolve of failures) {
    const failure = await failing(targetsOf({ resolve }, 'app.test', 80, never));
    assert.deepEqual([failure.type, failure.detail], ['dns', 'the name of the identifier does not resolve']);
  }
});

test('ports are 80 and 443, but for a developer', async () => {
  for (const port of [22, 8080, 6379]) {
    assert.equal(
      (await failing(targetsOf({}, '10.0.0.1', port, never))).detail,
      'validation uses ports 80 and 443 alone',
    );
    assert.deepEqual(await targetsOf({ dev: true }, '10.0.0.1', port, never), ['10.0.0.1']);
  }
});

test('localhost and every name below is this machine, and nobody is asked', async () => {
  const resolve = async (): Promise<string[]> => assert.fail('resolved');
  for (const name of ['localhost', 'app.localhost', 'A.B.LOCALHOST.']) {
    assert.deepEqual(await targetsOf({ dev: true, resolve }, name, 80, never), ['127.0.0.1', '::1']);
    const failure = await failing(targetsOf({ resolve }, name, 80, never));
    assert.equal(failure.message, '127.0.0.1 is a loopback address; ::1 is a loopback address');
  }
});
