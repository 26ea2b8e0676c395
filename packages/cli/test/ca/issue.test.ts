import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { equalBytes } from '@handfast/crypto';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  type Certificate,
  issueRequest,
  parseCertificates,
  parsePrivateKey,
  parseSubjectKey,
  readPkcs12,
  subjectKeyLabel,
  toPem,
} from '@handfast/x509';
import { finish } from '../support/io.ts';
import { modeOf, Place } from './support.ts';

const place = new Place();
before(() => place.json('init', '--dev'));
after(() => place.remove());

const chainIn = (file: string): readonly Certificate[] => parseCertificates(readFileSync(file));
const out = (name: string): string => place.path(name);
const keyOf = async (file: string): Promise<Uint8Array> =>
  (await provider.importPrivateKey(parsePrivateKey(readFileSync(file)))).publicKey.spki;

describe('ca issue', () => {
  test('writes certificate and intermediate, and a key for its owner alone, that belong together', async () => {
    const [issued] = await place.json('issue', 'app.test', '*.app.test', '127.0.0.1', '--out', out('server'));
    assert.deepEqual(readdirSync(out('server')).toSorted(), ['app.test-key.pem', 'app.test.pem']);
    const [leaf, intermediate, none] = chainIn(out('server/app.test.pem'));
    assert.ok(leaf !== undefined && intermediate !== undefined && none === undefined);
    const { serial, notBefore, notAfter, ...rest } = issued ?? {};
    assert.equal(serial, leaf.serialNumberHex);
    assert.equal(notBefore, `${leaf.notBefore.toISOString().slice(0, 19)}Z`);
    assert.equal(notAfter, `${leaf.notAfter.toISOString().slice(0, 19)}Z`);
    assert.deepEqual(rest, {
      commonName: null,
      names: ['app.test', '*.app.test', '127.0.0.1'],
      replaces: null,
      files: { certificate: out('server/app.test.pem'), key: out('server/app.test-key.pem'), p12: null },
    });
    if (process.platform !== 'win32') assert.equal(modeOf(out('server/app.test-key.pem')), 0o600);
    assert.ok(equalBytes(await keyOf(out('server/app.test-key.pem')), leaf.spki));
    const verified = await finish([
      ...['cert', 'verify', out('server/app.test.pem'), '--ca', `${place.dir}/root.pem`],
      ...['--name', 'www.app.test', '--profile', 'rfc5280'],
    ]);
    assert.equal(verified.exitCode, 0, verified.stderr.text);
  });

  test('tells people what it wrote', async () => {
    const { stdout, stderr, exitCode } = await place.ca('issue', 'db.internal', '--days', '7', '--out', out('told'));
    assert.equal(exitCode, 0);
    assert.equal(stderr.text, '');
    const lines = stdout.text.replace(/[0-9a-f]{30,}/, 'SERIAL').replace(/\d{4}-.*Z/, 'TIME');
    assert.equal(
      lines,
      `${[
        'Issued: db.internal',
        '  Serial        SERIAL',
        '  Ends          TIME, in 7 days',
        `  Certificate   ${out('told/db.internal.pem')}`,
        '                and behind it the intermediate, as servers send it',
        `  Key           ${out('told/db.internal-key.pem')}`,
      ].join('\n')}\n`,
    );
  });

  test('makes keys of the kind that is asked for', async () => {
    const kinds: readonly (readonly [string, string])[] = [
      ['p384', 'ECDSA P-384'],
      ['ed25519', 'Ed25519'],
      ['rsa2048', 'RSA, 2048 bits'],
    ];
    for (const [type, label] of kinds) {
      await place.json('issue', `${type}.test`, '--key-type', type, '--out', out('kinds'));
      const [leaf] = chainIn(out(`kinds/${type}.test.pem`));
      assert.match(subjectKeyLabel(parseSubjectKey(leaf?.spki ?? new Uint8Array(0))), new RegExp(`^${label}`));
    }
  });

  test('gives a client its name and mailboxes, and the host that it is, where it is one', async () => {
    const [alice] = await place.json('issue', 'alice', '--client', '--email', 'alice@corp.internal', '--out', out('c'));
    assert.equal(alice?.commonName, 'alice');
    assert.deepEqual(alice?.names, ['alice@corp.internal']);
    const both = ['--email', 'alex@corp.internal', '--email', 'a@corp.internal'];
    const [alex] = await place.json('issue', '--client', ...both, 'alex', '--out', out('c'));
    assert.deepEqual([alex?.commonName, alex?.names], ['alex', ['alex@corp.internal', 'a@corp.internal']]);
    const [leaf] = chainIn(out('c/alice.pem'));
    assert.deepEqual(leaf?.extendedKeyUsage, ['1.3.6.1.5.5.7.3.2']);
    const [worker] = await place.json('issue', 'worker.internal', '--client', '--out', out('c'));
    assert.deepEqual([worker?.commonName, worker?.names], ['worker.internal', ['worker.internal']]);
  });

  test('writes one PKCS #12 file under a password instead', async () => {
    const password = place.file('password', 'correct horse\n');
    const argv = ['issue', 'bob', '--client', '--p12', '--password-file', password, '--out', out('p12')];
    const [issued] = await place.json(...argv);
    assert.deepEqual(issued?.files, { certificate: null, key: null, p12: out('p12/bob.p12') });
    assert.deepEqual(readdirSync(out('p12')), ['bob.p12']);
    if (process.platform !== 'win32') assert.equal(modeOf(out('p12/bob.p12')), 0o600);
    const { keys, certificates } = await readPkcs12(provider, readFileSync(out('p12/bob.p12')), 'correct horse');
    assert.deepEqual([keys.length, certificates.length], [1, 2]);
    assert.equal(keys[0]?.friendlyName, 'bob');
  });

  test('signs a request, for its own names unless others are given', async () => {
    const { signer } = await provider.generateKeyPair('secp256r1');
    const request = await issueRequest({
      provider,
      signer,
      subject: { commonName: 'a.test' },
      names: ['a.test', '::1'],
    });
    const csr = place.file('a.csr', toPem('CERTIFICATE REQUEST', request.raw));
    const [own] = await place.json('issue', '--csr', csr, '--out', out('csr'));
    assert.deepEqual(own?.names, ['a.test', '::1']);
    const [given] = await place.json('issue', 'b.test', '--csr', csr, '--out', out('csr'));
    assert.deepEqual(given?.names, ['b.test']);
    assert.deepEqual(readdirSync(out('csr')).toSorted(), ['a.test.pem', 'b.test.pem']);
    assert.ok(equalBytes(chainIn(out('csr/b.test.pem'))[0]?.spki ?? new Uint8Array(0), signer.publicKey.spki));
  });

  test('refuses a request that was changed after it was signed', async () => {
    const { signer } = await provider.generateKeyPair('secp256r1');
    const { raw } = await issueRequest({ provider, signer, subject: {}, names: ['a.test'] });
    const at = Buffer.from(raw).indexOf('a.test');
    const csr = place.file('changed.csr', raw.with(at, 0x62));
    assert.deepEqual(await place.refusal('issue', '--csr', csr, '--out', out('none')), {
      exitCode: 2,
      message: 'the certificate request is not signed with the key that it is about',
      hint: 'it was changed after it was signed, or its maker does not have the key',
    });
    assert.equal(existsSync(out('none/b.test.pem')), false);
  });

  test('refuses what makes no certificate, with what to do, and leaves no file', async () => {
    const password = place.file('password', 'correct horse\n');
    const csr = place.file('some.csr', '');
    const local =
      'it certifies test, localhost, internal, home.arpa and all below; private and loopback addresses: ' +
      `"allow" in ${place.dir}/config.json is the list, and root and intermediate may confine it`;
    const refusals: readonly (readonly [readonly string[], string, string | null])[] = [
      [[], 'what is the certificate for?', 'handfast ca issue app.test; a client: issue alice --client'],
      [['example.com'], '"example.com" is in none of the domains that this CA certifies', local],
      [
        ['https://app.test'],
        'NAME "https://app.test" is neither a host name nor an address',
        'write the name alone, without https:// and path',
      ],
      [['app.test', '--days', '399'], 'a lifetime of 399 days; the profile "server" has 398 days at most', null],
      [['app.test', '--days', 'x'], '--days "x" is no number of days', 'write 30, or 0.5'],
      [['app.test', '--email', 'a@app.test'], '--email without --client', 'mailboxes are for clients'],
      [['app.test', '--p12'], 'a PKCS #12 file is under a password', 'name a file that holds it: --password-file FILE'],
      [['app.test', '--password-file', password], '--password-file is for --p12', null],
      [['--csr', csr, '--key-type', 'p256'], '--key-type and --csr contradict each other', 'the key is there already'],
      [
        ['--csr', csr, '--p12', '--password-file', password],
        '--p12 and --csr contradict each other',
        'a PKCS #12 file is about a key, which is not here',
      ],
    ];
    for (const [argv, message, hint] of refusals) {
      const refusal = await place.refusal('issue', ...argv, '--out', out('refused'));
      assert.deepEqual(refusal, { exitCode: 2, message, hint }, argv.join(' '));
    }
    assert.deepEqual(existsSync(out('refused')) ? readdirSync(out('refused')) : [], []);
  });

  test('replaces files only if it is told to, and not before the new ones are there', async () => {
    const argv = ['issue', 'again.test', '--out', out('again')];
    await place.json(...argv);
    const files = ['again.test-key.pem', 'again.test.pem'];
    const contents = (): readonly string[] => files.map((file) => readFileSync(out(`again/${file}`), 'utf8'));
    const before = contents();
    assert.deepEqual(await place.refusal(...argv), {
      exitCode: 2,
      message: `"${out('again/again.test-key.pem')}" is there already`,
      hint: '--force replaces it; --out writes elsewhere',
    });
    await place.refusal(...argv, '--force', '--days', '999');
    assert.deepEqual(contents(), before);
    await place.json(...argv, '--force');
    assert.notDeepEqual(contents(), before);
    assert.deepEqual(readdirSync(out('again')).toSorted(), files);
    assert.ok(
      equalBytes(
        await keyOf(out('again/again.test-key.pem')),
        chainIn(out('again/again.test.pem'))[0]?.spki ?? new Uint8Array(0),
      ),
    );
  });

  test('what the certificates of the CA forbid is refused, whatever its configuration says', async () => {
    const wide = new Place();
    await wide.json('init', '--dev');
    const config = JSON.parse(readFileSync(wide.path('ca', 'config.json'), 'utf8')) as Record<string, unknown>;
    wide.file('ca/config.json', JSON.stringify({ ...config, allow: ['example.com'] }));
    const { exitCode, message } = await wide.refusal('issue', 'example.com', '--out', wide.path('out'));
    assert.equal(exitCode, 2);
    assert.match(String(message), /"example\.com" is in none of the permitted subtrees/);
    wide.remove();
  });
});

