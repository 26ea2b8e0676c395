/**
 * Our side: a client or a server for one case, and what it saw.
 *
 * @module
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type Negotiated, TlsError, type TraceEvent } from '@handfast/tls';
import { connect, createServer, type Server, type TLSSocket } from '@handfast/tls/node';
import { alpnProtocol, type Case } from './cases.ts';
import type { Family, Identity } from './certificates.ts';

const handshakeTimeout = 8_000;

/** PKCS#1 is for certificates, beside the scheme under test. */
const certificateSchemes = ['rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512'];

/** What our side saw of a connection, beside its data. */
export class Witness {
  closeNotify = false;
  /** Key updates in each direction. */
  readonly updates = { in: 0, out: 0 };
  readonly listener = (event: TraceEvent): void => {
    if (event.type === 'alert' && event.direction === 'in' && event.alert === 'close_notify') this.closeNotify = true;
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
  } = {},
): Promise<OurClient> {
  const witness = new Witness();
  const { decoy, servername = 'localhost', alpn = alpnProtocol } = options;
  const retry = row.retry === 'yes';
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername,
    ca: family.ca,
    cipherSuites: [row.suite],
    groups: decoy === undefined || !retry ? [row.group] : [decoy, row.group],
    // Without a group that the server refuses: no share at all, as RFC 9846 §4.3.8 allows.
    keyShares: retry ? (decoy === undefined ? [] : [decoy]) : [row.group],
    signatureSchemes: [row.scheme, ...certificateSchemes],
    allowHalfOpen: true,
    handshakeTimeout,
    trace: witness.listener,
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
    readonly alpn?: string | undefined;
    /** Called for every connection, where there may be more than one. */
    readonly accept?: (socket: TLSSocket) => void;
  } = {},
): Promise<OurServer> {
  const witness = new Witness();
  const { identity = family.server, alpn = alpnProtocol } = options;
  const connection = Promise.withResolvers<TLSSocket>();
  connection.promise.catch(() => undefined);
  const sockets = new Set<{ destroy(): unknown }>();
  const server: Server = createServer(
    {
      cert: identity.cert,
      key: identity.key,
      cipherSuites: [row.suite],
      groups: [row.group],
      signatureSchemes: [row.scheme, ...certificateSchemes],
      allowHalfOpen: true,
      handshakeTimeout,
      trace: witness.listener,
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
