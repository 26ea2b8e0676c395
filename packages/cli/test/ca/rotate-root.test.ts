import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, fingerprintOf, parseCrls } from '@handfast/x509';
import { keyPassphrase } from '../../src/ca/issuer-key.ts';
import { openFolder } from '../../src/ca/open.ts';
import { leftoversOf } from '../../src/ca/rotation.ts';
import { trust } from '../../src/ca/trust/trust.ts';
import { Output } from '../support/io.ts';
import {
  certificateOf,
  certificatesOf,
  type IssuedFiles,
  issued,
  opensslVerdict,
  told,
  verdict,
} from './rotation-support.ts';
import { Place } from './support.ts';

const dayMs = 86_400_000;
const place = new Place();
const [oldKey, newKey] = [place.path('old-key.pem'), place.path('new-key.pem')];
const rotation = ['rotate', 'root', '--root-key', oldKey, '--new-root-key', newKey, '--no-passphrase'] as const;
let oldRoot: Certificate;
let newRoot: Certificate;
let early: IssuedFiles;

before(async () => {
  await place.json(
    ...['init', '--allow', 'corp.test', '--base-url', 'http://ca.corp.test'],
    ...['--root-key', oldKey, '--no-passphrase'],
  );
  const config = JSON.parse(readFileSync(place.path('ca', 'config.json'), 'utf8')) as object;
  place.file('ca/config.json', JSON.stringify({ ...config, revocation: { crlShards: 0 } }));
  oldRoot = certificateOf(place.path('ca', 'root.pem'));
});
after(() => place.remove());

function configured(more: object): void {
  const config = JSON.parse(readFileSync(place.path('ca', 'config.json'), 'utf8')) as object;
  place.file('ca/config.json', JSON.stringify({ ...config, ...more }));
}

async function verdicts(leaf: IssuedFiles): Promise<readonly string[]> {
  const all: string[] = [];
  for (const root of [oldRoot, newRoot]) all.push(await verdict(leaf, root), await opensslVerdict(leaf, root));
  return all;
}

const names = ({ chain }: IssuedFiles) => chain.slice(1).map(({ subject, issuer }) => [subject, issuer].map(String));