describe('ca renew', () => {
  test('issues the same again over a new key, or over the old one', async () => {
    const [old] = await place.json('issue', 'r.test', '10.0.0.1', '--days', '30', '--out', out('renew'));
    const [again] = await place.json('renew', String(old?.serial), '--out', out('renewed'));
    assert.deepEqual(again?.names, ['r.test', '10.0.0.1']);
    assert.equal(again?.replaces, old?.serial);
    const [leaf] = chainIn(out('renew/r.test.pem'));
    const [fresh] = chainIn(out('renewed/r.test.pem'));
    assert.ok(leaf !== undefined && fresh !== undefined);
    assert.equal(equalBytes(leaf.spki, fresh.spki), false);
    assert.ok(equalBytes(await keyOf(out('renewed/r.test-key.pem')), fresh.spki));
    const lifetime = (one: Certificate): number => one.notAfter.getTime() - one.notBefore.getTime();
    assert.ok(Math.abs(lifetime(leaf) - lifetime(fresh)) <= 2000);
    const [same] = await place.json('renew', out('renew/r.test.pem'), '--same-key', '--out', out('same'));
    assert.deepEqual(same?.files, { certificate: out('same/r.test.pem'), key: null, p12: null });
    assert.ok(equalBytes(chainIn(out('same/r.test.pem'))[0]?.spki ?? new Uint8Array(0), leaf.spki));
  });

  test('keeps a client’s name and mailboxes', async () => {
    const [old] = await place.json('issue', 'carol', '--client', '--email', 'carol@a.test', '--out', out('carol'));
    const [again] = await place.json('renew', String(old?.serial), '--out', out('carol2'));
    assert.deepEqual([again?.commonName, again?.names], ['carol', ['carol@a.test']]);
  });

  test('does not bring back what was revoked', async () => {
    const [old] = await place.json('issue', 'gone.test', '--out', out('gone'));
    await place.json('revoke', String(old?.serial));
    assert.deepEqual(await place.refusal('renew', String(old?.serial), '--out', out('gone2')), {
      exitCode: 2,
      message: 'the certificate for gone.test is revoked, and is not renewed',
      hint: 'handfast ca issue makes another one, over another key',
    });
  });
});
