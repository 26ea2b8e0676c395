/**
 * A protocol version as a value: it brings its own client and server flows. `TlsClient` and `TlsServer` import none.
 *
 * @module
 */

import type { Bytes, Cryptography } from '@handfast/crypto';
import type { ClientConfig, Defaults, HelloInfo, ServerConfig } from './config.ts';
import type { TlsError } from './errors.ts';
import type { Flow, FlowHost, HandshakeFlow } from './flow.ts';
import type { SentHello } from './hello.ts';
import type { ClientHelloExtensions } from './messages/extensions.ts';
import type { HelloRetryRequest, LegacyServerHello, ServerHello } from './messages/server-hello.ts';
import type { CipherSuite, Row, VersionName } from './registry.ts';
import type { Resumable } from './session/resume.ts';

export interface ClientParameters {
  readonly config: ClientConfig;
  /** What is sent as server_name: a DNS name, never an address (RFC 6066 §3). */
  readonly serverName: string | undefined;
  /** What the server's certificate must be for: a DNS name or an address; undefined: any name. */
  readonly verifyName: string | undefined;
  /** What the session cache knows this server by. */
  readonly sessionKey: string;
  /** A session that may be offered, verified again. */
  readonly resumable?: Resumable | undefined;
}

/** What a config offers. */
export interface CheckedLists extends Pick<Defaults, 'groups' | 'signatureSchemes'> {
  readonly versions: readonly Row[];
}

/** What client and server of a version have in common. */
export interface VersionRow {
  /** The wire number: 0x0304. */
  readonly id: number;
  readonly name: VersionName;
  /** What it offers where the config names no suites, best first. */
  readonly defaultCipherSuites: readonly CipherSuite[];
  /** Whether a provider has what the version itself takes; absent: every one does. */
  readonly supportedBy?: (provider: Cryptography) => boolean;
  /** Whether it takes the keys of the config's `preSharedKey`. Before TLS 1.3 its suites say so. */
  readonly takesPreSharedKeys?: boolean;
  /** Refuses lists that hold nothing of it, where that must not be. */
  readonly checkLists?: (lists: CheckedLists) => void;
  /** Whether a suite is one of this version's. */
  readonly uses: (suite: CipherSuite) => boolean;
}

/** The server's first answer to a hello. */
export type FirstAnswer = ServerHello | HelloRetryRequest | LegacyServerHello;

/** What a version's offer of early data takes. */
export interface OfferedEarlyData {
  readonly begin: (host: FlowHost, sent: SentHello) => void;
  /** Refuses a server that answers with an older version, by its wire number. */
  readonly refuseOlder: (host: FlowHost, version: number) => TlsError;
}

/** A version's part in one hello, and the handshake that goes on from it where the server chooses that version. */
export interface ClientOffer {
  readonly extensions: ClientHelloExtensions;
  /** Fills in what depends on the rest of a hello that has been written. */
  readonly bind?: ((hello: Bytes) => void) | undefined;
  /** Early data, behind the hello; undefined: this version offers none. */
  readonly earlyData?: OfferedEarlyData | undefined;
  /** A client's whole life, from the server's answer on. */
  readonly proceed: (host: FlowHost, sent: SentHello, answer: FirstAnswer) => HandshakeFlow;
  /** Forgets the keys that were made for it. */
  readonly dispose: () => void;
}

/** The client's half. */
export interface ClientVersion extends VersionRow {
  readonly offer: (parameters: ClientParameters, host: FlowHost) => Flow<ClientOffer>;
}

/** The server's half. */
export interface ServerVersion extends VersionRow {
  /** A server's life from the first hello on, which has been read and whose config is chosen. */
  readonly server: (host: FlowHost, config: ServerConfig, hello: HelloInfo) => HandshakeFlow;
}

/** Both: what most configs name. A bundle for one role names that role's half, and holds nothing of the other. */
export interface Version extends ClientVersion, ServerVersion {}

/** A version's client, server, or both. Functions, so that a bundler can see that what is not used does nothing. */
export function clientOf(row: VersionRow, offer: ClientVersion['offer']): ClientVersion {
  return { ...row, offer };
}

export function serverOf(row: VersionRow, server: ServerVersion['server']): ServerVersion {
  return { ...row, server };
}

export function versionOf(row: VersionRow, offer: ClientVersion['offer'], server: ServerVersion['server']): Version {
  return { ...row, offer, server };
}
