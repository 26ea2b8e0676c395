import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { CaError } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { decryptPrivateKey, parseCertificates } from '@handfast/x509';
import { keyPassphrase, lockedSigner } from '../../src/ca/issuer-key.ts';
import { inWords } from '../../src/ca/open.ts';
import { CliError } from '../../src/exit.ts';
import { finish, start } from '../support/io.ts';
import { Place } from './support.ts';

const place = new Place();
let passphrase: string;
before(async () => {
  passphrase = place.file('passphrase', 'correct horse\n');
  await place.json('init', '--dev', '--encrypt-key', '--key-passphrase-file', passphrase);
});
after(() => place.remove());

describe('an issuing key under a passphrase', () => {
  test('lies encrypted in the folder, and opens by a file when something is issued', async () => {
    const pem = readFileSync(place.path('ca', 'intermediate-key.pem'), 'utf8');
    assert.match(pem, /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    const out = place.path('out');
    const [issued] = await place.json('issue', 'app.test', '--out', out, '--key-passphrase-file', passphrase);
    const [leaf] = parseCertificates(readFileSync(place.path('out', 'app.test.pem')));
    assert.deepEqual(leaf?.subjectAltName?.dnsNames, ['app.test']);
    assert.ok(issued);
  });

  test('is asked for by nobody who looks at records alone', async () => {
    const listed = await place.json('list');
    assert.ok(listed.length >= 1);
  });

  test('has its passphrase from a credential of systemd’s, unless a file is named', async () => {
    mkdirSync(place.path('credentials'));
    place.file('credentials/handfast-key-passphrase', 'a credential\n');
    const stream = new PassThrough();
    const signal = new AbortController().signal;
    const io = {
      stdin: stream,
      stdout: stream,
      stderr: stream,
      interrupted: signal,
      env: { CREDENTIALS_DIRECTORY: place.path('credentials') },
    };
    assert.equal(await keyPassphrase({}, io)(), 'a credential');
    assert.equal(await keyPassphrase({ keyPassphraseFile: passphrase }, io)(), 'correct horse');
    await assert.rejects(keyPassphrase({}, { ...io, env: { CREDENTIALS_DIRECTORY: place.path('out') } })(), {
      message: 'a passphrase is needed, and there is no terminal to ask at',
    });
  });

  test('without it, or with another, nothing is issued, and it is said what to do', async () => {
    assert.deepEqual(await place.refusal('issue', 'no.test', '--out', place.path('out')), {
      exitCode: 2,
      message: 'a passphrase is needed, and there is no terminal to ask at',
      hint: 'write it into a file that only you can read, and name it with --key-passphrase-file',
    });
    const wrong = place.file('wrong', 'incorrect horse\n');
    const refused = await place.refusal('issue', 'no.test', '--out', place.path('out'), '--key-passphrase-file', wrong);
    assert.equal(refused.exitCode, 2);
    assert.match(String(refused.message), /^the CA’s file ".*intermediate-key\.pem" does not open: /);
    assert.equal(refused.hint, 'is that its passphrase?');
    assert.deepEqual(await place.json('list', '--search', 'no.test'), []);
  });

  test('without it, no list is signed, which says as much', async () => {
    const other = new Place();
    await other.json('init', '--dev', '--encrypt-key', '--key-passphrase-file', passphrase);
    assert.deepEqual(await other.refusal('rotate', 'clean'), {
      exitCode: 2,
      message:
        '1 list of revoked certificates could not be made: a passphrase is needed, and there is no terminal to ask at',
      hint: 'write it into a file that only you can read, and name it with --key-passphrase-file',
    });
    other.remove();
  });

  test('several failures at once are told by the first, unless one is a fault of ours', async () => {
    const lost = new CaError('not_found', 'there is no such list', { hint: 'look elsewhere' });
    const told = (...errors: readonly Error[]) =>
      inWords(place.dir, () => Promise.reject(new AggregateError(errors, '2 lists could not be made')));
    await assert.rejects(told(lost, new CliError(1, 'another')), {
      name: 'CliError',
      exitCode: 2,
      message: '2 lists could not be made: there is no such list',
      hint: 'look elsewhere',
    });
    const fault = new TypeError('not a function');
    await assert.rejects(told(lost, fault), fault);
    await assert.rejects(told(), { name: 'AggregateError', message: '2 lists could not be made' });
  });

  test('that is new has its passphrase from the credential, too; without one it is said which option names it', async () => {
    const other = new Place();
    const init = ['ca', 'init', '--dev', '--encrypt-key', '--json', '--dir', other.dir];
    const refused = await finish(init);
    assert.equal(refused.exitCode, 2);
    assert.equal(
      refused.stderr.values[0]?.hint,
      'write it into a file that only you can read, and name it with --key-passphrase-file',
    );
    other.file('handfast-key-passphrase', 'a credential\n');
    assert.equal((await finish(init, '', { CREDENTIALS_DIRECTORY: other.directory })).exitCode, 0);
    const pem = readFileSync(other.path('ca', 'intermediate-key.pem'));
    assert.ok(await decryptPrivateKey(provider, pem, 'a credential'));
    other.remove();
  });

  test('ca serve opens it before it listens', async () => {
    const ports = ['--port', '0', '--http-port', '0', '--dir', place.dir];
    const session = start(['ca', 'serve', '--dev', ...ports, '--key-passphrase-file', passphrase]);
    await session.stderr.match(/^ACME at /m);
    session.interrupt.abort();
    assert.equal(await session.exitCode, 0);
  });

  test('its passphrase without --encrypt-key is refused', async () => {
    const other = new Place();
    assert.deepEqual(await other.refusal('init', '--dev', '--key-passphrase-file', passphrase), {
      exitCode: 2,
      message: '--key-passphrase-file without --encrypt-key',
      hint: 'the passphrase is the issuing key’s',
    });
    other.remove();
  });

  test('that is another’s is refused when it opens', async () => {
    const { signer } = await provider.generateKeyPair('secp256r1');
    const pem = readFileSync(place.path('ca', 'intermediate-key.pem'));
    let asked = 0;
    const locked = lockedSigner(signer.publicKey, 'key.pem', pem, async () => {
      asked++;
      return 'correct horse';
    });
    const message = 'the CA’s file "key.pem" is not the key of its certificate';
    await assert.rejects(Promise.resolve(locked.sign('ecdsa-sha256', new Uint8Array(1))), { exitCode: 2, message });
    assert.equal(asked, 1);
    const dsa = { ...signer.publicKey, type: 'unknown' } as unknown as typeof signer.publicKey;
    assert.throws(() => lockedSigner(dsa, 'key.pem', pem, keyPassphrase({}, {} as never)), { exitCode: 2 });
  });
});
