import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { type Certificate, parseCertificates, parsePrivateKey, toPem } from '@handfast/x509';
import { type EnrollOptions, enroll } from '../../src/enroll/enroll.ts';
import { explainJson } from '../../src/explain.ts';
import { finish } from '../support/io.ts';
import { FakeCa, problem } from './fake-ca.ts';
import { command, TestWorld } from './support.ts';

const token = `hfe_${'a'.repeat(43)}`;
let ca: FakeCa;
let out: string;
before(async () => {
  ca = await FakeCa.open();
});
after(() => ca.close());
beforeEach(() => {
  ca.asked.length = 0;
  ca.answers = [];
  ca.names = ['app.test'];
  out = mkdtempSync(join(tmpdir(), 'enroll-'));
});
afterEach(() => rmSync(out, { recursive: true }));

interface Ran {
  readonly code: number | undefined;
  readonly error: { readonly message?: string; readonly hint?: string; readonly exitCode?: number };
  readonly json: Readonly<Record<string, unknown>>;
  readonly stderr: string;
  readonly world: TestWorld;
}

async function run(options: Partial<EnrollOptions> = {}, names: readonly string[] = [], url = ca.url): Promise<Ran> {
  const { io, stdin, stdout, stderr } = command();
  const world = new TestWorld();
  stdin.end(`${token}\n`);
  const all = { fingerprint: ca.fingerprint, tokenFile: '-', out, json: true, ...options };
  let code: number | undefined;
  let error: Ran['error'] = {};
  try {
    code = await enroll(url, names, all, io, world);
  } catch (thrown) {
    error = explainJson(thrown) as Ran['error'];
  }
  return { code, error, json: stdout.values[0] ?? {}, stderr: stderr.text, world };
}

function files(): readonly string[] {
  return readdirSync(out).toSorted();
}

function certificateIn(name: string): Certificate | undefined {
  return parseCertificates(readFileSync(join(out, name)))[0];
}

