import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { before, test } from 'node:test';
import type { GeneratedKeyPair } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import { createServer } from '@handfast/tls/node';
import { type Extension, issueCertificate, toPem } from '@handfast/x509';
import type { Identifier } from '../../../src/acme/identifiers.ts';
import { ValidationFailure } from '../../../src/acme/validation/challenge.ts';
import { tlsAlpn01 } from '../../../src/acme/validation/tls-alpn-01.ts';

const keyAuthorization = 'token.thumbprint';
const name: Identifier = { type: 'dns', value: 'app.test' };
const address: Identifier = { type: 'ip', value: '127.0.0.1' };

let pair: GeneratedKeyPair;
before(async () => {
  pair = await nodeProvider.generateKeyPair('secp256r1');
});

/** id-pe-acmeIdentifier */
function proof(text = keyAuthorization, critical = true): Extension {
  const digest = createHash('sha256').update(text).digest();
  return { oid: '1.3.6.1.5.5.7.1.31', critical, value: Uint8Array.of(4, 32, ...digest) };
}

async function certificate(names: readonly string[], extensions: readonly Extension[]): Promise<string> {
  const { signer } = pair;
  const { raw } = await issueCertificate({
    provider: nodeProvider,
    subject: { commonName: 'challenge' },
    issuer: { signer },
    publicKey: signer.publicKey,
    notBefore: new Date(0),
    notAfter: new Date(1),
    names,
    extensions,
    unverifiable: true,
  });
  return toPem('CERTIFICATE', raw);
}

interface Shown {
  readonly names?: readonly string[];
  readonly extensions?: readonly Extension[];
  readonly protocols?: readonly string[];
}

/** Validates against a server that shows such a certificate; the name that it was asked for. */
async function validate(
  identifier: Identifier,
  { names = [identifier.value], extensions = [proof()], protocols = ['acme-tls/1'] }: Shown = {},
): Promise<unknown> {
  let asked: unknown;
  const cert = await certificate(names, extensions);
  const ALPNCallback = (hello: {
    readonly servername: string;
    readonly protocols: readonly string[];
  }): string | undefined => {
    asked = hello.servername;
    return protocols.find((protocol) => hello.protocols.includes(protocol));
  };
  const server = createServer({ cert, key: toPem('PRIVATE KEY', pair.pkcs8), ALPNCallback }, (socket) => {
    socket.on('error', () => undefined);
    socket.resume();
  });
  server.on('tlsClientError', () => undefined);
  await validateAt(await listen(server), identifier).finally(() => server.close());
  return asked;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function validateAt(
  port: number,
  identifier: Identifier,
  timeoutMs = 5000,
  addresses: readonly string[] = ['127.0.0.1'],
): Promise<void> {
  const targets = { dev: true, resolve: async () => addresses };
  const challenge = tlsAlpn01({ provider: nodeProvider, port, targets, timeoutMs });
  await challenge.validate({ identifier, token: 'token', keyAuthorization, signal: new AbortController().signal });
}

const failsWith = async (work: Promise<unknown>, type: string, message: RegExp): Promise<void> => {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof ValidationFailure, String(error));
    assert.deepEqual([error.type, message.test(error.message)], [type, true], error.message);
    return true;
  });
};

test('the certificate of the challenge proves a name, asked for by it', async () => {
  assert.equal(await validate(name), 'app.test');
});

test('it proves an address, asked for by its reverse name', async () => {
  assert.equal(await validate(address), '1.0.0.127.in-addr.arpa');
});

test('it proves no wildcard', () => {
  const challenge = tlsAlpn01({ provider: nodeProvider });
  assert.equal(challenge.offers({ identifier: name, wildcard: true }), false);
  assert.throws(() => tlsAlpn01({ provider: nodeProvider, port: 8443 }), RangeError);
});

test('a certificate that lacks anything is unauthorized', async () => {
  await failsWith(validate(name, { names: ['other.test'] }), 'unauthorized', /identifier alone/);
  await failsWith(validate(name, { names: ['app.test', 'other.test'] }), 'unauthorized', /identifier alone/);
  await failsWith(validate(name, { names: ['*.test'] }), 'unauthorized', /identifier alone/);
  await failsWith(validate(name, { extensions: [] }), 'unauthorized', /no critical acmeIdentifier/);
  await failsWith(validate(name, { extensions: [proof(keyAuthorization, false)] }), 'unauthorized', /no critical/);
  await failsWith(validate(name, { extensions: [proof('token.other')] }), 'unauthorized', /another key authorization/);
  const short = { ...proof(), value: Uint8Array.of(4, 1, 0) };
  await failsWith(validate(name, { extensions: [short] }), 'unauthorized', /another key authorization/);
});

test('a server without the protocol fails in TLS', async () => {
  await failsWith(validate(name, { protocols: ['h2'] }), 'tls', /./);
});

test('a server that is none, or says nothing, is a failed connection or a failure of TLS', async () => {
  const answers: readonly (readonly [answer: string | undefined, type: string])[] = [
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'tls'],
    [undefined, 'connection'],
  ];
  for (const [answer, type] of answers) {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      if (answer !== undefined) socket.end(answer);
    });
    const port = await listen(server);
    await failsWith(
      validateAt(port, name, answer === undefined ? 50 : 5000).finally(() => server.close()),
      type,
      /./,
    );
  }
});

test('an address that takes connections and says nothing has its share of the time, and leaves the others theirs', async () => {
  const shown = { cert: await certificate(['app.test'], [proof()]), key: toPem('PRIVATE KEY', pair.pkcs8) };
  const secure = createServer({ ...shown, ALPNProtocols: ['acme-tls/1'] }, (socket) => {
    socket.on('error', () => undefined);
    socket.resume();
  });
  let connections = 0;
  // The first time it is the silent one.
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    if (connections++ > 0) secure.emit('connection', socket);
  });
  const port = await listen(server);
  await validateAt(port, name, 600, ['127.0.0.1', '127.0.0.1']).finally(() => server.close());
  assert.equal(connections, 2);
});
