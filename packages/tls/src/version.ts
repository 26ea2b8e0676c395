/**
 * A protocol version as a value: it brings its own client and server flows. `TlsClient` and `TlsServer` import none.
 *
 * @module
 */

import type { ClientConfig, HelloInfo, ServerConfig } from './config.ts';
import type { Flow, FlowHost } from './flow.ts';

export interface ClientParameters {
  readonly config: ClientConfig;
  /** What is sent as server_name: a DNS name, never an address (RFC 6066 §3). */
  readonly serverName: string | undefined;
  /** What the server's certificate must be for: a DNS name or an address; undefined: any name. */
  readonly verifyName: string | undefined;
}

/** The client's half. */
export interface ClientVersion {
  /** The wire number: 0x0304. */
  readonly id: number;
  readonly name: string;
  /** A client's whole life, from its first hello. */
  readonly client: (host: FlowHost, parameters: ClientParameters) => Flow<never>;
}

/** The server's half. */
export interface ServerVersion {
  readonly id: number;
  readonly name: string;
  /** A server's life from the first hello on, which has been read and whose config is chosen. */
  readonly server: (host: FlowHost, config: ServerConfig, hello: HelloInfo) => Flow<never>;
}

/** Both: what most configs name. A bundle for one role names that role's half, and holds nothing of the other. */
export interface Version extends ClientVersion, ServerVersion {}