describe('handfast enroll', () => {
  test('writes key, certificate, root and what renewals need; the token goes by a header, once', async () => {
    const { code, json } = await run({ hook: 'true' }, ['app.test']);
    assert.equal(code, 0);
    assert.deepEqual(files(), ['app.test-key.pem', 'app.test-root.pem', 'app.test.pem', 'app.test.renew.json']);
    const { publicKey } = await provider.importPrivateKey(parsePrivateKey(readFileSync(join(out, 'app.test-key.pem'))));
    assert.deepEqual(certificateIn('app.test.pem')?.spki, publicKey.spki);
    assert.deepEqual(certificateIn('app.test-root.pem')?.raw, ca.root.raw);
    assert.equal(statSync(join(out, 'app.test-key.pem')).mode & 0o777, 0o600);
    assert.deepEqual(JSON.parse(readFileSync(join(out, 'app.test.renew.json'), 'utf8')), {
      version: 1,
      url: ca.url,
      root: 'app.test-root.pem',
      certificate: 'app.test.pem',
      key: 'app.test-key.pem',
      hook: 'true',
    });
    assert.deepEqual(json.names, ['app.test']);
    assert.deepEqual(
      ca.asked.map((one) => [one.method, one.path, one.token]),
      [
        ['GET', '/enrol/v1/roots', undefined],
        ['POST', '/enrol/v1/certificates', `Bearer ${token}`],
      ],
    );
  });

  test('certificate and key in one file are for their owner alone', async () => {
    assert.equal((await run({ bundle: true })).code, 0);
    assert.deepEqual(files(), ['app.test-root.pem', 'app.test.pem', 'app.test.renew.json']);
    const text = readFileSync(join(out, 'app.test.pem'), 'utf8');
    assert.match(text, /^-----BEGIN CERTIFICATE-----[\s\S]*-----BEGIN PRIVATE KEY-----/);
    assert.equal(statSync(join(out, 'app.test.pem')).mode & 0o777, 0o600);
  });

  test('another root than the fingerprint’s gets no token, and leaves nothing', async () => {
    const { error } = await run({ fingerprint: 'AB:'.repeat(31).concat('AB') });
    assert.equal(error.exitCode, 5);
    assert.match(error.message ?? '', /has no root with the fingerprint (ab){32}$/);
    // What an impostor hears is that somebody asks for a root.
    assert.deepEqual(
      ca.asked.map((one) => [one.method, one.path, one.token]),
      [['GET', '/enrol/v1/roots', undefined]],
    );
    assert.deepEqual(files(), []);
  });

  test('who shows the right root and does not hold a certificate under it gets no token', async (t) => {
    const impostor = await FakeCa.open();
    t.after(() => impostor.close());
    impostor.roots = ca.roots;
    const { error } = await run({}, [], impostor.url);
    assert.equal(error.exitCode, 5);
    assert.deepEqual(
      impostor.asked.map((one) => [one.method, one.path, one.token]),
      [['GET', '/enrol/v1/roots', undefined]],
    );
  });

  test('an answer that is lost is asked for again, with the same key; so is one that comes later', async () => {
    ca.answers = [() => 'cut', () => ({ ...problem(503, 'busy', 'later'), headers: { 'retry-after': '7' } })];
    const { code, world } = await run();
    assert.equal(code, 0);
    assert.deepEqual(world.waits, [1000, 7000]);
    const keys = ca.asked.map(({ csr }) => csr?.spki).filter((spki) => spki !== undefined);
    assert.equal(keys.length, 3);
    assert.deepEqual(keys[0], keys[2]);
  });

  test('where no answer comes the key stays, and the next attempt goes on with it', async () => {
    ca.answers = Array.from({ length: 4 }, () => () => 'cut');
    const { code, error } = await run();
    assert.equal(code, undefined);
    assert.notEqual(error.message, undefined);
    const [left, ...others] = files();
    assert.match(left ?? '', /^\.enroll-[0-9a-f]{16}-key\.pem$/);
    assert.deepEqual(others, []);
    assert.equal(statSync(join(out, left ?? '')).mode & 0o777, 0o600);
    const first = ca.asked.at(-1)?.csr?.spki;
    assert.notEqual(first, undefined);
    assert.equal((await run()).code, 0);
    assert.deepEqual(ca.asked.at(-1)?.csr?.spki, first);
    assert.equal(existsSync(join(out, left ?? '')), false);
  });

  test('a refusal is told in the CA’s words, escaped, and leaves nothing', async () => {
    ca.answers = [() => problem(403, 'token_used', 'the token was used\u001b[31m')];
    const { error } = await run();
    assert.equal(error.exitCode, 1);
    assert.equal(error.message, 'the CA refuses: the token was used\\u{1b}[31m');
    assert.match(error.hint ?? '', /handfast ca token makes a token/);
    assert.deepEqual(files(), []);
  });

  test('what says that the token gets nothing for this key leaves no key', async () => {
    for (const code of ['bad_key', 'token_expired', 'token_revoked', 'token_unknown', 'token_used']) {
      ca.answers = [() => problem(403, code, 'no')];
      assert.equal((await run()).error.message, 'the CA refuses: no');
      assert.deepEqual(files(), [], code);
    }
  });

  test('any other refusal, as of a proxy, keeps the key, and the next attempt goes on with it', async () => {
    const refusals = [
      [{ status: 403, body: '<html>Forbidden</html>' }, 'the CA refuses: HTTP status 403'],
      [problem(404, 'not_found', 'there is no such resource'), 'the CA refuses: there is no such resource'],
      [problem(403, 'not_allowed', 'no more'), 'the CA refuses: no more'],
      [problem(401, 'token_missing', 'a token is needed'), 'the CA refuses: a token is needed'],
    ] as const;
    for (const [answer, message] of refusals) {
      ca.answers = [() => answer];
      const { error } = await run();
      assert.deepEqual(
        [error.message, error.hint],
        [message, 'the same command once more, with the same token, goes on where this one ended'],
      );
    }
    assert.equal((await run()).code, 0);
    const [first, ...others] = ca.asked.flatMap(({ csr }) => (csr === undefined ? [] : [csr.spki]));
    assert.equal(others.length, refusals.length);
    for (const other of others) assert.deepEqual(other, first);
  });

  test('once an answer was lost no refusal takes the key away: its certificate may be there', async () => {
    ca.answers = [() => 'cut', () => problem(403, 'token_used', 'the token was used')];
    const lost = await run();
    const [file = '', ...others] = files();
    assert.match(file, /^\.enroll-[0-9a-f]{16}-key\.pem$/);
    assert.deepEqual(others, []);
    const kept = `the key of an earlier request is still in "${join(out, file)}"`;
    assert.equal(lost.error.hint, `handfast ca token makes a token at the CA; handfast enroll takes it here; ${kept}`);
    // Nor in a later attempt.
    ca.answers = [() => problem(401, 'token_unknown', 'there is no such token')];
    assert.ok((await run()).error.hint?.endsWith(kept));
    assert.deepEqual(files(), [file]);
  });

  test('what comes back is checked: its key, its names, its issuer', async () => {
    const chain = (certificate: Certificate) => ({
      status: 201,
      body: JSON.stringify({ chain: toPem('CERTIFICATE', certificate.raw) }),
    });
    const { publicKey } = (await provider.generateKeyPair('secp256r1')).signer;
    const foreign = await ca.issue(publicKey);
    ca.answers = [() => chain(foreign)];
    assert.equal((await run()).error.message, 'the CA has sent a certificate for another key');
    assert.match((await run({}, ['other.test'])).error.message ?? '', /^the CA has sent a certificate for app\.test$/);
    ca.answers = [() => ({ status: 201, body: '{"chain":"nonsense"}' })];
    assert.equal((await run()).error.message, 'the CA has sent no certificate');
    const to = ca.to;
    ca.to = new Date(Date.now() - 1000);
    assert.match((await run()).error.message ?? '', /^the CA has sent a certificate that does not verify: /);
    ca.to = to;
    assert.deepEqual(
      files().filter((name) => !name.startsWith('.enroll-')),
      [],
    );
    // The token is used, and its key is here still: without the name that was wrong it goes on.
    assert.equal((await run()).code, 0);
  });

  test('no file is replaced unless it is said so; with a name that is found before the token is used', async () => {
    writeFileSync(join(out, 'app.test-key.pem'), 'mine');
    const known = await run({}, ['app.test']);
    assert.deepEqual([known.error.exitCode, ca.asked.length], [2, 0]);
    assert.match(known.error.message ?? '', /app\.test-key\.pem" is there already$/);
    assert.equal((await run()).error.exitCode, 2);
    assert.equal(readFileSync(join(out, 'app.test-key.pem'), 'utf8'), 'mine');
    assert.equal((await run({ force: true })).code, 0);
    assert.notEqual(readFileSync(join(out, 'app.test-key.pem'), 'utf8'), 'mine');
    assert.equal(files().length, 4);
  });

  test('the token comes by a file or stdin; as an argument it is warned of', async () => {
    const argv = [ca.url, '--fingerprint', ca.fingerprint, '--token', token, '--out', out];
    const { exitCode, stderr } = await finish(['enroll', ...argv]);
    assert.equal(exitCode, 0, stderr.text);
    assert.match(stderr.text, /--token: others on this machine can read it/);
    const file = join(out, 'token');
    writeFileSync(file, `${token}\nmore\n`);
    assert.equal((await run({ tokenFile: file, force: true })).code, 0);
    const posts = ca.asked.filter(({ method }) => method === 'POST');
    assert.deepEqual(
      posts.map((one) => one.token),
      [`Bearer ${token}`, `Bearer ${token}`],
    );
    writeFileSync(file, 'no\ttoken\r\n');
    assert.match((await run({ tokenFile: file, force: true })).error.message ?? '', /^--token-file is no token$/);
    assert.equal((await run({ token })).error.message, '--token and --token-file contradict each other');
  });

  const misuse: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
    [['http://ca.test'], /is no URL of a CA$/],
    [['https://ca.test/acme'], /has more than host and port$/],
    [['https://ca.test', '--fingerprint', 'abc'], /is no SHA-256 fingerprint$/],
    [['https://ca.test'], /^enrolment needs a token$/],
  ];
  for (const [argv, message] of misuse) {
    test(`misuse: ${argv.join(' ')}`, async () => {
      const fingerprint = argv.includes('--fingerprint') ? [] : ['--fingerprint', 'ab'.repeat(32)];
      const { exitCode, stderr } = await finish(['enroll', ...argv, ...fingerprint, '--json']);
      assert.equal(exitCode, 2);
      assert.match(String(stderr.values[0]?.message), message);
    });
  }
});
