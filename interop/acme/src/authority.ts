/**
 * The CA of a site: ACME over our TLS at `https://ca.test`, and CRLs and OCSP at `http://ca.test`, on the real ports. It proves names
 * by all three challenges, as for a company's network: private addresses may be asked, its own and loopback may not. A new account
 * needs an external key.
 *
 * @module
 */

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { inspect } from 'node:util';
import {
  createAcme,
  createExternalKey,
  createOcsp,
  type Database,
  dns01,
  dnsBy,
  http01,
  type OpenAuthority,
  openAuthority,
  serverProfile,
  type TargetPolicy,
  tlsAlpn01,
} from '@handfast/ca';
import { nodeProvider as provider } from '@handfast/crypto/node';
import { createHttpsServer } from '@handfast/tls/node';
import { type Certificate, issueIntermediate, issueRoot, toPem } from '@handfast/x509';
import { getRequestListener } from '@hono/node-server';
import type { Addresses } from './world/site.ts';

export interface RunningAuthority extends AsyncDisposable {
  /** The URL of the directory. */
  readonly directory: string;
  /** PEM. */
  readonly root: string;
  readonly authority: OpenAuthority;
  /** For new accounts. */
  readonly external: { readonly id: string; readonly secret: string };
  /** As the authority has it, by the serial number of a certificate in hexadecimal, of either case. */
  statusOf(serial: string): Promise<string | undefined>;
  /** Revokes, as an operator does. */
  revoke(serial: string): Promise<void>;
  /** The serial number of what a certificate was ordered to replace (RFC 9773 §5), as the authority writes it. */
  replacedBy(serial: string): Promise<string | undefined>;
  /** What the log was told. */
  readonly events: readonly string[];
}

const day = 86_400_000;
const maintenanceMs = 1000;

/** Has signed the root, too: the end of the alternate chains. */
export const olderRootName = 'Interop older root';

/** What clients may ask for beside `server`. */
export const briefProfile = { ...serverProfile, name: 'brief', lifetimeMs: 7 * day, maxLifetimeMs: 7 * day };

/** @param database closed with the authority */
export async function startAuthority(
  database: Database,
  { ca: address, resolver }: Addresses,
): Promise<RunningAuthority> {
  await using undo = new AsyncDisposableStack();
  const { authority, root } = await openOwn(database);
  undo.defer(() => authority.close());
  const { signer, pkcs8 } = await provider.generateKeyPair('secp256r1');
  const { chain } = await authority.issue({ publicKey: signer.publicKey, names: ['ca.test'], by: 'interop' });

  let acmeListener: RequestListener | undefined;
  const secure = createHttpsServer(
    { cert: chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''), key: toPem('PRIVATE KEY', pkcs8) },
    (request, response) => acmeListener?.(request, response),
  );
  const ocsp = getRequestListener(createOcsp({ authority, log: (error) => events.push(inspect(error)) }));
  const plain = createServer((request, response) => {
    const [, issuerId] = /^\/crl\/([0-9a-f]{64})\.crl$/.exec(request.url ?? '') ?? [];
    if (issuerId === undefined) return void ocsp(request, response);
    authority.crl(issuerId).then(
      (crl) => response.end(crl),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  for (const [server, port] of [
    [secure, 443],
    [plain, 80],
  ] as const) {
    server.listen(port, address);
    await once(server, 'listening');
    undo.defer(() => close(server));
  }

  const events: string[] = [];
  const dns = dnsBy({ resolvers: [resolver] });
  const targets: TargetPolicy = {
    resolve: dns.addresses,
    listeners: () => [443, 80].map((port) => ({ address, port })),
  };
  const acme = await createAcme({
    authority,
    database,
    provider,
    baseUrl: 'https://ca.test',
    externalAccountRequired: true,
    allowsName: (name) => authority.nameRefusal(name) === undefined,
    caa: { identities: ['ca.test'], dns },
    profiles: { server: 'for 90 days', [briefProfile.name]: 'for a week' },
    challenges: [http01({ targets }), dns01({ provider, resolvers: [resolver] }), tlsAlpn01({ provider, targets })],
    // Clients that ask when to renew may ask again at once.
    limits: { renewalInfoSeconds: 0 },
    log: (event) => events.push(inspect(event, { breakLength: Number.POSITIVE_INFINITY, depth: 4 })),
  });
  undo.defer(() => acme.close());
  acmeListener = acme.listener;
  const timer = setInterval(() => {
    acme.maintain().catch((error: unknown) => events.push(inspect(error)));
  }, maintenanceMs);
  undo.defer(async () => clearInterval(timer));
  const external = await createExternalKey(database, provider, 'interop', new Date());

  const owned = undo.move();
  return {
    directory: 'https://ca.test/acme/directory',
    root: toPem('CERTIFICATE', root.raw),
    authority,
    external,
    statusOf: async (serial) => (await authority.find(serial.toLowerCase()))?.status,
    async revoke(serial) {
      await authority.revoke({ serial: serial.toLowerCase(), by: 'operator' });
    },
    async replacedBy(serial) {
      const record = await authority.find(serial.toLowerCase());
      const [row] = await database.all('SELECT replaces FROM certificates WHERE serial = $1', [record?.serial ?? '']);
      return typeof row?.replaces === 'string' ? row.replaces : undefined;
    },
    events,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function openOwn(database: Database): Promise<{ authority: OpenAuthority; root: Certificate }> {
  const now = Date.now();
  const basics = { provider, notBefore: new Date(now - day), notAfter: new Date(now + 365 * day) };
  const { signer: rootSigner } = await provider.generateKeyPair('secp256r1');
  const { signer: olderSigner } = await provider.generateKeyPair('secp256r1');
  const { signer } = await provider.generateKeyPair('secp256r1');
  const root = await issueRoot({ ...basics, subject: { commonName: 'Interop root' }, signer: rootSigner });
  const older = await issueRoot({ ...basics, subject: { commonName: olderRootName }, signer: olderSigner });
  // The root by another, as a rotation leaves it.
  const crossed = await issueIntermediate({
    ...basics,
    subject: { commonName: 'Interop root' },
    issuer: { certificate: older, signer: olderSigner },
    publicKey: rootSigner.publicKey,
    pathLength: 1,
  });
  const intermediate = await issueIntermediate({
    ...basics,
    subject: { commonName: 'Interop intermediate' },
    issuer: { certificate: root, signer: rootSigner },
    publicKey: signer.publicKey,
  });
  const authority = await openAuthority({
    database,
    provider,
    issuer: { chain: [intermediate, root], alternateChains: [[intermediate, crossed, older]], signer },
    profiles: [{ ...serverProfile, ocsp: true }, briefProfile],
    policy: { domains: ['test'], wildcards: true, addresses: ['10.77.0.0/16'] },
    baseUrl: 'http://ca.test',
  });
  return { authority, root };
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
}
