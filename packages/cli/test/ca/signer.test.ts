import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { issueCertificate, parsePrivateKey, parseRequests, toPem } from '@handfast/x509';
import { openSigner } from '../../src/ca/signer-module.ts';
import { certificateOf, issued, revokedBy, statusOf, verdict } from './rotation-support.ts';
import { Place } from './support.ts';

const place = new Place();
const rootKey = place.path('root-key.pem');
let module: string;

/** A key service: keys in a folder of its own, asked for by name. */
const service = `
import { readFileSync, appendFileSync } from 'node:fs';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { parsePublicKey } from '${import.meta.resolve('@handfast/x509')}';
const here = new URL('.', import.meta.url);
export default async ({ key }) => {
  if (key === undefined) throw new Error('which key?');
  const log = (what) => appendFileSync(new URL('service.log', here), what + '\\n');
  const secret = createPrivateKey(readFileSync(new URL(key + '.pem', here)));
  const spki = createPublicKey(secret).export({ type: 'spki', format: 'der' });
  log('open ' + key);
  return {
    publicKey: parsePublicKey(new Uint8Array(spki)),
    algorithms: ['ecdsa-sha256'],
    sign: async (algorithm, data) => new Uint8Array(sign('sha256', data, secret)),
    close: () => log('close ' + key),
  };
};
`;

before(async () => {
  module = place.file('kms.mjs', service);
  for (const name of ['one', 'two']) {
    const { pkcs8 } = await provider.generateKeyPair('secp256r1');
    place.file(`${name}.pem`, toPem('PRIVATE KEY', pkcs8));
  }
  await place.json(
    ...['init', '--dev', '--root-key', rootKey, '--no-passphrase'],
    ...['--signer', module, '--signer-setting', 'key=one'],
  );
});
after(() => place.remove());

const log = () => readFileSync(place.path('service.log'), 'utf8').split('\n').slice(0, -1);
const root = () => certificateOf(place.path('ca', 'root.pem'));
const config = () => JSON.parse(readFileSync(place.path('ca', 'config.json'), 'utf8')) as Record<string, unknown>;

