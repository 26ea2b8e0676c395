/**
 * `connect()`: a client over a new TCP connection, or over any Duplex.
 *
 * @module
 */

import { connect as connectTcp, isIP, type TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import { revocation } from '@handfast/x509';
import { tlsClient } from '../client.ts';
import { type ClientConfig, type ClientOptions, clientConfig, ownOf } from '../config.ts';
import type { PeerVerdict } from '../peer.ts';
import {
  createSecureContext,
  defaultTrust,
  named,
  type SecureContext,
  type SecureContextOptions,
} from './secure-context.ts';
import { TLSSocket, type TLSSocketOptions } from './socket.ts';

/** The engine's options that pass through as they are. */
const engineOptions = [
  'verifyPeer',
  'revocation',
  'transparency',
  'certificateStatus',
  'selectCredential',
  'preSharedKey',
  'pskModes',
  'renegotiation',
  'certificateAuthorities',
  'requireExtendedMasterSecret',
  'recordSizeLimit',
  'maxFragmentLength',
  'fallback',
  'sessions',
  'ticketRequest',
  'earlyData',
  'padding',
  'limits',
  'trace',
  'keyLog',
  'time',
  'grease',
  'middleboxCompatibility',
] as const;

export type EngineClientOptions = Pick<ClientOptions, (typeof engineOptions)[number]>;

export interface ConnectOptions extends SecureContextOptions, EngineClientOptions, TLSSocketOptions {
  readonly host?: string;
  readonly port?: number;
  /** A Unix socket's path, in place of host and port. */
  readonly path?: string;
  /** A stream to speak over, in place of a new connection. */
  readonly socket?: Duplex;
  /** The server's name, sent and verified. Default: `host`. An address is verified, and never sent. */
  readonly servername?: string;
  /** Application protocols, best first. */
  readonly ALPNProtocols?: readonly string[];
  /** Groups to send shares for, by row or name; see `ClientOptions.keyShares`. */
  readonly keyShares?: SecureContextOptions['groups'];
  /** Refuse a server whose certificate does not verify. Default: true. */
  readonly rejectUnauthorized?: boolean;
  /** Made once for many connections, in place of the options of `createSecureContext`. */
  readonly secureContext?: SecureContext;
  readonly family?: number;
  readonly localAddress?: string;
  readonly lookup?: NonNullable<TcpNetConnectOpts['lookup']>;
}

const acceptAnyway = (): PeerVerdict => ({ accepted: true });

/** Unless told otherwise: what a server staples is believed, and nothing is fetched. */
const believeStaples = revocation({ mode: 'prefer' });

/**
 * Connects and verifies.
 *
 * @example
 * ```ts
 * const socket = connect({ host: 'example.com', port: 443 }, () => socket.end('GET / HTTP/1.0\r\n\r\n'));
 * socket.pipe(process.stdout);
 * ```
 * @param listener called at `secureConnect`.
 * @returns at once; failures are `error` events, a `TlsError` each.
 */
export function connect(given: ConnectOptions, listener?: () => void): TLSSocket {
  const options = ownOf(given);
  const host = options.host ?? 'localhost';
  const context = options.secureContext ?? createSecureContext(options);
  const config = configOf(options, context);
  const name = options.servername ?? host;
  const sessionKey = options.path ?? `${host}:${options.port ?? 443}`;
  const target = {
    ...(isIP(name) === 0 && { serverName: withoutFinalDot(name) }),
    verifyName: name,
    sessionKey,
  };
  const transport = options.socket ?? openTcp(options, host);
  const socket = new TLSSocket(transport, (handlers) => tlsClient(config, target, handlers), options);
  if (listener !== undefined) socket.once('secureConnect', listener);
  if ('connecting' in transport && transport.connecting === true) transport.once('connect', () => socket.begin());
  else process.nextTick(() => socket.begin());
  return socket;
}

/** Options that are of one connection, and of the engine's configuration no more than its sessions. */
const connectionOptions: ReadonlySet<string> = new Set<keyof ConnectOptions>([
  'host',
  'port',
  'path',
  'socket',
  'servername',
  'secureContext',
  'sessions',
  'family',
  'localAddress',
  'lookup',
  'handshakeTimeout',
  'allowHalfOpen',
]);

/** By the context, and by the sessions that go with it; without any, by the context again. */
const plainConfigs = new WeakMap<SecureContext, WeakMap<object, ClientConfig>>();

/** Connections that want no more than their context says, and where sessions are, share one configuration. */
function configOf(options: ConnectOptions, context: SecureContext): ClientConfig {
  if (Object.keys(options).some((name) => !connectionOptions.has(name))) return makeConfig(options, context);
  let configs = plainConfigs.get(context);
  if (configs === undefined) {
    configs = new WeakMap();
    plainConfigs.set(context, configs);
  }
  const key = options.sessions ?? context;
  let config = configs.get(key);
  if (config === undefined) {
    config = makeConfig(options, context);
    configs.set(key, config);
  }
  return config;
}

function makeConfig(options: ConnectOptions, context: SecureContext): ClientConfig {
  const verifyPeer = options.verifyPeer ?? (options.rejectUnauthorized === false ? acceptAnyway : undefined);
  const { keyShares } = createSharesOption(options);
  return clientConfig({
    ...context.options,
    trust: context.trust ?? defaultTrust(),
    alpnProtocols: options.ALPNProtocols ?? [],
    ...(keyShares === undefined ? {} : { keyShares }),
    revocation: believeStaples,
    ...named(options, engineOptions),
    ...(verifyPeer === undefined ? {} : { verifyPeer }),
  });
}

function createSharesOption({ keyShares, provider }: ConnectOptions): Pick<ClientOptions, 'keyShares'> {
  if (keyShares === undefined) return {};
  const { groups } = createSecureContext({ groups: keyShares, ...(provider ? { provider } : {}) }).options;
  return groups === undefined ? {} : { keyShares: groups };
}

function openTcp(options: ConnectOptions, host: string): Duplex {
  if (options.path !== undefined) return connectTcp({ path: options.path });
  const { family, lookup, localAddress } = options;
  return connectTcp({
    host,
    port: options.port ?? 443,
    noDelay: true,
    ...(family === undefined ? {} : { family }),
    ...(lookup === undefined ? {} : { lookup }),
    ...(localAddress === undefined ? {} : { localAddress }),
  });
}

/** RFC 6066 §3: the name is sent without a trailing dot. */
function withoutFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}
