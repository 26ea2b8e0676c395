import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { openSqlite } from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { issueRequest, parseCertificates, toPem } from '@handfast/x509';
import { finish, type Session, start } from '../support/io.ts';
import { AcmeClient, https } from './acme-client.ts';
import { Place } from './support.ts';

const place = new Place();
let session: Session;
let directory: string;
let url: string;
let root: string;
before(async () => {
  await place.json('init', '--dev', '--require-eab');
  root = readFileSync(place.path('ca', 'root.pem'), 'utf8');
  session = start(['ca', 'serve', '--dev', '--json', '--port', '0', '--http-port', '0', '--dir', place.dir]);
  const [line] = await session.stderr.match(/^\{"event":"listening".*$/m);
  ({ directory } = JSON.parse(line) as { directory: string });
  url = new URL(directory).origin;
});
after(async () => {
  session.interrupt.abort();
  await session.exitCode;
  place.remove();
});

interface Made {
  readonly id: string;
  readonly token: string;
  readonly fingerprint: string;
  readonly command: string;
}

async function token(...argv: readonly string[]): Promise<Made> {
  const [made] = await place.json('token', ...argv, '--url', url);
  return made as unknown as Made;
}

/** With the token on stdin. */
async function enroll({ token: secret, fingerprint }: Made, folder: string, ...argv: readonly string[]) {
  const command = [
    'enroll',
    url,
    '--fingerprint',
    fingerprint,
    '--token-file',
    '-',
    '--json',
    '--out',
    place.path(folder),
  ];
  return await finish([...command, ...argv], `${secret}\n`);
}

interface Reply {
  readonly status: number | undefined;
  readonly json: Readonly<Record<string, unknown>>;
}

/** A renewal by `node:tls`, with any certificate. */
async function renewWith(credential: { readonly cert: string; readonly key: string } | undefined): Promise<Reply> {
  const { signer } = await provider.generateKeyPair('secp256r1');
  const { raw } = await issueRequest({ provider, signer, subject: { organization: 'Test' } });
  const headers = { 'content-type': 'application/pkcs10' };
  return await new Promise((resolve, reject) => {
    request(
      `${url}/enrol/v1/renewals`,
      { ca: root, ...credential, method: 'POST', headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, json: JSON.parse(text) as Reply['json'] }));
      },
    )
      .on('error', reject)
      .end(toPem('CERTIFICATE REQUEST', raw));
  });
}

function credential(folder: string, name: string): { readonly cert: string; readonly key: string } {
  const read = (file: string): string => readFileSync(place.path(folder, file), 'utf8');
  return { cert: read(`${name}.pem`), key: read(`${name}-key.pem`) };
}

