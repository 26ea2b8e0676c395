/**
 * Our side: a client or a server for one case, and what it saw.
 *
 * @module
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { nodeProvider } from '@handfast/crypto/node';
import {
  type Negotiated,
  type PreSharedKey,
  type SessionCache,
  type SessionTickets,
  type SharedKey,
  TlsError,
  type TraceEvent,
  tls12,
  tls13,
  type Version,
} from '@handfast/tls';
import type { SecureContextOptions, Server, TLSSocket } from '@handfast/tls/node';
import { parseCertificates, parsePrivateKey } from '@handfast/x509';
import { alpnProtocol, type Case, gcmAndChaCha, groupsOf, pkcs1Schemes, suites12 } from './cases.ts';
import type { Family, Identity } from './certificates.ts';
import { connect, createServer } from './tls.ts';

const handshakeTimeout = 8_000;

/** What both of our roles say of versions and what belongs to them. */
function contextOf(
  row: Case,
  versions: readonly string[],
): { versions: readonly Version[]; cipherSuites: readonly string[]; signatureSchemes: readonly string[] } {
  const others = versions.filter((version) => version !== row.version);
  return {
    versions: [tls13, tls12].filter(({ name }) => versions.includes(name)),
    cipherSuites: [row.suite, ...others.flatMap((version) => (version === 'TLS 1.3' ? gcmAndChaCha : suites12))],
    // In TLS 1.3 PKCS#1 is for certificates, beside the scheme under test; before it, handshakes use it too.
    signatureSchemes: [row.scheme, ...(row.version === 'TLS 1.3' ? pkcs1Schemes : [])],
  };
}

/** What our side saw of a connection, beside its data. */
export class Witness {
  closeNotify = false;
  /** Alerts that passed: `out no_renegotiation`. */
  readonly alerts: string[] = [];
  /** Whether our client had a session to come back by. */
  offeredSession = false;
  /** Key updates in each direction. */
  readonly updates = { in: 0, out: 0 };
  readonly listener = (event: TraceEvent): void => {
    if (event.type === 'alert') this.alerts.push(`${event.direction} ${event.alert}`);
    if (event.type === 'alert' && event.direction === 'in' && event.alert === 'close_notify') this.closeNotify = true;
    if (event.type === 'session' && event.action === 'offered') this.offeredSession = true;
    if (event.type === 'key' && event.level === 'application') {
      // A browser may open more than one connection.
      this.updates[event.direction] = Math.max(this.updates[event.direction], event.generation);
    }
  };
}

export interface OurClient {
  readonly socket: TLSSocket;
  readonly witness: Witness;
}

/** Connects and waits for the handshake. @throws TlsError */
export async function ourClient(
  row: Case,
  family: Family,
  port: number,
  options: {
    readonly servername?: string;
    readonly decoy?: string | undefined;
    readonly alpn?: string | undefined;
    /** What we speak, where it is more or less than the case's version. */
    readonly versions?: readonly string[] | undefined;
    readonly sessions?: SessionCache;
    /** Keys to offer. */
    readonly preSharedKeys?: readonly PreSharedKey[];
  } = {},
): Promise<OurClient> {
  const witness = new Witness();
  const {
    decoy,
    servername = 'localhost',
    alpn = alpnProtocol,
    versions = [row.version],
    sessions,
    preSharedKeys,
  } = options;
  const retry = row.retry === 'yes';
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername,
    ca: family.ca,
    ...contextOf(row, versions),
    groups: decoy === undefined || !retry ? groupsOf(row) : [decoy, row.group],
    // Without a group that the server refuses: no share at all, as RFC 9846 §4.3.8 allows.
    keyShares: retry ? (decoy === undefined ? [] : [decoy]) : [row.group],
    allowHalfOpen: true,
    handshakeTimeout,
    trace: witness.listener,
    ...(sessions === undefined ? {} : { sessions }),
    ...(preSharedKeys === undefined ? {} : { preSharedKey: () => preSharedKeys }),
    ...(row.clientCertificate === 'required' ? { cert: family.client.cert, key: family.client.key } : {}),
    ...(row.alpn === 'none' ? {} : { ALPNProtocols: [alpn] }),
  });
  // A failure after the handshake reaches the conversation as well.
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return { socket, witness };
}

export interface OurServer {
  readonly port: number;
  /** The first connection, once its handshake is done; rejects with its failure. */
  readonly connection: Promise<TLSSocket>;
  readonly witness: Witness;
  close(): void;
}

