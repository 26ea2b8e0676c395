import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finish } from '../support/io.ts';

test('every command says what it does, and has the options that all have', async () => {
  const commands = [
    ...['init', 'issue', 'renew', 'list', 'show', 'revoke', 'crl export', 'crl root', 'serve'],
    ...['audit verify', 'audit checkpoint', 'audit prune', 'audit reenter'],
    ...['token', 'token list', 'token revoke', 'eab create', 'eab list', 'eab revoke'],
    ...['trust status', 'trust install', 'trust uninstall', 'backup', 'restore', 'import'],
    ...['rotate status', 'rotate intermediate', 'rotate root', 'rotate clean'],
  ];
  for (const command of commands) {
    const { exitCode, stdout } = await finish(['ca', ...command.split(' '), '--help']);
    assert.equal(exitCode, 0, command);
    assert.match(stdout.text, new RegExp(`^Usage: handfast ca ${command} `));
    for (const option of ['--dir <folder>', '--json', '--no-color']) assert.ok(stdout.text.includes(option), command);
  }
});

test('a command that is not there, or is not whole, ends with 2', async () => {
  assert.match((await finish(['ca', 'isue'])).stderr.text, /Did you mean issue\?/);
  for (const argv of [['ca'], ['ca', 'trust'], ['ca', 'show'], ['ca', 'revoke', 'x', '--reason', 'whim']]) {
    assert.equal((await finish(argv)).exitCode, 2, argv.join(' '));
  }
});
