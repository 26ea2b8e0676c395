/** Two servers on one database, of which one is killed in mid-order: the other ends what it began. */

import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { listAudit } from '@handfast/ca';
import { nodeProvider } from '@handfast/crypto/node';
import { issueIntermediate, issueRoot, parseCertificates, toPem } from '@handfast/x509';
import { Client, csrFor, orderFor, type Reply } from '../../../../packages/ca/test/acme/support/client.ts';
import { auditFaults } from '../../../../packages/ca/test/support/audit.ts';
import type { ServerSettings } from './acme-server.ts';
import { openStore, schemaFor } from './stores.ts';

const program = fileURLToPath(new URL('acme-server.ts', import.meta.url));
const base = 'http://ca.test';
const name = 'app.test';
const patienceMs = 60_000;

interface AcmeServer {
  readonly port: number;
  readonly process: ChildProcess;
}

async function startServer(t: TestContext, file: string): Promise<AcmeServer> {
  const child = spawn(
    process.execPath,
    ['--conditions=@handfast/source', '--disable-warning=ExperimentalWarning', program, file],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(() => assert.fail('the server ended before it listened'));
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
  ended.catch(() => undefined); // that it is killed later is what this is about
  return { port: Number(line), process: child };
}

async function kill({ process: child }: AcmeServer): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** What both servers share, and a web server that answers every challenge, if it is let. */
async function prepare(t: TestContext) {
  const notBefore = new Date(Date.now() - 86_400_000);
  const basics = { provider: nodeProvider, notBefore, notAfter: new Date(Date.now() + 100 * 86_400_000) };
  const { signer: rootSigner } = await nodeProvider.generateKeyPair('secp256r1');
  const { signer, pkcs8 } = await nodeProvider.generateKeyPair('secp256r1');
  const root = await issueRoot({ ...basics, subject: { commonName: 'Root' }, signer: rootSigner });
  const issuer = { certificate: root, signer: rootSigner };
  const subject = { commonName: 'Intermediate' };
  const intermediate = await issueIntermediate({ ...basics, subject, issuer, publicKey: signer.publicKey });

  const challenges = { thumbprint: '', asked: 0, silent: false };
  const web = createServer((request, response) => {
    challenges.asked++;
    if (challenges.silent) return;
    response.end(`${request.url?.split('/').at(-1)}.${challenges.thumbprint}`);
  }).listen(0, '127.0.0.1');
  await once(web, 'listening');
  t.after(() => {
    web.close();
    web.closeAllConnections();
  });
  const schema = await schemaFor(':memory:');
  const folder = await mkdtemp(join(tmpdir(), 'handfast-killed-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'settings.json');
  const settings: ServerSettings = {
    chain: [intermediate, root].map(({ raw }) => toPem('CERTIFICATE', raw)).join(''),
    key: toPem('PRIVATE KEY', pkcs8),
    schema,
    baseUrl: base,
    webPort: (web.address() as AddressInfo).port,
  };
  await writeFile(file, JSON.stringify(settings));
  const database = await openStore(schema);
  t.after(() => database.close());
  return { database, file, challenges };
}

/** A client that speaks to one of the servers, at the name of both. */
function clientOf({ port }: AcmeServer, like?: Client): Client {
  const client = new Client(
    async (request) => {
      const { pathname } = new URL(request.url);
      const body = request.method === 'POST' ? await request.text() : null;
      const { method, headers } = request;
      return fetch(`http://127.0.0.1:${port}${pathname}`, { method, headers, body });
    },
    base,
    like?.key,
  );
  client.kid = like?.kid;
  return client;
}

/** Asks until the status is none of `passing`. */
async function settled(client: Client, url: string, ...passing: readonly string[]): Promise<Reply> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const reply = await client.post(url);
    if (!passing.includes(reply.json.status)) return reply;
    if (Date.now() > end) assert.fail(`it stays ${reply.json.status}: ${reply.text}`);
    await delay(20);
  }
}

async function answerChallenge(client: Client, order: Reply): Promise<void> {
  const { json } = await client.post(order.json.authorizations[0]);
  const challenge = json.challenges.find((one: { readonly type: string }) => one.type === 'http-01');
  await client.post(challenge.url, {});
}

async function finish(client: Client, url: string): Promise<string> {
  const order = await settled(client, url, 'processing');
  assert.equal(order.json.status, 'valid', order.text);
  const { text } = await client.post(order.json.certificate);
  const [leaf] = parseCertificates(text);
  assert.ok(leaf);
  return leaf.serialNumberHex;
}

for (const when of ['has made the order', 'validates', 'is asked to finalize']) {
  test(`killed when it ${when}: the other server ends the order`, async (t) => {
    const { database, file, challenges } = await prepare(t);
    const [one, other] = await Promise.all([startServer(t, file), startServer(t, file)]);
    const first = clientOf(one);
    challenges.thumbprint = first.key.thumbprint;
    await first.register();
    const order = await first.post('new-order', orderFor(name));
    const url = order.headers.get('location') ?? '';
    const second = clientOf(other, first);

    if (when === 'has made the order') await kill(one);
    challenges.silent = when === 'validates';
    if (challenges.silent) {
      await answerChallenge(first, order);
      while (challenges.asked === 0) await delay(5);
      await kill(one);
      challenges.silent = false;
    } else {
      await answerChallenge(one.process.killed ? second : first, order);
    }
    await settled(second, order.json.authorizations[0], 'pending');
    const csr = await csrFor([name]);
    let end = url;
    if (when === 'is asked to finalize') {
      const asked = first.post(order.json.finalize, { csr }).catch(() => undefined);
      // At the moment that the order is in work, or is done.
      while ((await second.post(url)).json.status === 'ready') await delay(0);
      await kill(one);
      await asked;
      const { json } = await settled(second, url, 'processing');
      // It died before anything was signed: nothing was issued, and the client asks anew.
      if (json.status === 'invalid') {
        const again = await second.post('new-order', orderFor(name));
        end = again.headers.get('location') ?? '';
        await answerChallenge(second, again);
        await settled(second, again.json.authorizations[0], 'pending');
        await second.post(again.json.finalize, { csr });
      }
    } else {
      const done = await second.post(order.json.finalize, { csr });
      assert.equal(done.status, 200, done.text);
    }
    const serial = await finish(second, end);
    const issued = (await listAudit(database)).filter(({ action }) => action === 'issue').map(({ subject }) => subject);
    assert.deepEqual(issued, [serial]);
    assert.deepEqual(await auditFaults(database), []);
  });
}
