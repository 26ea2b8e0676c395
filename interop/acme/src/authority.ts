/**
 * An authority with ACME over our TLS, and a web server that answers its challenges: both on loopback, at ports of the system's
 * choosing. A new account needs an external key.
 *
 * @module
 */

import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { createAcme, createExternalKey, type Database, http01, openAuthority } from '@handfast/ca';
import { nodeProvider } from '@handfast/crypto/node';
import { createHttpsServer } from '@handfast/tls/node';
import { issueIntermediate, issueRoot, toPem } from '@handfast/x509';
import { getRequestListener } from '@hono/node-server';

export interface RunningAuthority extends AsyncDisposable {
  /** The URL of the directory. */
  readonly directory: string;
  /** PEM. */
  readonly root: string;
  /** For new accounts. */
  readonly external: { readonly id: string; readonly secret: string };
  /** Where the web server looks for the files of challenges; every name resolves to it. Clients may keep things beside. */
  readonly challengeFolder: string;
  /** A folder for the client's own things. */
  readonly folder: string;
  /** The file of `root`. */
  readonly rootFile: string;
  /** As the authority has it, by the serial number of a certificate in hexadecimal. */
  statusOf(serial: string): Promise<string | undefined>;
  /** What the log was told. */
  readonly events: readonly string[];
}

const day = 86_400_000;
const provider = nodeProvider;

/** @param database closed with the authority */
export async function startAuthority(database: Database): Promise<RunningAuthority> {
  const now = Date.now();
  const basics = { provider, notBefore: new Date(now - day), notAfter: new Date(now + 365 * day) };
  const { signer: rootSigner } = await provider.generateKeyPair('secp256r1');
  const { signer } = await provider.generateKeyPair('secp256r1');
  const { signer: serverSigner, pkcs8 } = await provider.generateKeyPair('secp256r1');
  const root = await issueRoot({ ...basics, subject: { commonName: 'Interop root' }, signer: rootSigner });
  const intermediate = await issueIntermediate({
    ...basics,
    subject: { commonName: 'Interop intermediate' },
    issuer: { certificate: root, signer: rootSigner },
    publicKey: signer.publicKey,
  });

  const authority = await openAuthority({
    database,
    provider,
    issuer: { chain: [intermediate, root], signer },
    policy: { domains: ['localhost', 'test'], addresses: ['127.0.0.0/8'] },
  });
  const { chain } = await authority.issue({ publicKey: serverSigner.publicKey, names: ['127.0.0.1'], by: 'interop' });

  const folder = await mkdtemp(join(tmpdir(), 'handfast-acme-'));
  const challengeFolder = join(folder, 'web', '.well-known', 'acme-challenge');
  await mkdir(challengeFolder, { recursive: true });
  const rootFile = join(folder, 'root.pem');
  await writeFile(rootFile, toPem('CERTIFICATE', root.raw));
  const web = createServer(async (request, response) => {
    const token = /^\/\.well-known\/acme-challenge\/([\w-]+)$/.exec(request.url ?? '')?.[1];
    const content = token && (await readFile(join(challengeFolder, token)).catch(() => undefined));
    response.writeHead(content ? 200 : 404).end(content);
  });
  const webPort = await listen(web);

  let listener: RequestListener | undefined;
  const front = createHttpsServer(
    { cert: chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''), key: toPem('PRIVATE KEY', pkcs8) },
    (request, response) => listener?.(request, response),
  );
  const baseUrl = `https://127.0.0.1:${await listen(front)}`;
  const events: string[] = [];
  const acme = await createAcme({
    authority,
    database,
    provider,
    baseUrl,
    externalAccountRequired: true,
    allowsName: (name) => authority.nameRefusal(name) === undefined,
    challenges: [http01({ port: webPort, targets: { dev: true, resolve: async () => ['127.0.0.1'] } })],
    log: (event) => events.push(inspect(event, { breakLength: Number.POSITIVE_INFINITY })),
  });
  listener = getRequestListener(acme.fetch);

  return {
    directory: `${baseUrl}/acme/directory`,
    root: toPem('CERTIFICATE', root.raw),
    external: await createExternalKey(database, provider, 'interop', new Date()),
    challengeFolder,
    folder,
    rootFile,
    statusOf: async (serial) => (await authority.find(serial))?.status,
    events,
    async [Symbol.asyncDispose]() {
      await acme.close();
      for (const server of [web, front]) {
        server.close();
        server.closeAllConnections();
      }
      await authority.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
