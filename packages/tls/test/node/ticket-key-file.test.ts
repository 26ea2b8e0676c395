/**
 * Ticket keys in a file: all processes of a machine come to the same keys, each key is known before it is used, and a file
 * that is damaged or open to others is refused and left as it is.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';
import { toHex, utf8 } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import fc from 'fast-check';
import { TlsConfigError } from '../../src/errors.ts';
import { type FileKeyRingOptions, fileKeyRing, TicketKeyFileError } from '../../src/node/ticket-key-file.ts';
import { memoryKeyRing, type OwnKeyRing, sealingKey, type TicketKey } from '../../src/session/key-ring.ts';
import { ticketKeys } from '../../src/session/ticket-keys.ts';
import { providers } from '../support/pair.ts';

const hour = 3_600_000;
const start = 500_000 * hour;
const posix = process.platform !== 'win32';

const home = mkdtempSync(join(tmpdir(), 'ticket-keys-'));
after(() => rmSync(home, { recursive: true }));
let directories = 0;

/** A path in a directory of its own. */
function newPath(): string {
  const directory = join(home, String(directories++));
  mkdirSync(directory);
  return join(directory, 'keys.json');
}

const ringAt = (path: string, options: Partial<FileKeyRingOptions> = {}): OwnKeyRing =>
  fileKeyRing({ path, rotateEvery: hour, opensFor: 2 * hour, lookAgain: 1000, ...options });

const names = (keys: readonly TicketKey[]): string[] => keys.map(({ name }) => toHex(name));
const filesBeside = (path: string): string[] => readdirSync(join(path, '..'));
const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/** The file's content as an object, to be changed and put back. */
interface Content {
  format: unknown;
  keys: Record<string, unknown>[];
}

async function contentOf(path: string): Promise<Content> {
  await ringAt(path).keys(start);
  return JSON.parse(readFileSync(path, 'utf8'));
}

function put(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o600 });
}

async function assertRefused(path: string, code: TicketKeyFileError['code'], message: RegExp): Promise<void> {
  await assert.rejects(
    async () => ringAt(path).keys(start),
    (error: unknown) => {
      assert.ok(error instanceof TicketKeyFileError, String(error));
      assert.equal(error.code, code);
      assert.equal(error.path, path);
      assert.match(error.message, message);
      return true;
    },
  );
}

for (const provider of providers) {
  describe(`tickets under keys in a file, with the ${provider.name} provider`, () => {
    it('are opened by every process that has the file', async () => {
      const path = newPath();
      const [one, two] = [0, 1].map(() => ticketKeys({ provider, ring: ringAt(path, { provider }) }));
      const state = utf8('a session');
      const ticket = await one?.seal(state, start);
      assert.ok(ticket);
      assert.deepEqual(await two?.open(ticket, start), state);
      assert.deepEqual(await two?.open(ticket, start + 3 * hour - 1), state);
      assert.equal(await two?.open(ticket, start + 3 * hour), undefined);
    });

    it('are none where the file is damaged, which is told', async () => {
      const path = newPath();
      put(path, '{');
      const told: unknown[] = [];
      const keys = ticketKeys({ provider, ring: ringAt(path), onError: (error: unknown) => told.push(error) });
      assert.equal(await keys.seal(utf8('a session'), start), undefined);
      assert.equal(await keys.open(new Uint8Array(100), start), undefined);
      assert.deepEqual(
        told.map((error: unknown) => error instanceof TicketKeyFileError && error.code),
        ['damaged', 'damaged'],
      );
    });
  });
}

