/**
 * Two operators at one CA: while one is asked for a passphrase, the other changes what the first has read.
 */

import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { filesBelow } from '../../src/ca/pending.ts';
import { run } from '../../src/run.ts';
import { Output } from '../support/io.ts';
import { issued, statusOf } from './rotation-support.ts';
import { Place } from './support.ts';

const place = new Place();
const rootKey = place.path('root-key.pem');
const passphrase = place.file('passphrase', 'secret\n');
const byFile = ['--passphrase-file', passphrase] as const;
const rotation = ['rotate', 'intermediate', '--root-key', rootKey] as const;

before(async () => {
  await place.json('init', '--allow', 'corp.test', '--root-key', rootKey, ...byFile);
});
after(() => place.remove());

/** What a command says that is asked for a passphrase, and answered once somebody else has done something. */
async function asked(
  argv: readonly string[],
  meanwhile: () => Promise<unknown>,
  { dir } = place,
): Promise<readonly unknown[]> {
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode(on: boolean): void {
      if (on) void meanwhile().finally(() => stdin.write('secret\r'));
    },
  });
  const [stdout, stderr] = [new Output(), new Output()];
  const interrupted = new AbortController().signal;
  const io = { stdin, stdout: stdout.stream, stderr: stderr.stream, env: {}, interrupted };
  const exitCode = await run(['ca', ...argv, '--dir', dir], io);
  return [exitCode, ...stderr.lines.filter((line) => !line.startsWith('Passphrase'))];
}

function contents({ dir } = place): ReadonlyMap<string, string> {
  const files = filesBelow(dir).filter((path) => !path.startsWith('ca.db'));
  return new Map(files.map((path) => [path, readFileSync(`${dir}/${path}`, 'latin1')]));
}

const refusal = [
  1,
  '✗ the CA was changed meanwhile by somebody else: nothing was done',
  '  hint    run the command again: it goes by what is there then',
];

describe('what another operator has done meanwhile', () => {
  test('is not undone by a rotation of the intermediate: no issuer loses its key', async () => {
    const before = (await statusOf(place)).issuer;
    let after = contents();
    const said = await asked(rotation, async () => {
      await place.json(...rotation, ...byFile);
      await issued(place, 'between.corp.test');
      after = contents();
    });
    assert.deepEqual(said, refusal);
    assert.deepEqual(contents(), after);
    const { issuer, retired } = await statusOf(place);
    assert.deepEqual([retired.map(({ id }) => id), issuer.id === before.id], [[before.id], false]);
    // And the next goes well.
    await place.json(...rotation, ...byFile);
    assert.equal((await statusOf(place)).retired.length, 2);
  });

  test('is not undone by a rotation of the root, which takes its key back', async () => {
    const newKey = place.path('new-root-key.pem');
    let after = contents();
    const said = await asked(
      ['rotate', 'root', '--root-key', rootKey, '--new-root-key', newKey, '--new-passphrase-file', passphrase],
      async () => {
        await place.json(...rotation, ...byFile);
        after = contents();
      },
    );
    assert.deepEqual(said, refusal);
    assert.deepEqual(contents(), after);
    assert.ok(!existsSync(newKey));
  });

  test('is not undone by a request: the key of the one that waits stays', async () => {
    const locked = new Place();
    try {
      const keyByFile = ['--key-passphrase-file', passphrase];
      await locked.json('init', '--dev', '--encrypt-key', ...keyByFile);
      const request = ['rotate', 'intermediate', '--csr'];
      let after = contents(locked);
      const meanwhile = async (): Promise<void> => {
        await locked.json(...request, ...keyByFile);
        after = contents(locked);
      };
      assert.deepEqual(await asked(request, meanwhile, locked), refusal);
      assert.deepEqual(contents(locked), after);
      assert.ok(after.has('waiting/key.pem'));
    } finally {
      locked.remove();
    }
  });

  test('counts where it is a line in the configuration, too', async () => {
    const config = JSON.parse(readFileSync(place.path('ca', 'config.json'), 'utf8')) as object;
    const said = await asked(rotation, async () => {
      place.file('ca/config.json', JSON.stringify({ ...config, revocation: { crlShards: 0 } }));
    });
    assert.deepEqual(said, refusal);
  });
});

test('lists are exported with a warning where the key of an issuer is not here that somebody needs', async () => {
  const other = new Place();
  try {
    cpSync(place.dir, other.dir, { recursive: true });
    chmodSync(other.dir, 0o700);
    const { issuer } = await statusOf(other);
    const leaf = await issued(other, 'kept.corp.test');
    await other.json(...rotation, ...byFile);
    const lists = ['crl', 'export', '--out', other.path('lists.pem')];
    assert.deepEqual((await other.ca(...lists)).stderr.lines.slice(0, -1), []);
    rmSync(other.path('ca', 'issuers', issuer.id), { recursive: true });
    const { exitCode, stderr } = await other.ca(...lists);
    assert.equal(exitCode, 0);
    const until = `${leaf.chain[0]?.notAfter.toISOString().slice(0, 19)}Z`;
    assert.deepEqual(stderr.lines.slice(0, -1), [
      `warning: nothing that is revoked of ${issuer.name} appears in a list: its key is not here, and its certificates are good until ${until}: a backup may have issuers/${issuer.id}/`,
    ]);
  } finally {
    other.remove();
  }
});
