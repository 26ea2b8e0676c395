import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { askNewPassphrase, askPassphrase, passphraseFile } from '../../src/ca/passphrase.ts';
import type { Io } from '../../src/io.ts';
import { Output } from '../support/io.ts';

const directory = mkdtempSync(join(tmpdir(), 'handfast-passphrase-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** A terminal that answers each prompt. */
function terminal(...answers: readonly (string | Buffer)[]): {
  readonly io: Io;
  readonly stderr: Output;
  readonly raw: boolean[];
} {
  const raw: boolean[] = [];
  const left = [...answers];
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode(on: boolean): void {
      raw.push(on);
      const answer = on ? left.shift() : undefined;
      if (answer !== undefined) setImmediate(() => stdin.write(answer));
    },
  });
  const [stdout, stderr] = [new Output(), new Output()];
  const io = {
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: {},
    interrupted: new AbortController().signal,
  };
  return { io, stderr, raw };
}

test('a passphrase is asked for without showing it, and can be edited', async () => {
  const { io, stderr, raw } = terminal('wrong\u0015correxy\u007f\bct hörse\r');
  assert.equal(await askPassphrase('Passphrase: ', io), 'correct hörse');
  assert.equal(stderr.text, 'Passphrase: \n');
  assert.deepEqual(raw, [true, false]);
});

const advice = { option: '--key-file', without: '--no-key leaves it out' };

test('a new one is asked for twice', async () => {
  assert.equal(await askNewPassphrase('the key', terminal('horse\r', 'horse\r').io, advice), 'horse');
  await assert.rejects(askNewPassphrase('the key', terminal('horse\r', 'house\r').io, advice), {
    exitCode: 2,
    message: 'the two are not the same',
  });
});

test('who gives no new one is told by which option it comes, or how there is none', async () => {
  await assert.rejects(askNewPassphrase('the key', terminal('\r').io, advice), {
    message: 'the passphrase is empty',
    hint: '--no-key leaves it out',
  });
  await assert.rejects(askNewPassphrase('the key', { ...terminal().io, stdin: new PassThrough() }, advice), {
    message: 'a passphrase is needed, and there is no terminal to ask at',
    hint: 'write it into a file that only you can read, and name it with --key-file',
  });
});

test('two lines that are pasted at once answer both questions', async () => {
  for (const lines of ['hörse\rhörse\r', 'hörse\nhörse\n', 'hörse\r\nhörse\r\n']) {
    const { io, raw } = terminal(lines);
    assert.equal(await askNewPassphrase('the key', io, advice), 'hörse');
    assert.deepEqual(raw, [true, false, true, false]);
  }
  await assert.rejects(askNewPassphrase('the key', terminal('horse\rhouse\r').io, advice), {
    message: 'the two are not the same',
  });
});

test('Ctrl-C ends with 130, and the terminal is as it was', async () => {
  const { io, raw } = terminal('hor\u0003');
  await assert.rejects(askPassphrase('Passphrase: ', io), { exitCode: 130, message: 'interrupted' });
  assert.deepEqual(raw, [true, false]);
});

test('without a terminal there is the file: its first line', async () => {
  const stdin = new PassThrough();
  await assert.rejects(askPassphrase('Passphrase: ', { ...terminal().io, stdin }), {
    exitCode: 2,
    message: 'a passphrase is needed, and there is no terminal to ask at',
    hint: 'write it into a file that only you can read, and name it with --passphrase-file',
  });
  const file = join(directory, 'passphrase');
  writeFileSync(file, ' correct horse \r\nsecond\n');
  assert.equal(passphraseFile('--passphrase-file', file), ' correct horse ');
  writeFileSync(file, '\n');
  assert.throws(() => passphraseFile('--passphrase-file', file), {
    message: `--passphrase-file "${file}" begins with an empty line`,
  });
});
