import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { nodeProvider as provider } from '@handfast/crypto/node';
import {
  authorityInfoAccessOf,
  type Certificate,
  type FetchRequest,
  keyPurposeLabel,
  ocspRequest,
  parseCertificates,
  parseOcspResponse,
  revocation,
  trustStore,
  verifyCertificate,
} from '@handfast/x509';
import { init } from '../../src/ca/init.ts';
import { openFolder } from '../../src/ca/open.ts';
import { Output, type Session, start } from '../support/io.ts';
import { deadPort } from '../support/net.ts';
import { Place } from './support.ts';

const place = new Place();
const sessions: Session[] = [];
after(async () => {
  for (const session of sessions) {
    session.interrupt.abort();
    await session.exitCode;
  }
  place.remove();
});

const certificatesIn = (...names: readonly string[]): readonly Certificate[] =>
  parseCertificates(readFileSync(place.path(...names)));

/** Without the fetcher that keeps away from private addresses. */
async function fetched({ url, method, body, contentType }: FetchRequest): Promise<Uint8Array<ArrayBuffer>> {
  const headers = contentType === undefined ? {} : { 'content-type': contentType };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { method, agent: false, headers }, resolve).on('error', reject).end(body);
  });
  assert.equal(response.statusCode, 200);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Uint8Array.from(Buffer.concat(chunks));
}

async function statusOf(leaf: Certificate, intermediate: Certificate): Promise<string> {
  const { revocation: verdicts = [] } = await verifyCertificate({
    provider,
    leaf,
    intermediates: [intermediate],
    trust: trustStore(certificatesIn('ca', 'root.pem')),
    time: new Date(),
    usage: 'serverAuth',
    revocation: revocation({ mode: 'require', scope: 'leaf', sources: ['ocsp'], fetch: fetched }),
  });
  const [{ answer } = assert.fail()] = verdicts;
  return 'source' in answer ? `${answer.status} by ${answer.source}` : answer.why;
}

async function answered(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

const io = (stdout: Output, stderr: Output) => ({
  stdin: new PassThrough(),
  stdout: stdout.stream,
  stderr: stderr.stream,
  env: {},
  interrupted: new AbortController().signal,
});

test('a responder without a URL is refused', async () => {
  const options = { dir: place.dir, dev: true, ocsp: true, wildcards: true, passphrase: true };
  await assert.rejects(init(options, io(new Output(), new Output())), {
    exitCode: 2,
    message: '--ocsp without --base-url: where would certificates say that the responder is?',
  });
});

test('a CA with OCSP names its responder in what it issues, and serves it over plain HTTP', async () => {
  const baseUrl = `http://localhost:${await deadPort()}`;
  const options = { dir: place.dir, dev: true, ocsp: true, wildcards: true, passphrase: true, baseUrl, json: true };
  const stdout = new Output();
  assert.equal(await init(options, io(stdout, new Output())), 0);
  assert.equal(stdout.values[0]?.ocsp, true);
  const [intermediate = assert.fail()] = certificatesIn('ca', 'intermediate.pem');
  assert.deepEqual(intermediate.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.9']);

  const session = start(['ca', 'serve', '--dev', '--port', '0', '--dir', place.dir]);
  sessions.push(session);
  await session.stderr.match(/^root, CRLs and OCSP at http:\/\/localhost:\d+$/m);
  await place.json('issue', 'app.test', '--out', place.path('out'));
  const [leaf = assert.fail()] = certificatesIn('out', 'app.test.pem');
  const [url = ''] = authorityInfoAccessOf(leaf).ocspUrls;
  assert.match(url, new RegExp(`^${baseUrl}/ocsp/[0-9a-f]{64}$`));
  assert.equal(await statusOf(leaf, intermediate), 'good by ocsp');

  const body = ocspRequest({ provider, certificate: leaf, issuer: intermediate });
  const { port, pathname } = new URL(url);
  const head = (version: string, target: string, length: number): string =>
    `POST ${target} ${version}\r\nContent-Type: application/ocsp-request\r\nContent-Length: ${length}\r\n`;
  // HTTP/1.0 has no Host; a target may have scheme and host (RFC 9112 §3.2.2).
  for (const request of [head('HTTP/1.0', pathname, body.length), head('HTTP/1.0', url, body.length)]) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`${request}\r\n`);
    socket.write(body);
    const [answerHead = '', der = ''] = (await answered(socket)).split('\r\n\r\n', 2);
    assert.match(answerHead, /^HTTP\/1\.1 200 /);
    assert.equal(parseOcspResponse(Uint8Array.from(Buffer.from(der, 'latin1'))).status, 'successful');
  }
  // A client that is gone before its request is whole is no error of the CA's.
  const socket = connect(Number(port), '127.0.0.1');
  socket.end(`${head('HTTP/1.1', pathname, 500)}Host: localhost\r\n\r\nabc`);
  await session.stderr.match(/ POST \/ocsp\/[0-9a-f]{64} (cut off|400) /);
  assert.doesNotMatch(session.stderr.text, /✗|fault/);

  await place.json('revoke', leaf.serialNumberHex, '--reason', 'superseded');
  await assert.rejects(statusOf(leaf, intermediate), { code: 'revoked' });
  const [responder] = await place.json('list', '--search', 'OCSP responder');
  assert.equal(responder?.by, 'authority');
});

test('OCSP that is turned on over an intermediate which is not for it is refused, until there is another', async () => {
  const plain = new Place();
  const rootKey = ['--root-key', plain.path('root-key.pem')];
  await plain.json('init', '--dev', '--base-url', 'http://localhost:8080', ...rootKey, '--no-passphrase');
  await plain.json('issue', 'old.test', '--out', plain.path('out'));
  const config = plain.path('ca', 'config.json');
  plain.file('ca/config.json', JSON.stringify({ ...JSON.parse(readFileSync(config, 'utf8')), ocsp: true }));
  assert.deepEqual(await plain.refusal('list'), {
    exitCode: 2,
    message: `"ocsp" in "${config}", and nobody would believe the answers: the intermediate is for serverAuth, clientAuth alone`,
    hint: 'handfast ca rotate intermediate makes one that is for ocspSigning, too',
  });
  await plain.json('rotate', 'intermediate', ...rootKey);
  const [leaf] = parseCertificates(readFileSync(plain.path('ca', 'intermediate.pem')));
  assert.deepEqual(leaf?.extendedKeyUsage?.map(keyPurposeLabel), ['serverAuth', 'clientAuth', 'ocspSigning']);
  const ca = await openFolder(plain.dir, async () => '');
  assert.equal(await ca.authority.presignOcsp(), false);
  await ca.close();
  plain.remove();
});
