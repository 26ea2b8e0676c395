import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, parseCertificates, parsePrivateKey, toPem } from '@handfast/x509';
import { type RenewOptions, renewCommand } from '../../src/enroll/renew.ts';
import { stateText } from '../../src/enroll/state.ts';
import { explainJson } from '../../src/explain.ts';
import { finish } from '../support/io.ts';
import { FakeCa, problem } from './fake-ca.ts';
import { type Command, command, TestWorld } from './support.ts';

const day = 86_400_000;
const minute = 60_000;
let ca: FakeCa;
let folder: string;
let state: string;
let world: TestWorld;
let one: Command;
before(async () => {
  ca = await FakeCa.open();
});
after(() => ca.close());
beforeEach(async () => {
  ca.asked.length = 0;
  ca.answers = [];
  ca.renewAt = undefined;
  ca.from = new Date(Date.now() - minute);
  ca.to = new Date(ca.from.getTime() + 30 * day);
  folder = mkdtempSync(join(tmpdir(), 'renew-'));
  world = new TestWorld();
  one = command();
  await enrolled();
});
afterEach(() => rmSync(folder, { recursive: true }));

function path(name: string): string {
  return join(folder, name);
}

/** The files of an enrolment. */
async function enrolled({ bundle = false, hook }: { bundle?: boolean; hook?: string } = {}): Promise<void> {
  const { signer, pkcs8 } = await provider.generateKeyPair('secp256r1');
  const certificate = toPem('CERTIFICATE', (await ca.issue(signer.publicKey)).raw);
  const key = toPem('PRIVATE KEY', pkcs8);
  writeFileSync(path('app.pem'), bundle ? certificate + key : certificate);
  writeFileSync(path('app-key.pem'), key, { mode: 0o600 });
  writeFileSync(path('root.pem'), ca.roots);
  state = path('app.renew.json');
  const files = { root: 'root.pem', certificate: 'app.pem', key: bundle ? 'app.pem' : 'app-key.pem' };
  writeFileSync(state, stateText({ url: ca.url, ...files, hook }));
}

function current(): Certificate {
  const [leaf] = parseCertificates(readFileSync(path('app.pem')));
  assert.ok(leaf);
  return leaf;
}

interface Ran {
  readonly code: number | undefined;
  readonly error: { readonly message?: string; readonly hint?: string; readonly exitCode?: number };
  readonly json: Readonly<Record<string, unknown>>;
}

async function run(options: RenewOptions = {}): Promise<Ran> {
  try {
    const code = await renewCommand(
      options.url === undefined ? state : undefined,
      { json: true, ...options },
      one.io,
      world,
    );
    return { code, error: {}, json: one.stdout.values.at(-1) ?? {} };
  } catch (thrown) {
    return { code: undefined, error: explainJson(thrown) as Ran['error'], json: {} };
  }
}

/** Events that a daemon told of. */
function told(): readonly unknown[] {
  return one.stderr.values.map(({ event }) => event);
}

/** Ends a daemon. */
const stop = (): void => one.interrupt.abort();

