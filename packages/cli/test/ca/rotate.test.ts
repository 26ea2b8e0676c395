import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { keyPassphrase } from '../../src/ca/issuer-key.ts';
import { type OpenCa, openFolder } from '../../src/ca/open.ts';
import { changeFolder } from '../../src/ca/pending.ts';
import { leftoversOf } from '../../src/ca/rotation.ts';
import { watchIssuers } from '../../src/ca/serving/issuers.ts';
import { Report } from '../../src/report.ts';
import { Output, type Session, start } from '../support/io.ts';
import { https } from './acme-client.ts';
import { certificateOf, issued, opensslVerdict, revokedBy, statusOf, told, verdict } from './rotation-support.ts';
import { modeOf, Place } from './support.ts';

const dayMs = 86_400_000;
const place = new Place();
const rootKey = place.path('root-key.pem');
const rotation = ['rotate', 'intermediate', '--root-key', rootKey] as const;
const current = () => certificateOf(place.path('ca', 'intermediate.pem'));
const root = () => certificateOf(place.path('ca', 'root.pem'));

before(async () => {
  await place.json(
    ...['init', '--dev', '--name', 'corp.test', '--base-url', 'http://ca.corp.test', '--ocsp'],
    ...['--root-key', rootKey, '--no-passphrase'],
  );
  const config = JSON.parse(readFileSync(place.path('ca', 'config.json'), 'utf8')) as object;
  place.file('ca/config.json', JSON.stringify({ ...config, revocation: { crlShards: 0 } }));
});
after(() => place.remove());

const sessions: Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) {
    session.interrupt.abort();
    await session.exitCode;
  }
});

async function open(): Promise<OpenCa> {
  return await openFolder(place.dir, keyPassphrase({}, {} as never));
}

