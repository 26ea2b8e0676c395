/**
 * The two ways in that bring no version and no cryptography of their own: a bundle holds what its config names.
 *
 * @module
 */

import { type ClientTarget, tlsClient } from '../client.ts';
import { type ClientConfig, ownOf, type ServerConfig } from '../config.ts';
import { tlsServer } from '../server.ts';
import type { ByteStreams, StreamOptions, TlsStream } from './byte-streams.ts';
import { open } from './open.ts';

/** Whom to connect to, and how. */
export interface ConnectTarget extends ClientTarget, StreamOptions {
  /**
   * Sent with the hello (0-RTT) where the config allows `earlyData` and its `sessions` hold one for this server: see
   * `TlsStream.earlyBytesLeft`. Who records it can send it again.
   */
  readonly earlyBytes?: Uint8Array | undefined;
}

/**
 * A client's connection by a config that is shared by many.
 *
 * @example
 * ```ts
 * const config = clientConfig({ provider: webCryptography, versions: [tls13Client], trust });
 * const tls = await connectWith(config, fromWebSocket(new WebSocket(url)), { serverName: 'db.example' });
 * ```
 * Rejects with a `TlsError`, or a `TlsConfigError`; the transport is let go then.
 */
export function connectWith(
  config: ClientConfig,
  transport: ByteStreams | PromiseLike<ByteStreams>,
  given: ConnectTarget,
): Promise<TlsStream> {
  const { signal, handshakeTimeout, earlyBytes, ...target } = ownOf(given);
  return open(transport, {
    ...{ signal, handshakeTimeout, earlyBytes },
    make: (handlers) => tlsClient(config, target, handlers),
  });
}

/** A server's side of one connection, by a config that is shared by all. Rejects as `connectWith` does. */
export function acceptWith(
  config: ServerConfig,
  transport: ByteStreams | PromiseLike<ByteStreams>,
  given: StreamOptions = {},
): Promise<TlsStream> {
  const { signal, handshakeTimeout } = ownOf(given);
  return open(transport, { signal, handshakeTimeout, make: (handlers) => tlsServer(config, handlers) });
}
