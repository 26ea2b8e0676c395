/**
 * Types by the names that Node's declarations (`@types/node`) have for them, so that a program's `import type { … } from 'node:tls'`
 * may name this package instead. Options under these names are Node's own, to be filled step by step, with ours beside; what the
 * functions take besides (callbacks that answer a promise, values for text, what cannot be changed) is in `ConnectOptions`,
 * `TlsServerOptions` and `ContextOptions`.
 *
 * @module
 */

import type * as node from 'node:tls';
import type { ConnectOptions } from './connect.ts';
import type { ContextOptions } from './secure-context.ts';
import type { TlsServerOptions } from './server.ts';
import type { StreamSettings } from './typed-socket.ts';

export type {
  Certificate,
  CipherNameAndProtocol,
  CommonConnectionOptions,
  DetailedPeerCertificate,
  EphemeralKeyInfo,
  KeyObject,
  PeerCertificate,
  PSKCallbackNegotation,
  PxfObject,
  SecureVersion,
} from 'node:tls';

/** Not of all of Node's declarations. */
export type CertificateCompressionAlgorithm = 'zlib' | 'brotli' | 'zstd';

/** Ours that Node has not, open to assignment as Node's are. */
type Beside<Ours, Node> = { -readonly [K in keyof Ours as Exclude<K, keyof Node>]: Ours[K] };

export interface SecureContextOptions
  extends node.SecureContextOptions,
    Beside<ContextOptions, node.SecureContextOptions> {}

/** Of `connect()`. */
export interface ConnectionOptions extends node.ConnectionOptions, Beside<ConnectOptions, node.ConnectionOptions> {}

/** Of `createServer()`. */
export interface TlsOptions extends node.TlsOptions, Beside<TlsServerOptions, node.TlsOptions> {}

/** Of `new TLSSocket()`; `OwnSocketOptions` has the engine's as well. */
export interface TLSSocketOptions
  extends node.TLSSocketOptions,
    Beside<ContextOptions & StreamSettings, node.TLSSocketOptions> {}
