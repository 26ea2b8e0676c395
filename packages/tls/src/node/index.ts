/**
 * TLS on Node, named as `node:tls` names things: `connect`, `createServer`, `TLSSocket`.
 *
 * @module
 */

export { type ConnectOptions, connect, type EngineClientOptions } from './connect.ts';
export {
  createHttpsServer,
  HttpsServer,
  type HttpsServerOptions,
  handshakeDone,
  refuseEarlyData,
} from './http.ts';
export {
  createSecureContext,
  defaultTrust,
  type Pem,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
} from './secure-context.ts';
export { createServer, type EngineServerOptions, Server, serverConfigFrom, type TlsServerOptions } from './server.ts';
export { TLSSocket, type TLSSocketOptions } from './socket.ts';
export { type FileKeyRingOptions, fileKeyRing, TicketKeyFileError } from './ticket-key-file.ts';
