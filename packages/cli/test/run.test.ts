import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { finish } from './support/io.ts';

test('--version is package.json’s', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const { exitCode, stdout } = await finish(['--version']);
  assert.equal(stdout.text, `${version}\n`);
  assert.equal(exitCode, 0);
});

test('--help of the program and of every command says what there is, and the exit codes', async () => {
  for (const argv of [
    ['--help'],
    ['demo', '--help'],
    ['connect', '--help'],
    ['serve', '--help'],
    ['enroll', '--help'],
    ['renew', '--help'],
    ['help', 'connect'],
  ]) {
    const { exitCode, stdout, stderr } = await finish(argv);
    assert.equal(exitCode, 0, argv.join(' '));
    assert.match(stdout.text, /^Usage: handfast /);
    assert.equal(stderr.text, '');
  }
  assert.match((await finish(['connect', '--help'])).stdout.text, /6 {4}truncated/);
});

test('an unknown command ends with 2 and suggests a known one; so does no command', async () => {
  const { exitCode, stderr } = await finish(['conect']);
  assert.match(stderr.text, /Did you mean connect\?/);
  assert.equal(exitCode, 2);
  assert.equal((await finish([])).exitCode, 2);
});

test('the process ends with the command’s exit code', async () => {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const code = await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...process.execArgv.filter((arg) => arg.startsWith('--conditions')), main, 'connect', ':1'],
      () => resolve(child.exitCode),
    );
  });
  assert.equal(code, 2);
});