describe('handfast renew', () => {
  test('waits until two thirds of the life are over, then renews with the certificate itself, over the same key', async () => {
    const before = current();
    const { json } = await run();
    assert.deepEqual([json.renewed, json.serial], [false, before.serialNumberHex]);
    assert.deepEqual(current().raw, before.raw);
    world.time += 20 * day;
    ca.from = new Date(world.time);
    ca.to = new Date(world.time + 30 * day);
    const renewed = await run();
    assert.equal(renewed.json.renewed, true, renewed.error.message);
    const after = current();
    assert.notEqual(after.serialNumberHex, before.serialNumberHex);
    assert.deepEqual(after.spki, before.spki);
    const { client, csr, path: where } = ca.asked.at(-1) ?? {};
    assert.deepEqual([where, client?.raw, csr?.spki], ['/enrol/v1/renewals', before.raw, before.spki]);
  });

  test('renews at once where the CA wants it, or whoever runs it', async () => {
    ca.renewAt = new Date(0);
    assert.equal((await run()).json.renewed, true);
    ca.renewAt = undefined;
    assert.equal((await run({ force: true })).json.renewed, true);
  });

  test('with both in one file the key is new, and owner, rights and links stay', async () => {
    await enrolled({ bundle: true });
    chmodSync(path('app.pem'), 0o640);
    symlinkSync('app.pem', path('link.pem'));
    const before = current();
    const { json, error } = await run({ force: true, cert: path('link.pem'), url: ca.url, root: path('root.pem') });
    assert.equal(json.renewed, true, error.message);
    const after = current();
    assert.notDeepEqual(after.spki, before.spki);
    const { publicKey } = await provider.importPrivateKey(parsePrivateKey(readFileSync(path('app.pem'))));
    assert.deepEqual(after.spki, publicKey.spki);
    assert.equal(statSync(path('app.pem')).mode & 0o777, 0o640);
    assert.equal(readFileSync(path('link.pem'), 'utf8'), readFileSync(path('app.pem'), 'utf8'));
  });

  test('a certificate for more, or fewer, or another key takes the place of none', async () => {
    const before = readFileSync(path('app.pem'), 'utf8');
    ca.names = ['app.test', 'other.test'];
    const { error } = await run({ force: true });
    assert.match(error.message ?? '', /^the CA has sent a certificate for app\.test, other\.test$/);
    ca.names = ['app.test'];
    assert.equal(readFileSync(path('app.pem'), 'utf8'), before);
  });

  test('the hook is run as it was given, with the files in its environment; a failure is told, and it is run again', async () => {
    await enrolled({ hook: `echo "$HANDFAST_CERT|$HANDFAST_KEY" >> '${path('hook')}'; exit 3` });
    const failed = await run({ force: true });
    assert.deepEqual([failed.error.message, failed.error.exitCode], ['the hook has failed: exit code 3', 1]);
    const { serialNumberHex } = current();
    const files = `${path('app.pem')}|${path('app-key.pem')}\n`;
    assert.equal(readFileSync(path('hook'), 'utf8'), files);
    assert.equal((await run({ hook: `echo well >> '${path('hook')}'` })).json.renewed, false);
    assert.equal(current().serialNumberHex, serialNumberHex);
    assert.equal(readFileSync(path('hook'), 'utf8'), `${files}well\n`);
    // Done: it is not run once more.
    assert.equal((await run({ hook: 'exit 1' })).code, 0);
    assert.equal(existsSync(path('app.pem.hook-due')), false);
  });

  test('what cannot be put in the old one’s place is not asked for', async () => {
    // So long that no file beside it can have a longer name.
    const name = `${'x'.repeat(246)}.pem`;
    const elsewhere = { key: path('app-key.pem'), url: ca.url, root: path('root.pem'), force: true };
    renameSync(path('app.pem'), path(name));
    const unkept = await run({ ...elsewhere, cert: path(name) });
    assert.match(unkept.error.message ?? '', /^"[^"]*…" cannot be replaced: .*\(ENAMETOOLONG\)$/);
    assert.equal(unkept.error.hint, 'what was there is unchanged');
    renameSync(path(name), path('app.pem'));
    symlinkSync('app.pem', path(name));
    const unnoted = await run({ ...elsewhere, cert: path(name), hook: 'true' });
    assert.match(unnoted.error.message ?? '', /^"[^"]*…" cannot be written: .*\(ENAMETOOLONG\)$/);
    assert.equal(unnoted.error.hint, 'there it is noted that the hook is due');
    assert.deepEqual(ca.asked, []);
    assert.equal((await run({ ...elsewhere, cert: path(name) })).json.renewed, true);
    assert.deepEqual(readdirSync(folder).toSorted(), ['app-key.pem', 'app.pem', 'app.renew.json', 'root.pem', name]);
  });

  test('nothing in a file’s name is a command', async () => {
    const name = '$(touch evil);app.pem';
    writeFileSync(path(name), readFileSync(path('app.pem')));
    const options = { cert: path(name), key: path('app-key.pem'), url: ca.url, root: path('root.pem'), force: true };
    const hook = `test -f "$HANDFAST_CERT" && test ! -e '${path('evil')}'`;
    assert.equal((await run({ ...options, hook })).code, 0);
  });

  test('what has expired, or is revoked, says what helps', async () => {
    world.time += 31 * day;
    const expired = await run({ force: true });
    assert.match(
      expired.error.message ?? '',
      /^the certificate for app\.test ended 24 hours ago, and cannot renew itself any more$/,
    );
    assert.match(expired.error.hint ?? '', /^at the CA: handfast ca token app\.test; here: handfast enroll https:/);
    assert.equal(ca.asked.length, 0);
    world.time -= 31 * day;
    ca.answers = [() => problem(403, 'certificate_revoked', 'the certificate is revoked: enrol with a new token')];
    const revoked = await run();
    assert.deepEqual(
      [revoked.error.exitCode, revoked.error.message],
      [5, 'the CA refuses: the certificate is revoked: enrol with a new token'],
    );
  });

  test('a CA that is away is no failure while nothing is due', async () => {
    const gone = await FakeCa.open();
    const { url } = gone;
    await gone.close();
    writeFileSync(state, readFileSync(state, 'utf8').replace(ca.url, url));
    const { code, json } = await run();
    assert.deepEqual([code, json.renewed], [0, false]);
    assert.match(one.stderr.text, /could not be asked when to renew/);
    const forced = await run({ force: true });
    assert.equal(forced.error.exitCode, 3);
  });

  test('misuse is told', async () => {
    const { exitCode, stderr } = await finish(['renew', '--json']);
    assert.deepEqual([exitCode, stderr.values[0]?.message], [2, 'what is to be renewed?']);
    assert.equal((await run({ cert: 'x' })).error.exitCode, 2);
    writeFileSync(state, '{}');
    assert.match((await run()).error.message ?? '', /version is not 1$/);
    writeFileSync(state, '{"version":1,"url":"https://ca.test"}');
    assert.match((await run()).error.message ?? '', /root is no text$/);
    await enrolled();
    writeFileSync(path('app-key.pem'), toPem('PRIVATE KEY', (await provider.generateKeyPair('secp256r1')).pkcs8));
    assert.match((await run()).error.message ?? '', /app-key\.pem" is not the key of /);
  });
});

describe('handfast renew --daemon', () => {
  test('asks every six hours, renews when it is due, and stops when it is told to', async () => {
    const before = current();
    world.meanwhile = [
      () => {
        ca.renewAt = new Date(0);
      },
      () => {
        ca.renewAt = undefined;
      },
      stop,
    ];
    assert.equal((await run({ daemon: true })).code, 0);
    assert.deepEqual(told(), ['waiting', 'renewed', 'waiting', 'stopped']);
    assert.deepEqual(world.waits, [360 * minute, 360 * minute, 360 * minute]);
    assert.notEqual(current().serialNumberHex, before.serialNumberHex);
  });

  test('waits longer with each failure, and outlives them', async () => {
    world.time += 21 * day;
    const away = (): 'cut' => 'cut';
    ca.answers = Array.from({ length: 8 }, () => away);
    ca.from = new Date(world.time - minute);
    ca.to = new Date(world.time + 30 * day);
    world.meanwhile = [...Array.from({ length: 8 }, () => () => undefined), stop];
    assert.equal((await run({ daemon: true })).code, 0);
    assert.deepEqual(
      world.waits.map((ms) => ms / minute),
      [1, 2, 4, 8, 16, 32, 60, 60, 360],
    );
    assert.deepEqual(told(), [...Array.from({ length: 8 }, () => 'error'), 'renewed', 'stopped']);
  });

  test('runs a hook again that has failed, and renews no more for it', async () => {
    const hook = `test -e '${path('ready')}'`;
    world.meanwhile = [() => writeFileSync(path('ready'), ''), stop];
    assert.equal((await run({ daemon: true, hook, force: true })).code, 0);
    assert.deepEqual(told(), ['renewed', 'error', 'waiting', 'stopped']);
    assert.equal(ca.asked.filter(({ method }) => method === 'POST').length, 1);
  });

  test('told to stop while a hook runs, it ends the hook, which is due the next time', async () => {
    const running = run({ daemon: true, hook: 'echo begun >&2; exec sleep 60', force: true });
    await one.stderr.match(/^begun$/m);
    stop();
    assert.equal((await running).code, 0);
    assert.match(one.stderr.text, /\{"event":"stopped"\}\n$/);
    assert.equal(existsSync(path('app.pem.hook-due')), true);
    assert.deepEqual(world.waits, []);
  });

  test('ends where only a new token helps', async () => {
    ca.answers = [() => problem(403, 'not_renewable', 'issued another way')];
    const { error } = await run({ daemon: true });
    assert.deepEqual([error.exitCode, error.message], [5, 'the CA refuses: issued another way']);
    assert.deepEqual(world.waits, []);
  });
});
