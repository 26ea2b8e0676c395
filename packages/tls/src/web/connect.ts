/**
 * `connect` and `accept` with WebCrypto and noble, TLS 1.3 and 1.2. Where size matters, `connectWith` brings less.
 *
 * @module
 */

import { webCryptography } from '@handfast/crypto/web';
import { type ClientOptions, clientConfig, ownOf, type ServerOptions, serverConfig } from '../config.ts';
import { tls12Client, tls12Server } from '../tls12/index.ts';
import { tls13Client, tls13Server } from '../tls13/index.ts';
import type { ByteStreams, StreamOptions, TlsStream } from './byte-streams.ts';
import { acceptWith, type ConnectTarget, connectWith } from './connect-with.ts';
import { abandon } from './open.ts';

type Preset = 'provider' | 'versions';

/**
 * All that a client decides; `provider` and `versions` have defaults here. Those take no `preSharedKey`: with one, `versions` is
 * `[tls13PskClient, tls12Client]`.
 */
export interface ConnectOptions
  extends Omit<ClientOptions, Preset>,
    Partial<Pick<ClientOptions, Preset>>,
    ConnectTarget {}

/**
 * All that a server decides; `provider` and `versions` have defaults here. Those take no `preSharedKey`: with one, `versions` is
 * `[tls13PskServer, tls12Server]`.
 */
export interface AcceptOptions
  extends Omit<ServerOptions, Preset>,
    Partial<Pick<ServerOptions, Preset>>,
    StreamOptions {}

/**
 * Connects to a TLS server over any byte streams.
 *
 * @example
 * ```ts
 * const tls = await connect(fromWebSocket(new WebSocket('wss://bridge.example')), { serverName: 'db.example', trust });
 * const writer = tls.writable.getWriter();
 * await writer.write(new TextEncoder().encode('hello'));
 * ```
 * Rejects with a `TlsError`, or a `TlsConfigError`; the transport is let go then.
 */
export async function connect(
  transport: ByteStreams | PromiseLike<ByteStreams>,
  given: ConnectOptions,
): Promise<TlsStream> {
  const { serverName, verifyName, sessionKey, signal, handshakeTimeout, earlyBytes, ...options } = ownOf(given);
  const config = orAbandon(transport, () =>
    clientConfig({ provider: webCryptography, versions: [tls13Client, tls12Client], ...options }),
  );
  return await connectWith(config, transport, {
    ...(serverName !== undefined && { serverName }),
    ...(verifyName !== undefined && { verifyName }),
    ...(sessionKey !== undefined && { sessionKey }),
    ...{ signal, handshakeTimeout, earlyBytes },
  });
}

/** Serves one TLS client over any byte streams. Rejects as `connect` does. */
export async function accept(
  transport: ByteStreams | PromiseLike<ByteStreams>,
  given: AcceptOptions,
): Promise<TlsStream> {
  const { signal, handshakeTimeout, ...options } = ownOf(given);
  const config = orAbandon(transport, () =>
    serverConfig({ provider: webCryptography, versions: [tls13Server, tls12Server], ...options }),
  );
  return await acceptWith(config, transport, { signal, handshakeTimeout });
}

function orAbandon<T>(transport: ByteStreams | PromiseLike<ByteStreams>, make: () => T): T {
  try {
    return make();
  } catch (error) {
    abandon(transport, error);
    throw error;
  }
}
