/**
 * TLS over any byte stream: the engine, its configs, descriptors, errors and types. No I/O: see `./node` for sockets.
 *
 * @module
 */

export { type ClientTarget, tlsClient } from './client.ts';
export {
  type ClientConfig,
  type ClientOptions,
  type CommonOptions,
  type CredentialRequest,
  clientConfig,
  type Defaults,
  type EarlyDataOptions,
  type HelloInfo,
  type PreSharedKey,
  type RenegotiationPolicy,
  type ServerConfig,
  type ServerOptions,
  type SharedKey,
  serverConfig,
} from './config.ts';
export { Connection } from './connection.ts';
export type { ConnectionHandlers } from './connection-options.ts';
export type { Credential } from './credentials.ts';
export { alertOf, type Phase, quote, TlsConfigError, TlsError, type TlsErrorCode } from './errors.ts';
export type { Negotiated } from './flow.ts';
export { defaultLimits, type Limits } from './limits.ts';
export type { ClientHello } from './messages/client-hello.ts';
export type { TicketRequest } from './messages/extensions.ts';
export type { PeerIdentity, PeerVerdict, PeerVerification, StrengthPolicy } from './peer.ts';
export { type PskMode, pskDheKe } from './psk-modes.ts';
export type { PaddingPolicy } from './record/layer.ts';
export {
  type AlertName,
  alerts,
  type CipherSuite,
  cipherSuites,
  defaultCipherSuites,
  defaultGroups,
  type HandshakeScheme,
  isGrease,
  type NamedGroup,
  namedGroups,
  type SignatureScheme,
  signatureSchemes,
  TLS_AES_128_CCM_8_SHA256,
  TLS_AES_128_CCM_SHA256,
  TLS_AES_128_GCM_SHA256,
  TLS_AES_256_GCM_SHA384,
  TLS_CHACHA20_POLY1305_SHA256,
  type Tls13CipherSuite,
  type VersionName,
} from './registry.ts';
export { tlsServer } from './server.ts';
export { type ClientResumption, clientResumption } from './session/client-resumption.ts';
export {
  type MemoryKeyRingOptions,
  memoryKeyRing,
  type OwnKeyRing,
  type Rotation,
  type TicketKey,
  type TicketKeyRing,
} from './session/key-ring.ts';
export { type MemorySessionCacheOptions, memorySessionCache } from './session/memory-cache.ts';
export type { PeerProof } from './session/proof.ts';
export { type MemoryReplayCacheOptions, memoryReplayCache, type ReplayCache } from './session/replay.ts';
export { type ServerResumption, serverResumption } from './session/server-resumption.ts';
export type { Session, SessionCache } from './session/session.ts';
export { memorySessionStore, type SessionStore } from './session/store.ts';
export { type TicketKeys, type TicketKeysOptions, ticketKeys } from './session/ticket-keys.ts';
export type { SessionTickets } from './session/tickets.ts';
export { tls12, tls12Client, tls12Server } from './tls12/index.ts';
export {
  defaultCipherSuites12,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  type Tls12CipherSuite,
} from './tls12/suites.ts';
export { type ImportedName, type ImportOptions, importedKeys, importKey } from './tls13/external-psk.ts';
export { tls13, tls13Client, tls13PskClient, tls13PskServer, tls13Server } from './tls13/index.ts';
export type {
  KeyLogListener,
  TraceDetails,
  TraceEvent,
  TraceEventBody,
  TraceListener,
  WorkOperation,
} from './trace.ts';
export type { ClientVersion, ServerVersion, Version } from './version.ts';
