/**
 * Programs of others with `--import @handfast/tls/register`: a viewer sees what they do, to the last of it, and they do not notice.
 *
 * @module
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { nodeProvider } from '@handfast/crypto/node';
import { issueRoot, issueServerCertificate, toPem } from '@handfast/x509';
import { type StandIn, standIn } from './viewer.ts';

const validity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2049-12-31T00:00:00Z') };
const identity: Record<'ca' | 'cert' | 'key', string> = { ca: '', cert: '', key: '' };

before(async () => {
  const [own, leaf] = await Promise.all([
    nodeProvider.generateKeyPair('secp256r1'),
    nodeProvider.generateKeyPair('secp256r1'),
  ]);
  const subject = { commonName: 'CA' };
  const certificate = await issueRoot({ provider: nodeProvider, subject, signer: own.signer, ...validity });
  const issued = await issueServerCertificate({
    provider: nodeProvider,
    subject: { commonName: 'localhost' },
    issuer: { certificate, signer: own.signer },
    publicKey: leaf.signer.publicKey,
    names: ['localhost'],
    ...validity,
  });
  identity.ca = toPem('CERTIFICATE', certificate.raw);
  identity.cert = toPem('CERTIFICATE', issued.raw);
  identity.key = toPem('PRIVATE KEY', leaf.pkcs8);
});

/** A server and a client of `node:https` in one program, which asks once and then ends by itself, or does `last`. */
const program = (last: string, answer = "'the answer'"): string => `
  const https = require('node:https');
  const { ca, cert, key } = JSON.parse(process.env.IDENTITY);
  const server = https.createServer({ cert, key }, (request, response) => response.end(${answer}));
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    https.get({ host: '127.0.0.1', servername: 'localhost', port, ca, agent: false }, async (response) => {
      for await (const chunk of response) process.stdout.write(chunk);
      ${last};
      server.close();
    });
  });`;

async function run(name: string, text: string, env: Readonly<Record<string, string>>): Promise<string> {
  const flags = ['--conditions=@handfast/source', '--disable-warning=ExperimentalWarning'];
  const register = new URL(`../../../src/node/${name}.ts`, import.meta.url).href;
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--import', register, '-e', text], {
    env: { ...process.env, HANDFAST_VIEW_SECRETS: '0', ...env, IDENTITY: JSON.stringify(identity) },
    // Who never ends is a failure, and no test that never ends.
    timeout: 60_000,
  });
  return stdout;
}

async function viewer(): Promise<StandIn> {
  const seen = await standIn();
  after(async () => {
    await seen.leave();
    rmSync(seen.folder, { recursive: true });
  });
  return seen;
}

/** Of each role, what came of its connections. */
function outcomes(seen: StandIn): readonly string[] {
  const begun = seen.parts().flatMap(({ id, begins }) => (begins ? [{ id, role: begins.role }] : []));
  return begun
    .map(({ id, role }) => {
      const own = seen.parts().filter((part) => part.id === id);
      const is = (what: 'negotiated' | 'ended'): string => (own.some((part) => part[what] !== undefined) ? what : '');
      return [role, is('negotiated'), is('ended')].join(' ').trim();
    })
    .sort();
}

