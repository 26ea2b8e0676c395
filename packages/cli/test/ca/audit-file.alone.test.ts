import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { type TestContext, test } from 'node:test';
import { AuditFile } from '../../src/ca/audit-file.ts';
import { Place } from './support.ts';

/** What is put on the disk, in order: a file's bytes by then, or that it is a folder. */
function watchSyncs(t: TestContext): readonly string[] {
  const synced: string[] = [];
  const { fsyncSync } = fs;
  t.mock.method(fs, 'fsyncSync', (descriptor: number) => {
    const stat = fs.fstatSync(descriptor);
    synced.push(stat.isDirectory() ? 'folder' : String(stat.size));
    fsyncSync(descriptor);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return synced;
}

test('lines are on the disk before anybody is told that they are written, and a new file’s name is', (t) => {
  const place = new Place();
  t.after(() => place.remove());
  const synced = watchSyncs(t);
  const path = place.path('audit.jsonl');
  const file = AuditFile.open(path);
  file.write([{ a: 1 }]);
  file.reopen();
  file.write([{ a: 2 }, { a: 3 }]);
  fs.renameSync(path, place.path('old.jsonl'));
  file.reopen();
  file.write([{ a: 4 }]);
  file.close();
  const expected = ['folder', '8', '24', 'folder', '8'];
  assert.deepEqual(synced, process.platform === 'win32' ? expected.filter((one) => one !== 'folder') : expected);
});

test('what is no file is written to all the same', { skip: process.platform === 'win32' }, (t) => {
  const synced = watchSyncs(t);
  const file = AuditFile.open('/dev/null');
  file.write([{ a: 1 }]);
  file.close();
  assert.deepEqual(synced, []);
});
