/**
 * TLS on Node, as `node:tls` has it: the same names, options, events, properties and error codes. docs/node-tls.md lists what
 * is the same, better, or absent.
 *
 * @module
 */

export { convertALPNProtocols } from './alpn.ts';
export { defaultTrust, getCACertificates, rootCertificates, setDefaultCACertificates } from './ca-certificates.ts';
export { checkServerIdentity } from './check-server-identity.ts';
export type { ClientPsk } from './client-side.ts';
export { type ConnectOptions, connect, type EngineClientOptions } from './connect.ts';
export type {
  Certificate,
  CertificateCompressionAlgorithm,
  CipherNameAndProtocol,
  CommonConnectionOptions,
  ConnectionOptions,
  DetailedPeerCertificate,
  EphemeralKeyInfo,
  KeyObject,
  PeerCertificate,
  PSKCallbackNegotation,
  PxfObject,
  SecureContextOptions,
  SecureVersion,
  TLSSocketOptions,
  TlsOptions,
} from './declarations.ts';
export {
  CLIENT_RENEG_LIMIT,
  CLIENT_RENEG_WINDOW,
  DEFAULT_CIPHERS,
  DEFAULT_ECDH_CURVE,
  DEFAULT_MAX_VERSION,
  DEFAULT_MIN_VERSION,
  defaults,
} from './defaults.ts';
export { NodeTlsError } from './error-codes.ts';
export type { ServerEvents, SocketEvents } from './events.ts';
export {
  createHttpsServer,
  HttpsServer,
  type HttpsServerOptions,
  handshakeDone,
  refuseEarlyData,
} from './http.ts';
export { tls as default, tls as 'module.exports' } from './members.ts';
export { type ContextOptions, createSecureContext, getCiphers, SecureContext } from './secure-context.ts';
export { createServer, type EngineServerOptions, Server, serverConfigFrom, type TlsServerOptions } from './server.ts';
export type { ServerPsk } from './server-side.ts';
export type { OwnSocketOptions } from './socket.ts';
export { type FileKeyRingOptions, fileKeyRing, TicketKeyFileError } from './ticket-key-file.ts';
export { TLSSocket } from './typed-socket.ts';