describe('ca token, enroll, renew', () => {
  test('a token is enrolled with, and its certificate renewed over mutual TLS', async () => {
    const made = await token('app.test', '127.0.0.1');
    assert.equal(made.command, `handfast enroll ${url} --fingerprint ${made.fingerprint} --token-file -`);
    const { exitCode, stdout, stderr } = await enroll(made, 'app', 'app.test', '127.0.0.1');
    assert.equal(exitCode, 0, stderr.text);
    const { serial } = stdout.values[0] ?? {};
    const state = place.path('app', 'app.test.renew.json');
    const waiting = await finish(['renew', state, '--json']);
    assert.deepEqual([waiting.exitCode, waiting.stdout.values[0]?.renewed], [0, false]);
    const hook = `cp "$HANDFAST_CERT" '${place.path('copy.pem')}'`;
    const renewed = await finish(['renew', state, '--force', '--hook', hook, '--json']);
    assert.equal(renewed.exitCode, 0, renewed.stderr.text);
    const [leaf] = parseCertificates(readFileSync(place.path('copy.pem')));
    assert.equal(leaf?.serialNumberHex, renewed.stdout.values[0]?.serial);
    assert.notEqual(leaf?.serialNumberHex, serial);
    const [newest, first] = await place.json('list', '--search', 'app.test');
    assert.deepEqual([newest?.serial, newest?.by], [leaf?.serialNumberHex, `enrolment renewal of ${String(serial)}`]);
    assert.deepEqual([first?.serial, first?.by], [serial, `enrolment token ${made.id}`]);
    const again = await enroll(made, 'again');
    assert.equal(again.exitCode, 1);
    assert.equal(again.stderr.values[0]?.message, 'the CA refuses: the token was used, with another key');
    const { time, ...told } = session.stderr.values.findLast(({ event }) => event === 'refused') ?? {};
    assert.deepEqual(told, {
      event: 'refused',
      path: '/enrol/v1/certificates',
      code: 'token_used',
      cause: 'the token was used, with another key',
    });
  });

  test('a client’s token is for whom it says, and may be a mailbox', async () => {
    const made = await token('alice', 'alice@app.test', '--profile', 'client');
    const { exitCode, stderr } = await enroll(made, 'alice', 'alice', 'alice@app.test');
    assert.equal(exitCode, 0, stderr.text);
    const [record] = await place.json('list', '--search', 'alice');
    assert.deepEqual([record?.profile, record?.commonName, record?.names], ['client', 'alice', ['alice@app.test']]);
    assert.equal((await renewWith(credential('alice', 'alice'))).status, 201);
  });

  test('tokens are listed and revoked', async () => {
    const { id, token: secret } = await token('listed.test', '--ttl', '30m');
    const listed = async () => (await place.json('token', 'list')).find((one) => one.id === id);
    assert.deepEqual([(await listed())?.status, (await listed())?.names], ['open', ['listed.test']]);
    assert.equal(JSON.stringify(await listed()).includes(secret), false);
    assert.match(
      (await place.ca('token', 'list')).stdout.text,
      new RegExp(`^${id}  server  +open, ends in \\d\\d minutes`, 'm'),
    );
    assert.equal((await place.json('token', 'revoke', id))[0]?.status, 'revoked');
    assert.equal((await place.refusal('token', 'revoke', id)).message, `the token ${id} is revoked already`);
    assert.equal((await place.refusal('token', 'revoke', 'none')).message, 'there is no such token');
    assert.match(String((await place.refusal('token', 'a.example.com')).message), /in none of the domains/);
    assert.equal((await place.refusal('token', 'a.test', '--ttl', '1y')).message, '--ttl "1y" is no time');
    assert.equal((await place.refusal('token')).message, 'what is the token for?');
  });

  test('people are shown the token once, and lines to copy', async () => {
    const { stdout } = await place.ca('token', 'people.test');
    assert.match(stdout.text, /^Token, shown this once:\n {2}hfe_[\w-]{43}$/m);
    const [, line] = /^There, and paste the token:\n {2}(.+)$/m.exec(stdout.text) ?? [];
    assert.match(line ?? '', /^handfast enroll https:\/\/localhost:8555 --fingerprint [0-9a-f]{64} --token-file -$/);
  });

  test('what an operator has issued is renewed; without a certificate, revoked, of another CA, by ACME: nothing is', async () => {
    await place.json('issue', 'db.test', '--out', place.path('operator'));
    const own = credential('operator', 'db.test');
    assert.equal((await renewWith(own)).status, 201);
    const missing = await renewWith(undefined);
    assert.deepEqual([missing.status, missing.json.code], [401, 'certificate_missing']);
    const [{ serial } = { serial: '' }] = await place
      .json('list', '--search', 'db.test', '--limit', '2')
      .then((all) => all.slice(-1));
    await place.json('revoke', String(serial));
    const revoked = await renewWith(own);
    assert.deepEqual([revoked.status, revoked.json.code], [403, 'certificate_revoked']);
    const other = new Place();
    await other.json('init', '--dev');
    mkdirSync(place.path('foreign'));
    await other.json('issue', 'db.test', '--out', place.path('foreign'));
    other.remove();
    const foreign = await renewWith(credential('foreign', 'db.test'));
    assert.deepEqual([foreign.status, foreign.json.code], [403, 'certificate_unknown']);
    // As ACME's are recorded.
    await place.json('issue', 'acme.test', '--out', place.path('acme'));
    const database = await openSqlite(place.path('ca', 'ca.db'));
    await database.run(
      `UPDATE certificates SET issued_by = 'acme account 1', origin = 'acme order 1'
       WHERE serial IN (SELECT serial FROM certificate_names WHERE name = 'acme.test')`,
    );
    await database.close();
    const acme = await renewWith(credential('acme', 'acme.test'));
    assert.deepEqual([acme.status, acme.json.code], [403, 'not_renewable']);
  });

  test('enrolment is served over TLS alone', async () => {
    assert.equal((await https(root, `${url}/enrol/v1/roots`)).body, root);
    const { http } = session.stderr.values.find(({ event }) => event === 'listening') ?? {};
    assert.equal((await fetch(`${String(http)}/enrol/v1/roots`)).status, 404);
  });
});

describe('ca eab', () => {
  test('a key is made, shown once with what its owner types, listed and revoked', async () => {
    const [made] = await place.json('eab', 'create', 'team blue', '--url', url);
    const { id, secret, commands } = made as { id: string; secret: string; commands: Record<string, string> };
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.equal(commands.certbot, `certbot register --server ${directory} --eab-kid=${id} --eab-hmac-key=${secret}`);
    const [listed] = await place.json('eab', 'list');
    assert.deepEqual([listed?.id, listed?.label, listed?.revokedAt], [id, 'team blue', null]);
    assert.equal(JSON.stringify(listed).includes(secret), false);
    assert.deepEqual(await place.json('eab', 'revoke', id), [{ id, revoked: true }]);
    assert.match(String((await place.refusal('eab', 'revoke', id)).message), /that is not revoked$/);
    assert.match((await place.ca('eab', 'list')).stdout.text, new RegExp(`^${id}  revoked .* team blue$`, 'm'));
  });

  test('ca init --require-eab has ca serve ask new accounts for one', async () => {
    const config = JSON.parse(readFileSync(place.path('ca', 'config.json'), 'utf8')) as Record<string, unknown>;
    assert.equal(config.externalAccountRequired, true);
    const { body } = await https(root, directory);
    assert.equal((JSON.parse(body) as { meta: Record<string, unknown> }).meta.externalAccountRequired, true);
    // Its account comes to nothing.
    const client = await AcmeClient.open(root, directory);
    await assert.rejects(client.order('app.test', new Uint8Array(), () => undefined));
    assert.ok(session.stderr.values.some(({ problem }) => problem === 'externalAccountRequired'));
  });
});
