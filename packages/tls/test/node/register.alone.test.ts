/**
 * `@handfast/tls/register` in this process, and in threads and programs that have it by `--import`.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import http2 from 'node:http2';
import https from 'node:https';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { duplexPair } from 'node:stream';
import { after, describe, it } from 'node:test';
import nodeTls, { TLSSocket as NamedSocket, connect as namedConnect } from 'node:tls';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { nodeProvider } from '@handfast/crypto/node';
import { issueCertificate, issueRoot, toPem } from '@handfast/x509';

/** Node's, before. */
const node = { ...nodeTls, rootCertificates: nodeTls.rootCertificates };
const ours = await import('../../src/node/index.ts');
await import('../../src/node/register.ts');

const require = createRequire(import.meta.url);

const { ca, server, client } = await (async () => {
  const validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2049-12-31T00:00:00Z') };
  const { signer } = await nodeProvider.generateKeyPair('secp256r1');
  const root = await issueRoot({ provider: nodeProvider, subject: { commonName: 'CA' }, signer, ...validity });
  const pair = async (
    commonName: string,
    purpose: 'serverAuth' | 'clientAuth',
  ): Promise<{ cert: string; key: string }> => {
    const own = await nodeProvider.generateKeyPair('secp256r1');
    const leaf = await issueCertificate({
      provider: nodeProvider,
      subject: { commonName },
      issuer: { certificate: root, signer },
      publicKey: own.signer.publicKey,
      names: purpose === 'serverAuth' ? [commonName] : [],
      extendedKeyUsage: [purpose],
      ...validity,
    });
    return { cert: toPem('CERTIFICATE', leaf.raw), key: toPem('PRIVATE KEY', own.pkcs8) };
  };
  return {
    ca: toPem('CERTIFICATE', root.raw),
    server: await pair('localhost', 'serverAuth'),
    client: await pair('client', 'clientAuth'),
  };
})();

/** A server that is closed at the end, and its port. */
async function listening<S extends nodeTls.Server>(one: S): Promise<{ server: S; port: number }> {
  await once(one.listen(0, '127.0.0.1'), 'listening');
  after(() => one.close());
  return { server: one, port: (one.address() as AddressInfo).port };
}

describe('what is replaced', () => {
  const replaced = [
    ...['connect', 'createServer', 'Server', 'TLSSocket', 'createSecureContext', 'SecureContext'],
    ...['checkServerIdentity', 'convertALPNProtocols', 'getCiphers', 'getCACertificates', 'setDefaultCACertificates'],
  ] as const;

  it('is each function and class that both have, for require, default imports and names', () => {
    const [required, bare]: readonly Record<string, unknown>[] = ['node:tls', 'tls'].map((name) => require(name));
    assert.equal(required, bare);
    // Node 22.18 has not got the last one.
    for (const name of replaced.filter((one) => one in node)) {
      assert.equal(required?.[name], Reflect.get(ours, name), name);
      assert.notEqual(required?.[name], Reflect.get(node, name), name);
    }
    assert.equal(namedConnect, ours.connect);
    assert.equal(NamedSocket, ours.TLSSocket);
  });

  it('is nothing that we have not got, and no value', () => {
    const left = Object.keys(node).filter((name) => Reflect.get(nodeTls, name) === Reflect.get(node, name));
    const known = [
      ...['CLIENT_RENEG_LIMIT', 'CLIENT_RENEG_WINDOW', 'DEFAULT_CIPHERS', 'DEFAULT_ECDH_CURVE', 'DEFAULT_MAX_VERSION'],
      ...['DEFAULT_MIN_VERSION', 'createSecurePair', 'getCertificateCompressionAlgorithms', 'rootCertificates'],
    ];
    assert.deepEqual(
      left.filter((name) => !known.includes(name)),
      [],
    );
    assert.equal(Object.keys(nodeTls).length, Object.keys(node).length);
  });

  it('asks Node for its lists, and not itself', () => {
    assert.equal(nodeTls.getCACertificates('bundled').length, node.rootCertificates.length);
    assert.equal(nodeTls.getCACertificates(), node.getCACertificates());
  });

  it('still follows defaults that are set on node:tls', (t) => {
    t.after(() => {
      nodeTls.DEFAULT_MIN_VERSION = 'TLSv1.2';
    });
    nodeTls.DEFAULT_MIN_VERSION = 'TLSv1.3';
    assert.deepEqual(
      new ours.SecureContext().options.versions.map(({ name }) => name),
      ['TLS 1.3'],
    );
  });

  it('is below the servers of node:https and node:http2', () => {
    for (const one of [https.createServer({}), http2.createSecureServer({})]) {
      assert.ok(one instanceof ours.Server);
      assert.ok(one instanceof nodeTls.Server);
      assert.equal(one instanceof node.Server, false);
    }
  });
});

