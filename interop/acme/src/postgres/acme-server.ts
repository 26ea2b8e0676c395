/**
 * A server of a CA whose records are in PostgreSQL, as a process that can be killed: it says its port in a line, and serves until
 * then. Its argument is a file of `ServerSettings`.
 *
 * @module
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAcme, http01, openAuthority } from '@handfast/ca';
import { nodeProvider } from '@handfast/crypto/node';
import { parseCertificates, parsePrivateKey } from '@handfast/x509';
import { openStore } from './stores.ts';

export interface ServerSettings {
  /** PEM. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  readonly schema: string;
  readonly baseUrl: string;
  /** Where challenges are answered. */
  readonly webPort: number;
}

const leaseMs = 400;
const maintenanceMs = 100;

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ServerSettings;
const database = await openStore(settings.schema);
const signer = await nodeProvider.importPrivateKey(parsePrivateKey(settings.key));
const authority = await openAuthority({
  database,
  provider: nodeProvider,
  issuer: { chain: parseCertificates(settings.chain), signer },
  policy: { domains: ['test'] },
});
const acme = await createAcme({
  authority,
  database,
  provider: nodeProvider,
  baseUrl: settings.baseUrl,
  allowsName: (name) => authority.nameRefusal(name) === undefined,
  challenges: [http01({ port: settings.webPort, targets: { dev: true, resolve: async () => ['127.0.0.1'] } })],
  limits: { leaseMs },
});
const server = createServer(acme.listener).listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`${(server.address() as AddressInfo).port}\n`);

for (;;) {
  await acme.maintain();
  await new Promise((resolve) => setTimeout(resolve, maintenanceMs));
}