describe('a ring of keys in a file', () => {
  it('makes the file, which only its owner can read, and leaves nothing else', async () => {
    const path = newPath();
    const keys = await ringAt(path).keys(start);
    assert.equal(keys.length, 2);
    assert.ok(sealingKey(keys, start) && sealingKey(keys, start + hour));
    if (posix) assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(filesBeside(path), ['keys.json']);
  });

  it('gives one look to all who ask at once, and answers at once until it looks again', async () => {
    const path = newPath();
    const ring = ringAt(path);
    const answers = await Promise.all(Array.from({ length: 50 }, () => ring.keys(start)));
    assert.ok(answers.every((keys) => keys === answers[0]));
    // Without the file: who does not look does not miss it.
    unlinkSync(path);
    assert.equal(ring.keys(start + 999), answers[0]);
    assert.equal(existsSync(path), false);
    assert.ok(ring.keys(start + 1000) instanceof Promise);
  });

  it('follows the rotation of others, whose next key it has before they use it', async () => {
    const path = newPath();
    const [one, two] = [ringAt(path), ringAt(path)];
    for (let turn = 0; turn < 4; turn++) {
      const now = start + turn * hour;
      const known = await two.keys(now);
      // `one` comes first to the new rotation, `two` still has what it knew.
      const theirs = sealingKey(await one.keys(now + hour), now + hour);
      assert.ok(theirs);
      assert.ok(names(known).includes(toHex(theirs.name)));
      assert.deepEqual(names(await two.keys(now + hour)), names(await one.keys(now + hour)));
    }
  });

  it('comes to the same keys in rings that begin at once, turn after turn', async () => {
    const path = newPath();
    const rings = Array.from({ length: 8 }, () => ringAt(path));
    // The third is a sleep: no key is left that seals.
    for (const now of [start, start + hour, start + 50 * hour]) {
      const answers = await Promise.all(rings.map((ring) => ring.keys(now)));
      assert.equal(new Set(answers.map((keys) => toHex(sealingKey(keys, now)?.name ?? new Uint8Array(0)))).size, 1);
      const later = await Promise.all(rings.map((ring) => ring.keys(now + 1000)));
      assert.equal(new Set(later.map((keys) => names(keys).join())).size, 1);
    }
    assert.deepEqual(filesBeside(path), ['keys.json']);
  });

  it('comes to the same keys in processes that begin at once', async () => {
    const path = newPath();
    const script = `
      import { fileKeyRing } from ${JSON.stringify(new URL('../../src/node/ticket-key-file.ts', import.meta.url).href)};
      const ring = fileKeyRing({ path: process.argv[1], rotateEvery: ${hour} });
      process.stdin.once('data', async () => {
        const keys = await ring.keys(${start});
        process.stdout.end(keys.map(({ name }) => Buffer.from(name).toString('hex')).join());
        process.stdin.destroy();
      });
      process.stdout.write('ready ');
    `;
    const parameters = ['--conditions=@handfast/source', '--input-type=module', '--eval', script, path];
    const children = Array.from({ length: 3 }, () =>
      spawn(process.execPath, parameters, { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const outputs = await Promise.all(
      children.map(async ({ stdout }) => {
        await new Promise((resolve) => stdout.once('readable', resolve));
        return stdout;
      }),
    );
    for (const { stdin } of children) stdin.end('go');
    const said = await Promise.all(outputs.map((stdout) => text(stdout)));
    const expected = names(await ringAt(path).keys(start)).join();
    assert.deepEqual(
      said,
      said.map(() => `ready ${expected}`),
    );
    assert.deepEqual(filesBeside(path), ['keys.json']);
  });

  it('keeps the same key while it is in the file, and wipes it when its time is over', async () => {
    const ring = ringAt(newPath());
    const first = sealingKey(await ring.keys(start), start);
    assert.ok(first);
    assert.ok((await ring.keys(start + 3 * hour - 1)).includes(first));
    assert.equal(isZero(first.secret), false);
    assert.ok(!(await ring.keys(start + 3 * hour)).includes(first));
    assert.equal(isZero(first.secret), true);
  });

  it('takes keys whose time is over out of the file', async () => {
    const path = newPath();
    const ring = ringAt(path);
    const first = sealingKey(await ring.keys(start), start);
    assert.ok(first);
    const secret = Buffer.from(first.secret).toString('base64');
    assert.ok(readFileSync(path, 'utf8').includes(secret));
    await ring.keys(start + 3 * hour);
    assert.ok(!readFileSync(path, 'utf8').includes(secret));
  });

  it('goes over to new keys where the file is deleted, and wipes the old ones', async () => {
    const path = newPath();
    const [one, two] = [ringAt(path), ringAt(path)];
    const old = await one.keys(start);
    await two.keys(start);
    unlinkSync(path);
    const fresh = await two.keys(start + 1000);
    assert.ok(names(fresh).every((name) => !names(old).includes(name)));
    assert.deepEqual(names(await one.keys(start + 1000)), names(fresh));
    assert.ok(old.every(({ secret }) => isZero(secret)));
  });

  it('looks again where the clock goes back, and goes on', async () => {
    const path = newPath();
    const ring = ringAt(path);
    const before = sealingKey(await ring.keys(start), start);
    await ring.keys(start + hour);
    assert.equal(sealingKey(await ring.keys(start + 1), start + 1), before);
    const earlier = start - 10 * hour;
    assert.ok(sealingKey(await ring.keys(earlier), earlier));
    assert.deepEqual(names(await ringAt(path).keys(earlier)), names(await ring.keys(earlier)));
  });

  it('wipes its keys at its end, also of a look that is under way, and has none afterwards', async () => {
    const ring = ringAt(newPath());
    const keys = await ring.keys(start);
    const asked = ring.keys(start + 1000);
    ring.dispose();
    await assert.rejects(async () => asked, /disposed of/);
    assert.ok(keys.every(({ secret }) => isZero(secret)));
    assert.throws(() => ring.keys(start), /disposed of/);
  });

  it('refuses what is no time, and keeps its keys', async () => {
    const ring = ringAt(newPath());
    const keys = await ring.keys(start);
    assert.throws(() => ring.keys(Number.NaN), RangeError);
    assert.equal(ring.keys(start), keys);
  });

  it('refuses settings that make no sense', () => {
    for (const [option, options] of [
      ['path', { path: '' }],
      ['path', { path: 'a\0b' }],
      ['rotateEvery', { rotateEvery: 999 }],
      ['opensFor', { opensFor: -1 }],
      ['opensFor', { rotateEvery: 1000, opensFor: 101_000, lookAgain: 0 }],
      ['lookAgain', { lookAgain: -1 }],
      ['lookAgain', { lookAgain: hour / 2 + 1 }],
    ] as const) {
      assert.throws(
        () => ringAt('keys.json', options),
        (error: unknown) => error instanceof TlsConfigError && error.option === option,
      );
    }
  });

  it('can hold as many keys as its settings allow', async () => {
    const path = newPath();
    const rotation = { rotateEvery: 1000, opensFor: 100_000 };
    const options = { ...rotation, lookAgain: 0 };
    const memory = memoryKeyRing({ provider: nodeProvider, ...rotation });
    for (let now = start - 110_000; now < start; now += 1000) await memory.keys(now);
    const many = await memory.keys(start);
    assert.equal(many.length, 102);
    const { format } = await contentOf(path);
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    const items = many.map((key) => ({ ...key, name: base64(key.name), secret: base64(key.secret) }));
    put(path, JSON.stringify({ format, keys: items }));
    const ring = ringAt(path, options);
    assert.deepEqual(names(await ring.keys(start)).sort(), names(many).sort());
    // Written by the ring itself, and read again.
    await ring.keys(start + 1000);
    assert.equal((await ringAt(path, options).keys(start + 1000)).length, 102);
  });
});

describe('a file of keys', () => {
  it('is refused where others can read or write it, with what to do', async () => {
    for (const mode of posix ? [0o640, 0o604, 0o620, 0o602, 0o644] : []) {
      const path = newPath();
      await ringAt(path).keys(start);
      chmodSync(path, mode);
      await assertRefused(path, 'mode', new RegExp(`mode is 0${mode.toString(8)}.*chmod 600`));
    }
  });

  it('is refused once others can read it, and taken again when they cannot', async () => {
    if (!posix) return;
    const path = newPath();
    const ring = ringAt(path);
    const before = names(await ring.keys(start));
    chmodSync(path, 0o644);
    await assert.rejects(async () => ring.keys(start + 1000), TicketKeyFileError);
    // Until it looks again it says the same, without looking.
    chmodSync(path, 0o600);
    assert.throws(() => ring.keys(start + 1999), TicketKeyFileError);
    assert.deepEqual(names(await ring.keys(start + 2000)), before);
  });

  it('is refused where it belongs to somebody else', async (t) => {
    if (!posix) return;
    const path = newPath();
    await ringAt(path).keys(start);
    t.mock.method(process as Required<Pick<NodeJS.Process, 'geteuid'>>, 'geteuid', () => statSync(path).uid + 1);
    await assertRefused(path, 'owner', /belongs to user \d+, and this process is user \d+: chown it/);
  });

  it('is refused where it is no file', async () => {
    const path = newPath();
    mkdirSync(path);
    await assertRefused(path, 'damaged', /no regular file/);
  });

  it('that is damaged is refused, never quoted, and left as it is', async () => {
    const good = await contentOf(newPath());
    const [first] = good.keys;
    assert.ok(first);
    const secret = String(first.secret);
    const changed = (change: Record<string, unknown>) => JSON.stringify({ ...good, keys: [{ ...first, ...change }] });
    const damaged: readonly (readonly [string, RegExp])[] = [
      ['', /it is empty/],
      [JSON.stringify(good).slice(0, -20), /not JSON/],
      [`"${secret}`, /not JSON/],
      ['null', /its format is not/],
      ['[]', /its format is not/],
      [JSON.stringify({ ...good, format: 'handfast ticket keys 2' }), /its format is not "handfast ticket keys 1"/],
      [JSON.stringify({ format: good.format }), /no list of keys/],
      [JSON.stringify({ ...good, keys: [null] }), /keys\[0\] is not a key/],
      [JSON.stringify({ ...good, keys: [first, first] }), /two keys have one name/],
      [changed({ name: '' }), /keys\[0\] is not a key/],
      [changed({ secret: secret.slice(4) }), /keys\[0\] is not a key/],
      [changed({ secret: `${secret} ` }), /keys\[0\] is not a key/],
      [changed({ secret: 5 }), /keys\[0\] is not a key/],
      [changed({ secret: Buffer.alloc(32).toString('base64') }), /keys\[0\] is not a key/],
      [changed({ sealsFrom: '0' }), /keys\[0\] is not a key/],
      [changed({ sealsFrom: 1.5 }), /keys\[0\] is not a key/],
      [changed({ sealsFrom: 0 }), /keys\[0\] is not a key/],
      [changed({ sealsUntil: first.sealsFrom }), /keys\[0\] is not a key/],
      [changed({ opensUntil: Number(first.sealsUntil) - 1 }), /keys\[0\] is not a key/],
      [changed({ opensUntil: Number(first.sealsUntil) + 604_800_001 }), /keys\[0\] is not a key/],
      [' '.repeat(65_537), /65537 bytes, where 65536 are the most/],
    ];
    for (const [content, message] of damaged) {
      const path = newPath();
      put(path, content);
      await assertRefused(path, 'damaged', message);
      await assert.rejects(
        async () => ringAt(path).keys(start + 100 * hour),
        (error: unknown) => error instanceof Error && !`${error.stack}${error.cause}`.includes(secret.slice(0, 8)),
      );
      assert.equal(readFileSync(path, 'utf8'), content);
      assert.deepEqual(filesBeside(path), ['keys.json']);
    }
  });

  it('that is cut anywhere is never taken for a whole one, nor written over', async () => {
    const path = newPath();
    await ringAt(path).keys(start);
    const whole = readFileSync(path, 'utf8').trimEnd();
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        put(path, whole.slice(0, length));
        await assertRefused(path, 'damaged', /it is empty|not JSON/);
        assert.equal(readFileSync(path, 'utf8'), whole.slice(0, length));
      }),
      { numRuns: 30 },
    );
  });

  it('that is mended is taken again', async () => {
    const path = newPath();
    const ring = ringAt(path);
    const before = names(await ring.keys(start));
    const content = readFileSync(path, 'utf8');
    put(path, `${content}}`);
    await assert.rejects(async () => ring.keys(start + 1000), TicketKeyFileError);
    put(path, content);
    assert.deepEqual(names(await ring.keys(start + 2000)), before);
  });

  it('in a directory that is not there is the error of the file system', async () => {
    await assert.rejects(async () => ringAt(join(home, 'nowhere', 'keys.json')).keys(start), { code: 'ENOENT' });
  });
});

