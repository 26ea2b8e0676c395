/**
 * `createServer()`: a TCP server whose connections speak TLS.
 *
 * @module
 */

import { Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ownOf, type ServerConfig, type ServerOptions, serverConfig } from '../config.ts';
import type { PeerVerdict } from '../peer.ts';
import { tlsServer } from '../server.ts';
import { memorySessionStore } from '../session/store.ts';
import { ticketKeys } from '../session/ticket-keys.ts';
import type { SessionTickets } from '../session/tickets.ts';
import { createSecureContext, named, type SecureContext, type SecureContextOptions } from './secure-context.ts';
import { TLSSocket, type TLSSocketOptions } from './socket.ts';
import { Turns } from './turns.ts';

/** The engine's options that pass through as they are. */
const engineOptions = [
  'verifyPeer',
  'revocation',
  'transparency',
  'certificateStatus',
  'selectConfig',
  'selectCredential',
  'selectAlpn',
  'certificateAuthorities',
  'preSharedKey',
  'pskModes',
  'renegotiation',
  'pskIdentityHint',
  'requireExtendedMasterSecret',
  'recordSizeLimit',
  'padding',
  'limits',
  'trace',
  'keyLog',
  'time',
  'strictServerName',
  'preferClientOrder',
  'retryCookie',
  'earlyData',
] as const;

export type EngineServerOptions = Pick<ServerOptions, (typeof engineOptions)[number]>;

export interface TlsServerOptions extends SecureContextOptions, EngineServerOptions, TLSSocketOptions {
  /** Ask clients for a certificate. */
  readonly requestCert?: boolean;
  /** With `requestCert`: refuse clients without a verified certificate. Default: true. */
  readonly rejectUnauthorized?: boolean;
  readonly ALPNProtocols?: readonly string[];
  /** Tickets for clients to come back by; `false` for none. Default: two, under keys in memory, and sessions of TLS 1.2 there. */
  readonly tickets?: SessionTickets | false;
  readonly secureContext?: SecureContext;
}

const acceptAnyway = (): PeerVerdict => ({ accepted: true });

/** The engine's config for Node-shaped options: also what `selectConfig` may answer. */
export function serverConfigFrom(given: TlsServerOptions): ServerConfig {
  const options = ownOf(given);
  const context = options.secureContext ?? createSecureContext(options);
  const required = options.rejectUnauthorized !== false;
  const { tickets = { keys: ticketKeys({ provider: context.options.provider }), store: memorySessionStore() } } =
    options;
  return serverConfig({
    ...context.options,
    ...(tickets && { tickets }),
    alpnProtocols: options.ALPNProtocols ?? [],
    clientCertificate: options.requestCert ? (required ? 'require' : 'request') : 'none',
    ...(options.requestCert && !required ? { verifyPeer: acceptAnyway } : {}),
    ...(context.trust === undefined ? {} : { trust: context.trust }),
    ...named(options, engineOptions),
  });
}

/**
 * A server. Events beside a `net.Server`'s: `secureConnection` (socket) once a handshake is done; `tlsClientError`
 * (error, socket) for one that failed; `earlyConnection` (socket) as soon as early data has come: it can be read, and answered,
 * before anybody knows whether it is a recording (`socket.handshakeDone`). Who does not listen to that one is given the same
 * data after the handshake.
 */
export class Server extends NetServer {
  readonly #config: ServerConfig;
  readonly #options: TLSSocketOptions;
  readonly #turns: Turns = new Turns();

  constructor(options: TlsServerOptions, listener?: (socket: TLSSocket) => void) {
    super({ allowHalfOpen: true, noDelay: true });
    this.#config = serverConfigFrom(options);
    this.#options = ownOf(options);
    if (listener !== undefined) this.on('secureConnection', listener);
    this.on('connection', (transport: Socket) => this.#accept(transport));
  }

  #accept(transport: Duplex): void {
    const socket: TLSSocket = new TLSSocket(transport, (handlers) => tlsServer(this.#config, handlers), this.#options, {
      turns: this.#turns,
      ...(this.listenerCount('earlyConnection') > 0 && {
        early: () => {
          this.emit('earlyConnection', socket);
        },
      }),
    });
    const refused = (error: Error): void => {
      this.emit('tlsClientError', error, socket);
    };
    // Until the handshake is done its failures are the server's news; after it, the socket's owner's.
    socket.on('error', refused);
    socket.once('secureConnect', () => {
      socket.off('error', refused);
      this.emit('secureConnection', socket);
    });
    socket.begin();
  }
}

/** See `Server`. */
export function createServer(options: TlsServerOptions, listener?: (socket: TLSSocket) => void): Server {
  return new Server(options, listener);
}
