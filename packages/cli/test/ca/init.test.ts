import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { decryptPrivateKey, fingerprintOf, parseCertificates, parsePem, parsePrivateKey, toPem } from '@handfast/x509';
import { finish } from '../support/io.ts';
import { modeOf, Place } from './support.ts';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.remove());

const posix = process.platform !== 'win32';
const certificate = (file: string) => {
  const [found] = parseCertificates(readFileSync(file));
  assert.ok(found !== undefined);
  return found;
};

describe('ca init --dev', () => {
  test('makes a folder for its owner alone, with a root whose key nobody has', async () => {
    const { exitCode, stdout, stderr } = await place.ca('init', '--dev');
    assert.equal(exitCode, 0);
    assert.equal(stderr.text, '');
    assert.match(stdout.text, /^The CA "handfast dev .+@.+" is in .+\/ca\n/);
    assert.match(stdout.text, /Root’s key +thrown away: nobody can sign with it again\n/);
    assert.match(stdout.text, /\nNext:\n {2}handfast ca trust install --dir /);
    const files = readdirSync(place.dir).toSorted();
    assert.deepEqual(files, [
      ...['audit-key.pem', 'audit.pem', 'ca.db', 'config.json'],
      ...['intermediate-key.pem', 'intermediate.pem', 'root.pem'],
    ]);
    assert.deepEqual(readdirSync(place.directory), ['ca']);
    if (posix) {
      assert.equal(modeOf(place.dir), 0o700);
      assert.equal(modeOf(join(place.dir, 'intermediate-key.pem')), 0o600);
    }
  });

  test('confines root and intermediate to local names, and the intermediate to TLS', async () => {
    const [made] = await place.json('init', '--dev', '--name', 'staging.example.com', '192.0.2.0/24');
    const root = certificate(join(place.dir, 'root.pem'));
    const intermediate = certificate(join(place.dir, 'intermediate.pem'));
    for (const { nameConstraints } of [root, intermediate]) {
      const domains = (nameConstraints?.permitted ?? []).flatMap((name) => (name.kind === 'dns' ? [name.text] : []));
      assert.deepEqual(domains, ['test', 'localhost', 'internal', 'home.arpa', 'staging.example.com']);
      assert.equal(nameConstraints?.permitted.filter(({ kind }) => kind === 'ip').length, 9);
      assert.ok(
        nameConstraints?.permitted.some((name) => name.kind === 'email' && name.text === '.staging.example.com'),
      );
    }
    assert.deepEqual(root.basicConstraints, { ca: true, pathLength: 2 });
    assert.deepEqual(intermediate.basicConstraints, { ca: true, pathLength: 0 });
    assert.deepEqual(intermediate.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    const names = [
      ...['test', 'localhost', 'internal', 'home.arpa', 'staging.example.com'],
      ...['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7'],
      ...['fe80::/10', '192.0.2.0/24'],
    ];
    const title = String(made?.title);
    const { dashboardToken, ...others } = made ?? {};
    assert.match(String(dashboardToken), /^hfa_[\w-]{43}$/);
    assert.deepEqual(others, {
      folder: place.dir,
      kind: 'development',
      title,
      root: {
        file: join(place.dir, 'root.pem'),
        notAfter: `${root.notAfter.toISOString().slice(0, 19)}Z`,
        sha256: fingerprintOf(provider, root),
      },
      rootKey: null,
      rootCrlUntil: `${root.notAfter.toISOString().slice(0, 19)}Z`,
      allow: names,
      constrainedTo: names,
      baseUrl: null,
    });
    assert.deepEqual(JSON.parse(readFileSync(join(place.dir, 'config.json'), 'utf8')), {
      version: 1,
      kind: 'development',
      title,
      allow: names,
      wildcards: true,
    });
  });

  test('makes no second CA over the first, nor among other files', async () => {
    await place.json('init', '--dev');
    const before = readFileSync(join(place.dir, 'root.pem'));
    assert.deepEqual(await place.refusal('init', '--dev'), {
      exitCode: 2,
      message: `there is a CA in "${place.dir}" already`,
      hint: 'handfast ca list shows what it has issued; --dir makes another one elsewhere',
    });
    assert.deepEqual(readFileSync(join(place.dir, 'root.pem')), before);
    mkdirSync(place.path('photos'));
    place.file('photos/cat.jpg', '');
    const there = await finish(['ca', 'init', '--dev', '--json', '--dir', place.path('photos')]);
    assert.equal(there.exitCode, 2);
    assert.equal(there.stderr.values[0]?.message, `"${place.path('photos')}" has other files in it`);
  });

  test('leaves nothing behind where the folder cannot be made', async () => {
    place.file('ca', 'a file');
    const { exitCode, message } = await place.refusal('init', '--dev');
    assert.equal(exitCode, 2);
    assert.equal(message, `"${place.dir}" is no folder`);
    const below = await finish(['ca', 'init', '--dev', '--json', '--dir', place.path('ca', 'deeper')]);
    assert.equal(below.exitCode, 2);
    assert.match(
      String(below.stderr.values[0]?.message),
      /^the CA cannot be written to ".+deeper": .+\((?:EEXIST|ENOTDIR)\)$/,
    );
    assert.deepEqual(readdirSync(place.directory), ['ca']);
  });

  test('lies in the user’s data directory unless it is told where', async () => {
    const env = { XDG_DATA_HOME: place.directory };
    assert.equal((await finish(['ca', 'init', '--dev'], '', env)).exitCode, 0);
    assert.ok(existsSync(place.path('handfast', 'ca', 'config.json')));
    const { stdout, exitCode } = await finish(['ca', 'list'], '', env);
    assert.equal(exitCode, 0);
    assert.equal(stdout.text, 'Nothing is issued yet: handfast ca issue NAME does it\n');
  });

  test('warns where it is not confined, or to what strangers share', async () => {
    const { stderr, stdout } = await place.ca('init', '--dev', '--unconstrained', '--name', 'github.io');
    assert.deepEqual(stderr.lines, [
      'warning: unconstrained: whoever gets the intermediate’s key can pose as any site to all who trust the root',
      'warning: strangers have names under "github.io": the CA may issue for them, too',
    ]);
    assert.match(stdout.text, /Confined to +nothing: any name at all\n/);
    assert.equal(certificate(join(place.dir, 'root.pem')).nameConstraints, undefined);
  });
});

describe('ca init for a team', () => {
  test('writes the root’s key elsewhere, under a passphrase; root and intermediate say where the lists are', async () => {
    const passphrase = place.file('passphrase', 'correct horse\n');
    const rootKey = place.path('root-key.pem');
    const [made] = await place.json(
      ...['init', '--allow', 'corp.example', '10.0.0.0/8', '--base-url', 'http://ca.corp.example', '--no-wildcards'],
      ...['--title', 'Corp CA', '--root-key', rootKey, '--passphrase-file', passphrase],
    );
    assert.equal(made?.rootKey, rootKey);
    assert.equal(made?.baseUrl, 'http://ca.corp.example');
    if (posix) assert.equal(modeOf(rootKey), 0o600);
    const pem = readFileSync(rootKey, 'utf8');
    assert.match(pem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    const signer = await provider.importPrivateKey(await decryptPrivateKey(provider, pem, 'correct horse'));
    const root = certificate(join(place.dir, 'root.pem'));
    assert.deepEqual(root.publicKey.spki, signer.publicKey.spki);
    assert.match(root.subject.commonName ?? '', /^Corp CA root \d{4}-\d\d-\d\d$/);
    const intermediate = certificate(join(place.dir, 'intermediate.pem'));
    assert.ok(Buffer.from(intermediate.raw).includes('http://ca.corp.example/crl/'));
    const days = (Date.parse(String(made?.rootCrlUntil)) - Date.now()) / 86_400_000;
    assert.ok(days > 364 && days < 366);
    assert.deepEqual(JSON.parse(readFileSync(join(place.dir, 'config.json'), 'utf8')), {
      version: 1,
      kind: 'team',
      title: 'Corp CA',
      allow: ['corp.example', '10.0.0.0/8'],
      wildcards: false,
      baseUrl: 'http://ca.corp.example',
    });
  });

  test('without addresses, forbids them all', async () => {
    const rootKey = place.path('root-key.pem');
    const { stderr } = await place.ca('init', '--allow', 'corp.example', '--root-key', rootKey, '--no-passphrase');
    assert.deepEqual(stderr.lines, [`warning: the root’s key is not encrypted: whoever reads ${rootKey} is the CA`]);
    parsePrivateKey(readFileSync(rootKey));
    const { nameConstraints } = certificate(join(place.dir, 'root.pem'));
    assert.deepEqual(
      nameConstraints?.excluded.map((name) => (name.kind === 'ip' ? name.bytes.length : name.kind)),
      [8, 32],
    );
  });

  test('refuses what makes no CA, with what to do', async () => {
    const there = place.file('there.pem', '');
    const link = place.path('link');
    symlinkSync(place.directory, link);
    const out = ['--root-key', place.path('root-key.pem')];
    const allow = ['--allow', 'corp.example'];
    const plain = '--no-passphrase';
    const own = 'whoever gets at the CA must not get at its root: name a file elsewhere';
    const refusals: readonly (readonly [readonly string[], string, string | null])[] = [
      [
        [],
        'what may the CA issue for? Nothing is allowed that is not named',
        'name domains and networks: --allow corp.example 10.0.0.0/8; for this machine alone: --dev',
      ],
      [['--allow', '10.0.0.0/8'], '--allow has networks and no domain', 'name one that is yours: --allow corp.example'],
      [
        allow,
        'where is the root’s key to be written?',
        '--root-key FILE, outside of the CA’s folder: on a medium that you take away and lock up',
      ],
      [
        [...allow, '--root-key', join(place.dir, 'root-key.pem'), plain],
        `--root-key "${join(place.dir, 'root-key.pem')}" is in the CA’s own folder`,
        own,
      ],
      [
        [...allow, '--root-key', join(link, 'ca', 'root-key.pem'), plain],
        `--root-key "${join(link, 'ca', 'root-key.pem')}" is in the CA’s own folder`,
        own,
      ],
      [
        [...allow, '--root-key', there, plain],
        `--root-key "${there}" is there already`,
        'name a new file: a key is never written over',
      ],
      [
        [...allow, '--root-key', place.path('no', 'key.pem'), plain],
        `--root-key "${place.path('no', 'key.pem')}": there is no folder "${place.path('no')}"`,
        null,
      ],
      [
        [...allow, ...out],
        'a passphrase is needed, and there is no terminal to ask at',
        'write it into a file that only you can read, and name it with --passphrase-file',
      ],
      [
        [...allow, ...out, plain, '--passphrase-file', there],
        '--passphrase-file and --no-passphrase contradict each other',
        null,
      ],
      [
        ['--dev', '--passphrase-file', there],
        '--passphrase-file without --root-key',
        'the passphrase is the root key’s',
      ],
      [
        [...allow, ...out, plain, '--base-url', 'http://ca.elsewhere.example'],
        '--base-url "http://ca.elsewhere.example": the CA may not issue for "ca.elsewhere.example", and needs a certificate itself',
        '--allow ca.elsewhere.example permits it',
      ],
      [
        [...allow, ...out, plain, '--title', 'x'.repeat(41)],
        `--title "${'x'.repeat(41)}" is no name`,
        'one line of at most 40 characters',
      ],
    ];
    for (const [argv, message, hint] of refusals) {
      assert.deepEqual(await place.refusal('init', ...argv), { exitCode: 2, message, hint }, argv.join(' '));
    }
    assert.deepEqual(readdirSync(place.directory).toSorted(), ['link', 'there.pem']);
  });
});

describe('a CA’s folder', () => {
  test('is refused where there is none', async () => {
    assert.deepEqual(await place.refusal('list'), {
      exitCode: 2,
      message: `there is no CA in "${place.dir}"`,
      hint: 'handfast ca init --dev makes one for this machine; one elsewhere is named with --dir',
    });
  });

  test('is refused with a strange private key in it, such as the root’s', async () => {
    await place.json('init', '--dev', '--root-key', place.path('root-key.pem'), '--no-passphrase');
    const stray = join(place.dir, 'root-key.pem');
    place.file('ca/root-key.pem', readFileSync(place.path('root-key.pem')));
    assert.deepEqual(await place.refusal('list'), {
      exitCode: 2,
      message: `"${stray}" is a private key that has no place in the CA’s folder`,
      hint: 'if it is the root’s, it belongs where this machine cannot reach it: move it there',
    });
  });

  test('is refused with one in DER, under a passphrase, or in any folder below', async () => {
    const rootKey = place.path('root-key.pem');
    const passphrase = place.file('passphrase', 'correct horse\n');
    await place.json('init', '--dev', '--root-key', rootKey, '--passphrase-file', passphrase);
    const pem = readFileSync(rootKey);
    const plain = await decryptPrivateKey(provider, pem, 'correct horse');
    const [{ bytes: encrypted } = { bytes: plain }] = parsePem(pem);
    const strays: readonly (readonly [string, string | Uint8Array])[] = [
      ['root.der', plain],
      ['root.der', encrypted],
      ['next.d/key.pem', pem],
      // One that we cannot read.
      [
        'other.pem',
        `-----BEGIN OTHER PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n${'A'.repeat(64)}\n-----END OTHER PRIVATE KEY-----\n`,
      ],
      ['.next.0123/key.pem', pem],
      ['notes.txt', `the root’s, -----BEGIN PRIVATE KEY-----:\n${toPem('PRIVATE KEY', plain)}`],
    ];
    for (const [name, content] of strays) {
      const stray = join(place.dir, name);
      mkdirSync(dirname(stray), { recursive: true });
      writeFileSync(stray, content);
      assert.deepEqual(await place.refusal('list'), {
        exitCode: 2,
        message: `"${stray}" is a private key that has no place in the CA’s folder`,
        hint: 'if it is the root’s, it belongs where this machine cannot reach it: move it there',
      });
      rmSync(stray);
    }
  });

  test('may have other things in it: programs that speak of keys, certificates, links to folders', async () => {
    await place.json('init', '--dev');
    const markers = "'-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----'";
    place.file('ca/kms.mjs', `export const isKey = (pem) => [${markers}].every((line) => pem.includes(line));\n`);
    place.file(
      'ca/wrap.mjs',
      'export const pem = (base64) => `-----BEGIN PRIVATE KEY-----\n${' + 'base64}\n-----END PRIVATE KEY-----\n`;\n',
    );
    place.file('ca/root.der', certificate(join(place.dir, 'root.pem')).raw);
    place.file('ca/empty.der', new Uint8Array());
    symlinkSync(place.directory, join(place.dir, 'link'));
    symlinkSync(place.path('nowhere'), join(place.dir, 'dangling'));
    assert.deepEqual(await place.json('list'), []);
  });

  test('is refused where others can look into it', { skip: !posix }, async () => {
    await place.json('init', '--dev');
    chmodSync(place.dir, 0o755);
    assert.deepEqual(await place.refusal('list'), {
      exitCode: 2,
      message: `others on this machine can look into "${place.dir}"`,
      hint: `chmod 700 ${place.dir} closes it; if strangers could read the key in it, make a new CA`,
    });
  });

  test('is refused where key and certificate are of different CAs', async () => {
    await place.json('init', '--dev');
    const other = place.path('other');
    await finish(['ca', 'init', '--dev', '--dir', other]);
    const file = join(place.dir, 'intermediate-key.pem');
    place.file('ca/intermediate-key.pem', readFileSync(join(other, 'intermediate-key.pem')));
    assert.deepEqual(await place.refusal('list'), {
      exitCode: 2,
      message: `the CA’s file "${file}" is not the key of its certificate`,
      hint: 'restore both from a backup',
    });
  });
});