describe('ca rotate intermediate', () => {
  test('issues by another one; what the old one has issued verifies, and is revoked in its own list', async () => {
    const before = current();
    const old = await issued(place, 'old.corp.test');
    const answer = await told<{ issuer: { id: string }; before: { id: string } }>(place, ...rotation);
    const now = current();
    assert.notDeepEqual(now.spki, before.spki);
    assert.notEqual(now.subject.toString(), before.subject.toString());
    assert.deepEqual(now.extension('nameConstraints')?.value, before.extension('nameConstraints')?.value);
    assert.deepEqual(now.extendedKeyUsage, before.extendedKeyUsage);
    const { id: retiredId } = answer.before;
    const { id } = answer.issuer;
    assert.deepEqual(answer, {
      issuer: { id, name: now.subject.toString(), notAfter: `${now.notAfter.toISOString().slice(0, 19)}Z` },
      before: { id: retiredId, neededUntil: `${old.chain[0]?.notAfter.toISOString().slice(0, 19)}Z` },
    });
    const young = await issued(place, 'new.corp.test');
    assert.equal(young.chain[0]?.issuer.toString(), now.subject.toString());
    for (const leaf of [old, young]) {
      assert.equal(await verdict(leaf, root()), 'ok');
      assert.equal(await opensslVerdict(leaf, root()), 'ok');
    }
    await place.json('revoke', old.serial);
    const lists = await revokedBy(place);
    assert.deepEqual(lists.get(before.subject.toString()), [old.serial]);
    assert.deepEqual(lists.get(now.subject.toString()), []);
    const kept = place.path('ca', 'issuers', retiredId);
    assert.deepEqual(readdirSync(kept).toSorted(), ['chain.pem', 'key.pem']);
    if (process.platform !== 'win32') assert.equal(modeOf(join(kept, 'key.pem')), 0o600);
    assert.ok(!existsSync(place.path('ca', 'next')));
  });

  test('says what is needed and until when, and removes no key before', async () => {
    const { retired: all, previousRoot, waiting } = await statusOf(place);
    const [retired] = all;
    assert.deepEqual([retired?.needed, previousRoot, waiting], [true, null, null]);
    assert.deepEqual(await place.json('rotate', 'clean'), [{ removed: [], root: null }]);
    const { stdout } = await place.ca('rotate', 'status');
    assert.match(stdout.text, /\n {2}Retired +CN=.+\n +needed until \d{4}-\d\d-\d\dT\S+, in \d+ days\n/);
    assert.ok(existsSync(place.path('ca', 'issuers', retired?.id ?? '', 'key.pem')));
  });

  test('an issuer whose last certificate has ended is not needed, and a server says so each day', async () => {
    const ca = await open();
    try {
      const end = new Date(Date.now() + 91 * dayMs);
      const { retired } = await leftoversOf(ca, end);
      assert.deepEqual(
        retired.map(({ needed }) => needed),
        [false],
      );
      let now = end;
      const stderr = new Output();
      const report = new Report({ stderr: stderr.stream, env: {} } as never, {});
      const watch = watchIssuers(ca, { report, changed: () => assert.fail('nothing has changed'), now: () => now });
      await watch.look();
      now = new Date(end.getTime() + dayMs);
      await watch.look();
      await watch.close();
      const name = retired[0]?.certificate.subject.toString();
      const line = `warning: no longer needed: ${name}: handfast ca rotate clean removes what is left of them`;
      assert.deepEqual(stderr.lines, [line, line]);
    } finally {
      await ca.close();
    }
  });

  test('is taken up by a server that runs, and no request fails meanwhile', async () => {
    const argv = ['--dev', '--json', '--port', '0', '--http-port', '0', '--dir', place.dir];
    const session = start(['ca', 'serve', ...argv]);
    sessions.push(session);
    const [line] = await session.stderr.match(/^\{"event":"listening".*$/m);
    const { directory } = JSON.parse(line) as { directory: string };
    const url = directory.replace('ca.corp.test', '127.0.0.1');
    const ca = readFileSync(place.path('ca', 'root.pem'), 'utf8');
    const statuses: number[] = [];
    let asking = true;
    const requests = (async () => {
      while (asking) statuses.push((await https(ca, url)).status);
    })();
    await place.json(...rotation);
    process.kill(process.pid, 'SIGHUP');
    const [event] = await session.stderr.match(/^\{"event":"issuer".*$/m);
    assert.equal((JSON.parse(event) as { name: string }).name, current().subject.toString());
    statuses.push((await https(ca, url)).status);
    asking = false;
    await requests;
    assert.deepEqual([...new Set(statuses)], [200]);
    // The one that it shows is by the new issuer.
    const shown = await place.json('list', '--search', 'localhost', '--limit', '1');
    assert.equal(shown[0]?.issuer, (await statusOf(place)).issuer.id);
  });

  test('an issuer that has issued nothing is removed at once, its list stays', async () => {
    await place.json(...rotation);
    await place.json(...rotation);
    const idle = (await statusOf(place)).retired.filter(({ needed }) => !needed);
    assert.equal(idle.length, 1);
    assert.deepEqual(await told(place, 'rotate', 'clean'), { removed: [idle[0]?.id], root: null });
    assert.ok(!existsSync(place.path('ca', 'issuers', idle[0]?.id ?? '')));
    assert.equal((await place.json('rotate', 'clean'))[0]?.root, null);
  });

  test('a process that ends between decision and deed is made up for by the next', async () => {
    const before = current();
    const other = new Place();
    try {
      await other.json('init', '--dev', '--root-key', other.path('key.pem'), '--no-passphrase');
      const was = certificateOf(other.path('ca', 'intermediate.pem'));
      mkdirSync(other.path('ca', 'next'));
      for (const file of ['intermediate.pem', 'intermediate-key.pem', 'root.pem']) {
        writeFileSync(other.path('ca', 'next', file), readFileSync(place.path('ca', file)));
      }
      writeFileSync(other.path('ca', 'next', 'removed.json'), '["gone.txt"]');
      writeFileSync(other.path('ca', 'gone.txt'), '');
      await other.json('list');
      assert.deepEqual(certificateOf(other.path('ca', 'intermediate.pem')).raw, before.raw);
      assert.notDeepEqual(was.raw, before.raw);
      assert.ok(!existsSync(other.path('ca', 'next')));
      assert.ok(!existsSync(other.path('ca', 'gone.txt')));
      mkdirSync(other.path('ca', '.next.0123'));
      changeFolder(other.dir, [{ path: 'issuers/note', content: 'x', mode: 0o600 }]);
      assert.ok(!existsSync(other.path('ca', '.next.0123')));
      assert.equal(readFileSync(other.path('ca', 'issuers', 'note'), 'utf8'), 'x');
    } finally {
      other.remove();
    }
  });

  test('refuses what makes none, with what to do', async () => {
    const stranger = new Place();
    await stranger.json('init', '--dev', '--root-key', stranger.path('key.pem'), '--no-passphrase');
    const name = JSON.stringify(root().subject.toString());
    const who = '--root-key FILE signs it here; --csr makes a request for a root whose key is elsewhere';
    const thrownAway = `handfast ca init --dev has thrown the root’s key away, unless it was given --root-key: without it make another CA, once ${JSON.stringify(place.dir)} is removed. With it,`;
    const refusals: readonly (readonly [readonly string[], string, string | null])[] = [
      [['intermediate'], 'who is to sign the new intermediate?', `${thrownAway} ${who}`],
      [
        ['root', '--new-root-key', place.path('new.pem')],
        'who is to certify the new root?',
        `${thrownAway} --root-key FILE is the old root’s key`,
      ],
      [['intermediate', '--csr', '--root-key', rootKey], '--csr and --root-key contradict each other', who],
      [
        ['intermediate', '--root-key', stranger.path('key.pem')],
        `--root-key "${stranger.path('key.pem')}" is not the key of ${name}`,
        null,
      ],
      [['intermediate', '--root-key', rootKey, '--signer-setting', 'key=1'], '--signer-setting without --signer', null],
    ];
    for (const [argv, message, hint] of refusals) {
      assert.deepEqual(await place.refusal('rotate', ...argv), { exitCode: 2, message, hint }, argv.join(' '));
    }
    stranger.remove();
  });

  test('a profile that names an issuer of its own keeps it, and one that is not here is refused', async () => {
    const file = place.path('ca', 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    const { id } = (await statusOf(place)).issuer;
    writeFileSync(file, JSON.stringify({ ...config, profiles: [{ name: 'kept', issuer: id }] }));
    const { stderr } = await place.ca(...rotation);
    assert.deepEqual(stderr.lines, [
      'warning: the profile "kept" names an issuer of its own, and keeps it: "issuer" in config.json',
    ]);
    writeFileSync(file, JSON.stringify({ ...config, profiles: [{ name: 'lost', issuer: 'ab'.repeat(32) }] }));
    const refused = await place.refusal('list');
    assert.equal(refused.exitCode, 2);
    assert.equal(
      refused.message,
      `"${file}": the profile "lost" names the issuer "${'ab'.repeat(32)}", which is not here`,
    );
    assert.match(String(refused.hint), /^issuers are [0-9a-f]{64}, .+; without "issuer" the newest signs$/);
    writeFileSync(file, JSON.stringify(config));
  });
});

describe('an issuing key under a passphrase', () => {
  test('has a successor under the same one', async () => {
    const locked = new Place();
    const key = ['--key-passphrase-file', locked.file('passphrase', 'correct horse\n')];
    const own = locked.path('root-key.pem');
    await locked.json('init', '--dev', '--encrypt-key', ...key, '--root-key', own, '--no-passphrase');
    const turn = ['rotate', 'intermediate', '--root-key', own];
    await locked.json(...turn, ...key);
    assert.match(readFileSync(locked.path('ca', 'intermediate-key.pem'), 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY/);
    const leaf = await issued(locked, 'app.test', ...key);
    assert.equal(await verdict(leaf, certificateOf(locked.path('ca', 'root.pem'))), 'ok');
    locked.remove();
  });
});
