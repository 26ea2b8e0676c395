/**
 * Connections of ours in memory, with both sides recorded.
 *
 * @module
 */

import type { Bytes } from '@handfast/crypto';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type ClientOptions,
  type Connection,
  type Credential,
  clientConfig,
  namedGroups,
  type ServerOptions,
  serverConfig,
  type TraceDetails,
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
  type TrustStore,
  trustStore,
} from '@handfast/x509';
import { type Recorder, type RecorderOptions, type Recording, recorder } from '../../src/index.ts';

const provider = nodeProvider;
export const now: Date = new Date('2026-11-21T12:00:00Z');
const life = { notBefore: new Date('2026-11-01T00:00:00Z'), notAfter: new Date('2027-01-01T00:00:00Z') };

const rootKey = (await provider.generateKeyPair('secp256r1')).signer;
const root: Certificate = await issueRoot({ provider, subject: { commonName: 'Test root' }, signer: rootKey, ...life });
const issuer = { certificate: root, signer: rootKey };

async function credential(own: { readonly name?: string; readonly notAfter?: Date } = {}): Promise<Credential> {
  const { signer } = await provider.generateKeyPair('secp256r1');
  const name = own.name ?? 'localhost';
  const leaf = await issueServerCertificate({
    ...{ provider, issuer, subject: { commonName: name }, names: [name], publicKey: signer.publicKey },
    ...life,
    ...(own.notAfter && { notAfter: own.notAfter }),
  });
  return { chain: [leaf], signer };
}

const clientKey = (await provider.generateKeyPair('secp256r1')).signer;
const clientLeaf = await issueClientCertificate({
  ...{ provider, issuer, subject: { commonName: 'a client' }, publicKey: clientKey.publicKey },
  ...life,
});

const trust: TrustStore = trustStore([root]);
export const good: Credential = await credential();
export const expired: Credential = await credential({ notAfter: new Date('2026-11-10T00:00:00Z') });
export const clientCredential: Credential = { chain: [clientLeaf], signer: clientKey };

export interface Play {
  readonly version?: 'TLS 1.3' | 'TLS 1.2';
  readonly client?: Partial<ClientOptions>;
  readonly server?: Partial<ServerOptions>;
  readonly details?: TraceDetails;
  /** Whether secrets are recorded. */
  readonly secrets?: boolean;
  readonly options?: RecorderOptions;
  /** The client's, where it is not a new one. */
  readonly recorder?: Recorder;
  /** What each side says, in turns, the client first. */
  readonly said?: readonly (string | Uint8Array)[];
  /** Done between the handshake and what is said. */
  readonly between?: (client: Connection, server: Connection) => void;
}

export interface Played {
  readonly client: Recording;
  readonly server: Recording;
}

/** Both sides, and what is on its way between them. */
export interface Stage {
  readonly client: Connection;
  readonly server: Connection;
  readonly queue: { readonly to: Connection; readonly bytes: Bytes }[];
  played(): Played;
}

/** A connection that has not begun. */
export function stage(given: Play = {}): Stage {
  const versions = [given.version === 'TLS 1.2' ? tls12 : tls13];
  const groups = namedGroups.filter(({ name }) => ['x25519', 'secp256r1'].includes(name));
  // A tenth of a millisecond each time that somebody looks.
  let looks = 0;
  const clock = (): number => looks++ / 10;
  const of = (recording: Recorder) => ({
    ...{ provider, clock, time: () => now, trust, versions, groups, trace: recording.trace },
    ...(given.details && { traceDetails: given.details }),
    ...(given.secrets && { keyLog: recording.keyLog }),
  });
  const options = { now: () => now, target: 'localhost:443', ...given.options };
  const [ofClient, ofServer] = [given.recorder ?? recorder(options), recorder(options)];
  const queue: { readonly to: Connection; readonly bytes: Bytes }[] = [];
  const to = (side: () => Connection) => ({
    send: (chunks: readonly Bytes[]) => {
      for (const bytes of chunks) queue.push({ to: side(), bytes });
    },
  });
  const client: Connection = tlsClient(
    clientConfig({ ...of(ofClient), ...given.client }),
    { serverName: 'localhost' },
    to(() => server),
  );
  const server: Connection = tlsServer(
    serverConfig({ ...of(ofServer), credentials: [good], ...given.server }),
    to(() => client),
  );
  return { client, server, queue, played: () => ({ client: recorded(ofClient), server: recorded(ofServer) }) };
}

/** A connection from its first byte to its end. */
export function play(given: Play = {}): Played {
  const { client, server, queue, played } = stage(given);
  const carry = (): void => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next.to.receive(next.bytes);
  };
  server.start();
  client.start();
  carry();
  if (client.phase === 'connected' && server.phase === 'connected') {
    given.between?.(client, server);
    carry();
    for (const [index, text] of (given.said ?? []).entries()) {
      (index % 2 === 0 ? client : server).write(typeof text === 'string' ? new TextEncoder().encode(text) : text);
      carry();
    }
    client.closeWrite();
    carry();
    server.closeWrite();
    carry();
  }
  return played();
}

function recorded({ recording }: Recorder): Recording {
  const made = recording();
  if (made === undefined) throw new Error('nothing was recorded');
  return made;
}