describe('a program with register', () => {
  for (const name of ['register', 'register-legacy']) {
    it(`is seen whole where it ends by itself: ${name}`, async () => {
      const seen = await viewer();
      assert.equal(await run(name, program(''), seen.env), 'the answer');
      await seen.until(() => seen.sockets[0]?.destroyed === true);
      assert.deepEqual(outcomes(seen), ['client negotiated ended', 'server negotiated ended']);
      assert.match(String(seen.lines()[0]?.program), /^node/);
      assert.equal(
        seen
          .parts()
          .find(({ begins }) => begins?.role === 'client')
          ?.begins?.target?.split(':')[0],
        '127.0.0.1',
      );
      assert.doesNotMatch(seen.text(), /_SECRET|"data"/);
    });
  }

  it('is seen up to its last word where it ends itself', async () => {
    const seen = await viewer();
    assert.equal(await run('register', program('process.exit()'), seen.env), 'the answer');
    await seen.until(() => seen.sockets[0]?.destroyed === true);
    assert.deepEqual(
      outcomes(seen).map((one) => one.split(' ').slice(0, 2).join(' ')),
      ['client negotiated', 'server negotiated'],
    );
  });

  it('shows its keys and its data where whoever starts it wants them shown', async () => {
    const seen = await viewer();
    await run('register', program(''), { ...seen.env, HANDFAST_VIEW_SECRETS: '1' });
    await seen.until(() => seen.sockets[0]?.destroyed === true);
    assert.match(seen.text(), /CLIENT_TRAFFIC_SECRET_0 /);
    const data = seen.parts().flatMap(({ events = [] }) => events.filter(({ type }) => type === 'data'));
    const said = data.map((event) => ('bytes' in event ? Buffer.from(event.bytes, 'base64').toString() : '')).join('');
    assert.ok(said.includes('the answer'));
  });

  it('has its threads shown, each as a program of its own', async () => {
    const seen = await viewer();
    const thread = `data:text/javascript,${encodeURIComponent(`
      import { createRequire } from 'node:module';
      const require = createRequire('file:///');
      ${program('')}`)}`;
    const text = `new (require('node:worker_threads').Worker)(new URL(${JSON.stringify(thread)}))`;
    assert.equal(await run('register', text, seen.env), 'the answer');
    await seen.until(() => seen.sockets[0]?.destroyed === true);
    assert.match(String(seen.lines()[0]?.program), /\(thread \d+\)$/);
    assert.deepEqual(outcomes(seen), ['client negotiated ended', 'server negotiated ended']);
  });

  it('runs as ever where nobody looks, where it is not to be shown, and where the viewer never reads', async () => {
    assert.equal(await run('register', program(''), { HANDFAST_VIEW_SOCKET: '/nowhere/view.sock' }), 'the answer');
    const seen = await viewer();
    assert.equal(await run('register', program(''), { ...seen.env, HANDFAST_VIEW: '0' }), 'the answer');
    assert.deepEqual(seen.sockets, []);
    const deaf = await standIn(undefined, false);
    // More than the system keeps for who does not read.
    const much = await run('register', program('', "'x'.repeat(800_000)"), { ...deaf.env, HANDFAST_VIEW_SECRETS: '1' });
    assert.equal(much.length, 800_000);
    await deaf.leave();
    rmSync(deaf.folder, { recursive: true });
  });
});

describe('liveView', () => {
  it('shows the connections of a config, beside its own trace', async () => {
    const seen = await viewer();
    const url = (path: string): string => JSON.stringify(new URL(`../../../src/node/${path}`, import.meta.url).href);
    const text = `
      (async () => {
        const { connect, createServer } = await import(${url('index.ts')});
        const { liveView } = await import(${url('live/index.ts')});
        const { ca, cert, key } = JSON.parse(process.env.IDENTITY);
        let heard = 0;
        const server = createServer({ cert, key, ...liveView({ trace: () => heard++ }) }, (socket) => socket.end('hello'));
        server.listen(0, '127.0.0.1', () => {
          const { port } = server.address();
          const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca });
          socket.resume().on('close', () => server.close(() => process.stdout.write(String(heard > 0))));
        });
      })();`;
    const flags = ['--conditions=@handfast/source', '--disable-warning=ExperimentalWarning'];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, '-e', text], {
      env: { ...process.env, ...seen.env, IDENTITY: JSON.stringify(identity) },
    });
    assert.equal(stdout, 'true');
    await seen.until(() => seen.sockets[0]?.destroyed === true);
    assert.deepEqual(outcomes(seen), ['server negotiated ended']);
  });
});