describe("a writer's lock", () => {
  it('that a process left behind is broken', async () => {
    const path = newPath();
    put(`${path}.lock`, '');
    utimesSync(`${path}.lock`, Date.now() / 1000 - 60, Date.now() / 1000 - 60);
    assert.equal((await ringAt(path).keys(start)).length, 2);
    assert.deepEqual(filesBeside(path), ['keys.json']);
  });

  it('is not waited for where only the next key is missing', async () => {
    const path = newPath();
    const ring = ringAt(path);
    await ring.keys(start);
    put(`${path}.lock`, '');
    const now = start + hour;
    const keys = await ring.keys(now);
    assert.ok(sealingKey(keys, now));
    assert.equal(sealingKey(keys, now + hour), undefined);
    unlinkSync(`${path}.lock`);
    assert.ok(sealingKey(await ring.keys(now + 1000), now + hour));
  });

  it('is waited for where a key is needed now, until the other process has made it', async () => {
    const [path, elsewhere] = [newPath(), newPath()];
    const theirs = names(await ringAt(elsewhere).keys(start));
    put(`${path}.lock`, '');
    const asked = ringAt(path).keys(start);
    put(path, readFileSync(elsewhere, 'utf8'));
    assert.deepEqual(names(await asked), theirs);
    // It is the other's still.
    assert.ok(existsSync(`${path}.lock`));
  });

  it('that was lost to another writer costs what was to be written, and not what the other wrote', async () => {
    const [path, elsewhere] = [newPath(), newPath()];
    await ringAt(elsewhere).keys(start);
    // Between the lock and the rename: where the temporary file gets its name.
    const random = (length: number) => {
      if (length === 8) {
        unlinkSync(`${path}.lock`);
        put(`${path}.lock`, 'of another');
        put(path, readFileSync(elsewhere, 'utf8'));
      }
      return nodeProvider.random(length);
    };
    const ring = ringAt(path, { provider: { ...nodeProvider, random } });
    await assert.rejects(
      async () => ring.keys(start),
      (error: unknown) => error instanceof TicketKeyFileError && error.code === 'locked',
    );
    assert.equal(readFileSync(path, 'utf8'), readFileSync(elsewhere, 'utf8'));
    assert.equal(readFileSync(`${path}.lock`, 'utf8'), 'of another');
    assert.deepEqual(filesBeside(path), ['keys.json', 'keys.json.lock']);
    assert.deepEqual(names(await ring.keys(start + 1000)), names(await ringAt(elsewhere).keys(start)));
  });

  it('lets its holder remove what a writer that died left behind, and nothing else', async () => {
    const path = newPath();
    put(`${path}.0123456789abcdef.tmp`, 'old secrets');
    put(`${path}.backup.tmp`, 'not ours');
    await ringAt(path).keys(start);
    assert.deepEqual(filesBeside(path), ['keys.json', 'keys.json.backup.tmp']);
  });
});
