import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { isHookDue, noteHook, runHook } from '../../src/enroll/hook.ts';
import type { MaterialFiles } from '../../src/enroll/material.ts';
import { explainJson } from '../../src/explain.ts';
import { type Command, command } from './support.ts';

const hint = 'the new certificate is in its place; the hook is run again the next time';
let folder: string;
let files: MaterialFiles;
let one: Command;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hook-'));
  files = { certificate: join(folder, 'app.pem'), key: join(folder, 'app-key.pem') };
  one = command();
  noteHook(files);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Message, hint and exit code of what it throws. */
async function failing(work: Promise<void>): Promise<readonly unknown[]> {
  const error = await work.then(
    () => assert.fail('it ended well'),
    (thrown: unknown) => explainJson(thrown),
  );
  return [error.message, error.hint, error.exitCode];
}

/** Started by the shell, which goes when it has gone: it tells when it is told to end. */
const child = `trap : TERM
(trap 'echo ended > "$HANDFAST_CERT"; exit' TERM; echo begun; while :; do sleep 0.01; done) &
wait; wait`;

describe('the hook', () => {
  test('what it leaves in the background, with its streams, is neither waited for nor ended', async () => {
    const pid = join(folder, 'pid');
    await runHook(`sleep 60 & echo $! > '${pid}'; echo well`, files, one.io, { timeoutMs: 30_000, graceMs: 20 });
    assert.deepEqual([one.stderr.text, isHookDue(files)], ['well\n', false]);
    // It is there still.
    process.kill(Number(readFileSync(pid, 'utf8')), 'SIGKILL');
  });

  test('when its time is up it is ended with all that it has started', async () => {
    const work = runHook(child, files, one.io, { timeoutMs: 1500, graceMs: 5000 });
    assert.deepEqual(await failing(work), ['the hook has failed: it has not ended within 1.5 s', hint, 1]);
    assert.equal(readFileSync(files.certificate, 'utf8'), 'ended\n');
    assert.equal(isHookDue(files), true);
  });

  test('what does not end when it is told to is made to', async () => {
    const deaf = `trap '' TERM; while :; do sleep 0.01; done`;
    const work = runHook(deaf, files, one.io, { timeoutMs: 20, graceMs: 20 });
    assert.deepEqual(await failing(work), ['the hook has failed: it has not ended within 0.02 s', hint, 1]);
  });

  test('an interruption ends it, with all that it has started; then none is begun', async () => {
    const work = runHook(child, files, one.io);
    await one.stderr.match(/begun/);
    one.interrupt.abort();
    assert.deepEqual(await failing(work), ['interrupted', hint, 130]);
    assert.equal(readFileSync(files.certificate, 'utf8'), 'ended\n');
    const after = join(folder, 'after');
    assert.deepEqual(await failing(runHook(`touch '${after}'`, files, one.io)), ['interrupted', hint, 130]);
    assert.deepEqual([existsSync(after), isHookDue(files)], [false, true]);
  });

  test('without a shell it fails, and says so', async () => {
    const io = { ...one.io, env: { PATH: folder } };
    assert.deepEqual(await failing(runHook('true', files, io)), [
      'the hook has failed: spawn sh ENOENT (ENOENT)',
      hint,
      1,
    ]);
  });
});
