import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemResolver } from '../../../src/acme/validation/system-names.ts';

const never = new AbortController().signal;
let folder: string;
let hostsFile: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'hosts-'));
  hostsFile = join(folder, 'hosts');
  writeFileSync(
    hostsFile,
    '127.0.0.1\tlocalhost\r\n10.0.0.1 Honest.test honest # other.test\n# 10.0.0.2 none.test\nfd00::1 honest.test\nx y.test\n',
  );
});
after(() => rmSync(folder, { recursive: true }));

/** DNS that knows `app.test`, and fails for `broken.test`. */
const dns = {
  addresses: async (name: string) => {
    if (name === 'broken.test') throw new Error('queryA ESERVFAIL broken.test');
    return name === 'app.test' ? ['10.0.0.9'] : [];
  },
};

test('the hosts file goes first, then DNS, then the system', async () => {
  const asked: string[] = [];
  const getaddrinfo = async (name: string): Promise<string[]> => {
    asked.push(name);
    if (name === 'printer.local') return ['10.0.0.7'];
    throw new Error(`getaddrinfo ENOTFOUND ${name}`);
  };
  const resolve = systemResolver({ hostsFile, dns, getaddrinfo });
  assert.deepEqual(await resolve('honest.test', never), ['10.0.0.1', 'fd00::1']);
  assert.deepEqual(await resolve('HONEST.', never), ['10.0.0.1']);
  assert.deepEqual(await resolve('app.test', never), ['10.0.0.9']);
  assert.deepEqual(asked, []);
  assert.deepEqual(await resolve('printer.local', never), ['10.0.0.7']);
  for (const name of ['other.test', 'none.test', 'y.test']) {
    await assert.rejects(resolve(name, never), { message: `getaddrinfo ENOTFOUND ${name}` });
  }
  await assert.rejects(resolve('broken.test', never), (error: unknown) => {
    assert.ok(error instanceof AggregateError);
    assert.deepEqual(
      error.errors.map(({ message }) => message),
      ['queryA ESERVFAIL broken.test', 'getaddrinfo ENOTFOUND broken.test'],
    );
    return true;
  });
  assert.deepEqual(await systemResolver({ hostsFile: join(folder, 'none'), dns })('app.test', never), ['10.0.0.9']);
});

test('names that are slow hold up none that DNS or the hosts file knows', async () => {
  const ends: (() => void)[] = [];
  const getaddrinfo = (): Promise<string[]> => new Promise((resolve) => ends.push(() => resolve(['10.0.0.7'])));
  const resolve = systemResolver({ hostsFile, dns, getaddrinfo });
  const asked = async (count: number): Promise<void> => {
    while (ends.length < count) await new Promise(setImmediate);
  };
  const first = Array.from({ length: 8 }, (_, index) => resolve(`slow${index}.test`, never));
  await asked(8);
  for (let index = 8; index < 64; index++) {
    await assert.rejects(resolve(`slow${index}.test`, never), {
      message: `DNS does not know slow${index}.test, and the system is busy with 8 other names that are slow`,
    });
  }
  assert.deepEqual(await resolve('honest.test', never), ['10.0.0.1', 'fd00::1']);
  assert.deepEqual(await resolve('app.test', never), ['10.0.0.9']);
  // Those that have ended leave their places to others.
  for (const end of ends) end();
  await Promise.all(first);
  const next = resolve('printer.local', never);
  await asked(9);
  ends[8]?.();
  assert.deepEqual(await next, ['10.0.0.7']);
});

test('a validation that has ended asks the system for nothing more', async () => {
  const stop = new AbortController();
  const addresses = async (): Promise<string[]> => {
    stop.abort(new Error('over'));
    throw new Error('queryA ECANCELLED');
  };
  const getaddrinfo = async (): Promise<string[]> => assert.fail('asked');
  await assert.rejects(systemResolver({ hostsFile, dns: { addresses }, getaddrinfo })('app.test', stop.signal), {
    message: 'over',
  });
});
