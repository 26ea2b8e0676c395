/**
 * Handshakes of ours, for their messages.
 *
 * @module
 */

import { nodeProvider } from '@handfast/crypto/node';
import {
  type Connection,
  type ConnectionHandlers,
  clientConfig,
  memorySessionCache,
  namedGroups,
  serverConfig,
  type TraceEvent,
  ticketKeys,
  tls12,
  tls13,
  tlsClient,
  tlsServer,
} from '@handfast/tls';
import {
  type Certificate,
  issueClientCertificate,
  issueRoot,
  issueServerCertificate,
  trustStore,
} from '@handfast/x509';
import type { MessageVersion } from '../../src/index.ts';

const now = new Date('2026-11-21T12:00:00Z');
const life = { notBefore: new Date('2026-11-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };
const provider = nodeProvider;

async function pair() {
  return (await provider.generateKeyPair('secp256r1')).signer;
}

const rootKey = await pair();
const root: Certificate = await issueRoot({ provider, subject: { commonName: 'Test root' }, signer: rootKey, ...life });
const issuer = { certificate: root, signer: rootKey };
const serverKey = await pair();
const clientKey = await pair();
const server = await issueServerCertificate({
  provider,
  subject: { commonName: 'localhost' },
  names: ['localhost'],
  publicKey: serverKey.publicKey,
  issuer,
  ...life,
});
const client = await issueClientCertificate({
  provider,
  subject: { commonName: 'a client' },
  publicKey: clientKey.publicKey,
  issuer,
  ...life,
});

/** A handshake message, as it passed. */
export interface Message {
  readonly raw: Uint8Array;
  readonly version: MessageVersion;
}

const groups = namedGroups.filter(({ name }) => ['x25519', 'secp256r1'].includes(name));

/** The messages of a handshake with a client's certificate and tickets, in TLS 1.3 with a retry before it and a key update after. */
export async function messagesOf(version: MessageVersion): Promise<readonly Message[]> {
  const messages: Message[] = [];
  const versions = version === 'TLS 1.3' ? [tls13] : [tls12];
  const common = { provider, time: () => now, trust: trustStore([root]), versions, alpnProtocols: ['h2', 'http/1.1'] };
  const trace = (event: TraceEvent): void => {
    if (event.type === 'message') messages.push({ raw: event.message.raw, version });
  };
  const connections: { client?: Connection; server?: Connection } = {};
  const queue: (() => void)[] = [];
  const handlers = (to: 'client' | 'server'): ConnectionHandlers => ({
    send: (chunks) => {
      for (const chunk of chunks) queue.push(() => connections[to]?.receive(chunk));
    },
    closed: (error) => {
      if (error !== undefined) throw error;
    },
  });
  connections.client = tlsClient(
    clientConfig({
      ...common,
      groups,
      credentials: [{ chain: [client], signer: clientKey }],
      sessions: memorySessionCache(),
      trace,
    }),
    { serverName: 'localhost' },
    handlers('server'),
  );
  connections.server = tlsServer(
    serverConfig({
      ...common,
      groups: version === 'TLS 1.3' ? groups.filter(({ name }) => name !== 'x25519') : groups,
      credentials: [{ chain: [server], signer: serverKey }],
      clientCertificate: 'require',
      tickets: { keys: ticketKeys({ provider }) },
    }),
    handlers('client'),
  );
  connections.server.start();
  connections.client.start();
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) step();
  if (version === 'TLS 1.3') connections.client.updateKeys();
  return messages;
}
