import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { goOnUnwritten, watchWriting } from '../src/io.ts';
import { tellFailure, unwrittenError } from '../src/run.ts';
import { Output } from './support/io.ts';

/** It stays usable after an error, as stdout does. */
function failing(code: string): Writable {
  return new Writable({
    autoDestroy: false,
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(`${code}: no`), { code })),
  });
}

async function written(stream: Writable): Promise<void> {
  stream.write('a line\n');
  await new Promise((next) => setImmediate(next));
}

test('what stdout does not take is told, but for a reader that has left', async () => {
  const told: string[] = [];
  for (const code of ['ENOSPC', 'EPIPE', 'EIO']) {
    const stream = failing(code);
    watchWriting(stream, ({ message }) => told.push(message));
    await written(stream);
  }
  assert.deepEqual(told, ['ENOSPC: no', 'EIO: no']);
});

test('who serves hears of it, and it ends nothing', async () => {
  for (const code of ['ENOSPC', 'EPIPE', 'EAGAIN']) {
    const stream = failing(code);
    watchWriting(stream, (error) => assert.ifError(error));
    const told: string[] = [];
    goOnUnwritten(stream, ({ message }) => told.push(message));
    await written(stream);
    assert.deepEqual(told, [`${code}: no`]);
  }
});

test('a result that could not be written is an error in words', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const stderr = new Output();
  const io = {
    ...{ stdin: new PassThrough(), stdout: new PassThrough(), stderr: stderr.stream, env: {} },
    interrupted: new AbortController().signal,
  };
  tellFailure(unwrittenError(full), [], io);
  assert.equal(
    stderr.text,
    '✗ what there is to print cannot be written: no space left on device (ENOSPC)\n' +
      '  hint    is the disk full that stdout, or stderr, goes to?\n',
  );
  tellFailure(unwrittenError(full), ['--json'], io);
  const { event, code, exitCode } = JSON.parse(stderr.lines.at(-1) ?? '') as Record<string, unknown>;
  assert.deepEqual([event, code, exitCode], ['error', 'ENOSPC', 1]);
});