describe('an issuing key that is elsewhere', () => {
  test('signs by its module, and nothing of it is in the folder', async () => {
    assert.deepEqual(config().signer, { module, settings: { key: 'one' } });
    assert.deepEqual(
      readdirSync(place.dir).filter((name) => name.includes('key')),
      ['audit-key.pem'],
    );
    assert.equal(await verdict(await issued(place, 'app.test'), root()), 'ok');
  });

  test('is asked for by what signs alone, and left when that is done', async () => {
    const before = log().length;
    await place.json('list');
    assert.equal(log().length, before);
    await issued(place, 'db.test');
    assert.deepEqual(log().slice(before), ['open one', 'close one']);
  });

  test('a backup says that it is not in it', async () => {
    const file = place.path('backup.db');
    const { stderr } = await place.ca('backup', file);
    assert.deepEqual(stderr.lines, [
      `warning: the audit key is in it, and not the intermediate’s key, which is elsewhere (${module}): back that up, too`,
    ]);
    const other = new Place();
    await other.json('restore', file);
    assert.equal(await verdict(await issued(other, 'restored.test'), root()), 'ok');
    other.remove();
  });

  test('is replaced by another of the module’s, which both sign; or by one in the folder', async () => {
    const turn = ['rotate', 'intermediate', '--root-key', rootKey];
    assert.deepEqual(await place.refusal(...turn), {
      exitCode: 2,
      message: 'this CA’s key is not in its folder: where is the next one?',
      hint: '--signer MODULE names another key; --no-signer makes one in the folder',
    });
    const old = await issued(place, 'old.test');
    await place.json(...turn, '--signer', module, '--signer-setting', 'key=two');
    assert.deepEqual(config().signer, { module, settings: { key: 'two' } });
    const young = await issued(place, 'new.test');
    assert.notDeepEqual(young.chain[1]?.spki, old.chain[1]?.spki);
    await place.json('revoke', old.serial);
    await place.json('crl', 'export', '--out', place.path('crl.pem'));
    assert.ok(new Set(log()).has('open two'));
    await place.json(...turn, '--no-signer');
    assert.equal(config().signer, undefined);
    assert.ok(readdirSync(place.dir).includes('intermediate-key.pem'));
    for (const leaf of [old, young, await issued(place, 'last.test')]) assert.equal(await verdict(leaf, root()), 'ok');
    // The restored has them all: retired ones name their module, or have their key.
    const file = place.path('second.db');
    await place.json('backup', file);
    const other = new Place();
    await other.json('restore', file);
    assert.equal((await statusOf(other)).retired.length, 2);
    other.remove();
  });

  test('is no other issuer’s, neither the one that issues nor one that did: nothing is changed', async () => {
    const other = new Place();
    const own = other.path('root-key.pem');
    const signer = (key: string) => ['--signer', module, '--signer-setting', `key=${key}`];
    await other.json('init', '--dev', '--root-key', own, '--no-passphrase', ...signer('one'));
    const turn = ['rotate', 'intermediate', '--root-key', own];
    const [first, leaf] = [certificateOf(other.path('ca', 'intermediate.pem')), await issued(other, 'first.test')];
    const refusal = {
      exitCode: 2,
      message: `the key of the new intermediate is that of ${JSON.stringify(first.subject.toString())}`,
      hint: 'name another key: each issuer signs its own lists with its own, the one that is retired, too',
    };
    const opened = log().length;
    assert.deepEqual(await other.refusal(...turn, ...signer('one')), refusal);
    assert.deepEqual(log().slice(opened), ['open one', 'close one']);
    assert.deepEqual(certificateOf(other.path('ca', 'intermediate.pem')).raw, first.raw);
    await other.json(...turn, ...signer('two'));
    assert.deepEqual(await other.refusal(...turn, ...signer('one')), refusal);
    assert.deepEqual(await other.refusal('rotate', 'intermediate', '--csr', ...signer('one')), refusal);
    assert.equal((await statusOf(other)).waiting, null);
    await other.json('revoke', leaf.serial);
    assert.deepEqual((await revokedBy(other)).get(first.subject.toString()), [leaf.serial]);
    // Nor is it the root’s.
    place.file('root.pem', readFileSync(own));
    const name = certificateOf(other.path('ca', 'root.pem')).subject.toString();
    assert.equal(
      (await other.refusal(...turn, ...signer('root'))).message,
      `the key of the new intermediate is that of ${JSON.stringify(name)}`,
    );
    other.remove();
  });

  test('that a request waits for is no other issuer’s when the certificate comes', async () => {
    const other = new Place();
    const own = other.path('root-key.pem');
    const two = ['--signer', module, '--signer-setting', 'key=two'];
    await other.json('init', '--dev', '--root-key', own, '--no-passphrase');
    await other.json('rotate', 'intermediate', '--csr', ...two);
    await other.json('rotate', 'intermediate', '--root-key', own, ...two);
    const [request] = parseRequests(readFileSync(other.path('ca', 'waiting', 'request.csr')));
    assert.ok(request);
    const [above, before] = ['root.pem', 'intermediate.pem'].map((file) => certificateOf(other.path('ca', file)));
    assert.ok(above !== undefined && before !== undefined);
    const certificate = await issueCertificate({
      provider,
      notBefore: above.notBefore,
      notAfter: above.notAfter,
      subject: request.subject,
      publicKey: request.publicKey,
      issuer: { certificate: above, signer: await provider.importPrivateKey(parsePrivateKey(readFileSync(own))) },
      ca: { pathLength: 0 },
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
    });
    const chain = other.file('chain.pem', toPem('CERTIFICATE', certificate.raw));
    assert.deepEqual(await other.refusal('import', chain), {
      exitCode: 2,
      message: `the key of the new intermediate is that of ${JSON.stringify(before.subject.toString())}`,
      hint: 'name another key: each issuer signs its own lists with its own, the one that is retired, too',
    });
    other.remove();
  });

  test('a module that is none is refused, with what it lacks', async () => {
    const other = new Place();
    const files = {
      empty: other.file('empty.mjs', ''),
      failing: other.file('failing.mjs', 'export default () => { throw new Error("no token in the slot"); };'),
      none: other.file('none.mjs', 'export default () => ({ sign() {} });'),
      missing: other.path('missing.mjs'),
    };
    const refused = async (...argv: readonly string[]) => await other.refusal('init', '--dev', ...argv);
    assert.deepEqual(await refused('--signer', files.empty), {
      exitCode: 2,
      message: `the signer "${files.empty}" has no function as its default export`,
      hint: null,
    });
    assert.deepEqual(await refused('--signer', files.failing), {
      exitCode: 1,
      message: `the signer "${files.failing}" cannot be had: no token in the slot`,
      hint: null,
    });
    assert.deepEqual(await refused('--signer', files.none), {
      exitCode: 2,
      message: `the signer "${files.none}" is none`,
      hint: 'its default export answers { publicKey, algorithms, sign(algorithm, data) }',
    });
    const missing = await refused('--signer', files.missing);
    assert.match(String(missing.message), /^the signer ".+missing\.mjs" cannot be loaded: /);
    assert.equal((await refused('--signer', module, '--encrypt-key')).message, '--encrypt-key with --signer');
    assert.equal(
      (await refused('--signer', module, '--signer-setting', 'key')).message,
      '--signer-setting "key" is no setting',
    );
    await assert.rejects(openSigner({ module: 'no-such-package' }, other.directory), {
      message: /^the signer "no-such-package" cannot be loaded: /,
      exitCode: 2,
    });
    other.remove();
  });

  test('a key that is not the certificate’s signs nothing', async () => {
    const other = new Place();
    await other.json('init', '--dev', '--signer', module, '--signer-setting', 'key=one');
    const file = JSON.parse(readFileSync(other.path('ca', 'config.json'), 'utf8')) as object;
    other.file('ca/config.json', JSON.stringify({ ...file, signer: { module, settings: { key: 'two' } } }));
    const { message } = await other.refusal('issue', 'app.test', '--out', other.path('out'));
    assert.equal(message, `the signer "${module}" has another key than the issuer’s certificate`);
    other.remove();
  });
});