describe('ca rotate root', () => {
  test('makes a root that the old one certifies: who trusts either alone verifies what is issued from then on', async () => {
    early = await issued(place, 'early.corp.test');
    const answer = await told(place, ...rotation);
    newRoot = certificateOf(place.path('ca', 'root.pem'));
    assert.deepEqual(certificateOf(place.path('ca', 'previous-root.pem')).raw, oldRoot.raw);
    const [intermediate, cross] = ['intermediate.pem', 'between.pem'].map((file) =>
      certificateOf(place.path('ca', file)),
    );
    assert.deepEqual(answer, {
      root: {
        file: place.path('ca', 'root.pem'),
        name: newRoot.subject.toString(),
        notAfter: `${newRoot.notAfter.toISOString().slice(0, 19)}Z`,
        sha256: fingerprintOf(provider, newRoot),
      },
      rootKey: newKey,
      previousRoot: {
        file: place.path('ca', 'previous-root.pem'),
        neededUntil: `${early.chain[0]?.notAfter.toISOString().slice(0, 19)}Z`,
      },
      chain: 'old',
    });
    assert.match(readFileSync(newKey, 'utf8'), /^-----BEGIN PRIVATE KEY-----\n/);
    for (const certificate of [newRoot, intermediate, cross]) {
      assert.deepEqual(certificate?.extension('nameConstraints')?.value, oldRoot.extension('nameConstraints')?.value);
    }
    assert.deepEqual(intermediate?.spki, early.chain[1]?.spki);
    const late = await issued(place, 'late.corp.test');
    const [under, below, above] = [intermediate, newRoot, oldRoot].map((one) => String(one?.subject));
    assert.deepEqual(names(late), [
      [under, below],
      [below, above],
    ]);
    assert.deepEqual(await verdicts(late), ['ok', 'ok', 'ok', 'ok']);
    assert.deepEqual(await verdicts(early), ['ok', 'ok', 'unknown_issuer', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY']);
  });

  test('offers the chain to the other root besides, or first where the configuration says so', async () => {
    const ca = await openFolder(place.dir, keyPassphrase({}, {} as never));
    try {
      const { signer } = await provider.generateKeyPair('secp256r1');
      const request = { publicKey: signer.publicKey, names: ['both.corp.test'], by: 'a test' };
      const { chain, alternates } = await ca.authority.issue(request);
      assert.deepEqual([chain.length, alternates?.map(({ length }) => length)], [3, [2]]);
      assert.deepEqual(
        ca.authority.roots.map(({ raw }) => raw),
        [oldRoot.raw, newRoot.raw],
      );
      configured({ chain: 'new' });
      assert.equal(await ca.refresh(), true);
      assert.equal(await ca.refresh(), false);
      const other = await ca.authority.issue({ ...request, names: ['other.corp.test'] });
      assert.deepEqual([other.chain.length, other.alternates?.map(({ length }) => length)], [2, [3]]);
    } finally {
      await ca.close();
    }
    configured({ chain: undefined });
  });

  test('both roots sign lists, and both lists are exported', async () => {
    for (const key of [oldKey, newKey]) {
      const since = Date.now();
      const { number, revoked } = await told(place, 'crl', 'root', '--root-key', key);
      assert.equal(revoked, 0);
      assert.ok(BigInt(String(number)) >= BigInt(since), String(number));
    }
    await place.json('crl', 'export', '--out', place.path('crl.pem'));
    const issuers = parseCrls(readFileSync(place.path('crl.pem'))).map(({ issuer }) => issuer.toString());
    const own = certificateOf(place.path('ca', 'intermediate.pem')).subject.toString();
    assert.deepEqual(issuers.toSorted(), [own, oldRoot.subject.toString(), newRoot.subject.toString()].toSorted());
  });

  test('an intermediate after that is the new root’s, and both verify what it issues', async () => {
    const old = await place.refusal('rotate', 'intermediate', '--root-key', oldKey);
    assert.equal(old.message, `--root-key "${oldKey}" is not the key of ${JSON.stringify(newRoot.subject.toString())}`);
    await place.json('rotate', 'intermediate', '--root-key', newKey);
    assert.deepEqual(await verdicts(await issued(place, 'later.corp.test')), ['ok', 'ok', 'ok', 'ok']);
  });

  test('this machine is told to trust both, and whether it does', async () => {
    const stdout = new Output();
    const stream = new PassThrough();
    const io = { stdin: stream, stdout: stdout.stream, stderr: stream, env: {}, interrupted: AbortSignal.abort() };
    const machine = {
      ...{ platform: 'linux', root: place.path('machine'), home: place.path('machine'), administrator: true },
      run: () => Promise.resolve({ exitCode: undefined, stdout: '', stderr: '' }),
    };
    await trust('status', { dir: place.dir, json: true }, io, machine);
    const [answer] = stdout.values as readonly { root: object; previous: { root: object } }[];
    assert.deepEqual(answer?.root, {
      file: place.path('ca', 'root.pem'),
      sha256: fingerprintOf(provider, newRoot),
    });
    assert.deepEqual(answer?.previous.root, {
      file: place.path('ca', 'previous-root.pem'),
      sha256: fingerprintOf(provider, oldRoot),
    });
    await trust('status', { dir: place.dir, color: false }, io, machine);
    assert.match(stdout.text, /, the root before: until handfast ca rotate says that nobody needs it\n/);
  });

  test('there is no third root before the first is gone; that goes when no certificate needs it', async () => {
    const third = [
      'rotate',
      'root',
      '--root-key',
      newKey,
      '--new-root-key',
      place.path('third.pem'),
      '--no-passphrase',
    ];
    assert.deepEqual(await place.refusal(...third), {
      exitCode: 2,
      message: 'two roots are in use already: this one, and the one before',
      hint: 'handfast ca rotate says when nobody needs the old one; then handfast ca rotate clean removes it',
    });
    assert.ok(!existsSync(place.path('third.pem')));
    assert.equal((await place.json('rotate', 'clean'))[0]?.root, null);
    const ca = await openFolder(place.dir, keyPassphrase({}, {} as never));
    const later = await leftoversOf(ca, new Date(Date.now() + 91 * dayMs));
    assert.equal(later.previousRoot?.needed, false);
    await ca.close();
    for (const { serial } of await place.json('list')) await place.json('revoke', String(serial));
    const gone = await told<{ root: { sha256: string } }>(place, 'rotate', 'clean');
    assert.equal(gone.root.sha256, fingerprintOf(provider, oldRoot));
    assert.deepEqual(certificateOf(place.path('ca', 'former-roots.pem')).raw, oldRoot.raw);
    for (const file of ['previous-root.pem', 'between.pem']) assert.ok(!existsSync(place.path('ca', file)));
    const last = await issued(place, 'last.corp.test');
    assert.equal(last.chain.length, 2);
    assert.deepEqual((await verdicts(last)).slice(2), ['ok', 'ok']);
  });

  test('roots that are dropped are kept for those who trust them still, each once', async () => {
    const other = new Place();
    const key = (at: number): string => other.path(`key-${at}.pem`);
    await other.json('init', '--dev', '--root-key', key(0), '--no-passphrase');
    const roots: Certificate[] = [];
    for (const at of [0, 1]) {
      roots.push(certificateOf(other.path('ca', 'root.pem')));
      await other.json('rotate', 'root', '--root-key', key(at), '--new-root-key', key(at + 1), '--no-passphrase');
      const { stdout } = await other.ca('rotate', 'clean');
      assert.match(
        stdout.text,
        /\n {2}Machines +may trust it still\n +handfast ca trust uninstall --former has this one forget it\n/,
      );
    }
    await other.json('rotate', 'clean');
    const kept = certificatesOf(other.path('ca', 'former-roots.pem'));
    assert.deepEqual(
      kept.map(({ raw }) => raw),
      roots.map(({ raw }) => raw),
    );
    other.remove();
  });

  test('takes the new key back where nothing comes of it', async () => {
    const lost = place.path('lost.pem');
    const refused = await place.refusal(
      'rotate',
      'root',
      '--root-key',
      oldKey,
      '--new-root-key',
      lost,
      '--no-passphrase',
    );
    assert.equal(refused.exitCode, 2);
    assert.ok(!existsSync(lost));
    const unnamed = ['rotate', 'root', '--root-key', newKey, '--new-root-key', lost];
    assert.deepEqual(await place.refusal(...unnamed), {
      exitCode: 2,
      message: 'a passphrase is needed, and there is no terminal to ask at',
      hint: 'write it into a file that only you can read, and name it with --new-passphrase-file',
    });
    const inside = place.path('ca', 'key.pem');
    const within = ['rotate', 'root', '--root-key', newKey, '--new-root-key', inside, '--no-passphrase'];
    assert.deepEqual(await place.refusal(...within), {
      exitCode: 2,
      message: `--new-root-key "${inside}" is in the CA’s own folder`,
      hint: 'whoever gets at the CA must not get at its root: name a file elsewhere',
    });
  });
});