/** Listens for one connection. */
export async function ourServer(
  row: Case,
  family: Family,
  options: {
    readonly identity?: Identity;
    /** Stapled to the certificate. */
    readonly ocspResponse?: Uint8Array;
    readonly alpn?: string | undefined;
    /** Called for every connection, where there may be more than one. */
    readonly accept?: (socket: TLSSocket) => void;
    readonly versions?: readonly string[] | undefined;
    readonly tickets?: SessionTickets;
    /** Keys that clients may have: there is then no certificate. */
    readonly preSharedKey?: (identity: Uint8Array) => SharedKey | undefined;
  } = {},
): Promise<OurServer> {
  const witness = new Witness();
  const { identity = family.server, alpn = alpnProtocol, versions = [row.version], tickets, preSharedKey } = options;
  const connection = Promise.withResolvers<TLSSocket>();
  connection.promise.catch(() => undefined);
  const sockets = new Set<{ destroy(): unknown }>();
  const server: Server = createServer(
    {
      ...(preSharedKey === undefined ? await credentialOf(identity, options.ocspResponse) : { preSharedKey }),
      ...contextOf(row, versions),
      groups: [row.group],
      allowHalfOpen: true,
      handshakeTimeout,
      trace: witness.listener,
      ...(tickets === undefined ? {} : { tickets }),
      ...(row.clientCertificate === 'none'
        ? {}
        : { ca: family.ca, requestCert: true, rejectUnauthorized: row.clientCertificate === 'required' }),
      ...(row.alpn === 'none' ? {} : { ALPNProtocols: [alpn] }),
    },
    (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      connection.resolve(socket);
      options.accept?.(socket);
    },
  );
  server.on('tlsClientError', (error: Error) => connection.reject(error));
  server.on('connection', (transport: { destroy(): unknown }) => sockets.add(transport));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connection: connection.promise,
    witness,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
      connection.reject(new Error('closed'));
    },
  };
}

/** As PEM; with a staple, parsed. */
async function credentialOf({ cert, key }: Identity, response: Uint8Array | undefined): Promise<SecureContextOptions> {
  if (response === undefined) return { cert, key };
  const signer = await nodeProvider.importPrivateKey(parsePrivateKey(key));
  return { credentials: [{ chain: parseCertificates(cert), signer, ocspResponse: () => response }] };
}

/** Waits for a connection's end; rejects with what ended it otherwise than by close_notify. */
export async function endOf(socket: TLSSocket): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => resolve());
    socket.resume();
  });
}

/** What of the case was not so, on our side. */
export function disagreements(
  row: Case,
  role: 'client' | 'server',
  negotiated: Negotiated | undefined,
  witness: Witness,
  options: { readonly alpn?: string | undefined; readonly closeNotify: boolean },
): readonly string[] {
  if (negotiated === undefined) return ['nothing was negotiated'];
  const { alpn = alpnProtocol } = options;
  const serverScheme = role === 'client' ? negotiated.peerSignatureScheme : negotiated.signatureScheme;
  const clientScheme = role === 'client' ? negotiated.signatureScheme : negotiated.peerSignatureScheme;
  const clientSigns = row.clientCertificate === 'required';
  const { updates } = witness;
  const checks: readonly (readonly [string, unknown, unknown])[] = [
    ['version', negotiated.version, row.version],
    // Each of these peers has it.
    ['extended_master_secret', negotiated.extendedMasterSecret, true],
    ['cipher suite', negotiated.cipherSuite.name, row.suite],
    ['group', negotiated.group?.name, row.group],
    ["the server's signature scheme", serverScheme?.name, row.scheme],
    ["the client's signature scheme", clientScheme?.name, clientSigns ? row.scheme : undefined],
    ['ALPN', negotiated.alpnProtocol, row.alpn === 'none' ? undefined : alpn],
    ['HelloRetryRequest', negotiated.helloRetryRequest, row.retry === 'yes'],
    ['a verified path', negotiated.peer?.path !== undefined, role === 'client' || clientSigns],
    ['key updates sent', updates.out > 0, row.keyUpdate !== 'none'],
    ['key updates received', updates.in > 0, row.keyUpdate !== 'none'],
    ...(options.closeNotify ? [['close_notify', witness.closeNotify, true] as const] : []),
  ];
  return checks
    .filter(([, found, expected]) => found !== expected)
    .map(([what, found, expected]) => `${what}: ${String(found)}, not ${String(expected)}`);
}

export function isTlsError(error: unknown): error is TlsError {
  return error instanceof TlsError;
}
