/**
 * An authority with a history, and its dashboard over our own TLS, at a free port of this machine.
 *
 * @module
 */

import { once } from 'node:events';
import {
  type Admin,
  createAdmin,
  type Database,
  type OpenAuthority,
  openAuthority,
  openSqlite,
  type PageFiles,
} from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { createHttpsServer } from '@handfast/tls/node';
import { type Certificate, issueCertificate } from '@handfast/x509';
import { getRequestListener } from '@hono/node-server';
import { seed } from './seed.ts';

export const minute = 60_000;
export const day: number = 24 * 60 * minute;

export interface Stage {
  readonly authority: OpenAuthority;
  readonly database: Database;
  readonly clock: () => Date;
  readonly port: number;
  /** Of the page, without a slash at its end. */
  readonly origin: string;
  readonly root: Certificate;
  close(): Promise<void>;
}

export interface StageOptions {
  readonly page: PageFiles | undefined;
  /** Whether anything was ever issued. */
  readonly seeded: boolean;
}

export async function openStage({ page, seeded }: StageOptions): Promise<Stage> {
  const history = seeded ? 45 * day : 0;
  let behind = history;
  const clock = (): Date => new Date(Date.now() - behind);
  const { chain, signer } = await newIssuer(new Date(Date.now() - history - day));
  const database = await openSqlite(':memory:');
  const authority = await openAuthority({
    database,
    provider,
    issuer: { chain, signer },
    clock,
    policy: {
      domains: ['corp.example', 'localhost'],
      wildcards: true,
      addresses: ['10.0.0.0/8'],
      emails: ['corp.example'],
    },
  });
  const admin = await createAdmin({ authority, database, provider, page, hosts: ['localhost'], clock });
  if (seeded) await seed({ authority, database, clock, history, setBehind: (ms) => (behind = ms) });
  await authority.refreshLists();
  const server = await serve(admin, authority);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const [, root] = chain;
  return {
    authority,
    database,
    clock,
    port,
    origin: `https://localhost:${port}`,
    root,
    async close() {
      server.closeAllConnections();
      server.close();
      await authority.close();
    },
  };
}

async function newIssuer(notBefore: Date) {
  const notAfter = new Date(notBefore.getTime() + 3650 * day);
  const { signer: rootSigner } = await provider.generateKeyPair('secp256r1');
  const { signer } = await provider.generateKeyPair('secp256r1');
  const root = await issueCertificate({
    provider,
    notBefore,
    notAfter,
    subject: { commonName: 'Corp root' },
    publicKey: rootSigner.publicKey,
    issuer: { signer: rootSigner },
    ca: true,
  });
  const intermediate = await issueCertificate({
    provider,
    notBefore,
    notAfter,
    subject: { commonName: 'Corp issuing CA 1' },
    publicKey: signer.publicKey,
    issuer: { certificate: root, signer: rootSigner },
    ca: { pathLength: 0 },
  });
  return { chain: [intermediate, root] as const, signer };
}

async function serve(admin: Admin, authority: OpenAuthority) {
  const { signer } = await provider.generateKeyPair('secp256r1');
  const { chain } = await authority.issue({
    publicKey: signer.publicKey,
    names: ['localhost'],
    lifetimeMs: 7 * day,
    by: 'ca serve, for itself',
  });
  const listener = getRequestListener(
    (request, { incoming }) => admin.fetch(request, { remoteAddress: incoming.socket.remoteAddress }),
    { overrideGlobalObjects: false },
  );
  const server = createHttpsServer({ selectCredential: () => ({ chain, signer }) }, (request, response) => {
    void listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
