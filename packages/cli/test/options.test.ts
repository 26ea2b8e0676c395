import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedGroups } from '@handfast/tls';
import { CliError } from '../src/exit.ts';
import { formatHostPort, nearest, parseHostPort, parseNames, parsePort, parseSeconds } from '../src/options.ts';

const usage = { name: 'CliError', exitCode: 2 };

test('a host and port are read, an IPv6 address in brackets', () => {
  assert.deepEqual(parseHostPort('example.com:8443'), { host: 'example.com', port: 8443 });
  assert.deepEqual(parseHostPort('example.com', 443), { host: 'example.com', port: 443 });
  assert.deepEqual(parseHostPort('[::1]:443'), { host: '::1', port: 443 });
  assert.deepEqual(parseHostPort('[::1]', 443), { host: '::1', port: 443 });
  assert.equal(formatHostPort({ host: '::1', port: 443 }), '[::1]:443');
  for (const text of [
    '',
    ':1',
    '[x]:1',
    '[::1]1',
    'a b:1',
    'a\u001b:1',
    'user@host:1',
    'host',
    'host:',
    'host:1x',
    'host:0',
  ]) {
    assert.throws(() => parseHostPort(text), usage, text);
  }
});

test('ports and seconds are numbers within their bounds', () => {
  assert.equal(parsePort('0', 0), 0);
  assert.equal(parsePort('65535'), 65_535);
  assert.equal(parseSeconds('0.5'), 500);
  for (const text of ['65536', '-1', '1e3', '0x10', '']) assert.throws(() => parsePort(text), usage);
  for (const text of ['0', '-1', '1e9', 'soon', '']) assert.throws(() => parseSeconds(text), usage);
});

test('names of a registry are found in any case, and a near one is suggested', () => {
  assert.deepEqual(
    parseNames('group', 'x25519mlkem768, SECP384R1', namedGroups).map(({ name }) => name),
    ['X25519MLKEM768', 'secp384r1'],
  );
  const names = namedGroups.map(({ name }) => name);
  assert.deepEqual(nearest('X25518', names), ['x25519']);
  assert.deepEqual(nearest('prime256v1', names), ['secp256r1']);
  assert.deepEqual(nearest('ffdhe-2048', names), ['ffdhe2048']);
  assert.deepEqual(nearest('rot13', names), []);
  assert.throws(
    () => parseNames('group', 'X25518', namedGroups),
    (error) =>
      error instanceof CliError && error.hint?.startsWith('did you mean x25519? known are X25519MLKEM768, ') === true,
  );
});

test('a hostile argument stays on its line', () => {
  assert.throws(() => parseNames('group', '\u001b[2J', namedGroups), /"\\u\{1b\}\[2J" is no group/);
});