describe('node:https', () => {
  it('speaks by ours on both sides, with a client certificate', async () => {
    const seen: unknown[] = [];
    const options = { ...server, ca, requestCert: true };
    const { port } = await listening(
      https.createServer(options, (request, response) => {
        const socket = request.socket as nodeTls.TLSSocket;
        seen.push(socket instanceof ours.TLSSocket, socket.authorized, socket.getPeerCertificate().subject?.CN);
        response.end('hello');
      }),
    );
    const agent = new https.Agent({ ...client, ca, keepAlive: false });
    const request = https.get({ host: 'localhost', port, agent });
    const [response] = await once(request, 'response');
    assert.ok(response.socket instanceof ours.TLSSocket);
    assert.equal((await response.toArray()).join(''), 'hello');
    assert.deepEqual(seen, [true, true, 'client']);
  });

  it('refuses a wrong name with the code of Node', async () => {
    const { port } = await listening(https.createServer(server));
    const request = https.get({ host: '127.0.0.1', port, ca });
    const [error] = await once(request, 'error');
    assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('closes as Node’s does: idle connections with it', async () => {
    const { server: one, port } = await listening(https.createServer(server, (_, response) => response.end()));
    const agent = new https.Agent({ ca, keepAlive: true });
    const [response] = await once(https.get({ host: 'localhost', port, agent }), 'response');
    await response.toArray();
    const closed = once(one, 'close');
    one.close();
    await closed;
    agent.destroy();
  });
});

describe('fetch', () => {
  it('speaks by ours', async (t) => {
    const before = nodeTls.getCACertificates();
    t.after(() => ours.setDefaultCACertificates(before));
    ours.setDefaultCACertificates([ca]);
    const sockets: unknown[] = [];
    const { server: one, port } = await listening(https.createServer(server, (_, response) => response.end('hello')));
    one.on('secureConnection', (socket) => sockets.push(socket.getProtocol()));
    const own: (name: string) => { wrap: unknown } = Reflect.get(process, 'binding');
    const { wrap } = own('tls_wrap');
    t.after(() => {
      own('tls_wrap').wrap = wrap;
    });
    own('tls_wrap').wrap = () => assert.fail('Node’s own TLS was used');
    const response = await fetch(`https://localhost:${port}/`, { headers: { connection: 'close' } });
    assert.equal(await response.text(), 'hello');
    assert.deepEqual(sockets, ['TLSv1.3']);
  });
});

describe('node:http2', async () => {
  const heard: Record<string, unknown>[] = [];
  const { port } = await listening(
    http2.createSecureServer(
      { ...server, ca, requestCert: true, rejectUnauthorized: false, allowHTTP1: true },
      (request, response) => {
        const socket = request.socket as nodeTls.TLSSocket;
        const { encrypted, authorized, remoteAddress, servername } = socket;
        heard.push({ encrypted, authorized, remoteAddress, servername, who: socket.getPeerCertificate().subject?.CN });
        response.end(request.httpVersion);
      },
    ),
  );

  it('has sessions that are encrypted, and know both certificates', async () => {
    const session = http2.connect(`https://localhost:${port}`, { ca, ...client });
    assert.equal(session.encrypted, undefined);
    await once(session, 'connect');
    const socket = session.socket as nodeTls.TLSSocket;
    assert.equal(session.encrypted, true);
    assert.equal(session.alpnProtocol, 'h2');
    assert.deepEqual(session.originSet, [`https://localhost:${port}`]);
    assert.ok(socket instanceof nodeTls.TLSSocket);
    assert.equal(socket.authorized, true);
    assert.equal(socket.getPeerCertificate().subject.CN, 'localhost');
    assert.equal(socket.getProtocol(), 'TLSv1.3');
    assert.equal(socket.remotePort, port);
    const stream = session.request();
    assert.equal((await stream.toArray()).join(''), '2.0');
    assert.deepEqual(heard.at(-1), {
      ...{ encrypted: true, authorized: true, remoteAddress: '127.0.0.1', servername: 'localhost', who: 'client' },
    });
    session.close();
    await once(session, 'close');
  });

  it('does not begin with a server that is not trusted', async () => {
    const session = http2.connect(`https://127.0.0.1:${port}`, { ca });
    session.on('connect', () => assert.fail('it began'));
    const [error] = await once(session, 'error');
    assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('answers HTTP/1.1 at the same port', async () => {
    const [response] = await once(https.get({ host: 'localhost', port, ca, agent: false }), 'response');
    assert.equal((await response.toArray()).join(''), '1.1');
  });

  it('leaves wrappers of other streams as they are', async () => {
    const [near, far] = duplexPair();
    const session = http2.connect('http://localhost', { createConnection: () => near });
    const other = http2.performServerHandshake(far);
    await once(session, 'connect');
    assert.equal(session.encrypted, false);
    assert.equal(session.alpnProtocol, 'h2c');
    const socket = session.socket as nodeTls.TLSSocket;
    assert.equal(socket instanceof nodeTls.TLSSocket, false);
    assert.equal(socket.remoteAddress, undefined);
    assert.equal(socket.getPeerCertificate, undefined);
    session.destroy();
    other.destroy();
  });
});

const flags = ['--conditions=@handfast/source', '--disable-warning=ExperimentalWarning'];
const entry = (name: string): string => new URL(`../../src/node/${name}.ts`, import.meta.url).href;
/** A program as a file has it: what is evaluated as a text gets no imports ahead. */
const moduleOf = (program: string): string => `data:text/javascript,${encodeURIComponent(program)}`;

describe('--import', { concurrency: true }, () => {
  it('is there before a program of CommonJS, and in its threads', async () => {
    const thread = moduleOf(`
      import { TLSSocket } from 'node:tls';
      process.stdout.write(String('begin' in TLSSocket.prototype));`);
    const program = `
      const { Worker } = require('node:worker_threads');
      process.stdout.write(\`\${'begin' in require('tls').TLSSocket.prototype} \`);
      new Worker(new URL(${JSON.stringify(thread)}));`;
    const args = [...flags, '--import', entry('register'), '-e', program];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    assert.equal(stdout, 'true true');
  });

  it('of register-legacy knows TLS 1.0 for who asks for it, and for nobody else', async (test) => {
    const old = { ciphers: 'DEFAULT@SECLEVEL=0', minVersion: 'TLSv1', maxVersion: 'TLSv1' };
    const program = moduleOf(`
      import tls from 'node:tls';
      import { parentPort, workerData as options } from 'node:worker_threads';
      const tell = (...words) => parentPort.postMessage(words);
      const first = tls.connect({ ...options, minVersion: 'TLSv1' }, () => {
        tell(first instanceof tls.TLSSocket, first.getProtocol(), first.getCipher().standardName);
        first.end();
        tls.connect(options).on('error', (error) => {
          tell(error.code);
          parentPort.close();
        });
      });
      first.on('error', (error) => tell(error.stack)).resume();
      parentPort.on('message', () => undefined);`);
    // With Node's own TLS, which is as it was in threads without the flag.
    const peer = new Worker(
      `
      const { parentPort, workerData } = require('node:worker_threads');
      const server = require('node:tls').createServer(workerData, (socket) => socket.end('hello'));
      server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
      parentPort.once('message', () => server.close());`,
      { eval: true, workerData: { ...server, ...old } },
    );
    test.after(() => peer.terminate());
    const [port] = await once(peer, 'message');
    const worker = new Worker(new URL(program), {
      workerData: { host: 'localhost', port, ca },
      execArgv: [...flags, '--import', entry('register-legacy')],
    });
    const told: unknown[] = [];
    worker.on('message', (words) => told.push(words));
    await once(worker, 'exit');
    peer.postMessage('done');
    await once(peer, 'exit');
    assert.deepEqual(told, [
      [true, 'TLSv1', 'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA'],
      ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
    ]);
  });
});
