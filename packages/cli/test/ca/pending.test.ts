import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { lockName } from '../../src/ca/folder-lock.ts';
import { changeFolder, finishChange, UnfinishedChange, versionOf } from '../../src/ca/pending.ts';
import { withWrittenKey } from '../../src/ca/root-key.ts';

const directory = mkdtempSync(join(tmpdir(), 'handfast-pending-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const folder = join(directory, 'ca');
const lock = join(folder, lockName);
/** No system has so many. */
const nobody = 2 ** 30;
const changed = {
  name: 'CliError',
  exitCode: 1,
  message: 'the CA was changed meanwhile by somebody else: nothing was done',
  hint: 'run the command again: it goes by what is there then',
};

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(join(folder, 'root.pem'), 'old');
});

const read = (path: string) => readFileSync(join(folder, path), 'utf8');
const change = (version?: string) =>
  changeFolder(folder, [{ path: 'root.pem', content: 'new', mode: 0o644 }], [], version);

describe('a change of a folder', () => {
  test('is made where it is as it was read, and leaves nothing beside', () => {
    change(versionOf(folder));
    assert.deepEqual([read('root.pem'), readdirSync(folder)], ['new', ['root.pem']]);
  });

  test('is refused where a file is another, new or gone, and leaves nothing beside', () => {
    const deeds = [
      () => writeFileSync(join(folder, 'root.pem'), 'other'),
      () => writeFileSync(join(folder, 'config.json'), '{}'),
      () => {
        mkdirSync(join(folder, 'issuers'));
        writeFileSync(join(folder, 'issuers', 'key.pem'), 'key');
      },
      () => rmSync(join(folder, 'config.json')),
    ];
    for (const deed of deeds) {
      const version = versionOf(folder);
      deed();
      const names = readdirSync(folder);
      assert.throws(() => change(version), changed, String(deed));
      assert.deepEqual([read('root.pem'), readdirSync(folder)], ['other', names]);
    }
  });

  test('is made whatever becomes of the database meanwhile', () => {
    const version = versionOf(folder);
    writeFileSync(join(folder, 'ca.db-wal'), 'x');
    change(version);
    assert.equal(read('root.pem'), 'new');
  });

  test('is refused while another process is at it, here or on another machine', () => {
    for (const holder of [`${process.ppid} ${hostname()}`, `${nobody} elsewhere.test`, '']) {
      writeFileSync(lock, holder);
      assert.throws(() => change(), changed, holder);
      assert.deepEqual([read('root.pem'), readFileSync(lock, 'utf8')], ['old', holder]);
    }
  });

  test('is made where that process is gone, or has been at it for too long', () => {
    const long = new Date(Date.now() - 61_000);
    for (const [holder, since] of [
      [`${nobody} ${hostname()}`, new Date()],
      [`${process.pid} ${hostname()}`, new Date()],
      [`${nobody} elsewhere.test`, long],
      ['', long],
    ] as const) {
      writeFileSync(lock, holder);
      utimesSync(lock, since, since);
      writeFileSync(join(folder, 'root.pem'), 'old');
      change();
      assert.deepEqual([read('root.pem'), readdirSync(folder)], ['new', ['root.pem']], holder);
    }
  });

  test('that is decided and cannot be finished is said to be, and the next who looks finishes it', () => {
    mkdirSync(join(folder, 'root.d'));
    const files = ['intermediate.pem', 'root.d', 'root.pem'].map(
      (path) => ({ path, content: 'new', mode: 0o644 }) as const,
    );
    const unfinished = (error: unknown) => {
      assert.ok(error instanceof UnfinishedChange);
      assert.equal(error.exitCode, 1);
      assert.match(error.message, /^the CA’s folder is changed in part: /);
      assert.equal(
        error.hint,
        'handfast ca list does what is left of it, once that is mended; keys that were written for it are needed',
      );
      return true;
    };
    assert.throws(() => changeFolder(folder, files), unfinished);
    assert.throws(() => finishChange(folder), unfinished);
    assert.ok(!existsSync(lock));
    // Nothing is decided over it.
    assert.throws(() => change(), { name: 'CliError', message: /^the CA’s folder cannot be changed: / });
    rmSync(join(folder, 'root.d'), { recursive: true });
    finishChange(folder);
    assert.deepEqual([read('intermediate.pem'), read('root.d'), read('root.pem')], ['new', 'new', 'new']);
  });
});

describe('a new root’s key', () => {
  const key = { file: join(directory, 'new-root-key.pem'), passphrase: undefined };

  async function written(work: () => void): Promise<unknown> {
    rmSync(key.file, { force: true });
    const { pkcs8 } = await provider.generateKeyPair('secp256r1');
    return await withWrittenKey('--new-root-key', key, pkcs8, async () => work()).catch((error: unknown) => error);
  }

  test('is taken back where the change was not decided', async () => {
    assert.equal(String(await written(() => change('another'))), `CliError: ${changed.message}`);
    assert.ok(!existsSync(key.file));
  });

  test('stays where it was, and is not finished', async () => {
    rmSync(join(folder, 'root.pem'));
    mkdirSync(join(folder, 'root.pem'));
    assert.ok((await written(() => change())) instanceof UnfinishedChange);
    assert.match(readFileSync(key.file, 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/);
  });

  test('is taken back where the whole folder went with it', async () => {
    mkdirSync(join(folder, 'root.pem.d'));
    const error = await written(() => {
      try {
        changeFolder(folder, [{ path: 'root.pem.d', content: 'new', mode: 0o644 }]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
    assert.ok(error instanceof UnfinishedChange);
    assert.ok(!existsSync(key.file));
  });
});
