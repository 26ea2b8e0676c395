/**
 * What the table asks of a peer of the old days: what it has, a server for a case, a client for a case.
 *
 * @module
 */

import type { Tls12CipherSuite } from '@handfast/tls';
import type { LegacyCase, VersionName } from './cases.ts';
import type { Identities } from './identities.ts';

/** What a peer says of itself. */
export interface Inspection {
  /** One line for people. */
  readonly version: string;
  readonly has: (suite: Tls12CipherSuite, version: VersionName) => boolean;
}

/** A peer's server that awaits our client. */
export interface PeerServer {
  readonly port: number;
  /** Settles once the peer has done its part of this conversation; rejects with its own words. */
  readonly done: Promise<void>;
  /** What it has said up to now. */
  words(): string;
  stop(): void;
}

export interface LegacyPeer {
  readonly name: string;
  /** What to install, where it is missing. */
  readonly missing: string;
  /** Its versions, best first. */
  readonly versions: readonly VersionName[];
  /** What it is, and what it has; undefined where it is not installed. */
  inspect(): Promise<Inspection | undefined>;
  /** How many cases there are at least: a peer that lost its suites is not taken for one that passed. */
  readonly least: number;
  /** How its server answers a line. */
  readonly answers: 'reversed' | 'same';
  server(row: LegacyCase, identities: Identities): Promise<PeerServer>;
  /** One conversation with our server; rejects with the peer's words. */
  client(row: LegacyCase, port: number, identities: Identities): Promise<void>;
  /** Cases that it cannot have in a role, though its list of suites says otherwise; each with its reason in a comment. */
  readonly cannot?: (row: LegacyCase, role: 'server' | 'client') => boolean;
  /** Whether it can be told to leave out encrypt-then-MAC and the extended master secret, and has them. */
  readonly plain?: boolean;
  /** Whether it has TLS_FALLBACK_SCSV, in which roles. */
  readonly fallback?: readonly ('server' | 'client')[];
  /** Its ciphers are slow: short lines do. */
  readonly brief?: boolean;
  /** Its server ends TCP without close_notify. */
  readonly truncates?: boolean;
  close(): void;
}
